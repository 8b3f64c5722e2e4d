package codecserver

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

//go:embed signin.html
var signInText string

var signInPage = template.Must(template.New("sign in").Parse(signInText))

// maxForm is far above any token.
const maxForm = 4 << 10

type signInView struct {
	Nonce       string
	Name, Until string
	Origins     []string
	Wrong       string
}

func (s *Server) showSignIn(c *gin.Context) error {
	view := signInView{Origins: s.origins}
	if of, until := s.holders.withCookie(c.Request, s.now()); of != nil {
		view.Name, view.Until = of.name, until.UTC().Format("15:04")
	}
	return renderSignIn(c, http.StatusOK, view)
}

// signIn takes a token and gives the cookie. A page of somebody else cannot have this done.
func (s *Server) signIn(c *gin.Context) error {
	if err := ownPage(c.Request); err != nil {
		return err
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
	if err := c.Request.ParseForm(); err != nil {
		return &refusal{status: http.StatusBadRequest, reason: "form", detail: "the form cannot be read; send the field token as application/x-www-form-urlencoded"}
	}
	found := s.holders.withToken(strings.TrimSpace(c.Request.PostForm.Get("token")))
	if found == nil {
		s.metrics.signIns.WithLabelValues("refused").Inc()
		visited(c).outcome, visited(c).reason = "refused", "credentials"
		c.Header("WWW-Authenticate", challenge)
		return renderSignIn(c, http.StatusUnauthorized, signInView{Wrong: "That is none of the tokens this server knows."})
	}
	cookie, err := newSession(found, s.now(), insecure(c.Request))
	if err != nil {
		return err
	}
	http.SetCookie(c.Writer, cookie)
	visited(c).by, visited(c).outcome = found.of.name, "signed-in"
	s.metrics.signIns.WithLabelValues("accepted").Inc()
	seeSignIn(c)
	return nil
}

func (s *Server) signOut(c *gin.Context) error {
	if err := ownPage(c.Request); err != nil {
		return err
	}
	if of, _ := s.holders.withCookie(c.Request, s.now()); of != nil {
		visited(c).by = of.name
	}
	visited(c).outcome = "signed-out"
	http.SetCookie(c.Writer, noSession(insecure(c.Request)))
	seeSignIn(c)
	return nil
}

func ownPage(r *http.Request) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return &refusal{status: http.StatusForbidden, reason: "origin", detail: "another page sent this form; open the sign-in page itself"}
	}
	return nil
}

// seeSignIn is relative, so that a proxy may serve this under a path of its own.
func seeSignIn(c *gin.Context) {
	c.Header("Location", "login")
	c.Status(http.StatusSeeOther)
	c.Writer.WriteHeaderNow()
}

func renderSignIn(c *gin.Context, status int, view signInView) error {
	view.Nonce = uuid.NewString()
	var page strings.Builder
	if err := signInPage.Execute(&page, view); err != nil {
		return errors.Join(errors.New("the sign-in page could not be made"), err)
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+view.Nonce+"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.Data(status, "text/html; charset=utf-8", []byte(page.String()))
	return nil
}
