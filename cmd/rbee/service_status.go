package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/api"
)

func newServiceStatus(at func() (*service, error)) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Say whether a daemon runs, and how it is; exit code 3 if none does",
		Example: `  rbee queen status
  rbee queen status --json | jq .pid`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := at()
			if err != nil {
				return err
			}
			status, err := s.look(c.Context())
			switch {
			case err != nil:
				return err
			case status == nil && asJSON:
				status = &api.Status{State: "stopped", Socket: s.path, Listen: []string{}}
			case status == nil:
				if _, err := fmt.Fprintf(s.t.stdout, "no queen serves %s\n", s.path); err != nil {
					return err
				}
				return exitError{notRunning}
			}
			if asJSON {
				if err := json.NewEncoder(s.t.stdout).Encode(status); err != nil {
					return err
				}
				if status.State == "stopped" {
					return exitError{notRunning}
				}
				return nil
			}
			return writeStatus(s.t, status)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	return c
}

func writeStatus(t *terminal, q *api.Status) error {
	w := tabwriter.NewWriter(t.stdout, 0, 8, 3, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, cell(fmt.Sprintf(format, args...)))
	}
	line("state", "%s", q.State)
	line("pid", "%d", q.PID)
	line("up", "%v, since %s", time.Since(q.Started).Round(time.Second), q.Started.Local().Format("2006-01-02 15:04:05"))
	line("version", "%s", q.Version.Version)
	fmt.Fprintf(w, "socket\t%s\n", q.Socket)
	listen := strings.Join(q.Listen, ", ")
	if listen == "" {
		listen = "none"
	}
	fmt.Fprintf(w, "listen\t%s\n", listen)
	if q.Log != "" {
		fmt.Fprintf(w, "log\t%s\n", q.Log)
	}
	line("nodes", "%d", q.Nodes)
	line("workers", "%d", q.Workers)
	line("requests", "%d running, %d waiting", q.Running, q.Waiting)
	return w.Flush()
}
