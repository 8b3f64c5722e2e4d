package ondato

import (
	"errors"
	"net/http"
)

var (
	// ErrNoCredentials says that the request carries none of the scheme's credentials.
	ErrNoCredentials = errors.New("no webhook credentials")
	// ErrBadCredentials says that the request carries credentials that are not right.
	ErrBadCredentials = errors.New("bad webhook credentials")
	// ErrNeedsBody says that the credentials can only be judged together with the body.
	ErrNeedsBody = errors.New("webhook credentials need the body")
)

// Authenticator judges whether a delivery comes from Ondato (contract 5.3). A nil error lets it in; every error is or wraps
// [ErrNoCredentials], [ErrBadCredentials] or [ErrNeedsBody].
//
// It may be asked with a nil body before the body is read: [ErrNeedsBody] then means to read it and ask again,
// so that strangers cannot make us read anything. It must be safe for concurrent use.
type Authenticator interface {
	Authenticate(r *http.Request, body []byte) error
}

type anyOf []Authenticator

// AnyOf lets in what one of the schemes lets in; without any scheme it refuses to be made.
func AnyOf(schemes ...Authenticator) (Authenticator, error) {
	if len(schemes) == 0 {
		return nil, errors.New("webhook authentication: no scheme is configured; configure at least one")
	}
	for _, scheme := range schemes {
		if scheme == nil {
			return nil, errors.New("webhook authentication: a scheme is nil; leave it out")
		}
	}
	return anyOf(append([]Authenticator(nil), schemes...)), nil
}

// Authenticate returns nil on the first success, else the error that says most: needs the body, bad, none.
func (schemes anyOf) Authenticate(r *http.Request, body []byte) error {
	verdict := ErrNoCredentials
	for _, scheme := range schemes {
		err := scheme.Authenticate(r, body)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrNeedsBody):
			verdict = ErrNeedsBody
		case !errors.Is(err, ErrNoCredentials) && verdict != ErrNeedsBody:
			verdict = ErrBadCredentials
		}
	}
	return verdict
}
