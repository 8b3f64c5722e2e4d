package httpapi

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"kyc/onboarding"
	"kyc/starter"
)

// list answers a page of onboardings, or with a reference everything about the one that it names.
func (a *API) list(c *gin.Context) error {
	q := query(c, "reference", "stage", "outcome", "attention", "setup", "standing", "pageSize", "pageToken")
	if q.get("reference") != "" {
		return a.byReference(c, q)
	}
	f := starter.Filter{
		Stage: onboarding.Stage(q.get("stage")), Outcome: onboarding.Outcome(q.get("outcome")), Attention: onboarding.Attention(q.get("attention")),
		Setup: q.get("setup"), Standing: starter.Standing(q.get("standing")), PageToken: q.get("pageToken"),
	}
	if size := q.get("pageSize"); size != "" {
		var err error
		if f.PageSize, err = strconv.Atoi(size); err != nil || f.PageSize == 0 {
			q.found = append(q.found, field("pageSize", "is not a number above 0", "give 1 to "+strconv.Itoa(starter.MaxPageSize)))
		}
	}
	if err := q.err(); err != nil {
		return err
	}
	page, err := a.onboardings.List(c.Request.Context(), f)
	if err != nil {
		return err
	}
	if page.Onboardings == nil {
		page.Onboardings = []starter.Overview{}
	}
	renderJSON(c, http.StatusOK, "application/json", page)
	return nil
}

func (a *API) byReference(c *gin.Context, q *parameters) error {
	reference := onboarding.Reference(q.get("reference"))
	if err := reference.Validate(); err != nil {
		q.found = append(q.found, onboarding.Fields(err)...)
	}
	if len(q.values) > 1 {
		q.found = append(q.found, field("reference", "is given with other parameters", "give it alone: it names one onboarding"))
	}
	if err := q.err(); err != nil {
		return err
	}
	visited(c).id = reference.ID()
	return a.answerStatus(c, reference.ID())
}
