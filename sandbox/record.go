package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
)

// The identification record (contract 3.1): read off a made-up document in the name of the registration.

type document struct {
	FullName         string          `json:"fullName,omitempty"`
	FirstName        string          `json:"firstName,omitempty"`
	LastName         string          `json:"lastName,omitempty"`
	DocumentNumber   string          `json:"documentNumber,omitempty"`
	DateOfIssue      string          `json:"dateOfIssue,omitempty"`
	DateOfExpiration string          `json:"dateOfExpiration,omitempty"`
	DateOfBirth      string          `json:"dateOfBirth,omitempty"`
	PersonalCode     string          `json:"personalCode,omitempty"`
	CountryISO3      string          `json:"countryIso3,omitempty"`
	Type             string          `json:"type"`
	MRZVerified      bool            `json:"mrzVerified"`
	Category         string          `json:"category,omitempty"`
	Files            []file          `json:"files"`
	OCR              []ocrValidation `json:"ocrValidations"`
}

type file struct {
	CreatedUTC    string `json:"createdUtc"`
	FileID        string `json:"fileId"`
	FileName      string `json:"fileName"`
	FileExtension string `json:"fileExtension"`
	Part          string `json:"part,omitempty"`
	FileType      string `json:"fileType"`
}

type ocrValidation struct {
	Key     string `json:"key"`
	IsValid bool   `json:"isValid"`
}

type face struct {
	EnrollmentID  string `json:"enrollmentId,omitempty"`
	AgeEstimation string `json:"ageEstimation,omitempty"`
	Files         []file `json:"files"`
}

type check struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

// registration is the personal part of a create request (contract 2.1) and its echo.
type registration struct {
	FirstName    string `json:"firstName,omitempty"`
	MiddleName   string `json:"middleName,omitempty"`
	LastName     string `json:"lastName,omitempty"`
	DateOfBirth  string `json:"dateOfBirth,omitempty"`
	Email        string `json:"email,omitempty"`
	PhoneNumber  *int64 `json:"phoneNumber,omitempty"`
	PersonalCode string `json:"personalCode,omitempty"`
	CountryCode  string `json:"countryCode,omitempty"`
}

const (
	passport        = "Passport"
	idCard          = "IdCard"
	driverLicense   = "DriverLicense"
	residencePermit = "ResidencePermit"
)

var documentTypes = []string{passport, idCard, driverLicense, residencePermit}

func (s *session) registered() registration {
	var r registration
	if s.Registration != nil {
		_ = json.Unmarshal(s.Registration, &r) // written by ourselves; a redacted one is empty
	}
	return r
}

func makeDocument(s *session, kind string, at time.Time) *document {
	if kind == "" {
		kind = idCard
	}
	r := s.registered()
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.ID))
	lot := h.Sum64()
	first := latin(strings.TrimSpace(r.FirstName + " " + r.MiddleName))
	last := latin(r.LastName)
	if first == "" {
		first = "VARDENE"
	}
	if last == "" {
		last = "PAVARDENE"
	}
	issued := at.AddDate(-2, 0, -int(lot%300))
	d := &document{
		FullName: first + " " + last, FirstName: first, LastName: last,
		DocumentNumber: fmt.Sprintf("%08d", 10_000_000+lot%89_999_999),
		DateOfIssue:    issued.Format(time.DateOnly), DateOfExpiration: issued.AddDate(10, 0, 0).Format(time.DateOnly),
		DateOfBirth: r.DateOfBirth, PersonalCode: r.PersonalCode, CountryISO3: iso3(r.CountryCode),
		Type: kind, MRZVerified: true, OCR: []ocrValidation{},
	}
	if d.DateOfBirth == "" {
		d.DateOfBirth = time.Date(1960+int(lot%40), time.Month(1+lot%12), 1+int(lot%28), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	if d.PersonalCode == "" {
		d.PersonalCode = fmt.Sprintf("%011d", 30_000_000_000+lot%9_999_999_999)
	}
	keys := []string{"DateOfBirth", "DateOfExpiration", "DateOfIssue", "DocumentNumber", "FirstName", "LastName", "PersonalCode"}
	parts := []string{"Front", "Back"}
	switch kind {
	case passport:
		parts = []string{"DataPage"}
		keys = append(keys, "Gender", "Nationality")
	case driverLicense:
		d.Category = "B"
		keys = append(keys, "Category")
	}
	for _, k := range keys {
		d.OCR = append(d.OCR, ocrValidation{k, true})
	}
	for i, part := range parts {
		taken := at.Add(time.Duration(i-len(parts)) * 9 * time.Second)
		d.Files = append(d.Files, file{
			CreatedUTC: trimmed(taken.Truncate(time.Second)), FileID: uuid.NewString(), FileExtension: "jpeg", Part: part, FileType: "DocumentPhoto",
			FileName: fmt.Sprintf("%s_%s_%s.jpeg", strings.ReplaceAll(s.KYC.ID, "-", ""), strings.ToLower(part),
				strings.Replace(taken.Format("150405.000"), ".", "", 1)),
		})
	}
	return d
}

func makeFace(s *session, at time.Time) *face {
	f := &face{EnrollmentID: uuid.NewString(), Files: []file{}}
	born, err := time.Parse(time.DateOnly, s.KYC.Document.DateOfBirth)
	if err != nil {
		return f
	}
	switch { // the only two buckets ever seen
	case !born.AddDate(30, 0, 0).After(at):
		f.AgeEstimation = "Age30AndOver"
	case !born.AddDate(22, 0, 0).After(at):
		f.AgeEstimation = "Age22AndOver"
	}
	return f
}

// editable lists what the portal can change in a document, by JSON name.
func (d *document) editable() map[string]*string {
	return map[string]*string{
		"fullName": &d.FullName, "firstName": &d.FirstName, "lastName": &d.LastName, "documentNumber": &d.DocumentNumber,
		"dateOfIssue": &d.DateOfIssue, "dateOfExpiration": &d.DateOfExpiration, "dateOfBirth": &d.DateOfBirth,
		"personalCode": &d.PersonalCode, "countryIso3": &d.CountryISO3, "category": &d.Category,
	}
}

// edit applies a portal edit; without one it corrects the document number, so that something visibly changes.
func (d *document) edit(members map[string]string) {
	if d == nil {
		return
	}
	if len(members) == 0 {
		members = map[string]string{"documentNumber": strings.TrimSuffix(d.DocumentNumber, "X") + "X"}
	}
	fields := d.editable()
	for name, value := range members {
		if f := fields[name]; f != nil {
			*f = value
		}
	}
}

// seen is the document as the API shows it for a rejection: one that could not be read stays sparse (contract 3.1).
func (d *document) seen(status, reason string, at time.Time) *document {
	if d == nil || status != rejected {
		return d
	}
	if slices.Contains([]string{"MissingDocumentPhoto", "PoorPhotoQuality", "PoorPhotoLighting", "BlurredPhoto", "BadMediaFormat",
		"UnrelatedPhoto", "PartOfDocumentIsCovered", "DocumentNotAccepted"}, reason) {
		sparse := &document{Type: d.Type, Files: d.Files, OCR: []ocrValidation{}}
		if reason == "MissingDocumentPhoto" {
			sparse.Files = []file{}
		}
		return sparse
	}
	shown := *d
	if reason == "DocumentIsExpired" {
		shown.DateOfExpiration = at.AddDate(0, -1, 0).Format(time.DateOnly)
		shown.DateOfIssue = at.AddDate(-10, -1, 0).Format(time.DateOnly)
	}
	return &shown
}

var ruleNames = []string{"DocumentHasBothSides", "DocumentNotExpired", "DocumentHasFace", "DocumentTypeNotProhibited", "NotUnder18",
	"SelfieHasFace", "SelfieAndDocumentFacesMatch", "SuccessfulPassiveLivenessCheck"}

// Which rule fails with which reason; reasons that no rule of contract 3.5 explains leave all rules green.
var failingRule = map[string]string{
	"MissingDocumentPhoto": "DocumentHasBothSides", "BlurredPhoto": "DocumentHasFace", "PoorPhotoQuality": "DocumentHasFace",
	"PoorPhotoLighting": "DocumentHasFace", "BadMediaFormat": "DocumentHasFace", "UnrelatedPhoto": "DocumentHasFace",
	"PartOfDocumentIsCovered": "DocumentHasFace", "DocumentNotAccepted": "DocumentTypeNotProhibited",
	"DocumentIsExpired": "DocumentNotExpired", "UnderagePerson": "NotUnder18", "MissingSelfiePhoto": "SelfieHasFace",
	"PartOfFaceIsCovered": "SelfieHasFace", "MoreThanOnePerson": "SelfieHasFace", "FacesDoesNotMatch": "SelfieAndDocumentFacesMatch",
	"PossibleFraudAttempt": "SuccessfulPassiveLivenessCheck", "DocAndBioAgeDoesntMatch": "DocumentAndActiveLivenessAgeComparisonValid",
}

func makeRules(s state) []check {
	list := []check{}
	if !s.Submitted {
		return list
	}
	fails := ""
	if s.Identification == rejected {
		fails = failingRule[s.Reason]
	}
	for _, name := range ruleNames {
		status := "Success"
		if name == fails {
			status = "Fail"
		}
		list = append(list, check{name, status})
	}
	if fails != "" && !slices.Contains(ruleNames, fails) {
		list = append(list, check{fails, "Fail"})
	}
	return list
}

func makeFraudChecks(s state) []check {
	switch {
	case !s.Submitted || s.waitsForOndato():
		return []check{}
	case s.Reason == "PossibleFraudAttempt":
		return []check{{"DocumentManipulation", "Fail"}}
	}
	return []check{{"DocumentManipulation", "Success"}}
}

// latin writes a name the way a machine-readable zone does: capitals without diacritics.
func latin(name string) string {
	var b strings.Builder
	for _, r := range strings.ToUpper(name) {
		if i := strings.IndexRune(marked, r); i >= 0 {
			r = []rune(plain)[len([]rune(marked[:i]))]
		}
		if r == 'ß' {
			b.WriteString("SS")
			continue
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

const (
	marked = "ĄČĘĖĮŠŲŪŽĀĒĢĪĶĻŅÕÄÖÜÅÁÀÂÃÇĆĐÈÉÊËĚÍÌÎÏŁŃÑŇÓÒÔŐØŘŚŞŤÚÙÛŰŮÝŹŻĎ"
	plain  = "ACEEISUUZAEGIKLNOAOUAAAAACCDEEEEEIIIILNNNOOOOORSSTUUUUUYZZD"
)

func iso3(alpha2 string) string {
	if code, ok := countries[strings.ToUpper(alpha2)]; ok {
		return code
	}
	return "LTU"
}

var countries = map[string]string{
	"AT": "AUT", "BE": "BEL", "BG": "BGR", "CH": "CHE", "CY": "CYP", "CZ": "CZE", "DE": "DEU", "DK": "DNK", "EE": "EST", "ES": "ESP",
	"FI": "FIN", "FR": "FRA", "GB": "GBR", "GR": "GRC", "HR": "HRV", "HU": "HUN", "IE": "IRL", "IS": "ISL", "IT": "ITA", "LI": "LIE",
	"LT": "LTU", "LU": "LUX", "LV": "LVA", "MT": "MLT", "NL": "NLD", "NO": "NOR", "PL": "POL", "PT": "PRT", "RO": "ROU", "SE": "SWE",
	"SI": "SVN", "SK": "SVK", "UA": "UKR", "US": "USA",
}
