package app

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
)

// Secret is a value that does not show itself when it is printed, logged or encoded; Reveal is the only way to it.
type Secret string

const hidden = "(secret)"

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String does not show the secret.
func (s Secret) String() string { return hidden }

// GoString does not show the secret.
func (s Secret) GoString() string { return hidden }

// LogValue does not show the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText does not show the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Credential is a name with its secret: a user's password, a client's secret.
type Credential struct {
	Name   string
	Secret Secret
}

// maxSecretFile is far above any list of secrets; what is larger is another file by mistake.
const maxSecretFile = 64 << 10

// readSecretFile gives the file's content without its last line break. Its faults hold neither content nor path: a secret
// that was given in place of a path would otherwise be shown.
func readSecretFile(path string) (string, []fault) {
	f, err := os.Open(path)
	if err != nil {
		return "", unreadable(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", unreadable(err)
	}
	if len(content) > maxSecretFile {
		return "", faultf("names a file larger than 64 KiB", "name the file that holds the secret and nothing else")
	}
	if trimmed, cut := bytes.CutSuffix(content, []byte("\n")); cut {
		content = bytes.TrimSuffix(trimmed, []byte("\r"))
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return "", faultf("names an empty file", "write the secret into it")
	}
	return string(content), nil
}

func unreadable(err error) []fault {
	why := err
	var at *fs.PathError
	if errors.As(err, &at) {
		why = at.Err
	}
	return faultf("names a file that cannot be read ("+why.Error()+")", "give the path of a file that this program may read")
}
