package privacy

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

func TestCodec_PayloadSealedUnderAContext_OpensThereAndWithoutOne(t *testing.T) {
	p := newProgram(t)
	local := annasActivity
	local.IsLocal = true
	for name, c := range map[string]struct {
		sc    converter.SerializationContext
		key   string
		label bool
	}{
		"workflow":                     {annasWorkflow, keyOwn, true},
		"activity":                     {annasActivity, keyOwn, true},
		"local activity":               {local, keyOwn, true},
		"workflow without own key":     {converter.WorkflowSerializationContext{Namespace: space, WorkflowID: erasure}, keyHouse, true},
		"no context":                   {nil, keyHouse, false},
		"client that names none":       {converter.WorkflowSerializationContext{Namespace: space}, keyHouse, false},
		"activity without a workflow":  {converter.ActivitySerializationContext{Namespace: space}, keyHouse, false},
		"context of another kind":      {converter.NexusSerializationContext{Endpoint: "e"}, keyHouse, false},
		"workflow of another workflow": {brunosWorkflow, keyOwn, true},
	} {
		t.Run(name, func(t *testing.T) {
			plain := payload(secret)
			sealed := sealedBy(t, p.codec, c.sc, plain)

			require.True(t, Sealed(sealed))
			require.Equal(t, c.key, string(sealed.Metadata[metadataKey]))
			require.Equal(t, c.label, sealed.Metadata[metadataWorkflowID] != nil)
			require.NotContains(t, sealed.String(), "Annamaria")
			require.NotContains(t, sealed.String(), "json/plain", "the inner metadata are sealed, too")
			require.True(t, proto.Equal(payload(secret), plain), "the argument is left as it was")
			for _, sc := range []converter.SerializationContext{c.sc, nil} {
				opened, err := openedBy(p.codec, sc, sealed)
				require.NoError(t, err)
				require.True(t, proto.Equal(plain, opened), "%v", opened)
			}
		})
	}
}

func TestCodec_WorkflowAndItsActivities_ReadEachOther(t *testing.T) {
	p := newProgram(t)
	for _, way := range [][2]converter.SerializationContext{{annasWorkflow, annasActivity}, {annasActivity, annasWorkflow}} {
		opened, err := openedBy(p.codec, way[1], sealedBy(t, p.codec, way[0], payload(secret)))
		require.NoError(t, err)
		require.Equal(t, secret, string(opened.Data))
	}
}

func TestCodec_AnyShapeOfPayload_ComesBackAsItWas(t *testing.T) {
	p := newProgram(t)
	odd := payload("x")
	odd.ExternalPayloads = []*commonpb.Payload_ExternalPayloadDetails{{SizeBytes: 7}}
	odd.ProtoReflect().SetUnknown([]byte{0xfa, 0x3e, 0x01, 'u'}) // a field of a newer API
	for name, plain := range map[string]*commonpb.Payload{
		"empty":         {},
		"metadata only": {Metadata: map[string][]byte{"encoding": []byte("binary/null")}},
		"data only":     {Data: []byte{0, 1, 2}},
		"one MiB":       payload(strings.Repeat("Ä", 1<<19)),
		"other fields":  odd,
		"sealed before": sealedBy(t, p.codec, nil, payload("twice")),
	} {
		t.Run(name, func(t *testing.T) {
			opened, err := openedBy(p.codec, annasWorkflow, sealedBy(t, p.codec, annasWorkflow, plain))
			require.NoError(t, err)
			require.True(t, proto.Equal(plain, opened))
		})
	}
}

func TestCodec_OpenedData_CannotBeAppendedIntoItsNeighbours(t *testing.T) {
	p := newProgram(t)
	plain := payload("data")
	plain.ExternalPayloads = []*commonpb.Payload_ExternalPayloadDetails{{SizeBytes: 7}}
	opened, err := openedBy(p.codec, annasWorkflow, sealedBy(t, p.codec, annasWorkflow, plain))
	require.NoError(t, err)
	require.Equal(t, len(opened.Data), cap(opened.Data))
}

func TestDecode_WhatWasNotSealedHere_PassesThrough(t *testing.T) {
	p := newProgram(t)
	for name, foreign := range map[string]*commonpb.Payload{
		"plain":              payload("{}"),
		"nil":                nil,
		"without metadata":   {Data: []byte("x")},
		"of another codec":   {Metadata: map[string][]byte{"encoding": []byte("binary/encrypted")}, Data: []byte("x")},
		"encoding like ours": {Metadata: map[string][]byte{"encoding": []byte(Encoding + "2")}, Data: []byte("x")},
	} {
		t.Run(name, func(t *testing.T) {
			opened, err := openedBy(p.codec, annasWorkflow, foreign)
			require.NoError(t, err)
			require.Same(t, foreign, opened)
		})
	}
	require.Zero(t, p.store.calls())
}

func TestDecode_OneBadPayloadAmongGood_FailsAsAWhole(t *testing.T) {
	p := newProgram(t)
	good, bad := sealedBy(t, p.codec, annasWorkflow, payload("1")), sealedBy(t, p.codec, annasWorkflow, payload("2"))
	bad.Data[20] ^= 1
	out, err := under(p.codec, annasWorkflow).Decode([]*commonpb.Payload{good, bad})
	require.ErrorIs(t, err, ErrForged)
	require.Nil(t, out)
}

// seals are one payload under each kind of key.
func seals(t *testing.T, p *program) map[string]*commonpb.Payload {
	t.Helper()
	return map[string]*commonpb.Payload{
		"own key":         sealedBy(t, p.codec, annasWorkflow, payload(secret)),
		"house, bound":    sealedBy(t, p.bridge(), annasWorkflow, payload(secret)),
		"house, nowhere":  sealedBy(t, p.codec, nil, payload(secret)),
		"house, no owner": sealedBy(t, p.codec, converter.WorkflowSerializationContext{Namespace: space, WorkflowID: erasure}, payload(secret)),
	}
}

func TestDecode_OneBitOfTheDataChanged_IsRefused(t *testing.T) {
	p := newProgram(t)
	for name, sealed := range seals(t, p) {
		t.Run(name, func(t *testing.T) {
			for i := range len(sealed.Data) * 8 {
				changed := proto.CloneOf(sealed)
				changed.Data[i/8] ^= 1 << (i % 8)
				want := ErrForged
				if byte := i / 8; byte >= 1 && byte <= 4 {
					want = ErrUnknownKey // the id of the key
				}
				_, err := openedBy(p.codec, nil, changed)
				require.ErrorIs(t, err, want, "bit %d", i)
				require.NotContains(t, err.Error(), "Annamaria")
			}
		})
	}
}

func TestDecode_DataCutOrLengthened_IsRefused(t *testing.T) {
	p := newProgram(t)
	for name, sealed := range seals(t, p) {
		t.Run(name, func(t *testing.T) {
			for n := range len(sealed.Data) {
				cut := proto.CloneOf(sealed)
				cut.Data = cut.Data[:n]
				_, err := openedBy(p.codec, nil, cut)
				require.ErrorIs(t, err, ErrForged, "%d bytes", n)
			}
			longer := proto.CloneOf(sealed)
			longer.Data = append(longer.Data, 0)
			_, err := openedBy(p.codec, nil, longer)
			require.ErrorIs(t, err, ErrForged)
		})
	}
}

func TestDecode_OneBitOfTheMetadataChanged_IsRefused(t *testing.T) {
	p := newProgram(t)
	for name, sealed := range seals(t, p) {
		for entry, value := range sealed.Metadata {
			if entry == converter.MetadataEncoding {
				continue // then it is a foreign payload
			}
			t.Run(name+", "+entry, func(t *testing.T) {
				for i := range len(value) * 8 {
					changed := proto.CloneOf(sealed)
					changed.Metadata[entry][i/8] ^= 1 << (i % 8)
					_, err := openedBy(p.codec, nil, changed)
					requireRefused(t, err)
				}
				without := proto.CloneOf(sealed)
				delete(without.Metadata, entry)
				_, err := openedBy(p.codec, nil, without)
				requireRefused(t, err)
			})
		}
	}
}

// requireRefused: a label that was changed may name another key, which is not there, or nothing that makes sense.
func requireRefused(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.True(t, ofKeys(err), "%v", err)
	require.NotErrorIs(t, err, ErrUnavailable)
}

func TestDecode_LabelOfAnotherKindOfKey_IsRefused(t *testing.T) {
	p := newProgram(t)
	for _, c := range []struct {
		by   *Codec
		says string
		want error
	}{
		{p.codec, keyHouse, ErrUnknownKey},   // sealed with anna's own key, which the house keyset does not hold
		{p.bridge(), keyOwn, ErrUnknownKey},  // the other way round
		{p.codec, "somebody's", ErrForged},   // no kind of key
		{p.codec, "own\x00house", ErrForged}, // nor this
	} {
		sealed := sealedBy(t, c.by, annasWorkflow, payload(secret))
		sealed.Metadata[metadataKey] = []byte(c.says)
		_, err := openedBy(p.codec, annasWorkflow, sealed)
		require.ErrorIs(t, err, c.want, c.says)
	}
}

func TestDecode_PayloadOfAnotherWorkflow_IsForged(t *testing.T) {
	p := newProgram(t)
	for name, sealed := range map[string]*commonpb.Payload{
		"own key":   sealedBy(t, p.codec, annasWorkflow, payload(secret)),
		"house key": sealedBy(t, p.bridge(), annasWorkflow, payload(secret)),
	} {
		relabelled := proto.CloneOf(sealed)
		relabelled.Metadata[metadataWorkflowID] = []byte(bruno)
		otherSpace := proto.CloneOf(sealed)
		otherSpace.Metadata[metadataNamespace] = []byte("another")
		unlabelled := proto.CloneOf(sealed)
		delete(unlabelled.Metadata, metadataNamespace)
		delete(unlabelled.Metadata, metadataWorkflowID)
		t.Run(name, func(t *testing.T) {
			for what, c := range map[string]struct {
				p  *commonpb.Payload
				sc converter.SerializationContext
			}{
				"presented in another workflow":   {sealed, brunosWorkflow},
				"presented in another activity":   {sealed, converter.ActivitySerializationContext{Namespace: space, WorkflowID: bruno}},
				"presented in another namespace":  {sealed, converter.WorkflowSerializationContext{Namespace: "another", WorkflowID: anna}},
				"relabelled":                      {relabelled, brunosWorkflow},
				"relabelled, without a context":   {relabelled, nil},
				"its label taken off":             {unlabelled, brunosWorkflow},
				"its label taken off, no context": {unlabelled, nil},
			} {
				_, err := openedBy(p.codec, c.sc, c.p)
				require.True(t, ofKeys(err), "%s: %v", what, err)
				if !strings.HasPrefix(what, "relabelled") || name == "house key" { // bruno's key does not know what anna's sealed
					require.ErrorIs(t, err, ErrForged, what)
				}
			}
			_, err := openedBy(p.codec, nil, otherSpace)
			require.True(t, ofKeys(err), "%v", err)
		})
	}
}

// A payload is bound to its workflow, not to its event: what Temporal's history keeps apart is Temporal's to keep apart.
func TestDecode_PayloadReplayedInItsOwnWorkflow_Opens(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	for range 2 {
		opened, err := openedBy(p.codec, annasActivity, sealed)
		require.NoError(t, err)
		require.Equal(t, secret, string(opened.Data))
	}
	_, err := openedBy(p.codec, brunosWorkflow, sealed)
	require.ErrorIs(t, err, ErrForged)
}

func TestDecode_KeyThatIsNotHeld_IsUnknownAndNotForged(t *testing.T) {
	p, stranger := newProgram(t), newProgram(t)
	for name, c := range map[string]*commonpb.Payload{
		"another house keyset":              sealedBy(t, stranger.codec, nil, payload(secret)),
		"another key of the same name":      sealedBy(t, stranger.codec, annasWorkflow, payload(secret)),
		"another house keyset, in workflow": sealedBy(t, stranger.bridge(), annasWorkflow, payload(secret)),
	} {
		_, err := openedBy(p.codec, annasWorkflow, c)
		require.ErrorIs(t, err, ErrUnknownKey, name)
		require.NotErrorIs(t, err, ErrForged, name)
	}
}

func TestDecode_FormatOfANewerProgram_IsUnknownAndNotForged(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	sealed.Metadata[metadataFormat] = []byte("2")
	_, err := openedBy(p.codec, annasWorkflow, sealed)
	require.ErrorIs(t, err, ErrUnknownKey)
}

func TestDecode_OwnKeyOfAWorkflowThatHasNone_IsForgedAndAsksNoStore(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	for _, workflowID := range []string{erasure, "x\x00", strings.Repeat("y", 1<<16), "\xff\xfe"} {
		sealed.Metadata[metadataWorkflowID] = []byte(workflowID)
		_, err := openedBy(p.codec, nil, sealed)
		require.ErrorIs(t, err, ErrForged)
	}
	require.Zero(t, p.store.calls())
}

func TestEncode_WithoutAKey_MakesNone(t *testing.T) {
	p := newProgram(t)
	stranger := converter.WorkflowSerializationContext{Namespace: space, WorkflowID: "onboarding-unknown"}
	_, err := under(p.codec, stranger).Encode([]*commonpb.Payload{payload(secret)})
	require.ErrorIs(t, err, ErrNoKey)
	require.ErrorContains(t, err, "onboarding keys ensure")
	_, err = p.store.Get(t.Context(), Name(space, stranger.WorkflowID))
	require.ErrorIs(t, err, ErrNoKey)
	require.Zero(t, p.store.inserts.Load())
}

func TestCodec_InTheReplayersStandIn_OpensAnyHistoryAndSealsWithoutAKey(t *testing.T) {
	p := newProgram(t)
	sealed := sealedBy(t, p.codec, annasWorkflow, payload(secret))
	for _, workflowID := range []string{"ReplayId", anna, bruno} {
		standIn := converter.WorkflowSerializationContext{Namespace: replayNamespace, WorkflowID: workflowID}
		opened, err := openedBy(p.codec, standIn, sealed)
		require.NoError(t, err)
		require.Equal(t, secret, string(opened.Data))

		again := sealedBy(t, p.codec, standIn, payload(secret))
		require.Equal(t, keyHouse, string(again.Metadata[metadataKey]))
		opened, err = openedBy(p.codec, standIn, again)
		require.NoError(t, err)
		require.Equal(t, secret, string(opened.Data))
	}
	require.Zero(t, p.store.calls(), "anna's key is at hand, and the stand-in's is not asked for")
}

func TestCodec_OfTheBridge_SealsForAWorkflowWithTheHouseKey(t *testing.T) {
	p := newProgram(t)
	signal := sealedBy(t, p.bridge(), annasWorkflow, payload(secret))
	require.Equal(t, keyHouse, string(signal.Metadata[metadataKey]))
	require.Equal(t, anna, string(signal.Metadata[metadataWorkflowID]))
	require.Zero(t, p.store.calls())

	opened, err := openedBy(p.codec, annasWorkflow, signal)
	require.NoError(t, err)
	require.Equal(t, secret, string(opened.Data))

	_, err = openedBy(p.bridge(), annasWorkflow, sealedBy(t, p.codec, annasWorkflow, payload(secret)))
	require.ErrorIs(t, err, ErrNoKey)
}

func TestCodec_UsedByMany_MixesNothingUp(t *testing.T) {
	p := newProgram(t)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			sc := []converter.SerializationContext{annasWorkflow, brunosWorkflow, nil}[i%3]
			for n := range 50 {
				text := strings.Repeat(fmt.Sprint(i, n), 1+n)
				sealed, err := under(p.codec, sc).Encode([]*commonpb.Payload{payload(text), payload(text + "!")})
				if err != nil {
					t.Error(err)
					return
				}
				opened, err := under(p.codec, sc).Decode(sealed)
				if err != nil || string(opened[0].Data) != text || string(opened[1].Data) != text+"!" {
					t.Errorf("%v: %v", opened, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestAssociated_DifferentLabels_NeverLookAlike(t *testing.T) {
	labels := []place{{"a", "bc"}, {"ab", "c"}, {"", "abc"}, {"abc", ""}, {"a\x00", "bc"}, {"a", "\x00bc"}}
	var all []string
	for _, key := range []string{keyHouse, keyOwn, ""} {
		for _, at := range labels {
			all = append(all, string(associated(key, at)))
		}
	}
	slices.Sort(all)
	require.Len(t, slices.Compact(all), 3*len(labels))
}
