// Command late stands where one of rbee's programs is looked for. It does nothing for RBEE_LATE_TIME, and then becomes
// the program RBEE_LATE_THEN: a process that has been started and is not there yet, held open for a test to strike.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

func main() {
	d, err := time.ParseDuration(os.Getenv("RBEE_LATE_TIME"))
	if err == nil {
		time.Sleep(d)
		err = syscall.Exec(os.Getenv("RBEE_LATE_THEN"), os.Args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "late:", err)
	os.Exit(1)
}
