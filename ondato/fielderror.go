package ondato

// FieldError is a refusal of something that was given to us; its text names the field and the remedy, never the value.
type FieldError struct {
	Field   string // for example "payload.id", or "body" for the whole
	Problem string // for example "is not a UUID"
}

// Error is the field followed by the problem.
func (e *FieldError) Error() string { return e.Field + " " + e.Problem }
