package pyhelper

import (
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorun/engine/foreign"
	"gorun/internal/needs"
	"gorun/templates"
)

// start starts a helper with a folder of filters.
func start(t *testing.T, filters string) *Helper {
	t.Helper()
	in := foreign.FindInstall("")
	if in == nil {
		needs.Missing(t, "ansible", "no Ansible is installed")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.py"), []byte(filters), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := Start(context.Background(), Options{
		Python: in.Python, Site: in.Site, Basedir: dir, Dirs: map[string][]string{"filter": {dir}},
		Tell: func(m Message) { t.Log(m.Kind, m.Text) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func ask(h *Helper, name string, args ...templates.Value) (templates.Value, error) {
	d := templates.NewDict(4)
	d.SetStr("kind", templates.Str("filter"))
	d.SetStr("name", templates.Str(name))
	d.SetStr("args", templates.NewList(args...))
	d.SetStr("kwargs", templates.NewDict(0))
	return h.Call(context.Background(), "call", d, nil)
}

// TestValues sends values to Python and back, and compares what Python says of
// them with what gorun says.
func TestValues(t *testing.T) {
	h := start(t, `
class FilterModule(object):
    def filters(self):
        return {'same': lambda x: x, 'shown': repr, 'kind': lambda x: type(x).__name__}
`)
	set, err := templates.NewSet(templates.Int(1))
	if err != nil {
		t.Fatal(err)
	}
	odd := templates.NewDict(2)
	for _, k := range []templates.Value{templates.Int(1), templates.Tuple{templates.Str("a"), templates.None}, templates.Str("$")} {
		if err := odd.Set(k, templates.Float(1)); err != nil {
			t.Fatal(err)
		}
	}
	plain := templates.NewDict(2)
	plain.SetStr("z", templates.NewList(templates.Int(1), templates.Float(2.5)))
	plain.SetStr("a", templates.Str("{{ x }}"))
	for _, v := range []templates.Value{
		templates.None, templates.Bool(true), templates.Int(-7), &templates.BigInt{V: new(big.Int).Lsh(big.NewInt(1), 100)},
		templates.Float(1), templates.Float(1e300), templates.Str(""), templates.Str("ü\n\x00'\""), templates.Bytes("\x00\xff"),
		templates.Tuple{templates.Int(1)}, set, odd, plain, templates.NewList(plain, templates.None),
		templates.TimeDelta(90 * time.Second),
		&templates.DateTime{T: time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC), Naive: true},
		&templates.DateTime{T: time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), Naive: true, DateOnly: true},
	} {
		want := templates.Repr(v, templates.Current)
		same, err := ask(h, "same", v)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if got := templates.Repr(same, templates.Current); got != want || same.Type() != v.Type() {
			t.Errorf("%s came back as %s", want, got)
		}
		if got, err := ask(h, "shown", v); err != nil || got != templates.Str(want) {
			t.Errorf("Python shows %s as %v (%v)", want, got, err)
		}
	}
}

// TestCalls runs many calls at once, with exceptions and prints between them.
func TestCalls(t *testing.T) {
	h := start(t, `
import sys
def noisy(x):
    print('out', x)
    sys.stdout.flush()
    if x % 2:
        raise ValueError('odd: %d' % x)
    return x * 2
class FilterModule(object):
    def filters(self):
        return {'noisy': noisy}
`)
	errs := make(chan error)
	for i := range 40 {
		go func() {
			v, err := ask(h, "noisy", templates.Int(i))
			var own *Error
			switch {
			case i%2 == 0 && (err != nil || v != templates.Int(i*2)):
				errs <- errors.New("a wrong answer")
			case i%2 == 1 && (!errors.As(err, &own) || own.Kind != "ValueError" || own.Ansible || !strings.HasPrefix(own.Msg, "odd: ")):
				errs <- errors.Join(errors.New("a wrong error"), err)
			default:
				errs <- nil
			}
		}()
	}
	for range 40 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestGone calls a plugin that ends the process.
func TestGone(t *testing.T) {
	h := start(t, `
import os, sys
def die(x):
    sys.stderr.write('the last words\n')
    sys.stderr.flush()
    os._exit(3)
class FilterModule(object):
    def filters(self):
        return {'die': die}
`)
	for range 2 {
		if _, err := ask(h, "die", templates.None); err == nil || !strings.Contains(err.Error(), "the last words") {
			t.Errorf("got %v", err)
		}
	}
}
