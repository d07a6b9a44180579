package cloud

// This file reads the simulator's servers with the inventory plugin
// openstack.cloud.openstack.

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorun/engine/cloudinventory"
	"gorun/modules/openstack"
	"gorun/templates"
	"gorun/vars/inventory"
	"gorun/vars/pyyaml"
)

func TestInventoryPlugin(t *testing.T) {
	url := newCloud(t, nil).url + "/v3"
	for _, name := range []string{"web1", "web2", "db1"} {
		step := moduleStep{module: openstack.Server, args: map[string]any{
			"name": name, "image": "debian-12", "flavor": "2", "network": "private", "auto_ip": false,
			"meta": map[string]any{"group": name[:len(name)-1], "groups": "lab,eu"}, "availability_zone": "NL2",
		}}
		if res := step.run(t, url, false); res["failed"] == true {
			t.Fatal(res["msg"])
		}
	}
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("OS_AUTH_URL", "")
	t.Setenv("OS_CLIENT_CONFIG_FILE", "")
	write(t, "clouds.yaml", `clouds:
  lab:
    region_name: `+Region+`
    auth: {auth_url: "`+url+`", username: demo, project_name: demo, user_domain_id: default, project_domain_id: default}
  gone:
    auth: {auth_url: "http://127.0.0.1:1/", username: demo, password: x, project_name: demo, user_domain_id: default, project_domain_id: default}
`)
	write(t, "secure.yaml", "clouds: {lab: {auth: {password: secret}}}\n")
	plugin := "plugin: openstack.cloud.openstack\n"
	for _, c := range []struct{ name, config, pattern, hosts, warning string }{
		{"groups of metadata", "only_clouds: [lab]\n", "web", "web1 web2", ""},
		{"more groups", "only_clouds: [lab]\n", "lab:&eu:&meta-group_db", "db1", ""},
		{"region and zone", "only_clouds: [lab]\n", "lab_" + Region + "_NL2", "db1 web1 web2", ""},
		{"no groups", "only_clouds: [lab]\nlegacy_groups: false\n", "web", "", ""},
		{"a filter", "only_clouds: [lab]\nserver_filters: {name: db}\n", "all", "db1", ""},
		{"constructed", "only_clouds: [lab]\nlegacy_groups: false\nstrict: true\ncompose: {role: openstack.metadata.group}\ngroups: {data: role == 'db'}\nkeyed_groups: [{key: openstack.status, prefix: s}]\n", "data:&s_ACTIVE", "db1", ""},
		{"a cloud that is gone", "", "web", "web1 web2", "Fetching servers for cloud gone failed with: "},
		{"a cloud that is gone fails", "fail_on_errors: true\n", "all", "", "Failed to parse inventory with 'auto' plugin: "},
		{"a cloud that nobody knows", "only_clouds: [lap]\n", "all", "", "Did you mean lab?"},
		{"a wrong option", "only_cloud: [lab]\nonly_clouds: [lab]\n", "db1", "db1", "did you mean 'only_clouds'?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, "openstack.yaml", plugin+c.config)
			inv, warnings := loadPlugin(t)
			hosts, err := inv.Match(c.pattern, "")
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, h := range inv.Hosts() {
				for _, m := range hosts {
					if m == h {
						names = append(names, h.Name)
					}
				}
			}
			if got := sorted(names); got != c.hosts {
				t.Errorf("%s is %q, want %q (%s)", c.pattern, got, c.hosts, warnings)
			}
			if !strings.Contains(warnings, c.warning) || c.warning == "" && warnings != "" {
				t.Errorf("warned %q, want %q", warnings, c.warning)
			}
			if strings.Contains(warnings, "secret") {
				t.Errorf("the password is in %q", warnings)
			}
		})
	}
	write(t, "openstack.yaml", plugin+"only_clouds: [lab]\ninventory_hostname: uuid\n")
	inv, _ := loadPlugin(t)
	for _, h := range inv.Hosts() {
		vars, ok := h.Vars.GetStr("openstack")
		if !ok {
			t.Fatalf("%s has no openstack", h.Name)
		}
		d := vars.(*templates.Dict)
		id, _ := d.GetStr("id")
		addr, _ := h.Vars.GetStr("ansible_host")
		if fmt.Sprint(id) != h.Name || addr == nil || d.Len() < 20 {
			t.Errorf("%s: id %v, ansible_host %v, %d keys", h.Name, id, addr, d.Len())
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(names, " ")
}

func loadPlugin(t *testing.T) (inv *inventory.Inventory, warnings string) {
	t.Helper()
	file, err := filepath.Abs("openstack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	inv, err = inventory.Load([]string{file}, inventory.Options{
		Era: templates.Current, Plugins: cloudinventory.Plugins(t.Context()),
		ParseYAML: func(data []byte, file string) (templates.Value, error) {
			return pyyaml.Parse(data, file, pyyaml.Options{Trusted: true})
		},
		Warn: func(msg string) {
			if !strings.HasPrefix(msg, "Invalid characters") {
				warnings += msg + "\n"
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return inv, warnings
}
