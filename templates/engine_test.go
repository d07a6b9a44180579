package templates

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

func vars(kv ...any) MapScope {
	d := NewDict(len(kv) / 2)
	for i := 0; i < len(kv); i += 2 {
		d.SetStr(kv[i].(string), FromGo(kv[i+1]))
	}
	return MapScope{d}
}

// text is a string as a vars file has it.
func text(s string) Value { return NewText(s, Pos{}) }

func lazyDict(kv ...any) *Dict {
	d := vars(kv...).Mapping.(*Dict)
	d.Lazy = true
	return d
}

func TestEra19(t *testing.T) {
	hosts := NewList(Str("10.0.0.1"), Str("10.0.0.11"))
	s := vars("groups", NewDict(0), "l", hosts, "d", lazyDict("a", 1, "b", true, "c", nil), "q", NewList(Str("it's"), Str("\u00e9")),
		"n", nil, "f", 0.1, "none", None)
	s.Mapping.(*Dict).vals[0].(*Dict).SetStr("lbs", hosts)
	e := New(AnsibleOptions(Era19))
	for src, want := range map[string]string{
		`x {{ groups.lbs }}`:                `x [u'10.0.0.1', u'10.0.0.11']`,
		`{{ l[0] }} y`:                      `10.0.0.1 y`,
		`{{ d }}!`:                          `{u'a': 1, u'b': True, u'c': None}!`,
		`{{ q }}!`:                          `[u"it's", u'\xe9']!`,
		`{{ f }} {{ 1.0 }} {{ 0.1 + 0.2 }}`: `0.1 1.0 0.3`,
	} {
		tmpl, err := e.Compile(src, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Eval(context.Background(), s)
		if err != nil || StrOf(got, Era19) != want {
			t.Errorf("%s: got %q, %v; want %q", src, got, err, want)
		}
	}
}

func TestCondition(t *testing.T) {
	s := vars("t", true, "i", 5, "s", "str", "n", nil, "l", []any{1, "a"}, "empty", "", "emptyl", []any{}, "boolstr", "True", "fstr", "False",
		"boolvar", text("{{ t }}"), "condvar", "i == 5", "condvar2", "i == 6", "inventory_hostname", "10.0.0.1", "lbs", []string{"10.0.0.11"})
	for _, c := range []struct {
		era  Era
		src  string
		want string
	}{
		// as ansible-playbook 2.14.18 decides
		{Era214, "true", "run"}, {Era214, "false", "skip"}, {Era214, "t", "run"}, {Era214, "i", "run"}, {Era214, "s", "run"}, {Era214, "n", "skip"},
		{Era214, "l", "run"}, {Era214, "empty", "skip"}, {Era214, "emptyl", "skip"}, {Era214, "'a'", "run"}, {Era214, "i == 5", "run"},
		{Era214, "nope", "'nope' is undefined"}, {Era214, "nope is defined", "skip"}, {Era214, "{{ t }}", "run"}, {Era214, "{{ i == 5 }}", "run"},
		{Era214, "{{ s }}", "'str' is undefined"}, {Era214, "{{ i }} == 5", "run"}, {Era214, "boolstr", "run"}, {Era214, "fstr", "run"},
		{Era214, "boolvar", "run"}, {Era214, "condvar", "run"}, {Era214, "condvar2", "run"}, {Era214, "not condvar2", "skip"},
		{Era214, "yes", "'yes' is undefined"}, {Era214, "[]", "skip"}, {Era214, "{}", "skip"}, {Era214, "0", "skip"}, {Era214, "1", "run"},
		{Era214, "''", "skip"}, {Era214, "None", "skip"}, {Era214, "{{ 'a' in l }}", "run"}, {Era214, "{{ nope }}", "'nope' is undefined"},
		{Era214, "", "run"},
		// as Ansible 1.9: text first, then an expression
		{Era19, `"{{ inventory_hostname }}" in "{{ lbs }}"`, "run"}, {Era19, `"{{ inventory_hostname }}" in lbs`, "skip"},
		{Era19, "condvar2", "skip"}, {Era19, "condvar", "run"}, {Era19, "fstr", "skip"},
		{Current, "i == 5", "run"}, {Current, "{{ i == 6 }}", "skip"},
	} {
		var warned []string
		o := AnsibleOptions(c.era)
		o.Warn = func(msg string) { warned = append(warned, msg) }
		o.Deprecate = func(_ Pos, msg, _ string) { warned = append(warned, msg) }
		ok, err := New(o).Condition(context.Background(), NewText(c.src, Pos{}), Pos{}, s)
		got := map[bool]string{true: "run", false: "skip"}[ok]
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("era %d: when: %s: got %s, want %s", c.era, c.src, got, c.want)
		}
		if braces := strings.Contains(c.src, "{{"); (len(warned) > 0) != (braces && c.era != Era19) {
			t.Errorf("era %d: when: %s: warnings %q", c.era, c.src, warned)
		}
	}
}

func TestLazy(t *testing.T) {
	s := vars("a", text("{{ b }}!"), "b", text("{{ c + 1 }}"), "c", 41,
		"d", lazyDict("good", text("{{ c }}"), "broken", text("{{ nope }}"), "list", &List{Elems: []Value{text("{{ b }}"), Str("{{ raw }}")}, Lazy: true}),
		"cyc", text("{{ cyc2 }}"), "cyc2", text("{{ cyc }}"), "raw", "{{ c }}")
	e := New(AnsibleOptions(Current))
	for src, want := range map[string]string{
		"{{ a }}": "'42!'", "{{ d.good }}": "41", "{{ d['list'] }}": "[42, '{{ raw }}']", "{{ d.list[0] }}": "42", "{{ raw }}": "'{{ c }}'",
		"{% for x in d.list %}{{ x }},{% endfor %}": "'42,{{ raw }},'", "{{ d.broken is defined }}": "False", "{{ d.broken | default('x') }}": "'x'",
		"{{ d }}": "error: 'nope' is undefined", "{{ d.keys() | list }}": "['good', 'broken', 'list']", "{{ d.get('good') }}": "41",
		"{{ cyc }}":      "error: recursive loop detected in template string: {{ cyc2 }} -> {{ cyc }} -> {{ cyc2 }}. maximum recursion depth exceeded",
		"{{ [d.good] }}": "[41]", "{{ {'x': d.list} }}": "{'x': [42, '{{ raw }}']}", "{{ d.list | join(',') }}": "'42,{{ raw }}'",
		"{{ 42 in d.list }}": "True", "{{ d.list + [1] }}": "[42, '{{ raw }}', 1]", "{{ d.list[0:1] }}": "[42]",
	} {
		tmpl, err := e.Compile(src, "")
		if err != nil {
			t.Fatal(err)
		}
		v, err := tmpl.Eval(context.Background(), s)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = Repr(v, Current)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
		if IsLazy(v) {
			t.Errorf("%s: the result is lazy", src)
		}
	}
	v, err := e.Resolve(context.Background(), lazyDict("x", text("{{ a }}")), s)
	if err != nil || Repr(v, Current) != "{'x': '42!'}" {
		t.Errorf("Resolve: got %v, %v", v, err)
	}
}

func TestErrorPlace(t *testing.T) {
	for src, want := range map[string][2]int{
		"a\n{{ nope.x }}": {2, 9}, "{{ 1 +": {1, 7}, "x\n  {% if %}": {2, 9}, "{{ a | slpit }}": {1, 8}, "{{ 'a' }}\n\n{{ 1 / 0 }}": {3, 4},
		"{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n{{ m() }}": {2, 4},
	} {
		tmpl, err := New(Options{Undefined: StrictUndefined}).Compile(src, "t.j2")
		if err == nil {
			_, err = tmpl.Render(context.Background(), nil)
		}
		var e *Error
		if !errors.As(err, &e) || e.Line != want[0] || e.Template != "t.j2" || e.Src == "" {
			t.Errorf("%q: got %+v, want line %v", src, e, want)
		}
	}
	_, err := New(Options{}).Compile("{{ a | slpit }}", "")
	if e := err.(*Error); e.Got != "slpit" || len(e.Known) < 50 {
		t.Errorf("an unknown filter: got %q of %d known", e.Got, len(e.Known))
	}
	pos := Pos{File: "group_vars/all.yml", Line: 3, Col: 5}
	e := New(AnsibleOptions(Current))
	tmpl, _ := e.Compile("{{ v }}", "")
	_, err = tmpl.Eval(context.Background(), vars("v", NewText("{{ nope }}", pos)))
	if got := err.(*Error); got.Pos != pos || got.Src != "{{ nope }}" {
		t.Errorf("an error in a variable: got %+v", got)
	}
}

func TestBounds(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	deep := strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000)
	for _, src := range []string{
		"{{ 'a' * 999999999999 }}", "{{ range(99999999) }}", "{{ 2 ** 999999999 }}", "{{ 'a'.ljust(99999999999) }}", "{{ '%999999999d' % 1 }}",
		"{{ '{:999999999}'.format(1) }}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ " + deep + " }}", "{{ " + strings.Repeat("not ", 5000) + "1 }}",
		"{{ " + strings.Repeat("-", 5000) + "1 }}", "{% set x = 'aaaaaaaa' %}{% for i in range(100) %}{% set x = x * 2 %}{% endfor %}" +
			"{% set n = namespace(x='aaaaaaaa') %}{% for i in range(100) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
		"{% set l = [1] %}{% set n = namespace(x=[1]) %}{% for i in range(100) %}{% set n.x = n.x + n.x %}{% endfor %}",
		"{{ [1]|batch(99999999999, 0)|list }}", "{{ 'x'|center(99999999999) }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}",
		strings.Repeat("{% if 1 %}", 5000), "{{ [" + strings.Repeat("[", 3000) + " }}", "{{ x" + strings.Repeat("|e", 3000) + " }}",
	} {
		tmpl, err := New(Options{MaxOutput: 1 << 24}).Compile(src, "")
		if err == nil {
			_, err = tmpl.Render(ctx, nil)
		}
		if err == nil {
			t.Errorf("%.60s: no error", src)
		} else if ctx.Err() != nil {
			t.Fatalf("%.60s: it took too long", src)
		}
	}
	cyclic, err := New(Options{}).Compile("{% set l = [1] %}{{ l.append(l) or '' }}{{ l }}", "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := cyclic.Render(ctx, nil); got != "[1, [...]]" {
		t.Errorf("a list that holds itself: got %q, %v", got, err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tmpl, err := New(Options{}).Compile("{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Render(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

func TestConcurrent(t *testing.T) {
	e := New(Options{})
	tmpl, err := e.Compile("{% macro m(x) %}<{{ x }}>{% endmacro %}{% set n = namespace(t=0) %}{% for i in l %}{% set n.t = n.t + i %}{{ m(i) }}{% endfor %}{{ n.t }}", "")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				got, err := tmpl.Render(context.Background(), vars("l", []any{1, 2, 3}))
				if err != nil || got != "<1><2><3>6" {
					t.Errorf("got %q, %v", got, err)
					return
				}
				if _, err := e.Compile("{{ 1 }}", "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestUnpack(t *testing.T) {
	probe := func(c *Call) (Value, error) {
		var v Value
		s, n, b := "dflt", 7, false
		var rest []Value
		if err := c.Unpack("probe", "value", &v, "sep?", &s, "n?", &n, "flag?", &b, "*rest", &rest); err != nil {
			return nil, err
		}
		return NewList(v, Str(s), Int(n), Bool(b), Int(len(rest))), nil
	}
	e := New(Options{Filters: map[string]Func{"probe": probe}, Undefined: StrictUndefined})
	for src, want := range map[string]string{
		"{{ 1|probe }}": "[1, 'dflt', 7, False, 0]", "{{ 1|probe('x', 2, true, 4, 5) }}": "[1, 'x', 2, True, 2]", "{{ 1|probe(n=3) }}": "[1, 'dflt', 3, False, 0]",
		"{{ 1|probe(zz=3) }}": "probe() got an unexpected keyword argument 'zz'", "{{ 1|probe('x', sep=3) }}": "probe() got multiple values for argument 'sep'",
		"{{ 1|probe(n='q') }}": "probe(): argument 'n' must be int, not str", "{{ nope|probe }}": "'nope' is undefined", "{{ 1|probe(nope) }}": "'nope' is undefined",
	} {
		tmpl, err := e.Compile(src, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Render(context.Background(), nil)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	for _, s := range []string{`{"b":1,"a":[1.5,"x\u00e9\n",null,true],"c":{}}`, `12345678901234567890`, `"\ud83d\ude00"`, `[]`, `1e+20`} {
		v, err := FromJSON([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := AppendJSON(nil, v); err != nil || string(b) != s {
			t.Errorf("%s: got %s, %v", s, b, err)
		}
		if back := FromGo(ToGo(v)); !Equal(back, v) {
			t.Errorf("%s: through Go it becomes %s", s, Repr(back, Current))
		}
	}
	for _, s := range []string{"", "{", "[1,]", "1 2", "{'a':1}", "NaN"} {
		if v, err := FromJSON([]byte(s)); err == nil {
			t.Errorf("%s: got %v", s, v)
		}
	}
	if _, err := AppendJSON(nil, NewUndefined(DefaultUndefined, "x")); err == nil {
		t.Error("undefined: no error")
	}
}

func TestDict(t *testing.T) {
	d := &Dict{}
	for i := range 100 {
		if err := d.Set(Int(i), Int(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 90 {
		if !d.Delete(Float(i)) {
			t.Errorf("%d was not there", i)
		}
	}
	if d.Len() != 10 || Repr(NewList(d.Keys()...), Current) != "[90, 91, 92, 93, 94, 95, 96, 97, 98, 99]" {
		t.Errorf("got %s", Repr(d, Current))
	}
	if v, ok, _ := d.Get(Float(95)); !ok || v != Value(Int(95)) {
		t.Errorf("95: got %v, %v", v, ok)
	}
	if d.Set(NewList(), None) == nil {
		t.Error("a list as a key: no error")
	}
	if !Equal(Float(math.Inf(1)), Float(math.Inf(1))) || Equal(Float(math.NaN()), Float(math.NaN())) {
		t.Error("infinity and NaN")
	}
}

// TestShared compares values that are shared at every level, which have more
// parts than there is time for.
func TestShared(t *testing.T) {
	const grow = "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}"
	for src, want := range map[string]string{
		grow + "{{ ns.a == ns.b }}":                         "True",
		grow + "{{ ns.a < ns.b }}":                          "False",
		grow + "{{ [ns.a, 1] == [ns.b, 2] }}":               "False",
		grow + "{{ {'x': [ns.a]} == {'x': [ns.b]} }}":       "True",
		grow + "{{ ns.a in [ns.b] }}{{ ns.a != [ns.a] }}":   "TrueTrue",
		grow + "{{ [ns.a]|select('eq', ns.b)|list|count }}": "1",
	} {
		tmpl, err := New(Options{}).Compile(src, "")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tmpl.Render(context.Background(), nil); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", src, got, err, want)
		}
	}
}

type late struct{}

func (late) Error() string { return "too long" }
func (late) Timeout() bool { return true }

// TestTimeoutOfFilter checks that a filter that ends itself for lack of time
// makes an error of the template.
func TestTimeoutOfFilter(t *testing.T) {
	e := New(Options{Filters: map[string]Func{"slow": func(*Call) (Value, error) { panic(late{}) }}})
	tmpl, err := e.Compile("{{ 1 | slow }}", "t.j2")
	if err != nil {
		t.Fatal(err)
	}
	_, err = tmpl.Render(context.Background(), nil)
	if !isKind(err, "TimeoutError") || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}
