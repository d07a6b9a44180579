package cloudinventory

// This file defines the plugin openstack.cloud.openstack.

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"

	"gorun/engine/spell"
	"gorun/modules/openstack"
	"gorun/templates"
	"gorun/vars/inventory"
)

// Plugins are the plugins by their full names. ctx ends what they ask of a cloud.
func Plugins(ctx context.Context) map[string]inventory.PluginFunc {
	return map[string]inventory.PluginFunc{
		"openstack.cloud.openstack": func(b *inventory.Builder, config *templates.Dict) error {
			return openStack(ctx, b, config)
		},
	}
}

// options are those of the plugin.
type options struct {
	allProjects, expand, failOnErrors, legacyGroups bool
	onlyIPv4, private, showAll, useNames            bool
	byID                                            bool
	files, only                                     []string
	filters                                         url.Values
}

// known are the names of the plugin's options, those of the fragments
// constructed and inventory_cache included.
var known = []string{
	"plugin", "clouds", "all_projects", "clouds_yaml_path", "expand_hostvars", "fail_on_errors", "inventory_hostname",
	"legacy_groups", "only_clouds", "only_ipv4", "private", "server_filters", "show_all", "use_names",
	"compose", "groups", "keyed_groups", "strict", "leading_separator", "use_extra_vars",
	"cache", "cache_plugin", "cache_timeout", "cache_connection", "cache_prefix",
}

func openStack(ctx context.Context, b *inventory.Builder, config *templates.Dict) error {
	o, err := readOptions(b, config)
	if err != nil {
		return err
	}
	construct, err := inventory.NewConstruct(b, config)
	if err != nil {
		return err
	}
	v, err := b.Cached("openstack.cloud.openstack", config, func() (templates.Value, error) { return fetch(ctx, b, o) })
	if err != nil {
		return err
	}
	list, ok := v.(*templates.List)
	if !ok {
		return fmt.Errorf("the cache of %s holds a %s, not a list of servers", b.Source, v.Type())
	}
	return populate(b, o, construct, list)
}

func readOptions(b *inventory.Builder, config *templates.Dict) (*options, error) {
	o := &options{legacyGroups: true, filters: url.Values{}}
	for _, k := range config.Keys() {
		name := templates.StrOf(k, templates.Current)
		if !slices.Contains(known, name) {
			msg := fmt.Sprintf("openstack.cloud.openstack has no option '%s', which is ignored", name)
			if best := spell.Nearest(name, known); best != "" {
				msg += fmt.Sprintf(" (did you mean '%s'?)", best)
			}
			b.Warn(msg)
		}
	}
	for name, p := range map[string]*bool{
		"all_projects": &o.allProjects, "expand_hostvars": &o.expand, "fail_on_errors": &o.failOnErrors,
		"legacy_groups": &o.legacyGroups, "only_ipv4": &o.onlyIPv4, "private": &o.private,
		"show_all": &o.showAll, "use_names": &o.useNames,
	} {
		if v, ok := config.GetStr(name); ok {
			*p = inventory.IsTrue(v)
		}
	}
	switch s := option(config, "inventory_hostname"); s {
	case "", "name":
	case "uuid":
		o.byID = true
	default:
		return nil, fmt.Errorf("inventory_hostname is 'name' or 'uuid', not '%s'", s)
	}
	var err error
	if o.files, err = words(config, "clouds_yaml_path"); err != nil {
		return nil, err
	}
	if o.only, err = words(config, "only_clouds"); err != nil {
		return nil, err
	}
	if v, ok := config.GetStr("server_filters"); ok {
		d, ok := v.(*templates.Dict)
		if !ok {
			return nil, fmt.Errorf("the option server_filters is a %s, not a dictionary", v.Type())
		}
		for k, v := range d.All {
			o.filters.Set(templates.StrOf(k, templates.Current), templates.StrOf(v, templates.Current))
		}
	}
	return o, nil
}

func option(config *templates.Dict, name string) string {
	v, ok := config.GetStr(name)
	if !ok {
		return ""
	}
	return templates.StrOf(v, templates.Current)
}

// words reads an option that is a list of texts, or one text.
func words(config *templates.Dict, name string) ([]string, error) {
	v, ok := config.GetStr(name)
	if !ok || v == templates.Value(templates.None) {
		return nil, nil
	}
	list, ok := v.(*templates.List)
	if !ok {
		if v.Type() != "str" {
			return nil, fmt.Errorf("the option %s is a %s, not a list", name, v.Type())
		}
		return strings.Split(templates.StrOf(v, templates.Current), ","), nil
	}
	var out []string
	for _, e := range list.Elems {
		out = append(out, templates.StrOf(e, templates.Current))
	}
	return out, nil
}

// fetch asks every cloud for its servers. One that fails is warned of, unless
// fail_on_errors makes it the end.
func fetch(ctx context.Context, b *inventory.Builder, o *options) (templates.Value, error) {
	regions, err := findClouds(o.files, o.only)
	if err != nil {
		return nil, err
	}
	list := templates.NewList()
	for _, r := range regions {
		found, err := openstack.Servers(ctx, openstack.Query{
			Cloud: r.conf, Region: r.name, Filters: o.filters, AllProjects: o.allProjects, Volumes: o.expand,
		})
		if err != nil {
			b.Warn(fmt.Sprintf("Fetching servers for cloud %s failed with: %s", r.cloud, err))
			if o.failOnErrors {
				return nil, err
			}
			continue
		}
		for _, s := range found {
			s["cloud"] = cloudOf(r)
			addSDKNames(s)
			data, err := json.Marshal(s)
			if err != nil {
				return nil, err
			}
			v, err := templates.FromJSON(data) // whole numbers come out as such
			if err != nil {
				return nil, err
			}
			list.Elems = append(list.Elems, v)
		}
	}
	return list, nil
}

func cloudOf(r region) map[string]any {
	c := map[string]any{"name": r.cloud}
	if r.name != "" {
		c["region"] = r.name
	}
	return c
}

// sdkNames are openstacksdk's names of a server's keys, which playbooks use
// (https://docs.openstack.org/openstacksdk/latest/user/resources/compute/v2/server.html).
var sdkNames = map[string]string{
	"access_ipv4": "accessIPv4", "access_ipv6": "accessIPv6", "attached_volumes": "os-extended-volumes:volumes_attached",
	"availability_zone": "OS-EXT-AZ:availability_zone", "compute_host": "OS-EXT-SRV-ATTR:host",
	"created_at": "created", "disk_config": "OS-DCF:diskConfig", "has_config_drive": "config_drive", "host_id": "hostId",
	"hypervisor_hostname": "OS-EXT-SRV-ATTR:hypervisor_hostname", "instance_name": "OS-EXT-SRV-ATTR:instance_name",
	"is_locked": "locked", "launched_at": "OS-SRV-USG:launched_at", "power_state": "OS-EXT-STS:power_state",
	"project_id": "tenant_id", "task_state": "OS-EXT-STS:task_state", "terminated_at": "OS-SRV-USG:terminated_at",
	"updated_at": "updated", "vm_state": "OS-EXT-STS:vm_state",
}

// addSDKNames adds openstacksdk's names to those of the API.
func addSDKNames(s map[string]any) {
	for name, key := range sdkNames {
		if _, ok := s[name]; !ok {
			s[name] = s[key]
		}
	}
	for _, key := range []string{"flavor", "image"} {
		m, ok := s[key].(map[string]any)
		if !ok {
			continue // a server that boots from a volume has no image
		}
		s[key+"_id"] = m["id"]
		if _, ok := m["name"]; !ok && m["original_name"] != nil {
			m["name"] = m["original_name"]
		}
	}
}

// populate makes hosts of servers.
func populate(b *inventory.Builder, o *options, construct *inventory.Construct, servers *templates.List) error {
	count := map[string]int{}
	for _, e := range servers.Elems {
		count[get(e, "name")]++
	}
	type host struct {
		name   string
		server templates.Value
	}
	var hosts []host
	for _, e := range servers.Elems {
		name := get(e, "name")
		if o.byID || count[name] > 1 {
			name = get(e, "id")
		}
		if addrs := field(e, "addresses"); o.showAll || addrs != nil && addrs.Truth() {
			hosts = append(hosts, host{name, e})
		}
	}
	for _, h := range hosts {
		if err := b.AddHost(h.name, "all"); err != nil {
			return err
		}
		b.SetHostVar(h.name, "openstack", h.server)
		if ip := o.address(h.server); ip != "" {
			b.SetHostVar(h.name, "ansible_ssh_host", templates.Str(ip))
			b.SetHostVar(h.name, "ansible_host", templates.Str(ip))
		}
		if err := construct.Host(h.name); err != nil {
			return err
		}
	}
	if !o.legacyGroups {
		return nil
	}
	for _, h := range hosts {
		for _, name := range legacyGroups(h.server) {
			group, err := b.AddGroup(name)
			if err != nil {
				return err
			}
			if err := b.AddHost(h.name, group); err != nil {
				return err
			}
		}
	}
	return nil
}

// address is where a server is reached: its name with use_names, else its
// first floating address, else its first other; "" where it has none.
func (o *options) address(server templates.Value) string {
	if o.useNames {
		return get(server, "name")
	}
	var floating, fixed string
	networks, ok := field(server, "addresses").(*templates.Dict)
	if !ok {
		return ""
	}
	for _, list := range networks.All {
		seq, ok := list.(*templates.List)
		if !ok {
			continue
		}
		for _, a := range seq.Elems {
			switch kind := get(a, "OS-EXT-IPS:type"); {
			case kind == "floating" && floating == "":
				floating = get(a, "addr")
			case kind == "fixed" && fixed == "" && (!o.onlyIPv4 || get(a, "version") == "4"):
				fixed = get(a, "addr")
			}
		}
	}
	if floating != "" && !o.private {
		return floating
	}
	return fixed
}

// legacyGroups are the groups that a server is in by what it is.
func legacyGroups(server templates.Value) []string {
	cloud := get(field(server, "cloud"), "name")
	region := get(field(server, "cloud"), "region")
	groups := []string{cloud}
	if region != "" {
		groups = append(groups, region, cloud+"_"+region)
	}
	if meta, ok := field(server, "metadata").(*templates.Dict); ok {
		groups = append(groups, metaGroups(meta)...)
	}
	groups = append(groups, "instance-"+get(server, "id"))
	for _, k := range []string{"flavor", "image"} {
		if name := get(field(server, k), "name"); name != "" {
			groups = append(groups, k+"-"+name)
		}
	}
	if zone := get(server, "availability_zone"); zone != "" {
		groups = append(groups, zone)
		if region != "" {
			groups = append(groups, region+"_"+zone, cloud+"_"+region+"_"+zone)
		}
	}
	return groups
}

func metaGroups(meta *templates.Dict) []string {
	var groups []string
	if g := get(meta, "group"); g != "" {
		groups = append(groups, g)
	}
	for g := range strings.SplitSeq(get(meta, "groups"), ",") {
		if g = strings.TrimSpace(g); g != "" {
			groups = append(groups, g)
		}
	}
	var pairs []string
	for k, v := range meta.All {
		pairs = append(pairs, fmt.Sprintf("meta-%s_%s", templates.StrOf(k, templates.Current), templates.StrOf(v, templates.Current)))
	}
	sort.Strings(pairs)
	return append(groups, pairs...)
}

// field is the value of a key, nil where v is no dictionary or has none.
func field(v templates.Value, key string) templates.Value {
	d, ok := v.(*templates.Dict)
	if !ok {
		return nil
	}
	e, _ := d.GetStr(key)
	return e
}

// get is the text of a key, "" where there is none.
func get(v templates.Value, key string) string {
	e := field(v, key)
	if e == nil || e == templates.Value(templates.None) {
		return ""
	}
	return templates.StrOf(e, templates.Current)
}
