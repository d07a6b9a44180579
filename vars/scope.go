package vars

// This file looks names up.

import (
	"fmt"
	"slices"
	"sort"

	"gorun/templates"
)

// A Scope is a [templates.Scope] of one host and task. It is safe for
// concurrent use as long as nobody changes the layers of its query.
type Scope struct {
	m *Manager
	q Query
	// st and chain are the host's; nil without a host.
	st    *hostState
	chain *hostChain
	// locals are found first; outer are those of the scope that With was called on.
	locals *templates.Dict
	outer  *Scope
	// late gives the variable lateName, found behind the locals, when it is asked for.
	late     func() (templates.Value, bool)
	lateName string
	// last is asked for what no layer has; nil: no one.
	last func(name string) (templates.Value, bool)
	// depth counts vars within vars, against loops.
	depth int
	// foreign is a host as hostvars shows it, asked for from another scope.
	foreign bool
}

// Scope returns the scope of a query. It costs nothing that grows with the number of variables.
func (m *Manager) Scope(q Query) *Scope {
	byKind := func(a, b Layer) int { return int(a.Kind) - int(b.Kind) }
	if !slices.IsSortedFunc(q.Layers, byKind) {
		q.Layers = slices.Clone(q.Layers)
		slices.SortStableFunc(q.Layers, byKind)
	}
	s := &Scope{m: m, q: q}
	if q.Host != "" {
		s.st = m.state(q.Host)
		s.chain = m.chainOf(s.st)
		m.loadFacts(s.st)
	}
	return s
}

// With returns a scope that finds locals first (loop variables).
func (s *Scope) With(locals *templates.Dict) *Scope {
	inner := *s
	inner.locals = locals
	if s.locals != nil {
		inner.outer = s
	}
	return &inner
}

// WithLate returns a scope in which a variable is what get gives when it is
// asked for: a value that is not there yet. Locals that are added hide it;
// where get has none the variable is what it is in s.
func (s *Scope) WithLate(name string, get func() (templates.Value, bool)) *Scope {
	inner := *s
	inner.late, inner.lateName = get, name
	return &inner
}

// WithLast returns a scope that asks get for what no layer has.
func (s *Scope) WithLast(get func(name string) (templates.Value, bool)) *Scope {
	inner := *s
	inner.last = get
	return &inner
}

// WithoutLast undoes WithLast.
func (s *Scope) WithoutLast() *Scope {
	if s.last == nil {
		return s
	}
	return s.WithLast(nil)
}

// Lookup implements templates.Scope.
func (s *Scope) Lookup(name string) (templates.Value, bool, error) {
	var found templates.Value
	s.walk(name, func(_ Layer, v templates.Value) bool {
		if found == nil {
			found = v
			_, isDict := v.(*templates.Dict)
			return isDict && s.m.o.MergeHashes
		}
		merged := merge(v, found)
		if _, isDict := v.(*templates.Dict); !isDict {
			return false
		}
		found = merged
		return true
	})
	if found != nil {
		return found, true, nil
	}
	if s.chain != nil && s.chain.err != nil {
		return nil, false, s.chain.err
	}
	if s.last != nil {
		if v, ok := s.last(name); ok {
			return v, true, nil
		}
	}
	return nil, false, nil
}

// Origin tells which layer gave a name.
func (s *Scope) Origin(name string) (Layer, bool) {
	var origin Layer
	found := false
	s.walk(name, func(l Layer, _ templates.Value) bool {
		origin, found = l, true
		return false
	})
	return origin, found
}

// Origins returns every layer that gives a name, the one that wins first.
func (s *Scope) Origins(name string) []Layer {
	var origins []Layer
	s.walk(name, func(l Layer, v templates.Value) bool {
		if l.Dict == nil {
			l.Dict = templates.NewDict(1)
			l.Dict.SetStr(name, v)
		}
		origins = append(origins, l)
		return true
	})
	return origins
}

// walk calls yield with every layer that has name, highest first, until it
// returns false.
func (s *Scope) walk(name string, yield func(Layer, templates.Value) bool) {
	for in := s; in != nil; in = in.outer {
		if in.locals == nil {
			break
		}
		if v, ok := in.locals.GetStr(name); ok && !yield(Layer{Locals, "loop", in.locals}, v) {
			return
		}
	}
	if s.late != nil && name == s.lateName {
		if v, ok := s.late(); ok && !yield(Layer{Kind: Locals, Source: "loop"}, v) {
			return
		}
	}
	rest, more := layersDown(s.q.Layers, Locals, name, yield)
	if !more {
		return
	}
	if v, ok := s.magic(name); ok && !yield(Layer{Kind: Magic, Source: "magic"}, v) {
		return
	}
	if v, ok := s.m.o.Extra.GetStr(name); ok && !yield(Layer{ExtraVars, "extra vars", s.m.o.Extra}, v) {
		return
	}
	if rest, more = layersDown(rest, SetFacts+1, name, yield); !more {
		return
	}
	if s.st == nil {
		layersDown(rest, CommandLine, name, yield)
		return
	}
	if !s.walkLearned(name, yield, &rest) || !s.walkFacts(name, yield) || !s.walkInventory(name, yield) {
		return
	}
	layersDown(rest, CommandLine, name, yield)
}

// layersDown yields from the layers down to the kind lowest, and returns the
// rest; more is false where yield has enough.
func layersDown(layers []Layer, lowest Kind, name string, yield func(Layer, templates.Value) bool) (rest []Layer, more bool) {
	i := len(layers)
	for i > 0 && layers[i-1].Kind >= lowest {
		i--
		if l := layers[i]; l.Dict != nil {
			if v, ok := l.Dict.GetStr(name); ok && !yield(l, v) {
				return layers[:i], false
			}
		}
	}
	return layers[:i], true
}

// walkLearned yields what set_fact, register and include_vars gave, then the
// query's layers above facts.
func (s *Scope) walkLearned(name string, yield func(Layer, templates.Value) bool, rest *[]Layer) bool {
	v, ok := s.st.get(&s.st.setFacts, name)
	if ok && !yield(Layer{Kind: SetFacts, Source: "set_fact or register"}, v) {
		return false
	}
	var more bool
	if *rest, more = layersDown(*rest, SetFacts, name, yield); !more {
		return false
	}
	if v, ok = s.st.get(&s.st.included, name); ok {
		s.st.mu.RLock()
		source := s.st.includedFrom[name]
		s.st.mu.RUnlock()
		if !yield(Layer{Kind: IncludeVars, Source: source}, v) {
			return false
		}
	}
	*rest, more = layersDown(*rest, Facts, name, yield)
	return more
}

// get reads one of the dicts that change in place.
func (st *hostState) get(d **templates.Dict, name string) (templates.Value, bool) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if *d == nil {
		return nil, false
	}
	return (*d).GetStr(name)
}

func (s *Scope) walkFacts(name string, yield func(Layer, templates.Value) bool) bool {
	if name == "ansible_facts" {
		s.st.mu.RLock()
		facts := s.st.factsView()
		s.st.mu.RUnlock()
		return yield(Layer{Facts, "facts", facts}, facts)
	}
	if s.m.o.InjectFacts || name == "ansible_local" {
		if v, ok := s.st.get(&s.st.injected, name); ok {
			return yield(Layer{Kind: Facts, Source: "facts"}, v)
		}
	}
	return true
}

// walkInventory yields from host_vars, the inventory and group_vars.
func (s *Scope) walkInventory(name string, yield func(Layer, templates.Value) bool) bool {
	c := s.chain
	if _, more := layersDown(c.files, CommandLine, name, yield); !more {
		return false
	}
	if v, ok := s.hostMagic(name); ok && !yield(Layer{Kind: InventoryHostVars, Source: "magic"}, v) {
		return false
	}
	if v, ok := s.st.get(&s.st.added, name); ok && !yield(Layer{Kind: InventoryHostVars, Source: "add_host"}, v) {
		return false
	}
	if c.vars != nil {
		if v, ok := c.vars.GetStr(name); ok && !yield(Layer{InventoryHostVars, c.host.File, c.vars}, v) {
			return false
		}
	}
	_, more := layersDown(c.group.layers, CommandLine, name, yield)
	return more
}

// maxViews bounds how deep the variable vars may ask itself.
const maxViews = 50

// errLoop is the error of vars that ask each other for ever.
func errLoop(name string) error {
	return &templates.Error{
		Kind: templates.RecursionError,
		Msg:  fmt.Sprintf("recursive loop detected: vars refer to each other for ever, at '%s'", name),
	}
}

// Names returns all names that the scope can resolve, sorted (for varnames and hints).
func (s *Scope) Names() []string {
	set := map[string]bool{}
	add := func(d *templates.Dict) {
		if d == nil {
			return
		}
		for k := range d.All {
			if name, ok := k.(templates.Str); ok {
				set[string(name)] = true
			}
		}
	}
	for in := s; in != nil; in = in.outer {
		add(in.locals)
	}
	for _, l := range s.q.Layers {
		add(l.Dict)
	}
	add(s.m.o.Extra)
	s.addHostNames(add, set)
	for _, name := range magicNames {
		if _, ok := s.magic(name); ok {
			set[name] = true
		}
	}
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (s *Scope) addHostNames(add func(*templates.Dict), set map[string]bool) {
	if s.st == nil {
		return
	}
	s.st.mu.RLock()
	add(s.st.setFacts)
	add(s.st.included)
	add(s.st.added)
	if s.m.o.InjectFacts {
		add(s.st.injected)
	}
	s.st.mu.RUnlock()
	add(s.chain.vars)
	for _, l := range s.chain.files {
		add(l.Dict)
	}
	for _, l := range s.chain.group.layers {
		add(l.Dict)
	}
	set["ansible_facts"] = true
	for _, name := range hostMagicNames {
		if _, ok := s.hostMagic(name); ok {
			set[name] = true
		}
	}
}
