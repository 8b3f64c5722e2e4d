package onboarding

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a value with personal data, or with a link that opens a customer's page, shows when it is printed.
const redacted = "[redacted]"

// hidden is embedded in every type that holds such data, so that printing or logging one by mistake shows nothing. JSON
// is not affected: it is how payloads are made.
type hidden struct{}

// Format shows "[redacted]", whatever the verb.
func (hidden) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue shows "[redacted]".
func (hidden) LogValue() slog.Value { return slog.StringValue(redacted) }
