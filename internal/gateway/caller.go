package gateway

import "context"

// Caller is who makes a request, as far as it was proven. The zero value is anybody who may open the socket.
type Caller struct {
	Tenant string   // whose requests share one place in line; "" = everybody's
	Weight float64  // of that place; 0 = 1
	Models []string // the only ones it may name; none = all
}

type callerKey struct{}

// WithCaller notes in ctx who makes a request; what checks keys calls it before the handler.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who WithCaller noted, or the zero Caller.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
