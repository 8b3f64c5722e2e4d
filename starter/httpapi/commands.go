package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"kyc/internal/strictjson"
	"kyc/onboarding"
	"kyc/starter"
)

// obeyed answers a command.
type obeyed struct {
	ID onboarding.ID `json:"id"`
	// CommandID makes a repeat of the command safe.
	CommandID string           `json:"commandId"`
	Repeated  bool             `json:"repeated"`
	Stage     onboarding.Stage `json:"stage"`
}

// obey carries out an operator's command; the actor is the token's name.
func (a *API) obey(kind onboarding.CommandKind) func(*gin.Context) error {
	return func(c *gin.Context) error {
		id, err := pathID(c)
		if err != nil {
			return err
		}
		if err := query(c).err(); err != nil {
			return err
		}
		command, err := readCommand(c, kind)
		if err != nil {
			return err
		}
		receipt, err := a.onboardings.Obey(c.Request.Context(), id, command)
		if err != nil {
			return err
		}
		renderJSON(c, http.StatusOK, "application/json", obeyed{ID: id, CommandID: command.ID, Repeated: receipt.Repeated, Stage: receipt.Stage})
		return nil
	}
}

func readCommand(c *gin.Context, kind onboarding.CommandKind) (onboarding.Command, error) {
	command := onboarding.Command{Kind: kind, Actor: visited(c).caller}
	var by string
	into := strictjson.Members{"commandId": &command.ID, "reason": &command.Reason}
	switch kind {
	case onboarding.CommandExtend:
		into["by"] = &by
	case onboarding.CommandDecide:
		into["outcome"] = (*string)(&command.Outcome)
	}
	if err := readBody(c, into); err != nil {
		return command, err
	}
	var err error
	if command.ID, err = idempotencyKey(c, "commandId", command.ID); err != nil {
		return command, err
	}
	if command.ID == "" {
		command.ID = starter.NewCommandID()
	}
	if by != "" {
		if command.By, err = onboarding.ParseDuration(by); err != nil {
			return command, malformed(field("by", "is not a duration", "write it as 7d, 1d12h or 45m"))
		}
	}
	return command, nil
}

// erase has a customer forgotten; the actor is the token's name.
func (a *API) erase(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := query(c).err(); err != nil {
		return err
	}
	e := onboarding.Erasure{ID: id, Actor: visited(c).caller}
	if err := readBody(c, strictjson.Members{"reason": &e.Reason, "cancelFirst": &e.CancelFirst, "keepHistory": &e.KeepHistory}); err != nil {
		return err
	}
	erasing, err := a.onboardings.Erase(c.Request.Context(), e)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if erasing.Receipt == nil {
		status = http.StatusAccepted
	}
	renderJSON(c, status, "application/json", erasing)
	return nil
}
