package webhookbridge

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

func TestDecode_Checks_RunInTheOrderOfTheTable(t *testing.T) {
	t.Parallel()
	d := decoder{applicationID: ourApplication}
	for _, c := range []struct {
		name  string
		body  string
		field string // of the refusal
		drop  string // why it is ignored
	}{
		{"whole event", idvEvent().String(), "", ""},
		{"JSON before envelope", `{"id":`, "body", ""},
		{"envelope before type", idvEvent().drop("id").set("type", "Form.Created").String(), "id", ""},
		{"type before application", idvEvent().set("type", "Form.Created").set("applicationId", otherApplication).String(), "", ignoredType},
		{"type before payload", idvEvent().set("type", "Form.Created").drop("payload").String(), "", ignoredType},
		{"application before payload", idvEvent().set("applicationId", otherApplication).drop("payload.id").String(), "", ignoredApplication},
		{"payload last", idvEvent().drop("payload.id").String(), "payload.id", ""},
		{"application in the payload alone", idvEvent().drop("applicationId").String(), "", ""},
		{"application of the envelope counts", idvEvent().set("payload.applicationId", otherApplication).String(), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := d.decode([]byte(c.body))
			var r *refusal
			var dropped *ignored
			switch {
			case c.field != "":
				require.ErrorAs(t, err, &r)
				require.Equal(t, c.field, r.field)
				require.Equal(t, 400, r.status)
			case c.drop != "":
				require.ErrorAs(t, err, &dropped)
				require.Equal(t, c.drop, dropped.reason)
			default:
				require.NoError(t, err)
			}
		})
	}
}

func TestTypeLabel_WhateverIsSent_IsOneOfAFew(t *testing.T) {
	t.Parallel()
	for sent, label := range map[string]string{
		"": "none", "KycIdentification.Approved": "KycIdentification.Approved", "KYCIDENTIFICATION.APPROVED": "other",
		"KybIdentification.Approved": "Kyb", "FORM.Completed": "Form", "Ona Pavyzde": "other", ".": "other",
	} {
		require.Equal(t, label, typeLabel(ondato.Webhook{Type: ondato.ParseEventType(sent)}), sent)
	}
}
