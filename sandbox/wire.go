package sandbox

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The bodies that Ondato's APIs answer with. Members without a value are left out, as in real captures.

type idvBody struct {
	ID                  string          `json:"id"`
	ApplicationID       string          `json:"applicationId"`
	CreatedUTC          string          `json:"createdUtc"`
	ModifiedUTC         string          `json:"modifiedUtc"`
	ExternalReferenceID string          `json:"externalReferenceId,omitempty"`
	RepresentativeID    string          `json:"representativeId,omitempty"`
	Status              string          `json:"status"`
	StatusReason        string          `json:"statusReason,omitempty"`
	Registration        json.RawMessage `json:"registration,omitempty"`
	Setup               setupRef        `json:"setup"`
	Step                stepBody        `json:"step"`
	Redaction           []redactionBody `json:"redaction,omitempty"`
}

type setupRef struct {
	ID        string `json:"id"`
	VersionID string `json:"versionId"`
}

type stepBody struct {
	Consent           *consentBody `json:"consent,omitempty"`
	KYCIdentification *kycStepBody `json:"kycIdentification,omitempty"`
}

type consentBody struct {
	ID           string `json:"id"`
	IsConsented  bool   `json:"isConsented"`
	ConsentedUTC string `json:"consentedUtc,omitempty"`
}

type kycStepBody struct {
	ID        string `json:"id"`
	IsSuccess *bool  `json:"isSuccess,omitempty"`
}

type redactionBody struct {
	ClientID     string `json:"clientId"`
	CreatedUTC   string `json:"createdUtc"`
	CompletedUTC string `json:"completedUtc,omitempty"`
	Scope        string `json:"scope"`
	Source       string `json:"source"`
	Status       string `json:"status"`
}

type kycBody struct {
	ID                     string    `json:"id"`
	ApplicationID          string    `json:"applicationId"`
	CreatedUTC             string    `json:"createdUtc"`
	Setup                  setupRef  `json:"setup"`
	IdentityVerificationID string    `json:"identityVerificationId"`
	ExternalReferenceID    string    `json:"externalReferenceId,omitempty"`
	Status                 string    `json:"status"`
	StatusReason           string    `json:"statusReason,omitempty"`
	IsCrossChecked         bool      `json:"isCrossChecked"`
	Document               *document `json:"document,omitempty"`
	Face                   *face     `json:"face,omitempty"`
	Rules                  []check   `json:"rules"`
	Registries             []check   `json:"registries"`
	FraudChecks            []check   `json:"fraudChecks"`
	Scores                 []check   `json:"scores"`
	CompletedUTC           string    `json:"completedUtc,omitempty"`
}

// envelope is a webhook (contract 5.1). The order of its members is that of the captures.
type envelope struct {
	ID            string          `json:"id"`
	ApplicationID string          `json:"applicationId"`
	CreatedUTC    string          `json:"createdUtc"`
	DeliveredUTC  string          `json:"deliveredUtc,omitempty"` // history only
	IsDelivered   *bool           `json:"isDelivered,omitempty"`  // history only
	Type          string          `json:"type"`
	Payload       json.RawMessage `json:"payload"`
}

// pascalEnvelope is the casing that a revision of the documentation shows (contract 5.1).
type pascalEnvelope struct {
	ID            string          `json:"Id"`
	ApplicationID string          `json:"ApplicationId"`
	CreatedUTC    string          `json:"CreatedUtc"`
	Type          string          `json:"Type"`
	Payload       json.RawMessage `json:"Payload"`
}

// trimmed writes a resource's time: milliseconds without trailing zeros.
func trimmed(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999Z07:00") }

// sevenDigits writes an envelope's time the way .NET does.
func sevenDigits(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z07:00") }

func whole(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z07:00") }

// derived gives a stable id for things that hang on another id: setup versions and KYC setups.
func derived(kind, id string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("sandbox/"+kind+"/"+strings.ToLower(id))).String()
}

func idvSetup(s *session) setupRef { return setupRef{s.SetupID, derived("version", s.SetupID)} }

func kycSetup(s *session) setupRef {
	id := derived("kyc-setup", s.SetupID)
	return setupRef{id, derived("version", id)}
}

func (w *world) idvBody(s *session) idvBody {
	b := idvBody{
		ID: s.ID, ApplicationID: w.cfg.ApplicationID, CreatedUTC: trimmed(s.Created), ModifiedUTC: trimmed(s.Modified),
		ExternalReferenceID: s.Reference, RepresentativeID: s.Representative, Status: s.Status, StatusReason: s.StatusReason,
		Registration: s.Registration, Setup: idvSetup(s),
	}
	switch s.Consent {
	case consentGiven:
		b.Step.Consent = &consentBody{s.ConsentID, true, trimmed(s.Consented)}
	case consentDeclined:
		b.Step.Consent = &consentBody{s.ConsentID, false, ""}
	}
	if s.KYC != nil && s.Identification != "" {
		b.Step.KYCIdentification = &kycStepBody{s.KYC.ID, isSuccess(s.state)}
	}
	for _, r := range s.Redactions {
		rb := redactionBody{ClientID: r.ClientID, CreatedUTC: trimmed(r.Created), Scope: r.Scope, Source: "OnDemand", Status: "InProgress"}
		if !r.Completed.IsZero() {
			rb.CompletedUTC, rb.Status = trimmed(r.Completed), "Completed"
		}
		b.Redaction = append(b.Redaction, rb)
	}
	return b
}

// isSuccess is unknown while the step can still change by the customer's hand.
func isSuccess(s state) *bool {
	yes, no := true, false
	switch {
	case s.Identification == approved:
		return &yes
	case s.Identification == rejected && s.terminal():
		return &no
	}
	return nil
}

func (w *world) kycBody(s *session) kycBody {
	k := s.KYC
	b := kycBody{
		ID: k.ID, ApplicationID: w.cfg.ApplicationID, CreatedUTC: trimmed(k.Created), Setup: kycSetup(s), IdentityVerificationID: s.ID,
		Status: s.Identification, StatusReason: s.Reason, IsCrossChecked: s.CrossChecked,
		Document: k.Document.seen(s.Identification, s.Reason, s.Modified), Face: k.Face,
		Rules: makeRules(s.state), Registries: []check{}, FraudChecks: makeFraudChecks(s.state), Scores: []check{},
	}
	if !k.Completed.IsZero() {
		b.CompletedUTC = whole(k.Completed)
	}
	if w.cfg.ReferenceInIdentifications {
		b.ExternalReferenceID = s.Reference
	}
	return b
}

// payload is the body the resource's GET answers at this moment.
func (w *world) payload(s *session, event string) json.RawMessage {
	var body any = w.idvBody(s)
	if strings.HasPrefix(event, "KycIdentification.") {
		body = w.kycBody(s)
	}
	return mustJSON(body)
}

// mustJSON encodes our own structs of strings, numbers and bools, which cannot fail.
func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

type setupBody struct {
	ID                     string         `json:"id"`
	VersionID              string         `json:"versionId"`
	ApplicationID          string         `json:"applicationId"`
	Name                   string         `json:"name"`
	IsLive                 bool           `json:"isLive"`
	IsDisabled             bool           `json:"isDisabled"`
	Steps                  []setupStep    `json:"steps"`
	Omnichannel            map[string]any `json:"omnichannel"`
	SubmissionContinuity   map[string]any `json:"submissionContinuity"`
	SessionScreenRecording map[string]any `json:"sessionScreenRecording"`
	EndScreen              map[string]any `json:"endScreen"`
	WebAppSetting          webAppSetting  `json:"webAppSetting"`
	GeneralAppSetting      map[string]any `json:"generalAppSetting"`
}

type setupStep struct {
	Order   int    `json:"order"`
	SetupID string `json:"setupId"`
	Type    string `json:"type"`
}

type webAppSetting struct {
	BaseURL                    string                `json:"baseUrl"`
	DefaultLocalisationSetting *localisationSetting  `json:"defaultLocalisationSetting,omitempty"`
	LocalisationSettings       []localisationSetting `json:"localisationSettings"`
}

// localisation is the body of PUT setup-localisations (contract 2.3).
type localisation struct {
	DefaultLanguage string                `json:"defaultLanguage"`
	Settings        []localisationSetting `json:"localisationSettings"`
}

type localisationSetting struct {
	Language                   string `json:"language"`
	PageTitle                  string `json:"pageTitle,omitempty"`
	SuccessRedirectURL         string `json:"successRedirectUrl,omitempty"`
	FailureRedirectURL         string `json:"failureRedirectUrl,omitempty"`
	ConsentDeclinedRedirectURL string `json:"consentDeclinedRedirectUrl,omitempty"`
}

func (l *localisation) main() *localisationSetting {
	if l == nil {
		return nil
	}
	for i := range l.Settings {
		if strings.EqualFold(l.Settings[i].Language, l.DefaultLanguage) {
			return &l.Settings[i]
		}
	}
	return nil
}

func (w *world) setupBody(s *session, baseURL string) setupBody {
	ref := idvSetup(s)
	b := setupBody{
		ID: ref.ID, VersionID: ref.VersionID, ApplicationID: w.cfg.ApplicationID, Name: "Sandbox", IsLive: w.cfg.Live,
		Steps:                  []setupStep{{1, kycSetup(s).ID, "KycIdentification"}},
		Omnichannel:            map[string]any{"enabled": false, "onlyMobileEnabled": false, "appStoreEnabled": false, "restrictToSameIpAddress": false},
		SubmissionContinuity:   map[string]any{"enabled": true, "otpDeliverType": "Email"},
		SessionScreenRecording: map[string]any{"enabled": false},
		EndScreen:              map[string]any{"enabled": true},
		GeneralAppSetting:      map[string]any{"supportEmail": "support@example.test"},
		WebAppSetting:          webAppSetting{BaseURL: baseURL, LocalisationSettings: []localisationSetting{}},
	}
	if s.Localisation != nil {
		b.WebAppSetting.LocalisationSettings = s.Localisation.Settings
		b.WebAppSetting.DefaultLocalisationSetting = s.Localisation.main()
	}
	return b
}

type kycSetupBody struct {
	ID            string         `json:"id"`
	VersionID     string         `json:"versionId"`
	ApplicationID string         `json:"applicationId"`
	IsDisabled    bool           `json:"isDisabled"`
	Document      map[string]any `json:"document"`
	Face          map[string]any `json:"face"`
}

func (w *world) kycSetupBody(s *session) kycSetupBody {
	ref := kycSetup(s)
	return kycSetupBody{
		ID: ref.ID, VersionID: ref.VersionID, ApplicationID: w.cfg.ApplicationID,
		Document: map[string]any{"enabled": true, "documentTypes": documentTypes},
		Face:     map[string]any{"enabled": true, "activeLivenessEnabled": false, "passiveLivenessEnabled": true},
	}
}
