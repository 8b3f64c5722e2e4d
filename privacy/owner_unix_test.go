//go:build unix

package privacy

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeysetFile_RotatedByRoot_StaysItsOwners(t *testing.T) {
	f := newKeysetFile(t, "")
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 { // nobody else may give files away
		uid, gid = 12345, 12346
		require.NoError(t, os.Chown(f.path, uid, gid))
	}
	rotateHouse(t, f.path)
	info, err := os.Stat(f.path)
	require.NoError(t, err)
	owner := info.Sys().(*syscall.Stat_t)
	require.Equal(t, []int{uid, gid}, []int{int(owner.Uid), int(owner.Gid)})
}
