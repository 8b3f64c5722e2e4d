package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"kyc/onboarding"
)

func eraseCommand() *cobra.Command {
	e := onboarding.Erasure{}
	cmd := &cobra.Command{
		Use: "erase ID|REFERENCE", Short: "Forget a customer: redact at Ondato, drop key and history", Args: oneOnboarding,
		Long: "Has Ondato redact every session, drops the onboarding's key for good, and deletes its runs from Temporal. The reference\n" +
			"cannot be used again. It may be repeated: the receipt of an erasure that is done is printed again. An erasure is\n" +
			"complete when the key-encryption keys of its time have been destroyed, too: onboarding keys rotate --destroy-old.",
		Example: "  onboarding erase customer-4711 --reason \"request 2026-118\"",
	}
	f := cmd.Flags()
	f.StringVar(&e.Actor, "actor", defaultActor(), "who orders the erasure")
	f.StringVar(&e.Reason, "reason", "", "why")
	f.BoolVar(&e.CancelFirst, "cancel-first", false, "cancel an onboarding that is not decided yet, and wait for its handoff")
	f.BoolVar(&e.KeepHistory, "keep-history", false, "leave the runs in Temporal, unreadable")
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if e.ID, err = identify(args[0]); err != nil {
			return err
		}
		if err := e.Validate(); err != nil {
			return err
		}
		id, s, done, err := o.onOne(cmd, args[0])
		if err != nil {
			return err
		}
		defer done()
		got, err := s.Erase(cmd.Context(), e)
		if err != nil {
			return err
		}
		return o.print(cmd.OutOrStdout(), got, func(w io.Writer) {
			if got.Receipt == nil {
				table(w, "id", string(id), "erasure", "under way; repeat the command for the receipt")
				return
			}
			r := got.Receipt
			table(w, "id", string(id), "erased at", r.ErasedAt.UTC().Format("2006-01-02 15:04:05 UTC"),
				"sessions redacted at Ondato", strconv.Itoa(r.Sessions), "key dropped", yes(r.KeyDropped), "history deleted", yes(r.HistoryDeleted))
		})
	}
	return cmd
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
