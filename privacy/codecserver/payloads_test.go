package codecserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"kyc/privacy"
)

func TestDecode_OfAMixture_AnswersForEachByItself(t *testing.T) {
	r := newRig(t, nil)
	own, other, house := r.sealed(workflow[0], someWord), r.sealed(workflow[1], someWord), r.sealed("", someWord)
	signal := r.sealed("erasure-"+workflow[0], someWord) // bound to a workflow that owns no key
	require.NoError(t, r.keys.Erase(t.Context(), privacy.Name(namespace, workflow[1])))

	flipped := proto.CloneOf(own)
	flipped.Data[len(flipped.Data)-1] ^= 1
	moved := proto.CloneOf(own)
	moved.Metadata[metadataWorkflowID] = []byte(workflow[2])
	cut := proto.CloneOf(house)
	cut.Data = cut.Data[:3]
	nameless := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(privacy.Encoding)}}
	elsewhere := proto.CloneOf(house)
	elsewhere.Data[1] ^= 1 // another key's id
	inPlain, foreign := plain(t, "not sealed"), &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/zlib")}, Data: []byte{1, 2, 3}}

	got := r.decode(header{"Authorization": "Bearer " + annasToken, "X-Namespace": namespace},
		own, flipped, other, moved, house, cut, inPlain, foreign, nameless, elsewhere, signal).payloads(t)

	require.Len(t, got, 11)
	for i, want := range map[int]string{
		0: someWord, 1: unreadable(privacy.ErrForged), 2: "[erased]",
		3: unreadable(privacy.ErrNoKey), 4: someWord, 5: unreadable(privacy.ErrForged), 6: "not sealed",
		9: unreadable(privacy.ErrUnknownKey), 10: someWord,
	} {
		require.Equal(t, want, text(t, got[i]), "payload %d", i)
	}
	require.True(t, strings.HasPrefix(text(t, got[8]), "[cannot be opened: "))
	require.True(t, proto.Equal(foreign, got[7]), "what is not ours passes as it is")

	line := r.log.withMessage(t, auditMessage, "decoded")
	delete(line, "time")
	delete(line, "request_id")
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": auditMessage, "outcome": "decoded", "by": "anna", "via": "token", "namespace": namespace,
		"payloads": 11., "opened": 3., "erased": 1., "unreadable": 5., "passed": 2., "sealed": 0.,
		"onboardings": []any{namespace + "/" + workflow[0], namespace + "/" + workflow[1], namespace + "/erasure-" + workflow[0]},
	}, line, "a workflow id that is not proven, such as that of the moved payload, is in no line")
	for outcome, n := range map[string]string{"opened": "3", "erased": "1", "unreadable": "5", "passed": "2", "sealed": "0"} {
		require.Equal(t, n, r.metric(`onboarding_codec_payloads_total{outcome="`+outcome+`"}`), outcome)
	}
}

func unreadable(class error) string { return "[cannot be opened: " + class.Error() + "]" }

func TestDecode_OfNothing_IsNothing(t *testing.T) {
	r := newRig(t, nil)
	for _, empty := range []string{`{}`, `{"payloads":[]}`, `{"payloads":null}`} {
		require.Empty(t, r.send(http.MethodPost, "/decode", strings.NewReader(empty), bearer(annasToken)).payloads(t))
	}
}

func TestDecode_KeyStoreDown_IsRefusedAsAWholeAndWorksLater(t *testing.T) {
	r := newRig(t, nil)
	r.store.down.Store(true)
	house, own := r.sealed("", "the house keyset needs no store"), r.sealed(workflow[0], someWord)

	require.Equal(t, "the house keyset needs no store", text(t, r.decode(bearer(annasToken), house).payloads(t)[0]))
	refused := r.decode(bearer(annasToken), house, own)
	require.Equal(t, http.StatusServiceUnavailable, refused.status)
	require.Contains(t, refused.problem(t).Detail, "key store")
	require.Equal(t, "5", refused.header.Get("Retry-After"))
	line := r.log.withMessage(t, "request", "refused")
	require.Equal(t, "key-store", line["reason"])
	require.Equal(t, "anna", line["by"])
	require.Contains(t, line["error"], "connection refused")

	r.store.down.Store(false)
	require.Equal(t, someWord, text(t, r.decode(bearer(annasToken), house, own).payloads(t)[1]))
}

// TestEncode_ByTheSDKsRemoteCodec_IsOpenedByAnyWorkflow is what the Temporal CLI does with --codec-endpoint and
// --codec-auth, down to the worker.
func TestEncode_ByTheSDKsRemoteCodec_IsOpenedByAnyWorkflow(t *testing.T) {
	r := newRig(t, nil)
	for _, endpoint := range []string{r.url, r.url + "/" + namespace, r.url + "/"} {
		remote := converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{Endpoint: endpoint, ModifyRequest: func(req *http.Request) error {
			req.Header.Set("Authorization", "Bearer "+reportToken)
			return nil
		}})
		already := r.sealed(workflow[0], "already")
		sealed, err := remote.Encode([]*commonpb.Payload{plain(t, someWord), already})
		require.NoError(t, err)
		require.True(t, privacy.Sealed(sealed[0]))
		require.NotContains(t, string(sealed[0].Data), someWord)
		require.True(t, proto.Equal(already, sealed[1]), "what is sealed is not sealed again")

		inWorkflow := converter.WithDataConverterSerializationContext(privacy.DataConverter(r.codec),
			converter.WorkflowSerializationContext{Namespace: namespace, WorkflowID: workflow[0]})
		var read string
		require.NoError(t, inWorkflow.FromPayload(sealed[0], &read))
		require.Equal(t, someWord, read)
		opened, err := remote.Decode(sealed)
		require.NoError(t, err)
		require.Equal(t, someWord, text(t, opened[0]))
		require.Equal(t, "already", text(t, opened[1]))
	}
	line := r.log.withMessage(t, auditMessage, "encoded")
	require.Equal(t, "report", line["by"])
	require.EqualValues(t, 1, line["sealed"])
	require.EqualValues(t, 1, line["passed"])
	require.Nil(t, line["onboardings"])
}

func TestDecode_ManyAtOnce_AreAllAnsweredAndAllWrittenDown(t *testing.T) {
	r := newRig(t, nil)
	p := r.sealed(workflow[0], someWord)
	var done sync.WaitGroup
	for range 60 { // a history page asks so
		done.Go(func() {
			if got := r.decode(bearer(annasToken), p, p); got.status != http.StatusOK {
				t.Errorf("answered %d: %s", got.status, got.body)
			}
		})
	}
	done.Wait()
	require.Equal(t, 60, strings.Count(r.log.String(), auditMessage))
}

func TestLogs_AfterEverythingThatCanBeSent_HoldNothingOfIt(t *testing.T) {
	r := newRig(t, nil)
	p := r.sealed(workflow[0], someWord)
	r.decode(bearer(annasToken), p)
	r.decode(bearer("wrong-token-of-somebody-who-guesses"), p)
	r.decode(bearer(annasToken), plain(t, someWord))
	r.send(http.MethodPost, "/encode", bytes.NewReader(body(t, plain(t, someWord))), bearer(annasToken))
	r.send(http.MethodPost, "/decode?name="+"Distinctive", strings.NewReader(someWord), bearer(annasToken))
	r.send(http.MethodPost, "/Distinctive%20name/decode", bytes.NewReader(body(t, p)), bearer(annasToken))
	r.send(http.MethodPost, "/decode", bytes.NewReader(body(t, p)), header{"Authorization": "Bearer " + annasToken, "X-Namespace": "Distinctive name", "X-Request-Id": "Distinctive name"})
	r.send("DISTINCTIVE", "/Distinctive", nil, header{"Origin": "https://Distinctive.example"})
	r.send(http.MethodPost, "/login", strings.NewReader("token="+annasToken), header{"Content-Type": "application/x-www-form-urlencoded"})
	r.send(http.MethodPost, "/login", strings.NewReader("token=Distinctive"), header{"Content-Type": "application/x-www-form-urlencoded"})
	p.Metadata[metadataWorkflowID] = []byte("Distinctive name")
	r.decode(bearer(annasToken), p)
	r.log.withMessage(t, "request", "signed-in")
	require.Eventually(t, func() bool { return strings.Count(r.log.String(), "request_id") >= 11 }, waitLong, waitShort)

	page := string(r.send(http.MethodGet, "/metrics", nil, nil).body)
	for _, secret := range []string{"istinctive", "ISTINCTIVE", annasToken, "wrong-token", string(p.Data[:8])} {
		require.NotContains(t, r.log.String(), secret)
		require.NotContains(t, page, secret)
	}
	for line := range strings.Lines(r.log.String()) {
		require.True(t, json.Valid([]byte(line)))
	}
}
