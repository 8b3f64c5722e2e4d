package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/starter/httpapi"
)

func TestMetrics_RefusedRequests_AreCountedByTheCodeOfTheAnswer(t *testing.T) {
	api, err := httpapi.New(with(httpapi.Token{Name: "backend", Secret: secret}))
	require.NoError(t, err)
	get := func(path, token string) string {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		api.Handler().ServeHTTP(w, r)
		return w.Body.String()
	}
	get("/v1/onboardings", "somebody-else's-token-that-is-long-enough")
	get("/v1/onboardings", "")
	get("/v1/onboardings?pageSize=many", secret)
	counted := get("/metrics", "")
	require.Contains(t, counted, `onboarding_api_requests_refused_total{code="unauthorized",status="401"} 2`)
	require.Contains(t, counted, `onboarding_api_requests_refused_total{code="malformed",status="400"} 1`)
}
