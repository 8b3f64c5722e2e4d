package sandbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return v
}

// A second less leaves the session as it was; the rest of the time ends it, at its deadline and not at the clock's time.
func TestExpiry_OnVirtualTime(t *testing.T) {
	for _, tc := range []struct {
		name    string
		actions []string
		before  string // advance that changes nothing
		status  string
		within  time.Duration // after the last change
	}{
		{"pending after 7 days", nil, "167h59m59s", "Pending", 7 * 24 * time.Hour},
		{"in progress after 2 idle hours", []string{"start", "consent"}, "1h59m59s", "InProgress", 2 * time.Hour},
		{"suspended after 7 days", []string{"start", "suspend"}, "167h59m59s", "Suspended", 7 * 24 * time.Hour},
		{"rejected and not tried again", []string{"start", "consent", "submit", `reject {"reason":"BlurredPhoto"}`}, "1h59m59s", "InProgress", 2 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := serve(t)
			h.clock(`{"scale":0}`)
			id := h.create("")
			h.act(id, tc.actions...)
			last := at(t, h.session(id).ModifiedUTC)
			h.clock(`{"advance":"` + tc.before + `"}`)
			require.Equal(t, tc.status, h.session(id).Status)
			h.clock(`{"advance":"200h"}`)
			s := h.session(id)
			require.Equal(t, "Expired", s.Status)
			require.Equal(t, last.Add(tc.within), at(t, s.ModifiedUTC))
			require.Empty(t, s.ExpiresUTC)
			require.NotContains(t, s.Allowed, actResume)
		})
	}
}

func TestExpiry_ActionStartsTheIdleClockAnew(t *testing.T) {
	h := serve(t)
	h.clock(`{"scale":0}`)
	id := h.create("")
	h.act(id, "start")
	h.clock(`{"advance":"1h50m"}`)
	h.act(id, "consent")
	h.clock(`{"advance":"1h50m"}`)
	require.Equal(t, "InProgress", h.session(id).Status)
	h.clock(`{"advance":"11m"}`)
	require.Equal(t, "Expired", h.session(id).Status)
}

func TestExpiry_WaitingForADecision_DoesNotIdleOut(t *testing.T) {
	h := serve(t)
	h.clock(`{"scale":0}`)
	id := h.create("")
	h.act(id, "start", "consent", "submit")
	h.clock(`{"advance":"720h"}`)
	require.Equal(t, "InProgress", h.session(id).Status)
	h.act(id, "approve")
	require.Equal(t, "Completed", h.session(id).Status)
}

func TestExpiry_OnScaledTime_HappensByItself(t *testing.T) {
	h := serve(t, func(c *Config) { c.TimeScale = 100_000 })
	id := h.create("")
	eventually(t, func() bool { return h.session(id).Status == "Expired" }, "7 days pass in 6 seconds")
}

func TestClock_TableOfBadInput(t *testing.T) {
	h := serve(t)
	for _, body := range []string{`{}`, `{"advance":"-1h"}`, `{"advance":"x"}`, `{"advance":1}`, `{"advance":"9000h"}`, `{"scale":-1}`, `{"scale":1e9}`,
		`{"scale":"fast"}`, `{"rewind":"1h"}`, `[]`, ``} {
		a := h.call("POST", "/_sandbox/clock", body, "Content-Type", "application/json")
		require.Equal(t, 400, a.status, "%s: %s", body, a.body)
	}
	h.clock(`{"advance":"8784h","scale":10}`)
	c := h.call("GET", "/_sandbox/clock", "").decode(t)
	require.EqualValues(t, 10, c["scale"])
	require.Greater(t, at(t, c["nowUtc"].(string)), time.Now().Add(8783*time.Hour))
}

func TestClock_NeverRunsPastTheEndOfTime(t *testing.T) {
	c := newClock(time.Now, 1)
	for range 8000 {
		c.advance(maxAdvance)
	}
	require.Equal(t, endOfTime, c.now())
}

func TestScripts_PlayWithoutHands(t *testing.T) {
	for name, want := range map[string]string{
		"AutoApprove":                          "Completed Approved AutomaticallyIdentified",
		"AutoReject":                           "Completed Rejected BlurredPhoto",
		"AutoReject-PoorPhotoQuality":          "Completed Rejected PoorPhotoQuality",
		"AutoReject-Sanctioned":                "Completed Rejected Sanctioned",
		"AutoRejectThenApprove-BlurredPhoto":   "Completed Approved AutomaticallyIdentified",
		"AutoApproveThenReject-DuplicatedInfo": "Completed Rejected DuplicatedInfo",
		"AutoApproveThenUpdate":                "Completed Approved AutomaticallyIdentified",
		"AutoSuspend":                          "Suspended Awaiting ",
		"AutoSuspendThenApprove":               "Completed Approved AutomaticallyIdentified",
		"AutoSubmit":                           "InProgress Awaiting ",
		"AutoDeclineConsent":                   "Aborted  ",
		"AutoAbort":                            "Aborted Awaiting ",
		"AutoExpire":                           "Expired  ",
	} {
		t.Run(name, func(t *testing.T) {
			h := serve(t, func(c *Config) { c.StepDelay = 200 * time.Millisecond; c.TimeScale = 100 })
			id := h.create(`{"lastName":"` + name + `"}`)
			eventually(t, func() bool { return len(h.session(id).ScriptLeft) == 0 }, "the script ends")
			s := h.session(id)
			require.Equal(t, want, s.Status+" "+s.IdentificationStatus+" "+s.IdentificationReason)
		})
	}
}

func TestScript_StepsComeAtTheirDelay(t *testing.T) {
	h := serve(t)
	h.clock(`{"scale":0}`)
	id := h.create(`{"lastName":"AutoApprove"}`)
	h.clock(`{"advance":"299ms"}`)
	require.Equal(t, "Pending", h.session(id).Status)
	h.clock(`{"advance":"1ms"}`)
	require.Equal(t, "InProgress", h.session(id).Status)
	h.clock(`{"advance":"1h"}`)
	s := h.session(id)
	require.Equal(t, "Completed", s.Status)
	require.Less(t, at(t, s.ModifiedUTC).Sub(at(t, s.CreatedUTC)), 2*time.Second, "a jump does not delay the steps")
}

func TestScript_PersonInterferes_ScriptEnds(t *testing.T) {
	h := serve(t)
	h.clock(`{"scale":0}`)
	id := h.create(`{"lastName":"AutoApprove"}`)
	h.act(id, "start", "abort")
	h.clock(`{"advance":"1m"}`)
	s := h.session(id)
	require.Equal(t, "Aborted", s.Status)
	require.Empty(t, s.ScriptLeft)
}

func TestOrdinaryNames_AreNoScripts(t *testing.T) {
	for _, name := range []string{"", "Auto", "Autodesk", "Automatas", "auto", "Pavyzdė", "AutoŽvirblis"} {
		plan, err := parseScript(name)
		require.NoError(t, err, name)
		require.Nil(t, plan, name)
	}
	_, err := parseScript("AutoApprove-BlurredPhoto")
	require.ErrorContains(t, err, "takes no reason")
}

func TestResubmission_KeepsTheIDAndClearsCompletion(t *testing.T) {
	h := serve(t)
	id := h.create(fullRegistration)
	h.act(id, "start", "consent", "submit", `reject {"reason":"BlurredPhoto"}`)
	kyc := h.session(id).IdentificationID
	require.Contains(t, h.api("GET", "/v1/identifications/"+kyc, "").decode(t), "completedUtc")
	h.act(id, "resubmit")
	k := h.api("GET", "/v1/identifications/"+kyc, "").decode(t)
	require.Equal(t, "Awaiting", k["status"])
	for _, absent := range []string{"completedUtc", "statusReason", "document"} {
		require.NotContains(t, k, absent)
	}
	h.act(id, "submit", "approve")
	require.Equal(t, kyc, h.session(id).IdentificationID)
	require.Equal(t, "Approved", h.session(id).IdentificationStatus)
}
