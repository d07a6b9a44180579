package templates

// This file decides, before a template runs, what each name means: Jinja2
// resolves names by static scopes, and so a variable is a slot in a frame.

// A unit is a body that runs in a frame of its own: a template's root, a
// block, a macro, a call block, the body of a recursive loop.
type unit struct {
	parent *unit
	slots  int
	// captured says that something is defined in the unit that refers to its
	// frame, and may outlive it.
	captured bool
	resolved map[string]*ref // names that come from the context
}

func newUnit(parent *unit) *unit { return &unit{parent: parent, resolved: map[string]*ref{}} }

type loadKind int

const (
	loadParam   loadKind = iota // set by whoever enters the scope
	loadContext                 // looked up when it is first used
	loadMissing                 // undefined until it is assigned
	loadAlias                   // begins with the value of an outer scope
)

// A ref is a variable: a slot of a unit.
type ref struct {
	unit  *unit
	slot  int
	load  loadKind
	outer *ref // of a loadAlias
	// super marks the super of a block; used says that its value is needed,
	// as it is not where super() alone is called.
	super, used bool
}

// A scope maps names to variables.
type scope struct {
	parent *scope
	unit   *unit
	refs   map[string]*ref // visible now
	all    map[string]*ref // made by any branch
	stores map[string]bool
	order  []string // names in all, oldest first
}

func newScope(parent *scope, u *unit) *scope {
	return &scope{parent: parent, unit: u, refs: map[string]*ref{}, all: map[string]*ref{}, stores: map[string]bool{}}
}

func (s *scope) find(name string) *ref {
	for ; s != nil; s = s.parent {
		if r, ok := s.refs[name]; ok {
			return r
		}
	}
	return nil
}

func (s *scope) define(name string, load loadKind, outer *ref) *ref {
	r := s.all[name]
	if r == nil {
		r = &ref{unit: s.unit, slot: s.unit.slots}
		s.unit.slots++
		s.all[name] = r
		s.order = append(s.order, name)
	}
	r.load, r.outer = load, outer
	if outer != nil {
		outer.used = true
	}
	s.refs[name] = r
	return r
}

func (s *scope) param(name string) *ref {
	s.stores[name] = true
	return s.define(name, loadParam, nil)
}

func (s *scope) store(name string) {
	s.stores[name] = true
	if r, ok := s.refs[name]; ok {
		r.super = false
		return
	}
	if outer := s.parent.find(name); outer != nil {
		s.define(name, loadAlias, outer)
	} else {
		s.define(name, loadMissing, nil)
	}
}

func (s *scope) load(name string) {
	if s.find(name) == nil {
		s.define(name, loadContext, nil)
	}
}

// branch analyses alternatives: a name that only some of them store keeps its
// outer meaning before.
func (s *scope) branch(alternatives ...func()) {
	refs, stores := s.refs, s.stores
	newRefs, newStores := map[string]*ref{}, map[string]bool{}
	for _, alt := range alternatives {
		s.refs, s.stores = map[string]*ref{}, map[string]bool{}
		for k, v := range refs {
			s.refs[k] = v
		}
		for k := range stores {
			s.stores[k] = true
		}
		alt()
		for k, v := range s.refs {
			newRefs[k] = v
		}
		for k := range s.stores {
			newStores[k] = true
		}
	}
	s.refs, s.stores = refs, stores
	for k, v := range newRefs {
		s.refs[k] = v
	}
	for name := range newStores {
		if stores[name] {
			continue
		}
		stores[name] = true
		r := s.refs[name]
		if outer := s.parent.find(name); outer != nil {
			r.load, r.outer = loadAlias, outer
		} else {
			r.load, r.outer = loadContext, nil
		}
	}
}

// entry is what entering a scope does to a slot.
type entry struct {
	slot  int
	load  loadKind
	outer access
}

// entries returns what entering s has to do. Names that come from the context
// and are not assigned in s share a slot of the unit, which is looked up once
// however often s is entered.
func (s *scope) entries() []entry {
	var list []entry
	for _, name := range s.order {
		r := s.all[name]
		switch r.load {
		case loadContext:
			if s.stores[name] {
				list = append(list, entry{slot: r.slot, load: loadContext})
			} else if shared := s.unit.resolved[name]; shared != nil {
				r.slot = shared.slot
			} else {
				s.unit.resolved[name] = r
			}
		case loadMissing:
			list = append(list, entry{slot: r.slot, load: loadMissing})
		case loadAlias:
			list = append(list, entry{slot: r.slot, load: loadAlias, outer: s.access(r.outer)})
		}
	}
	return list
}

// access says how a frame of a scope's unit reaches a variable.
type access struct {
	hops, slot int
}

func (s *scope) access(r *ref) access {
	a := access{slot: r.slot}
	for u := s.unit; u != r.unit; u = u.parent {
		a.hops++
	}
	return a
}

// locals returns every variable that s and its parents store, for a context
// that is derived from it.
func (s *scope) locals() map[string]access {
	m := map[string]access{}
	for x := s; x != nil; x = x.parent {
		for name := range x.stores {
			if _, ok := m[name]; !ok {
				r := s.find(name)
				r.used = true
				m[name] = s.access(r)
			}
		}
	}
	return m
}

// visit analyses statements that belong to s itself; bodies with a scope of
// their own are left to their compilation.
func (s *scope) visit(body []stmt) {
	for _, st := range body {
		s.visitStmt(st)
	}
}

func (s *scope) visitStmt(st stmt) {
	switch st := st.(type) {
	case *outputStmt:
		s.exprs(st.items...)
	case *forStmt:
		s.exprs(st.iter)
	case *ifStmt:
		s.visitIf(st, 0)
	case *setStmt:
		s.exprs(st.value)
		s.target(st.target, false)
	case *setBlockStmt:
		s.target(st.target, false)
	case *withStmt:
		s.exprs(st.values...)
	case *extendsStmt:
		s.exprs(st.template)
	case *includeStmt:
		s.exprs(st.template)
	case *importStmt:
		s.exprs(st.template)
		s.store(st.target)
	case *fromStmt:
		s.exprs(st.template)
		for _, a := range st.aliases {
			s.store(a)
		}
	case *macroStmt:
		s.store(st.name)
	case *callStmt:
		s.exprs(st.call)
	case *filterStmt:
		s.exprs(st.filter)
	case *doStmt:
		s.exprs(st.x)
	case *blockStmt, *autoescapeStmt, *loopCtlStmt:
	}
}

// visitIf analyses the arms from i on.
func (s *scope) visitIf(st *ifStmt, i int) {
	s.exprs(st.tests[i])
	if i > 0 { // an elif stands in the branch of those before it
		s.branch(func() { s.visit(st.bodies[i]) })
		return
	}
	s.branch(
		func() { s.visit(st.bodies[0]) },
		func() {
			for j := 1; j < len(st.tests); j++ {
				s.visitIf(st, j)
			}
		},
		func() { s.visit(st.els) },
	)
}

// target analyses what is assigned to.
func (s *scope) target(x expr, param bool) {
	switch x := x.(type) {
	case *nameExpr:
		if param {
			s.param(x.name)
		} else {
			s.store(x.name)
		}
	case *nsRefExpr:
		s.load(x.name)
	case *tupleExpr:
		for _, e := range x.items {
			s.target(e, param)
		}
	}
}

func (s *scope) exprs(list ...expr) {
	for _, x := range list {
		walkExpr(x, func(name string) { s.load(name) })
	}
}

// walkExpr calls f with the names that x loads.
func walkExpr(x expr, f func(name string)) { walkNames(x, f, f) }

// walkNames calls f with the names that x loads, but called with those that it
// calls.
func walkNames(x expr, f, called func(name string)) {
	each := func(list ...expr) {
		for _, e := range list {
			if e != nil {
				walkNames(e, f, called)
			}
		}
	}
	args := func(c *callArgs) {
		each(c.args...)
		each(c.kwargs...)
		each(c.star, c.dict)
	}
	switch x := x.(type) {
	case *nameExpr:
		f(x.name)
	case *nsRefExpr:
		f(x.name)
	case *tupleExpr:
		each(x.items...)
	case *listExpr:
		each(x.items...)
	case *dictExpr:
		for i, k := range x.keys {
			each(k, x.vals[i])
		}
	case *condExpr:
		each(x.test, x.yes, x.no)
	case *binExpr:
		each(x.left, x.right)
	case *logicExpr:
		each(x.left, x.right)
	case *unaryExpr:
		each(x.x)
	case *compareExpr:
		each(x.first)
		each(x.rest...)
	case *concatExpr:
		each(x.items...)
	case *safeExpr:
		each(x.x)
	case *callExpr:
		if n, ok := x.fn.(*nameExpr); ok {
			called(n.name)
		} else {
			each(x.fn)
		}
		args(&x.callArgs)
	case *filterExpr:
		each(x.x)
		args(&x.callArgs)
	case *testExpr:
		each(x.x)
		args(&x.callArgs)
	case *attrExpr:
		each(x.x)
	case *itemExpr:
		each(x.x, x.index)
	case *sliceExpr:
		each(x.start, x.stop, x.step)
	}
}

// uses reports whether body, its nested bodies included, loads name.
func uses(body []stmt, name string) bool {
	found := false
	see := func(n string) { found = found || n == name }
	walkStmts(body, func(st stmt) bool { return !found }, func(x expr) { walkExpr(x, see) })
	return found
}

// escapes reports whether body, its nested bodies included, does more with name
// than call it.
func escapes(body []stmt, name string) bool {
	found := false
	see := func(n string) { found = found || n == name }
	walkStmts(body, func(st stmt) bool { return !found }, func(x expr) { walkNames(x, see, func(string) {}) })
	return found
}

// walkStmts calls enter with every statement, and expr with every expression
// of those that enter lets it into.
func walkStmts(body []stmt, enter func(stmt) bool, ex func(expr)) {
	for _, st := range body {
		if !enter(st) {
			continue
		}
		exprs, bodies := parts(st)
		for _, x := range exprs {
			if x != nil {
				ex(x)
			}
		}
		for _, b := range bodies {
			walkStmts(b, enter, ex)
		}
	}
}

// parts returns the expressions and the bodies of a statement.
func parts(st stmt) (exprs []expr, bodies [][]stmt) {
	switch st := st.(type) {
	case *outputStmt:
		return st.items, nil
	case *forStmt:
		return []expr{st.iter, st.test}, [][]stmt{st.body, st.els}
	case *ifStmt:
		return st.tests, append(append([][]stmt{}, st.bodies...), st.els)
	case *setStmt:
		if ns, ok := st.target.(*nsRefExpr); ok {
			return []expr{st.value, ns}, nil
		}
		return []expr{st.value}, nil
	case *setBlockStmt:
		return []expr{st.filter}, [][]stmt{st.body}
	case *withStmt:
		return st.values, [][]stmt{st.body}
	case *autoescapeStmt:
		return []expr{st.value}, [][]stmt{st.body}
	case *blockStmt:
		return nil, [][]stmt{st.body}
	case *extendsStmt:
		return []expr{st.template}, nil
	case *includeStmt:
		return []expr{st.template}, nil
	case *importStmt:
		return []expr{st.template}, nil
	case *fromStmt:
		return []expr{st.template}, nil
	case *macroStmt:
		return st.defaults, [][]stmt{st.body}
	case *callStmt:
		return append([]expr{st.call}, st.defaults...), [][]stmt{st.body}
	case *filterStmt:
		return []expr{st.filter}, [][]stmt{st.body}
	case *doStmt:
		return []expr{st.x}, nil
	}
	return nil, nil
}
