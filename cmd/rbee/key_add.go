package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/keys"
)

// madeKey is what rbee key add --json writes.
type madeKey struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

func newKeyAdd(t *terminal, cfg *settings) *cobra.Command {
	var k keys.Key
	var expires string
	var asJSON bool
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a key, and show it this once",
		Long: `add makes a key and writes it to stdout. It is shown this once: what is kept is enough to know it again and not to
tell it. NAME is whose it is; requests of one key share one place in line.`,
		Example: `  rbee key add alice
  rbee key add batch --concurrent 2 --tokens-per-minute 20000 --weight 0.5 --expires 90d
  rbee key add web --models tinyllama,qwen`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("NAME is missing").hint("for instance rbee key add alice")
			case len(args) > 1:
				return usagef("%s takes one NAME, but got %q too", c.CommandPath(), args[1])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("models") && len(k.Models) == 0 { // a variable of a script that is not set, say
				return usagef("--models is empty, and a key without it may use every model").hint("name one at the least, or leave it out")
			}
			now := time.Now().UTC().Truncate(time.Second)
			k.Name, k.Created = args[0], now
			var err error
			if k.Expires, err = expiry(expires, now); err != nil {
				return err
			}
			secret := keys.New()
			k.Hash = keys.Hash(secret)
			if problem := k.Problem(); problem != "" {
				return usagef("%s", problem)
			}
			path, err := cfg.editKeys(func(s keys.Set) (keys.Set, error) { return s.Add(k) })
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.stdout).Encode(madeKey{k.Name, secret})
			}
			if _, err := fmt.Fprintln(t.stdout, secret); err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.stderr, "added %s to %s; the key is not shown again\n", k.Name, path)
			return err
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	fl := c.Flags()
	fl.SortFlags = false
	fl.StringSliceVar(&k.Models, "models", nil, "the only models it may name, as requests name them (default: all)")
	fl.IntVar(&k.Concurrent, "concurrent", 0, "requests at the same time (default: any number)")
	fl.IntVar(&k.TokensPerMinute, "tokens-per-minute", 0, "tokens of prompts and answers together (default: any number)")
	fl.Float64Var(&k.Weight, "weight", 1, "its share of a busy queen, against that of other keys")
	fl.StringVar(&expires, "expires", "", "when it ends: a time from now like 12h or 90d, or a day like 2027-01-31 (default: never)")
	fl.BoolVar(&asJSON, "json", false, "write one JSON object")
	return c
}

// expiry reads --expires.
func expiry(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	var at time.Time
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= 36500 {
			at = now.AddDate(0, 0, n)
		}
	} else if d, err := time.ParseDuration(s); err == nil {
		at = now.Add(d)
	} else if day, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		at = day.UTC()
	} else if moment, err := time.Parse(time.RFC3339, s); err == nil {
		at = moment.UTC()
	}
	if !at.After(now) || at.Year() > 9999 {
		return at, usagef("--expires is %q, allowed is a time to come: 12h, 90d, 2027-01-31 or 2027-01-31T12:00:00Z", s)
	}
	return at, nil
}
