package onboarding

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErasure_Validate_NamesEveryField(t *testing.T) {
	good := Erasure{ID: Reference("customer-1").ID(), Actor: "officer", Reason: "request 1"}
	require.NoError(t, good.Validate())
	for name, c := range map[string]struct {
		change func(*Erasure)
		fields []string
	}{
		"nothing given":      {func(e *Erasure) { *e = Erasure{} }, []string{"id", "actor", "reason"}},
		"id of another kind": {func(e *Erasure) { e.ID = "9a7b6c5d-4e3f-4a2b-8c1d-0e9f8a7b6c5d" }, []string{"id"}},
		"id in capitals":     {func(e *Erasure) { e.ID = ID(strings.ToUpper(string(e.ID))) }, nil},
		"blank":              {func(e *Erasure) { e.Actor, e.Reason = " ", "\u00a0" }, []string{"actor", "reason"}},
		"control characters": {func(e *Erasure) { e.Actor, e.Reason = "a\nb", "a\x00" }, []string{"actor", "reason"}},
		"invalid UTF-8":      {func(e *Erasure) { e.Reason = "a\xff" }, []string{"reason"}},
		"too long":           {func(e *Erasure) { e.Actor, e.Reason = strings.Repeat("ė", 201), strings.Repeat("ė", 2001) }, []string{"actor", "reason"}},
		"as long as it may":  {func(e *Erasure) { e.Actor, e.Reason = strings.Repeat("ė", 200), strings.Repeat("ė", 2000) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := good
			c.change(&e)
			var fields []string
			for _, f := range Fields(e.Validate()) {
				fields = append(fields, f.Field)
				require.NotEmpty(t, f.Remedy)
			}
			require.Equal(t, c.fields, fields)
		})
	}
}

func TestErasure_PrintedOrReceipted_ShowsNobody(t *testing.T) {
	e := Erasure{ID: Reference("customer-1").ID(), Actor: "Šarūnė", Reason: "because of Ona"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		require.NotContains(t, fmt.Sprintf(verb, e), "Šarūnė")
		require.NotContains(t, fmt.Sprintf(verb, Survey{Sessions: []string{"s1"}}), "s1")
	}
	receipt, err := json.Marshal(ErasureReceipt{ID: e.ID, Sessions: 2, KeyDropped: true, HistoryDeleted: true})
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"`+string(e.ID)+`","erasedAt":"0001-01-01T00:00:00Z","sessions":2,"keyDropped":true,"historyDeleted":true}`, string(receipt))
	require.Equal(t, "erasure-"+string(e.ID), e.ID.ErasureWorkflowID())
	require.False(t, IsWorkflowID(e.ID.ErasureWorkflowID()), "an erasure outlives the onboarding's key")
}
