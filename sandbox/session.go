package sandbox

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// session is one identity verification with its one identification (contract 8.1), as kept in memory and in the file.
type session struct {
	state

	ID        string    `json:"id"`
	Number    int64     `json:"number"` // order of creation
	Reference string    `json:"reference,omitempty"`
	SetupID   string    `json:"setupId"`
	Created   time.Time `json:"created"`
	Modified  time.Time `json:"modified"`
	Acted     time.Time `json:"acted"` // starts the idle clock

	Registration   json.RawMessage `json:"registration,omitempty"` // known members, as echoed
	Representative string          `json:"representative,omitempty"`
	Localisation   *localisation   `json:"localisation,omitempty"`

	ConsentID string          `json:"consentId,omitempty"`
	Consented time.Time       `json:"consented,omitzero"`
	KYC       *identification `json:"kyc,omitempty"`

	Redactions []redaction `json:"redactions,omitempty"`
	History    []change    `json:"history"`

	Script     []action  `json:"script,omitempty"`
	ScriptAt   time.Time `json:"scriptAt,omitzero"`
	Decide     *action   `json:"decide,omitempty"`
	DecideAt   time.Time `json:"decideAt,omitzero"`
	PageChoice string    `json:"pageChoice,omitempty"` // the demo user's "decide for me"

	entry *entry[*session] // in the agenda
}

type identification struct {
	ID        string    `json:"id"`
	Created   time.Time `json:"created"`
	Completed time.Time `json:"completed,omitzero"`
	Document  *document `json:"document,omitempty"`
	Face      *face     `json:"face,omitempty"`
}

type redaction struct {
	Scope     string    `json:"scope"`
	ClientID  string    `json:"clientId"`
	Created   time.Time `json:"created"`
	Due       time.Time `json:"due"`
	Completed time.Time `json:"completed,omitzero"`
}

// change is one line of the history that verification reads.
type change struct {
	At             time.Time `json:"at"`
	Action         string    `json:"action"`
	Status         string    `json:"status"`
	Identification string    `json:"identificationStatus,omitempty"`
	Reason         string    `json:"identificationReason,omitempty"`
}

// A session's history is bounded: what a test or a demo can produce fits, a runaway loop does not fill the memory.
const maxHistory = 200

func (s *session) note(at time.Time, what string) {
	s.History = append(s.History, change{at, what, s.Status, s.Identification, s.Reason})
	if len(s.History) > maxHistory {
		s.History = append(s.History[:1], s.History[len(s.History)-maxHistory+1:]...)
	}
}

// due is when something happens to the session by itself; the zero time means never.
func (s *session) due() time.Time {
	var first time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	sooner(s.ScriptAt)
	sooner(s.DecideAt)
	if t, ok := deadline(s.state, s.Created, s.Acted); ok {
		sooner(t)
	}
	for _, r := range s.Redactions {
		if r.Completed.IsZero() {
			sooner(r.Due)
		}
	}
	return first
}

// settle sets what follows from reaching a state: times, ids and the made-up record.
func (s *session) settle(to state, event string, a action, at time.Time) {
	s.state = to
	s.Modified = at
	switch event {
	case eventConsented:
		s.Consented, s.ConsentID = at, uuid.NewString()
	case eventCreated:
		s.KYC = &identification{ID: uuid.NewString(), Created: at}
	case eventProcessed:
		s.KYC.Completed = at.Truncate(time.Second)
		s.KYC.Document = makeDocument(s, a.DocumentType, at)
		s.KYC.Face = makeFace(s, at)
	case eventUpdated:
		s.KYC.Document.edit(a.Document)
	}
	if a.Kind == actDeclineConsent {
		s.ConsentID = uuid.NewString()
	}
	if a.Kind == actResubmit {
		s.KYC.Completed, s.KYC.Document, s.KYC.Face = time.Time{}, nil, nil
	}
	// An edit or a decision by Ondato is no action of the customer, but a rejection hands the turn back.
	if a.Kind != actUpdate {
		s.Acted = at
	}
}

// redact removes what a finished redaction covers (contract 8.2).
func (s *session) redact(scope string) {
	switch scope {
	case scopePersonal:
		s.Registration = nil
		if s.KYC != nil && s.KYC.Document != nil {
			s.KYC.Document = &document{Type: s.KYC.Document.Type, Files: []file{}, OCR: []ocrValidation{}}
		}
	case scopeBiometric:
		if s.KYC != nil {
			s.KYC.Face = nil
		}
	}
}

const (
	scopePersonal  = "PersonalData"
	scopeBiometric = "BiometricData"
)
