// Package errtest compares errors with what wrong files say about themselves:
//
//	wehn: x  # ERROR 7 "'wehn' is not a valid attribute for a Task"
//
// expects an error at column 7 of its line with that whole message; without a
// number any column will do. A place that cannot have a comment is told from
// elsewhere in the file, 0 being no line: # ERROR@3:7 "...". Only tests import it.
package errtest

import (
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// An Error is an error that is expected, or one that happened.
type Error struct {
	File string
	Line int // 0: none
	Col  int // 0: any
	Msg  string
}

func (e Error) String() string { return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg) }

var mark = regexp.MustCompile(`# ERROR(?:@(\d+)(?::(\d+))?)?(?: (\d+))? ("(?:[^"\\]|\\.)*")`)

// Expected reads the marks of a file.
func Expected(file string) ([]Error, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var want []Error
	for i, line := range strings.Split(string(data), "\n") {
		found := mark.FindAllStringSubmatch(line, -1)
		if len(found) == 0 && strings.Contains(line, "# ERROR") {
			return nil, fmt.Errorf("%s:%d: the mark is not # ERROR [column] \"message\"", file, i+1)
		}
		for _, m := range found {
			e := Error{File: file, Line: i + 1}
			if e.Msg, err = strconv.Unquote(m[4]); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
			}
			if m[1] != "" {
				e.Line, _ = strconv.Atoi(m[1])
			}
			e.Col, _ = strconv.Atoi(m[2] + m[3]) // at most one of them is there
			want = append(want, e)
		}
	}
	return want, nil
}

// Compare reports every error that is wanted and missing, and every one that
// happened and is not wanted.
func Compare(t testing.TB, want, got []Error) {
	t.Helper()
	sort.SliceStable(got, func(i, j int) bool { return got[i].Line < got[j].Line })
	left := append([]Error(nil), got...)
	for _, w := range want {
		at := -1
		for i, g := range left {
			if g.File == w.File && g.Line == w.Line && g.Msg == w.Msg && (w.Col == 0 || w.Col == g.Col) {
				at = i
				break
			}
		}
		if at < 0 {
			t.Errorf("missing: %v", w)
			continue
		}
		left = append(left[:at], left[at+1:]...)
	}
	for _, g := range left {
		t.Errorf("not expected: %v", g)
	}
}
