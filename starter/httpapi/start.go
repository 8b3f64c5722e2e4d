package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"kyc/internal/strictjson"
	"kyc/onboarding"
	"kyc/starter"
)

// start starts an onboarding or finds it.
func (a *API) start(c *gin.Context) error {
	q := query(c, "wait")
	wait := q.oneOf("wait", "link", "none")
	if err := q.err(); err != nil {
		return err
	}
	r, err := readRequest(c)
	if err != nil {
		return err
	}
	begin := a.onboardings.Start
	if wait == "none" {
		begin = a.onboardings.Begin
	}
	started, err := begin(c.Request.Context(), r)
	if err != nil {
		return err
	}
	visited(c).id = started.ID
	c.Header("Location", routeAll+"/"+string(started.ID))
	renderJSON(c, startStatus(started.How), "application/json", started)
	return nil
}

func readRequest(c *gin.Context) (onboarding.Request, error) {
	var r onboarding.Request
	if err := readBody(c, strictjson.OfRequest(&r)); err != nil {
		return r, err
	}
	key, err := idempotencyKey(c, "reference", string(r.Reference))
	r.Reference = onboarding.Reference(key)
	return r, err
}

func startStatus(how starter.How) int {
	switch how {
	case starter.HowStarted:
		return http.StatusCreated
	case starter.HowUnanswered:
		return http.StatusAccepted
	}
	return http.StatusOK
}
