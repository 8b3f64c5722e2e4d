package sandbox

import (
	"context"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRestart_UndeliveredWebhooksAreDelivered_InOrder(t *testing.T) {
	r := receive(t, nil)
	db := filepath.Join(t.TempDir(), "sandbox.db")
	down := 503
	first := receive(t, func(int) int { return down })
	h := serve(t, first.to, func(c *Config) { c.DB = db })
	h.clock(`{"scale":0}`)
	id := h.create(fullRegistration)
	h.act(id, wholeRun...)
	eventually(t, func() bool { return len(first.all()) == 6 }, "all have been tried")
	before := h.session(id)
	token := h.token
	clockBefore := h.call("GET", "/_sandbox/clock", "").decode(t)["nowUtc"].(string)
	h.close()

	again := serve(t, r.to, func(c *Config) { c.DB = db })
	require.Equal(t, 0.0, again.call("GET", "/_sandbox/clock", "").decode(t)["scale"], "the clock is kept")
	after := again.session(id)
	before.Link, after.Link = "", ""
	require.Equal(t, before, after)
	require.GreaterOrEqual(t, again.call("GET", "/_sandbox/clock", "").decode(t)["nowUtc"], clockBefore)
	require.Equal(t, 200, again.call("GET", "/v1/identifications/"+after.IdentificationID, "", "Authorization", "Bearer "+token).status, "tokens outlive a restart")
	again.clock(`{"advance":"12s"}`)
	eventually(t, func() bool { return len(r.all()) == 6 }, "delivered after reopening")
	require.ElementsMatch(t, wholeRunTypes, r.types())
	old, now := map[string]bool{}, map[string]bool{}
	for i := range r.all() {
		old[first.all()[i].hook.ID], now[r.all()[i].hook.ID] = true, true
	}
	require.Equal(t, old, now, "under the same ids")
	eventually(t, func() bool { return again.session(id).Webhooks.Delivered == 6 }, "the log goes on")
	require.Len(t, again.deliveries("session=" + id)[0].Attempts, 2, "attempts of both processes")
}

func TestRestart_WebhookInFlight_IsDeliveredByTheNextProcess(t *testing.T) {
	hang := make(chan struct{})
	stuck := receive(t, func(int) int { <-hang; return 200 })
	defer close(hang)
	db := filepath.Join(t.TempDir(), "sandbox.db")
	h := serve(t, stuck.to, func(c *Config) { c.DB = db })
	id := h.create("")
	h.act(id, "start", "consent")
	eventually(t, func() bool { return len(stuck.all()) == 1 }, "in flight")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, h.sb.Close(ctx))

	r := receive(t, nil)
	serve(t, r.to, func(c *Config) { c.DB = db })
	eventually(t, func() bool { return len(r.all()) == 3 }, "the cut off one and those behind it")
	require.Equal(t, wholeRunTypes[:3], r.types())
}

func TestRestart_ScriptsDeadlinesAndClockGoOn(t *testing.T) {
	db := filepath.Join(t.TempDir(), "sandbox.db")
	h := serve(t, func(c *Config) { c.DB = db })
	h.clock(`{"scale":0,"advance":"24h"}`)
	scripted := h.create(`{"lastName":"AutoApprove"}`)
	idle := h.create("")
	h.act(idle, "start")
	h.close()
	h = serve(t, func(c *Config) { c.DB = db })
	require.Greater(t, at(t, h.call("GET", "/_sandbox/clock", "").decode(t)["nowUtc"].(string)), time.Now().Add(23*time.Hour))
	h.clock(`{"advance":"3h"}`)
	require.Equal(t, "Approved", h.session(scripted).IdentificationStatus)
	require.Equal(t, "Expired", h.session(idle).Status)
	require.EqualValues(t, 3, h.session(h.create("")).Number)
}

func TestDB_InUse_IsAClearError(t *testing.T) {
	db := filepath.Join(t.TempDir(), "sandbox.db")
	serve(t, func(c *Config) { c.DB = db })
	_, err := New(testConfig(func(c *Config) { c.DB = db }))
	require.ErrorContains(t, err, "another process uses it")
	_, err = New(testConfig(func(c *Config) { c.DB = filepath.Join(t.TempDir(), "no", "such", "folder") }))
	require.ErrorContains(t, err, "opening the database")
}

func TestClose_LeavesNoGoroutines(t *testing.T) {
	r := receive(t, nil)
	h := serve(t, r.to, func(c *Config) { c.DB = filepath.Join(t.TempDir(), "sandbox.db") })
	for range 5 {
		h.act(h.create(""), wholeRun...)
	}
	h.create("")
	h.close()
	ours := func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		for _, g := range strings.Split(string(stacks), "\n\n") {
			if strings.Contains(g, "sandbox.(*courier)") || strings.Contains(g, "sandbox.(*world)") || strings.Contains(g, "bbolt.") {
				return true
			}
		}
		return false
	}
	eventually(t, func() bool { return !ours() }, "no goroutine of a closed sandbox is left")
}
