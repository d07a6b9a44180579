package templates

// This file parses the tag of jinja2.ext.i18n
// (https://jinja.palletsprojects.com/en/3.1.x/extensions/#i18n-extension) for
// both styles of gettext, and makes the functions that it calls.

import (
	"regexp"
	"strings"
)

// Settings of the extension, as they stand among those of the parser.
const (
	newstyleGettext = "newstyle gettext"
	trimByDefault   = "trimmed"
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
	trimmed, decided := p.exts[trimByDefault], false
	var assign stmt
	countName := ""
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
			count, countName = x, name
		}
		add(name, x)
	}
	p.expect(tokBlockEnd)
	names, singular := p.transText(true)
	if len(names) > 0 && count == nil {
		count, countName = &nameExpr{n, names[0]}, names[0]
	}
	plural, hasPlural := "", p.skipName("pluralize")
	if hasPlural {
		if p.cur().kind != tokBlockEnd {
			at, name := p.pos(), p.expect(tokName).text
			if known[name] == nil {
				p.failAt(at, TemplateAssertError, "unknown variable %s for pluralization", Repr(Str(name), Current))
			}
			count, countName = known[name], name
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
		if len(names) == 0 && !p.exts[newstyleGettext] {
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
	call := &callExpr{node: n, fn: &nameExpr{n, fn}, callArgs: callArgs{args: args}}
	var out expr = call
	if p.exts[newstyleGettext] { // the function formats
		for i, k := range vars.keys {
			name := string(k.(*constExpr).val.(Str))
			if hasPlural && name == "num" && countName == "num" {
				continue // it takes that from the count
			}
			call.kwNames, call.kwargs = append(call.kwNames, name), append(call.kwargs, vars.vals[i])
		}
	} else {
		out = &safeExpr{n, call}
		if len(vars.keys) > 0 {
			out = &binExpr{n, "%", out, vars}
		}
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

// A gettextFunc is what the functions of gettext are called with: the context,
// nil where there is none, the texts for one and for many (the same where there
// is no plural) and the count, nil where there is none.
type gettextFunc func(context Value, one, many, count Value) Value

// gettextFuncs returns gettext, ngettext, pgettext and npgettext, made of
// translate. newstyle ones format the translation with their keyword arguments.
func gettextFuncs(translate gettextFunc, newstyle bool) map[string]Value {
	funcs := map[string]Value{}
	for _, name := range []string{"gettext", "ngettext", "pgettext", "npgettext"} {
		hasContext, hasCount := strings.Contains(name, "pg"), name[0] == 'n'
		var params []string
		if hasContext {
			params = append(params, "context")
		}
		if params = append(params, "message"); hasCount {
			params = append(params, "plural", "n")
		}
		sig := signatureOf(name, 0, params...)
		funcs[name] = NewFunc(name, func(c *Call) (Value, error) {
			args := *c
			if newstyle {
				args.Kwargs = nil
			}
			bound := args.bind(&sig)
			a := bound[:]
			var context, count Value
			vars := NewDict(len(c.Kwargs) + 2)
			if hasContext {
				context, a = a[0], a[1:]
				vars.SetStr("context", context)
			}
			one, many := a[0], a[0]
			if hasCount {
				many, count = a[1], a[2]
				vars.SetStr("num", count)
			}
			text := translate(context, one, many, count)
			if !newstyle {
				return text, nil
			}
			for _, k := range c.Kwargs {
				vars.SetStr(k.Name, k.Value)
			}
			if c.State.Autoescape() {
				text = Markup(StrOf(text, c.State.Era()))
			}
			return c.State.run.mod(text, vars), nil
		})
	}
	return funcs
}

// gettextAlias is the global "_" that the extension brings: gettext of the
// template's variables.
func gettextAlias(c *Call) (Value, error) {
	f := c.State.t.frame()
	v := f.tc.resolve("gettext")
	if v == missing {
		v = NewUndefined(f.rt.e.opts.Undefined, "gettext")
	}
	return f.callValue(v, c.Args, c.Kwargs), nil
}
