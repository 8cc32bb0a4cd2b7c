// Package export is where a trace leaves the tree. Only a root links it: the keeper, and a daemon queen.
//
// Up to three destinations, each only if asked for:
//
//	OTLP          the standard OTEL_* variables name a collector; metrics go there too
//	--trace FILE  OTLP JSON lines, one ExportTraceServiceRequest a line
//	--timings     a waterfall for a person
//
// A root opens before it does anything else (a file that cannot be written fails then, not after the work), starts
// its telemetry if Wanted, and closes last. Close has a deadline of its own: a collector that does not answer costs
// a command at most a second.
package export
