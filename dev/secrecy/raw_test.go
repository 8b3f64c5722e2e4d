package secrecy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"kyc/dev/stack"
	"kyc/onboarding"
	"kyc/starter"
)

// The classes of what is looked for.
const (
	ofName, ofBirth, ofEmail, ofPhone = "name", "birth date", "e-mail address", "phone number"
	ofCode, ofReference               = "national code", "reference"
	ofSession, ofLink                 = "session", "link"
	ofOperator, ofReason              = "operator", "operator's reason"
	ofDocument                        = "document"
)

// entering are the classes that enter Temporal. What is read off a document never does: the handoff passes it on.
var entering = []string{ofName, ofBirth, ofEmail, ofPhone, ofCode, ofReference, ofSession, ofLink, ofOperator, ofReason}

// TestRaw_EveryCourse_LeavesNothingPersonal plays onboardings with distinctive data and looks for each datum, in every
// form, in the raw bytes of all that is kept.
func TestRaw_EveryCourse_LeavesNothingPersonal(t *testing.T) {
	t.Parallel()
	c := playAll(t, nil)
	c.everythingIsSealed(t)
	for file, hay := range c.haystacks(t) {
		require.Empty(t, c.needles.in(hay), "%s, %d bytes", file, len(hay))
	}
	require.NoError(t, c.Stop()) // the write-ahead log goes into the file
	for file, hay := range c.haystacks(t) {
		require.Empty(t, c.needles.in(hay), "%s, %d bytes, after the end", file, len(hay))
	}
}

// TestRaw_WithoutEncryption_TheSameSearchFinds proves that the search can fail. It also shows what the encryption has
// nothing to do with: logs and metrics hold nothing personal, and documents never enter Temporal.
func TestRaw_WithoutEncryption_TheSameSearchFinds(t *testing.T) {
	t.Parallel()
	c := playAll(t, map[string]string{"PRIVACY_PLAINTEXT": "1"})
	found := map[string]bool{}
	for file, hay := range c.haystacks(t) {
		for _, f := range c.needles.in(hay) {
			require.Contains(t, file, "temporal.db", "%s", f)
			found[f.class] = true
		}
	}
	var classes []string
	for class := range found {
		classes = append(classes, class)
	}
	require.ElementsMatch(t, entering, classes)
}

// cast is a rig with made-up people in it.
type cast struct {
	*rig
	mu      sync.Mutex
	needles *needles
	ids     []onboarding.ID
	marks   []string
	pages   map[string][]byte
}

func newCast(t *testing.T, cfg stack.Config) *cast {
	t.Helper()
	return &cast{rig: startRig(t, cfg), needles: newNeedles(), pages: map[string][]byte{}}
}

// courses by the mark that is in every datum of who takes them.
var courses = map[string]func(*cast, *testing.T, onboarding.Request){
	"approved":  (*cast).approval,
	"rejected":  (*cast).rejection,
	"retried":   (*cast).secondAttempt,
	"backend":   (*cast).backendDown,
	"refused":   (*cast).mailRefused,
	"busy":      (*cast).mailRefused,
	"sick":      (*cast).ondatoSick,
	"reversed":  (*cast).reversal,
	"cancelled": (*cast).cancellation,
	"decided":   (*cast).override,
	"conflict":  (*cast).conflict,
	"erased":    (*cast).erasure,
	"byapi":     (*cast).throughAPI,
}

// playAll takes every course on a stack of its own.
func playAll(t *testing.T, variables map[string]string) *cast {
	c := newCast(t, stack.Config{Variables: variables})
	t.Run("courses", func(t *testing.T) {
		for mark, course := range courses {
			t.Run(mark, func(t *testing.T) {
				t.Parallel()
				course(c, t, c.person(t, mark))
			})
		}
	})
	require.False(t, t.Failed())
	pages := map[string]string{"worker's metrics": c.MetricsURL, "bridge's metrics": c.BridgeURL + "/metrics", "API's metrics": c.APIURL + "/metrics"}
	if c.sealed() {
		c.showPayloads(t)
		pages["codec server's metrics"] = c.CodecURL + "/metrics"
	}
	for name, url := range pages {
		answer, err := http.Get(url)
		require.NoError(t, err)
		page, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode)
		require.NotEmpty(t, page)
		c.pages[name] = page
	}
	return c
}

func (c *cast) sealed() bool { return c.cfg.Variables["PRIVACY_PLAINTEXT"] == "" }

// haystacks are all that is kept: by Temporal, by the key store, in logs, on metrics pages. The sandbox is Ondato's side,
// the example backend and the mail server are their owners'.
func (c *cast) haystacks(t *testing.T) map[string][]byte {
	t.Helper()
	hay := map[string][]byte{}
	for name, page := range c.pages {
		hay[name] = page
	}
	entries, err := os.ReadDir(c.dir)
	require.NoError(t, err)
	for _, e := range entries {
		// secrets.json and setups.yaml are configuration.
		if slices.ContainsFunc([]string{"sandbox.db", "decisions.json"}, func(theirs string) bool { return strings.HasPrefix(e.Name(), theirs) }) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(c.dir, e.Name()))
		require.NoError(t, err)
		if filepath.Join(c.dir, e.Name()) == c.logFile() {
			data = c.ours(t, data)
		}
		hay[e.Name()] = data
	}
	for _, must := range []string{"temporal.db", "keys.db", "keyset.json", "programs.log"} {
		if must == "keys.db" && (!c.sealed() || c.cfg.Variables["PRIVACY_KEYS_URL"] != "") {
			continue
		}
		require.NotEmpty(t, hay[must], must)
	}
	return hay
}

// ours are the log lines but for the sandbox's. Every program must have said something, or the search proves nothing.
func (c *cast) ours(t *testing.T, log []byte) (out []byte) {
	t.Helper()
	said := map[string]int{}
	for line := range bytes.Lines(log) {
		if bytes.Contains(line, []byte(" program=sandbox ")) {
			continue
		}
		out = append(out, line...)
		for _, program := range []string{"worker", "webhookbridge", "api", "codec-server", "temporal"} {
			if bytes.Contains(line, []byte(" program="+program+" ")) {
				said[program]++
			}
		}
	}
	require.Greater(t, said["worker"], 50)
	require.Greater(t, said["webhookbridge"], 20)
	require.Greater(t, said["temporal"], 50)
	if len(c.pages) > 0 { // these have been asked
		require.Greater(t, said["api"], 10)
		require.Equal(t, c.sealed(), said["codec-server"] > 3)
	}
	require.Contains(t, string(out), "level=DEBUG")
	return out
}

// --- people -------------------------------------------------------------------------------------------------------

// person makes up somebody whose every datum is distinctive.
func (c *cast) person(t *testing.T, mark string) onboarding.Request {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.ids)
	q := onboarding.Request{
		Reference: onboarding.Reference(fmt.Sprintf("byla-%s-Ž%04dQX", mark, 7300+n)), Setup: "watched",
		Applicant: onboarding.Applicant{
			FirstName: "Žydronė" + mark, MiddleName: "Vidurinė" + mark, LastName: "Šešelgytė" + mark,
			DateOfBirth: fmt.Sprintf("19%02d-11-2%d", 40+n, n%10), Email: mark + ".saltinis@kliente.example",
			Phone: fmt.Sprintf("+3706912%04d", 7300+n), PersonalCode: fmt.Sprintf("4%02d1129%04d", 40+n, 7300+n), CountryCode: "LT",
		},
	}
	a := q.Applicant
	c.needles.add(t, ofReference, string(q.Reference))
	c.needles.add(t, ofName, a.FirstName, a.MiddleName, a.LastName)
	c.needles.add(t, ofBirth, a.DateOfBirth)
	c.needles.add(t, ofEmail, a.Email)
	c.needles.add(t, ofPhone, a.Phone, a.Phone[1:])
	c.needles.add(t, ofCode, a.PersonalCode)
	c.ids, c.marks = append(c.ids, q.Reference.ID()), append(c.marks, mark)
	return q
}

func (c *cast) expect(t *testing.T, class string, texts ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.needles.add(t, class, texts...)
}

// operator is a made-up person with a reason, for this course alone.
func (c *cast) operator(t *testing.T, q onboarding.Request, what string) (actor, reason string) {
	t.Helper()
	mark := strings.TrimPrefix(q.Applicant.FirstName, "Žydronė")
	actor, reason = "operatorė Gražvyda "+what+" "+mark, "nes Šešėlis "+mark+" prašė: "+what
	c.expect(t, ofOperator, actor)
	c.expect(t, ofReason, reason)
	return actor, reason
}

// started starts an onboarding, and expects its session and link.
func (c *cast) started(t *testing.T, q onboarding.Request) starter.Started {
	t.Helper()
	started := c.beginAs(t, q)
	if started.Link == "" {
		started.Link = c.until(t, started.ID, "a link", func(s onboarding.Status) bool { return s.Link != "" }).Link
	}
	c.expectLink(t, started.Link)
	return started
}

func (c *cast) expectLink(t *testing.T, link string) {
	t.Helper()
	c.expect(t, ofLink, link)
	session := stack.SessionOf(link)
	c.expect(t, ofSession, session, strings.ReplaceAll(session, "-", ""))
}

// decided waits for a number of messages at the backend, and expects what is in the document of the last.
func (c *cast) decided(t *testing.T, id onboarding.ID, n int, outcome onboarding.Outcome) {
	t.Helper()
	got := c.handedOff(t, id, n)
	require.EqualValues(t, outcome, got.Outcome)
	var body struct {
		Data struct {
			Identification struct {
				Document struct {
					DocumentNumber, FullName string
				}
				Face struct{ EnrollmentID string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(got.Body, &body))
	record := body.Data.Identification
	if number := record.Document.DocumentNumber; number != "" {
		c.expect(t, ofDocument, number, record.Face.EnrollmentID)
		c.expect(t, ofName, record.Document.FullName)
	}
}

// --- courses ------------------------------------------------------------------------------------------------------

var approve = []string{"start", "consent", "submit", "approve"}

func (c *cast) approval(t *testing.T, q onboarding.Request) {
	q.Setup = "brief"
	s := c.started(t, q)
	c.play(t, stack.SessionOf(s.Link), approve...)
	c.decidedAtEnd(t, s.ID)
}

// decidedAtEnd is decided for one that is not watched.
func (c *cast) decidedAtEnd(t *testing.T, id onboarding.ID) {
	t.Helper()
	c.decided(t, id, 1, onboarding.OutcomeApproved)
	for seen, err := range c.Starter.Watch(timed(t), id, true) {
		require.NoError(t, err)
		require.False(t, seen.Unfinished)
	}
}

func (c *cast) rejection(t *testing.T, q onboarding.Request) {
	s := c.started(t, q)
	c.play(t, stack.SessionOf(s.Link), "start", "consent", "submit", "reject")
	c.decided(t, s.ID, 1, onboarding.OutcomeRejected)
}

func (c *cast) secondAttempt(t *testing.T, q onboarding.Request) {
	s := c.started(t, q)
	c.play(t, stack.SessionOf(s.Link), "start", "abort")
	second := c.until(t, s.ID, "a second session", func(s onboarding.Status) bool { return s.Attempt == 2 && s.Link != "" })
	c.expectLink(t, second.Link)
	c.play(t, stack.SessionOf(second.Link), approve...)
	c.decided(t, s.ID, 1, onboarding.OutcomeApproved)
}

func (c *cast) backendDown(t *testing.T, q onboarding.Request) {
	down := c.backend.refuse(string(q.Reference.ID()), http.StatusInternalServerError, -1)
	s := c.started(t, q)
	c.play(t, stack.SessionOf(s.Link), approve...)
	c.until(t, s.ID, "attention", func(s onboarding.Status) bool {
		return slices.Contains(s.Attention, onboarding.AttentionHandOffFailing)
	})
	c.backend.lift(down)
	actor, reason := c.operator(t, q, "pakartoti")
	_, err := c.Starter.Obey(timed(t), s.ID, onboarding.Command{Kind: onboarding.CommandRetryHandoff, Actor: actor, Reason: reason})
	if err != nil { // it was just being tried by itself
		require.Equal(t, starter.Refused, codeOf(t, err))
	}
	c.decided(t, s.ID, 1, onboarding.OutcomeApproved)
	require.Positive(t, c.backend.struck(down))
}

// mailRefused is for the addresses that the mail server refuses, for good or for a while.
func (c *cast) mailRefused(t *testing.T, q onboarding.Request) {
	s := c.started(t, q)
	if strings.HasPrefix(q.Applicant.Email, "refused") {
		c.until(t, s.ID, "attention", func(s onboarding.Status) bool {
			return slices.Contains(s.Attention, onboarding.AttentionMessageRefused)
		})
	} else {
		require.Eventually(t, func() bool { return c.mail.sent(q.Applicant.Email) == 1 }, patience, tick, "the mail")
	}
	actor, reason := c.operator(t, q, "priminti")
	c.command(t, s.ID, onboarding.Command{Kind: onboarding.CommandRemind, Actor: actor, Reason: reason})
	c.play(t, stack.SessionOf(s.Link), approve...)
	c.decided(t, s.ID, 1, onboarding.OutcomeApproved)
}

// ondatoSick: creation fails in ways that pass and in ways that do not, looks fail, and each answer quotes what it got.
func (c *cast) ondatoSick(t *testing.T, q onboarding.Request) {
	id := string(q.Reference.ID())
	passing := c.ondato.refuse(id, http.StatusInternalServerError, 1)
	lasting := c.ondato.refuse(id, http.StatusBadRequest, 1)
	s := c.started(t, q)
	require.Equal(t, 1, c.ondato.struck(passing))
	require.Equal(t, 1, c.ondato.struck(lasting))
	session := stack.SessionOf(s.Link)
	c.play(t, session, "start", "consent", "submit")
	looks := c.ondato.refuse(session, http.StatusServiceUnavailable, 3)
	c.play(t, session, "approve")
	c.decided(t, s.ID, 1, onboarding.OutcomeApproved)
	require.Equal(t, 3, c.ondato.struck(looks))
}

func (c *cast) reversal(t *testing.T, q onboarding.Request) {
	s := c.started(t, q)
	session := stack.SessionOf(s.Link)
	c.play(t, session, approve...)
	c.decided(t, s.ID, 1, onboarding.OutcomeApproved)
	c.play(t, session, "reject")
	c.decided(t, s.ID, 2, onboarding.OutcomeRejected)
}

func (c *cast) cancellation(t *testing.T, q onboarding.Request) {
	s := c.started(t, q)
	actor, reason := c.operator(t, q, "atšaukti")
	c.command(t, s.ID, onboarding.Command{Kind: onboarding.CommandCancel, Actor: actor, Reason: reason})
	c.decided(t, s.ID, 1, onboarding.OutcomeCancelled)
	c.play(t, stack.SessionOf(s.Link), approve...) // too late: marked for attention
	c.until(t, s.ID, "attention", func(s onboarding.Status) bool { return slices.Contains(s.Attention, onboarding.AttentionLateDecision) })
}

// override: commands that are refused, garbled and obeyed.
func (c *cast) override(t *testing.T, q onboarding.Request) {
	s := c.started(t, q)
	c.play(t, stack.SessionOf(s.Link), "start", "consent", "submit")
	actor, reason := c.operator(t, q, "per anksti")
	_, err := c.Starter.Obey(timed(t), s.ID, onboarding.Command{Kind: onboarding.CommandRetryHandoff, Actor: actor, Reason: reason})
	require.Equal(t, starter.Refused, codeOf(t, err))

	actor, reason = c.operator(t, q, "ne taip")
	for _, garbled := range []any{
		map[string]any{"actor": actor, "reason": reason, "by": reason},
		map[string]any{"actor": actor, "reason": []string{reason}},
		reason,
	} {
		handle, err := c.Client.UpdateWorkflow(timed(t), client.UpdateWorkflowOptions{
			WorkflowID: s.ID.WorkflowID(), UpdateName: string(onboarding.CommandExtend), Args: []any{garbled}, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = handle.Get(timed(t), nil)
		}
		require.Error(t, err)
	}
	actor, reason = c.operator(t, q, "nuspręsti")
	c.command(t, s.ID, onboarding.Command{Kind: onboarding.CommandDecide, Outcome: onboarding.OutcomeApproved, Actor: actor, Reason: reason})
	c.decided(t, s.ID, 1, onboarding.OutcomeApproved)
}

// conflict: another request comes under the same reference.
func (c *cast) conflict(t *testing.T, q onboarding.Request) {
	s := c.started(t, q)
	other := q
	other.Applicant.LastName = "Svetimautė-" + q.Applicant.LastName
	c.expect(t, ofName, other.Applicant.LastName)
	_, err := c.Starter.Start(timed(t), other)
	require.Equal(t, starter.Conflict, codeOf(t, err))
	again, err := c.Starter.Start(timed(t), q)
	require.NoError(t, err)
	require.Equal(t, s.Link, again.Link)
	c.play(t, stack.SessionOf(s.Link), approve...)
	c.decided(t, s.ID, 1, onboarding.OutcomeApproved)
}

func (c *cast) erasure(t *testing.T, q onboarding.Request) {
	s := c.started(t, q)
	actor, reason := c.operator(t, q, "per anksti")
	_, err := c.Starter.Erase(timed(t), onboarding.Erasure{ID: s.ID, Actor: actor, Reason: reason})
	require.Equal(t, starter.Refused, codeOf(t, err))
	c.play(t, stack.SessionOf(s.Link), approve...)
	c.decided(t, s.ID, 1, onboarding.OutcomeApproved)
	failing := c.ondato.refuseOnly(http.MethodPut, "/redact", stack.SessionOf(s.Link), http.StatusInternalServerError, 1)
	actor, reason = c.operator(t, q, "ištrinti")
	done, err := c.Starter.Erase(timed(t), onboarding.Erasure{ID: s.ID, Actor: actor, Reason: reason, KeepHistory: true})
	require.NoError(t, err)
	require.NotNil(t, done.Receipt)
	require.Equal(t, 1, c.ondato.struck(failing))
}

// --- structure ----------------------------------------------------------------------------------------------------

// everythingIsSealed looks at every payload and every failure: an onboarding's are sealed with its own key, but for the
// bridge's signals, and say where they belong; an erasure's are sealed with the house keyset.
func (c *cast) everythingIsSealed(t *testing.T) {
	t.Helper()
	for _, id := range c.ids {
		events := c.history(t, id, "")
		own, house := sealed(t, id.WorkflowID(), events)
		require.Greater(t, own, 10)
		require.Equal(t, signals(events), house, "only signals are sealed with the house keyset")
	}
	erased := c.ids[slices.IndexFunc(c.ids, func(id onboarding.ID) bool { return !c.neverErased(t, id) })]
	own, house := sealed(t, erased.ErasureWorkflowID(), c.events(t, erased.ErasureWorkflowID(), ""))
	require.Zero(t, own)
	require.Greater(t, house, 5)
}

func (c *cast) neverErased(t *testing.T, id onboarding.ID) bool {
	t.Helper()
	_, err := c.Client.DescribeWorkflow(timed(t), id.ErasureWorkflowID(), "")
	return err != nil
}
