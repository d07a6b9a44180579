package net

// This file has nmcli work on a real NetworkManager, alone in namespaces of
// its own: nothing of the machine's network is seen or changed.

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorun/internal/needs"
	"gorun/modules"
)

// nmBox starts NetworkManager in new namespaces and becomes the program that
// it is given. What NetworkManager and D-Bus write is on file systems that go with it.
const nmBox = `
mount --make-rprivate /
for d in /run /etc/NetworkManager /var/lib/NetworkManager; do mount -t tmpfs box $d; done
mount -t sysfs -o ro sys /sys
mkdir -p /run/dbus
mkdir -m 700 /etc/NetworkManager/system-connections
cat >/etc/NetworkManager/NetworkManager.conf <<X
[main]
plugins=keyfile
no-auto-default=*
dns=none
rc-manager=unmanaged
auth-polkit=false
X
ip link set lo up
ip link add ve0 type veth peer name ve1
ip link set ve1 up
dbus-daemon --system --fork --nopidfile
NetworkManager
i=0
until nmcli -t general status >/dev/null 2>&1; do
	i=$((i+1)); [ $i -lt 600 ] || { echo NetworkManager does not answer; exit 1; }
	sleep 0.05
done
exec "$@"
`

const nmInside = "GORUN_TEST_NETWORKMANAGER"

// TestNMCLIReal runs itself again beside a NetworkManager.
func TestNMCLIReal(t *testing.T) {
	if os.Getenv(nmInside) != "" {
		t.Run("activation", nmActivation)
		t.Run("types", nmTypes)
		t.Run("secrets", nmSecrets)
		return
	}
	for _, program := range []string{"unshare", "dbus-daemon", "NetworkManager", "nmcli"} {
		if _, err := exec.LookPath(program); err != nil {
			needs.Missing(t, "networkmanager", err.Error())
		}
	}
	unshare := []string{"-m", "-n", "-p", "-f", "--mount-proc", "--kill-child"}
	if out, err := exec.Command("unshare", append(unshare, "mount", "-t", "sysfs", "-o", "ro", "sys", "/sys")...).CombinedOutput(); err != nil {
		needs.Missing(t, "networkmanager", "namespaces: "+string(out))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", append(unshare, "/bin/sh", "-ec", nmBox, "sh", self, "-test.run=^TestNMCLIReal$", "-test.v")...)
	cmd.Env = append(os.Environ(), nmInside+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestNMCLIReal/secrets") {
		t.Fatalf("the tests did not run:\n%s", out)
	}
}

// nmRun runs the module with nmcli, or what stands for it, in PATH.
func nmRun(t *testing.T, path string, check bool, args map[string]any) map[string]any {
	t.Helper()
	env := map[string]string{"PATH": path + ":" + os.Getenv("PATH")}
	return NMCLI.Execute(t.Context(), &modules.Run{Check: check, Diff: true, Env: env}, args)
}

// nmWant runs the module and requires that it did not fail and changed or not.
func nmWant(t *testing.T, changed bool, args map[string]any) map[string]any {
	t.Helper()
	res := nmRun(t, "", false, args)
	if res["failed"] == true || res["changed"] != changed {
		t.Errorf("%v: changed is %v, want %v: %v %v", args, res["changed"], changed, res["msg"], res["diff"])
	}
	return res
}

func nmOutput(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
	return string(out)
}

func nmWith(args map[string]any, more ...any) map[string]any {
	out := map[string]any{"state": "present", "autoconnect": false}
	for k, v := range args {
		out[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i].(string)] = more[i+1]
	}
	return out
}

// nmActivation brings an interface up and down and asks the kernel.
func nmActivation(t *testing.T) {
	base := map[string]any{"conn_name": "office net", "type": "ethernet", "ifname": "ve0", "ip4": []any{"10.1.0.2/24"}, "gw4": "10.1.0.1"}
	addresses := func() string { return nmOutput(t, "ip", "-4", "-brief", "address", "show", "ve0") }
	if res := nmRun(t, "", true, nmWith(base)); res["changed"] != true || strings.Contains(nmOutput(t, "nmcli", "con", "show"), "office net") {
		t.Errorf("check mode: %v", res)
	}
	nmWant(t, true, nmWith(base))
	nmWant(t, false, nmWith(base))
	nmWant(t, false, nmWith(base, "state", "down"))
	nmWant(t, true, nmWith(base, "state", "up"))
	nmWant(t, false, nmWith(base, "state", "up"))
	if have := addresses(); !strings.Contains(have, "10.1.0.2/24") {
		t.Errorf("up: the kernel has %s", have)
	}
	moved := nmWith(base, "ip4", []any{"10.1.0.3/24", "10.1.0.4"}, "routes4", []any{"192.0.2.0/24 10.1.0.9 5 table=7 tos=4"}, "conn_reload", true)
	nmWant(t, true, moved)
	nmWant(t, false, moved)
	nmWant(t, true, nmWith(base, "state", "up", "conn_reload", true))
	if have := addresses(); !strings.Contains(have, "10.1.0.3/24") || !strings.Contains(have, "10.1.0.4/32") {
		t.Errorf("after the change: the kernel has %s", have)
	}
	nmWant(t, true, nmWith(base, "state", "down"))
	nmWant(t, true, nmWith(base, "state", "absent"))
	nmWant(t, false, nmWith(base, "state", "absent"))
	if have := addresses(); strings.Contains(have, "10.1.0") {
		t.Errorf("absent: the kernel has %s", have)
	}
}

// nmTypes makes profiles of the types whose properties nmcli shows otherwise than
// it takes them, and finds nothing to do the second time.
func nmTypes(t *testing.T) {
	for kind, args := range map[string]map[string]any{
		"bond and ARP": {"type": "bond", "mode": "active-backup", "arp_interval": 100, "arp_ip_target": "10.0.0.1",
			"fail_over_mac": "active"},
		"bridge-slave":    {"master": "br0", "hairpin": true},
		"team":            {"runner": "lacp", "runner_fast_rate": true},
		"vlan":            {"vlandev": "ve0", "vlanid": 9, "flags": "1", "ingress": "1:2,3:4", "egress": "2:1"},
		"gre":             {"ip_tunnel_remote": "10.0.0.9", "ip_tunnel_input_key": "77001", "ip_tunnel_output_key": "77002"},
		"dummy":           {"ip4": "10.0.0.7/32", "ip6": []any{"2001:db8::7"}},
		"macvlan":         {"macvlan": map[string]any{"mode": 2, "parent": "ve0", "promiscuous": true}},
		"vrf":             {"table": 100},
		"gsm":             {"gsm": map[string]any{"apn": "internet", "home-only": true}},
		"wireguard":       {"wireguard": map[string]any{"listen-port": 51820, "fwmark": 0, "ip4-auto-default-route": true}},
		"wifi":            {"ssid": "net", "wifi": map[string]any{"hidden": true, "mac-address": "52:54:00:00:00:02"}},
		"vpn":             {"vpn": map[string]any{"service-type": "org.freedesktop.NetworkManager.l2tp", "gateway": "vpn.example.com"}},
		"ethernet, whole": {"type": "ethernet", "mac": "52:54:00:00:00:03", "routes6": []any{"2001:db8:1::/64 2001:db8::1 9"}, "ip6": []any{"2001:db8::2/64"}, "ip_privacy6": "prefer-temp-addr"},
	} {
		t.Run(kind, func(t *testing.T) {
			base := map[string]any{"conn_name": "c1", "type": kind, "ifname": "if0"}
			for k, v := range args {
				base[k] = v
			}
			nmWant(t, true, nmWith(base, "zone", "public"))
			nmWant(t, false, nmWith(base, "zone", "public"))
			if zone := nmOutput(t, "nmcli", "-g", "connection.zone", "con", "show", "c1"); zone != "public\n" {
				t.Errorf("the zone is %q", zone)
			}
			nmWant(t, true, nmWith(base, "state", "absent"))
		})
	}
}

// nmSecrets has secrets reach NetworkManager, and nobody else.
func nmSecrets(t *testing.T) {
	dir := t.TempDir()
	real, err := exec.LookPath("nmcli")
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	script := "#!/bin/sh\necho \"$*\" >>" + log + "\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "nmcli"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	const key, newKey = "OIfhrSAhoLGtURI48Lo4X5nzfu8Zri4JCfzzcyWAimI=", "gHlWGlKvHPUVyTYyBYtFAwHPcFEn1EZbwKJ5NBUZLnA="
	for _, c := range []struct {
		kind, property, secret, other string
		args                          func(secret string) map[string]any
	}{
		{"wifi", "802-11-wireless-security.psk", "correct horse 1", "battery staple 2", func(s string) map[string]any {
			return map[string]any{"ssid": "net", "wifi_sec": map[string]any{"key-mgmt": "wpa-psk", "psk": s}}
		}},
		{"wireguard", "wireguard.private-key", key, newKey, func(s string) map[string]any {
			return map[string]any{"wireguard": map[string]any{"private-key": s}}
		}},
		{"gsm", "gsm.password", "pass word 3", "pass word 4", func(s string) map[string]any {
			return map[string]any{"gsm": map[string]any{"apn": "internet", "password": s}}
		}},
		{"vpn", "vpn.data", "psk-5-psk", "psk-6-psk", func(s string) map[string]any {
			return map[string]any{"vpn": map[string]any{"service-type": "org.freedesktop.NetworkManager.l2tp", "ipsec-psk": s}}
		}},
	} {
		base := map[string]any{"conn_name": "c1", "type": c.kind, "ifname": "if0", "autoconnect": true}
		for i, secret := range []string{c.secret, c.secret, c.other} {
			args := nmWith(c.args(secret))
			for k, v := range base {
				args[k] = v
			}
			res := nmRun(t, dir, false, args)
			if res["failed"] == true || res["changed"] != (i != 1) {
				t.Errorf("%s, run %d: changed is %v: %v %v", c.kind, i+1, res["changed"], res["msg"], res["diff"])
			}
			shown := nmOutput(t, real, "--show-secrets", "con", "show", "c1")
			if !strings.Contains(shown, secret) || !strings.Contains(nmOutput(t, real, "-g", "connection.autoconnect", "con", "show", "c1"), "yes") {
				t.Errorf("%s, run %d: the profile is\n%s", c.kind, i+1, shown)
			}
			if text := modules.PyRepr(res); strings.Contains(text, c.secret) || strings.Contains(text, c.other) {
				t.Errorf("%s: the result tells the secret: %s", c.kind, text)
			}
		}
		nmWant(t, true, map[string]any{"conn_name": "c1", "state": "absent"})
	}
	told, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{key, newKey, "horse", "staple", "pass word", "psk-5", "psk-6"} {
		if strings.Contains(string(told), secret) {
			t.Errorf("%q is among the arguments:\n%s", secret, told)
		}
	}
	bad := nmWith(map[string]any{"conn_name": "c1", "type": "wifi", "ifname": "if0", "ssid": "net",
		"wifi_sec": map[string]any{"key-mgmt": "wpa-psk", "psk": "short"}})
	if res := nmRun(t, "", false, bad); res["failed"] != true || !strings.Contains(res["msg"].(string), "property is invalid") {
		t.Errorf("a psk that is too short: %v", res)
	}
}
