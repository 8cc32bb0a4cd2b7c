package export

import (
	"net/url"
	"os"
	"strings"

	"rbee/internal/fault"
)

// signal is one kind of telemetry, with its word in the names of the variables.
type signal string

const (
	traces  signal = "TRACES"
	metrics signal = "METRICS"
)

// The protocols of OTEL_EXPORTER_OTLP_PROTOCOL. Endpoint, headers, timeout, compression and certificates are read by
// the exporters themselves.
const (
	protobufHTTP = "http/protobuf"
	jsonHTTP     = "http/json"
	grpcProtocol = "grpc"
)

// protocol returns how to export a signal, "" if not at all. Exporting must be asked for, by naming the exporter or
// an endpoint: the standard's default of trying localhost would cost every command of everybody else.
// What the variables ask for and cannot be had is told to warn and left out, as the standard wants it.
func (s signal) protocol(warn func(error)) string {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || !s.wanted(warn) {
		return ""
	}
	name, value := either("OTEL_EXPORTER_OTLP_"+string(s)+"_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	switch value {
	case "":
		return protobufHTTP
	case protobufHTTP, jsonHTTP, grpcProtocol:
		return value
	}
	warn(fault.New(fault.InvalidRequest, "%s=%q is not a protocol of OTLP", name, value).
		WithHint("use %s, %s or %s", protobufHTTP, jsonHTTP, grpcProtocol))
	return ""
}

func (s signal) wanted(warn func(error)) bool {
	variable := "OTEL_" + string(s) + "_EXPORTER"
	value := os.Getenv(variable)
	if value == "" {
		_, endpoint := either("OTEL_EXPORTER_OTLP_"+string(s)+"_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
		return endpoint != ""
	}
	otlp := false
	for exporter := range strings.SplitSeq(value, ",") {
		switch strings.TrimSpace(exporter) {
		case "otlp":
			otlp = true
		case "none", "":
		default:
			warn(fault.New(fault.InvalidRequest, "%s=%q: rbee has no exporter %q", variable, value, exporter).
				WithHint("use otlp or none"))
		}
	}
	return otlp
}

// collector names where a signal goes, for an error.
func (s signal) collector() string {
	_, endpoint := either("OTEL_EXPORTER_OTLP_"+string(s)+"_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if endpoint == "" {
		return "the collector on localhost"
	}
	if u, err := url.Parse(endpoint); err == nil {
		return u.Redacted() // it may hold a password
	}
	return "its collector"
}

// either returns the first variable that is set, the more special one first.
func either(special, general string) (name, value string) {
	if v := os.Getenv(special); v != "" {
		return special, v
	}
	return general, os.Getenv(general)
}
