package templates

// Undefined is the value of a name that has none.
type Undefined struct {
	Kind UndefinedKind
	// Name is what was asked for; Obj is what it was asked of, nil for a variable.
	Name string
	Obj  Value
	// Hint overrides the message.
	Hint string
}

// Type is Python's class name.
func (u *Undefined) Type() string { return "Undefined" }

// Truth is false.
func (u *Undefined) Truth() bool { return false }
