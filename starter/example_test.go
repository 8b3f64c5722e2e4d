package starter_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"go.temporal.io/sdk/client"

	"kyc/onboarding"
	"kyc/privacy"
	"kyc/starter"
)

// A backend holds one Starter for as long as it runs. Starting the same request again is safe.
func Example() {
	temporal, err := client.Dial(client.Options{HostPort: "127.0.0.1:7233"})
	if err != nil {
		log.Fatal(err)
	}
	defer temporal.Close()
	setups := map[string]onboarding.Setup{"standard": standardSetup()}
	s := starter.New(temporal, setups, starter.Options{})

	started, err := s.Start(context.Background(), onboarding.Request{
		Reference: "customer-4711", Setup: "standard",
		Applicant: onboarding.Applicant{FirstName: "Ona", LastName: "Pavyzdė", Email: "ona@customer.example"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(started.How, started.ID, started.Link)
}

// Where payloads are sealed, the client seals with the keys that workers have, and the Starter makes a key for each
// onboarding.
func Example_sealed() {
	ctx := context.Background()
	keysets, err := privacy.OpenKeysetFile("keyset.json")
	if err != nil {
		log.Fatal(err)
	}
	store, err := privacy.OpenStore(ctx, "postgres://onboarding@keys.example/keys")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	keys, err := privacy.NewKeys(privacy.KeysConfig{Keysets: keysets, Store: store})
	if err != nil {
		log.Fatal(err)
	}
	codec := privacy.NewCodec(privacy.CodecConfig{Keysets: keysets, Keys: keys, Owned: onboarding.IsWorkflowID})
	temporal, err := client.Dial(client.Options{
		HostPort: "127.0.0.1:7233", Namespace: "kyc",
		DataConverter: privacy.DataConverter(codec), FailureConverter: privacy.FailureConverter(codec),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer temporal.Close()
	s := starter.New(temporal, map[string]onboarding.Setup{"standard": standardSetup()}, starter.Options{Keys: starter.KeysIn("kyc", keys)})

	id := onboarding.Reference("customer-4711").ID()
	status, err := s.Status(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Awaited)
}

// Every error is a *starter.Error, whose code says what the caller can do.
func ExampleStarter_Start() {
	s := newStarter()
	started, err := s.Start(context.Background(), onboarding.Request{Reference: "customer-4711", Setup: "standard"})
	var e *starter.Error
	switch {
	case err == nil && started.Link == "":
		fmt.Println("no link yet:", started.Why)
	case err == nil:
		fmt.Println(started.Link)
	case errors.As(err, &e) && e.Code == starter.Invalid:
		for _, f := range e.Fields {
			fmt.Println(f.Field, f.Problem, f.Remedy)
		}
	case errors.As(err, &e) && e.Code == starter.Conflict:
		fmt.Println("another request has this reference")
	case errors.As(err, &e) && e.Code == starter.Unavailable:
		fmt.Println("repeat the call later")
	}
}

// Check refuses what Start would, without Temporal.
func ExampleStarter_Check() {
	s := starter.New(nil, map[string]onboarding.Setup{"standard": standardSetup()}, starter.Options{})
	fmt.Println(s.Check(onboarding.Request{Reference: "customer-4711", Setup: "standard", Applicant: onboarding.Applicant{Phone: "860000001"}}))
	fmt.Println(s.Check(onboarding.Request{Reference: "customer-4711", Setup: "premium"}))
	// Output:
	// applicant.phone is not an E.164 number: write it with + and country code, digits only, such as +37060000001
	// setup is not configured: use one of: standard
}

// Watch follows an onboarding until its decision has been handed off.
func ExampleStarter_Watch() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	id := onboarding.Reference("customer-4711").ID()
	for seen, err := range newStarter().Watch(ctx, id, false) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(seen.Stage, seen.Outcome)
	}
}

// Obey carries out an operator's command; one command id acts once.
func ExampleStarter_Obey() {
	id := onboarding.Reference("customer-4711").ID()
	_, err := newStarter().Obey(context.Background(), id, onboarding.Command{
		Kind: onboarding.CommandExtend, ID: "ticket-118", By: onboarding.Duration(7 * 24 * time.Hour),
		Actor: "jonas", Reason: "the customer is on holiday",
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// Begin does not wait for the link, which Start and Status have when the session is open.
func ExampleStarter_Begin() {
	begun, err := newStarter().Begin(context.Background(), onboarding.Request{Reference: "customer-4711", Setup: "standard"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(begun.How, begun.ID)
}

// Overview needs no worker. An onboarding whose run was terminated in Temporal hands nothing off.
func ExampleStarter_Overview() {
	o, err := newStarter().Overview(context.Background(), onboarding.Reference("customer-4711").ID())
	switch {
	case err != nil:
		log.Fatal(err)
	case o.Undelivered():
		fmt.Println("nothing follows any more; it stood at", o.Stage)
	default:
		fmt.Println(o.Stage, o.Outcome, o.Attention)
	}
}

// Erase has a customer forgotten. It may be repeated, until it has a receipt.
func ExampleStarter_Erase() {
	erasing, err := newStarter().Erase(context.Background(), onboarding.Erasure{
		ID: onboarding.Reference("customer-4711").ID(), Actor: "jonas", Reason: "asked for it in writing", CancelFirst: true,
	})
	switch {
	case err != nil:
		log.Fatal(err)
	case erasing.Receipt == nil:
		fmt.Println("it goes on by itself; ask again for the receipt")
	default:
		fmt.Println("erased at", erasing.Receipt.ErasedAt)
	}
}

// List goes through everything that needs attention, page by page.
func ExampleStarter_List() {
	s := newStarter()
	f := starter.Filter{Attention: starter.AttentionAny, Standing: starter.StandingOpen}
	for {
		page, err := s.List(context.Background(), f)
		if err != nil {
			log.Fatal(err)
		}
		for _, o := range page.Onboardings {
			fmt.Println(o.ID, o.Stage, o.Attention)
		}
		if f.PageToken = page.NextPageToken; f.PageToken == "" {
			return
		}
	}
}

// A filter that is wrong says how to mend it.
func ExampleFilter_Validate() {
	fmt.Println(starter.Filter{Outcome: "Accepted"}.Validate())
	// Output: outcome is not an outcome: use one of: Approved, Rejected, Expired, Abandoned, Cancelled
}

// Funnel counts onboardings by stage and outcome.
func ExampleStarter_Funnel() {
	f, err := newStarter().Funnel(context.Background(), "standard")
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range f.Stages {
		fmt.Println(c.Stage, c.Count)
	}
}

func standardSetup() onboarding.Setup {
	return onboarding.Setup{Name: "standard", OndatoSetupID: "7d1f6f0a-8f53-4a7e-9a55-0b6f1f7c2f11", Language: "en", Events: onboarding.DeliverAll, Policy: onboarding.DefaultPolicy()}
}

func newStarter() *starter.Starter {
	temporal, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:7233"})
	if err != nil {
		log.Fatal(err)
	}
	return starter.New(temporal, map[string]onboarding.Setup{"standard": standardSetup()}, starter.Options{})
}
