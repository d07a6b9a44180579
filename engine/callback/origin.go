package callback

// This file defines the [ERROR] block that ansible-core has printed since 2.19
// for a task that failed: the message, and the task's lines with a caret.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gorun/templates"
)

// origin prints the block, to the standard error.
func (d *Default) origin(r Result) {
	if !d.set.Current || r.NoLog {
		return
	}
	msg, _ := r.Data.GetStr("msg")
	if msg == nil {
		return
	}
	text := "Task failed: "
	if v, ok := r.Data.GetStr("_ansible_error_kind"); ok {
		text += templates.StrOf(v, templates.Current) + " failed: "
	}
	text = "[ERROR]: " + text + strings.TrimPrefix(templates.StrOf(msg, templates.Current), "Task failed: ")
	if p := r.Task.Pos; p.IsValid() {
		if abs, err := filepath.Abs(p.File); err == nil {
			p.File = abs
		}
		text += fmt.Sprintf("\nOrigin: %s:%d:%d\n%s", p.File, p.Line, p.Col, excerpt(p))
	}
	d.s.PrintErr(text, d.s.Colors.Error)
}

// excerpt shows the line of a place with two before it and a caret below.
func excerpt(p templates.Pos) string {
	data, err := os.ReadFile(p.File)
	if err != nil {
		return ""
	}
	lines := strings.Split(string(data), "\n")
	if p.Line > len(lines) {
		return ""
	}
	var b strings.Builder
	b.WriteByte('\n')
	digits := len(fmt.Sprint(p.Line))
	for n := max(p.Line-2, 1); n <= p.Line; n++ {
		fmt.Fprintf(&b, "%-*d %s\n", digits, n, strings.TrimRight(lines[n-1], " \r"))
	}
	fmt.Fprintf(&b, "%s^ column %d\n", strings.Repeat(" ", digits+p.Col), p.Col)
	return b.String()
}
