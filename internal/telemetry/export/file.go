package export

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"rbee/internal/fault"
	"rbee/internal/telemetry"
)

// create opens FILE of --trace. An older trace in it is replaced: a file holds the trace of one command. Any other file
// that holds something is refused: it was named by mistake. It may also be no file (/dev/stderr, a pipe).
func create(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENXIO) {
		f, err = os.OpenFile(path, os.O_WRONLY, 0) // write-only, as a device may be
	}
	if err != nil {
		return nil, fileError(path, err)
	}
	if err := empty(f, path); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// begin is how every trace begins.
const begin = `{"resourceSpans":`

// empty makes room in a regular file, if it is ours to overwrite.
func empty(f *os.File, path string) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return fileError(path, err)
	case !info.Mode().IsRegular() || info.Size() == 0:
		return nil
	}
	head := make([]byte, len(begin))
	if _, err := f.ReadAt(head, 0); err != nil || string(head) != begin {
		return fault.New(fault.InvalidRequest, "%s holds something that is no trace: it is not overwritten", path).
			WithHint("name a new file, or remove that one first").With("path", path)
	}
	if err := errors.Join(f.Truncate(0), f.Chmod(0o600)); err != nil {
		return fileError(path, err)
	}
	return nil
}

func fileError(path string, err error) error {
	code, hint := fault.InvalidRequest, "name a file in a folder that you may write to"
	if errors.Is(err, syscall.ENOSPC) {
		code, hint = fault.DiskFull, "free some space, or name a file on another disk"
	}
	return fault.Wrap(code, err, "cannot write the trace: %v", err).WithHint("%s", hint).With("path", path)
}

// writeLine appends spans to w as one ExportTraceServiceRequest in the OTLP JSON encoding, which is protobuf's except
// that ids are hex and enums are numbers (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
func writeLine(w io.Writer, spans []*tracepb.ResourceSpans) error {
	data := proto.CloneOf(&tracepb.TracesData{ResourceSpans: spans})
	eachID(data, func(id []byte) []byte {
		// protojson writes bytes as base64, and hex digits are base64 digits: these bytes come out as the hex we want.
		b, _ := base64.StdEncoding.DecodeString(hex.EncodeToString(id)) // 8 and 16 bytes give whole groups of 4 digits
		return b
	})
	text, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(data)
	if err != nil {
		return err
	}
	var line bytes.Buffer // protojson varies its spaces on purpose
	if err := json.Compact(&line, text); err != nil {
		return err
	}
	line.WriteByte('\n')
	_, err = w.Write(line.Bytes())
	return err
}

// Read reads what --trace wrote: all spans of all lines, sorted by their start within a line.
func Read(r io.Reader) ([]telemetry.Span, error) {
	var out []telemetry.Span
	for lines := json.NewDecoder(r); ; {
		var line json.RawMessage
		if err := lines.Decode(&line); err == io.EOF {
			return out, nil
		} else if err != nil {
			return out, err
		}
		data := &tracepb.TracesData{}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(line, data); err != nil {
			return out, err
		}
		eachID(data, func(id []byte) []byte {
			b, _ := hex.DecodeString(base64.StdEncoding.EncodeToString(id)) // a wrong id is refused by Parse
			return b
		})
		otlp, err := proto.Marshal(data)
		if err != nil {
			return out, err
		}
		spans, err := telemetry.Parse(otlp)
		if err != nil {
			return out, err
		}
		out = append(out, spans...)
	}
}

// eachID replaces every id in data by f of it.
func eachID(data *tracepb.TracesData, f func([]byte) []byte) {
	for _, rs := range data.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				s.TraceId, s.SpanId, s.ParentSpanId = f(s.TraceId), f(s.SpanId), f(s.ParentSpanId)
				for _, l := range s.GetLinks() {
					l.TraceId, l.SpanId = f(l.TraceId), f(l.SpanId)
				}
			}
		}
	}
}
