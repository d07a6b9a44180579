package redact

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// TestMasked compares with what Ansible's own registry gave.
func TestMasked(t *testing.T) {
	data, err := os.ReadFile("testdata/masked.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Tool  string
		Cases []struct {
			Secrets    []string
			Text, Want string
		}
	}
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	if len(recorded.Cases) < 200 {
		t.Fatalf("only %d cases", len(recorded.Cases))
	}
	for _, c := range recorded.Cases {
		var r Registry
		r.Add(c.Secrets...)
		if got := r.Mask(c.Text); got != c.Want {
			t.Errorf("secrets %q in %q:\n got %q\nwant %q (%s)", c.Secrets, c.Text, got, c.Want, recorded.Tool)
		}
	}
}

func TestNil(t *testing.T) {
	var r *Registry
	r.Add("secret-of-nobody")
	if got := r.Mask("secret-of-nobody"); got != "secret-of-nobody" {
		t.Errorf("a nil registry gave %q", got)
	}
}

func TestMaskAs(t *testing.T) {
	var r Registry
	r.Add("hunter2hunter")
	if got := r.MaskAs("<hunter2hunter>", "**"); got != "<**>" {
		t.Errorf("got %q", got)
	}
}

func TestTrim(t *testing.T) {
	for in, want := range map[string]string{
		"abc": "", " abc\n": "", "äöü": "", "abcd": "abcd", "\t ab cd\r\n": "ab cd",
		strings.Repeat("é", maxLength+1): strings.Repeat("é", maxLength),
	} {
		if got := Trim(in); got != want {
			t.Errorf("Trim(%.20q) is %.20q, want %.20q", in, got, want)
		}
	}
}

// TestConcurrent has secrets added while others are masked; the race detector judges.
func TestConcurrent(t *testing.T) {
	var r Registry
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 200 {
				secret := fmt.Sprintf("secret-%d-%d", n, i)
				r.Add(secret)
				if got := r.Mask("<" + secret + ">"); got != "<"+Placeholder+">" {
					t.Errorf("%q is not hidden: %q", secret, got)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkMask(b *testing.B) {
	var r Registry
	for i := range 1000 {
		r.Add(fmt.Sprintf("%x-secret-%d", i*7919, i))
	}
	text := strings.Repeat("ok: [web1] => {\"changed\": false, \"stdout\": \"nothing to hide\"}\n", 16<<10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.Mask(text)
	}
}
