package telemetry

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// shape is where messages lie within a message, by field number. Numbers are those of the OTLP .proto files, which
// never change.
type shape map[protowire.Number]shape

var batches = func() shape {
	value := shape{}
	attribute := shape{2: value}
	value[5] = shape{1: value}     // array_value.values
	value[6] = shape{1: attribute} // kvlist_value.values
	span := shape{
		9:  attribute,
		11: {3: attribute}, // events
		13: {4: attribute}, // links
		15: {},             // status
	}
	resource := shape{1: attribute, 3: {}} // 3: entity_refs
	scope := shape{3: attribute}
	return shape{1: { // resource_spans
		1: resource,
		2: {1: scope, 2: span}, // scope_spans
	}}
}()

// count refuses bytes that would decode into more than maxElements messages: two encoded bytes can make a message
// of a hundred, so the size alone bounds nothing. What is not protobuf is left to the decoder.
func count(otlp []byte) error {
	left := maxElements
	if walk(otlp, batches, &left, 4*maxNested+8); left < 0 {
		return fmt.Errorf("more than %d messages in it", maxElements)
	}
	return nil
}

// walk takes one off left for each message in b, and gives up when left or depth is used up.
func walk(b []byte, s shape, left *int, depth int) {
	if depth == 0 {
		*left = -1
		return
	}
	for len(b) > 0 && *left >= 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, kind, b)
		if n < 0 {
			return
		}
		if inner, ok := s[number]; ok && kind == protowire.BytesType {
			*left--
			field, _ := protowire.ConsumeBytes(b)
			walk(field, inner, left, depth-1)
		}
		b = b[n:]
	}
}
