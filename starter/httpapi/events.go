package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"kyc/starter"
)

// The types of server-sent events.
const (
	// eventStage has a starter.Overview as data: first the present one, then one for each change.
	eventStage = "stage"
	// eventEnd is the last one: nothing more will change.
	eventEnd = "end"
	// eventProblem ends a stream that cannot go on; its data is a problem.
	eventProblem = "problem"

	// writePatience is how long a listener may take to accept an event.
	writePatience = 10 * time.Second
)

// seen is one look of a watch.
type seen struct {
	overview starter.Overview
	err      error
}

// events streams the changes of an onboarding's stage.
func (a *API) events(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	q := query(c, "until")
	until := q.oneOf("until", "end", "handoff")
	if err := q.err(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	looks := make(chan seen)
	go func() {
		defer close(looks)
		for overview, err := range a.onboardings.Watch(ctx, id, until == "end") {
			select {
			case looks <- seen{overview, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	first, ok := <-looks
	if !ok { // the watch yields at least once but when the listener has gone
		return nil
	}
	if first.err != nil {
		return first.err
	}
	s := stream{c: c, control: http.NewResponseController(c.Writer)}
	s.open()
	if s.send(eventStage, first.overview) {
		a.follow(s, looks)
	}
	return nil
}

// follow passes on what is seen until the watch, the listener or the program ends.
func (a *API) follow(s stream, looks <-chan seen) {
	beat := time.NewTicker(a.heartbeat)
	defer beat.Stop()
	for {
		alive := true
		select {
		case look, more := <-looks:
			switch {
			case !more:
				s.send(eventEnd, struct{}{})
				return
			case look.err != nil:
				v, r := visited(s.c), asRefusal(look.err)
				v.code, v.cause = r.code, r.cause
				s.send(eventProblem, problem{Title: http.StatusText(r.status), Status: r.status, Detail: r.detail, Code: r.code, RequestID: v.requestID})
				return
			}
			alive = s.send(eventStage, look.overview)
		case <-beat.C:
			alive = s.write([]byte(": still here\n\n"))
		case <-s.c.Request.Context().Done():
			return
		case <-a.stopping: // the listener connects again, elsewhere
			return
		}
		if !alive {
			return
		}
	}
}

// stream writes server-sent events.
type stream struct {
	c       *gin.Context
	control *http.ResponseController
}

func (s stream) open() {
	s.c.Header("Content-Type", "text/event-stream")
	s.c.Header("Cache-Control", "no-store")
	s.c.Header("X-Accel-Buffering", "no") // a proxy that collects would hold events back
	s.c.Status(http.StatusOK)
	_ = s.control.SetReadDeadline(time.Time{}) // the server's time-outs are for brief requests
}

func (s stream) send(event string, data any) bool {
	encoded, err := json.Marshal(data)
	if err != nil {
		return false
	}
	return s.write([]byte("event: " + event + "\ndata: " + string(encoded) + "\n\n"))
}

// write tells whether the listener is still there.
func (s stream) write(text []byte) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(writePatience)) // one that cannot be set leaves the server's own
	if _, err := s.c.Writer.Write(text); err != nil {
		return false
	}
	return s.control.Flush() == nil
}
