package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Act does something at the sandbox as a customer or as Ondato: start, consent, submit, approve and so on. An action
// that the session does not allow (any more) is an error with status 409.
func (s *Stack) Act(ctx context.Context, sessionID, action string, body any) error {
	payload, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		payload = []byte("{}")
	}
	err = s.Control(ctx, http.MethodPost, "sessions/"+sessionID+"/"+action, bytes.NewReader(payload))
	var refused *ActError
	if errors.As(err, &refused) {
		refused.Action = action
	}
	return err
}

// Control calls the sandbox's control API, at a path below /_sandbox/. Another answer than 2xx is an *ActError.
func (s *Stack) Control(ctx context.Context, method, path string, body io.Reader) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.SandboxURL+"/_sandbox/"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	if answer.StatusCode/100 != 2 {
		return &ActError{Action: method + " " + path, Status: answer.StatusCode}
	}
	return nil
}

// ActError is an action that the sandbox refused.
type ActError struct {
	Action string
	Status int
}

func (e *ActError) Error() string {
	return fmt.Sprintf("sandbox refuses %s with status %d", e.Action, e.Status)
}

// SessionOf reads the session's id out of a customer's link.
func SessionOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Query().Get("id")
}
