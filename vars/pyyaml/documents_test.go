package pyyaml

// This file compares generated documents with what PyYAML made of them:
// testdata/documents.jsonl, whose first line names its version.

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gorun/templates"
)

type document struct {
	In        string
	Want      any
	Error     *string
	Line, Col int
}

func TestGeneratedDocuments(t *testing.T) {
	f, err := os.Open("testdata/documents.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Scan() // the tool
	n := 0
	for in.Scan() {
		var d document
		if err := json.Unmarshal(in.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		n++
		v, err := Parse([]byte(d.In), "f", Options{})
		if differs(d.In) {
			continue
		}
		if d.Error != nil {
			var e *Error
			switch {
			case err == nil:
				t.Errorf("%q: got %s, want the error %d:%d %s", d.In, canonText(v), d.Line, d.Col, *d.Error)
			case !errors.As(err, &e):
				t.Errorf("%q: a %T: %v", d.In, err, err)
			case e.Pos.Line == 0:
				t.Errorf("%q: no place: %v", d.In, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", d.In, err)
			continue
		}
		want, _ := json.Marshal(d.Want) // it was JSON
		if got := canonText(v); got != string(want) {
			t.Errorf("%q\n got %s\nwant %s", d.In, got, want)
		}
	}
	if in.Err() != nil || n < 1500 {
		t.Fatalf("%d documents: %v", n, in.Err())
	}
}

// differs reports whether gorun reads a document otherwise: !!set gives the
// dictionary that it is written as, a lone "!" nothing instead of an empty
// text, and \/ is known in JSON only, since the YAML library has not heard of it.
func differs(doc string) bool {
	return strings.Contains(doc, "!!set") || loneTag.MatchString(doc) || strings.Contains(doc, `\/`) && !strings.HasPrefix(doc, "[")
}

var loneTag = regexp.MustCompile(`(?m)(?:^|[ \[])!(?:$|[\]:])`)

func canonText(v templates.Value) string {
	data, err := json.Marshal(canon(v))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// canon tells values of every type apart in JSON.
func canon(v templates.Value) any {
	switch v := v.(type) {
	case templates.NoneType:
		return "null"
	case templates.Bool:
		return fmt.Sprint(bool(v))
	case templates.Int, *templates.BigInt:
		return "int:" + templates.StrOf(v, templates.Current)
	case templates.Float:
		switch f := float64(v); {
		case math.IsNaN(f):
			return "float:nan"
		case math.IsInf(f, 1):
			return "float:inf"
		case math.IsInf(f, -1):
			return "float:-inf"
		default:
			return fmt.Sprintf("float:%.17g", f)
		}
	case templates.Str:
		return []any{"s", string(v)}
	case *templates.Text:
		return []any{"s", v.Src}
	case templates.Bytes:
		latin1 := []rune{}
		for _, b := range []byte(v) {
			latin1 = append(latin1, rune(b))
		}
		return []any{"b", string(latin1)}
	case *templates.DateTime:
		if v.DateOnly {
			return "date:" + v.T.Format("2006-01-02")
		}
		layout := "2006-01-02T15:04:05"
		if v.T.Nanosecond() >= 1000 {
			layout += ".000000"
		}
		if !v.Naive {
			layout += "-07:00"
		}
		return "time:" + v.T.Format(layout)
	case *templates.Dict:
		pairs := []any{}
		for k, e := range v.All {
			pairs = append(pairs, []any{canon(k), canon(e)})
		}
		return map[string]any{"d": pairs}
	case *templates.Set:
		words := []string{}
		for _, e := range v.Elems() {
			words = append(words, canonText(e))
		}
		slices.Sort(words)
		return map[string]any{"set": words}
	case templates.Sequence:
		list := []any{}
		for i := range v.Len() {
			list = append(list, canon(v.Index(i)))
		}
		return map[string]any{"l": list}
	}
	return "?" + v.Type()
}
