package starter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"kyc/onboarding"
)

// Standing says whether an onboarding's run goes on.
type Standing string

// The standings. Closed ones have handed their decision off, or were terminated (Overview.Unfinished).
const (
	StandingOpen   Standing = "open"
	StandingClosed Standing = "closed"
)

// AttentionAny as Filter.Attention finds what has any attention code.
const AttentionAny onboarding.Attention = "any"

// Sizes of a page of List.
const (
	DefaultPageSize = 50
	MaxPageSize     = 1000
)

// Filter says which onboardings to list. Members that are given must all hold; the zero Filter finds everything.
type Filter struct {
	Stage     onboarding.Stage
	Outcome   onboarding.Outcome
	Attention onboarding.Attention
	Setup     string
	Standing  Standing
	// PageSize is how many to return at most; 0 means DefaultPageSize.
	PageSize int
	// PageToken is the NextPageToken of the page before, under the same filter; empty means the first page.
	PageToken string
}

// Page is a part of a list.
type Page struct {
	Onboardings []Overview `json:"onboardings"`
	// NextPageToken asks for the next page; it is empty on the last one. It is opaque, and holds nothing of a customer.
	NextPageToken string `json:"nextPageToken,omitempty"`
}

// Validate returns FieldErrors with everything that is wrong with the filter, or nil.
func (f Filter) Validate() error {
	var found onboarding.FieldErrors
	add := func(field, problem, remedy string) {
		found = append(found, &onboarding.FieldError{Field: field, Problem: problem, Remedy: remedy})
	}
	if f.Stage != "" && !slices.Contains(onboarding.Stages(), f.Stage) {
		add("stage", "is not a stage", oneOf(onboarding.Stages()))
	}
	if f.Outcome != "" && !slices.Contains(onboarding.Outcomes(), f.Outcome) {
		add("outcome", "is not an outcome", oneOf(onboarding.Outcomes()))
	}
	if f.Attention != "" && f.Attention != AttentionAny && !slices.Contains(onboarding.Attentions(), f.Attention) {
		add("attention", "is not an attention code", oneOf(append(onboarding.Attentions(), AttentionAny)))
	}
	if f.Setup != "" && !onboarding.IsSetupName(f.Setup) {
		add("setup", "is not a setup's name", "use lower-case letters, digits, - and _, at most 64")
	}
	if f.Standing != "" && f.Standing != StandingOpen && f.Standing != StandingClosed {
		add("standing", "is neither open nor closed", "choose one of them, or leave it out")
	}
	if f.PageSize < 0 || f.PageSize > MaxPageSize {
		add("pageSize", "is out of range", fmt.Sprintf("give 1 to %d", MaxPageSize))
	}
	if _, err := f.position(); err != nil {
		add("pageToken", "is not a token of this list", "pass the nextPageToken of the page before, under the same filter, or leave it out")
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

func oneOf[T ~string](values []T) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return "use one of: " + strings.Join(words, ", ")
}

// Conditions on a run's status. A run that has continued as new is a part of an onboarding that goes on. Paused, which
// old servers do not know, is open, so that the open ones are those that have not closed.
const (
	isOnboarding  = "WorkflowType = '" + onboarding.WorkflowType + "' AND ExecutionStatus != 'ContinuedAsNew'"
	isUnfinished  = "ExecutionStatus IN ('Failed', 'Canceled', 'Terminated', 'TimedOut')"
	notUnfinished = "ExecutionStatus NOT IN ('Failed', 'Canceled', 'Terminated', 'TimedOut')"
	isClosed      = "ExecutionStatus IN ('Completed', 'Failed', 'Canceled', 'Terminated', 'TimedOut')"
	isOpen        = "ExecutionStatus NOT IN ('Completed', 'Failed', 'Canceled', 'Terminated', 'TimedOut')"
)

// query is the filter in Temporal's language. Every value has passed Validate, none of whose values holds a quote;
// quoted doubles them all the same.
func (f Filter) query() string {
	q := isOnboarding
	where := func(attribute, value string) {
		if value != "" {
			q += " AND " + attribute + " = " + quoted(value)
		}
	}
	where(onboarding.AttributeStage, string(f.Stage))
	where(onboarding.AttributeOutcome, string(f.Outcome))
	if f.Attention == AttentionAny {
		q += " AND " + onboarding.AttributeAttention + " IS NOT NULL"
	} else {
		where(onboarding.AttributeAttention, string(f.Attention))
	}
	where(onboarding.AttributeSetup, f.Setup)
	switch f.Standing {
	case StandingOpen:
		q += " AND " + isOpen
	case StandingClosed:
		q += " AND " + isClosed
	}
	return q
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// tokenMark is how many bytes at the head of a page token tell which filter it belongs to.
const tokenMark = 8

func (f Filter) mark() []byte {
	sum := sha256.Sum256([]byte(f.query()))
	return sum[:tokenMark]
}

// position is what Temporal gave for the next page.
func (f Filter) position() ([]byte, error) {
	if f.PageToken == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(f.PageToken)
	if err != nil || len(raw) <= tokenMark || !bytes.Equal(raw[:tokenMark], f.mark()) {
		return nil, fmt.Errorf("a token of another list")
	}
	return raw[tokenMark:], nil
}

func (f Filter) tokenFor(position []byte) string {
	if len(position) == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(f.mark(), position...))
}

// List returns a page of onboardings, in Temporal's order: the newest first, and where Temporal keeps its lists in SQL
// the open ones before the closed. Lists are eventually consistent: what has changed within the last seconds may show as
// it was, so they are for people and reports; ask Overview or Status about one onboarding. An onboarding that was reset
// in Temporal is listed once for each of its runs. Errors: Invalid, Unavailable.
func (s *Starter) List(ctx context.Context, f Filter) (Page, error) {
	if err := f.Validate(); err != nil {
		return Page{}, invalid(err)
	}
	if f.PageSize == 0 {
		f.PageSize = DefaultPageSize
	}
	position, _ := f.position() // validated
	answer, err := s.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: int32(f.PageSize), NextPageToken: position, Query: f.query(),
	})
	if err != nil {
		return Page{}, translated(err)
	}
	page := Page{Onboardings: make([]Overview, 0, len(answer.GetExecutions())), NextPageToken: f.tokenFor(answer.GetNextPageToken())}
	for _, run := range answer.GetExecutions() {
		if o, ok := overviewOfRun(run); ok {
			page.Onboardings = append(page.Onboardings, o)
		}
	}
	return page, nil
}

// overviewOfRun decodes an entry of a list; it is false for a run that this service did not start.
func overviewOfRun(run *workflowpb.WorkflowExecutionInfo) (Overview, bool) {
	id, ok := onboarding.IDOfWorkflow(run.GetExecution().GetWorkflowId())
	if !ok {
		return Overview{}, false
	}
	return overviewOf(id, run.GetExecution().GetRunId(), run.GetStartTime().AsTime(), run.GetStatus(), typed(run.GetSearchAttributes())), true
}

// typed decodes the attributes that an Overview shows. One that cannot be read is left out, as is one that is not set.
func typed(raw *commonpb.SearchAttributes) temporal.SearchAttributes {
	fields := raw.GetIndexedFields()
	var set []temporal.SearchAttributeUpdate
	set = decoded(set, fields, keyStage.GetName(), keyStage.ValueSet)
	set = decoded(set, fields, keyOutcome.GetName(), keyOutcome.ValueSet)
	set = decoded(set, fields, keySetup.GetName(), keySetup.ValueSet)
	set = decoded(set, fields, keyAttempt.GetName(), keyAttempt.ValueSet)
	set = decoded(set, fields, keyAttention.GetName(), keyAttention.ValueSet)
	set = decoded(set, fields, keyDeadline.GetName(), keyDeadline.ValueSet)
	return temporal.NewSearchAttributes(set...)
}

func decoded[T any](
	set []temporal.SearchAttributeUpdate, fields map[string]*commonpb.Payload, name string, with func(T) temporal.SearchAttributeUpdate,
) []temporal.SearchAttributeUpdate {
	payload := fields[name]
	if len(payload.GetData()) == 0 {
		return set
	}
	var value T
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &value); err != nil {
		return set
	}
	return append(set, with(value))
}
