package starter

import (
	"context"
	"sync"

	"go.temporal.io/api/workflowservice/v1"

	"kyc/onboarding"
)

// Funnel counts onboardings by where they stand.
type Funnel struct {
	// Setup that was counted; empty means all.
	Setup string `json:"setup,omitempty"`
	// Stages has every stage, in order. Those that were terminated are in no stage.
	Stages []StageCount `json:"stages"`
	// Outcomes has every outcome, decided and not yet handed off ones included.
	Outcomes []OutcomeCount `json:"outcomes"`
	// Unfinished counts runs that were terminated in Temporal, or that a reset has replaced.
	Unfinished int64 `json:"unfinished"`
}

// StageCount is how many onboardings are in a stage.
type StageCount struct {
	Stage onboarding.Stage `json:"stage"`
	Count int64            `json:"count"`
}

// OutcomeCount is how many onboardings have an outcome.
type OutcomeCount struct {
	Outcome onboarding.Outcome `json:"outcome"`
	Count   int64              `json:"count"`
}

// countsAtOnce bounds the requests of one Funnel: Temporal limits the rate of visibility queries by namespace.
const countsAtOnce = 4

// Funnel counts the onboardings of a setup, or of all setups when it is empty, as long as Temporal keeps them. It is one
// count for each stage and outcome, because Temporal does not group by them; the counts are not of one instant, and like
// every list they are eventually consistent. Errors: Invalid, Unavailable.
func (s *Starter) Funnel(ctx context.Context, setup string) (Funnel, error) {
	all := Filter{Setup: setup}
	if err := all.Validate(); err != nil {
		return Funnel{}, invalid(err)
	}
	f := Funnel{Setup: setup}
	for _, stage := range onboarding.Stages() {
		f.Stages = append(f.Stages, StageCount{Stage: stage})
	}
	for _, outcome := range onboarding.Outcomes() {
		f.Outcomes = append(f.Outcomes, OutcomeCount{Outcome: outcome})
	}
	queries := map[*int64]string{&f.Unfinished: all.query() + " AND " + isUnfinished}
	for i, c := range f.Stages {
		queries[&f.Stages[i].Count] = Filter{Setup: setup, Stage: c.Stage}.query() + " AND " + notUnfinished
	}
	for i, c := range f.Outcomes {
		queries[&f.Outcomes[i].Count] = Filter{Setup: setup, Outcome: c.Outcome}.query() + " AND " + notUnfinished
	}
	return f, translated(s.count(ctx, queries))
}

// count answers each query into its place. The first failure ends the others.
func (s *Starter) count(ctx context.Context, queries map[*int64]string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, countsAtOnce)
	var all sync.WaitGroup
	for into, query := range queries {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			answer, err := s.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
			if err != nil {
				cancel(err)
				return
			}
			*into = answer.GetCount()
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
