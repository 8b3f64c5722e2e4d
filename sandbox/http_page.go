package sandbox

import (
	"embed"
	"net/http"
	"path"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
)

//go:embed page
var pageFiles embed.FS

// The pages bring everything along; nothing may frame them (contract 4: no iFrame).
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

func (s *Sandbox) hostedPage(c *gin.Context) { servePage(c, "customer.html") }
func (s *Sandbox) officePage(c *gin.Context) { servePage(c, "office.html") }

func (s *Sandbox) asset(c *gin.Context) {
	if path.Ext(c.Param("name")) == ".html" {
		problem(c, http.StatusNotFound, "There is nothing at this address.")
		return
	}
	servePage(c, c.Param("name"))
}

func servePage(c *gin.Context, name string) {
	raw, err := pageFiles.ReadFile("page/" + path.Base(name))
	if err != nil {
		problem(c, http.StatusNotFound, "There is nothing at this address.")
		return
	}
	c.Header("Content-Security-Policy", contentPolicy)
	c.Header("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	c.Data(http.StatusOK, contentTypes[path.Ext(name)], raw)
}

// pageView is what the hosted page shows.
type pageView struct {
	Stage         string   `json:"stage"`
	Advice        string   `json:"advice,omitempty"` // why the customer has to try again
	DocumentTypes []string `json:"documentTypes"`
	Decision      string   `json:"decision"`
	ReturnURL     string   `json:"returnUrl,omitempty"`
	Title         string   `json:"title,omitempty"`
}

// Stages of the hosted page.
const (
	stageWelcome    = "welcome"
	stageConsent    = "consent"
	stageCapture    = "capture"
	stageProcessing = "processing"
	stageRetry      = "retry"
	stageApproved   = "approved"
	stageRejected   = "rejected"
	stageReview     = "review"
	stageSuspended  = "suspended"
	stageDeclined   = "declined"
	stageAborted    = "aborted"
	stageExpired    = "expired"
)

func stage(s state) string {
	switch s.Status {
	case pending:
		return stageWelcome
	case suspended:
		return stageSuspended
	case expired:
		return stageExpired
	case aborted:
		if s.Consent == consentDeclined {
			return stageDeclined
		}
		return stageAborted
	}
	switch {
	case s.Identification == approved:
		return stageApproved
	case s.Identification == rejected && s.Status == completed:
		return stageRejected
	case s.Identification == rejected:
		return stageRetry
	case s.waitsForOndato() && s.Status == completed:
		return stageReview
	case s.waitsForOndato():
		return stageProcessing
	case s.Consent == consentGiven:
		return stageCapture
	}
	return stageConsent
}

// What a customer is told about a retryable reason; critical ones get no explanation.
var advice = map[string]string{
	"MissingDocumentPhoto":           "A photo of your document is missing. Photograph every side we ask for.",
	"DocumentNotAccepted":            "We cannot accept this document. Choose another one, such as a passport.",
	"DataDoesNotMatch":               "What your document says differs from what you told us. Check that you use your own, current document.",
	"MissingSelfiePhoto":             "Your selfie is missing. Please take one.",
	"FacesDoesNotMatch":              "Your selfie does not look like the photo in your document. Face the camera in good light.",
	"PoorPhotoQuality":               "The photo is not clear enough. Hold the camera steady and fill the frame.",
	"PoorPhotoLighting":              "The light was too weak or too strong. Avoid shadows and reflections.",
	"BlurredPhoto":                   "The photo is blurred. Hold the camera steady and wait until it is sharp.",
	"BadMediaFormat":                 "The picture could not be opened. Take a new photo.",
	"UnrelatedPhoto":                 "The picture does not show what we asked for. Photograph your document.",
	"MoreThanOnePerson":              "There is more than one person in the picture. Please be alone in your selfie.",
	"DocumentIsExpired":              "Your document has expired. Use one that is still valid.",
	"DocumentWithNonLatinCharacters": "We cannot read the script of this document. Choose one in Latin letters, such as a passport.",
	"PartOfDocumentIsCovered":        "Part of the document is covered. Show all of it, without fingers or reflections.",
	"NameMismatch":                   "The name on your document differs from the one you gave us.",
	"ExpirationDateMismatch":         "We could not confirm the expiry date. Photograph your document again.",
	"IncorrectInformationProvided":   "Some of the information is not correct. Check it and try again.",
	"PartOfFaceIsCovered":            "Part of your face is covered. Take off hats, masks and sunglasses.",
}

func (w *world) pageView(s *session) pageView {
	v := pageView{Stage: stage(s.state), DocumentTypes: documentTypes, Decision: s.PageChoice}
	if v.Decision == "" {
		v.Decision = w.cfg.AutoDecision
	}
	if s.Identification == rejected {
		v.Advice = advice[s.Reason]
	}
	if l := s.Localisation.main(); l != nil {
		v.Title = l.PageTitle
		switch v.Stage {
		case stageApproved, stageReview:
			v.ReturnURL = l.SuccessRedirectURL
		case stageRejected, stageAborted, stageExpired:
			v.ReturnURL = l.FailureRedirectURL
		case stageDeclined:
			v.ReturnURL = l.ConsentDeclinedRedirectURL
		}
	}
	return v
}

func (s *Sandbox) pageSession(c *gin.Context) {
	s.show(c, func(w *world, ses *session) any { return w.pageView(ses) })
}

const actChoose = "choose" // the demo user's "decide for me"

// pageAct is what the hosted page's buttons do. Only a submission from here is decided on automatically.
func (s *Sandbox) pageAct(c *gin.Context) {
	kind := c.Param("action")
	if kind != actChoose && !slices.Contains(customerActions, kind) {
		problem(c, http.StatusNotFound, "There is no such action.")
		return
	}
	o, ok := readBody(c, true)
	if !ok {
		return
	}
	if kind == actChoose {
		s.choose(c, o)
		return
	}
	a, v := readAction(kind, o)
	if len(v) > 0 {
		v.write(c)
		return
	}
	err := s.world.with(pathID(c), true, func(ses *session, now time.Time) error {
		if kind == actSubmit {
			a.Decision = s.world.pageView(ses).Decision
		}
		return s.world.apply(ses, a, now)
	})
	if err != nil {
		fail(c, err)
		return
	}
	s.pageSession(c)
}

func (s *Sandbox) choose(c *gin.Context, o object) {
	v := invalid{}
	decision := o.text(v, "", "decision")
	if _, err := parseDecision(decision); err != nil {
		v.add("decision", "%s", err.Error())
	}
	if len(v) > 0 {
		v.write(c)
		return
	}
	err := s.world.with(pathID(c), true, func(ses *session, _ time.Time) error {
		ses.PageChoice = decision
		return nil
	})
	if err != nil {
		fail(c, err)
		return
	}
	s.pageSession(c)
}
