package ondato_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

func TestError_EachStatus_HasItsClass(t *testing.T) {
	for status, class := range map[int]ondato.Class{
		301: ondato.Permanent, 302: ondato.Permanent, 304: ondato.Permanent, 307: ondato.Permanent, 308: ondato.Permanent,
		400: ondato.Permanent, 401: ondato.Unauthorized, 403: ondato.Unauthorized, 404: ondato.NotFound, 405: ondato.Permanent,
		408: ondato.Transient, 409: ondato.Permanent, 410: ondato.NotFound, 413: ondato.Permanent, 415: ondato.Permanent,
		422: ondato.Permanent, 425: ondato.Transient, 429: ondato.Throttled, 451: ondato.Permanent,
		500: ondato.Transient, 502: ondato.Transient, 503: ondato.Transient, 504: ondato.Transient, 599: ondato.Transient,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			f := newFake(t, answer(status, "<html>LEAK</html>", "Location", "/LEAK"))
			err := getSession(f.client(t))
			e := requireError(t, f, err, class)
			require.Equal(t, status, e.Status)
			require.Equal(t, "get identity verification", e.Op)
			require.Equal(t, class == ondato.NotFound, ondato.IsNotFound(fmt.Errorf("wrapped: %w", err)))
			if status != 401 {
				require.EqualValues(t, 1, f.apiRequests.Load(), "no second try")
			}
		})
	}
}

func TestError_RetryAfter_IsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"0":                             0,
		"-3":                            0,
		"soon":                          0,
		"":                              0,
		"1.5":                           0,
		"86400":                         time.Hour,
		"99999999999999999999999":       time.Hour,
		"Tue, 03 Nov 2026 09:00:30 GMT": 30 * time.Second,
		"Tue, 03 Nov 2026 08:00:00 GMT": 0,
		"Tue, 03 Nov 2099 08:00:00 GMT": time.Hour,
	} {
		for _, status := range []int{429, 503} {
			f := newFake(t, answer(status, "", "Retry-After", value))
			c := f.client(t)
			ondato.UseClock(c, func() time.Time { return now })
			var e *ondato.Error
			require.ErrorAs(t, getSession(c), &e)
			require.Equal(t, want, e.RetryAfter, "%q", value)
		}
	}
}

func TestError_ValidationProblem_KeepsTheFieldNamesOnly(t *testing.T) {
	many := `{"errors":{`
	for i := range 40 {
		many += fmt.Sprintf(`"F%02d":["x"],`, i)
	}
	many = strings.TrimSuffix(many, ",") + `}}`
	for name, tc := range map[string]struct {
		body string
		want []string
	}{
		"as documented": {`{"type":"t","title":"One or more validation errors occurred.","status":400,"traceId":"LEAK",
			"errors":{"SetupId":["LEAK"],"ExternalReferenceId":["LEAK"]}}`, []string{"ExternalReferenceId", "SetupId"}},
		"json paths":       {`{"errors":{"$.registration.phoneNumber":["LEAK"],"registration.email":"LEAK"}}`, []string{"registration.email", "registration.phoneNumber"}},
		"not names":        {`{"errors":{"LEAK@example.test":[],"37060000001":[],"a b":[],"":[],"` + sessionID + `":[],"` + strings.Repeat("x", 65) + `":[]}}`, nil},
		"too many":         {many, []string{"F00", "F01", "F02", "F03", "F04", "F05", "F06", "F07", "F08", "F09", "F10", "F11", "F12", "F13", "F14", "F15"}},
		"errors a list":    {`{"errors":["LEAK"]}`, nil},
		"errors null":      {`{"errors":null}`, nil},
		"not JSON":         {`LEAK`, nil},
		"empty":            {``, nil},
		"array":            {`[{"errors":{"LEAK":1}}]`, nil},
		"larger than kept": {`{"errors":{"A":["` + strings.Repeat(leak, 1<<16) + `"]}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, answer(400, tc.body, "Content-Type", "application/problem+json"))
			_, err := f.client(t).CreateIdentityVerification(context.Background(), ondato.CreateRequest{SetupID: setupID})
			e := requireError(t, f, err, ondato.Permanent)
			require.Equal(t, tc.want, e.Fields)
			for _, field := range tc.want {
				require.Contains(t, err.Error(), field)
			}
		})
	}
}

func TestError_UnreadableSuccess_IsTransient(t *testing.T) {
	other := strings.Replace(sessionID, "0e2a", "1111", 1)
	for name, body := range map[string]string{
		"page":        "<html>LEAK</html>",
		"empty":       "",
		"cut":         `{"id":"LEAK`,
		"array":       `[{"id":"` + sessionID + `"}]`,
		"null":        `null`,
		"no id":       `{"status":"LEAK"}`,
		"id number":   `{"id":5}`,
		"another id":  `{"id":"` + other + `"}`,
		"two objects": pendingSession + pendingSession,
		"too deep":    `{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, answer(200, body))
			requireError(t, f, getSession(f.client(t)), ondato.Transient)
		})
	}
}

func TestError_AnswerOverItsLimit_IsPermanentAndSaysSo(t *testing.T) {
	huge := `{"id":"` + sessionID + `","x":"` + strings.Repeat("x", 8<<20) + `"}`
	f := newFake(t, answer(200, huge))
	c := f.client(t)
	ctx := context.Background()
	_, sessionErr := c.IdentityVerification(ctx, sessionID)
	_, setupErr := c.IdentityVerificationSetup(ctx, sessionID)
	_, createErr := c.CreateIdentityVerification(ctx, ondato.CreateRequest{SetupID: setupID})
	_, identificationErr := c.Identification(ctx, sessionID)
	_, historyErr := c.Webhooks(ctx, sessionID)
	for _, err := range []error{sessionErr, setupErr, createErr} {
		requireError(t, f, err, ondato.Permanent)
		require.ErrorContains(t, err, "larger than 1 MiB")
	}
	for _, err := range []error{identificationErr, historyErr} {
		requireError(t, f, err, ondato.Permanent)
		require.ErrorContains(t, err, "larger than 8 MiB")
	}
}

func TestError_AnswerAtItsLimit_IsRead(t *testing.T) {
	begin, end := `{"id":"`+sessionID+`","x":"`, `"}`
	f := newFake(t, answer(200, begin+strings.Repeat("x", 1<<20-len(begin)-len(end))+end))
	require.NoError(t, getSession(f.client(t)))
}

// hang answers nothing, or stops after a beginning, until the test ends.
func hang(t *testing.T, begin string) http.HandlerFunc {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	return func(w http.ResponseWriter, r *http.Request) {
		if begin != "" {
			_, _ = io.WriteString(w, begin)
			w.(http.Flusher).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
}

func TestError_SlowServer_TimesOut(t *testing.T) {
	for name, begin := range map[string]string{"no answer": "", "half an answer": `{"id":"LEAK`} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, nil)
			f.api = hang(t, begin)
			c := f.client(t, func(cfg *ondato.Config) { cfg.Timeout = 50 * time.Millisecond })
			err := getSession(c)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.True(t, requireError(t, f, err, ondato.Transient).Timeout())
		})
	}
}

func TestError_CallerCancels_IsRecognisable(t *testing.T) {
	f := newFake(t, nil)
	f.api = hang(t, "")
	c := f.client(t)
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, 1)
	go func() {
		_, err := c.Identification(ctx, identificationID)
		failed <- err
	}()
	require.Eventually(t, func() bool { return f.apiRequests.Load() == 1 }, 5*time.Second, time.Millisecond)
	cancel()
	err := <-failed
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, requireError(t, f, err, ondato.Transient).Timeout())
}

func TestError_CallersDeadline_IsRecognisable(t *testing.T) {
	f := newFake(t, nil)
	f.api = hang(t, "")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := f.client(t).IdentityVerification(ctx, sessionID)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	requireError(t, f, err, ondato.Transient)
}

// closedPort is an address that nobody listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return "http://" + l.Addr().String()
}

func TestError_BrokenConnection_IsTransientAndDiscreet(t *testing.T) {
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}
	t.Run("closed without an answer", func(t *testing.T) {
		f := newFake(t, raw(""))
		err := getSession(f.client(t))
		requireError(t, f, err, ondato.Transient)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	t.Run("cut answer", func(t *testing.T) {
		f := newFake(t, raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":\"LEAK"))
		err := getSession(f.client(t))
		requireError(t, f, err, ondato.Transient)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	t.Run("not HTTP", func(t *testing.T) {
		f := newFake(t, raw("LEAK LEAK LEAK\r\n\r\n"))
		requireError(t, f, getSession(f.client(t)), ondato.Transient)
	})
	t.Run("nobody listens", func(t *testing.T) {
		f := newFake(t, nil)
		c := f.client(t, func(cfg *ondato.Config) { cfg.IDVURL = closedPort(t) })
		err := getSession(c)
		requireError(t, f, err, ondato.Transient)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.NotContains(t, err.Error(), "127.0.0.1")
	})
	t.Run("no token endpoint", func(t *testing.T) {
		f := newFake(t, nil)
		c := f.client(t, func(cfg *ondato.Config) { cfg.TokenURL = closedPort(t) })
		err := getSession(c)
		require.Equal(t, "token", requireError(t, f, err, ondato.Transient).Op)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
	t.Run("unknown certificate", func(t *testing.T) {
		f := newFake(t, nil)
		tls := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(tls.Close)
		c := f.client(t, func(cfg *ondato.Config) { cfg.IDVURL = tls.URL })
		err := getSession(c)
		requireError(t, f, err, ondato.Transient)
		require.ErrorContains(t, err, "certificate")
	})
	t.Run("unknown host", func(t *testing.T) {
		f := newFake(t, nil)
		c := f.client(t, func(cfg *ondato.Config) {
			cfg.TokenURL = f.URL + "/connect/token"
			cfg.IDVURL = "http://ondato-leak.invalid"
			cfg.Transport = &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.Contains(address, "invalid") { // what a resolver says, without asking one
					return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}}
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}}
		})
		err := getSession(c)
		requireError(t, f, err, ondato.Transient)
		require.ErrorContains(t, err, "could not be resolved")
		require.NotContains(t, err.Error(), "ondato-leak")
	})
}

func TestError_Redirect_IsNotFollowed(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the token went to a stranger")
	}))
	t.Cleanup(stranger.Close)
	f := newFake(t, answer(307, "", "Location", stranger.URL+"/LEAK"))
	err := getSession(f.client(t))
	requireError(t, f, err, ondato.Permanent)
	require.ErrorContains(t, err, "redirects")
}

func TestError_IDsThatNoPathCanCarry_AreRefusedWithoutARequest(t *testing.T) {
	f := newFake(t, answer(200, "{}"))
	c := f.client(t)
	ctx := context.Background()
	for _, id := range []string{"", ".", "..", strings.Repeat("x", 201)} {
		_, sessionErr := c.IdentityVerification(ctx, id)
		_, setupErr := c.IdentityVerificationSetup(ctx, id)
		_, historyErr := c.Webhooks(ctx, id)
		_, identificationErr := c.Identification(ctx, id)
		redactErr := c.Redact(ctx, id, ondato.PersonalData)
		for _, err := range []error{sessionErr, setupErr, historyErr, identificationErr, redactErr} {
			require.Equal(t, []string{"id"}, requireError(t, f, err, ondato.Permanent).Fields)
		}
	}
	_, err := c.CreateIdentityVerification(ctx, ondato.CreateRequest{})
	require.Equal(t, []string{"setupId"}, requireError(t, f, err, ondato.Permanent).Fields)
	err = c.Redact(ctx, sessionID, "Everything")
	require.Equal(t, []string{"scope"}, requireError(t, f, err, ondato.Permanent).Fields)
	require.Zero(t, f.apiRequests.Load())
	require.Zero(t, f.tokenRequests.Load())
}

func TestIsNotFound_OtherErrors_AreNot(t *testing.T) {
	require.False(t, ondato.IsNotFound(nil))
	require.False(t, ondato.IsNotFound(errors.New("not found")))
}
