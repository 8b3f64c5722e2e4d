package privacy

import (
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

// replayNamespace is the stand-in that the SDK's replayer uses for a history's namespace; its workflow id is one, too.
const replayNamespace = "ReplayNamespace"

// CodecConfig of a Codec.
type CodecConfig struct {
	// Keysets hold the house keyset.
	Keysets *KeysetFile
	// Keys are the onboardings' own; nil in a program that seals with the house keyset alone and opens nothing, the bridge.
	Keys *Keys
	// Owned tells by its workflow id whether a workflow has a key of its own; it goes with Keys.
	Owned func(workflowID string) bool
}

// Codec seals and opens payloads. What belongs to a workflow that owns a key is sealed with that key, everything else
// with the house keyset. Payloads that this package did not seal pass through when they are opened. It is safe for
// concurrent use.
type Codec struct {
	config CodecConfig
	// at is where payloads belong; zero where that is not known.
	at place
}

var (
	_ converter.PayloadCodec                         = (*Codec)(nil)
	_ converter.PayloadCodecWithSerializationContext = (*Codec)(nil)
)

// NewCodec returns a codec without a place; the SDK binds it.
func NewCodec(c CodecConfig) *Codec { return &Codec{config: c} }

// WithSerializationContext returns the codec for payloads of one workflow.
func (c *Codec) WithSerializationContext(sc converter.SerializationContext) converter.PayloadCodec {
	return c.boundTo(sc)
}

func (c *Codec) boundTo(sc converter.SerializationContext) *Codec {
	bound := Codec{config: c.config}
	switch of := sc.(type) {
	case converter.WorkflowSerializationContext:
		bound.at = place{of.Namespace, of.WorkflowID}
	case converter.ActivitySerializationContext:
		bound.at = place{of.Namespace, of.WorkflowID}
	}
	if bound.at.workflowID == "" { // a standalone activity, a Nexus operation, a client that does not say
		bound.at = place{}
	}
	return &bound
}

// Encode seals. Errors: ErrErased, ErrNoKey, ErrUnavailable, ErrUnknownKey, ErrForged; all are of the key.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	key, with, err := c.sealer()
	if err != nil {
		return nil, err
	}
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if out[i], err = seal(with, key, c.at, p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *Codec) sealer() (key string, with *keyring, err error) {
	// What a replay encodes is thrown away, and its namespace has no keys.
	if c.config.Keys != nil && c.owned(c.at) && c.at.namespace != replayNamespace {
		with, err = c.config.Keys.keyring(Name(c.at.namespace, c.at.workflowID))
		return keyOwn, with, err
	}
	return keyHouse, c.config.Keysets.sets().house, nil
}

func (c *Codec) owned(at place) bool {
	return at.workflowID != "" && c.config.Owned != nil && c.config.Owned(at.workflowID)
}

// Decode opens. Errors: ErrErased, ErrNoKey, ErrUnavailable, ErrUnknownKey, ErrForged.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if !Sealed(p) {
			out[i] = p
			continue
		}
		opened, err := c.open(p)
		if err != nil {
			return nil, err
		}
		out[i] = opened
	}
	return out, nil
}

func (c *Codec) open(p *commonpb.Payload) (*commonpb.Payload, error) {
	key, at, err := label(p)
	if err != nil {
		return nil, err
	}
	if !c.admits(at) {
		return nil, fmt.Errorf("%w: it belongs to another workflow", ErrForged)
	}
	var plain []byte
	if key == keyHouse {
		plain, err = c.config.Keysets.open(house, p.GetData(), associated(key, at))
	} else {
		plain, err = c.openOwn(p.GetData(), at)
	}
	if err != nil {
		return nil, err
	}
	return unmarshal(plain)
}

// admits tells whether a payload of that place may be opened here. What was sealed without a place is at home everywhere:
// the SDK does not bind everything that it encodes.
func (c *Codec) admits(at place) bool {
	return c.at == (place{}) || at == (place{}) || c.at == at || c.at.namespace == replayNamespace
}

func (c *Codec) openOwn(data []byte, at place) ([]byte, error) {
	if c.config.Keys == nil {
		return nil, ErrNoKey
	}
	if !c.owned(at) {
		return nil, fmt.Errorf("%w: its workflow has no key of its own", ErrForged)
	}
	with, err := c.config.Keys.keyring(Name(at.namespace, at.workflowID))
	if err != nil {
		return nil, err
	}
	return with.open(data, associated(keyOwn, at))
}
