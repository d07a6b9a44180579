package posix

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
)

type alternativesArgs struct {
	Name        string            `arg:"name"`
	Path        string            `arg:"path"`
	Family      string            `arg:"family"`
	Link        string            `arg:"link"`
	Priority    *int              `arg:"priority"`
	State       string            `arg:"state"`
	Subcommands []alternativeLink `arg:"subcommands"`
}

type alternativeLink struct {
	Name string `arg:"name"`
	Path string `arg:"path"`
	Link string `arg:"link"`
}

// Alternatives is community.general.alternatives.
var Alternatives = modules.Define(modules.Spec{
	Name: "community.general.alternatives",
	Doc:  "Choose among programs of one purpose, by update-alternatives.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The generic name."},
		{Name: "path", Type: modules.Path, Doc: "The program to install or choose."},
		{Name: "family", Doc: "The family of the alternative to choose, which Red Hat's and its relatives' programs know."},
		{Name: "link", Type: modules.Path, Doc: "The link that stands for the generic name."},
		{Name: "priority", Type: modules.Int, Doc: "The priority in automatic mode."},
		{Name: "state", Default: "selected", Choices: []string{"present", "selected", "absent", "auto"},
			Doc: "Whether the alternative is to be installed, chosen, left to automatic choice, or removed."},
		{Name: "subcommands", Type: modules.List, Elements: modules.Dict, Aliases: []string{"slaves"}, Doc: "Links that go with it.",
			Options: []modules.Option{
				{Name: "name", Required: true, Doc: "The generic name."},
				{Name: "path", Type: modules.Path, Required: true, Doc: "The file."},
				{Name: "link", Type: modules.Path, Required: true, Doc: "The link."},
			}},
	},
	Rules: modules.Rules{RequiredOneOf: [][]string{{"path", "family"}}},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *alternativesArgs) (*modules.Result, error) {
	r := &alternativesRun{tool: tool{ctx, m}, a: a, priorities: map[string]int{}}
	return r.run()
})

type alternativesRun struct {
	tool
	a             *alternativesArgs
	mode, current string
	link          string
	priorities    map[string]int
	families      map[string]string
	slaves        map[string]alternativeLink // of the path, by name
	links         map[string]string          // of all slaves, by name
	messages      []string
	before, after map[string]any
}

// read asks what there is.
func (r *alternativesRun) read() error {
	r.slaves, r.links, r.families = map[string]alternativeLink{}, map[string]string{}, map[string]string{}
	res, err := r.tool.run("update-alternatives", "--query", r.a.Name)
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return r.readDisplay()
	}
	block, inSlaves := "", false
	for line := range strings.Lines(res.Stdout) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ":")
		value = strings.TrimSpace(value)
		if strings.HasPrefix(line, " ") {
			f := strings.Fields(line)
			switch {
			case !inSlaves || len(f) != 2:
			case block == "":
				r.links[f[0]] = f[1]
			case block == r.a.Path:
				r.slaves[f[0]] = alternativeLink{Name: f[0], Path: f[1], Link: r.links[f[0]]}
			}
			continue
		}
		inSlaves = key == "Slaves"
		switch key {
		case "Link":
			r.link = value
		case "Status":
			r.mode = value
		case "Value":
			r.current = value
		case "Alternative":
			block = value
		case "Priority":
			r.priorities[block], _ = strconv.Atoi(value)
		}
	}
	return nil
}

func (r *alternativesRun) run() (*modules.Result, error) {
	a := r.a
	if err := r.read(); err != nil {
		return nil, err
	}
	_, installed := r.priorities[a.Path]
	r.before, r.after = r.state(installed), map[string]any{}
	if a.State == "absent" {
		if installed && a.Path != "" {
			r.messages = append(r.messages, fmt.Sprintf("Remove alternative '%s' from '%s'.", a.Path, a.Name))
			r.after = map[string]any{"state": "absent"}
			if err := r.change("update-alternatives", "--remove", a.Name, a.Path); err != nil {
				return nil, err
			}
		}
		return r.result(), nil
	}
	if a.Path != "" && r.needsInstall(installed) {
		if err := r.install(); err != nil {
			return nil, err
		}
	}
	switch {
	case a.State == "selected" && !r.selected():
		what := a.Path
		if what == "" {
			what = a.Family
		}
		r.messages = append(r.messages, fmt.Sprintf("Set alternative '%s' for '%s'.", what, a.Name))
		r.after["state"] = "selected"
		if err := r.change("update-alternatives", "--set", a.Name, what); err != nil {
			return nil, err
		}
	case a.State == "auto" && r.mode == "manual":
		r.messages = append(r.messages, fmt.Sprintf("Set alternative to auto for '%s'.", a.Name))
		r.after["state"] = "present"
		if err := r.change("update-alternatives", "--auto", a.Name); err != nil {
			return nil, err
		}
	}
	return r.result(), nil
}

// state is what there is of the path, for the difference.
func (r *alternativesRun) state(installed bool) map[string]any {
	if r.mode == "" {
		return map[string]any{} // nobody knows the name
	}
	if !installed {
		return map[string]any{"state": "absent"}
	}
	out := map[string]any{"state": "present", "path": r.a.Path, "priority": r.priorities[r.a.Path], "link": textOrNil(r.link)}
	if list := linkList(slices.SortedFunc(maps.Values(r.slaves), func(a, b alternativeLink) int { return strings.Compare(a.Name, b.Name) })); len(list) > 0 {
		out["subcommands"] = list
	}
	return out
}

// selected reports whether the alternative is the current one.
func (r *alternativesRun) selected() bool {
	if r.a.Path != "" && r.current == r.a.Path {
		return true
	}
	return r.a.Family != "" && r.families[r.current] == r.a.Family
}

// textOrNil is a text, or nil where there is none.
func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func linkList(links []alternativeLink) []any {
	var out []any
	for _, l := range links {
		out = append(out, map[string]any{"name": l.Name, "path": l.Path, "link": textOrNil(l.Link)})
	}
	return out
}

func (r *alternativesRun) needsInstall(installed bool) bool {
	a := r.a
	if !installed || a.Priority != nil && r.priorities[a.Path] != *a.Priority {
		return true
	}
	if a.Subcommands == nil {
		return false
	}
	for _, s := range a.Subcommands {
		if r.slaves[s.Name] != s {
			return true
		}
	}
	return len(a.Subcommands) != len(r.slaves)
}

func (r *alternativesRun) install() error {
	a := r.a
	if _, err := os.Stat(a.Path); err != nil {
		return modules.Failf("Specified path %s does not exist", a.Path)
	}
	link := a.Link
	if link == "" {
		if link = r.link; link == "" {
			return modules.Failf("Needed to install the alternative, but unable to do so as we are missing the link")
		}
	}
	if !filepath.IsAbs(link) {
		return modules.Failf("link %s must be an absolute path", link)
	}
	priority := 50
	if have, ok := r.priorities[a.Path]; ok {
		priority = have
	}
	if a.Priority != nil {
		priority = *a.Priority
	}
	args := []string{"--install", link, a.Name, a.Path, strconv.Itoa(priority)}
	if a.Family != "" {
		args = append(args, "--family", a.Family)
	}
	for _, s := range a.Subcommands {
		args = append(args, "--slave", s.Link, s.Name, s.Path)
	}
	r.messages = append(r.messages, fmt.Sprintf("Install alternative '%s' for '%s'.", a.Path, a.Name))
	r.after = map[string]any{"state": "present", "path": a.Path, "priority": priority, "link": link}
	r.after["family"] = textOrNil(a.Family)
	if list := linkList(a.Subcommands); len(list) > 0 {
		r.after["subcommands"] = list
	} else if list := r.before["subcommands"]; list != nil && a.Subcommands == nil {
		r.after["subcommands"] = list
	}
	return r.change("update-alternatives", args...)
}

func (r *alternativesRun) result() *modules.Result {
	res := &modules.Result{Changed: len(r.messages) > 0, Data: map[string]any{"msg": strings.Join(r.messages, " ")}}
	if r.m.Diff {
		res.Diff = []modules.Diff{{Before: r.before, After: r.after}}
	}
	return res
}

var (
	displayMode   = regexp.MustCompile(`(?m)\s-\s(?:status\sis\s)?(\w*)(?:\smode|.)$`)
	displayNow    = regexp.MustCompile(`(?m)^\s*link currently points to (.*)$`)
	displayLink   = regexp.MustCompile(`(?m)^\s*link \w+ is (.*)$`)
	displaySlave  = regexp.MustCompile(`^\s+(?:slave|follower) (\S+) is (.*)$`)
	displayChoice = regexp.MustCompile(`^(/.*)\s-\s(?:family\s(\S+)\s)?priority\s(\d+)`)
	displayFollow = regexp.MustCompile(`^\s+(?:slave|follower) (.*): (.*)$`)
)

// readDisplay asks a program that has no --query: the one of Red Hat and its relatives.
func (r *alternativesRun) readDisplay() error {
	res, err := r.tool.run("update-alternatives", "--display", r.a.Name)
	if err != nil || res.RC != 0 {
		return err
	}
	first := func(re *regexp.Regexp) string {
		if f := re.FindStringSubmatch(res.Stdout); f != nil {
			return f[1]
		}
		return ""
	}
	if r.mode = first(displayMode); r.mode == "" {
		return nil
	}
	r.current, r.link = first(displayNow), first(displayLink)
	for _, s := range r.a.Subcommands { // where the program does not tell their links
		r.links[s.Name] = s.Link
	}
	block := ""
	for _, line := range modules.SplitLines(res.Stdout) {
		if f := displaySlave.FindStringSubmatch(line); f != nil {
			r.links[f[1]] = f[2]
		} else if f := displayChoice.FindStringSubmatch(line); f != nil {
			block = f[1]
			r.families[block] = f[2]
			r.priorities[block], _ = strconv.Atoi(f[3])
		} else if f := displayFollow.FindStringSubmatch(line); f != nil && block == r.a.Path && f[2] != "(null)" {
			r.slaves[f[1]] = alternativeLink{Name: f[1], Path: f[2], Link: r.links[f[1]]}
		}
	}
	return nil
}
