// Templates compares gorun's templates with Jinja2's, pongo2's and gonja's, all
// in one run: compiled once, rendered often, medians of five. Every engine's
// text is compared with Jinja2's.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/flosch/pongo2/v6"
	gonja "github.com/nikolalohinski/gonja/v2"
	gonjaconfig "github.com/nikolalohinski/gonja/v2/config"
	gonjaexec "github.com/nikolalohinski/gonja/v2/exec"
	gonjaloaders "github.com/nikolalohinski/gonja/v2/loaders"

	"gorun/templates"
)

//go:embed cases.json
var casesJSON []byte

//go:embed jinja.py
var jinjaPy string

type testCase struct {
	Name     string `json:"name"`
	Template string `json:"template"`
	Lazy     bool   `json:"lazy"`
}

// input is what jinja.py reads.
type input struct {
	Cases     []testCase        `json:"cases"`
	Templates map[string]string `json:"templates"`
	Vars      map[string]any    `json:"vars"`
}

func newInput() (*input, error) {
	in := &input{Templates: map[string]string{
		"base": "<{% block title %}{{ title }}{% endblock %}|{% block body %}base{% endblock %}>",
		"mid":  "{% extends 'base' %}{% block body %}mid {{ super() }}{% endblock %}",
	}}
	if err := json.Unmarshal(casesJSON, &in.Cases); err != nil {
		return nil, err
	}
	for i := range in.Cases {
		if in.Cases[i].Template == "CONFIG" {
			in.Cases[i].Template = configTemplate()
		}
	}
	in.Vars = variables()
	return in, nil
}

// configTemplate is a configuration file of 200 lines.
func configTemplate() string {
	return "# {{ name }}\n" + strings.Repeat("{% for s in servers %}server {{ s.name }}:{{ s.port }}{% if s.backup %} backup{% endif %};\n{% endfor %}listen {{ port }};\n", 16) +
		strings.Repeat("option_{{ name | lower }} = {{ value + 1 }} # {{ flags | join(', ') }}\n", 103)
}

func variables() map[string]any {
	servers, rows, items, numbers := make([]any, 5), make([]any, 10000), make([]any, 1000), make([]any, 50)
	for i := range servers {
		servers[i] = map[string]any{"name": fmt.Sprint("srv", i), "port": 8000 + i, "backup": i%2 == 0}
	}
	for i := range rows {
		rows[i] = []any{i, fmt.Sprint("cell ", i), "x"}
	}
	for i := range items {
		items[i] = map[string]any{"name": fmt.Sprint("item", i%500), "on": i%3 != 0}
	}
	for i := range numbers {
		numbers[i] = i
	}
	v := map[string]any{"a": true, "b": "x", "name": "Nginx", "servers": servers, "port": 80, "value": 41, "flags": []any{"a", "b", "c"},
		"rows": rows, "items": items, "numbers": numbers, "title": "T", "v10": "end"}
	for i := range 10 {
		v[fmt.Sprint("v", i)] = fmt.Sprintf("{{ v%d }}", i+1)
	}
	return v
}

// An engine compiles a case; nil and an error where it cannot.
type engine struct {
	name    string
	pace    int // of the garbage collector, as GOGC has it
	compile func(in *input, c testCase) (func() (string, error), error)
}

// gorunPace is the pace that gorun sets for itself while its heap is as small
// as here (cmd/gorun/gc.go), goPace Go's own.
const (
	gorunPace = 800
	goPace    = 100
)

var engines = []engine{
	{"gorun", gorunPace, gorun},
	{"gorun, GOGC=100", goPace, gorun},
	{"pongo2 v6", gorunPace, func(in *input, c testCase) (func() (string, error), error) {
		if c.Lazy {
			return nil, fmt.Errorf("has no lazy variables")
		}
		t, err := pongo2.NewSet("bench", pongoLoader(in.Templates)).FromString(c.Template)
		if err != nil {
			return nil, err
		}
		t.Options.TrimBlocks = false
		vars := variables()
		return func() (string, error) { return t.Execute(vars) }, nil
	}},
	{"gonja v2", gorunPace, func(in *input, c testCase) (func() (string, error), error) {
		if c.Lazy {
			return nil, fmt.Errorf("has no lazy variables")
		}
		files := maps.Clone(in.Templates)
		files["main"] = c.Template
		loader, err := gonjaloaders.NewMemoryLoader(withRoots(files))
		if err != nil {
			return nil, err
		}
		t, err := gonjaexec.NewTemplate("/main", gonjaconfig.New(), loader, gonja.DefaultEnvironment)
		if err != nil {
			return nil, err
		}
		ctx := gonjaexec.NewContext(variables())
		return func() (string, error) { return t.ExecuteToString(ctx) }, nil
	}},
}

// withRoots names files as gonja's loader looks for them.
func withRoots(files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		out["/"+name] = text
	}
	return out
}

func gorun(in *input, c testCase) (func() (string, error), error) {
	vars := variables()
	d := templates.NewDict(len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		v := vars[name]
		if text, ok := v.(string); ok && strings.Contains(text, "{{") {
			d.SetStr(name, &templates.Text{Src: text})
			continue
		}
		d.SetStr(name, templates.FromGo(v))
	}
	o := templates.Options{}
	if c.Lazy {
		o = templates.AnsibleOptions(templates.Current)
	}
	o.Load = func(name, _ string) (string, error) { return in.Templates[name], nil }
	t, err := templates.New(o).Compile(c.Template, "")
	if err != nil {
		return nil, err
	}
	scope := templates.MapScope{Mapping: d}
	return func() (string, error) { return t.Render(context.Background(), scope) }, nil
}

type answer struct {
	Version, Python string
	Results         []struct {
		NS   float64 `json:"ns"`
		Text string  `json:"text"`
	}
}

func jinja(in *input) (*answer, error) {
	data, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/usr/bin/python3", "-c", jinjaPy)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("timing Jinja2 with python3: %w", err)
	}
	var a answer
	return &a, json.Unmarshal(out, &a)
}

// cpuTime is what this process has used, garbage collection included.
func cpuTime() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// measure returns the nanoseconds of CPU of a render, which other processes of
// the machine change less than they do time: the median of five samples of as
// many renders as take 300 milliseconds, with no look at the clock between them.
func measure(run func() (string, error)) (float64, error) {
	many := func(n int) (time.Duration, error) {
		before, err := cpuTime()
		for i := 0; i < n && err == nil; i++ {
			_, err = run()
		}
		if err != nil {
			return 0, err
		}
		after, err := cpuTime()
		return after - before, err
	}
	n := 1
	for {
		took, err := many(n)
		if err != nil {
			return 0, err
		}
		if took > 200*time.Millisecond {
			n = max(1, int(float64(n)*0.3/took.Seconds()))
			break
		}
		n = max(n+1, int(float64(n)*min(100, 0.3/max(took.Seconds(), 1e-9))))
	}
	var samples []float64
	for range 5 {
		took, err := many(n)
		if err != nil {
			return 0, err
		}
		samples = append(samples, float64(took.Nanoseconds())/float64(n))
	}
	slices.Sort(samples)
	return samples[2], nil
}

// allocated returns what a render allocates: bytes, and pieces of memory.
func allocated(run func() (string, error)) (size, pieces uint64, err error) {
	const n = 500
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		if _, err := run(); err != nil {
			return 0, 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / n, (after.Mallocs - before.Mallocs) / n, nil
}

// sharing is how many goroutines share a template.
const sharing = 16

// shared compares the CPU of a render by many goroutines that share a template
// with that by one alone. Where they wait for each other or write to the same
// memory, it grows.
func shared(in *input, c testCase) (string, error) {
	run, err := gorun(in, c)
	if err != nil {
		return "", err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gorunPace))
	alone, err := measure(run)
	if err != nil {
		return "", err
	}
	together, err := measure(func() (string, error) {
		var wg sync.WaitGroup
		errs := make([]error, sharing)
		for i := range sharing {
			wg.Go(func() {
				for range 100 {
					if _, err := run(); err != nil {
						errs[i] = err
						return
					}
				}
			})
		}
		wg.Wait()
		return "", errors.Join(errs...)
	})
	return fmt.Sprintf("%s by %d goroutines that share the template: %.1f microseconds of CPU a render; by one: %.1f.\n", c.Name, sharing, together/sharing/100/1e3, alone/1e3), err
}

func main() {
	out := flag.String("out", "", "file for the results")
	flag.Parse()
	text, err := compare()
	if err == nil && *out != "" {
		err = os.WriteFile(*out, []byte(text), 0o644)
	}
	fmt.Print(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-templates:", err)
		os.Exit(1)
	}
}

func compare() (string, error) {
	in, err := newInput()
	if err != nil {
		return "", err
	}
	ref, err := jinja(in)
	if err != nil {
		return "", err
	}
	in.Vars = nil // each engine has its own, and no other's to collect
	var s strings.Builder
	fmt.Fprintf(&s, "# gorun's templates beside others\n\nWritten by `make bench-templates`, %s: %s, %d cores, Python %s, Jinja2 %s. Microseconds of CPU (garbage collection included) a render of a compiled template, medians of five; "+
		"in brackets how many times less than Jinja2. A text that differs from Jinja2's is marked. The engines in Go collect garbage at the pace that gorun sets for itself (GOGC=%d with a heap of this size), gorun once more at Go's own.\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.Version(), runtime.NumCPU(), ref.Python, ref.Version, gorunPace)
	s.WriteString("| case | Jinja2 |")
	for _, e := range engines {
		fmt.Fprintf(&s, " %s |", e.name)
	}
	fmt.Fprintf(&s, " gorun allocates |\n|---|--:|%s--:|\n", strings.Repeat("--:|", len(engines)))
	for i, c := range in.Cases {
		want := ref.Results[i]
		fmt.Fprintf(&s, "| %s | %.1f |", c.Name, want.NS/1e3)
		for _, e := range engines {
			fmt.Fprintf(&s, " %s |", cell(e, in, c, want.NS, want.Text))
		}
		run, err := gorun(in, c)
		if err != nil {
			return "", err
		}
		size, pieces, err := allocated(run)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&s, " %d bytes, %d times |\n", size, pieces)
	}
	s.WriteString("\n")
	for _, i := range []int{1, 3} {
		line, err := shared(in, in.Cases[i])
		if err != nil {
			return "", err
		}
		s.WriteString("- " + line)
	}
	return s.String(), nil
}

// cell measures one engine on one case.
func cell(e engine, in *input, c testCase, base float64, want string) string {
	run, err := e.compile(in, c)
	if err != nil {
		return "cannot"
	}
	got, err := run()
	if err != nil {
		return "cannot"
	}
	defer debug.SetGCPercent(debug.SetGCPercent(e.pace))
	runtime.GC()
	ns, err := measure(run)
	if err != nil {
		return "cannot"
	}
	mark := ""
	if got != want {
		mark = ", other text"
	}
	return fmt.Sprintf("%.1f (%.1fx%s)", ns/1e3, base/ns, mark)
}
