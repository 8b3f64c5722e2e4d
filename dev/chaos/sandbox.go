package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kyc/dev/stack"
)

// ondato speaks to the sandbox: to its control API as customer, as Ondato and as the one who breaks things, and to
// Ondato's API for the records. The forms of its answers are written down here once more, not shared with the product.
type ondato struct {
	url    string
	secret string
	http   *http.Client
}

func newOndato(url, clientSecret string) *ondato {
	return &ondato{url: url, secret: clientSecret, http: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32},
	}}
}

// session is a session as the sandbox knows it: the truth.
type session struct {
	ID        string   `json:"id"`
	Number    int64    `json:"number"`
	Reference string   `json:"externalReferenceId"`
	Created   string   `json:"createdUtc"`
	History   []change `json:"history"`
}

// change is a state that a session came to, and when.
type change struct {
	At             time.Time `json:"atUtc"`
	What           string    `json:"what"`
	Status         string    `json:"status"`
	Identification string    `json:"identificationStatus"`
	Reason         string    `json:"identificationReason"`
}

// refusal is an answer that is no success.
type refusal struct {
	path   string
	status int
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the sandbox answers %d to %s", r.status, r.path)
}

// call sends a request and reads the answer, a JSON object, into a value that may be nil.
func (o *ondato) call(ctx context.Context, method, path string, header http.Header, body string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, o.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		r.Header[name] = values
	}
	answer, err := o.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return &refusal{path: strings.SplitN(path, "?", 2)[0], status: answer.StatusCode}
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(bytes.NewReader(text)).Decode(into)
}

func (o *ondato) control(ctx context.Context, method, path, body string, into any) error {
	return o.call(ctx, method, "/_sandbox/"+path, nil, body, into)
}

// sessions are all there are, the oldest first.
func (o *ondato) sessions(ctx context.Context) ([]session, error) {
	var list []session
	for {
		var page struct {
			Total    int       `json:"total"`
			Sessions []session `json:"sessions"`
		}
		if err := o.control(ctx, http.MethodGet, fmt.Sprintf("sessions?limit=500&offset=%d", len(list)), "", &page); err != nil {
			return nil, err
		}
		list = append(list, page.Sessions...) // the newest first
		if len(list) >= page.Total || len(page.Sessions) == 0 {
			break
		}
	}
	return list, nil
}

// criticalReasons are those after which a customer may not try again.
func (o *ondato) criticalReasons(ctx context.Context) (map[string]bool, error) {
	var list []struct {
		Name     string `json:"name"`
		Critical bool   `json:"critical"`
	}
	if err := o.control(ctx, http.MethodGet, "reasons", "", &list); err != nil {
		return nil, err
	}
	critical := map[string]bool{}
	for _, r := range list {
		critical[r.Name] = r.Critical
	}
	return critical, nil
}

// fired counts the strikes of each fault.
type fired struct {
	Webhooks map[string]struct {
		Fired int `json:"fired"`
	} `json:"webhooks"`
	API map[string]struct {
		Fired int `json:"fired"`
	} `json:"api"`
}

func (o *ondato) firedFaults(ctx context.Context) (f fired, err error) {
	return f, o.control(ctx, http.MethodGet, "faults", "", &f)
}

// webhooks counts what became of the webhooks.
type webhooks struct {
	Sent, Delivered, Lost, Pending, Attempts int
}

func (o *ondato) webhooks(ctx context.Context) (n webhooks, err error) {
	var page struct {
		Total      int `json:"total"`
		Deliveries []struct {
			State    string `json:"state"`
			Attempts []struct {
				Status int `json:"status"`
			} `json:"attempts"`
		} `json:"deliveries"`
	}
	if err := o.control(ctx, http.MethodGet, "deliveries?limit=10000", "", &page); err != nil {
		return n, err
	}
	n.Sent = page.Total
	for _, d := range page.Deliveries {
		n.Attempts += len(d.Attempts)
		switch d.State {
		case "delivered":
			n.Delivered++
		case "pending":
			n.Pending++
		default:
			n.Lost++
		}
	}
	return n, nil
}

// token is asked for once before records are read.
func (o *ondato) token(ctx context.Context) (http.Header, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {stack.ClientID}, "client_secret": {o.secret}}
	var answer struct {
		Token string `json:"access_token"`
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if err := o.call(ctx, http.MethodPost, "/connect/token", header, form.Encode(), &answer); err != nil {
		return nil, err
	}
	return http.Header{"Authorization": {"Bearer " + answer.Token}}, nil
}

// record is an identification as Ondato's API shows it.
func (o *ondato) record(ctx context.Context, token http.Header, identificationID string) (record json.RawMessage, err error) {
	return record, o.call(ctx, http.MethodGet, "/v1/identifications/"+url.PathEscape(identificationID), token, "", &record)
}
