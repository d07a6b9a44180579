// Package facts finds out what Ansible's setup module reports of a host, from
// procfs, sysfs, netlink and the files under /etc; no ip, lsblk or dmidecode
// has to be there.
package facts

// This file is the setup module: which collectors run, and the filter.

import (
	"context"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"gorun/modules"
)

// A host is one gathering of facts: what the collectors need to know.
type host struct {
	ctx     context.Context
	run     *modules.Run
	path    string // facts.d folder
	timeout time.Duration
	mu      sync.Mutex // guards run.Warnings
	python  func() (exe string, v pythonVersion)
}

func (h *host) warn(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.run.Warn(format, args...)
}

// A collector yields facts, without the prefix "ansible_".
type collector struct {
	name    string
	aliases []string // the facts' own names that select it as well
	needs   []string // collectors that run with it
	min     bool     // part of the subset min
	collect func(h *host) map[string]any
}

// collectors are in the order of their names in Ansible's list of subsets.
var collectors = []collector{
	{name: "apparmor", min: true, collect: apparmor},
	{name: "caps", aliases: []string{"system_capabilities", "system_capabilities_enforced"}, min: true, collect: capabilities},
	{name: "chroot", aliases: []string{"is_chroot"}, collect: isChroot},
	{name: "cmdline", min: true, collect: cmdline},
	{name: "date_time", min: true, collect: dateTime},
	{name: "distribution", aliases: []string{"distribution_version", "distribution_cpe_name", "distribution_release", "distribution_major_version", "os_family"}, min: true, collect: distribution},
	{name: "dns", min: true, collect: dns},
	{name: "env", min: true, collect: environment},
	{name: "facter", collect: facter},
	{name: "fibre_channel_wwn", collect: fibreChannel},
	{name: "fips", min: true, collect: fips},
	{name: "hardware", aliases: []string{"processor", "processor_cores", "processor_count", "mounts", "devices"}, needs: []string{"platform"}, collect: hardware},
	{name: "iscsi", collect: iscsi},
	{name: "loadavg", collect: loadavg},
	{name: "local", min: true, collect: localFacts},
	{name: "lsb", min: true, collect: lsb},
	{name: "network", aliases: []string{"interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"}, needs: []string{"platform", "distribution"}, collect: network},
	{name: "nvme", collect: nvme},
	{name: "ohai", collect: ohai},
	{name: "pkg_mgr", needs: []string{"distribution"}, min: true, collect: pkgMgr},
	{name: "platform", aliases: []string{"system", "kernel", "kernel_version", "machine", "python_version", "machine_id", "architecture"}, min: true, collect: platform},
	{name: "python", min: true, collect: python},
	{name: "selinux", min: true, collect: selinux},
	{name: "service_mgr", needs: []string{"platform", "distribution"}, min: true, collect: serviceMgr},
	{name: "ssh_pub_keys", aliases: []string{"ssh_host_pub_keys", "ssh_host_key_dsa_public", "ssh_host_key_rsa_public", "ssh_host_key_ecdsa_public", "ssh_host_key_ed25519_public"}, min: true, collect: sshHostKeys},
	{name: "systemd", collect: systemd},
	{name: "user", aliases: []string{"user_id", "user_uid", "user_gid", "user_gecos", "user_dir", "user_shell", "real_user_id", "effective_user_id", "effective_group_ids"}, min: true, collect: userFacts},
	{name: "virtual", aliases: []string{"virtualization_type", "virtualization_role", "virtualization_tech_guest", "virtualization_tech_host"}, collect: virtual},
}

type setupArgs struct {
	GatherSubset  []string `arg:"gather_subset"`
	GatherTimeout int      `arg:"gather_timeout"`
	Filter        []string `arg:"filter"`
	FactPath      string   `arg:"fact_path"`
}

// Setup is ansible.builtin.setup
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/setup_module.html).
var Setup = modules.Define(modules.Spec{
	Name:  "ansible.builtin.setup",
	Doc:   "Gathers facts about the host.",
	Facts: true,
	Diff:  modules.NoSupport,
	Options: []modules.Option{
		{Name: "gather_subset", Type: modules.List, Elements: modules.Str, Default: []any{"all"}, Doc: "The groups of facts to gather; a name after ! is left out."},
		{Name: "gather_timeout", Type: modules.Int, Default: 10, Doc: "Seconds that a single slow fact (a hanging mount) may take."},
		{Name: "filter", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Shell patterns; only facts whose name matches one are returned."},
		{Name: "fact_path", Type: modules.Path, Default: "/etc/ansible/facts.d", Doc: "The folder of *.fact files: JSON, INI or programs that print either."},
	},
}, setup)

func setup(ctx context.Context, m *modules.Run, a *setupArgs) (*modules.Result, error) {
	names, err := selectCollectors(a.GatherSubset)
	if err != nil {
		return nil, err
	}
	facts := Gather(ctx, m, names, a.FactPath, time.Duration(a.GatherTimeout)*time.Second)
	facts = filterFacts(facts, a.Filter)
	if len(a.Filter) == 0 || slices.Contains(a.Filter, "*") {
		facts["gather_subset"] = a.GatherSubset
		facts["module_setup"] = true
	}
	return &modules.Result{Data: map[string]any{"ansible_facts": facts}}, nil
}

// Gather runs the named collectors side by side and returns the facts with
// their prefix.
func Gather(ctx context.Context, m *modules.Run, names []string, factPath string, timeout time.Duration) map[string]any {
	h := &host{ctx: ctx, run: m, path: factPath, timeout: timeout}
	h.python = sync.OnceValues(func() (string, pythonVersion) { return findPython(ctx, m) })
	results := make([]map[string]any, len(collectors))
	var wg sync.WaitGroup
	for i, c := range collectors {
		if !slices.Contains(names, c.name) {
			continue
		}
		wg.Go(func() { results[i] = c.collect(h) })
	}
	wg.Wait()
	facts := map[string]any{}
	for _, r := range results {
		for k, v := range r {
			if k != "facter" && k != "ohai" {
				k = "ansible_" + strings.NewReplacer("-", "_", ":", "_").Replace(k)
			}
			facts[k] = v
		}
	}
	return facts
}

// selectCollectors resolves gather_subset: min and what is named are in, what
// follows ! is out, unless it is also named on its own. "!all" leaves min.
func selectCollectors(subset []string) ([]string, error) {
	add, drop, explicit := map[string]bool{}, map[string]bool{}, map[string]bool{}
	mark := func(set map[string]bool, found []string) {
		for _, n := range found {
			set[n] = true
		}
	}
	mark(add, subsetMembers("min"))
	if len(subset) == 0 {
		mark(add, subsetMembers("all"))
	}
	for _, s := range subset {
		name, not := strings.CutPrefix(s, "!")
		found := subsetMembers(name)
		switch {
		case found == nil && not: // leaving out what is not known is no error
		case found == nil:
			return nil, modules.Failf("Bad subset '%s' given to Ansible. gather_subset options allowed: all, %s", name, strings.Join(subsetNames(), ", "))
		case not && name == "all":
			for _, c := range collectors {
				if !c.min {
					drop[c.name] = true
				}
			}
		case not:
			mark(drop, found)
		case name == "all" || name == "min":
			mark(add, found)
		default:
			mark(add, found)
			mark(explicit, found)
		}
	}
	for n := range drop {
		if !explicit[n] {
			delete(add, n)
		}
	}
	return withNeeds(add), nil
}

// subsetMembers names the collectors that a subset's name stands for, nil
// where there is no such name.
func subsetMembers(name string) []string {
	var out []string
	for _, c := range collectors {
		if name == "all" || name == "min" && c.min || c.name == name || slices.Contains(c.aliases, name) {
			out = append(out, c.name)
		}
	}
	return out
}

func withNeeds(add map[string]bool) []string {
	for _, c := range collectors {
		if add[c.name] {
			for _, n := range c.needs {
				add[n] = true
			}
		}
	}
	out := make([]string, 0, len(add))
	for n := range add {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

func subsetNames() []string {
	var out []string
	for _, c := range collectors {
		out = append(out, c.name)
		out = append(out, c.aliases...)
	}
	sort.Strings(out)
	return out
}

// filterFacts keeps what one of the shell patterns matches, with or without
// the prefix.
func filterFacts(facts map[string]any, patterns []string) map[string]any {
	if len(patterns) == 0 {
		return facts
	}
	out := map[string]any{}
	for k, v := range facts {
		for _, p := range patterns {
			if p == "" || fnmatch(p, k) || fnmatch(p, strings.TrimPrefix(k, "ansible_")) {
				out[k] = v
				break
			}
		}
	}
	return out
}

// fnmatch is Python's fnmatchcase for names without a slash.
func fnmatch(pattern, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), name)
	return ok && err == nil
}
