// Package registry is the literal table of the modules that the agent serves.
package registry

import (
	"slices"

	"gorun/modules"
	"gorun/modules/foreign"
)

// All lists every module of the agent, by family.
var All = slices.Concat(filesFamily, packagingFamily, systemFamily, databaseFamily, moreFamily, notifyFamily)

// Lookup finds a module by its full name ("ansible.builtin.copy").
func Lookup(name string) *modules.Module { return byName[name] }

var byName = func() map[string]*modules.Module {
	t := make(map[string]*modules.Module, len(All))
	for _, m := range All {
		t[m.Spec.Name] = m
	}
	t[foreign.Name] = foreign.Module // no user's module: it is in no list
	return t
}()
