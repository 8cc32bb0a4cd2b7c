#include "textflag.h"

// func handle(): called by the kernel with R0 = signal, R1 = siginfo, R2 = ucontext.
TEXT ·handle(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVD	440(R2), R3	// uc_mcontext.pc, where the signal was raised
	MOVD	$runtime·text(SB), R4
	CMP	R4, R3
	BLO	native
	MOVD	$runtime·etext(SB), R4
	CMP	R4, R3
	BHS	native
	MOVD	$·goHandlers(SB), R4
	MOVD	(R4)(R0<<3), R3
	B	(R3)

native:	// the default action again, then the same signal again: it is blocked until this handler returns
	MOVD	R0, R9
	MOVD	$·byDefault(SB), R1
	MOVD	ZR, R2
	MOVD	$8, R3
	MOVD	$134, R8	// rt_sigaction
	SVC
	MOVD	$172, R8	// getpid
	SVC
	MOVD	R0, R10
	MOVD	$178, R8	// gettid
	SVC
	MOVD	R0, R1
	MOVD	R10, R0
	MOVD	R9, R2
	MOVD	$131, R8	// tgkill
	SVC
	RET

TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	MOVD	$·handle(SB), R0
	MOVD	R0, ret+0(FP)
	RET
