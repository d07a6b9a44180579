package lookup

import (
	"context"
	"testing"
	"time"

	"gorun/templates"
)

// TestNow checks now by the clock, and that it asks for its moment.
func TestNow(t *testing.T) {
	e := templates.New(templates.Options{Globals: New(Options{}).Globals(), Undefined: templates.AnsibleUndefined})
	waited := 0
	ctx := templates.WithMoment(t.Context(), func() { waited++ })
	render := func(ctx context.Context, src string) string {
		t.Helper()
		tpl, err := e.Compile(src, "test")
		if err != nil {
			t.Fatal(err)
		}
		out, err := tpl.Render(ctx, dictScope{templates.NewDict(0)})
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		return out
	}
	for src, layout := range map[string]string{"{{ now() }}": "2006-01-02 15:04:05.999999", "{{ now(true) }}": "2006-01-02 15:04:05.999999", "{{ now(utc=True, fmt='%d/%Y') }}": "02/2006"} {
		got := render(ctx, src)
		when, err := time.ParseInLocation(layout, got, time.Local)
		if err != nil {
			t.Errorf("%s: %q: %v", src, got, err)
		}
		if src == "{{ now() }}" && time.Since(when).Abs() > time.Minute {
			t.Errorf("%s: %s", src, got)
		}
	}
	if waited != 3 {
		t.Errorf("it asked for its moment %d times, want 3", waited)
	}
	if got := render(ctx, "{{ now().year == now(fmt='%Y') | int }} {{ q('pipe', 'echo x') }}"); got != "True ['x']" || waited != 6 {
		t.Errorf("%s, asked %d times", got, waited)
	}
}
