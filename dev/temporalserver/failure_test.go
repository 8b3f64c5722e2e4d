package temporalserver

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log/tag"
	"go.temporal.io/server/common/primitives"
)

func TestStartTemporal_InternalPortLostInBetween_IsAnErrorNotAnExit(t *testing.T) {
	s, layout, server := readyToStart(t)
	thief, err := net.Listen("tcp", address(loopback, layout.internal[primitives.HistoryService]))
	require.NoError(t, err)
	defer func() { require.NoError(t, thief.Close()) }()

	err = server.startTemporal(context.Background(), layout.options(s, s.database.sqlConfig(), server.log))
	require.ErrorContains(t, err, "Failed to start gRPC listener")
	require.ErrorContains(t, err, thief.Addr().String())
	require.NoError(t, server.shutDown())
}

func TestStartTemporal_StoreUnknown_IsAnErrorAndStops(t *testing.T) {
	s, layout, server := readyToStart(t)
	err := server.startTemporal(context.Background(), layout.options(s, &config.SQL{PluginName: "abacus"}, server.log))
	require.ErrorContains(t, err, "abacus")
	require.NoError(t, server.shutDown())
}

func TestStartTemporal_ContextEndsHalfway_StopWaitsForItAndStopsIt(t *testing.T) {
	s, layout, server := readyToStart(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := server.startTemporal(ctx, layout.options(s, s.database.sqlConfig(), server.log))
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, server.shutDown())
	require.NotNil(t, server.temporal, "it was started after all")
	require.NoError(t, tryListen(layout.frontendIP, layout.frontendPort), "and has freed its ports")
}

func readyToStart(t *testing.T) (settings, clusterLayout, *Server) {
	t.Helper()
	s, err := Config{Logger: slog.New(slog.DiscardHandler)}.check()
	require.NoError(t, err)
	layout, err := layOut(s)
	require.NoError(t, err)
	return s, layout, &Server{log: newServerLog(s.Logger, s.LogLevel)}
}

func TestLog_Fatal_EndsTheGoroutineAndKeepsTheFirstError(t *testing.T) {
	var out bytes.Buffer
	l := newServerLog(slog.New(slog.NewTextHandler(&out, nil)), slog.LevelWarn)
	wentOn := make(chan bool, 2)
	for _, msg := range []string{"first", "second"} {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			l.Fatal(msg, tag.Error(errors.New("cause")))
			wentOn <- true
		}()
		<-ended
	}
	require.Empty(t, wentOn)
	require.ErrorContains(t, <-l.fatal, "first (error: cause)")
	require.Contains(t, out.String(), "second")
}

func TestLog_BelowLevelOrAfterStop_IsSilent(t *testing.T) {
	var out bytes.Buffer
	l := newServerLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), slog.LevelWarn)
	with := l.With(tag.NewStringTag("service", "history"))
	with.Info("routine")
	l.SLog().Info("routine of a worker")
	require.Empty(t, out.String())

	with.Warn("look at this")
	require.Contains(t, out.String(), "look at this")
	require.Contains(t, out.String(), "service=history")
	require.Contains(t, out.String(), "component=temporal-server")

	out.Reset()
	l.gate.closed.Store(true)
	with.Error("history is gone")
	l.SLog().Error("so is the frontend")
	require.Empty(t, out.String())
}
