package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kyc/app"
	"kyc/onboarding"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Make, show and rotate the keys that payloads are sealed with",
		Example: "  onboarding keys create\n  onboarding keys status -o json\n  onboarding keys rotate --destroy-old",
		// Without these a mistyped command would show the help and pass for done.
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(keysCreate(), keysStatus(), keysRotate(), keysRotateHouse(), keysEnsure())
	return cmd
}

func keysCreate() *cobra.Command {
	var kms string
	var ifMissing bool
	cmd := &cobra.Command{
		Use: "create", Short: "Make the keyset file that PRIVACY_KEYSET names", Args: noArgs,
		Long: "Makes the file with the house keyset and the key-encryption keyset. Every program needs it; whoever loses it loses\n" +
			"every payload, so keep a copy where your other secrets are kept.",
		Example: "  PRIVACY_KEYSET=keyset.json PRIVACY_KEYS_URL=sqlite:keys.db onboarding keys create",
	}
	cmd.Flags().StringVar(&kms, "kms", "", "encrypt the file with the key of a key management service, given by its URI")
	cmd.Flags().BoolVar(&ifMissing, "if-missing", false, "leave a file that exists as it is, without an error")
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := o.forKeys(app.ProgramKeys)
		if err != nil {
			return err
		}
		made, err := app.CreateKeyset(cfg, kms, ifMissing)
		if err != nil {
			return err
		}
		answer := struct {
			Keyset string `json:"keyset"`
			Made   bool   `json:"made"`
		}{cfg.Privacy.Keyset, made}
		return o.print(cmd.OutOrStdout(), answer, func(w io.Writer) {
			if made {
				fmt.Fprintf(w, "made %s\n", answer.Keyset)
			} else {
				fmt.Fprintf(w, "%s is there already\n", answer.Keyset)
			}
		})
	}
	return cmd
}

func keysStatus() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Say what keys there are", Args: noArgs, Example: "  onboarding keys status -o json"}
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := o.forKeys(app.ProgramKeys)
		if err != nil {
			return err
		}
		found, err := app.KeyInventory(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		return o.print(cmd.OutOrStdout(), found, func(w io.Writer) {
			wrapped := make([]string, 0, len(found.Onboardings))
			for _, kek := range slices.Sorted(maps.Keys(found.Onboardings)) {
				wrapped = append(wrapped, fmt.Sprintf("%d under %d", found.Onboardings[kek], kek))
			}
			rows := []string{
				"house keyset", versions(found.House, found.HousePrimary),
				"key-encryption keyset", versions(found.KeyEncryption, found.KeyEncryptionPrimary),
				"onboardings' keys", strings.Join(wrapped, ", "), "erased", strconv.Itoa(found.Erased),
			}
			if len(found.Unusable) > 0 {
				rows = append(rows, "UNUSABLE", fmt.Sprintf("keys under %v: the keyset lacks these versions", found.Unusable))
			}
			table(w, rows...)
		})
	}
	return cmd
}

func versions(ids []uint32, primary uint32) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatUint(uint64(id), 10)
		if id == primary {
			words[i] += " (seals)"
		}
	}
	return strings.Join(words, ", ")
}

func keysRotate() *cobra.Command {
	var destroyOld bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Wrap every onboarding's key under a new key-encryption key", Args: noArgs,
		Long: "Makes a new version of the key-encryption keyset and wraps every onboarding's key under it. No history is touched, and\n" +
			"onboardings go on meanwhile. With --destroy-old the older versions are destroyed afterwards: old copies of the key\n" +
			"store are worthless from then on, which completes the erasures so far. It may be interrupted and repeated.",
		Example: "  onboarding keys rotate --destroy-old",
	}
	cmd.Flags().BoolVar(&destroyOld, "destroy-old", false, "destroy the older versions")
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := o.forKeys(app.ProgramKeys)
		if err != nil {
			return err
		}
		done, err := app.RotateKeys(cmd.Context(), cfg, destroyOld)
		if err != nil {
			return err
		}
		return o.print(cmd.OutOrStdout(), done, func(w io.Writer) {
			table(w, "keys are wrapped under", strconv.FormatUint(uint64(done.KEK), 10), "wrapped anew", strconv.Itoa(done.Rewrapped),
				"destroyed", versions(done.Destroyed, 0))
		})
	}
	return cmd
}

func keysRotateHouse() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rotate-house", Short: "Seal what belongs to no onboarding under a new house key", Args: noArgs,
		Long:    "Makes a new version of the house keyset. The older ones stay: they open what they sealed, as long as Temporal keeps it.",
		Example: "  onboarding keys rotate-house",
	}
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := o.forKeys(app.ProgramKeys)
		if err != nil {
			return err
		}
		made, err := app.RotateHouseKey(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		answer := struct {
			Primary uint32 `json:"housePrimary"`
		}{made}
		return o.print(cmd.OutOrStdout(), answer, func(w io.Writer) { fmt.Fprintf(w, "house keyset: %d seals from now on\n", made) })
	}
	return cmd
}

func keysEnsure() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ensure ID|REFERENCE", Short: "Make the key of an onboarding that began without encryption", Args: oneOnboarding,
		Long:    "An onboarding that was started before encryption was switched on waits for its key. One that has a key keeps it.",
		Example: "  onboarding keys ensure customer-4711",
	}
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := identify(args[0])
		if err != nil {
			return err
		}
		cfg, err := o.forKeys(app.ProgramOperator)
		if err != nil {
			return err
		}
		if err := app.EnsureKey(cmd.Context(), cfg, id); err != nil {
			return err
		}
		answer := struct {
			ID     onboarding.ID `json:"id"`
			HasKey bool          `json:"hasKey"`
		}{id, true}
		return o.print(cmd.OutOrStdout(), answer, func(w io.Writer) { fmt.Fprintf(w, "%s has a key\n", id) })
	}
	return cmd
}

// forKeys loads what a command on keys works with.
func (o output) forKeys(program string) (*app.Config, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	cfg, _, err := configured(program)
	return cfg, err
}
