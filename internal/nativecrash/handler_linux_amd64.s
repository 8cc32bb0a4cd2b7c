#include "textflag.h"

// func handle(): called by the kernel with DI = signal, SI = siginfo, DX = ucontext.
TEXT ·handle(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ	168(DX), AX	// uc_mcontext.gregs[REG_RIP], where the signal was raised
	LEAQ	runtime·text(SB), CX
	CMPQ	AX, CX
	JB	native
	LEAQ	runtime·etext(SB), CX
	CMPQ	AX, CX
	JAE	native
	LEAQ	·goHandlers(SB), CX
	MOVQ	(CX)(DI*8), AX
	JMP	AX

native:	// the default action again, then the same signal again: it is blocked until this handler returns
	MOVQ	DI, R12	// callee-saved in C, but this handler does not return to C: sigreturn restores it
	MOVQ	$·byDefault(SB), SI
	XORQ	DX, DX
	MOVQ	$8, R10
	MOVQ	$13, AX	// rt_sigaction
	SYSCALL
	MOVQ	$39, AX	// getpid
	SYSCALL
	MOVQ	AX, R13
	MOVQ	$186, AX	// gettid
	SYSCALL
	MOVQ	R13, DI
	MOVQ	AX, SI
	MOVQ	R12, DX
	MOVQ	$234, AX	// tgkill
	SYSCALL
	RET

TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	MOVQ	$·handle(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
