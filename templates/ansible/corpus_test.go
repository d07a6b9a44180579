package ansible

import (
	"bufio"
	"bytes"
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorun/internal/needs"
	"gorun/templates"
)

const (
	corpus = "../../testdata/jinja/ansible"
	// corpusVersion is the Ansible that the corpus must be recorded with.
	corpusVersion = "ansible-core 2.14."
	// minCorpus is the least number of cases that the corpus has.
	minCorpus = 5000
)

// A corpusCase is a line of the corpus.
type corpusCase struct {
	name, template, diverges string
	want                     *templates.Dict // output and type, or error and message
}

func readCase(t *testing.T, line []byte) corpusCase {
	t.Helper()
	v, err := templates.FromJSON(line)
	if err != nil {
		t.Fatal(err)
	}
	d := v.(*templates.Dict)
	take := func(key string) string {
		v, ok := d.GetStr(key)
		d.Delete(templates.Str(key))
		if !ok {
			return ""
		}
		return text(v)
	}
	return corpusCase{name: take("test"), template: take("template"), diverges: take("diverges"), want: d}
}

func newEngine(era templates.Era) *templates.Engine {
	return templates.New(templates.Options{
		Era: era, Undefined: templates.AnsibleUndefined, Finalize: templates.NoneAsEmpty, TrimBlocks: true, KeepTrailingNewline: true, Unroll: true,
		Filters: Filters(Options{}), Tests: Tests(Options{}), AcceptsUndefined: AcceptsUndefined(), NameError: NameError(era),
	})
}

// answer gives what the corpus would record of our own answer.
func answer(e *templates.Engine, src string) *templates.Dict {
	out := templates.NewDict(2)
	var v value
	t, err := e.Compile(src, "")
	if err == nil {
		v, err = t.Eval(context.Background(), templates.MapScope{Mapping: templates.NewDict(0)})
	}
	if err != nil {
		kind := "Error"
		if te, ok := err.(*templates.Error); ok {
			kind = te.Kind
		}
		out.SetStr("error", str(kind))
		out.SetStr("message", str(err.Error()))
		return out
	}
	out.SetStr("output", plain(v))
	out.SetStr("type", str(v.Type()))
	return out
}

// plain makes JSON of a result as the recorder does.
func plain(v value) value {
	switch v := v.(type) {
	case *templates.Dict:
		d := templates.NewDict(v.Len())
		for k, e := range v.All {
			d.SetStr(text(k), plain(e))
		}
		return d
	case *templates.List, templates.Tuple:
		elems := slices.Clone(elemsOf(v))
		for i := range elems {
			elems[i] = plain(elems[i])
		}
		return list(elems)
	case templates.Float:
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return v
		}
	case templates.NoneType, templates.Bool, templates.Int, *templates.BigInt:
		return v
	}
	return str(text(v))
}

// TestCorpus runs the cases that Ansible's Templar answered. With
// GORUN_REQUIRE=ansible Ansible is asked again, live.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob(corpus + "/*s_*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus: ", err)
	}
	e := newEngine(templates.Era214)
	total := 0
	dir, err := filepath.Abs(corpus)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("/")
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".jsonl"), func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, filepath.Base(path)))
			if err != nil {
				t.Fatal(err)
			}
			header, rest, _ := bytes.Cut(b, []byte("\n"))
			if !bytes.Contains(header, []byte(corpusVersion)) {
				t.Fatalf("%s is not recorded with %s*: %s", path, corpusVersion, header)
			}
			for line := range bytes.Lines(rest) {
				c := readCase(t, line)
				total++
				if c.diverges != "" {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					if got := answer(e, c.template); !templates.Equal(got, c.want) || repr(got) != repr(c.want) {
						t.Errorf("%s\n got %s\nwant %s", c.template, jsonText(got), jsonText(c.want))
					}
				})
			}
			if needs.Required("ansible") {
				checkLive(t, dir, rest)
			}
		})
	}
	if total < minCorpus && !strings.Contains(strings.Join(os.Args, " "), "-test.run=") {
		t.Errorf("the corpus has %d cases, want %d at least", total, minCorpus)
	}
}

// checkLive asks the Ansible that is installed and compares its answers with
// the recorded ones.
func checkLive(t *testing.T, dir string, lines []byte) {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", filepath.Dir(dir)+"/record_ansible.py", "--live")
	cmd.Stdin = bytes.NewReader(lines)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ansible-core is required and does not run: %v\n%s", err, stderr.String())
	}
	answers := bufio.NewScanner(bytes.NewReader(out))
	answers.Buffer(nil, 1<<22)
	answers.Scan() // the header
	for line := range bytes.Lines(lines) {
		if !answers.Scan() {
			t.Fatal("Ansible gave too few answers")
		}
		c, live := readCase(t, line), readCase(t, answers.Bytes())
		if !templates.Equal(live.want, c.want) && !sameSet(live.want, c.want) {
			t.Errorf("%s: Ansible now answers %s, recorded is %s", c.template, jsonText(live.want), jsonText(c.want))
		}
	}
}

// sameSet reports whether two answers are texts of the same set: Python writes
// its elements in an order of its own each time.
func sameSet(a, b templates.Value) bool {
	elements := func(v templates.Value) []string {
		d, ok := v.(*templates.Dict)
		if !ok {
			return nil
		}
		kind, _ := d.GetStr("type")
		text, _ := d.GetStr("output")
		if kind == nil || text == nil || !templates.Equal(kind, templates.Str("set")) {
			return nil
		}
		words := strings.Split(strings.Trim(templates.StrOf(text, templates.Current), "{}"), ", ")
		slices.Sort(words)
		return words
	}
	x, y := elements(a), elements(b)
	return x != nil && slices.Equal(x, y)
}
