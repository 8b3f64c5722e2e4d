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
// start, when the worker dies, or when its version cannot be made current.
func RunWorker(ctx context.Context, cfg *Config, logger *slog.Logger) error {
	metrics, registry, err := NewMetrics(logger)
	if err != nil {
		return err
	}
	connection, err := Connect(ctx, cfg, logger, metrics)
	if err != nil {
		return err
	}
	defer connection.Close()
	temporal := connection.Client
	if err := CheckNamespace(ctx, cfg, temporal); err != nil {
		return err
	}
	if err := CheckSetupsInUse(ctx, cfg, temporal, logger); err != nil {
		return err
	}
	own, err := connection.ownCalls(ctx)
	if err != nil {
		return err
	}
	defer own.Close()
	with, deliverer, err := collaborators(cfg)
	if err != nil {
		return err
	}
	with.Erasing.Client, with.Erasing.Namespace = own, cfg.Namespace()
	if keys, ok := connection.Keys().(keysOf); ok {
		with.Erasing.Keys = keys
	}
	health, err := NewHealth(registry, logger, Check{Name: "temporal", Probe: func(ctx context.Context) error {
		_, err := temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}}).Listen(cfg.MetricsListen)
	if err != nil {
		return err
	}
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	go reload(running, reloadEvery, cfg.HandOffSecretFiles(), "handoff secrets", logger, func() error {
		fresh, err := cfg.ReloadHandOffSecrets()
		for target, secrets := range fresh {
			err = errors.Join(err, deliverer.SetSecrets(target, secrets))
		}
		return err
	})
	if sender, ok := with.Sender.(*notify.Sender); ok {
		go reload(running, reloadEvery, cfg.NotifySecretFiles(), "secrets of the messages' webhook", logger, func() error {
			fresh, err := cfg.ReloadNotifySecrets()
			if err != nil {
				return err
			}
			return sender.SetWebhookSecrets(fresh)
		})
	}
	w := worker.New(temporal, worker.Options{
		TaskQueue: cfg.TaskQueue, Version: cfg.Version, StopTimeout: stopPatience,
		OnFatalError: func(err error) { end(fmt.Errorf("the worker died: %w", err)) },
	}, with)
	if err := w.Start(); err != nil {
		return errors.Join(fmt.Errorf("starting the worker: %w", err), health.Stop(ctx))
	}
	logger.Info("worker runs", "taskQueue", cfg.TaskQueue, "metrics", health.Addr())
	if err := settleVersion(running, cfg, temporal, logger); err != nil {
		end(err)
	}
	<-running.Done()
	err = nil
	if ctx.Err() == nil {
		err = context.Cause(running)
	}
	w.Stop()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	logger.Info("worker stopped")
	return errors.Join(err, health.Stop(patience))
}

func collaborators(cfg *Config) (worker.Collaborators, *handoff.Deliverer, error) {
	api, err := ondato.New(cfg.Ondato)
	if err != nil {
		return worker.Collaborators{}, nil, fmt.Errorf("client of Ondato: %w", err)
	}
	deliverer, err := handoff.New(cfg.HandOff)
	if err != nil {
		return worker.Collaborators{}, nil, fmt.Errorf("HANDOFF_*: %w", err)
	}
	with := worker.Collaborators{Ondato: api, Deliverer: deliverer, Erasing: worker.Erasing{Redactor: api}}
	if cfg.Notify.Sends() {
		sender, err := notify.New(cfg.Notify.Room())
		if err != nil {
			return worker.Collaborators{}, nil, fmt.Errorf("NOTIFY_*: %w", err)
		}
		with.Sender = sender
	}
	return with, deliverer, nil
}
