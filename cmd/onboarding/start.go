package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kyc/app"
	"kyc/internal/strictjson"
	"kyc/onboarding"
	"kyc/starter"
)

func startCommand() *cobra.Command {
	var r onboarding.Request
	var file string
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start an onboarding, print id and customer's link (repeatable)",
		Long: "Starts an onboarding and waits up to ten seconds for the link to the customer's page. The same request again finds the\n" +
			"same onboarding: nothing starts twice. The link opens the customer's page for whoever has it.\n\n" +
			"Exit code: 0 started, running or decided already, 1 no worker has answered (the onboarding stands: repeat the command for\n" +
			"the link) or its run was terminated in Temporal, 2 the request is wrong and nothing was started.",
		Example: "  onboarding start --reference customer-4711 --setup standard \\\n    --email ona@example.test --first-name Ona --last-name Pavyzdė\n" +
			"  onboarding start --file request.json -o json",
		Args: noArgs,
	}
	f := pflag.NewFlagSet("the request", pflag.ContinueOnError)
	f.StringVar((*string)(&r.Reference), "reference", "", "your own opaque id of this onboarding (idempotency key)")
	f.StringVar(&r.Setup, "setup", "", "name of the setup")
	f.StringVar(&r.Language, "language", "", "language of messages, such as en or lt")
	f.StringVar(&r.Applicant.FirstName, "first-name", "", "first name")
	f.StringVar(&r.Applicant.MiddleName, "middle-name", "", "middle name")
	f.StringVar(&r.Applicant.LastName, "last-name", "", "last name")
	f.StringVar(&r.Applicant.DateOfBirth, "date-of-birth", "", "date of birth, YYYY-MM-DD")
	f.StringVar(&r.Applicant.Email, "email", "", "e-mail address")
	f.StringVar(&r.Applicant.Phone, "phone", "", "phone number in E.164 form, such as +37060000001")
	f.StringVar(&r.Applicant.PersonalCode, "personal-code", "", "national id")
	f.StringVar(&r.Applicant.CountryCode, "country", "", "country, ISO 3166-1 alpha-2, such as LT")
	cmd.Flags().AddFlagSet(f)
	cmd.Flags().StringVar(&file, "file", "", "read the request from a JSON file instead (- for standard input)")
	completeSetups(cmd)
	_ = cmd.MarkFlagFilename("file", "json")
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkAll(o.check(), fileAlone(cmd, f)); err != nil {
			return err
		}
		if file != "" {
			if err := readRequest(cmd.InOrStdin(), file, &r); err != nil {
				return usageError{err}
			}
		}
		started, err := start(cmd, r)
		if err != nil {
			return err
		}
		if err := o.print(cmd.OutOrStdout(), started, func(w io.Writer) {
			table(w, "id", string(started.ID), "how", string(started.How), "stage", string(started.Stage), "outcome", string(started.Outcome),
				"link", started.Link, "why no link", started.Why)
		}); err != nil {
			return err
		}
		return leftOpen(started)
	}
	return cmd
}

// start checks the request before it connects, so that what is wrong with it shows whether Temporal runs or not.
func start(cmd *cobra.Command, r onboarding.Request) (starter.Started, error) {
	cfg, _, err := configured(app.ProgramCLI)
	if err != nil {
		// What is wrong with the request shows all the same, and first.
		return starter.Started{}, checkAll(r.Validate(), err)
	}
	if err := starter.New(nil, cfg.Setups, starter.Options{}).Check(r); err != nil {
		return starter.Started{}, err
	}
	s, done, err := steering(cmd.Context(), app.ProgramCLI)
	if err != nil {
		return starter.Started{}, err
	}
	defer done()
	return s.Start(cmd.Context(), r)
}

// leftOpen is the error of a start that has been answered without the link or the end that it asks for, as a batch counts
// them: a script that goes on would take it for done.
func leftOpen(s starter.Started) error {
	if s.How != starter.HowUnanswered && s.How != starter.HowTerminated {
		return nil
	}
	return fmt.Errorf("the onboarding is %s: %s", s.How, s.Why)
}

// fileAlone refuses a request of which a part is in a file and a part in flags: which holds would be a guess.
func fileAlone(cmd *cobra.Command, request *pflag.FlagSet) (err error) {
	request.VisitAll(func(f *pflag.Flag) {
		if cmd.Flags().Changed("file") && f.Changed && err == nil {
			err = usageError{fmt.Errorf("--file and --%s exclude each other: put the whole request into the file, or leave --file out", f.Name)}
		}
	})
	return err
}

const maxRequest = 1 << 20

func readRequest(stdin io.Reader, file string, into *onboarding.Request) error {
	in := stdin
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("--file cannot be read: %w", err)
		}
		defer opened.Close()
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, maxRequest+1))
	switch {
	case err != nil:
		return fmt.Errorf("--file cannot be read: %w", err)
	case len(text) > maxRequest:
		return errors.New("--file is larger than 1 MiB: give one request, as the HTTP API takes it, or use batch for many")
	}
	if wrong := strictjson.OfRequest(into).Read(text); len(wrong) > 0 {
		for _, f := range wrong {
			if f.Field == "" { // the text as a whole
				f.Field = "the text"
			}
		}
		return fmt.Errorf("--file holds no request that can be read, as the HTTP API takes it (use batch for many): %w", wrong)
	}
	return nil
}
