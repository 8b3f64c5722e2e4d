package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"

	"kyc/worker"
)

// currentGrace is how long a worker waits for its deployment to get a current version before it warns: whoever rolls it
// out sets that right after its start.
const currentGrace = 5 * time.Second

// MakeCurrent has RunWorker make the worker's version the current one of its deployment. It needs worker versioning;
// without, the error is a *ConfigError.
func (c *Config) MakeCurrent() error {
	if !c.Version.Off() {
		c.makeCurrent = true
		return nil
	}
	const name = "ONBOARDING_DEPLOYMENT_NAME"
	return &ConfigError{Program: c.Program, Problems: []Problem{{
		name, "is missing, and --make-current is given", "set it and ONBOARDING_BUILD_ID, or leave --make-current out",
	}}}
}

// settleVersion makes the version of a running worker current if that is wanted; otherwise it warns when no version is,
// since the worker then waits for work that never comes. It returns when that is done, or ctx ends.
func settleVersion(ctx context.Context, cfg *Config, temporal client.Client, logger *slog.Logger) error {
	if cfg.Version.Off() {
		return nil
	}
	logger = logger.With("deployment", cfg.Version.Deployment, "buildId", cfg.Version.BuildID)
	if !cfg.makeCurrent {
		tellCurrent(ctx, cfg, temporal, logger)
		return nil
	}
	before, err := worker.MakeCurrent(ctx, temporal, cfg.TaskQueue, cfg.Version)
	if err != nil {
		return err
	}
	if before == cfg.Version.BuildID {
		logger.Info("this version is current already")
	} else {
		logger.Info("this version is current now", "before", cmp.Or(before, "none"))
	}
	return nil
}

func tellCurrent(ctx context.Context, cfg *Config, temporal client.Client, logger *slog.Logger) {
	grace, cancel := context.WithTimeout(ctx, currentGrace)
	defer cancel()
	current, err := "", errors.New("the server did not answer in time")
	for current == "" && grace.Err() == nil {
		// A look that the end of the grace cuts off leaves what was seen before.
		if seen, problem := worker.CurrentBuild(grace, temporal, cfg.Version.Deployment); grace.Err() == nil {
			current, err = seen, problem
		}
		select {
		case <-grace.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		logger.Warn("cannot tell whether a version of this deployment is current; without one, this worker gets no work", "error", err)
	case current == "":
		logger.Warn("no version of this deployment is current, so this worker gets no work: restart it with --make-current, or run: " +
			fmt.Sprintf("temporal worker deployment set-current-version --namespace %s --deployment-name %s --build-id %s",
				cfg.Namespace(), cfg.Version.Deployment, cfg.Version.BuildID))
	case current != cfg.Version.BuildID:
		logger.Info("another version is current; this worker gets work when its own is", "current", current)
	}
}
