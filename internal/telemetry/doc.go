// Package telemetry makes one OpenTelemetry trace out of the four processes of a tree.
//
// Every process records its own spans, but only the root of the tree talks to the world. The trace context goes
// down: an owner puts Inject of its current span into what it sends, and the child begins its spans in Extract of
// that. The finished spans come up: a child hands them to its owner as OTLP bytes (Drain), the owner takes them in
// (Ingest) and hands them up together with its own, and the root gives everything to package export.
//
//	keeper  Ingest <- Drain  queen  Ingest <- Drain  hive  Ingest <- Drain  worker
//	   |
//	export: OTLP collector, --trace FILE, --timings
//
// Exporters live in a package of their own because they are the expensive part to link and to build, and a worker
// has no use for them. When nobody asked for a trace, Start returns a Telemetry whose tracer does nothing: a span
// then costs two calls and no allocation.
//
// A child is not trusted: its bytes are counted before they are decoded, checked before they are kept, and kept in
// a space of their own, so that a flood of them cannot push out the spans of its owner. Nothing is sampled: on means
// every span.
package telemetry
