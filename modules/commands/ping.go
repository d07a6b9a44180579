package commands

import (
	"context"

	"gorun/modules"
)

type pingArgs struct {
	Data string `arg:"data"`
}

// Ping is ansible.builtin.ping.
var Ping = modules.Define(modules.Spec{
	Name: "ansible.builtin.ping",
	Doc:  "Answer, to show that the target can be reached and runs modules.",
	Options: []modules.Option{
		{Name: "data", Default: "pong", Doc: "The answer; \"crash\" makes the module fail with an exception."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(_ context.Context, _ *modules.Run, a *pingArgs) (*modules.Result, error) {
	if a.Data == "crash" {
		panic("boom")
	}
	return &modules.Result{Data: map[string]any{"ping": a.Data}}, nil
})
