package bench

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"kyc/onboarding"
)

// target is an onboarding that events are sent to.
type target struct {
	id             onboarding.ID
	session        string
	identification string
	runID          string    // of the workflow, once it has been started
	first          string    // the id of sameEvent
	firstAt        time.Time // its time
}

func newTarget() target {
	return target{
		id: onboarding.Reference(uuid.NewString()).ID(), session: uuid.NewString(), identification: uuid.NewString(),
		first: uuid.NewString(), firstAt: time.Now().UTC(),
	}
}

// sameEvent is the target's first event, the same whenever it is sent.
func (t target) sameEvent() onboarding.Event {
	e := t.event(0)
	e.ID, e.CreatedUtc = t.first, t.firstAt
	return e
}

// sixEvents are those of an approved onboarding, in the order in which Ondato sends them.
var sixEvents = []struct {
	kind   onboarding.EventType
	status string
}{
	{onboarding.EventStatusChanged, string(onboarding.SessionInProgress)},
	{onboarding.EventConsented, string(onboarding.SessionInProgress)},
	{onboarding.EventCreated, string(onboarding.IdentificationAwaiting)},
	{onboarding.EventProcessed, string(onboarding.IdentificationAwaiting)},
	{onboarding.EventApproved, string(onboarding.IdentificationApproved)},
	{onboarding.EventStatusChanged, string(onboarding.SessionCompleted)},
}

// event is the nth of the six (counted on and on) as the signal carries it, with an id of its own.
func (t target) event(n int) onboarding.Event {
	of := sixEvents[n%len(sixEvents)]
	e := onboarding.Event{ID: uuid.NewString(), Type: of.kind, CreatedUtc: time.Now().UTC(), SessionID: t.session, Status: of.status}
	if !ofSession(of.kind) {
		e.IdentificationID = t.identification
	}
	return e
}

func ofSession(kind onboarding.EventType) bool {
	return kind == onboarding.EventStatusChanged || kind == onboarding.EventConsented
}

// payloads of the two resources, of the size and shape of Ondato's, with made-up people in them.
const (
	sessionPayload = `{"id":"%[1]s","applicationId":"` + applicationID + `","createdUtc":"2026-11-03T09:10:58.112Z",` +
		`"modifiedUtc":"2026-11-03T09:16:02.551Z","externalReferenceId":"%[2]s","status":"%[3]s","registration":{"firstName":"Ona",` +
		`"lastName":"Pavyzdė","dateOfBirth":"1991-04-17","email":"ona@customer.example","phoneNumber":"+37060000001"},` +
		`"setup":{"id":"` + setupID + `","versionId":"3c1f2b14-5a7e-4d61-9a1c-7a2f5f1f0c11"},"step":{"consent":{` +
		`"id":"5f0d2c35-1be1-4a39-9ab5-0c7f16a1b2c3","isConsented":true,"consentedUtc":"2026-11-03T09:11:40.004Z"},` +
		`"kycIdentification":{"id":"%[4]s"}}}`
	identificationPayload = `{"id":"%[4]s","applicationId":"` + applicationID + `","createdUtc":"2026-11-03T09:12:01.377Z",` +
		`"setup":{"id":"0a4f3c9e-62d0-4d5b-8f57-1f0f4b7e2d10","versionId":"9b0e6d2f-0f3a-4c0d-8e6b-6c2d9a7b1e20"},` +
		`"identityVerificationId":"%[1]s","status":"%[3]s","isCrossChecked":false,"document":{"type":"Passport","firstName":"ONA",` +
		`"lastName":"PAVYZDĖ","documentNumber":"00000000","dateOfBirth":"1991-04-17","dateOfExpiration":"2031-02-01","nationality":"LT"},` +
		`"rules":[{"id":"2d7c1f90-3b7a-4f0e-8a52-5a1c1f7b3e01","name":"DocumentExpiration","status":"Passed"}],"registries":[],` +
		`"fraudChecks":[],"scores":[],"completedUtc":"2026-11-03T09:15:58.020Z"}`
)

// body is the event as Ondato posts it.
func (t target) body(e onboarding.Event) []byte {
	payload := identificationPayload
	if ofSession(e.Type) {
		payload = sessionPayload
	}
	out := make([]byte, 0, 1200)
	out = fmt.Appendf(out, `{"id":"%s","applicationId":"%s","createdUtc":"%s","type":"%s","payload":`,
		e.ID, applicationID, e.CreatedUtc.Format("2006-01-02T15:04:05.0000000Z"), e.Type)
	out = fmt.Appendf(out, payload, e.SessionID, t.id, e.Status, t.identification)
	return append(out, '}')
}

// credentials returns a header line that authenticates a body.
type credentials func(body []byte) string

var basicLine = "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(webhookUser+":"+webhookPassword)) + "\r\n"

func basic([]byte) string { return basicLine }

// signed is Ondato-Signature: an HMAC of time and body.
func signed(body []byte) string {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return "Ondato-Signature: t=" + at + ", s=" + hex.EncodeToString(mac.Sum(nil)) + "\r\n"
}
