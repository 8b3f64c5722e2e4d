package webhookbridge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"kyc/ondato"
)

const (
	maxBody    = 1 << 20
	maxDrained = 8 << 20
	usualBody  = 8 << 10
	// bodyPatience is how long a body may take to arrive, out of the five seconds that an answer may take.
	bodyPatience = 3 * time.Second
	realm        = `realm="ondato-webhooks"`
)

// Credentials are what Ondato authenticates with; every scheme with an entry is accepted, several entries serve rotation
// (contract 5.3).
type Credentials struct {
	// Basic are user names and passwords.
	Basic []ondato.Credential
	// HMACSecrets are the shared secrets of the Ondato-Signature header.
	HMACSecrets []string
	// OAuthClients may fetch tokens at /oauth2/token, which exists when there is one.
	OAuthClients []ondato.OAuth2Client
}

// authentication is one set of credentials made ready.
type authentication struct {
	any        ondato.Authenticator
	issuer     *ondato.OAuth2Issuer // nil without OAuth clients
	challenges []string
}

// newAuthentication returns every problem of the credentials at once; none at all is one.
func newAuthentication(c Credentials) (*authentication, error) {
	var (
		a        authentication
		schemes  []ondato.Authenticator
		problems []error
	)
	add := func(name, challenge string, scheme ondato.Authenticator, err error) {
		if err != nil {
			problems = append(problems, credentialsProblem("Credentials."+name, err))
			return
		}
		schemes = append(schemes, scheme)
		a.challenges = append(a.challenges, challenge)
	}
	if len(c.Basic) > 0 {
		scheme, err := ondato.BasicAuth(c.Basic...)
		add("Basic", `Basic `+realm+`, charset="UTF-8"`, scheme, err)
	}
	if len(c.OAuthClients) > 0 {
		issuer, err := ondato.NewOAuth2Issuer(c.OAuthClients...)
		a.issuer = issuer
		add("OAuthClients", `Bearer `+realm, issuer, err)
	}
	if len(c.HMACSecrets) > 0 {
		scheme, err := ondato.HMACAuth(c.HMACSecrets...)
		add("HMACSecrets", ondato.SignatureHeader+` `+realm, scheme, err)
	}
	if len(schemes)+len(problems) == 0 {
		problems = append(problems, &ondato.FieldError{Field: "Credentials",
			Problem: "are empty; configure at least one of Basic, HMACSecrets and OAuthClients: an open webhook lets anybody decide"})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	var err error
	a.any, err = ondato.AnyOf(schemes...)
	return &a, err
}

// credentialsProblem names the field as it is called here: "secrets[1]" of the scheme is Credentials.HMACSecrets[1].
func credentialsProblem(field string, err error) error {
	var inner *ondato.FieldError
	if !errors.As(err, &inner) {
		return fmt.Errorf("%s: %w", field, err)
	}
	if _, index, found := strings.Cut(inner.Field, "["); found {
		field += "[" + index
	}
	return &ondato.FieldError{Field: field, Problem: inner.Problem}
}

// verifier answers whether a request comes from Ondato, and reads its body.
type verifier struct {
	sources sources
	current atomic.Pointer[authentication]
}

// verify returns the body of a request with the right credentials. Strangers are refused before anything of theirs is
// read, unless they carry a signature in the right form, which covers the body.
func (v *verifier) verify(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := v.sources.check(r); err != nil {
		return nil, err
	}
	auth := v.current.Load()
	early := auth.any.Authenticate(r, nil)
	if early != nil && !errors.Is(early, ondato.ErrNeedsBody) {
		return nil, unauthorized(auth, r, early)
	}
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return nil, err
	}
	if early != nil {
		if err := auth.any.Authenticate(r, body); err != nil {
			return nil, unauthorized(auth, r, err)
		}
	}
	if coding := strings.Join(r.Header.Values("Content-Encoding"), ","); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, &refusal{status: http.StatusUnsupportedMediaType, reason: "content-encoding", field: "Content-Encoding",
			detail: "is not supported; send the body uncompressed"}
	}
	return body, nil
}

func unauthorized(auth *authentication, r *http.Request, cause error) *refusal {
	out := &refusal{status: http.StatusUnauthorized, reason: "bad-credentials", cause: cause,
		detail: "the credentials are not right; check what is configured at Ondato and at the bridge"}
	if errors.Is(cause, ondato.ErrNoCredentials) {
		out.reason, out.detail = "no-credentials", "credentials are missing; send those of a configured scheme"
	}
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	for _, challenge := range auth.challenges {
		if strings.HasPrefix(challenge, "Bearer ") && strings.EqualFold(scheme, "Bearer") {
			challenge += `, error="invalid_token"` // RFC 6750: tells the sender to fetch another one
		}
		out.challenges = append(out.challenges, challenge)
	}
	return out
}

// readBody reads at most limit bytes within bodyPatience.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	tooLarge := &refusal{status: http.StatusRequestEntityTooLarge, reason: "too-large", field: "body",
		detail: "is too large; one event per request, at most 1 MiB"}
	// Not every writer has a connection with deadlines; a server without them still has its own time-outs.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyPatience))
	if r.ContentLength > limit {
		drain(r)
		return nil, tooLarge
	}
	// Most bodies are as long as they say, and small; what is announced beyond that takes no memory before it is there.
	var read bytes.Buffer
	read.Grow(int(min(max(r.ContentLength, 0), usualBody)) + bytes.MinRead)
	_, err := read.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	body := read.Bytes()
	var over *http.MaxBytesError
	switch {
	case err == nil:
		// A deadline left behind would cancel the request while it is being delivered.
		_ = control.SetReadDeadline(time.Time{})
		return body, nil
	case errors.As(err, &over):
		drain(r)
		return nil, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &refusal{status: http.StatusRequestTimeout, reason: "slow-body", field: "body",
			detail: "took longer than 3 seconds to arrive; send it again"}
	default:
		// net/http's texts on malformed chunks and early ends quote nothing, but they help nobody either.
		return nil, &refusal{status: http.StatusBadRequest, reason: "incomplete-body", field: "body",
			detail: "did not arrive whole; send it again"}
	}
}

// drain takes in some of a body that is too large: a connection closed in the middle of it often shows the sender a reset
// instead of the answer. What fails here has no bearing on the answer.
func drain(r *http.Request) { _, _ = io.CopyN(io.Discard, r.Body, maxDrained) }
