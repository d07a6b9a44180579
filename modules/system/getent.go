package system

// This file is the getent module.

import (
	"context"
	"strings"

	"gorun/modules"
)

type getentArgs struct {
	Database string  `arg:"database"`
	Key      string  `arg:"key"`
	Service  string  `arg:"service"`
	Split    *string `arg:"split"`
	FailKey  bool    `arg:"fail_key"`
}

// Getent is ansible.builtin.getent
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/getent_module.html).
var Getent = modules.Define(modules.Spec{
	Name: "ansible.builtin.getent",
	Doc:  "Reads entries of the name service (passwd, hosts, services...) as facts.",
	Diff: modules.NoSupport,
	Options: []modules.Option{
		{Name: "database", Required: true, Doc: "The database."},
		{Name: "key", Default: "", Doc: "The entry; not given, all of them."},
		{Name: "service", Doc: "The service to ask, rather than those of nsswitch.conf."},
		{Name: "split", Doc: "What separates the fields; not given, a colon or white space as the database has it."},
		{Name: "fail_key", Type: modules.Bool, Default: true, Doc: "Whether a missing key is a failure."},
	},
	Facts: true,
}, runGetent)

// colonDatabases have colons between their fields.
var colonDatabases = map[string]bool{"passwd": true, "shadow": true, "group": true, "gshadow": true}

func runGetent(ctx context.Context, m *modules.Run, a *getentArgs) (*modules.Result, error) {
	if _, err := m.RequireBin("getent"); err != nil {
		return nil, err
	}
	argv := []string{"getent"}
	if a.Service != "" {
		argv = append(argv, "-s", a.Service)
	}
	argv = append(argv, a.Database)
	if a.Key != "" {
		argv = append(argv, a.Key)
	}
	r, err := m.Command(ctx, modules.CommandOptions{}, argv...)
	if err != nil {
		return nil, err
	}
	entries := map[string]any{}
	answer := func(msg string) *modules.Result {
		return &modules.Result{Msg: msg, Data: map[string]any{"ansible_facts": map[string]any{"getent_" + a.Database: entries}}}
	}
	switch r.RC {
	case 0:
	case 1:
		return nil, modules.Failf("Missing arguments, or database unknown.")
	case 2:
		const missing = "One or more supplied key could not be found in the database."
		if a.FailKey {
			return nil, modules.Failf(missing)
		}
		entries[a.Key] = nil
		return answer(missing), nil
	case 3:
		return nil, modules.Failf("Enumeration not supported on this database.")
	default:
		return nil, modules.Failf("Unexpected failure!")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(r.Stdout) {
		f := splitEntry(strings.TrimRight(line, "\n"), a)
		if len(f) == 0 {
			continue
		}
		// Databases like services have one name several times: a list of lists then.
		if old, ok := entries[f[0]]; ok {
			if seen[f[0]] {
				entries[f[0]] = append(old.([]any), any(f[1:]))
			} else {
				entries[f[0]] = []any{old, f[1:]}
				seen[f[0]] = true
			}
			continue
		}
		entries[f[0]] = f[1:]
	}
	return answer(""), nil
}

func splitEntry(line string, a *getentArgs) []string {
	switch {
	case a.Split != nil && *a.Split != "":
		return strings.Split(line, *a.Split)
	case colonDatabases[a.Database]:
		return strings.Split(line, ":")
	}
	return strings.Fields(line)
}
