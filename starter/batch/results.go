package batch

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"kyc/onboarding"
)

// Result says what came of a line.
type Result string

// The results. Only started and existing ones are done with: a batch that is run again sends the others again.
const (
	// ResultStarted: this batch began the onboarding.
	ResultStarted Result = "started"
	// ResultExisting: the same request had been sent before.
	ResultExisting Result = "existing"
	// ResultRefused: the onboarding cannot be started; the reason says why.
	ResultRefused Result = "refused"
	// ResultUnanswered: Temporal or the workers did not answer; whether an onboarding stands is not known.
	ResultUnanswered Result = "unanswered"
)

func (r Result) done() bool { return r == ResultStarted || r == ResultExisting }

// resultColumns head the result file.
var resultColumns = []string{"reference", "id", "result", "link", "reason"}

// results is the result file. Its links open customers' pages, so that it is readable by its owner alone.
type results struct {
	mu   sync.Mutex
	file *os.File
	// seen are those that an earlier run of the batch is done with.
	seen map[onboarding.ID]Result
}

// openResults opens a result file to go on with. What earlier runs are not done with is removed from it, so that it has
// one row for each reference; a row that was cut off by a power failure goes, too, and its line is sent again.
func openResults(path string, again bool) (_ *results, err error) {
	r := &results{seen: map[onboarding.ID]Result{}}
	fresh, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err == nil {
		err = fresh.Chmod(0o600) // one that was left behind may be of anybody's making
	}
	if err != nil {
		return nil, fmt.Errorf("the result file cannot be made: %w", err)
	}
	defer func() {
		if err != nil {
			_ = fresh.Close()
			_ = os.Remove(fresh.Name())
		}
	}()
	r.file = fresh
	if err := r.row(resultColumns); err != nil {
		return nil, err
	}
	if err := r.take(path, again); err != nil {
		return nil, err
	}
	if err := errors.Join(fresh.Sync(), os.Rename(fresh.Name(), path)); err != nil {
		return nil, fmt.Errorf("the result file cannot be replaced: %w", err)
	}
	return r, nil
}

// take copies what is done with.
func (r *results) take(path string, again bool) error {
	old, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the result file cannot be read: %w", err)
	}
	defer old.Close()
	rows := csv.NewReader(old)
	head, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil || strings.Join(head, ",") != strings.Join(resultColumns, ",") {
		return fmt.Errorf("%s is there and is no result file of a batch: move it, or name another with --results", path)
	}
	for {
		row, err := rows.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			continue
		case err != nil:
			return fmt.Errorf("the result file cannot be read: %w", err)
		}
		id, result := onboarding.ID(row[1]), Result(row[2])
		if again || !result.done() || onboarding.Reference(row[0]).ID() != id {
			continue
		}
		r.seen[id] = result
		if err := r.row(row); err != nil {
			return err
		}
	}
}

// row writes a row at once, so that a kill leaves none half written.
func (r *results) row(row []string) error {
	var text strings.Builder
	w := csv.NewWriter(&text)
	_ = w.Write(row)
	w.Flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := io.WriteString(r.file, text.String()); err != nil {
		return fmt.Errorf("the result file cannot be written: %w", err)
	}
	return nil
}

func (r *results) close() error { return errors.Join(r.file.Sync(), r.file.Close()) }
