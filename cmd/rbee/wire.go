package main

import (
	"context"
	"io"

	"rbee/internal/fault"
)

// parts are what the command line is put on top of. Tests put other parts there.
type parts struct {
	startQueen startQueen
	doctor     doctor
}

// doctor writes to out what is left of runs whose keeper is gone, and with fix ends it. It returns how many
// processes are (still) left.
type doctor func(ctx context.Context, out io.Writer, fix bool) (left int, err error)

// wired are the real parts.
func wired() parts {
	return parts{
		startQueen: func(context.Context, queenOptions) (queen, error) {
			return nil, fault.New(fault.QueenStartFailed, "this build cannot start a queen").
				WithHint("start one with queen-rbee daemon")
		},
		doctor: func(context.Context, io.Writer, bool) (int, error) {
			return 0, fault.New(fault.Internal, "this build has no doctor")
		},
	}
}
