package onboarding

import (
	"bytes"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// contract are the types that cross a boundary, and what they are made of.
var contract = []any{
	Request{}, Applicant{}, Input{}, State{}, Result{}, Status{}, Event{}, Command{}, CommandReceipt{}, LinkRequest{}, LinkView{},
	Step{}, OpenSession{}, OpenedSession{}, Look{}, Sight{}, Message{}, SentMessage{}, HandOff{}, HandedOff{}, Failure{}, Finished{},
	Decision{}, HandedDecision{}, TrailEntry{}, PastSession{}, Session{}, SeenEvent{}, SeenEventOf{}, Note{}, Plan{},
	Erasure{}, Survey{}, ErasureReceipt{}, Attributes{}, Setup{}, QuietHours{}, Policy{}, Transition{},
}

// technical are the members that may be shown, each by its type and name: they hold nothing of a customer or an operator.
// Whatever else is a text has to be hidden.
var technical = map[string]bool{
	"CommandReceipt.Stage": true, "SentMessage.Channels": true, "Failure.Taken": true, "HandedOff.Taken": true,
	"HandedOff.WebhookID": true, "Failure.Code": true, "LinkRequest.RequestDigest": true,
	"SeenEvent.Type": true, "SeenEvent.Status": true, "Note.EventID": true, "Note.Type": true, "Note.Why": true,
	"ErasureReceipt.ID": true, "Attributes.Stage": true, "Attributes.Outcome": true, "Attributes.Attention": true,
	"Transition.From": true, "Transition.To": true, "Transition.When": true,
	"Setup.Name": true, "Setup.OndatoSetupID": true, "Setup.Language": true, "Setup.Notify": true, "Setup.OperationsEmail": true, "Setup.Events": true,
	"Setup.NotifyBy": true, "Setup.TimeZone": true, "Setup.HandOff": true, "QuietHours.From": true, "QuietHours.To": true,
}

const secret = "Pavyzdė-secret"

// fill sets every text below v that is not technical.
func fill(v reflect.Value, path string, depth int) {
	if depth > 8 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		if !technical[path] {
			v.SetString(secret)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), path, depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), path, depth+1)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), v.Type().Name()+"."+f.Name, depth+1)
			}
		}
	}
}

func TestPrinting_WhatHoldsPersonalData_ShowsNothingOfIt(t *testing.T) {
	for _, zero := range contract {
		kind := reflect.TypeOf(zero)
		t.Run(kind.Name(), func(t *testing.T) {
			p := reflect.New(kind)
			fill(p.Elem(), kind.Name(), 0)
			for _, value := range []any{p.Elem().Interface(), p.Interface(), []any{p.Elem().Interface()}, map[string]any{"k": p.Elem().Interface()}} {
				var shown strings.Builder
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
					fmt.Fprintf(&shown, verb+"\n", value)
				}
				fmt.Fprintln(&shown, value)
				require.NotContains(t, shown.String(), secret)
				require.NotContains(t, shown.String(), fmt.Sprintf("%x", secret))
			}
			var logged bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
				slog.New(h).Info("x", "value", p.Elem().Interface(), "pointer", p.Interface())
			}
			require.NotContains(t, logged.String(), secret)
		})
	}
}

// TestPrinting_EveryTypeReachedFromTheContract_IsInIt makes sure that a new type is judged, too.
func TestPrinting_EveryTypeReachedFromTheContract_IsInIt(t *testing.T) {
	listed := map[reflect.Type]bool{}
	for _, zero := range contract {
		listed[reflect.TypeOf(zero)] = true
	}
	var walk func(reflect.Type)
	seen := map[reflect.Type]bool{}
	walk = func(kind reflect.Type) {
		switch kind.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(kind.Elem())
		case reflect.Struct:
			if seen[kind] || kind.PkgPath() != reflect.TypeFor[State]().PkgPath() {
				return
			}
			seen[kind] = true
			if kind != reflect.TypeFor[hidden]() && kind != reflect.TypeFor[Trouble]() {
				require.True(t, listed[kind], "add %s to the contract of this test", kind.Name())
			}
			for i := range kind.NumField() {
				walk(kind.Field(i).Type)
			}
		}
	}
	for _, zero := range contract {
		walk(reflect.TypeOf(zero))
	}
}
