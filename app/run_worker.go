package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/client"

	"kyc/handoff"
	"kyc/notify"
	"kyc/ondato"
	"kyc/worker"
)

// RunWorker runs onboardings until ctx ends, then lets what is under way finish. It returns an error when it cannot
// start, or when the worker dies.
func RunWorker(ctx context.Context, cfg *Config, logger *slog.Logger) error {
	metrics, registry, err := NewMetrics(logger)
	if err != nil {
		return err
	}
	temporal, err := DialTemporal(ctx, cfg, logger, metrics)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if err := CheckNamespace(ctx, cfg, temporal); err != nil {
		return err
	}
	with, err := collaborators(cfg)
	if err != nil {
		return err
	}
	health, err := NewHealth(registry, logger, Check{Name: "temporal", Probe: func(ctx context.Context) error {
		_, err := temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}}).Listen(cfg.MetricsListen)
	if err != nil {
		return err
	}
	fatal := make(chan error, 1)
	w := worker.New(temporal, worker.Options{TaskQueue: cfg.TaskQueue, StopTimeout: stopPatience, OnFatalError: func(err error) {
		select {
		case fatal <- err:
		default:
		}
	}}, with)
	if err := w.Start(); err != nil {
		return errors.Join(fmt.Errorf("starting the worker: %w", err), health.Stop(ctx))
	}
	logger.Info("worker runs", "taskQueue", cfg.TaskQueue, "metrics", health.Addr())
	select {
	case <-ctx.Done():
		err = nil
	case err = <-fatal:
		err = fmt.Errorf("the worker died: %w", err)
	}
	w.Stop()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	logger.Info("worker stopped")
	return errors.Join(err, health.Stop(patience))
}

func collaborators(cfg *Config) (worker.Collaborators, error) {
	api, err := ondato.New(cfg.Ondato)
	if err != nil {
		return worker.Collaborators{}, fmt.Errorf("client of Ondato: %w", err)
	}
	deliverer, err := handoff.New(cfg.HandOff)
	if err != nil {
		return worker.Collaborators{}, fmt.Errorf("HANDOFF_URL or HANDOFF_SECRETS: %w", err)
	}
	with := worker.Collaborators{Ondato: api, Deliverer: deliverer}
	if url := cfg.Notify.SMTPURL.Reveal(); url != "" {
		sender, err := notify.New(notify.Config{SMTPURL: url, From: cfg.Notify.From})
		if err != nil {
			return worker.Collaborators{}, fmt.Errorf("NOTIFY_SMTP_URL or NOTIFY_FROM: %w", err)
		}
		with.Sender = sender
	}
	return with, nil
}
