package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// credentials put one of the schemes of contract 5.3 on a webhook request.
type credentials struct {
	auth   WebhookAuth
	client *http.Client
	now    func() time.Time // real time: the receiver compares with its own clock

	mu      sync.Mutex // one fetch at a time
	token   string
	expires time.Time
}

// send posts one webhook and reads the answer's status.
func (c *courier) send(ctx context.Context, body []byte) attempt {
	status, err := c.post(ctx, body)
	if status == http.StatusUnauthorized && c.w.cfg.WebhookAuth.Scheme == SchemeOAuth2 && c.credentials.drop() {
		status, err = c.post(ctx, body) // the token may have died early: once more with a new one
	}
	if err != nil {
		return attempt{Error: plainError(err)}
	}
	return attempt{Status: status}
}

func (c *courier) post(ctx context.Context, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.w.cfg.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if err := c.credentials.set(ctx, req, body); err != nil {
		return 0, err
	}
	return exchange(c.client, req)
}

func exchange(client *http.Client, req *http.Request) (int, error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	return resp.StatusCode, nil
}

func (cr *credentials) set(ctx context.Context, req *http.Request, body []byte) error {
	switch cr.auth.Scheme {
	case SchemeBasic:
		req.SetBasicAuth(cr.auth.Username, cr.auth.Password)
	case SchemeHMAC:
		t := strconv.FormatInt(cr.now().Unix(), 10)
		req.Header.Set("Ondato-Signature", "t="+t+", s="+sign(cr.auth.Secret, t, body))
	case SchemeOAuth2:
		token, err := cr.bearer(ctx)
		if err != nil {
			return fmt.Errorf("no token for the webhook: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}

// sign is hex(HMAC-SHA256(secret, t + "." + body)).
func sign(secret, t string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// bearer returns a token of the receiver's token endpoint, fetched with client credentials in the form body.
func (cr *credentials) bearer(ctx context.Context) (string, error) {
	cr.mu.Lock()
	defer cr.mu.Unlock()
	if cr.token != "" && cr.now().Before(cr.expires) {
		return cr.token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {cr.auth.ClientID}, "client_secret": {cr.auth.ClientSecret}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cr.auth.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := cr.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the token endpoint answered %d", resp.StatusCode)
	}
	var body struct {
		Token     string  `json:"access_token"`
		Type      string  `json:"token_type"`
		ExpiresIn float64 `json:"expires_in"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&body); err != nil {
		return "", errors.New("the token endpoint's answer is not JSON")
	}
	if body.Token == "" || !strings.EqualFold(body.Type, "Bearer") {
		return "", errors.New("the token endpoint's answer lacks access_token or token_type Bearer")
	}
	// Half a minute early, but a short-lived token is used for at least half its life.
	life := time.Duration(min(body.ExpiresIn, 1e6) * float64(time.Second))
	cr.token, cr.expires = body.Token, cr.now().Add(max(life-30*time.Second, life/2))
	return cr.token, nil
}

// drop forgets the token; false if there was none.
func (cr *credentials) drop() bool {
	cr.mu.Lock()
	defer cr.mu.Unlock()
	had := cr.token != ""
	cr.token = ""
	return had
}

// plainError leaves out the URL, which may hold a secret.
func plainError(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}
