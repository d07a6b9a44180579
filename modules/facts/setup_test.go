package facts

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gorun/modules"
)

// gather runs the setup module and returns its facts as JSON would carry them.
func gather(t *testing.T, args map[string]any) map[string]any {
	t.Helper()
	r := Setup.Execute(context.Background(), &modules.Run{Name: "setup"}, args)
	if r["failed"] == true {
		t.Fatalf("setup failed: %v", r["msg"])
	}
	b, err := json.Marshal(r["ansible_facts"])
	if err != nil {
		t.Fatal(err)
	}
	var facts map[string]any
	if err := json.Unmarshal(b, &facts); err != nil {
		t.Fatal(err)
	}
	if f := os.Getenv("GORUN_DUMP_FACTS"); f != "" {
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return facts
}

func TestSetupGathersAll(t *testing.T) {
	start := time.Now()
	facts := gather(t, map[string]any{})
	t.Logf("gathered %d facts in %v", len(facts), time.Since(start))
	for _, key := range []string{"ansible_hostname", "ansible_kernel", "ansible_distribution", "ansible_os_family", "ansible_env", "ansible_date_time",
		"ansible_default_ipv4", "ansible_interfaces", "ansible_memtotal_mb", "ansible_processor_vcpus", "ansible_mounts", "ansible_service_mgr",
		"ansible_pkg_mgr", "ansible_user_id", "ansible_virtualization_type", "gather_subset", "module_setup"} {
		if _, ok := facts[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
}

// TestSubsets has what ansible 2.14.18 answered for each gather_subset.
func TestSubsets(t *testing.T) {
	probes := []string{"date_time", "distribution", "env", "hardware", "lsb", "network", "platform", "virtual"}
	for _, c := range []struct{ subset, want string }{
		{"", "date_time distribution env hardware lsb network platform virtual"},
		{"all", "date_time distribution env hardware lsb network platform virtual"},
		{"min", "date_time distribution env lsb platform"},
		{"network", "date_time distribution env lsb network platform"},
		{"all,!min", "distribution hardware network platform virtual"},
		{"!min", ""},
		{"!all", "date_time distribution env lsb platform"},
		{"!network", "date_time distribution env lsb platform"},
		{"network,!all", "date_time distribution env lsb network platform"},
		{"!network,network", "date_time distribution env lsb network platform"},
		{"all,!date_time", "distribution env hardware lsb network platform virtual"},
		{"!date_time", "distribution env lsb platform"},
		{"min,!min", ""},
		{"!min,date_time", "date_time"},
		{"!all,!min,interfaces", "distribution network platform"},
		{"!bogus", "date_time distribution env lsb platform"},
		{"!hardware,network", "date_time distribution env lsb network platform"},
	} {
		subset := strings.FieldsFunc(c.subset, func(r rune) bool { return r == ',' })
		got, err := selectCollectors(subset)
		if err != nil {
			t.Fatalf("%q: %v", c.subset, err)
		}
		got = slices.DeleteFunc(got, func(n string) bool { return !slices.Contains(probes, n) })
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: got %q, want %q", c.subset, s, c.want)
		}
	}
	_, err := selectCollectors([]string{"bogus"})
	if err == nil || !strings.HasPrefix(err.Error(), "Bad subset 'bogus' given to Ansible. gather_subset options allowed: all, all_ipv4_addresses, ") {
		t.Errorf("a bad subset: %v", err)
	}
}

func TestFilter(t *testing.T) {
	facts := map[string]any{"ansible_eth0": 1, "ansible_eth1": 2, "ansible_hostname": 3}
	for _, c := range []struct {
		patterns []string
		want     int
	}{{nil, 3}, {[]string{"ansible_eth*"}, 2}, {[]string{"hostname"}, 1}, {[]string{"eth[!0]"}, 1}, {[]string{"x"}, 0}, {[]string{"x", "*_eth0"}, 1}} {
		if got := filterFacts(facts, c.patterns); len(got) != c.want {
			t.Errorf("%q: %v", c.patterns, got)
		}
	}
}

// TestLocalFacts has files whose facts were recorded with ansible 2.14.18.
func TestLocalFacts(t *testing.T) {
	dir := t.TempDir()
	for name, f := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"ini.fact":    {"[a]\nx=1\ny = two\nZed=Up\n  more\n# c\n[DEFAULT]\nd=0\n", 0o644},
		"j.fact":      {`{"j":[1,2.5]}`, 0o644},
		"ex.fact":     {"#!/bin/sh\necho '{\"e\": true}'", 0o755},
		"exini.fact":  {"#!/bin/sh\necho '[s]'; echo k=v", 0o755},
		"fail.fact":   {"#!/bin/sh\necho oops >&2; exit 3", 0o755},
		"bad.fact":    {"garbage here", 0o644},
		"empty.fact":  {"", 0o644},
		"string.fact": {`"str"`, 0o644},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
	}
	got := gather(t, map[string]any{"gather_subset": "!all,!min,local", "fact_path": dir})["ansible_local"]
	want := map[string]any{
		"ini":    map[string]any{"a": map[string]any{"x": "1", "y": "two", "zed": "Up\nmore", "d": "0"}},
		"j":      map[string]any{"j": []any{1.0, 2.5}},
		"ex":     map[string]any{"e": true},
		"exini":  map[string]any{"s": map[string]any{"k": "v"}},
		"fail":   "Failure executing fact script (" + dir + "/fail.fact), rc: 3, err: oops\n",
		"bad":    "error loading facts as JSON or ini - please check content: " + dir + "/bad.fact",
		"empty":  map[string]any{},
		"string": "str",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestAddressesBecomeInterfaces(t *testing.T) {
	interfaces := map[string]map[string]any{"ve0": {}}
	for _, a := range []address{
		{device: "ve0", label: "ve0", ip: netip.MustParseAddr("10.9.0.5"), prefix: 24, broadcast: "10.9.0.255"},
		{device: "ve0", label: "ve0", ip: netip.MustParseAddr("10.9.0.100"), prefix: 32}, // a virtual router's address
		{device: "ve0", label: "ve0:1", ip: netip.MustParseAddr("10.10.0.6"), prefix: 24},
		{device: "ve0", label: "ve0", ip: netip.MustParseAddr("10.9.0.6"), prefix: 24, secondary: true},
		{device: "ve0", label: "ve0:2", ip: netip.MustParseAddr("10.9.0.7"), prefix: 24, secondary: true},
	} {
		addIPv4(interfaces, a)
	}
	ip := func(addr, mask, network, prefix, broadcast string) any {
		return map[string]any{"address": addr, "netmask": mask, "network": network, "prefix": prefix, "broadcast": broadcast}
	}
	seven := ip("10.9.0.7", "255.255.255.0", "10.9.0.0", "24", "")
	want := map[string]map[string]any{
		"ve0": {
			"ipv4": ip("10.9.0.5", "255.255.255.0", "10.9.0.0", "24", "10.9.0.255"),
			"ipv4_secondaries": []any{ip("10.9.0.100", "255.255.255.255", "10.9.0.100", "32", ""),
				ip("10.9.0.6", "255.255.255.0", "10.9.0.0", "24", ""), seven},
		},
		"ve0:1": {"ipv4": ip("10.10.0.6", "255.255.255.0", "10.10.0.0", "24", "")},
		"ve0:2": {"ipv4_secondaries": []any{seven}},
	}
	if !reflect.DeepEqual(interfaces, want) {
		t.Errorf("got  %v\nwant %v", interfaces, want)
	}
}

func TestReleases(t *testing.T) {
	for _, c := range []struct{ osRelease, name, family string }{
		{"ID=ubuntu\nVERSION_ID=\"22.04\"\nVERSION_CODENAME=jammy", "Ubuntu 22.04 jammy", "Debian"},
		{"ID=\"sles\"\nVERSION_ID=\"15.5\"", "SLES 15.5 5", "Suse"},
		{"ID=arch\nNAME=\"Arch Linux\"", "Archlinux rolling NA", "Archlinux"},
		{"ID=linuxmint\nVERSION_ID=\"21\"\nVERSION_CODENAME=vanessa", "Linux Mint 21 vanessa", "Debian"},
		{"ID=gentoo\nVERSION_ID=2.9", "Gentoo 2.9 NA", "Gentoo"},
	} {
		file := filepath.Join(t.TempDir(), "os-release")
		if err := os.WriteFile(file, []byte(c.osRelease), 0o600); err != nil {
			t.Fatal(err)
		}
		r := detectRelease(shellVars(file))
		if got := r.name + " " + r.version + " " + r.codename; got != c.name || family(r.name) != c.family {
			t.Errorf("%q: %q of family %q", c.osRelease, got, family(r.name))
		}
	}
}

func TestCapText(t *testing.T) {
	all := uint64(1)<<41 - 1
	for _, c := range []struct {
		eff, inh, prm uint64
		want          string
	}{
		{all, 0, all, "=ep"},
		{all &^ (1 << 24), 0, all &^ (1 << 24), "=ep cap_sys_resource-ep"},
		{0, 0, 0, "="},
		{1 << 10, 0, 1 << 10, "cap_net_bind_service=ep"},
	} {
		if got := capText(c.eff, c.inh, c.prm, 40); got != c.want {
			t.Errorf("%x: got %q, want %q", c.eff, got, c.want)
		}
	}
}

func TestHostsNames(t *testing.T) {
	text := "127.0.0.1 localhost\n# 10.0.0.1 no\n127.0.1.1 web.example.com web # c\n10.0.0.9 other\n"
	for node, want := range map[string][]string{"web": {"web.example.com", "web"}, "nowhere": nil, "OTHER": {"other"}} {
		if got := hostsNames(text, node); !slices.Equal(got, want) {
			t.Errorf("%s: %q", node, got)
		}
	}
}

func FuzzParseINI(f *testing.F) {
	for _, s := range []string{"[a]\nx=1", "x=1", "[a\n", "[a]\n y\n", "[a]\nk:v\n  c\n[DEFAULT]\nz=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { parseINI(s) })
}

func BenchmarkSetupAll(b *testing.B) {
	for b.Loop() {
		Setup.Execute(context.Background(), &modules.Run{Name: "setup"}, map[string]any{})
	}
}

func BenchmarkSetupMin(b *testing.B) {
	for b.Loop() {
		Setup.Execute(context.Background(), &modules.Run{Name: "setup"}, map[string]any{"gather_subset": []any{"!all"}})
	}
}
