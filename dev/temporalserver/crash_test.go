package temporalserver_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"kyc/dev/temporalserver"
)

// crashDB names, in the environment of this test binary, the file for which it is to be the server that gets killed.
const crashDB = "TEMPORALSERVER_CRASH_DB"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashDB); path != "" {
		if err := serveUntilKilled(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func TestStart_OnFileOfKilledProcess_WorkflowContinues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "temporal.db")
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(testContext(t), self)
	child.Env = append(os.Environ(), crashDB+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "workflow accepted", strings.TrimSpace(line))
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())

	requireContinues(t, start(t, temporalserver.Config{DB: path, UIPort: temporalserver.NoUI}), "survivor")
}

func serveUntilKilled(path string) error {
	ctx := context.Background()
	server, err := temporalserver.Start(ctx, temporalserver.Config{DB: path, UIPort: temporalserver.NoUI})
	if err != nil {
		return err
	}
	c, err := client.Dial(client.Options{HostPort: server.FrontendAddr(), Logger: quiet{}})
	if err != nil {
		return err
	}
	if _, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "survivor", TaskQueue: taskQueue}, untilClosed); err != nil {
		return err
	}
	fmt.Println("workflow accepted")
	select {}
}
