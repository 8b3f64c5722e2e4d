package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"kyc/onboarding"
)

const (
	// setupsPatience bounds the look for setups in use.
	setupsPatience = 10 * time.Second
	// maxVanished is how many vanished setups an error names.
	maxVanished = 10
)

// vanishedSetup is a setup that the configuration lacks and open onboardings use.
type vanishedSetup struct {
	name string
	open int64
}

// CheckSetupsInUse returns an error that names the setups which open onboardings use and ONBOARDING_SETUPS lacks: the
// bridge would take their webhooks for foreign ones, and the worker might have no way to send their messages. The lists
// of Temporal lag behind by a moment. When they cannot be had within 10 seconds, that is logged and no error: this guards
// against a slip, and a guard that cannot see must not keep all onboardings from going on.
func CheckSetupsInUse(ctx context.Context, cfg *Config, temporal client.Client, logger *slog.Logger) error {
	looking, cancel := context.WithTimeout(ctx, setupsPatience)
	defer cancel()
	vanished, err := vanishedSetups(looking, cfg, temporal)
	switch {
	case len(vanished) > 0: // what was seen counts, even if more could not be
		return errors.New(vanishedText(cfg, vanished))
	case ctx.Err() != nil:
		return fmt.Errorf("looking for setups in use was interrupted: %w", context.Cause(ctx))
	case err != nil:
		logger.Warn("cannot tell whether open onboardings use a setup that ONBOARDING_SETUPS lacks; going on without this check", "error", err)
	}
	return nil
}

// vanishedSetups takes one question when nothing is amiss, and two more for each setup that is, however many onboardings
// there are: visibility cannot group by an attribute of ours, so each setup found is left out of the next question.
func vanishedSetups(ctx context.Context, cfg *Config, temporal client.Client) ([]vanishedSetup, error) {
	var vanished []vanishedSetup
	known := slices.Sorted(maps.Keys(cfg.Setups))
	for len(vanished) < maxVanished {
		page, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			PageSize: 1, Query: openWithout(cfg.TaskQueue, known),
		})
		if err != nil || len(page.GetExecutions()) == 0 {
			return vanished, err
		}
		var name string
		attributes := page.GetExecutions()[0].GetSearchAttributes().GetIndexedFields()
		if err := converter.GetDefaultDataConverter().FromPayload(attributes[onboarding.AttributeSetup], &name); err != nil {
			return vanished, fmt.Errorf("reading search attribute %s: %w", onboarding.AttributeSetup, err)
		}
		if slices.Contains(known, name) {
			return vanished, fmt.Errorf("setup %q cannot be left out of a list", name) // not a name that we give
		}
		count, err := temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: openWith(cfg.TaskQueue, name)})
		if err != nil {
			return vanished, err
		}
		known = append(known, name)
		if count.GetCount() > 0 { // none: the last one has just ended
			vanished = append(vanished, vanishedSetup{name, count.GetCount()})
		}
	}
	return vanished, nil
}

// openOnboardings selects what is open on a task queue; another one in the same namespace is another installation's.
// Runs without the attribute were not started by our starter and are left out: stores differ in whether NOT IN is true
// of what is not there. A paused run is not seen; servers do not let workflows be paused unless they are told to.
func openOnboardings(taskQueue string) string {
	return fmt.Sprintf("ExecutionStatus = 'Running' AND WorkflowType = %s AND TaskQueue = %s",
		quoted(onboarding.WorkflowType), quoted(taskQueue))
}

func openWithout(taskQueue string, setups []string) string {
	names := make([]string, len(setups))
	for i, name := range setups {
		names[i] = quoted(name)
	}
	return fmt.Sprintf("%s AND %s IS NOT NULL AND %[2]s NOT IN (%s)", openOnboardings(taskQueue), onboarding.AttributeSetup, strings.Join(names, ", "))
}

func openWith(taskQueue, setup string) string {
	return fmt.Sprintf("%s AND %s = %s", openOnboardings(taskQueue), onboarding.AttributeSetup, quoted(setup))
}

// quoted writes a text as visibility queries want it. No name of ours holds a backslash: SQL stores do not find it.
func quoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

func vanishedText(cfg *Config, vanished []vanishedSetup) string {
	var b strings.Builder
	b.WriteString("ONBOARDING_SETUPS lacks setups that open onboardings use:")
	for _, v := range vanished {
		onboardings := "onboardings"
		if v.open == 1 {
			onboardings = "onboarding"
		}
		fmt.Fprintf(&b, "\n  %s: %d open %s", v.name, v.open, onboardings)
	}
	if len(vanished) == maxVanished {
		b.WriteString("\n  and perhaps more")
	}
	fmt.Fprintf(&b, "\nput them back until those onboardings have ended; one that is cancelled ends after its watch window. To list them:"+
		"\n  temporal workflow list --namespace %s --query \"%s\"", cfg.Namespace(), openWithout(cfg.TaskQueue, slices.Sorted(maps.Keys(cfg.Setups))))
	return b.String()
}
