package action

import (
	"slices"
	"testing"
)

func TestRoute(t *testing.T) {
	for _, c := range []struct {
		name, collection, want string
	}{
		{"copy", "", "ansible.builtin.copy"},
		{"ansible.builtin.copy", "", "ansible.builtin.copy"},
		{"ansible.legacy.command", "", "ansible.builtin.command"},
		{"nova_compute", "", "openstack.cloud.nova_compute"},
		{"os_server", "", "openstack.cloud.server"},
		{"mysql_user", "", "community.mysql.mysql_user"},
		{"community.general.mysql_db", "", "community.mysql.mysql_db"},
		{"mount", "", "ansible.posix.mount"},
		{"sysctl", "", "ansible.posix.sysctl"},
		{"server", "openstack.cloud", "openstack.cloud.server"},
		{"include", "", "ansible.builtin.include"},
		{"server", "", ""},
		{"copi", "", ""},
		{"acme.things.copy", "", ""},
	} {
		var cols []string
		if c.collection != "" {
			cols = []string{c.collection}
		}
		got, ok := Route(c.name, cols)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("Route(%q, %v) = %q, %v; want %q", c.name, cols, got, ok, c.want)
		}
	}
}

func TestNear(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"copi", "copy"}, {"tempalte", "template"}, {"ansible.builtin.sehll", "shell"}, {"nova_computer", "nova_compute"},
	} {
		if near := Near(c.name); !slices.Contains(near, c.want) {
			t.Errorf("Near(%q) = %v, want %q among them", c.name, near, c.want)
		}
	}
	if near := Near("zzzzqqqq"); len(near) > 0 {
		t.Errorf("Near of nonsense = %v", near)
	}
}

func TestSplitPort(t *testing.T) {
	for _, c := range []struct {
		in, host string
		port     int
	}{
		{"a", "a", 0}, {"a:22", "a", 22}, {"[::1]:22", "::1", 22}, {"::1", "::1", 0}, {"a:b", "a:b", 0}, {"[::1", "[::1", 0},
	} {
		if host, port := splitPort(c.in); host != c.host || port != c.port {
			t.Errorf("splitPort(%q) = %q, %d; want %q, %d", c.in, host, port, c.host, c.port)
		}
	}
}
