package main

import (
	"strings"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/ui"
)

func newRun(t *terminal, p parts, cfg *settings) *cobra.Command {
	f := inferFlags{chat: true}
	var verbose bool
	c := &cobra.Command{
		Use:   "run MODEL [PROMPT...]",
		Short: "Chat with a model at the prompt",
		Long: `run chats: each line is answered, and the model is told what was said before. Without a daemon the tree of
processes is started once and stopped at the end. With a PROMPT, or when stdin is no terminal, it answers that one prompt.

  /bye, Ctrl-D    end            /clear          begin anew
  /system TEXT    what the model is told before all else
  """             begin and end a text of several lines
  Ctrl-C          cancel the answer, or the line; not the chat`,
		Example: `  rbee run demo
  rbee run --node mac tinyllama
  rbee run demo "hello world"`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("run needs a MODEL").hint("for instance rbee run demo, which is built in")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := cfg.pass(); err != nil {
				return err
			}
			f.model = args[0]
			request := func(prompt string) (api.GenerateRequest, error) { return f.request(c, t, cfg, prompt) }
			if len(args) > 1 || !ui.IsTerminal(t.stdin) {
				once := f
				once.chat = false
				i := newInference(t, p, cfg.env, once)
				prompt := strings.Join(args[1:], " ")
				return i.exit(i.run(promptSource{text: prompt, given: len(args) > 1}, request))
			}
			return newChat(t, p, cfg, f, verbose).run(request)
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completeModels(t, cfg)(c, args, word)
		},
	}
	fl := c.Flags()
	fl.SortFlags = false
	f.placeFlags(fl)
	_ = fl.MarkHidden("model") // it is the argument
	f.answerFlags(fl)
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "only the answers, and errors")
	fl.BoolVar(&verbose, "verbose", false, "say after each answer what it cost")
	f.treeFlags(fl)
	_ = c.RegisterFlagCompletionFunc("node", nodeList(p, cfg))
	return c
}
