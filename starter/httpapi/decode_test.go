package httpapi

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"kyc/internal/strictjson"
	"kyc/onboarding"
)

func TestReadBody_ByteOrderMark_IsSkipped(t *testing.T) {
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequest("POST", "/onboardings", strings.NewReader("\ufeff{\"reference\":\"a\"}"))
	c.Request.Header.Set("Content-Type", "application/json")
	var r onboarding.Request
	require.NoError(t, readBody(c, strictjson.OfRequest(&r)))
	require.Equal(t, onboarding.Reference("a"), r.Reference)
}

func TestQuery_UnknownParameter_IsNamedUnlessItMayBePersonal(t *testing.T) {
	for asked, want := range map[string]string{
		"?stagee=Done":            "stagee is not a parameter of this path: use stage",
		"?Jonas+Jonaitis+3800=no": "query has a parameter of a name that is not known, and not shown because it may be personal: use stage",
	} {
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		c.Request = httptest.NewRequest("GET", "/onboardings"+asked, nil)
		require.Equal(t, want, onboarding.FieldErrors(query(c, "stage").found).Error())
	}
}
