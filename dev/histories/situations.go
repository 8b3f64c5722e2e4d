package histories

import (
	"time"

	"kyc/onboarding"
)

// setups count in seconds.
const setups = `setups:
  ordinary:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11
    language: en
    notify: [email]
    operationsEmail: operations@bank.example
    events: all
    policy: {watchFor: 1s, stepPatience: 1s, retryDelays: [1s, 2s]}
  decisive:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f12
    language: en
    notify: [email]
    events: decisive
    policy: {watchFor: 1s}
  watched:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f13
    language: en
    notify: [email]
    events: all
    policy: {watchFor: 4s}
  single:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f14
    language: en
    events: all
    policy: {maxAttempts: 1, watchFor: 0s}
  hasty:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f15
    language: en
    notify: [email]
    operationsEmail: operations@bank.example
    events: all
    policy:
      maxAttempts: 2
      pendingLife: 5s
      idleLife: 5s
      suspendedLife: 5s
      expiryGrace: 0s
      notStartedReminders: [1s, 2s]
      idleReminders: [1s]
      suspendedReminders: [1s]
      asks: [1s]
      askEvery: 1s
      decisionSLA: 2s
      watchFor: 0s
  brief:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f16
    language: en
    notify: [email]
    events: all
    policy: {deadline: 3s, notStartedReminders: [1s], watchFor: 0s}
  two-targets:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f18
    language: en
    notify: [email]
    confirm: true
    handOff: [default, ledger]
    events: all
    policy: {watchFor: 1s, stepPatience: 1s, retryDelays: [1s, 2s]}
  lasting:
    ondatoSetupId: 7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f17
    language: en
    notify: [email]
    events: all
`

const (
	blurred = "reject:BlurredPhoto"
	fraud   = "reject:PossibleFraudAttempt"
)

// groups are all situations, one for each branch of the rules that shows in a history.
func groups() []group {
	return []group{
		{situations: append(courses(), open()...)},
		{situations: broken(), alone: true},
		{situations: continued(), dynamicConfig: map[string]any{"limit.historyCount.suggestContinueAsNew": 30}},
	}
}

// courses come to an end without anything being broken.
func courses() []situation {
	const approved, rejected = onboarding.OutcomeApproved, onboarding.OutcomeRejected
	return []situation{
		{name: "approved", setup: "ordinary", ends: approved, play: acts("start", "consent", "submit", "approve")},
		{name: "approved-by-decisive-events", setup: "decisive", ends: approved, play: acts("start", "consent", "submit", "approve")},
		{name: "approved-then-rejected", setup: "watched", ends: rejected, play: then(
			acts("start", "consent", "submit", "approve"), at(onboarding.StageWatching), acts(fraud), handed(2))},
		{name: "approved-then-edited", setup: "watched", ends: approved, play: then(
			acts("start", "consent", "submit", "approve"), at(onboarding.StageWatching), acts("update"), handed(2))},
		{name: "rejected-critical", setup: "ordinary", ends: rejected, play: acts("start", "consent", "submit", fraud)},
		{name: "rejected-renewed-approved", setup: "ordinary", ends: approved, play: then(
			acts("start", "consent", "submit", blurred+":final"), attempt(2), acts("start", "consent", "submit", "approve"))},
		{name: "rejected-resubmitted-approved", setup: "ordinary", ends: approved, play: then(
			acts("start", "consent", "submit"), at(onboarding.StageAwaitingDecision), acts(blurred), at(onboarding.StageInProgress),
			acts("resubmit", "submit", "approve"))},
		{name: "aborted-abandoned", setup: "single", ends: onboarding.OutcomeAbandoned, play: acts("start", "abort")},
		{name: "aborted-renewed-approved", setup: "ordinary", ends: approved, play: then(
			acts("start", "abort"), attempt(2), acts("start", "consent", "submit", "approve"))},
		{name: "expired-renewed-expired", setup: "hasty", ends: onboarding.OutcomeExpired, play: then(
			acts("expire"), attempt(2), acts("expire"))},
		{name: "suspended-reminded-approved", setup: "hasty", ends: approved, play: then(
			acts("start", "consent", "suspend"), sent(onboarding.MessageReminder), acts("resume", "submit", "approve"))},
		{name: "unopened-reminded-past-the-deadline", setup: "brief", ends: onboarding.OutcomeExpired, play: sent(onboarding.MessageReminder)},
		{name: "overdue-decided-by-an-operator", setup: "hasty", ends: approved, play: then(
			acts("start", "consent", "submit"), attention(onboarding.AttentionOverdue), sent(onboarding.MessageEscalation),
			command(onboarding.Command{Kind: onboarding.CommandDecide, Outcome: approved}))},
		{name: "cancelled-then-approved", setup: "watched", ends: onboarding.OutcomeCancelled, play: then(
			command(onboarding.Command{Kind: onboarding.CommandCancel}), handed(1),
			acts("start", "consent", "submit", "approve"), attention(onboarding.AttentionLateDecision))},
		{name: "cancelled-in-temporal", setup: "single", ends: onboarding.OutcomeCancelled, play: (*play).cancel},
		{name: "steered", setup: "ordinary", ends: approved, play: then(
			command(onboarding.Command{Kind: onboarding.CommandRemind}), sent(onboarding.MessageReminder),
			command(onboarding.Command{Kind: onboarding.CommandExtend, By: onboarding.Duration(time.Second)}),
			command(onboarding.Command{Kind: onboarding.CommandRenew}), attempt(2),
			command(onboarding.Command{Kind: onboarding.CommandRefresh}),
			acts("start", "consent", "submit", "approve"))},
		{name: "strange-events", setup: "ordinary", ends: approved, play: then(
			(*play).strangers, acts("start", "consent", "submit", "approve"))},
	}
}

// open onboardings are kept as they run: such are those that a new version of the code takes over.
func open() []situation {
	return []situation{
		{name: "open-awaiting-start", setup: "lasting", play: then(sent(onboarding.MessageInvitation), at(onboarding.StageAwaitingStart))},
		{name: "open-in-progress", setup: "lasting", play: then(acts("start", "consent"), at(onboarding.StageInProgress))},
		{name: "open-awaiting-decision", setup: "lasting", play: then(acts("start", "consent", "submit"), at(onboarding.StageAwaitingDecision))},
		{name: "open-watching", setup: "lasting", play: then(acts("start", "consent", "submit", "approve"), at(onboarding.StageWatching))},
	}
}

// broken are those in which something of ours or of Ondato's does not work for a while.
func broken() []situation {
	const approved = onboarding.OutcomeApproved
	return []situation{
		{name: "every-webhook-lost", setup: "hasty", ends: approved, play: then(
			faults(`{"webhooks":{"drop":{"probability":1}}}`), acts("start", "consent", "submit", "approve"), handed(1), faults(`{}`))},
		{name: "ondato-opens-no-session", setup: "ordinary", ends: approved, play: then(
			faults(`{"api":{"unavailable":{"probability":1}}}`), command(onboarding.Command{Kind: onboarding.CommandRenew}),
			attention(onboarding.AttentionOpeningFailing), faults(`{}`), attempt(2),
			acts("start", "consent", "submit", "approve"))},
		{name: "ondato-does-not-answer", setup: "ordinary", ends: approved, play: then(
			acts("start", "consent", "submit"), at(onboarding.StageAwaitingDecision),
			faults(`{"api":{"unavailable":{"probability":1}}}`), acts("approve"), attention(onboarding.AttentionOndatoFailing), faults(`{}`))},
		{name: "backend-down-retried", setup: "ordinary", ends: approved, play: then(
			refuse(503), acts("start", "consent", "submit", "approve"), attention(onboarding.AttentionHandOffFailing), refuse(0),
			command(onboarding.Command{Kind: onboarding.CommandRetryHandoff}))},
		{name: "open-handing-off", setup: "ordinary", play: then(
			refuse(503), acts("start", "consent", "submit", "approve"), attention(onboarding.AttentionHandOffFailing), refuse(0))},
		{name: "one-of-two-targets-down-confirmed", setup: "two-targets", ends: approved, play: then(
			ledger(503), acts("start", "consent", "submit", "approve"), attention(onboarding.AttentionHandOffFailing), ledger(204),
			command(onboarding.Command{Kind: onboarding.CommandRetryHandoff}), sent(onboarding.MessageConfirmation))},
		{name: "open-one-of-two-targets-owed", setup: "two-targets", play: then(
			ledger(400), acts("start", "consent", "submit", "approve"), attention(onboarding.AttentionHandOffFailing), ledger(204))},
	}
}

// continued ones have so many events that they continue as new.
func continued() []situation {
	return []situation{
		{name: "continued-as-new", setup: "ordinary", ends: onboarding.OutcomeApproved, play: then(
			(*play).strangers, (*play).strangers, acts("start", "consent", "submit", "approve"))},
	}
}
