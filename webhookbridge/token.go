package webhookbridge

import (
	"errors"
	"mime"
	"net/http"
	"net/url"

	"kyc/ondato"
)

const maxTokenRequest = 8 << 10

// tokenAnswer is RFC 6749 section 5.1.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
}

// tokenEndpoint gives Ondato the bearer tokens of its webhooks (contract 5.3: the call's form is inferred, so
// credentials are taken from the body and from a Basic header, and unknown parameters are left alone).
type tokenEndpoint struct{ verifier *verifier }

func (t tokenEndpoint) issue(w http.ResponseWriter, r *http.Request) (tokenAnswer, error) {
	if err := t.verifier.sources.check(r); err != nil {
		return tokenAnswer{}, err
	}
	issuer := t.verifier.current.Load().issuer
	if issuer == nil {
		return tokenAnswer{}, notFound()
	}
	form, err := readForm(w, r)
	if err != nil {
		return tokenAnswer{}, err
	}
	for name, values := range form {
		if len(values) > 1 {
			if name != "grant_type" && name != "client_id" && name != "client_secret" && name != "scope" {
				name = "a parameter"
			}
			return tokenAnswer{}, oauthRefusal("invalid_request", name+" is repeated; send each parameter once")
		}
	}
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		return tokenAnswer{}, oauthRefusal("invalid_request", "grant_type is missing; send client_credentials")
	default:
		return tokenAnswer{}, oauthRefusal("unsupported_grant_type", "grant_type is not supported; send client_credentials")
	}
	return authorize(issuer, r, form)
}

func authorize(issuer *ondato.OAuth2Issuer, r *http.Request, form url.Values) (tokenAnswer, error) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	candidates := [][2]string{{id, secret}}
	if user, password, ok := r.BasicAuth(); ok {
		// RFC 6749 has both parts form-encoded within the header, which many clients forget.
		candidates = [][2]string{{user, password}}
		u, errU := url.QueryUnescape(user)
		p, errP := url.QueryUnescape(password)
		if errU == nil && errP == nil {
			candidates = append(candidates, [2]string{u, p})
		}
		if secret != "" && secret != password && secret != p || id != "" && id != user && id != u {
			return tokenAnswer{}, oauthRefusal("invalid_request", "the header and the body hold different credentials; send them once")
		}
	}
	for _, c := range candidates {
		token, lifetime, err := issuer.Issue(c[0], c[1])
		if err == nil {
			return tokenAnswer{AccessToken: token, TokenType: "Bearer", ExpiresIn: int(lifetime.Seconds())}, nil
		}
		if !errors.Is(err, ondato.ErrBadCredentials) {
			return tokenAnswer{}, err
		}
	}
	out := oauthRefusal("invalid_client", "client_id and client_secret are not right; check what is configured at Ondato and at the bridge")
	out.status, out.challenges = http.StatusUnauthorized, []string{"Basic " + realm}
	return tokenAnswer{}, out
}

func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, oauthRefusal("invalid_request", "Content-Type must be application/x-www-form-urlencoded")
	}
	body, err := readBody(w, r, maxTokenRequest)
	if err != nil {
		out := asRefusal(err)
		out.oauth = "invalid_request"
		if out.status == http.StatusRequestEntityTooLarge {
			out.detail = "the body is larger than 8 KiB"
		}
		return nil, out
	}
	form, err := url.ParseQuery(string(body))
	if err != nil { // its text quotes the body
		return nil, oauthRefusal("invalid_request", "the body is not form-encoded")
	}
	return form, nil
}

func oauthRefusal(code, description string) *refusal {
	return &refusal{status: http.StatusBadRequest, reason: "oauth-" + code, detail: description, oauth: code}
}

func notFound() *refusal {
	return &refusal{status: http.StatusNotFound, reason: "no-such-path", detail: "there is nothing at this path"}
}
