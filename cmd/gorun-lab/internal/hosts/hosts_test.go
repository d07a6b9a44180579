package hosts

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReplaceBlock(t *testing.T) {
	block := func(lines string) string { return hostsBegin + lines + hostsEnd }
	for _, tc := range []struct{ name, text, want string }{
		{"between", "a\n" + block("old\n") + "b\n", "a\n" + block("new\n") + "b\n"},
		{"none", "a\nb\n", "a\nb\n"},
		{"no end", "a\n" + hostsBegin + "b\n", "a\n" + hostsBegin + "b\n"},
		{"alone", block(""), block("new\n")},
	} {
		if got := replaceBlock(tc.text, block("new\n")); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{"lab": true, "a1": true, "12345678": true, "": false, "123456789": false, "a-b": false, "A": false, "../x": false} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("lab %q: %v", name, err)
		}
	}
	for name, ok := range map[string]bool{"lb1": true, "a.b-c": true, "": false, "-a": false, "a b": false, "a/b": false, strings.Repeat("a", 64): false} {
		if err := checkHostName(name); (err == nil) != ok {
			t.Errorf("host %q: %v", name, err)
		}
	}
	// The kernel takes 15 characters for an interface.
	h := Host{lab: &Lab{cfg: Config{Name: "12345678"}}, num: 99}
	if link := h.link(2); len(link) > 15 || !strings.HasPrefix(link, BridgeName("12345678")+"-") {
		t.Errorf("link %q", link)
	}
}

func TestFind(t *testing.T) {
	l := &Lab{hosts: map[int]*Host{}}
	for i, s := range []Spec{
		{Name: "a", ID: "id-a", Zone: "Z1", NICs: []NIC{{Addr: netip.MustParsePrefix("10.0.0.11/24")}}},
		{Name: "twin", Zone: "Z2", NICs: []NIC{{Addr: netip.MustParsePrefix("10.0.0.12/24")}}},
		{Name: "twin", Zone: "Z1", NICs: []NIC{{Addr: netip.MustParsePrefix("10.0.0.13/24")}}, Local: []netip.Addr{netip.MustParseAddr("172.30.0.2")}},
	} {
		l.hosts[i] = &Host{lab: l, num: i, spec: s}
	}
	for what, want := range map[string]string{
		"a": "10.0.0.11", "id-a": "10.0.0.11", "10.0.0.12": "10.0.0.12", "twin": "10.0.0.12 10.0.0.13", "Z1": "10.0.0.11 10.0.0.13",
		"172.30.0.2": "10.0.0.13", "nobody": "",
	} {
		var got []string
		for _, h := range l.Find(what) {
			got = append(got, h.Addr().String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", what, got, want)
		}
	}
}

// TestCommonLayer checks that scripts stay scripts and masks are links.
func TestCommonLayer(t *testing.T) {
	root := t.TempDir()
	if err := writeCommon(root); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{
		"usr/sbin/policy-rc.d": 0o755, "usr/lib/gorun-lab/rc": 0o755, "usr/lib/gorun-lab/after-dpkg": 0o755, "usr/lib/gorun-lab/glusterd.init": 0o755,
		"etc/apt/sources.list": 0o644, "etc/fstab": 0o644,
	} {
		st, err := os.Stat(filepath.Join(root, name))
		if err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
	for _, unit := range maskedUnits {
		if to, err := os.Readlink(filepath.Join(root, "etc/systemd/system", unit)); err != nil || to != "/dev/null" {
			t.Errorf("%s: %q, %v", unit, to, err)
		}
	}
	for unit, target := range enabledUnits {
		if _, err := os.Lstat(filepath.Join(root, "etc/systemd/system", unit)); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(filepath.Join(root, "etc/systemd/system", target+".wants", unit)); err != nil {
			t.Error(err)
		}
	}
}

// A sweep of a lab that never was does nothing, and says nothing.
func TestSweepNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("sweeping needs root")
	}
	dir := filepath.Join(t.TempDir(), "none")
	if err := Sweep("zzznone", dir); err != nil {
		t.Error(err)
	}
}
