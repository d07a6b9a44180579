package packaging

// This file is the package_facts module.

import (
	"context"
	"os"
	"slices"
	"strings"

	"gorun/modules"
)

type packageFactsArgs struct {
	Manager  []string `arg:"manager"`
	Strategy string   `arg:"strategy"`
}

// PackageFacts is ansible.builtin.package_facts
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/package_facts_module.html).
var PackageFacts = modules.Define(modules.Spec{
	Name:  "ansible.builtin.package_facts",
	Doc:   "Lists the installed packages as facts.",
	Facts: true,
	Diff:  modules.NoSupport,
	Options: []modules.Option{
		{Name: "manager", Type: modules.List, Elements: modules.Str, Default: []any{"auto"}, Doc: "The package managers to ask: auto, apt, rpm, apk, pacman."},
		{Name: "strategy", Default: "first", Choices: []string{"first", "all"}, Doc: "Ask the first one that is there, or all."},
	},
}, runPackageFacts)

// packageLister lists installed packages by name; ok is false where the
// manager is not on the host.
type packageLister func(ctx context.Context, m *modules.Run) (list map[string][]any, ok bool, err error)

var packageListers = []struct {
	name string
	list packageLister
}{{"rpm", listRPM}, {"apt", listApt}, {"pacman", listPacman}, {"apk", listApk}}

func runPackageFacts(ctx context.Context, m *modules.Run, a *packageFactsArgs) (*modules.Result, error) {
	packages := map[string][]any{}
	found := false
	known := []string{"auto"}
	for _, l := range packageListers {
		known = append(known, l.name)
		if !slices.Contains(a.Manager, "auto") && !slices.Contains(a.Manager, l.name) || found && a.Strategy == "first" {
			continue
		}
		list, ok, err := l.list(ctx, m)
		if err != nil {
			return nil, modules.Failf("cannot list the packages of %s: %w", l.name, err)
		}
		if !ok {
			if slices.Contains(a.Manager, l.name) {
				m.Warn("Requested package manager %s was not usable by this module: it is not on the host", l.name)
			}
			continue
		}
		found = true
		for name, versions := range list {
			packages[name] = append(packages[name], versions...)
		}
	}
	for _, name := range a.Manager {
		if !slices.Contains(known, name) {
			return nil, modules.Failf("Unsupported package managers requested: %s", name)
		}
	}
	if !found {
		return nil, modules.Failf("Could not detect a supported package manager from the following list: %s, or the required Python library is not installed. Check warnings for details.",
			"["+strings.Join(a.Manager, ", ")+"]")
	}
	return &modules.Result{Data: map[string]any{"ansible_facts": map[string]any{"packages": packages}}}, nil
}

// listApt reads dpkg's status; no process is needed.
func listApt(ctx context.Context, m *modules.Run) (map[string][]any, bool, error) {
	paths, err := findAptPaths(ctx, m)
	if err != nil {
		return nil, false, err
	}
	if _, err := os.Stat(paths.status); err != nil {
		return nil, false, nil
	}
	status, err := readDpkgStatus(paths.status)
	if err != nil {
		return nil, false, err
	}
	out := map[string][]any{}
	for name, list := range status {
		for _, p := range list {
			if !p.installed() {
				continue
			}
			category := p.section
			out[name] = append(out[name], map[string]any{
				"name": name, "version": p.version, "arch": p.arch, "category": category, "origin": p.origin, "source": "apt",
			})
		}
	}
	return out, true, nil
}

// tableOf runs a program and splits its lines at tabs.
func tableOf(ctx context.Context, m *modules.Run, argv ...string) ([][]string, bool, error) {
	if m.BinPath(argv[0]) == "" {
		return nil, false, nil
	}
	r, err := m.Command(ctx, modules.CommandOptions{}, argv...)
	if err != nil || r.RC != 0 {
		return nil, false, err
	}
	var out [][]string
	for line := range strings.Lines(r.Stdout) {
		out = append(out, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	return out, true, nil
}

func listRPM(ctx context.Context, m *modules.Run) (map[string][]any, bool, error) {
	rows, ok, err := tableOf(ctx, m, "rpm", "-qa", "--qf", `%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n`)
	if len(rows) == 0 {
		return nil, false, err // rpm as a tool on another system
	}
	out := map[string][]any{}
	for _, f := range rows {
		if len(f) != 5 {
			continue
		}
		var epoch any
		if f[3] != "(none)" {
			epoch = f[3]
		}
		out[f[0]] = append(out[f[0]], map[string]any{"name": f[0], "version": f[1], "release": f[2], "epoch": epoch, "arch": f[4], "source": "rpm"})
	}
	return out, ok, err
}

func listPacman(ctx context.Context, m *modules.Run) (map[string][]any, bool, error) {
	rows, ok, err := tableOf(ctx, m, "pacman", "-Q")
	out := map[string][]any{}
	for _, f := range rows {
		if name, version, two := strings.Cut(f[0], " "); two {
			out[name] = append(out[name], map[string]any{"name": name, "version": version, "source": "pacman"})
		}
	}
	return out, ok, err
}

func listApk(ctx context.Context, m *modules.Run) (map[string][]any, bool, error) {
	rows, ok, err := tableOf(ctx, m, "apk", "info", "-v")
	out := map[string][]any{}
	for _, f := range rows {
		// name-version-rN: the last two dashes separate.
		words := strings.Split(f[0], "-")
		if len(words) < 3 {
			continue
		}
		name := strings.Join(words[:len(words)-2], "-")
		out[name] = append(out[name], map[string]any{"name": name, "version": strings.Join(words[len(words)-2:], "-"), "source": "apk"})
	}
	return out, ok, err
}
