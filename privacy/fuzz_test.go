package privacy

import (
	"os"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// FuzzDecode presents payloads that nobody has sealed. They pass through or are refused; none opens, none panics.
func FuzzDecode(f *testing.F) {
	p := newProgram(f)
	sealed := sealedBy(f, p.codec, annasWorkflow, payload(secret))
	m := sealed.Metadata
	f.Add(sealed.Data, string(m[converter.MetadataEncoding]), string(m[metadataFormat]), string(m[metadataKey]), space, anna)
	f.Add([]byte{1, 2, 3, 4, 5}, Encoding, "1", keyHouse, "", "")
	f.Add([]byte(nil), Encoding, "1", keyOwn, "", bruno)
	f.Add([]byte(`{"a":1}`), "json/plain", "", "", "", "")
	f.Fuzz(func(t *testing.T, data []byte, encoding, format, key, namespace, workflowID string) {
		strange := &commonpb.Payload{Data: data, Metadata: map[string][]byte{
			converter.MetadataEncoding: []byte(encoding), metadataFormat: []byte(format), metadataKey: []byte(key),
			metadataNamespace: []byte(namespace), metadataWorkflowID: []byte(workflowID),
		}}
		for _, sc := range []converter.SerializationContext{nil, annasWorkflow, annasActivity} {
			opened, err := openedBy(p.codec, sc, strange)
			if !Sealed(strange) {
				if err != nil || opened != strange {
					t.Fatalf("a foreign payload was touched: %v, %v", opened, err)
				}
				continue
			}
			if string(data) == string(sealed.Data) && err == nil {
				continue // it is the one that was sealed
			}
			if err == nil {
				t.Fatalf("opened what nobody sealed: %v", opened)
			}
			if !ofKeys(err) {
				t.Fatalf("an error without a reason: %v", err)
			}
		}
	})
}

// FuzzDecodeChanged changes a payload after it was sealed. It opens as it was, or not at all.
func FuzzDecodeChanged(f *testing.F) {
	p := newProgram(f)
	f.Add([]byte(secret), byte(0), uint16(0), byte(0), uint16(0), []byte(nil), "", "", "")
	f.Add([]byte(secret), byte(1), uint16(7), byte(1), uint16(0), []byte(nil), keyHouse, "", "")
	f.Add([]byte(secret), byte(2), uint16(0), byte(0), uint16(3), []byte{0}, "", space, bruno)
	contexts := []converter.SerializationContext{annasWorkflow, brunosWorkflow, nil}
	f.Fuzz(func(t *testing.T, plain []byte, which byte, at uint16, by byte, cut uint16, more []byte, key, namespace, workflowID string) {
		was := &commonpb.Payload{Data: plain, Metadata: map[string][]byte{"encoding": []byte("binary/plain")}}
		sc := contexts[int(which)%len(contexts)]
		codec := p.codec
		if which&0x80 != 0 {
			codec = p.bridge()
		}
		sealed := sealedBy(t, codec, sc, was)
		changed := proto.CloneOf(sealed)
		changed.Data[int(at)%len(changed.Data)] ^= by
		changed.Data = append(changed.Data[:len(changed.Data)-int(cut)%len(changed.Data)], more...)
		for entry, value := range map[string]string{metadataKey: key, metadataNamespace: namespace, metadataWorkflowID: workflowID} {
			if value != "" {
				changed.Metadata[entry] = []byte(value)
			}
		}
		for _, sc := range contexts {
			opened, err := openedBy(p.codec, sc, changed)
			switch {
			case err != nil && !ofKeys(err):
				t.Fatalf("an error without a reason: %v", err)
			case err == nil && !proto.Equal(sealed, changed):
				t.Fatalf("opened although it was changed: %v", opened)
			case err == nil && !proto.Equal(was, opened):
				t.Fatalf("opened as something else: %v", opened)
			}
		}
	})
}

// FuzzUnmarshal holds the reading of an opened payload, which copies less, against proto.Unmarshal.
func FuzzUnmarshal(f *testing.F) {
	for _, p := range []*commonpb.Payload{payload(secret), {}, {Data: []byte("x")}, {ExternalPayloads: []*commonpb.Payload_ExternalPayloadDetails{{SizeBytes: 1}}}} {
		data, err := proto.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte{0x12, 1, 'a', 0x12, 1, 'b'}) // the last one counts
	f.Add([]byte{0x12, 0})
	f.Add([]byte{0x13, 0x14}) // a group
	f.Fuzz(func(t *testing.T, data []byte) {
		var want commonpb.Payload
		wantErr := proto.Unmarshal(data, &want)
		got, err := unmarshal(data)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, but proto.Unmarshal: %v", err, wantErr)
		}
		if err == nil && !proto.Equal(&want, got) {
			t.Fatalf("%v, but proto.Unmarshal: %v", got, &want)
		}
	})
}

// FuzzKeysetFile reads arbitrary files. What it takes for a keyset file is one: it can be written and read again.
func FuzzKeysetFile(f *testing.F) {
	whole, err := os.ReadFile(newKeysetFile(f, "").path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(`{"format":1,"kms":"gcp-kms://x","house":{"encryptedKeyset":"AAAA"},"keyEncryption":null}`))
	f.Add([]byte(`{"format":1,"house":{"primaryKeyId":1,"key":[{"keyData":null,"status":"ENABLED","keyId":1}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		sets, err := decodeKeysets(data)
		if err != nil {
			return
		}
		sealed, err := sets.house.aead.Encrypt([]byte(secret), nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := sets.encode()
		if err != nil {
			t.Fatal(err)
		}
		if sets, err = decodeKeysets(again); err != nil {
			t.Fatal(err)
		}
		if plain, err := sets.house.open(sealed, nil); err != nil || string(plain) != secret {
			t.Fatalf("%q, %v", plain, err)
		}
	})
}
