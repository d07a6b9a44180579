package agent

import (
	"context"
	"errors"
	"testing"

	"gorun/modules"
	"gorun/modules/wire"
)

// TestBlockedModule cancels a module that hears nothing, as one that opens a FIFO.
func TestBlockedModule(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	started := make(chan struct{})
	mod := modules.Define(modules.Spec{Name: "ansible.builtin.block"}, func(context.Context, *modules.Run, *struct{}) (*modules.Result, error) {
		close(started)
		<-never
		return &modules.Result{}, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	_, err := Execute(ctx, func(string) *modules.Module { return mod }, &wire.RunMessage{Module: "ansible.builtin.block"}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
