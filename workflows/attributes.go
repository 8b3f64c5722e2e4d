package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kyc/onboarding"
)

// The typed keys of the search attributes.
var (
	keyStage     = temporal.NewSearchAttributeKeyKeyword(onboarding.AttributeStage)
	keyOutcome   = temporal.NewSearchAttributeKeyKeyword(onboarding.AttributeOutcome)
	keyAttempt   = temporal.NewSearchAttributeKeyInt64(onboarding.AttributeAttempt)
	keyAttention = temporal.NewSearchAttributeKeyKeywordList(onboarding.AttributeAttention)
	keyDeadline  = temporal.NewSearchAttributeKeyTime(onboarding.AttributeDeadline)
)

// publish upserts the attributes that have changed, in one command. What is about to change within the seconds of a
// step's first try is not published: each upsert costs an event and an action, and nobody could act on it.
func (s *shell) publish() {
	if s.process.Brisk() {
		return
	}
	now, was := s.process.Attributes(), s.published
	if now.Equal(was) {
		return
	}
	var changes []temporal.SearchAttributeUpdate
	if now.Stage != was.Stage {
		changes = append(changes, keyStage.ValueSet(string(now.Stage)))
	}
	if now.Outcome != was.Outcome {
		if now.Outcome == "" {
			changes = append(changes, keyOutcome.ValueUnset())
		} else {
			changes = append(changes, keyOutcome.ValueSet(string(now.Outcome)))
		}
	}
	if now.Attempt != was.Attempt {
		changes = append(changes, keyAttempt.ValueSet(int64(now.Attempt)))
	}
	if !now.Deadline.Equal(was.Deadline) {
		changes = append(changes, keyDeadline.ValueSet(now.Deadline))
	}
	if !sameAttention(now.Attention, was.Attention) {
		if len(now.Attention) == 0 {
			changes = append(changes, keyAttention.ValueUnset())
		} else {
			codes := make([]string, len(now.Attention))
			for i, a := range now.Attention {
				codes[i] = string(a)
			}
			changes = append(changes, keyAttention.ValueSet(codes))
		}
	}
	s.published = now
	if err := workflow.UpsertTypedSearchAttributes(s.ctx, changes...); err != nil {
		// A list that cannot be filtered is no reason to stop an onboarding.
		workflow.GetLogger(s.ctx).Error("search attributes were not published", "error", err)
	}
}

func sameAttention(a, b []onboarding.Attention) bool {
	return onboarding.Attributes{Attention: a}.Equal(onboarding.Attributes{Attention: b})
}

// attributesAtStart are those that the starter has set; a run that was started without them publishes all of its own.
func (s *shell) attributesAtStart() onboarding.Attributes {
	set := workflow.GetTypedSearchAttributes(s.ctx)
	if _, ok := set.GetKeyword(keyStage); !ok {
		return onboarding.Attributes{}
	}
	return s.process.Attributes()
}
