package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

const maxText = 256 // characters of any text member of a registration

// create is POST /v1/identity-verifications (contract 2.1).
func (s *Sandbox) create(c *gin.Context) {
	o, ok := readBody(c, false)
	if !ok {
		return
	}
	n, v := s.readCreate(o)
	if len(v) > 0 {
		v.write(c)
		return
	}
	id, err := s.world.create(n)
	if err != nil {
		fail(c, err)
		return
	}
	s.world.mu.Lock()
	rule, lost := s.world.faults.strike(s.world.faults.API, faultTimeoutAfterCreate, opCreate)
	s.world.mu.Unlock()
	if lost {
		s.pause(c, rule.by)
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	reply(c, http.StatusCreated, struct {
		ID string `json:"id"`
	}{id})
}

// readCreate checks the known members; unknown ones are ignored as Ondato does.
func (s *Sandbox) readCreate(o object) (newSession, invalid) {
	v := invalid{}
	cfg := s.world.cfg
	n := newSession{representative: o.text(v, "", "representativeId")}
	switch setup := o.text(v, "", "setupId"); {
	case !o.has("setupId"):
		v.add("SetupId", "'Setup Id' must not be empty: give the id of an identity verification setup.")
	case len(v["$.setupId"]) > 0:
	case !isUUID(setup):
		v.add("$.setupId", "The JSON value could not be converted to System.Guid. Path: $.setupId. Give a UUID.")
	case len(cfg.Setups) > 0 && !slices.ContainsFunc(cfg.Setups, func(known string) bool { return strings.EqualFold(known, setup) }):
		v.add("SetupId", "The setup does not exist in this application: give the id of one of its identity verification setups.")
	default:
		n.setupID = strings.ToLower(setup)
	}
	n.reference = o.text(v, "", "externalReferenceId")
	if utf8.RuneCountInString(n.reference) > cfg.ReferenceLimit {
		v.add("ExternalReferenceId", "The length of 'External Reference Id' must be %d characters or fewer. You entered %d characters.",
			cfg.ReferenceLimit, utf8.RuneCountInString(n.reference))
	}
	if utf8.RuneCountInString(n.representative) > maxText {
		v.add("RepresentativeId", "The length of 'Representative Id' must be %d characters or fewer.", maxText)
	}
	if o.has("faceAuthentication") {
		fa, err := readObject(o["faceauthentication"])
		if err != nil {
			v.add("$.faceAuthentication", "The JSON value could not be converted to an object.")
		} else if id := fa.text(v, "faceAuthentication", "identityVerificationId"); !isUUID(id) {
			v.add("$.faceAuthentication.identityVerificationId", "The JSON value could not be converted to System.Guid. Give a UUID.")
		}
	}
	if o.has("registration") {
		s.readRegistration(o["registration"], &n, v)
	}
	return n, v
}

func (s *Sandbox) readRegistration(raw json.RawMessage, n *newSession, v invalid) {
	o, err := readObject(raw)
	if err != nil {
		v.add("$.registration", "The JSON value could not be converted to an object.")
		return
	}
	text := func(name, label string) string {
		t := o.text(v, "registration", name)
		if utf8.RuneCountInString(t) > maxText {
			v.add("Registration."+label, "The length of '%s' must be %d characters or fewer.", label, maxText)
		}
		return t
	}
	r := registration{
		FirstName: text("firstName", "FirstName"), MiddleName: text("middleName", "MiddleName"), LastName: text("lastName", "LastName"),
		DateOfBirth: text("dateOfBirth", "DateOfBirth"), Email: text("email", "Email"), PersonalCode: text("personalCode", "PersonalCode"),
		CountryCode: text("countryCode", "CountryCode"),
	}
	if r.DateOfBirth != "" {
		if _, err := time.Parse(time.DateOnly, r.DateOfBirth); err != nil {
			v.add("$.registration.dateOfBirth", "The JSON value could not be converted to a date. Give it as YYYY-MM-DD.")
		}
	}
	if at := strings.IndexByte(r.Email, '@'); r.Email != "" && (at < 1 || at == len(r.Email)-1) {
		v.add("Registration.Email", "'Email' is not a valid email address.")
	}
	if r.CountryCode != "" && (len(r.CountryCode) != 2 || strings.Trim(strings.ToUpper(r.CountryCode), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		v.add("Registration.CountryCode", "'Country Code' must be an ISO 3166-1 code of two letters.")
	}
	if o.has("phoneNumber") {
		// A number in every sample of Ondato (contract 2.1); a string is what System.Text.Json refuses for a number.
		if json.Unmarshal(o["phonenumber"], &r.PhoneNumber) != nil || *r.PhoneNumber < 0 {
			v.add("$.registration.phoneNumber", "The JSON value could not be converted to System.Int64. Give digits only, as a number.")
		}
	}
	if n.script, err = parseScript(r.LastName); err != nil {
		v.add("Registration.LastName", "%s", err.Error())
	}
	n.registration = mustJSON(r)
}

func (s *Sandbox) getVerification(c *gin.Context) {
	s.show(c, func(w *world, ses *session) any { return w.idvBody(ses) })
}

func (s *Sandbox) getVerificationSetup(c *gin.Context) {
	base := s.publicURL(c)
	s.show(c, func(w *world, ses *session) any { return w.setupBody(ses, base) })
}

// getWebhooks is the history of a session (contract 2.4): one record per webhook, however often it was sent.
func (s *Sandbox) getWebhooks(c *gin.Context) {
	s.show(c, func(w *world, ses *session) any {
		list := []envelope{}
		at := map[string]int{}
		for _, d := range w.courier.sessions[ses.ID] {
			i, known := at[d.WebhookID]
			if !known {
				no := false
				i = len(list)
				at[d.WebhookID] = i
				list = append(list, envelope{ID: d.WebhookID, ApplicationID: w.cfg.ApplicationID, CreatedUTC: sevenDigits(d.Created),
					IsDelivered: &no, Type: d.Type, Payload: d.Payload})
			}
			if e := &list[i]; d.State == deliveryDelivered && !*e.IsDelivered {
				yes := true
				e.IsDelivered, e.DeliveredUTC = &yes, sevenDigits(d.Delivered)
			}
		}
		return list
	})
}

func (s *Sandbox) getIdentification(c *gin.Context) {
	s.showKYC(c, func(w *world, ses *session) any { return w.kycBody(ses) })
}

func (s *Sandbox) getIdentificationSetup(c *gin.Context) {
	s.showKYC(c, func(w *world, ses *session) any { return w.kycSetupBody(ses) })
}

// show answers with what f makes of the session, rendered while nothing can change.
func (s *Sandbox) show(c *gin.Context, f func(*world, *session) any) {
	var body json.RawMessage
	err := s.world.with(pathID(c), false, func(ses *session, _ time.Time) error {
		body = mustJSON(f(s.world, ses))
		return nil
	})
	if err != nil {
		fail(c, err)
		return
	}
	reply(c, http.StatusOK, body)
}

func (s *Sandbox) showKYC(c *gin.Context, f func(*world, *session) any) {
	var body json.RawMessage
	if err := s.world.withKYC(pathID(c), func(ses *session) { body = mustJSON(f(s.world, ses)) }); err != nil {
		fail(c, err)
		return
	}
	reply(c, http.StatusOK, body)
}

// pathID is the id in the path; ids are compared without regard to case.
func pathID(c *gin.Context) string { return strings.ToLower(c.Param("id")) }

// putLocalisation is PUT setup-localisations (contract 2.3).
func (s *Sandbox) putLocalisation(c *gin.Context) {
	o, ok := readBody(c, false)
	if !ok {
		return
	}
	l, v := readLocalisation(o)
	if len(v) > 0 {
		v.write(c)
		return
	}
	err := s.world.with(pathID(c), true, func(ses *session, now time.Time) error {
		ses.Modified = s.world.stamp(ses, now)
		ses.Localisation = l
		return nil
	})
	if err != nil {
		fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func readLocalisation(o object) (*localisation, invalid) {
	v := invalid{}
	l := &localisation{DefaultLanguage: o.text(v, "", "defaultLanguage"), Settings: []localisationSetting{}}
	if l.DefaultLanguage == "" && len(v) == 0 {
		v.add("DefaultLanguage", "'Default Language' must not be empty: give a language like en-GB.")
	}
	var items []json.RawMessage
	if o.has("localisationSettings") && json.Unmarshal(o["localisationsettings"], &items) != nil {
		v.add("$.localisationSettings", "The JSON value could not be converted to a list.")
	}
	for _, raw := range items {
		item, err := readObject(raw)
		if err != nil {
			v.add("$.localisationSettings", "The JSON value could not be converted to a list of objects.")
			continue
		}
		const path = "localisationSettings"
		ls := localisationSetting{
			Language: item.text(v, path, "language"), PageTitle: item.text(v, path, "pageTitle"),
			SuccessRedirectURL: item.text(v, path, "successRedirectUrl"), FailureRedirectURL: item.text(v, path, "failureRedirectUrl"),
			ConsentDeclinedRedirectURL: item.text(v, path, "consentDeclinedRedirectUrl"),
		}
		if ls.Language == "" {
			v.add("LocalisationSettings.Language", "'Language' must not be empty: give a language like en-GB.")
		}
		for name, url := range map[string]string{"SuccessRedirectUrl": ls.SuccessRedirectURL, "FailureRedirectUrl": ls.FailureRedirectURL,
			"ConsentDeclinedRedirectUrl": ls.ConsentDeclinedRedirectURL} {
			if url != "" && checkURL(url) != nil {
				v.add("LocalisationSettings."+name, "It must be an absolute http or https URL.")
			}
		}
		l.Settings = append(l.Settings, ls)
	}
	if len(v) == 0 && l.main() == nil {
		v.add("LocalisationSettings", "There is no setting for the default language.")
	}
	return l, v
}

// putRedact is PUT redact (contract 8.2).
func (s *Sandbox) putRedact(c *gin.Context) {
	o, ok := readBody(c, false)
	if !ok {
		return
	}
	v := invalid{}
	scope := o.text(v, "", "scope")
	if scope != scopePersonal && scope != scopeBiometric && len(v) == 0 {
		v.add("Scope", "'Scope' must be %s or %s.", scopePersonal, scopeBiometric)
	}
	if len(v) > 0 {
		v.write(c)
		return
	}
	if err := s.world.redact(pathID(c), scope, c.GetString(contextClient)); err != nil {
		fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func (s *Sandbox) publicURL(c *gin.Context) string {
	if s.world.cfg.PublicURL != "" {
		return s.world.cfg.PublicURL
	}
	scheme := "http"
	if c.Request.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.Request.Host
}
