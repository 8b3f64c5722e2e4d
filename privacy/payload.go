package privacy

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// A sealed payload says by its metadata how it is to be opened. All of it but the encoding is authenticated.
const (
	metadataFormat     = "kyc-format"
	metadataKey        = "kyc-key"
	metadataNamespace  = "kyc-namespace"
	metadataWorkflowID = "kyc-workflow-id"
)

// Encoding marks payloads that this package has sealed.
const Encoding = "binary/kyc-sealed"

// The kinds of key.
const (
	keyHouse = "house"
	keyOwn   = "own"
)

// Values that all payloads share. Nobody writes to a payload's metadata.
var (
	encodingValue = []byte(Encoding)
	formatValue   = []byte("1")
	keyValues     = map[string][]byte{keyHouse: []byte(keyHouse), keyOwn: []byte(keyOwn)}
)

// place is where a payload belongs; the zero place is nowhere.
type place struct {
	namespace, workflowID string
}

// Sealed tells whether a payload was sealed by this package.
func Sealed(p *commonpb.Payload) bool {
	return string(p.GetMetadata()[converter.MetadataEncoding]) == Encoding
}

// seal encrypts a whole payload, metadata included.
func seal(with *keyring, key string, at place, p *commonpb.Payload) (*commonpb.Payload, error) {
	buffer := buffers.Get().(*[]byte)
	defer release(buffer)
	var err error
	if *buffer, err = (proto.MarshalOptions{}).MarshalAppend(*buffer, p); err != nil {
		return nil, fmt.Errorf("marshalling a payload: %w", err)
	}
	data, err := with.aead.Encrypt(*buffer, associated(key, at))
	if err != nil {
		return nil, fmt.Errorf("sealing a payload: %w", err)
	}
	out := &commonpb.Payload{Data: data, Metadata: map[string][]byte{
		converter.MetadataEncoding: encodingValue, metadataFormat: formatValue, metadataKey: keyValues[key],
	}}
	if at != (place{}) {
		out.Metadata[metadataNamespace], out.Metadata[metadataWorkflowID] = []byte(at.namespace), []byte(at.workflowID)
	}
	return out, nil
}

// buffers are for plaintexts on their way to be sealed. One is wiped before another payload gets it.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// largestBuffer keeps one large payload from holding memory for good.
const largestBuffer = 64 << 10

func release(buffer *[]byte) {
	if cap(*buffer) > largestBuffer {
		return
	}
	clear((*buffer)[:cap(*buffer)])
	*buffer = (*buffer)[:0]
	buffers.Put(buffer)
}

// label reads what a sealed payload says of itself.
func label(p *commonpb.Payload) (key string, at place, err error) {
	m := p.GetMetadata()
	if format := string(m[metadataFormat]); format != string(formatValue) {
		return "", place{}, fmt.Errorf("%w: its format is not one that this program reads", ErrUnknownKey)
	}
	key, at = string(m[metadataKey]), place{string(m[metadataNamespace]), string(m[metadataWorkflowID])}
	if keyValues[key] == nil || key == keyOwn && at.workflowID == "" {
		return "", place{}, fmt.Errorf("%w: its metadata do not name a key", ErrForged)
	}
	return key, at, nil
}

// associated binds a ciphertext to its label. Every part has its length before it, so that no two labels look alike.
func associated(key string, at place) []byte {
	parts := [...]string{"kyc-sealed-1", key, at.namespace, at.workflowID}
	size := 0
	for _, part := range parts {
		size += 4 + len(part)
	}
	out := make([]byte, 0, size)
	for _, part := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// payloadData is the number of Payload's field "data".
const payloadData = 2

// unmarshal reads an opened payload. Its data, most of it, stays where it is: proto.Unmarshal would copy it.
func unmarshal(plain []byte) (*commonpb.Payload, error) {
	var data, others []byte
	for rest := plain; len(rest) > 0; {
		number, kind, n := protowire.ConsumeField(rest)
		if n < 0 {
			return nil, errNoPayload
		}
		if number == payloadData && kind == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(rest)
			data, _ = protowire.ConsumeBytes(rest[tag:n])
		} else {
			others = append(others, rest[:n]...)
		}
		rest = rest[n:]
	}
	var p commonpb.Payload
	if err := proto.Unmarshal(others, &p); err != nil {
		return nil, errNoPayload
	}
	p.Data = slices.Clip(data)
	return &p, nil
}

var errNoPayload = fmt.Errorf("%w: it does not hold a payload", ErrForged)
