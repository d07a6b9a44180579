package modules

// PyRepr shows a value as Python's repr does, for messages that quote what a task gave.
func PyRepr(v any) string { return pyRepr(v) }

// PyType names a value's type as Python's str(type(v)) does: <class 'int'>.
func PyType(v any) string { return pyType(v) }

// PyStr shows a value as Python's str does.
func PyStr(v any) string { return pyStr(v) }
