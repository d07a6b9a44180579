package engine

// This file gives lookups and rendering to the command line.

import (
	"context"

	"gorun/engine/action"
	"gorun/engine/lookup"
	"gorun/templates"
)

// lookups are the lookup plugins of with_*.
func (r *Run) lookups() *lookup.Table {
	if r.o.Lookups != nil {
		return r.o.Lookups
	}
	o := lookup.Options{Redact: r.o.Secrets, ReadFile: r.o.ReadFile, Match: r.matchHosts, Warn: r.warn}
	if r.o.Plugins != nil {
		o.More, o.CollectionDirs = r.o.Plugins.Lookup, r.o.Plugins.finder.CollectionDirs
	}
	return lookup.New(o)
}

// matchHosts are the names of a pattern's hosts.
func (r *Run) matchHosts(pattern string) ([]string, error) {
	hosts, err := r.o.Inventory.Match(pattern, "")
	if err != nil {
		return nil, err
	}
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	return names, nil
}

// RenderFile renders a template file as the template action does.
func RenderFile(ctx context.Context, e *templates.Engine, path string, readFile func(string) ([]byte, error), s templates.Scope) (string, error) {
	return action.Render{Engine: e, ReadFile: readFile, Path: path, Shown: path}.File(ctx, s)
}

// Globals are the functions lookup, query and q for [templates.Options.Globals].
func Globals(o lookup.Options) map[string]templates.Value { return lookup.New(o).Globals() }
