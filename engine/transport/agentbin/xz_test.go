package agentbin

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"gorun/internal/needs"
)

// TestUnxz unpacks what the real xz packed with the filters of the Makefile:
// machine code, bytes that are full of what the filters take for jumps, and little.
func TestUnxz(t *testing.T) {
	bin, err := exec.LookPath("xz")
	needs.Have(t, "xz", err == nil, "no xz here")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	jumps := make([]byte, 1<<17)
	for i := range jumps {
		jumps[i] = []byte{0xE8, 0xE9, 0xEB, 0, 0xFF, byte(random.Uint32())}[random.IntN(6)]
	}
	for name, data := range map[string][]byte{"code": code[:min(len(code), 1<<20)], "jumps": jumps, "five": []byte("\xe8\x00\x01\x00\x00"), "one": {0xE8}} {
		for _, filter := range [][]string{nil, {"--x86"}, {"--arm"}} {
			cmd := exec.Command(bin, append(filter, "--lzma2=preset=1,dict=16MiB", "-c")...)
			cmd.Stdin = bytes.NewReader(data)
			packed, err := cmd.Output()
			if err != nil {
				t.Fatalf("xz %s: %v", filter, err)
			}
			got, err := unxz(packed)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s, xz %s: %d bytes of %d, %v", name, filter, len(got), len(data), err)
			}
			if len(data) > 1<<16 {
				if got, err := unxz(packed[:len(packed)/2]); err == nil && bytes.Equal(got, data) {
					t.Errorf("%s, xz %s: half of it is enough", name, filter)
				}
			}
		}
	}
	for _, broken := range []string{"", "\xfd7zXZ\x00", "no xz file at all, but long enough", "\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x00\x00\x00\x00\x1c\xdf\x44\x21"} {
		if _, err := unxz([]byte(broken)); err == nil {
			t.Errorf("%q is unpacked", broken)
		}
	}
}

// TestEmbedded repacks agents that are in this build, one a filter.
func TestEmbedded(t *testing.T) {
	list, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Skip("no agents in this build: make agents")
	}
	for _, b := range list {
		if b.OS != "linux" || b.Arch != "amd64" && b.Arch != "arm" && b.Arch != "arm64" {
			continue
		}
		if packed, err := b.Gzip(); err != nil || len(packed) < 1<<20 {
			t.Errorf("%s/%s: %d bytes, %v", b.OS, b.Arch, len(packed), err)
		}
	}
}
