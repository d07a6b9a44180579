package cloud

// This file runs gorun's own OpenStack modules against the simulator: each in
// check mode, for real, and again.

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"gorun/modules"
	"gorun/modules/openstack"
)

// a step is one task; changed is what its first real run reports.
type moduleStep struct {
	name    string
	module  *modules.Module
	args    map[string]any
	changed bool
	// again is what a second run reports; absent things stay absent, so false.
	again bool
	// want are keys of the result, with dots between levels.
	want map[string]string
	// fails is a part of the message of a task that fails.
	fails string
}

func moduleSteps() []moduleStep {
	server := map[string]any{
		"name": "web1", "image": "debian-12", "flavor": "2", "network": "private", "key_name": "deploy", "security_groups": []any{"web"},
		"meta": map[string]any{"role": "web"}, "auto_ip": false, "availability_zone": "NL2",
	}
	with := func(base map[string]any, more map[string]any) map[string]any {
		out := maps.Clone(base)
		maps.Copy(out, more)
		return out
	}
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUpLlNnsgDB9eBNOSEVrS0Or6uMAiRURHyuxv2RK3Vy"
	return []moduleStep{
		{name: "keypair", module: openstack.Keypair, args: map[string]any{"name": "deploy", "public_key": key + " a@b"}, changed: true, want: map[string]string{"keypair.name": "deploy"}},
		{name: "keypair with another comment", module: openstack.Keypair, args: map[string]any{"name": "deploy", "public_key": key + " c@d"}},
		{name: "keypair with another key", module: openstack.Keypair, args: map[string]any{"name": "deploy", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOther"}, fails: "key hash not the same"},
		{name: "group", module: openstack.SecurityGroup, args: map[string]any{"name": "web", "description": "one"}, changed: true, want: map[string]string{"security_group.description": "one"}},
		{name: "group's description", module: openstack.SecurityGroup, args: map[string]any{"name": "web", "description": "two"}, changed: true, want: map[string]string{"security_group.description": "two"}},
		{name: "rule", module: openstack.SecurityGroupRule, args: map[string]any{"security_group": "web", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80, "remote_ip_prefix": "0.0.0.0/0"}, changed: true, want: map[string]string{"rule.protocol": "tcp"}},
		{name: "rule of a group that is not there", module: openstack.SecurityGroupRule, args: map[string]any{"security_group": "nope", "protocol": "tcp"}, fails: "Could not find security group nope"},
		{name: "network", module: openstack.Network, args: map[string]any{"name": "back", "mtu_size": 1400}, changed: true, want: map[string]string{"network.name": "back"}},
		{name: "subnet", module: openstack.Subnet, args: map[string]any{"name": "back4", "network_name": "back", "cidr": "10.5.0.0/24", "dns_nameservers": []any{"10.5.0.1"}}, changed: true, want: map[string]string{"subnet.cidr": "10.5.0.0/24"}},
		{name: "subnet without DHCP", module: openstack.Subnet, args: map[string]any{"name": "back4", "network_name": "back", "cidr": "10.5.0.0/24", "enable_dhcp": false}, changed: true, want: map[string]string{"subnet.enable_dhcp": "false"}},
		{name: "subnet without a network", module: openstack.Subnet, args: map[string]any{"name": "x"}, fails: "network_name required"},
		{name: "port", module: openstack.Port, args: map[string]any{"name": "fixed1", "network": "back", "fixed_ips": []any{map[string]any{"ip_address": "10.5.0.50"}}}, changed: true, want: map[string]string{"port.name": "fixed1"}},
		{name: "port's groups", module: openstack.Port, args: map[string]any{"name": "fixed1", "network": "back", "security_groups": []any{"web"}}, changed: true},
		{name: "server", module: openstack.Server, args: server, changed: true, want: map[string]string{"server.status": "ACTIVE", "server.metadata.role": "web"}},
		{name: "server's metadata", module: openstack.Server, args: with(server, map[string]any{"meta": "role=db"}), changed: true, want: map[string]string{"server.metadata.role": "db"}},
		{name: "server's groups", module: openstack.Server, args: with(server, map[string]any{"meta": "role=db", "security_groups": "default"}), changed: true},
		{name: "server without an image", module: openstack.Server, args: map[string]any{"name": "web2", "flavor": "2"}, fails: "'image' or 'boot_volume' is required"},
		{name: "server of a flavor that is not there", module: openstack.Server, args: with(server, map[string]any{"name": "web2", "flavor": "huge"}), fails: "Could not find flavor huge"},
		{name: "server that fails", module: openstack.Server, args: with(server, map[string]any{"name": "fail-web"}), fails: "Error in creating the server"},
		{name: "servers", module: openstack.ServerInfo, args: map[string]any{"server": "web*"}, want: map[string]string{"servers.0.name": "web1"}},
		{name: "floating address", module: openstack.FloatingIP, args: map[string]any{"server": "web1", "network": "public"}, changed: true},
		{name: "nova_compute of a server that is there", module: openstack.NovaCompute, args: map[string]any{"name": "web1", "image_id": FixedID("debian-12")}, want: map[string]string{"status": "ACTIVE"}},
		{name: "server goes", module: openstack.Server, args: map[string]any{"name": "web1", "state": "absent"}, changed: true},
		{name: "port goes", module: openstack.Port, args: map[string]any{"name": "fixed1", "state": "absent"}, changed: true},
		{name: "subnet goes", module: openstack.Subnet, args: map[string]any{"name": "back4", "state": "absent"}, changed: true},
		{name: "network goes", module: openstack.Network, args: map[string]any{"name": "back", "state": "absent"}, changed: true},
		{name: "keypair goes", module: openstack.Keypair, args: map[string]any{"name": "deploy", "state": "absent"}, changed: true},
	}
}

// account adds the login to a module's arguments.
func (s moduleStep) account(url string) map[string]any {
	out := maps.Clone(s.args)
	if s.module == openstack.NovaCompute {
		maps.Copy(out, map[string]any{"auth_url": url, "login_username": "demo", "login_password": "secret", "login_tenant_name": "demo"})
		return out
	}
	out["auth"] = map[string]any{"auth_url": url, "username": "demo", "password": "secret", "project_name": "demo",
		"user_domain_name": "Default", "project_domain_name": "Default"}
	return out
}

func (s moduleStep) run(t *testing.T, url string, check bool) map[string]any {
	t.Helper()
	return s.module.Execute(context.Background(), &modules.Run{Name: s.module.Spec.Name, Check: check}, s.account(url))
}

func TestModules(t *testing.T) {
	for _, path := range []string{"/v3", "/v2.0"} {
		t.Run(path, func(t *testing.T) {
			k := newCloud(t, nil)
			for _, s := range moduleSteps() {
				s.test(t, k.url+path)
			}
		})
	}
}

// test runs a step in check mode, for real, and again.
func (s moduleStep) test(t *testing.T, url string) {
	t.Helper()
	if s.fails != "" {
		if res := s.run(t, url, false); res["failed"] != true || !strings.Contains(fmt.Sprint(res["msg"]), s.fails) {
			t.Errorf("%s: got %v, want a failure with %q", s.name, res["msg"], s.fails)
		}
		return
	}
	for _, r := range []struct {
		when    string
		check   bool
		changed bool
	}{{"in check mode", true, s.changed}, {"in check mode again", true, s.changed}, {"for real", false, s.changed}, {"again", false, s.again}} {
		res := s.run(t, url, r.check)
		if res["failed"] == true {
			t.Errorf("%s, %s: failed: %v", s.name, r.when, res["msg"])
			return
		}
		if res["changed"] != r.changed {
			t.Errorf("%s, %s: changed is %v, want %v", s.name, r.when, res["changed"], r.changed)
		}
		if r.when == "for real" || r.when == "again" {
			for key, want := range s.want {
				if got := fmt.Sprint(dig(res, strings.Split(key, "."))); got != want {
					t.Errorf("%s, %s: %s is %s, want %s", s.name, r.when, key, got, want)
				}
			}
		}
		if text := fmt.Sprint(res); strings.Contains(text, "secret") {
			t.Errorf("%s, %s: the password is in the result: %s", s.name, r.when, text)
		}
	}
}

// dig follows keys and list places into a result.
func dig(v any, keys []string) any {
	for _, k := range keys {
		switch c := v.(type) {
		case map[string]any:
			v = c[k]
		case []any:
			i := 0
			if _, err := fmt.Sscan(k, &i); err != nil || i >= len(c) {
				return nil
			}
			v = c[i]
		default:
			return nil
		}
	}
	return v
}
