package ondato_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

const pendingSession = `{"id":"` + sessionID + `","status":"Pending"}`

func TestToken_FirstCall_IsAskedForAsOndatoWantsIt(t *testing.T) {
	f := newFake(t, nil)
	f.api = func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer token-1" {
			t.Errorf("Authorization %q", got)
		}
		if got := r.Header.Get("User-Agent"); got != "ondato-test/1" {
			t.Errorf("User-Agent %q", got)
		}
		answer(200, pendingSession)(w, r)
	}
	f.token = func(w http.ResponseWriter, r *http.Request, _ int64) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]string{
			"grant_type": "client_credentials", "client_id": "app.ondato.example.12345",
			"client_secret": clientSecret, "scope": "idv_api kyc_identifications_api",
		} {
			if got := r.PostForm.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
		if r.Header.Get("Authorization") != "" || r.Header.Get("User-Agent") != "ondato-test/1" ||
			r.Header.Get("Accept") != "application/json" || r.Method != http.MethodPost {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		writeToken(w, "token-1", 86400)
	}
	c := f.client(t, func(cfg *ondato.Config) {
		cfg.Scopes = []string{"idv_api", "kyc_identifications_api"}
		cfg.TokenURL = f.URL + "/" // a bare host gets the path
	})
	require.NoError(t, getSession(c))
	require.NoError(t, getSession(c))
	require.EqualValues(t, 1, f.tokenRequests.Load())
	require.EqualValues(t, 2, f.apiRequests.Load())
}

func TestToken_FiftyConcurrentCallers_ShareOneExchange(t *testing.T) {
	f := newFake(t, answer(200, pendingSession))
	waiting := make(chan struct{})
	f.token = func(w http.ResponseWriter, _ *http.Request, _ int64) {
		<-waiting
		writeToken(w, "token-1", 86400)
	}
	c := f.client(t)
	var started, finished sync.WaitGroup
	errs := make([]error, 50)
	for i := range errs {
		started.Add(1)
		finished.Add(1)
		go func() {
			defer finished.Done()
			started.Done()
			errs[i] = getSession(c)
		}()
	}
	started.Wait()
	require.Eventually(t, func() bool { return f.tokenRequests.Load() > 0 }, 5*time.Second, time.Millisecond)
	close(waiting)
	finished.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, f.tokenRequests.Load())
}

func TestToken_FirstCallerGivesUp_OthersStillGetTheToken(t *testing.T) {
	f := newFake(t, answer(200, pendingSession))
	waiting := make(chan struct{})
	f.token = func(w http.ResponseWriter, _ *http.Request, _ int64) {
		<-waiting
		writeToken(w, "token-1", 86400)
	}
	c := f.client(t)
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error, 1)
	go func() {
		_, err := c.IdentityVerification(ctx, sessionID)
		first <- err
	}()
	require.Eventually(t, func() bool { return f.tokenRequests.Load() == 1 }, 5*time.Second, time.Millisecond)
	second := make(chan error, 1)
	go func() { second <- getSession(c) }()
	cancel()
	err := <-first
	require.ErrorIs(t, err, context.Canceled)
	requireError(t, f, err, ondato.Transient)
	close(waiting)
	require.NoError(t, <-second)
	require.EqualValues(t, 1, f.tokenRequests.Load())
}

func TestToken_NearItsExpiry_IsRenewedOnce(t *testing.T) {
	for _, tc := range []struct {
		expiresIn int
		still     time.Duration // uses the first token
		renewed   time.Duration // gets another
	}{
		{86400, 86400*time.Second - 70*time.Second, 86400*time.Second - 50*time.Second},
		{100, 85 * time.Second, 91 * time.Second},
		{0, 4 * time.Minute, 5 * time.Minute}, // no lifetime stated
	} {
		t.Run(fmt.Sprint(tc.expiresIn), func(t *testing.T) {
			f := newFake(t, answer(200, pendingSession))
			f.token = func(w http.ResponseWriter, _ *http.Request, n int64) {
				writeToken(w, fmt.Sprintf("token-%d", n), tc.expiresIn)
			}
			c := f.client(t)
			var passed atomic.Int64
			begin := time.Now()
			ondato.UseClock(c, func() time.Time { return begin.Add(time.Duration(passed.Load())) })
			require.NoError(t, getSession(c))
			passed.Store(int64(tc.still))
			require.NoError(t, getSession(c))
			require.EqualValues(t, 1, f.tokenRequests.Load())
			passed.Store(int64(tc.renewed))
			require.NoError(t, getSession(c))
			require.NoError(t, getSession(c))
			require.EqualValues(t, 2, f.tokenRequests.Load())
		})
	}
}

func TestToken_RefusedByTheAPI_IsReplacedAndTheRequestRetriedOnce(t *testing.T) {
	f := newFake(t, nil)
	f.api = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-1" {
			answer(401, leak)(w, r)
			return
		}
		if body := readJSON(t, r); body["setupId"] != setupID {
			t.Errorf("the retry lost the body: %v", body)
		}
		answer(201, `{"id":"`+sessionID+`"}`)(w, r)
	}
	c := f.client(t)
	id, err := c.CreateIdentityVerification(context.Background(), ondato.CreateRequest{SetupID: setupID})
	require.NoError(t, err)
	require.Equal(t, sessionID, id)
	require.EqualValues(t, 2, f.tokenRequests.Load())
	require.EqualValues(t, 2, f.apiRequests.Load())
}

func TestToken_RevokedUnderManyCallers_IsReplacedOnce(t *testing.T) {
	f := newFake(t, nil)
	var allThere sync.WaitGroup
	allThere.Add(50)
	f.api = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-1" {
			allThere.Done()
			allThere.Wait() // every caller holds the first token before any learns that it is dead
			answer(401, "")(w, r)
			return
		}
		answer(200, pendingSession)(w, r)
	}
	c := f.client(t)
	var finished sync.WaitGroup
	errs := make([]error, 50)
	for i := range errs {
		finished.Go(func() { errs[i] = getSession(c) })
	}
	finished.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.EqualValues(t, 2, f.tokenRequests.Load())
}

func TestToken_RefusedTwice_IsUnauthorizedWithoutAThirdTry(t *testing.T) {
	f := newFake(t, answer(401, leak))
	e := requireError(t, f, getSession(f.client(t)), ondato.Unauthorized)
	require.Equal(t, 401, e.Status)
	require.EqualValues(t, 2, f.apiRequests.Load())
	require.EqualValues(t, 2, f.tokenRequests.Load())
}

func TestToken_EndpointFails_IsClassifiedAndAskedAgainNextTime(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		class   ondato.Class
		status  int
		text    string
		wait    time.Duration
	}{
		"invalid client": {answer(400, `{"error":"invalid_client","error_description":"LEAK"}`), ondato.Unauthorized, 400, "invalid_client", 0},
		"invalid scope":  {answer(400, `{"error":"invalid_scope"}`), ondato.Unauthorized, 400, "invalid_scope", 0},
		"unknown code":   {answer(400, `{"error":"LEAK"}`), ondato.Permanent, 400, "refused", 0},
		"401":            {answer(401, leak), ondato.Unauthorized, 401, "credentials were refused", 0},
		"404":            {answer(404, leak), ondato.Permanent, 404, "no token endpoint", 0},
		"429":            {answer(429, leak, "Retry-After", "9"), ondato.Throttled, 429, "too many", 9 * time.Second},
		"503":            {answer(503, leak), ondato.Transient, 503, "failed", 0},
		"redirect":       {answer(302, leak, "Location", "https://LEAK.example/"), ondato.Permanent, 302, "redirects", 0},
		"page":           {answer(200, "<html>LEAK</html>"), ondato.Transient, 0, "not a token", 0},
		"error in 200":   {answer(200, `{"error":"LEAK"}`), ondato.Transient, 200, "success status", 0},
		"no token":       {answer(200, `{"token_type":"Bearer"}`), ondato.Transient, 0, "not a token", 0},
		"too large":      {answer(200, `{"access_token":"`+strings.Repeat("x", 1<<20)+`"}`), ondato.Transient, 0, "not a token", 0},
		"other type":     {answer(200, `{"access_token":"token-1","token_type":"LEAK"}`), ondato.Permanent, 0, "token_type", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, answer(200, pendingSession))
			f.token = func(w http.ResponseWriter, r *http.Request, n int64) {
				if n == 1 {
					tc.handler(w, r)
					return
				}
				writeToken(w, "token-2", 60)
			}
			c := f.client(t)
			e := requireError(t, f, getSession(c), tc.class)
			require.Equal(t, "token", e.Op)
			require.Equal(t, tc.status, e.Status)
			require.Equal(t, tc.wait, e.RetryAfter)
			require.Contains(t, e.Error(), tc.text)
			require.False(t, ondato.IsNotFound(e))
			require.NoError(t, getSession(c))
			require.EqualValues(t, 2, f.tokenRequests.Load())
		})
	}
}

func TestToken_EndpointSlow_TimesOut(t *testing.T) {
	release := make(chan struct{})
	f := newFake(t, answer(200, pendingSession))
	f.token = func(w http.ResponseWriter, r *http.Request, _ int64) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	t.Cleanup(func() { close(release) })
	c := f.client(t, func(cfg *ondato.Config) { cfg.Timeout = 30 * time.Millisecond })
	err := getSession(c)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, requireError(t, f, err, ondato.Transient).Timeout())
}
