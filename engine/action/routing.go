package action

// This file routes names of actions to what runs: full names, short names,
// and names of former days.

import (
	"slices"
	"sort"
	"strings"
	"sync"

	"gorun/engine/foreign"
	"gorun/engine/spell"
	"gorun/modules/registry"
)

// redirects are names that moved, as Ansible's own routing tables have them,
// and names of Ansible 1.x. Each leads to a full name.
var redirects = map[string]string{
	"include":                             "ansible.builtin.include",
	"systemd":                             "ansible.builtin.systemd_service",
	"ansible.builtin.systemd":             "ansible.builtin.systemd_service",
	"yum":                                 "ansible.builtin.dnf",
	"ansible.builtin.yum":                 "ansible.builtin.dnf",
	"dnf5":                                "ansible.builtin.dnf",
	"ansible.builtin.dnf5":                "ansible.builtin.dnf",
	"nova_compute":                        "openstack.cloud.nova_compute",
	"os_server":                           "openstack.cloud.server",
	"os_server_info":                      "openstack.cloud.server_info",
	"os_server_facts":                     "openstack.cloud.server_info",
	"os_server_action":                    "openstack.cloud.server_action",
	"os_server_volume":                    "openstack.cloud.server_volume",
	"os_keypair":                          "openstack.cloud.keypair",
	"nova_keypair":                        "openstack.cloud.keypair",
	"os_security_group":                   "openstack.cloud.security_group",
	"os_security_group_rule":              "openstack.cloud.security_group_rule",
	"os_network":                          "openstack.cloud.network",
	"os_networks_facts":                   "openstack.cloud.networks_info",
	"os_networks_info":                    "openstack.cloud.networks_info",
	"quantum_network":                     "openstack.cloud.network",
	"os_subnet":                           "openstack.cloud.subnet",
	"os_subnets_facts":                    "openstack.cloud.subnets_info",
	"os_subnets_info":                     "openstack.cloud.subnets_info",
	"quantum_subnet":                      "openstack.cloud.subnet",
	"os_port":                             "openstack.cloud.port",
	"os_port_facts":                       "openstack.cloud.port_info",
	"os_port_info":                        "openstack.cloud.port_info",
	"os_floating_ip":                      "openstack.cloud.floating_ip",
	"quantum_floating_ip":                 "openstack.cloud.floating_ip",
	"os_router":                           "openstack.cloud.router",
	"os_image":                            "openstack.cloud.image",
	"os_image_facts":                      "openstack.cloud.image_info",
	"os_image_info":                       "openstack.cloud.image_info",
	"os_volume":                           "openstack.cloud.volume",
	"os_auth":                             "openstack.cloud.auth",
	"openstack.cloud.os_server":           "openstack.cloud.server",
	"mysql_user":                          "community.mysql.mysql_user",
	"mysql_db":                            "community.mysql.mysql_db",
	"mysql_replication":                   "community.mysql.mysql_replication",
	"mysql_variables":                     "community.mysql.mysql_variables",
	"mysql_query":                         "community.mysql.mysql_query",
	"mysql_info":                          "community.mysql.mysql_info",
	"mysql_facts":                         "community.mysql.mysql_info",
	"community.general.mysql_user":        "community.mysql.mysql_user",
	"community.general.mysql_db":          "community.mysql.mysql_db",
	"community.general.mysql_replication": "community.mysql.mysql_replication",
	"mount":                               "ansible.posix.mount",
	"sysctl":                              "ansible.posix.sysctl",
	"synchronize":                         "ansible.posix.synchronize",
	"authorized_key":                      "ansible.posix.authorized_key",
	"seboolean":                           "ansible.posix.seboolean",
	"selinux":                             "ansible.posix.selinux",
	"acl":                                 "ansible.posix.acl",
	"at":                                  "ansible.posix.at",
	"firewalld":                           "ansible.posix.firewalld",
	"patch":                               "ansible.posix.patch",
	"docker":                              "community.docker.docker_container",
	"docker_container":                    "community.docker.docker_container",
	"postgresql_db":                       "community.postgresql.postgresql_db",
	"postgresql_user":                     "community.postgresql.postgresql_user",
	"postgresql_privs":                    "community.postgresql.postgresql_privs",
}

// controllerOnly are modules that run in gorun's own process; the command
// line's program has them, no agent does.
var controllerOnly = []string{
	"openstack.cloud.nova_compute", "openstack.cloud.server", "openstack.cloud.server_info", "openstack.cloud.keypair",
	"openstack.cloud.security_group", "openstack.cloud.security_group_rule", "openstack.cloud.network",
	"openstack.cloud.subnet", "openstack.cloud.port", "openstack.cloud.floating_ip",
}

// known reports whether a full name can run.
func known(full string) bool {
	if _, ok := Actions[full]; ok {
		return true
	}
	return engineActions[full] || registry.Lookup(full) != nil || slices.Contains(controllerOnly, full)
}

// short maps a module's last name to its full one, builtin first.
var short = sync.OnceValue(func() map[string]string {
	t := map[string]string{}
	add := func(full string) {
		name := full[strings.LastIndexByte(full, '.')+1:]
		if old, ok := t[name]; !ok || !strings.HasPrefix(old, "ansible.builtin.") && strings.HasPrefix(full, "ansible.builtin.") {
			t[name] = full
		}
	}
	for _, m := range registry.All {
		add(m.Spec.Name)
	}
	for full := range Actions {
		add(full)
	}
	for full := range engineActions {
		add(full)
	}
	for _, full := range controllerOnly {
		if strings.HasSuffix(full, ".nova_compute") {
			add(full) // the others have had prefixes since they had names
		}
	}
	return t
})

// Route resolves the name of an action to a full name that can run.
// Collections are searched for unqualified names, as the keyword asks.
func Route(name string, collections []string) (full string, ok bool) {
	if known(name) {
		return name, true
	}
	if to, ok := redirects[name]; ok {
		return firstKnown(to, name)
	}
	if rest, isLegacy := strings.CutPrefix(name, "ansible.legacy."); isLegacy {
		return Route(rest, nil)
	}
	if strings.Contains(name, ".") {
		return routeDotted(name)
	}
	if full := "ansible.builtin." + name; known(full) {
		return full, true
	}
	for _, c := range collections {
		if known(c + "." + name) {
			return c + "." + name, true
		}
	}
	to, ok := short()[name]
	return to, ok
}

// firstKnown is a redirect's aim; where that is not there yet the old place may still be.
func firstKnown(to, name string) (string, bool) {
	if known(to) {
		return to, true
	}
	if to, ok := short()[name[strings.LastIndexByte(name, '.')+1:]]; ok {
		return to, true
	}
	return "", false
}

// routeDotted resolves a full name that is not there as written: modules that
// moved between collections keep their last name.
func routeDotted(name string) (string, bool) {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if !movedFrom(name) {
		return "", false
	}
	if to, ok := redirects[last]; ok && known(to) {
		return to, true
	}
	to, ok := short()[last]
	return to, ok
}

// movedFrom reports whether a name's collection once held modules that are
// elsewhere today, or holds today what this program has by a former name.
func movedFrom(name string) bool {
	for _, c := range []string{"ansible.builtin.", "community.general.", "ansible.posix.", "community.mysql.", "ansible.mysql.", "openstack.cloud."} {
		if strings.HasPrefix(name, c) {
			return true
		}
	}
	return false
}

// Near are the known names nearest to one that is not known, best first.
func Near(name string) []string {
	want := name[strings.LastIndexByte(name, '.')+1:]
	type scored struct {
		name string
		d    int
	}
	var all []scored
	seen := map[string]bool{}
	add := func(n string) {
		if d := spell.Distance(want, n); !seen[n] && d <= max(1, len(want)/3) {
			seen[n] = true
			all = append(all, scored{n, d})
		}
	}
	for n := range short() {
		add(n)
	}
	for n, to := range redirects {
		if !strings.Contains(n, ".") && known(to) {
			add(n)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].d != all[j].d {
			return all[i].d < all[j].d
		}
		return all[i].name < all[j].name
	})
	var out []string
	for _, s := range all[:min(3, len(all))] {
		out = append(out, s.name)
	}
	return out
}

// actionGroups are groups of module_defaults (group/NAME) where their
// collection is not on the controller: prefixes of full names.
var actionGroups = map[string][]string{
	"openstack":                 {"openstack.cloud."},
	"openstack.cloud.openstack": {"openstack.cloud."},
	"os":                        {"openstack.cloud."},
	"docker":                    {"community.docker."},
	"community.docker.docker":   {"community.docker."},
	"postgresql":                {"community.postgresql."},
	"mysql":                     {"community.mysql."},
	"k8s":                       {"kubernetes.core."},
	"kubernetes.core.k8s":       {"kubernetes.core."},
	"aws":                       {"amazon.aws.", "community.aws."},
	"amazon.aws.aws":            {"amazon.aws.", "community.aws."},
}

// InGroup reports whether a module, by its full name, is in a group of
// module_defaults. Collections on the controller say what is in theirs; f may be nil.
func InGroup(f *foreign.Finder, full, group string) bool {
	if f != nil {
		if in, known := f.InGroup(full, group); known {
			return in
		}
	}
	for _, p := range actionGroups[group] {
		if strings.HasPrefix(full, p) {
			return true
		}
	}
	return false
}
