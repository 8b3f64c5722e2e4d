package stack_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/dev/stack"
)

func TestStart_PortsTaken_NamesEachWithTheRemedyAndStartsNothing(t *testing.T) {
	taken := func() int {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		return l.Addr().(*net.TCPAddr).Port
	}
	ports := stack.Ports{Bridge: taken(), Mail: taken()}
	_, err := stack.Start(t.Context(), stack.Config{Dir: t.TempDir(), Ports: ports})
	require.ErrorContains(t, err, "port "+strconv.Itoa(ports.Bridge)+" for the webhook bridge is taken: stop what listens there")
	require.ErrorContains(t, err, "port "+strconv.Itoa(ports.Mail)+" for the mailbox's page is taken")
}
