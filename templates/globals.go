package templates

// This file holds Jinja2's global functions
// (https://jinja.palletsprojects.com/en/3.1.x/templates/#list-of-global-functions).

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// maxRange is the most elements of a range, as in Jinja2's sandbox.
const maxRange = 100000

// debugName is the variable that the debug tag prints.
const debugName = "debug "

var globals map[string]Value

// gettextGlobal is the global "_" of the extension i18n.
var gettextGlobal Value

func init() { // set here because the functions call back into the engine
	globals = map[string]Value{
		"range":     &funcValue{name: "range", fn: globalRange, class: "type"},
		"dict":      &funcValue{name: "dict", fn: globalDict, class: "type"},
		"lipsum":    &funcValue{name: "generate_lorem_ipsum", fn: globalLipsum, class: "function"},
		"cycler":    &funcValue{name: "jinja2.utils.Cycler", fn: globalCycler, class: "type"},
		"joiner":    &funcValue{name: "jinja2.utils.Joiner", fn: globalJoiner, class: "type"},
		"namespace": &funcValue{name: "jinja2.utils.Namespace", fn: globalNamespace, class: "type"},
	}
	for _, v := range globals {
		v.(*funcValue).own = true
	}
	gettextGlobal = NewFunc("_gettext_alias", gettextAlias)
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-globals.range
func globalRange(c *Call) (Value, error) {
	if len(c.Kwargs) > 0 {
		throw(TypeError, "range() takes no keyword arguments")
	}
	n := len(c.Args)
	if n == 0 {
		throw(TypeError, "range expected at least 1 argument, got 0")
	}
	if n > 3 {
		throw(TypeError, "range expected at most 3 arguments, got %d", n)
	}
	var a [3]int64
	big := false
	for i, v := range c.Args {
		if _, ok := v.(*BigInt); ok {
			big = true
			continue
		}
		a[i] = int64(mustIndex(v))
	}
	if big {
		throw(OverflowError, "Python int too large to convert to C ssize_t")
	}
	r := rangeValue{0, a[0], 1}
	if n > 1 {
		r.start, r.stop = a[0], a[1]
	}
	if n > 2 {
		r.step = a[2]
	}
	if r.step == 0 {
		throw(ValueError, "range() arg 3 must not be zero")
	}
	if l := r.Len(); l > maxRange || l < 0 {
		throw(OverflowError, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
	}
	return r, nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-globals.dict
func globalDict(c *Call) (Value, error) {
	if len(c.Args) > 1 {
		throw(TypeError, "dict expected at most 1 argument, got %d", len(c.Args))
	}
	d := &Dict{}
	if len(c.Args) == 1 {
		if _, isMap := c.Args[0].(Mapping); !isMap {
			if _, ok := c.State.run.iterable(c.Args[0]); !ok {
				throw(TypeError, "'%s' object is not iterable", pyType(c.Args[0]))
			}
		}
		c.State.run.mergeInto(d, c.Args[0])
	}
	for _, k := range c.Kwargs {
		d.SetStr(k.Name, k.Value)
	}
	return d, nil
}

// namespace is what namespace() gives: attributes that {% set ns.x %} changes.
type namespace struct{ attrs *Dict }

// Type is Python's class name.
func (n *namespace) Type() string { return "Namespace" }

// Truth is always true.
func (n *namespace) Truth() bool { return true }

// Attr implements [Object].
func (n *namespace) Attr(name string) (Value, bool, error) {
	v, ok := n.attrs.GetStr(name)
	return v, ok, nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-globals.namespace
func globalNamespace(c *Call) (Value, error) {
	d, err := globalDict(c)
	if err != nil {
		return nil, err
	}
	return &namespace{d.(*Dict)}, nil
}

// cycler is what cycler() gives.
type cycler struct {
	items []Value
	i     int
}

// Type is Python's class name.
func (cy *cycler) Type() string { return "Cycler" }

// Truth is always true.
func (cy *cycler) Truth() bool { return true }

// Attr implements [Object].
func (cy *cycler) Attr(name string) (Value, bool, error) {
	switch name {
	case "current":
		return cy.items[cy.i], true, nil
	case "pos":
		return Int(cy.i), true, nil
	case "items":
		return Tuple(cy.items), true, nil
	case "next":
		return newMethod("next", func(*Call) (Value, error) {
			v := cy.items[cy.i]
			cy.i = (cy.i + 1) % len(cy.items)
			return v, nil
		}), true, nil
	case "reset":
		return newMethod("reset", func(*Call) (Value, error) {
			cy.i = 0
			return None, nil
		}), true, nil
	}
	return nil, false, nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-globals.cycler
func globalCycler(c *Call) (Value, error) {
	if len(c.Kwargs) > 0 {
		throw(TypeError, "Cycler.__init__() got an unexpected keyword argument '%s'", c.Kwargs[0].Name)
	}
	if len(c.Args) == 0 {
		return nil, &Error{Kind: RuntimeError, Msg: "at least one item has to be provided"}
	}
	return &cycler{items: c.Args}, nil
}

// joiner is what joiner() gives.
type joiner struct {
	sep  Value
	used bool
}

// Type is Python's class name.
func (j *joiner) Type() string { return "Joiner" }

// Truth is always true.
func (j *joiner) Truth() bool { return true }

// Attr implements [Object].
func (j *joiner) Attr(name string) (Value, bool, error) {
	switch name {
	case "sep":
		return j.sep, true, nil
	case "used":
		return Bool(j.used), true, nil
	}
	return nil, false, nil
}

// Call implements [Callable].
func (j *joiner) Call(*Call) (Value, error) {
	if !j.used {
		j.used = true
		return Str(""), nil
	}
	return j.sep, nil
}

var sigJoiner = signatureOf("Joiner.__init__", 1, "sep?")

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-globals.joiner
func globalJoiner(c *Call) (Value, error) {
	a := c.bind(&sigJoiner)
	if a[0] == nil {
		a[0] = Str(", ")
	}
	return &joiner{sep: a[0]}, nil
}

var sigLipsum = signatureOf("generate_lorem_ipsum", 0, "n?", "html?", "min?", "max?")

// lipsumWords are the words of the text that typographers fill pages with.
var lipsumWords = strings.Fields(`a ac accumsan ad adipiscing aenean aliquam aliquet amet ante aptent arcu at auctor augue bibendum blandit
class commodo condimentum congue consectetuer consequat conubia convallis cras cubilia cum curabitur curae cursus dapibus diam dictum
dictumst dignissim dis dolor donec dui duis egestas eget eleifend elementum elit enim erat eros est et etiam eu euismod facilisi facilisis
fames faucibus felis fermentum feugiat fringilla fusce gravida habitant habitasse hac hendrerit hymenaeos iaculis id imperdiet in inceptos
integer interdum ipsum justo lacinia lacus laoreet lectus leo libero ligula litora lobortis lorem luctus maecenas magna magnis malesuada
massa mattis mauris metus mi molestie mollis montes morbi mus nam nascetur natoque nec neque netus nibh nisi nisl non nonummy nostra nulla
nullam nunc odio orci ornare parturient pede pellentesque penatibus per pharetra phasellus placerat platea porta porttitor posuere potenti
praesent pretium primis proin pulvinar purus quam quis quisque rhoncus ridiculus risus rutrum sagittis sapien scelerisque sed sem semper
senectus sit sociis sociosqu sodales sollicitudin suscipit suspendisse taciti tellus tempor tempus tincidunt torquent tortor tristique
turpis ullamcorper ultrices ultricies urna ut varius vehicula vel velit venenatis vestibulum vitae vivamus viverra volutpat vulputate`)

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-globals.lipsum
func globalLipsum(c *Call) (Value, error) {
	a := c.bind(&sigLipsum)
	n, least, most := intArg(a[0], 5), intArg(a[2], 20), intArg(a[3], 100)
	html := a[1] == nil || truth(a[1])
	if most <= least {
		throw(ValueError, "empty range for randrange() (%d, %d, %d)", least, most, most-least)
	}
	c.State.run.bound(max(n, 0) * most * 8)
	var parts []string
	for range n {
		p := lipsumParagraph(least + rand.IntN(most-least))
		if html {
			p = "<p>" + p + "</p>"
		}
		parts = append(parts, p)
	}
	if html {
		return Markup(strings.Join(parts, "\n")), nil
	}
	return Str(strings.Join(parts, "\n\n")), nil
}

func lipsumParagraph(words int) string {
	var b strings.Builder
	capital, lastComma, lastStop, last := true, 0, 0, ""
	for i := range words {
		word := last
		for word == last {
			word = lipsumWords[rand.IntN(len(lipsumWords))]
		}
		last = word
		if capital {
			word, capital = capitalize(word), false
		}
		if i-(3+rand.IntN(5)) > lastComma {
			lastComma, lastStop = i, lastStop+2
			word += ","
		}
		if i-(10+rand.IntN(10)) > lastStop {
			lastComma, lastStop, capital = i, i, true
			word += "."
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return strings.TrimRight(b.String(), ",.") + "."
}

// debugFunc is what the debug tag prints.
func debugFunc(f *frame) Value {
	return newMethod("debug", func(c *Call) (Value, error) {
		e := f.rt.e
		vars := map[string]Value{}
		maps.Copy(vars, globals)
		maps.Copy(vars, e.opts.Globals)
		if s, ok := f.rt.scope.(interface{ Names() []string }); ok {
			for _, name := range s.Names() {
				vars[name] = f.rt.deep(f.rt.inScope(name))
			}
		}
		for _, x := range f.tc.vars.list {
			vars[x.name] = x.v
		}
		context := NewDict(len(vars))
		for name, v := range vars {
			if v != nil {
				context.SetStr(name, v)
			}
		}
		all := NewDict(3)
		all.SetStr("context", context)
		all.SetStr("filters", sortedList(e.filterNames()))
		all.SetStr("tests", sortedList(e.testNames()))
		p := pprinter{era: f.rt.era, levels: 3, compact: true}
		return Str(p.format(all, 0, 0, 0)), nil
	})
}

func sortedList(names []string) Value {
	slices.Sort(names)
	l := &List{}
	for _, s := range names {
		l.Elems = append(l.Elems, Str(s))
	}
	return l
}
