package templates

// This file parses the tag of jinja2.ext.i18n
// (https://jinja.palletsprojects.com/en/3.1.x/extensions/#i18n-extension), with
// the gettext of old that an environment has unless it asks for another.

import (
	"regexp"
	"strings"
)

// transSpace is the white space that trimmed makes one space of.
var transSpace = regexp.MustCompile(`\s*\n\s*`)

// parseTrans parses trans ... pluralize ... endtrans: a call of gettext,
// ngettext, pgettext or npgettext whose result is formatted with the variables.
func (p *parser) parseTrans(n node) stmt {
	var context, count expr
	if p.cur().kind == tokString {
		context = &constExpr{n, Str(p.next().text)}
	}
	vars := &dictExpr{node: n}
	known := map[string]expr{}
	trimmed, decided := false, false
	var assign stmt
	add := func(name string, x expr) {
		known[name] = x
		vars.keys, vars.vals = append(vars.keys, &constExpr{n, Str(name)}), append(vars.vals, x)
	}
	for p.cur().kind != tokBlockEnd {
		if len(known) > 0 {
			p.expect(",")
		}
		if p.skip(":") {
			break
		}
		at, name := p.pos(), p.expect(tokName).text
		if known[name] != nil {
			p.failAt(at, TemplateAssertError, "translatable variable %s defined twice.", Repr(Str(name), Current))
		}
		var x expr = &nameExpr{at, name}
		if p.skip("=") {
			x = p.expression(true)
		} else if !decided && (name == "trimmed" || name == "notrimmed") {
			trimmed, decided = name == "trimmed", true
			continue
		}
		if call, ok := x.(*callExpr); ok && count == nil { // called once, for both uses
			x = &nameExpr{at, "_trans"}
			assign = &setStmt{n, &nameExpr{at, "_trans"}, call}
		}
		if count == nil {
			count = x
		}
		add(name, x)
	}
	p.expect(tokBlockEnd)
	names, singular := p.transText(true)
	if len(names) > 0 && count == nil {
		count = &nameExpr{n, names[0]}
	}
	plural, hasPlural := "", p.skipName("pluralize")
	if hasPlural {
		if p.cur().kind != tokBlockEnd {
			at, name := p.pos(), p.expect(tokName).text
			if known[name] == nil {
				p.failAt(at, TemplateAssertError, "unknown variable %s for pluralization", Repr(Str(name), Current))
			}
			count = known[name]
		}
		p.expect(tokBlockEnd)
		var more []string
		more, plural = p.transText(false)
		names = append(names, more...)
	}
	p.i++ // endtrans
	for _, name := range names {
		if known[name] == nil {
			add(name, &nameExpr{n, name})
		}
	}
	if hasPlural && count == nil {
		p.failAt(n, TemplateSyntaxError, "pluralize without variables")
	}
	text := func(s string) expr {
		if trimmed {
			s = transSpace.ReplaceAllString(strings.TrimFunc(s, isSpace), " ")
		}
		if len(names) == 0 {
			s = strings.ReplaceAll(s, "%%", "%")
		}
		return &constExpr{n, Str(s)}
	}
	fn, args := "gettext", []expr{text(singular)}
	if context != nil {
		fn, args = "p"+fn, append([]expr{context}, args...)
	}
	if hasPlural {
		fn, args = "n"+fn, append(args, text(plural), count)
	}
	var out expr = &callExpr{node: n, fn: &nameExpr{n, fn}, callArgs: callArgs{args: args}}
	if len(vars.keys) > 0 {
		out = &binExpr{n, "%", out, vars}
	}
	shown := &outputStmt{n, []expr{out}}
	if assign == nil {
		return shown
	}
	return &ifStmt{node: n, tests: []expr{&constExpr{n, Bool(true)}}, bodies: [][]stmt{{assign, shown}}}
}

// transText parses a text up to pluralize or endtrans, which is the current
// token afterwards, and gives the names of its variables.
func (p *parser) transText(pluralize bool) (names []string, text string) {
	var b strings.Builder
	for {
		switch t := p.next(); t.kind {
		case tokData:
			b.WriteString(strings.ReplaceAll(t.text, "%", "%%"))
		case tokVariableBegin:
			name := p.expect(tokName).text
			names = append(names, name)
			b.WriteString("%(" + name + ")s")
			p.expect(tokVariableEnd)
		case tokBlockBegin:
			switch {
			case p.isName("endtrans"), pluralize && p.isName("pluralize"):
				return names, b.String()
			case p.isName("pluralize"):
				p.fail("a translatable section can have only one pluralize section")
			}
			p.fail("control structures in translatable sections are not allowed")
		default:
			p.fail("unclosed translation block")
		}
	}
}
