package packaging

// This file is the yum_repository module.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gorun/modules"
)

// YumRepository is ansible.builtin.yum_repository
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/yum_repository_module.html).
var YumRepository = modules.Define(modules.Spec{
	Name: "ansible.builtin.yum_repository",
	Doc:  "Keeps repositories in the .repo files of dnf and yum.",
	Options: []modules.Option{
		{Name: "async", Type: modules.Bool, Doc: "The setting of that name in the repository's file."},
		{Name: "bandwidth", Doc: "The setting of that name in the repository's file."},
		{Name: "baseurl", Type: modules.List, Elements: modules.Str, Doc: "Where it is."},
		{Name: "cost", Doc: "What using it costs against others."},
		{Name: "countme", Type: modules.Bool, Doc: "Whether the mirrors may count the host."},
		{Name: "deltarpm_metadata_percentage", Doc: "The setting of that name in the repository's file."},
		{Name: "deltarpm_percentage", Doc: "The setting of that name in the repository's file."},
		{Name: "description", Doc: "The repository's name for people."},
		{Name: "enabled", Type: modules.Bool, Doc: "Whether it is in use."},
		{Name: "enablegroups", Type: modules.Bool, Doc: "The setting of that name in the repository's file."},
		{Name: "exclude", Type: modules.List, Elements: modules.Str, Aliases: []string{"excludepkgs"}, Doc: "Packages not to take from it."},
		{Name: "failovermethod", Choices: []string{"roundrobin", "priority"}, Doc: "The setting of that name in the repository's file."},
		{Name: "file", Doc: "The file's name without .repo; the id unless given."},
		{Name: "gpgcakey", Doc: "The setting of that name in the repository's file."},
		{Name: "gpgcheck", Type: modules.Bool, Doc: "Whether packages' signatures are checked."},
		{Name: "gpgkey", Type: modules.List, Elements: modules.Str, Doc: "Where the keys are."},
		{Name: "http_caching", Choices: []string{"all", "packages", "none"}, Doc: "The setting of that name in the repository's file."},
		{Name: "include", Doc: "The setting of that name in the repository's file."},
		{Name: "includepkgs", Type: modules.List, Elements: modules.Str, Doc: "The only packages to take from it."},
		{Name: "ip_resolve", Choices: []string{"4", "6", "IPv4", "IPv6", "whatever"}, Doc: "The setting of that name in the repository's file."},
		{Name: "keepalive", Type: modules.Bool, Doc: "The setting of that name in the repository's file."},
		{Name: "keepcache", Choices: []string{"0", "1"}, Doc: "The setting of that name in the repository's file."},
		{Name: "metadata_expire", Doc: "The setting of that name in the repository's file."},
		{Name: "metadata_expire_filter", Choices: []string{"never", "read-only:past", "read-only:present", "read-only:future"}, Doc: "The setting of that name in the repository's file."},
		{Name: "metalink", Doc: "A metalink file."},
		{Name: "mirrorlist", Doc: "A list of mirrors."},
		{Name: "mirrorlist_expire", Doc: "The setting of that name in the repository's file."},
		{Name: "module_hotfixes", Type: modules.Bool, Doc: "The setting of that name in the repository's file."},
		{Name: "name", Required: true, Doc: "The repository's id."},
		{Name: "password", NoLog: true, Doc: "The password for the repository."},
		{Name: "priority", Doc: "Its rank among repositories."},
		{Name: "protect", Type: modules.Bool, Doc: "The setting of that name in the repository's file."},
		{Name: "proxy", Doc: "The proxy to use."},
		{Name: "proxy_password", NoLog: true, Doc: "The password for the proxy."},
		{Name: "proxy_username", Doc: "The user for the proxy."},
		{Name: "repo_gpgcheck", Type: modules.Bool, Doc: "The setting of that name in the repository's file."},
		{Name: "reposdir", Type: modules.Path, Default: "/etc/yum.repos.d", Doc: "The folder of .repo files."},
		{Name: "retries", Doc: "How often a download is tried."},
		{Name: "s3_enabled", Type: modules.Bool, Doc: "The setting of that name in the repository's file."},
		{Name: "skip_if_unavailable", Type: modules.Bool, Doc: "The setting of that name in the repository's file."},
		{Name: "ssl_check_cert_permissions", Type: modules.Bool, Doc: "The setting of that name in the repository's file."},
		{Name: "sslcacert", Aliases: []string{"ca_cert"}, Doc: "Certificates of authorities."},
		{Name: "sslclientcert", Aliases: []string{"client_cert"}, Doc: "The client's certificate."},
		{Name: "sslclientkey", Aliases: []string{"client_key"}, Doc: "The client's key."},
		{Name: "sslverify", Type: modules.Bool, Aliases: []string{"validate_certs"}, Doc: "Whether the server's certificate is checked."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether it is to be there."},
		{Name: "throttle", Doc: "The setting of that name in the repository's file."},
		{Name: "timeout", Doc: "For how many seconds to wait."},
		{Name: "ui_repoid_vars", Doc: "The setting of that name in the repository's file."},
		{Name: "username", Doc: "The user for the repository."},
	},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.Full,
}, runYumRepository)

// yumRepositoryArgs has no fields: most options are written as they are named,
// so they are read from Run.Params.
type yumRepositoryArgs struct{}

// A repoSection is one section of a .repo file; lines of a value are parted by "\n".
type repoSection struct {
	name   string
	keys   []string
	values map[string]string
}

// parseRepoFile reads a .repo file; comments are not kept, as Ansible keeps none.
func parseRepoFile(text string) ([]repoSection, error) {
	var list []repoSection
	key := ""
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		t := strings.TrimSpace(line)
		switch {
		case t == "" || t[0] == '#' || t[0] == ';':
			continue
		case t[0] == '[' && strings.HasSuffix(t, "]"):
			list = append(list, repoSection{name: t[1 : len(t)-1], values: map[string]string{}})
			key = ""
			continue
		case len(list) == 0:
			return nil, fmt.Errorf("line %d is before any section: %s", n, t)
		}
		s := &list[len(list)-1]
		if (line[0] == ' ' || line[0] == '\t') && key != "" {
			s.values[key] += "\n" + t
			continue
		}
		i := strings.IndexAny(t, "=:")
		if i <= 0 {
			return nil, fmt.Errorf("line %d is no setting: %s", n, t)
		}
		key = strings.ToLower(strings.TrimSpace(t[:i]))
		s.set(key, strings.TrimSpace(t[i+1:]))
	}
	return list, nil
}

func (s *repoSection) set(key, value string) {
	if _, ok := s.values[key]; !ok {
		s.keys = append(s.keys, key)
	}
	s.values[key] = value
}

// repoText writes sections; indent goes before the further lines of a value.
// Without it the text is that of a diff, where keys are sorted.
func repoText(list []repoSection, indent string) string {
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "[%s]\n", s.name)
		keys := s.keys
		if indent == "" {
			keys = slices.Sorted(slices.Values(keys))
		}
		for _, k := range keys {
			fmt.Fprintf(&b, "%s = %s\n", k, strings.ReplaceAll(s.values[k], "\n", "\n"+indent))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// notSettings are options that are no keys of a .repo file.
var notSettings = []string{"name", "description", "file", "reposdir", "state",
	"ca_cert", "client_cert", "client_key", "validate_certs", "excludepkgs", // aliases
	"mode", "owner", "group", "seuser", "serole", "setype", "selevel", "unsafe_writes", "attributes"}

// yumSection is the section that the task asks for.
func yumSection(params map[string]any) repoSection {
	text := func(name string) string { s, _ := params[name].(string); return s }
	s := repoSection{name: text("name"), values: map[string]string{}}
	if d := text("description"); d != "" {
		s.set("name", d)
	}
	for name, v := range params {
		if v == nil || slices.Contains(notSettings, name) {
			continue
		}
		switch v := v.(type) {
		case bool:
			s.set(name, map[bool]string{true: "1", false: "0"}[v])
		case []any:
			words := make([]string, len(v))
			for i := range v {
				words[i] = fmt.Sprint(v[i])
			}
			sep := " "
			if name == "baseurl" || name == "gpgkey" {
				sep = "\n"
			}
			if len(words) > 0 {
				s.set(name, strings.Join(words, sep))
			}
		default:
			s.set(name, fmt.Sprint(v))
		}
	}
	slices.Sort(s.keys)
	return s
}

func checkYumRepository(section repoSection, dir string, present bool) error {
	if present {
		if section.values["baseurl"] == "" && section.values["metalink"] == "" && section.values["mirrorlist"] == "" {
			return modules.Failf("Parameter 'baseurl', 'metalink' or 'mirrorlist' is required.")
		}
		if section.values["name"] == "" {
			return modules.Failf("Parameter 'description' is required.")
		}
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return modules.Failf("Repo directory '%s' does not exist.", dir)
	}
	return nil
}

func runYumRepository(ctx context.Context, m *modules.Run, _ *yumRepositoryArgs) (*modules.Result, error) {
	text := func(name string) string { s, _ := m.Params[name].(string); return s }
	section := yumSection(m.Params)
	present := text("state") == "present"
	dir, file := text("reposdir"), text("file")
	if err := checkYumRepository(section, dir, present); err != nil {
		return nil, err
	}
	if file == "" {
		file = section.name
	}
	path := filepath.Join(dir, file+".repo")
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, modules.Failf("Problem reading %s: %w", path, err)
	}
	sections, err := parseRepoFile(string(data))
	if err != nil {
		return nil, modules.Failf("Problem reading %s: %w", path, err)
	}
	before, shown := repoText(sections, "\t"), repoText(sections, "")
	i := slices.IndexFunc(sections, func(s repoSection) bool { return s.name == section.name })
	switch {
	case present && i >= 0:
		sections[i] = section
	case present:
		sections = append(sections, section)
	case i >= 0:
		sections = slices.Delete(sections, i, i+1)
	}
	after := repoText(sections, "\t")
	res := &modules.Result{Changed: before != after, Data: map[string]any{"repo": section.name, "state": text("state")}}
	if m.Diff {
		res.Diff = []modules.Diff{{Before: shown, After: repoText(sections, ""), BeforeHeader: path, AfterHeader: path}}
	}
	if res.Changed && !m.Check {
		if err := saveRepo(ctx, m, path, after); err != nil {
			return nil, err
		}
	}
	return res, repoAttributes(m, path, res)
}

// saveRepo writes the file; one without sections is removed.
func saveRepo(ctx context.Context, m *modules.Run, path, text string) error {
	if text != "" {
		return m.WriteFile(ctx, path, []byte(text), "", false)
	}
	if err := os.Remove(path); err != nil {
		return modules.Failf("Cannot remove empty repo file %s: %w", path, err)
	}
	return nil
}

// repoAttributes gives the file its owner and mode where it is there.
func repoAttributes(m *modules.Run, path string, res *modules.Result) error {
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	text := func(name string) string { s, _ := m.Params[name].(string); return s }
	args := modules.FileArgs{Mode: m.Params["mode"], Owner: text("owner"), Group: text("group"), SEUser: text("seuser"),
		SERole: text("serole"), SEType: text("setype"), SELevel: text("selevel"), Attributes: text("attributes")}
	changed, err := m.ApplyFileArgs(path, &args, true, nil)
	res.Changed = res.Changed || changed
	return err
}
