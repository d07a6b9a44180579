package templates

import (
	"bufio"
	"context"
	"os"
	"strings"
	"testing"
)

// conformanceFile holds cases recorded from Jinja2's own tests; it lies beside
// the repository where the project is measured.
const conformanceFile = "../../shared/conformance/jinja2.jsonl"

func TestConformance(t *testing.T) {
	f, err := os.Open(conformanceFile)
	if err != nil {
		t.Skip("the conformance cases are not here: ", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		c := readCase(t, lines.Bytes())
		t.Run(c.name, func(t *testing.T) { c.check(t) })
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// renderCase is a line of a corpus.
type renderCase struct {
	name, template string
	context, env   Value
	output         string
	kind, message  string
	diverges       string // why gorun answers otherwise, and
	want           string // what it answers
}

func readCase(t *testing.T, line []byte) renderCase {
	t.Helper()
	v, err := FromJSON(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	d := v.(*Dict)
	text := func(key string) string {
		v, ok := d.GetStr(key)
		if !ok {
			return ""
		}
		return StrOf(v, Current)
	}
	c := renderCase{name: text("test"), template: text("template"), output: text("output"), kind: text("error"), message: text("message"),
		diverges: text("diverges"), want: text("want")}
	c.context, _ = d.GetStr("context")
	c.env, _ = d.GetStr("env")
	return c
}

func (c renderCase) render(t *testing.T) (string, error) {
	t.Helper()
	o, err := OptionsFromEnv(c.env)
	if err != nil {
		t.Fatal(err)
	}
	var s Scope
	if m, ok := c.context.(Mapping); ok {
		s = MapScope{m}
	}
	tmpl, err := New(o).Compile(c.template, "")
	if err != nil {
		return "", err
	}
	return tmpl.Render(context.Background(), s)
}

func (c renderCase) check(t *testing.T) {
	t.Helper()
	got, err := c.render(t)
	switch {
	case c.kind == "" && err != nil:
		t.Errorf("template %q, context %s:\n got error %s: %s\nwant %q", c.template, c.json(), kindOf(err), err, c.output)
	case c.kind == "" && got != c.output:
		t.Errorf("template %q, context %s:\n got %q\nwant %q", c.template, c.json(), got, c.output)
	case c.kind != "" && err == nil:
		t.Errorf("template %q, context %s:\n got %q\nwant error %s: %s", c.template, c.json(), got, c.kind, c.message)
	case c.kind != "" && (kindOf(err) != c.kind || err.Error() != c.message):
		t.Errorf("template %q, context %s:\n got error %s: %s\nwant error %s: %s", c.template, c.json(), kindOf(err), err, c.kind, c.message)
	}
}

func (c renderCase) json() string {
	if c.context == nil {
		return "{}"
	}
	b, _ := AppendJSON(nil, c.context)
	return strings.TrimSpace(string(b))
}

func kindOf(err error) string {
	if e, ok := err.(*Error); ok {
		return e.Kind
	}
	return "?"
}
