package sandbox

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

//go:embed openapi.yaml
var openAPIFile []byte

func (s *Sandbox) openAPI(c *gin.Context) {
	c.Data(http.StatusOK, "application/yaml; charset=utf-8", openAPIFile)
}

// sessionView is a session as the control API tells it: the truth to verify against.
type sessionView struct {
	ID                   string          `json:"id"`
	Number               int64           `json:"number"`
	ExternalReferenceID  string          `json:"externalReferenceId,omitempty"`
	SetupID              string          `json:"setupId"`
	CreatedUTC           string          `json:"createdUtc"`
	ModifiedUTC          string          `json:"modifiedUtc"`
	ExpiresUTC           string          `json:"expiresUtc,omitempty"`
	Status               string          `json:"status"`
	StatusReason         string          `json:"statusReason,omitempty"`
	Consent              string          `json:"consent,omitempty"`
	IdentificationID     string          `json:"identificationId,omitempty"`
	IdentificationStatus string          `json:"identificationStatus,omitempty"`
	IdentificationReason string          `json:"identificationReason,omitempty"`
	Submitted            bool            `json:"submitted"`
	Rejections           int             `json:"rejections"`
	DocumentType         string          `json:"documentType,omitempty"`
	Registration         json.RawMessage `json:"registration,omitempty"`
	ScriptLeft           []string        `json:"scriptLeft,omitempty"`
	DecisionUTC          string          `json:"decisionUtc,omitempty"` // when the automatic decision comes
	Allowed              []string        `json:"allowed"`
	Webhooks             webhookCount    `json:"webhooks"`
	Link                 string          `json:"link"`
	History              []changeView    `json:"history"`
}

type webhookCount struct {
	Delivered int `json:"delivered"`
	Pending   int `json:"pending"`
	Dropped   int `json:"dropped"`
}

type changeView struct {
	AtUTC                string `json:"atUtc"`
	What                 string `json:"what"`
	Status               string `json:"status"`
	IdentificationStatus string `json:"identificationStatus,omitempty"`
	IdentificationReason string `json:"identificationReason,omitempty"`
}

func (w *world) view(s *session, base string) sessionView {
	v := sessionView{
		ID: s.ID, Number: s.Number, ExternalReferenceID: s.Reference, SetupID: s.SetupID, CreatedUTC: sevenDigits(s.Created),
		ModifiedUTC: sevenDigits(s.Modified), Status: s.Status, StatusReason: s.StatusReason, Consent: s.Consent,
		IdentificationStatus: s.Identification, IdentificationReason: s.Reason, Submitted: s.Submitted, Rejections: s.Rejections,
		Registration: s.Registration, Allowed: allowed(s.state, rules{w.cfg.Retries, w.cfg.CompleteBeforeDecision}),
		Link: base + "/?id=" + s.ID, History: []changeView{},
	}
	if t, ok := deadline(s.state, s.Created, s.Acted); ok {
		v.ExpiresUTC = sevenDigits(t)
	}
	if s.KYC != nil {
		v.IdentificationID = s.KYC.ID
		if s.KYC.Document != nil {
			v.DocumentType = s.KYC.Document.Type
		}
	}
	for _, a := range s.Script {
		v.ScriptLeft = append(v.ScriptLeft, a.Kind)
	}
	if s.Decide != nil {
		v.DecisionUTC = sevenDigits(s.DecideAt)
	}
	for _, h := range s.History {
		v.History = append(v.History, changeView{sevenDigits(h.At), h.Action, h.Status, h.Identification, h.Reason})
	}
	for _, d := range w.courier.sessions[s.ID] {
		switch d.State {
		case deliveryDelivered:
			v.Webhooks.Delivered++
		case deliveryPending:
			v.Webhooks.Pending++
		default:
			v.Webhooks.Dropped++
		}
	}
	return v
}

// number reads a query parameter between low and high; it has answered when it returns false.
func number(c *gin.Context, name string, fallback, low, high int) (int, bool) {
	text := c.Query(name)
	if text == "" {
		return fallback, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		invalid{name: {fmt.Sprintf("It must be a number from %d to %d.", low, high)}}.write(c)
		return 0, false
	}
	return n, true
}

// choice reads a query parameter that has to be one of a list; it has answered when it returns false.
func choice(c *gin.Context, name string, known []string) (string, bool) {
	text := c.Query(name)
	if text != "" && !slices.Contains(known, text) {
		invalid{name: {fmt.Sprintf("It must be one of %s.", strings.Join(known, ", "))}}.write(c)
		return "", false
	}
	return text, true
}

func (s *Sandbox) listSessions(c *gin.Context) {
	limit, ok := number(c, "limit", 100, 1, 10_000)
	if !ok {
		return
	}
	offset, ok := number(c, "offset", 0, 0, math.MaxInt32)
	if !ok {
		return
	}
	status, ok := choice(c, "status", []string{pending, inProgress, suspended, completed, aborted, expired})
	if !ok {
		return
	}
	reference := c.Query("externalReferenceId")
	base := s.publicURL(c)
	list := []sessionView{}
	total := 0
	w := s.world
	w.mu.Lock()
	w.catchUp()
	for _, ses := range slices.Backward(w.newest) {
		if (status != "" && ses.Status != status) || (reference != "" && !strings.EqualFold(ses.Reference, reference)) {
			continue
		}
		if total >= offset && len(list) < limit {
			list = append(list, w.view(ses, base))
		}
		total++
	}
	err := w.commit()
	w.mu.Unlock()
	if err != nil {
		fail(c, err)
		return
	}
	reply(c, http.StatusOK, struct {
		Total    int           `json:"total"`
		Sessions []sessionView `json:"sessions"`
	}{total, list})
}

func (s *Sandbox) getSession(c *gin.Context) {
	base := s.publicURL(c)
	s.show(c, func(w *world, ses *session) any { return w.view(ses, base) })
}

// act lets the caller be the customer or Ondato.
func (s *Sandbox) act(c *gin.Context) {
	kind := c.Param("action")
	if !slices.Contains(allActions, kind) {
		problem(c, http.StatusNotFound, "There is no such action, known are: "+strings.Join(allActions, ", ")+".")
		return
	}
	o, ok := readBody(c, true)
	if !ok {
		return
	}
	a, v := readAction(kind, o)
	if len(v) > 0 {
		v.write(c)
		return
	}
	if err := s.world.do(pathID(c), a); err != nil {
		fail(c, err)
		return
	}
	s.getSession(c)
}

// readAction reads the members an action takes; others are refused, since nobody but a tester sends them.
func readAction(kind string, o object) (action, invalid) {
	a, v := action{Kind: kind}, invalid{}
	takes := map[string][]string{
		actApprove: {"automatic"}, actReject: {"reason", "final", "automatic"}, actSubmit: {"documenttype", "decision"}, actUpdate: {"document"},
	}[kind]
	for name := range o {
		if !slices.Contains(takes, name) {
			v.add(name, "The action %s does not take this member.", kind)
		}
	}
	flag := func(name string) (value bool) {
		if o.has(name) && json.Unmarshal(o[name], &value) != nil {
			v.add(name, "It must be true or false.")
		}
		return value
	}
	switch kind {
	case actApprove:
		a.Manual = !flag("automatic")
	case actReject:
		a.Final, a.Manual = flag("final"), !flag("automatic")
		a.Reason = o.text(v, "", "reason")
		if _, ok := findReason(a.Reason); !ok && len(v) == 0 {
			v.add("reason", "It must be one of GET /_sandbox/reasons, for example BlurredPhoto.")
		}
	case actSubmit:
		a.DocumentType = o.text(v, "", "documentType")
		if a.DocumentType != "" && !slices.Contains(documentTypes, a.DocumentType) {
			v.add("documentType", "It must be one of %s.", strings.Join(documentTypes, ", "))
		}
		a.Decision = o.text(v, "", "decision")
		if _, err := parseDecision(a.Decision); err != nil {
			v.add("decision", "%s", err.Error())
		}
	case actUpdate:
		if o.has("document") {
			a.Document = readEdit(o["document"], v)
		}
	}
	return a, v
}

func readEdit(raw json.RawMessage, v invalid) map[string]string {
	var members map[string]string
	if json.Unmarshal(raw, &members) != nil {
		v.add("document", "It must be an object whose members are strings.")
		return nil
	}
	known := new(document).editable()
	for name, value := range members {
		if known[name] == nil {
			v.add("document."+name, "A document has no such editable member.")
		}
		if len(value) > maxText {
			v.add("document."+name, "It must be %d characters or fewer.", maxText)
		}
	}
	return members
}

type deliveryView struct {
	Number       int64         `json:"number"`
	WebhookID    string        `json:"webhookId"`
	SessionID    string        `json:"sessionId"`
	Type         string        `json:"type"`
	CreatedUTC   string        `json:"createdUtc"`
	State        string        `json:"state"`
	Why          string        `json:"why,omitempty"`
	DeliveredUTC string        `json:"deliveredUtc,omitempty"`
	NextUTC      string        `json:"nextAttemptUtc,omitempty"`
	Attempts     []attemptView `json:"attempts"`
}

type attemptView struct {
	AtUTC  string `json:"atUtc"`
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
	Millis int64  `json:"millis"`
}

func viewDelivery(d *delivery) deliveryView {
	v := deliveryView{Number: d.Seq, WebhookID: d.WebhookID, SessionID: d.SessionID, Type: d.Type, CreatedUTC: sevenDigits(d.Created),
		State: d.State, Why: d.Why, Attempts: []attemptView{}}
	if !d.Delivered.IsZero() {
		v.DeliveredUTC = sevenDigits(d.Delivered)
	}
	if !d.Due.IsZero() {
		v.NextUTC = sevenDigits(d.Due)
	}
	for _, a := range d.Attempts {
		v.Attempts = append(v.Attempts, attemptView{sevenDigits(a.At), a.Status, a.Error, a.Millis})
	}
	return v
}

// listDeliveries is the delivery log, newest first.
func (s *Sandbox) listDeliveries(c *gin.Context) {
	limit, ok := number(c, "limit", 100, 1, 10_000)
	if !ok {
		return
	}
	state, ok := choice(c, "state", []string{deliveryPending, deliveryDelivered, deliveryDropped})
	if !ok {
		return
	}
	event, ok := choice(c, "type", eventTypes)
	if !ok {
		return
	}
	sessionID := strings.ToLower(c.Query("session"))
	list := []deliveryView{}
	total := 0
	w := s.world
	w.mu.Lock()
	source := w.courier.log
	if sessionID != "" {
		source = w.courier.sessions[sessionID]
	}
	for _, d := range slices.Backward(source) {
		if (state != "" && d.State != state) || (event != "" && d.Type != event) {
			continue
		}
		if len(list) < limit {
			list = append(list, viewDelivery(d))
		}
		total++
	}
	w.mu.Unlock()
	reply(c, http.StatusOK, struct {
		Total      int            `json:"total"`
		Deliveries []deliveryView `json:"deliveries"`
	}{total, list})
}

func (s *Sandbox) getFaults(c *gin.Context) {
	s.world.mu.Lock()
	body := mustJSON(s.world.faults)
	s.world.mu.Unlock()
	reply(c, http.StatusOK, body)
}

// putFaults replaces all faults: what is not named is off.
func (s *Sandbox) putFaults(c *gin.Context) {
	o, ok := readBody(c, false)
	if !ok {
		return
	}
	set, v := noFaults(s.world.cfg.Seed), invalid{}
	read := func(name string, into any) {
		if !o.has(name) {
			return
		}
		dec := json.NewDecoder(strings.NewReader(string(o[name])))
		dec.DisallowUnknownFields()
		if err := dec.Decode(into); err != nil {
			v.add(name, "It cannot be read: %s.", strings.TrimPrefix(err.Error(), "json: "))
		}
	}
	read("seed", &set.Seed)
	read("webhooks", &set.Webhooks)
	read("api", &set.API)
	for name := range o {
		if !slices.Contains([]string{"seed", "webhooks", "api"}, name) {
			v.add(name, "There is no such member: use seed, webhooks and api.")
		}
	}
	if len(v) == 0 {
		if err := set.prepare(); err != nil {
			v["faults"] = strings.Split(err.Error(), "\n")
		}
	}
	if len(v) > 0 {
		v.write(c)
		return
	}
	s.setFaults(c, set)
}

func (s *Sandbox) deleteFaults(c *gin.Context) { s.setFaults(c, noFaults(s.world.cfg.Seed)) }

func (s *Sandbox) setFaults(c *gin.Context, set *faultSet) {
	s.world.mu.Lock()
	s.world.faults = set
	s.world.mu.Unlock()
	s.getFaults(c)
}

type clockView struct {
	NowUTC string  `json:"nowUtc"`
	Scale  float64 `json:"scale"`
	Ahead  string  `json:"aheadOfReal"`
}

func (s *Sandbox) getClock(c *gin.Context) {
	cl := s.world.clock
	reply(c, http.StatusOK, clockView{sevenDigits(cl.now()), cl.getScale(), cl.offset().Round(time.Second).String()})
}

// postClock moves the clock forward and changes its scale. When it answers, everything due by the new time has
// happened; webhooks about it are on their way.
func (s *Sandbox) postClock(c *gin.Context) {
	o, ok := readBody(c, false)
	if !ok {
		return
	}
	v := invalid{}
	var scale float64
	if o.has("scale") {
		if json.Unmarshal(o["scale"], &scale) != nil || !(scale >= 0 && scale <= maxScale) {
			v.add("scale", "It must be a number from 0 (the clock stands still) to %d.", maxScale)
		}
	}
	step, err := parseSpan(o.text(v, "", "advance"), 0, maxAdvance)
	if err != nil {
		v.add("advance", "%s", err.Error())
	}
	if !o.has("scale") && !o.has("advance") {
		v.add("advance", "Give advance (a duration like 2h), scale, or both.")
	}
	for name := range o {
		if name != "scale" && name != "advance" {
			v.add(name, "There is no such member: use advance and scale.")
		}
	}
	if len(v) > 0 {
		v.write(c)
		return
	}
	w := s.world
	w.mu.Lock()
	if o.has("scale") {
		w.clock.setScale(scale)
	}
	w.clock.advance(step)
	w.catchUp()
	w.changed.metaHasToBeKept = true
	err = w.commit()
	w.mu.Unlock()
	w.poke()
	if err != nil {
		fail(c, err)
		return
	}
	s.getClock(c)
}

// deleteTokens makes every token given so far worthless.
func (s *Sandbox) deleteTokens(c *gin.Context) {
	w := s.world
	w.mu.Lock()
	w.generation++
	w.changed.metaHasToBeKept = true
	err := w.commit()
	w.mu.Unlock()
	if err != nil {
		fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func (s *Sandbox) health(c *gin.Context) {
	w := s.world
	w.mu.Lock()
	sessions, inFlight, broken := len(w.sessions), w.courier.inFlight, w.broken
	w.mu.Unlock()
	if broken != nil {
		problem(c, http.StatusServiceUnavailable, "The sandbox cannot keep its state, see its log.")
		return
	}
	reply(c, http.StatusOK, map[string]any{"status": "ok", "sessions": sessions, "webhooksInFlight": inFlight})
}
