package templates

// This file defines the undefined value
// (https://jinja.palletsprojects.com/en/3.1.x/api/#undefined-types).

// Undefined is the value of a name that has none.
type Undefined struct {
	Kind UndefinedKind
	// Name is what was asked for; Obj is what it was asked of, nil for a variable.
	Name string
	Obj  Value
	// Elem says that an element was asked for whose key is not text; Name is
	// its repr.
	Elem bool
	// Hint overrides the message.
	Hint string
	// modern words the message as ansible-core 2.19 and later do.
	modern bool
	// Cause is thrown instead of an UndefinedError where the value is used.
	Cause *Error
	// Known are the names that there would be, for a hint.
	Known []string
}

// NewUndefined returns the value of an unknown variable called name.
func NewUndefined(kind UndefinedKind, name string) Value {
	return &Undefined{Kind: kind, Name: name}
}

// IsUndefined reports whether v is undefined, of any kind.
func IsUndefined(v Value) bool {
	_, ok := v.(*Undefined)
	return ok
}

// Type is Python's class name.
func (u *Undefined) Type() string {
	switch u.Kind {
	case StrictUndefined:
		return "StrictUndefined"
	case ChainableUndefined:
		return "ChainableUndefined"
	case DebugUndefined:
		return "DebugUndefined"
	case AnsibleUndefined:
		return "AnsibleUndefined"
	}
	return "Undefined"
}

// Truth is false. The engine itself refuses the truth of a strict one before
// it asks.
func (u *Undefined) Truth() bool { return false }

// strict reports whether any use of u is an error.
func (u *Undefined) strict() bool { return u.Kind == StrictUndefined || u.Kind == AnsibleUndefined }

func (u *Undefined) chains() bool { return u.Kind == ChainableUndefined || u.Kind == AnsibleUndefined }

// inside returns an attribute that Jinja2's own undefined values have, nil where
// name is none of them.
func (u *Undefined) inside(name string) Value {
	if u.Kind == AnsibleUndefined {
		return nil
	}
	switch name {
	case "_undefined_name":
		if u.Name != "" {
			return Str(u.Name)
		}
		return None
	case "_undefined_hint":
		if u.Hint != "" {
			return Str(u.Hint)
		}
		return None
	case "_undefined_message":
		return Str(u.Message())
	case "_undefined_obj":
		if u.Obj != nil {
			return u.Obj
		}
		return Str("missing")
	}
	return nil
}

// Message is what the error of using u says.
func (u *Undefined) Message() string {
	switch {
	case u.Hint != "":
		return u.Hint
	case u.Obj == nil:
		return Repr(Str(u.Name), Current) + " is undefined"
	case u.modern:
		name := u.Name
		if !u.Elem {
			name = Repr(Str(name), Current)
		}
		return "object of type '" + pyType(u.Obj) + "' has no attribute " + name
	case u.Elem:
		return objectRepr(u.Obj) + " has no element " + u.Name
	}
	return Repr(Str(objectRepr(u.Obj)), Current) + " has no attribute " + Repr(Str(u.Name), Current)
}

// Err returns the error of using u.
func (u *Undefined) Err() *Error {
	if u.Cause != nil {
		c := *u.Cause
		return &c
	}
	return &Error{Kind: UndefinedError, Msg: u.Message(), Got: u.Name, Known: u.known(), variable: u.Obj == nil && u.Hint == ""}
}

// known returns the names that there are where u's name was looked for.
func (u *Undefined) known() []string {
	d, ok := u.Obj.(*Dict)
	if u.Known != nil || !ok || u.Elem || u.Hint != "" || d.Len() >= 200 {
		return u.Known
	}
	var names []string
	for k := range d.All {
		if s, ok := textOf(k); ok {
			names = append(names, s)
		}
	}
	return names
}

// failUndefined throws where v is undefined, whatever its kind: for what no
// kind allows, such as arithmetic.
func failUndefined(v Value) {
	if u, ok := v.(*Undefined); ok {
		panic(u.Err())
	}
}

// failAnsible throws where v is Ansible's undefined: where Jinja2's own would
// pass, or fail on its type, people are told the name.
func failAnsible(v Value) {
	if u, ok := v.(*Undefined); ok && u.Kind == AnsibleUndefined {
		panic(u.Err())
	}
}

// failStrict throws where v is a strict undefined.
func failStrict(v Value) {
	if u, ok := v.(*Undefined); ok && u.strict() {
		panic(u.Err())
	}
}

// objectRepr is Jinja2's object_type_repr.
func objectRepr(v Value) string {
	switch v := v.(type) {
	case NoneType:
		return "None"
	case Markup:
		return "markupsafe.Markup object"
	case *Undefined:
		return "jinja2.runtime." + v.Type() + " object"
	case groupTuple:
		return "jinja2.filters._GroupTuple object"
	case *Macro:
		return "jinja2.runtime.Macro object"
	case *loopContext:
		return "jinja2.runtime.LoopContext object"
	case *moduleValue:
		return "jinja2.environment.TemplateModule object"
	case *namespace:
		return "jinja2.utils.Namespace object"
	case *DateTime, TimeDelta:
		return "datetime." + v.Type() + " object"
	case *selfRef, *blockRef:
		return "jinja2.runtime." + v.Type() + " object"
	case *cycler, *joiner:
		return "jinja2.utils." + v.Type() + " object"
	case *funcValue:
		return v.class + " object"
	}
	switch t := pyType(v); t {
	case "HostVars", "HostVarsVars":
		return "ansible.vars.hostvars." + t + " object"
	default:
		return t + " object"
	}
}

// text is str(u).
func (u *Undefined) text() string {
	if u.strict() {
		panic(u.Err())
	}
	if u.Kind != DebugUndefined {
		return ""
	}
	switch {
	case u.Hint != "":
		return "{{ undefined value printed: " + u.Hint + " }}"
	case u.Obj == nil:
		return "{{ " + u.Name + " }}"
	case u.Elem:
		return "{{ no such element: " + objectRepr(u.Obj) + "[" + u.Name + "] }}"
	}
	return "{{ no such element: " + objectRepr(u.Obj) + "[" + Repr(Str(u.Name), Current) + "] }}"
}
