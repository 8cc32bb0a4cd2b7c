// Audit looks, from outside and after the tests, for what they left behind.
//
//	audit -mark FILE                            remember this moment
//	audit -since FILE -own DIR [-grace D] DIR...  fail if anything is left
//
// Left is: a living process that carries RBEE_RUN_ID, began after the mark, and has its TMPDIR in -own or none at
// all (so that somebody else's run on the same machine is not blamed); a socket or a *.db, *.partial or *.tmp file
// below one of the folders. Processes have the grace, two seconds, to go.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rbee/internal/testkit"
)

func main() {
	mark := flag.String("mark", "", "write the present moment to this `file`")
	since := flag.String("since", "", "look for processes that began after the moment in this `file`")
	own := flag.String("own", "", "the `folder` that is TMPDIR for what is audited")
	grace := flag.Duration("grace", 2*time.Second, "how long a process may take to go")
	flag.Parse()

	var err error
	var left []string
	switch {
	case *mark != "":
		err = remember(*mark)
	case *since != "" && *own != "":
		left, err = look(*since, *own, *grace, flag.Args())
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "audit:", err)
		os.Exit(1)
	}
	for _, l := range left {
		fmt.Fprintln(os.Stderr, "audit: left behind:", l)
	}
	if len(left) > 0 {
		os.Exit(1)
	}
	if *since != "" {
		fmt.Println("audit: no process, socket or temporary file is left")
	}
}

func remember(file string) error {
	now, err := testkit.Now()
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(strconv.FormatUint(now, 10)), 0o600)
}

func look(since, own string, grace time.Duration, folders []string) ([]string, error) {
	b, err := os.ReadFile(since)
	if err != nil {
		return nil, err
	}
	moment, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s holds no moment: %w", since, err)
	}
	ours := testkit.Below(own)
	alive, err := testkit.WaitGone(grace, func(p testkit.Process) bool {
		return p.Start >= moment && (p.TempDir == "" || ours(p))
	})
	if err != nil {
		return nil, err
	}
	var left []string
	for _, p := range alive {
		left = append(left, p.String())
	}
	for _, folder := range folders {
		files, err := testkit.Leftovers(folder, ".git")
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			left = append(left, filepath.Join(folder, f))
		}
	}
	return left, nil
}
