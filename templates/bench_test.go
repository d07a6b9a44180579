package templates

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// configTemplate is a configuration file of 200 lines.
var configTemplate = "# {{ name }}\n" + strings.Repeat("{% for s in servers %}\nserver {{ s.name }}:{{ s.port }} weight={{ s.weight | default(1) }}{% if s.backup %} backup{% endif %};\n{% endfor %}\nlisten {{ port }};\n", 10) +
	strings.Repeat("option_{{ name | lower }} = {{ value + 1 }} # {{ flags | join(', ') }}\n", 100)

// benchCases are the templates of `make bench-templates`, with their variables.
var benchCases = []struct {
	name, src string
	templates map[string]string
	vars      func() MapScope
}{
	{name: "conditional", src: "{% if a and b == 'x' %}yes{% else %}no{% endif %}", vars: func() MapScope { return vars("a", true, "b", "x") }},
	{name: "config", src: configTemplate, vars: configVars},
	{name: "table", src: "<table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>", vars: tableVars},
	{name: "macros", src: "{% macro a(x) %}[{{ x }}]{% endmacro %}{% macro b(x, y=2) %}{{ a(x) }}{{ a(y) }}{% endmacro %}{% macro c(x) %}{{ b(x) }}{{ b(x, 3) }}{% endmacro %}" +
		"{% for i in range(50) %}{{ c(i) }}{% endfor %}", vars: func() MapScope { return vars() }},
	{name: "inheritance", src: "{% extends 'mid' %}{% block body %}{{ super() }}{% for i in range(20) %}{{ i }},{% endfor %}{% endblock %}",
		templates: map[string]string{"base": "<{% block title %}{{ title }}{% endblock %}|{% block body %}base{% endblock %}>", "mid": "{% extends 'base' %}{% block body %}mid {{ super() }}{% endblock %}"},
		vars:      func() MapScope { return vars("title", "T") }},
	{name: "filters", src: "{{ items | selectattr('on') | map(attribute='name') | map('upper') | sort | unique | join(',') }}", vars: itemVars},
}

func configVars() MapScope {
	servers := []any{}
	for i := range 5 {
		servers = append(servers, map[string]any{"name": fmt.Sprint("srv", i), "port": 8000 + i, "backup": i%2 == 0})
	}
	return vars("name", "Nginx", "servers", servers, "port", 80, "value", 41, "flags", []string{"a", "b", "c"})
}

func tableVars() MapScope {
	rows := make([]any, 10000)
	for i := range rows {
		rows[i] = []any{i, fmt.Sprint("cell ", i), 1.5}
	}
	return vars("rows", rows)
}

func itemVars() MapScope {
	items := make([]any, 1000)
	for i := range items {
		items[i] = map[string]any{"name": fmt.Sprint("item", i%500), "on": i%3 != 0}
	}
	return vars("items", items)
}

func BenchmarkRender(b *testing.B) {
	for _, c := range benchCases {
		b.Run(c.name, func(b *testing.B) {
			o := Options{Load: func(name, _ string) (string, error) { return c.templates[name], nil }}
			tmpl, err := New(o).Compile(c.src, "")
			if err != nil {
				b.Fatal(err)
			}
			scope := c.vars()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tmpl.Render(context.Background(), scope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParallel(b *testing.B) {
	tmpl, err := New(Options{}).Compile(configTemplate, "")
	if err != nil {
		b.Fatal(err)
	}
	scope := configVars()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := tmpl.Render(context.Background(), scope); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkLazy(b *testing.B) {
	d := lazyDict("v10", "end")
	for i := range 10 {
		d.SetStr(fmt.Sprint("v", i), text(fmt.Sprintf("{{ v%d }}", i+1)))
	}
	tmpl, err := New(AnsibleOptions(Current)).Compile("{{ v0 }}", "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if v, err := tmpl.Eval(context.Background(), MapScope{d}); err != nil || v != Value(Str("end")) {
			b.Fatal(v, err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := New(Options{}).Compile(configTemplate, ""); err != nil {
			b.Fatal(err)
		}
	}
}
