// Package testkit looks at a run from outside, as an auditor would: it reads the kernel's own records and trusts
// nothing the programs say of themselves. It shares no code with what it audits.
//
// Every process of a run carries RBEE_RUN_ID and RBEE_LIFE in its environment, so [Processes] finds it wherever
// it went; [WaitGone] waits for its end by the kernel's word (a pidfd), not by looking again and again;
// [Listeners] and [Files] say what it offers and what it left.
//
// What needs /proc works on Linux only; elsewhere it fails with errors.ErrUnsupported.
package testkit
