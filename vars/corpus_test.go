package vars_test

// This file compares inventories with what Ansible made of them. Each
// testdata/inventory/*.txtar holds a source, or several, and what
// ansible-inventory and ansible-playbook --list-hosts of the version below
// printed. "go test ./vars -run Corpus -update" records them anew; with
// GORUN_REQUIRE=ansible the test runs Ansible and fails where it differs.

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gorun/internal/needs"
	"gorun/templates"
	"gorun/vars"
	"gorun/vars/inventory"
	"gorun/vars/pyyaml"
)

const ansibleVersion = "ansible-core 2.14.18"

var update = flag.Bool("update", false, "record what Ansible prints")

func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../testdata/inventory/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := readArchive(file)
			if err != nil {
				t.Fatal(err)
			}
			c := newCorpusCase(t, ar)
			if *update || needs.Required("ansible") {
				got := c.ansible(t)
				if *update {
					c.record(t, file, got)
				} else if diff := firstDiff(unordered(c.want), unordered(got)); diff != "" {
					t.Fatalf("Ansible has drifted from the record: %s", diff)
				}
			}
			if diff := firstDiff(c.want, c.gorun(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A corpusCase is one inventory with its questions.
type corpusCase struct {
	dir      string
	sources  []string
	patterns []string // "PATTERN" or "PATTERN | LIMIT"
	want     map[string]string
	ar       *archive
}

// newCorpusCase unpacks a case into a folder of its own.
func newCorpusCase(t *testing.T, ar *archive) *corpusCase {
	c := &corpusCase{dir: t.TempDir(), sources: []string{"hosts"}, want: map[string]string{}, ar: ar}
	for _, f := range ar.files {
		lines := strings.Split(strings.TrimSpace(string(f.data)), "\n")
		switch {
		case f.name == "sources":
			c.sources = lines
			continue
		case f.name == "patterns":
			c.patterns = lines
			continue
		case strings.HasPrefix(f.name, "want/"):
			c.want[strings.TrimPrefix(f.name, "want/")] = string(f.data)
			continue
		}
		path := filepath.Join(c.dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(f.data, []byte("#!")) {
			mode = 0o755
		}
		if err := os.WriteFile(path, f.data, mode); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// unordered sorts the hosts of intersections, which Ansible takes from a set
// where a generator made them.
func unordered(answers map[string]string) map[string]string {
	out := maps.Clone(answers)
	lines := strings.Split(out["hosts"], "\n")
	for i, line := range lines {
		if pattern, hosts, ok := strings.Cut(line, " => "); ok && strings.Contains(pattern, ":&") {
			names := strings.Fields(hosts)
			slices.Sort(names)
			lines[i] = pattern + " => " + strings.Join(names, " ")
		}
	}
	out["hosts"] = strings.Join(lines, "\n")
	return out
}

func firstDiff(want, got map[string]string) string {
	for _, name := range []string{"warnings", "export", "list", "graph", "hosts"} {
		w, g := want[name], got[name]
		if name == "warnings" {
			w, g = comparable(w), comparable(g)
		}
		if w != g {
			return name + ":\n--- want\n" + w + "--- got\n" + g
		}
	}
	return ""
}

var (
	place       = regexp.MustCompile(`(plugin: )DIR/[^ ]*:\d+: `)
	parserWords = regexp.MustCompile(`(with (?:yaml|auto) plugin: )(?:We were unable to read|DIR/\S+:\d+:\d+: ).*|` +
		`(with script plugin: failed to parse executable inventory script results from [^ ]*).*|` +
		`(plugin: )(?:DIR/\S+:\d+: )?(?:invalid literal for int|host range must be begin).*`)
	// Ansible says some messages twice in one line.
	twice         = regexp.MustCompile(`(parameters are mutually exclusive[^.]*?) \. parameters .*`)
	configPlugins = regexp.MustCompile(`(?m)^\* Failed to parse \S+ with (?:constructed|generator) plugin: (?:'Ansible|We were|DIR/\S+ is empty|DIR/|Incorrect plugin name in file: none).*\n`)
)

// comparable drops from warnings what is meant to differ: we tell the place
// of more errors, and the YAML and JSON parsers have words of their own.
func comparable(warnings string) string {
	warnings = configPlugins.ReplaceAllString(warnings, "")
	warnings = parserWords.ReplaceAllString(warnings, "$1$2$3")
	warnings = place.ReplaceAllString(warnings, "$1")
	return twice.ReplaceAllString(warnings, "$1")
}

var blanks = regexp.MustCompile(`\s+`)

// ansible asks the real tools.
func (c *corpusCase) ansible(t *testing.T) map[string]string {
	var args []string
	for _, s := range c.sources {
		args = append(args, "-i", s)
	}
	got := map[string]string{}
	run := func(tool string, more ...string) (string, string) {
		cmd := exec.Command(tool, append(args[:len(args):len(args)], more...)...)
		cmd.Dir = c.dir
		cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_INVENTORY_ENABLED=host_list,script,auto,yaml,ini,toml,constructed,generator", "COLUMNS=1000000")
		var out, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &stderr
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return strings.ReplaceAll(out.String(), c.dir, "DIR"), strings.ReplaceAll(stderr.String(), c.dir, "DIR")
	}
	got["export"], got["warnings"] = run("ansible-inventory", "--list", "--export")
	got["list"], _ = run("ansible-inventory", "--list")
	got["graph"], _ = run("ansible-inventory", "--graph", "--vars")
	got["warnings"] = normalWarnings(got["warnings"])
	var hosts strings.Builder
	for _, p := range c.patterns {
		pattern, limit, ok := strings.Cut(p, " | ")
		more := []string{pattern, "--list-hosts"}
		if ok {
			more = append(more, "--limit", limit)
		}
		out, stderr := run("ansible", more...)
		hosts.WriteString(p + " => " + hostList(out, stderr) + "\n")
	}
	got["hosts"] = hosts.String()
	for name, text := range got {
		if text == "" || name == "warnings" && text == "\n" {
			delete(got, name)
		}
	}
	return got
}

// normalWarnings drops line breaks and colours, and what a record must not hold.
func normalWarnings(stderr string) string {
	var kept []string
	for _, w := range strings.Split(stderr, "[WARNING]: ") {
		if w = strings.TrimSpace(blanks.ReplaceAllString(w, " ")); w != "" {
			kept = append(kept, w)
		}
	}
	slices.Sort(kept)
	if len(kept) == 0 {
		return ""
	}
	return strings.Join(kept, "\n") + "\n"
}

// hostList is the names that --list-hosts printed, or the error.
func hostList(out, stderr string) string {
	if _, msg, ok := strings.Cut(stderr, "ERROR! "); ok {
		return "ERROR " + strings.TrimSpace(blanks.ReplaceAllString(msg, " "))
	}
	var names []string
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, "    ") {
			names = append(names, strings.TrimSpace(line))
		}
	}
	return strings.Join(names, " ")
}

// gorun asks ours.
func (c *corpusCase) gorun(t *testing.T) map[string]string {
	t.Chdir(c.dir)
	var warnings []string
	parse := func(data []byte, file string) (templates.Value, error) {
		return pyyaml.Parse(data, file, pyyaml.Options{Trusted: true})
	}
	inv, err := inventory.Load(c.sources, inventory.Options{
		ParseYAML: parse, Era: templates.Era214, FileVars: vars.FileVars(loadYAML),
		Warn:           func(msg string) { warnings = append(warnings, msg) },
		EnabledPlugins: []string{"host_list", "script", "auto", "yaml", "ini", "toml", "constructed", "generator"},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := vars.New(vars.Options{
		Inventory: inv, InventoryDirs: inv.VarsDirs(), InjectFacts: true, Era: templates.Era214,
		LoadVars: loadYAML,
	})
	got := map[string]string{"warnings": strings.ReplaceAll(joinWarnings(warnings), c.dir, "DIR")}
	list, err := m.Exporter(true, true).List()
	got["export"] = jsonText(t, list, err, c.dir)
	list, err = m.Exporter(false, true).List()
	got["list"] = jsonText(t, list, err, c.dir)
	graph, err := m.Exporter(false, true).Graph("", true)
	if err != nil {
		t.Fatal(err)
	}
	got["graph"] = strings.ReplaceAll(graph, c.dir, "DIR") + "\n"
	var hosts strings.Builder
	for _, p := range c.patterns {
		pattern, limit, _ := strings.Cut(p, " | ")
		found, err := inv.Match(pattern, limit)
		hosts.WriteString(p + " => ")
		for i, h := range found {
			if i > 0 {
				hosts.WriteByte(' ')
			}
			hosts.WriteString(h.Name)
		}
		if err != nil {
			hosts.WriteString("ERROR " + err.Error())
		} else if limit != "" && len(found) == 0 {
			hosts.WriteString("ERROR Specified inventory, host pattern and/or --limit leaves us with no hosts to target.")
		}
		hosts.WriteByte('\n')
	}
	got["hosts"] = hosts.String()
	if len(c.patterns) == 0 {
		delete(got, "hosts")
	}
	return got
}

func joinWarnings(list []string) string {
	var kept []string
	for _, w := range list {
		kept = append(kept, strings.TrimSpace(blanks.ReplaceAllString(w, " ")))
	}
	slices.Sort(kept)
	if len(kept) == 0 {
		return ""
	}
	return strings.Join(kept, "\n") + "\n"
}

func jsonText(t *testing.T, v templates.Value, err error, dir string) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	out, err := inventory.JSON(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), dir, "DIR") + "\n"
}

// record writes what Ansible printed into the case's file.
func (c *corpusCase) record(t *testing.T, file string, got map[string]string) {
	kept := slices.DeleteFunc(c.ar.files, func(f archiveFile) bool { return strings.HasPrefix(f.name, "want/") })
	for _, name := range []string{"warnings", "export", "list", "graph", "hosts"} {
		if text := got[name]; text != "" {
			kept = append(kept, archiveFile{name: "want/" + name, data: []byte(text)})
		}
	}
	c.ar.files, c.want = kept, got
	c.ar.comment = "Recorded with " + ansibleVersion + ".\n" + strings.TrimPrefix(c.ar.comment, "Recorded with "+ansibleVersion+".\n")
	if err := os.WriteFile(file, c.ar.format(), 0o644); err != nil {
		t.Fatal(err)
	}
}
