package templates

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorun/internal/needs"
)

// corpusVersion is the Jinja2 that the corpus must be recorded with.
const corpusVersion = "python3-jinja2 3.1."

// minCorpus is the least number of cases that the corpus has.
const minCorpus = 1500

// TestCorpus runs the cases of testdata/jinja that Jinja2 answered. With
// GORUN_REQUIRE=jinja2 Jinja2 is asked again, live.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../testdata/jinja/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus: ", err)
	}
	total := 0
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			header, rest, _ := bytes.Cut(b, []byte("\n"))
			if !bytes.Contains(header, []byte(corpusVersion)) {
				t.Fatalf("%s is not recorded with %s*: %s", path, corpusVersion, header)
			}
			for line := range bytes.Lines(rest) {
				c := readCase(t, line)
				if c.diverges != "" {
					continue
				}
				total++
				t.Run(c.name, func(t *testing.T) { c.check(t) })
			}
			if needs.Required("jinja2") {
				checkLive(t, rest)
			}
		})
	}
	if total < minCorpus && !strings.Contains(flagRun(), "/") {
		t.Errorf("the corpus has %d cases, want %d at least", total, minCorpus)
	}
}

// flagRun is the pattern of -run.
func flagRun() string {
	for _, a := range os.Args {
		if s, ok := strings.CutPrefix(a, "-test.run="); ok {
			return s
		}
	}
	return ""
}

// markupChanged are the templates that markupsafe 3, which the corpus is
// recorded with, answers otherwise than 2: replace of Markup no longer escapes
// what it looks for.
var markupChanged = map[string]bool{"{{ ('x<y'|e)|replace('<', '>') }}": true, "{{ ('<b>'|safe)|replace('<', '>') }}": true}

// checkLive asks the Jinja2 that is installed and compares its answers with
// the recorded ones.
func checkLive(t *testing.T, lines []byte) {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "../testdata/jinja/record.py", "--live")
	cmd.Stdin = bytes.NewReader(lines)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3-jinja2 is required and does not run: %v\n%s", err, stderr.String())
	}
	answers := bufio.NewScanner(bytes.NewReader(out))
	answers.Buffer(nil, 1<<22)
	answers.Scan()
	oldMarkup := strings.Contains(answers.Text(), `"markupsafe": "2.`)
	for line := range bytes.Lines(lines) {
		if !answers.Scan() {
			t.Fatal("Jinja2 gave too few answers")
		}
		c, live := readCase(t, line), readCase(t, answers.Bytes())
		if oldMarkup && markupChanged[c.template] {
			continue
		}
		if live.output != c.output || live.kind != c.kind || live.message != c.message {
			t.Errorf("%s: Jinja2 now answers %s, recorded is %q %s %q", c.name, answers.Bytes(), c.output, c.kind, c.message)
		}
	}
}
