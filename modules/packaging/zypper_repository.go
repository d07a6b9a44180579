package packaging

// This file is the zypper_repository module.

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
	"gorun/modules/net"
)

type zypperRepositoryArgs struct {
	Name              string `arg:"name"`
	Repo              string `arg:"repo"`
	State             string `arg:"state"`
	Description       string `arg:"description"`
	DisableGPGCheck   bool   `arg:"disable_gpg_check"`
	Autorefresh       bool   `arg:"autorefresh"`
	Priority          *int   `arg:"priority"`
	OverwriteMultiple bool   `arg:"overwrite_multiple"`
	AutoImportKeys    bool   `arg:"auto_import_keys"`
	RunRefresh        bool   `arg:"runrefresh"`
	Enabled           bool   `arg:"enabled"`
}

// ZypperRepository is community.general.zypper_repository
// (https://docs.ansible.com/ansible/latest/collections/community/general/zypper_repository_module.html).
var ZypperRepository = modules.Define(modules.Spec{
	Name: "community.general.zypper_repository",
	Doc:  "Adds zypper's repositories and takes them away.",
	Options: []modules.Option{
		{Name: "name", Doc: "The repository's alias; not with a .repo file."},
		{Name: "repo", Doc: "Its URL, or a .repo file's path or URL; * with runrefresh is all."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether it is to be there."},
		{Name: "description", Doc: "Its name for people."},
		{Name: "disable_gpg_check", Type: modules.Bool, Default: false, Doc: "Whether packages' signatures are not checked."},
		{Name: "autorefresh", Type: modules.Bool, Default: true, Aliases: []string{"refresh"}, Doc: "Whether its lists are fetched by themselves."},
		{Name: "priority", Type: modules.Int, Doc: "Its rank: the lowest number comes first."},
		{Name: "overwrite_multiple", Type: modules.Bool, Default: false, Doc: "Replaces several that have the name or the URL."},
		{Name: "auto_import_keys", Type: modules.Bool, Default: false, Doc: "Imports the key of a new or changed repository."},
		{Name: "runrefresh", Type: modules.Bool, Default: false, Doc: "Fetch its lists."},
		{Name: "enabled", Type: modules.Bool, Default: true, Doc: "Whether it is in use."},
	},
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
}, runZypperRepository)

// A zypperRepo is one run of the module.
type zypperRepo struct {
	*client
	a    *zypperRepositoryArgs
	want map[string]any // as the result shows it: alias, url, name, priority, and settings as "0" and "1"
}

func runZypperRepository(ctx context.Context, m *modules.Run, a *zypperRepositoryArgs) (*modules.Result, error) {
	c, err := newClient(ctx, m, "zypper", "")
	if err != nil {
		return nil, err
	}
	c.base = append(c.base, "--quiet", "--non-interactive")
	r := &zypperRepo{client: c, a: a}
	if a.Repo == "*" || a.Name == "*" {
		if !a.RunRefresh {
			return nil, modules.Failf("repo=* can only be used with the runrefresh option.")
		}
		if err := r.refresh(""); err != nil {
			return nil, err
		}
		return &modules.Result{Data: map[string]any{"runrefresh": true}}, nil
	}
	file := strings.HasSuffix(a.Repo, ".repo")
	switch {
	case a.State == "present" && a.Repo == "":
		return nil, modules.Failf("Module option state=present requires repo")
	case a.Repo == "" && a.Name == "":
		return nil, modules.Failf("Alias or repo parameter required when state=absent")
	case file && a.Name != "":
		return nil, modules.Failf("Incompatible option: 'name'. Do not use name when adding .repo files")
	case !file && a.Name == "" && a.State == "present":
		return nil, modules.Failf("Name required when adding non-repo files.")
	}
	flag := map[bool]string{true: "1", false: "0"}
	r.want = map[string]any{"url": orNone(a.Repo), "alias": orNone(a.Name), "name": orNone(a.Description), "priority": nil,
		"enabled": flag[a.Enabled], "gpgcheck": flag[!a.DisableGPGCheck], "autorefresh": flag[a.Autorefresh]}
	if a.Priority != nil {
		r.want["priority"] = *a.Priority
	}
	if file {
		if err := r.readFile(); err != nil {
			return nil, err
		}
	}
	return r.ensure()
}

// readFile takes the settings of the one repository in a .repo file.
func (r *zypperRepo) readFile() error {
	path := r.a.Repo
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		var err error
		if path, err = net.Download(r.ctx, r.m, path, true); err != nil {
			return modules.Failf("Error downloading .repo file from provided URL")
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return modules.Failf("Error opening .repo file from provided path")
	}
	sections, err := parseRepoFile(string(text))
	if err != nil {
		return modules.Failf("Invalid format, .repo file could not be parsed")
	}
	if len(sections) != 1 {
		return modules.Failf("Invalid format, .repo file contains %d repositories, expected 1", len(sections))
	}
	s := sections[0]
	if s.values["baseurl"] == "" {
		return modules.Failf("No baseurl found in .repo file")
	}
	r.a.Name = s.name
	r.want["alias"], r.want["url"] = s.name, s.values["baseurl"]
	if _, ok := s.values["gpgkey"]; ok {
		r.a.AutoImportKeys = true
	}
	for _, key := range []string{"name", "enabled", "autorefresh", "gpgcheck"} {
		if v, ok := s.values[key]; ok {
			r.want[key] = v
		}
	}
	return nil
}

var (
	repoElement = regexp.MustCompile(`(?s)<repo ([^>]*)>(.*?)</repo>`)
	urlElement  = regexp.MustCompile(`(?s)<url[^>]*>(.*?)</url>`)
)

// repos lists what zypper has; its exit code 6 means that it has none.
func (r *zypperRepo) repos() ([]map[string]string, error) {
	res, err := r.run("--xmlout", "repos")
	if err != nil || res.RC == 6 {
		return nil, err
	}
	if res.RC != 0 {
		return nil, modules.FailWith(outputOf(res), "Failed to execute %q", strings.Join(r.argv("--xmlout", "repos"), " "))
	}
	var out []map[string]string
	for _, f := range repoElement.FindAllStringSubmatch(res.Stdout, -1) {
		repo := map[string]string{"alias": "", "name": "", "priority": "", "enabled": "", "autorefresh": "", "gpgcheck": ""}
		for _, attr := range zypperAttribute.FindAllStringSubmatch(f[1], -1) {
			if _, ok := repo[attr[1]]; ok {
				repo[attr[1]] = xmlText.Replace(attr[2])
			}
		}
		if u := urlElement.FindStringSubmatch(f[2]); u != nil {
			repo["url"] = xmlText.Replace(strings.TrimSpace(u[1]))
		}
		out = append(out, repo)
	}
	return out, nil
}

func (r *zypperRepo) ensure() (*modules.Result, error) {
	all, err := r.repos()
	if err != nil {
		return nil, err
	}
	var matches []map[string]string
	for _, repo := range all {
		if repo["alias"] == r.want["alias"] || repo["url"] == r.want["url"] {
			matches = append(matches, repo)
		}
	}
	if len(matches) > 1 && !r.a.OverwriteMultiple {
		return nil, modules.Failf("More than one repo matched \"%v\": %v. Use overwrite_multiple to allow more than one repo to be overwritten", r.want["url"], matches)
	}
	short := r.a.Name
	if short == "" {
		short = r.a.Repo
	}
	unchanged := &modules.Result{Data: map[string]any{"repodata": r.want, "state": r.a.State}}
	if r.a.State == "absent" {
		if len(matches) == 0 {
			return unchanged, nil
		}
		if _, err := r.output("removerepo", short); err != nil {
			return nil, err
		}
		return r.changed(), nil
	}
	if len(matches) == 1 {
		differs, err := r.differs(matches[0])
		if err != nil {
			return nil, err
		}
		if !differs {
			if r.a.RunRefresh {
				if err := r.refresh(short); err != nil {
					return nil, err
				}
			}
			return unchanged, nil
		}
	}
	for _, old := range matches {
		if _, err := r.output("removerepo", old["url"]); err != nil {
			return nil, err
		}
	}
	res, err := r.run(r.addCommand()...)
	if err != nil {
		return nil, err
	}
	if res.RC != 0 {
		data := outputOf(res)
		data["repodata"], data["state"] = r.want, r.a.State
		return nil, modules.FailWith(data, "Zypper failed with rc %d", res.RC)
	}
	if r.a.RunRefresh || r.a.AutoImportKeys {
		if err := r.refresh(short); err != nil {
			return nil, err
		}
	}
	return r.changed(), nil
}

func (r *zypperRepo) changed() *modules.Result {
	return &modules.Result{Changed: true, Data: map[string]any{"repodata": r.want, "state": r.a.State}}
}

// differs compares a repository with what is wanted, as far as that says.
func (r *zypperRepo) differs(have map[string]string) (bool, error) {
	for key, value := range r.want {
		want := ""
		if value != nil {
			want = fmt.Sprint(value)
		}
		if want == "" || want == "0" && key == "priority" {
			continue
		}
		is := have[key]
		if key == "url" {
			var err error
			if want, is, err = r.expand(want, is); err != nil {
				return false, err
			}
		}
		if want != is {
			return true, nil
		}
	}
	return false, nil
}

// expand puts the host's release and architecture for zypper's variables.
func (r *zypperRepo) expand(a, b string) (string, string, error) {
	for variable, format := range map[string]string{"$releasever": "%{version}", "$basearch": "%{arch}"} {
		if !strings.Contains(a+b, variable) {
			continue
		}
		res, err := r.m.Command(r.ctx, modules.CommandOptions{}, "rpm", "-q", "--qf", format, "-f", "/etc/os-release")
		if err != nil {
			return "", "", err
		}
		if res.RC != 0 {
			return "", "", modules.FailWith(outputOf(res), "%s", strings.TrimSpace(res.Stderr))
		}
		a, b = strings.ReplaceAll(a, variable, res.Stdout), strings.ReplaceAll(b, variable, res.Stdout)
	}
	return strings.TrimRight(a, "/"), strings.TrimRight(b, "/"), nil
}

func (r *zypperRepo) addCommand() []string {
	argv := []string{"addrepo", "--check"}
	if name, ok := r.want["name"].(string); ok {
		argv = append(argv, "--name", name)
	}
	if r.a.Priority != nil && *r.a.Priority != 0 {
		argv = append(argv, "--priority", strconv.Itoa(*r.a.Priority))
	}
	if r.want["enabled"] == "0" {
		argv = append(argv, "--disable")
	}
	if r.want["gpgcheck"] == "1" {
		argv = append(argv, "--gpgcheck")
	} else {
		argv = append(argv, "--no-gpgcheck")
	}
	if r.want["autorefresh"] == "1" {
		argv = append(argv, "--refresh")
	}
	url, _ := r.want["url"].(string)
	if argv = append(argv, url); !strings.HasSuffix(url, ".repo") {
		alias, _ := r.want["alias"].(string)
		argv = append(argv, alias)
	}
	return argv
}

func (r *zypperRepo) refresh(alias string) error {
	argv := []string{"refresh", "--force"}
	if r.a.AutoImportKeys {
		argv = slices.Insert(argv, 0, "--gpg-auto-import-keys")
	}
	if alias != "" {
		argv = append(argv, "-r", alias)
	}
	_, err := r.output(argv...)
	return err
}
