package packaging

// This file is the deb822_repository module.

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
)

type deb822Args struct {
	AllowDowngradeToInsecure *bool    `arg:"allow_downgrade_to_insecure"`
	AllowInsecure            *bool    `arg:"allow_insecure"`
	AllowWeak                *bool    `arg:"allow_weak"`
	Architectures            []string `arg:"architectures"`
	ByHash                   *bool    `arg:"by_hash"`
	CheckDate                *bool    `arg:"check_date"`
	CheckValidUntil          *bool    `arg:"check_valid_until"`
	Components               []string `arg:"components"`
	DateMaxFuture            *int     `arg:"date_max_future"`
	Enabled                  *bool    `arg:"enabled"`
	Exclude                  []string `arg:"exclude"`
	Include                  []string `arg:"include"`
	InreleasePath            string   `arg:"inrelease_path"`
	InstallPythonDebian      bool     `arg:"install_python_debian"`
	Languages                []string `arg:"languages"`
	Mode                     any      `arg:"mode"`
	Name                     string   `arg:"name"`
	Pdiffs                   *bool    `arg:"pdiffs"`
	SignedBy                 string   `arg:"signed_by"`
	State                    string   `arg:"state"`
	Suites                   []string `arg:"suites"`
	Targets                  []string `arg:"targets"`
	Trusted                  *bool    `arg:"trusted"`
	Types                    []string `arg:"types"`
	Uris                     []string `arg:"uris"`
}

// Deb822Repository is ansible.builtin.deb822_repository
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/deb822_repository_module.html).
var Deb822Repository = modules.Define(modules.Spec{
	Name: "ansible.builtin.deb822_repository",
	Doc:  "Keeps an apt repository as a .sources file, and its key.",
	Options: []modules.Option{
		{Name: "allow_downgrade_to_insecure", Type: modules.Bool, Doc: "Packages that once had signatures may come without."},
		{Name: "allow_insecure", Type: modules.Bool, Doc: "The repository may be insecure."},
		{Name: "allow_weak", Type: modules.Bool, Doc: "Signatures may use weak digests."},
		{Name: "architectures", Type: modules.List, Elements: modules.Str, Doc: "The architectures that are looked for."},
		{Name: "by_hash", Type: modules.Bool, Doc: "Whether indexes are fetched under the names of their hashes."},
		{Name: "check_date", Type: modules.Bool, Doc: "Whether dates are checked against the clock."},
		{Name: "check_valid_until", Type: modules.Bool, Doc: "Whether indexes that are out of date are refused."},
		{Name: "components", Type: modules.List, Elements: modules.Str, Doc: "The components of the suites."},
		{Name: "date_max_future", Type: modules.Int, Doc: "For how many seconds dates may lie ahead."},
		{Name: "enabled", Type: modules.Bool, Doc: "Whether the source is in use."},
		{Name: "exclude", Type: modules.List, Elements: modules.Str, Doc: "The packages that are not taken from it."},
		{Name: "include", Type: modules.List, Elements: modules.Str, Doc: "The only packages that are taken from it."},
		{Name: "inrelease_path", Doc: "Where InRelease lies, from its usual place."},
		{Name: "install_python_debian", Type: modules.Bool, Default: false, Doc: "Accepted for playbooks' sake.", Ignored: "no Python is needed"},
		{Name: "languages", Type: modules.List, Elements: modules.Str, Doc: "The languages of translations."},
		{Name: "mode", Type: modules.Raw, Default: "0644", Doc: "The mode of the files."},
		{Name: "name", Required: true, Doc: "The repository's name, from which the files have theirs."},
		{Name: "pdiffs", Type: modules.Bool, Doc: "Whether indexes are brought up to date by differences."},
		{Name: "signed_by", Doc: "The key: its URL, a keyring's path, fingerprints, or the key itself."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the source is to be there."},
		{Name: "suites", Type: modules.List, Elements: modules.Str, Doc: "The suites, or paths that end in a slash."},
		{Name: "targets", Type: modules.List, Elements: modules.Str, Doc: "What apt downloads of it."},
		{Name: "trusted", Type: modules.Bool, Doc: "Whether it counts as signed in any case."},
		{Name: "types", Type: modules.List, Elements: modules.Str, Default: []any{"deb"}, Choices: []string{"deb", "deb-src"}, Doc: "Binary packages, sources, or both."},
		{Name: "uris", Type: modules.List, Elements: modules.Str, Doc: "Where the archive is."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"include", "exclude"}}},
	Check: modules.Full,
	Diff:  modules.Full,
}, runDeb822)

// A deb822Run is one run of the module.
type deb822Run struct {
	*modules.Run
	*deb822Args
	slug         string
	dest         string
	keyringsPath string
}

const (
	deb822SourcesPath = "/etc/apt/sources.list.d"
	deb822KeyringPath = "/etc/apt/keyrings"
)

var notInFileName = regexp.MustCompile(`[^a-zA-Z0-9_.]+`)

func newDeb822(m *modules.Run, a *deb822Args, sources, keyrings string) *deb822Run {
	r := &deb822Run{Run: m, deb822Args: a, keyringsPath: keyrings}
	r.slug = strings.Trim(notInFileName.ReplaceAllString(a.Name, "-"), "-")
	r.dest = filepath.Join(sources, r.slug+".sources")
	return r
}

func runDeb822(ctx context.Context, m *modules.Run, a *deb822Args) (*modules.Result, error) {
	return newDeb822(m, a, deb822SourcesPath, deb822KeyringPath).apply(ctx)
}

func (r *deb822Run) apply(ctx context.Context) (*modules.Result, error) {
	if r.slug == "" {
		return nil, modules.Failf("the name %q leaves nothing to name a file by", r.deb822Args.Name)
	}
	if r.State == "absent" {
		return r.removeAll()
	}
	key, keyFile, keyChanged, err := r.signer(ctx)
	if err != nil {
		return nil, err
	}
	text := r.text(key)
	old, err := os.ReadFile(r.dest)
	if err != nil && !os.IsNotExist(err) {
		return nil, modules.Failf("cannot read %s: %w", r.dest, err)
	}
	differs := string(old) != text
	res := &modules.Result{Changed: differs || keyChanged, Data: map[string]any{"repo": text, "dest": r.dest, "key_filename": orNone(keyFile)}}
	if differs && r.Diff {
		res.Diff = []modules.Diff{{Before: string(old), After: text, BeforeHeader: r.dest, AfterHeader: r.dest}}
	}
	if differs && !r.Check {
		if err := r.WriteFile(ctx, r.dest, []byte(text), "", false); err != nil {
			return nil, err
		}
	}
	moded, err := r.setMode(r.dest)
	res.Changed = res.Changed || moded
	return res, err
}

// setMode gives a file the task's mode; what check mode did not make has none.
func (r *deb822Run) setMode(path string) (bool, error) {
	if _, err := os.Stat(path); r.Check && err != nil {
		return false, nil
	}
	return r.ApplyFileArgs(path, &modules.FileArgs{Mode: r.Mode}, true, nil)
}

// text is the stanza, with its fields in the order that Ansible's have.
func (r *deb822Run) text(key string) string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	flag := func(name string, v *bool) {
		if v != nil {
			field(name, map[bool]string{true: "yes", false: "no"}[*v])
		}
	}
	list := func(name string, v []string) { field(name, strings.Join(v, " ")) }
	flag("Allow-Downgrade-To-Insecure", r.AllowDowngradeToInsecure)
	flag("Allow-Insecure", r.AllowInsecure)
	flag("Allow-Weak", r.AllowWeak)
	list("Architectures", r.Architectures)
	flag("By-Hash", r.ByHash)
	flag("Check-Date", r.CheckDate)
	flag("Check-Valid-Until", r.CheckValidUntil)
	list("Components", r.Components)
	if r.DateMaxFuture != nil {
		field("Date-Max-Future", strconv.Itoa(*r.DateMaxFuture))
	}
	flag("Enabled", r.Enabled)
	list("Exclude", r.Exclude)
	list("Include", r.Include)
	field("Inrelease-Path", r.InreleasePath)
	list("Languages", r.Languages)
	field("X-Repolib-Name", r.deb822Args.Name)
	flag("Pdiffs", r.Pdiffs)
	if strings.Contains(key, "\n") {
		b.WriteString("Signed-By:" + key + "\n")
	} else {
		field("Signed-By", key)
	}
	list("Suites", r.Suites)
	list("Targets", r.Targets)
	flag("Trusted", r.Trusted)
	list("Types", r.Types)
	list("URIs", r.Uris)
	return b.String()
}

// signer is the value of Signed-By; a URL's key is kept in a file of its own.
func (r *deb822Run) signer(ctx context.Context) (value, file string, changed bool, err error) {
	s := r.SignedBy
	switch {
	case strings.Contains(s, armorBegin):
		var b strings.Builder
		for line := range strings.Lines(strings.TrimSpace(s)) {
			line = strings.TrimSpace(line)
			if line == "" {
				line = "." // an empty line would end the stanza
			}
			b.WriteString("\n    " + line)
		}
		return b.String(), "", false, nil
	case s == "" || strings.HasPrefix(s, "/"):
		return s, "", false, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return s, "", false, nil // fingerprints
	}
	data, err := r.fetch(ctx, u)
	if err != nil {
		return "", "", false, modules.Failf("Could not fetch signed_by key: %w", err)
	}
	ext := "gpg"
	if bytes.Contains(data, []byte(armorBegin)) {
		ext = "asc"
	}
	file = filepath.Join(r.keyringsPath, r.slug+"."+ext)
	changed, err = r.storeKey(ctx, file, data)
	return file, file, changed, err
}

func (r *deb822Run) fetch(ctx context.Context, u *url.URL) ([]byte, error) {
	if u.Scheme == "file" {
		return os.ReadFile(u.Path)
	}
	client := &http.Client{Timeout: 30 * time.Second}
	return fetchAll(ctx, client, u.String())
}

func (r *deb822Run) storeKey(ctx context.Context, file string, data []byte) (changed bool, err error) {
	old, err := os.ReadFile(file)
	if changed = err != nil || !bytes.Equal(old, data); changed && !r.Check {
		if err := os.MkdirAll(r.keyringsPath, 0o755); err != nil {
			return false, modules.Failf("cannot make %s: %w", r.keyringsPath, err)
		}
		if err := r.WriteFile(ctx, file, data, "", false); err != nil {
			return false, err
		}
	}
	moded, err := r.setMode(file)
	return changed || moded, err
}

// removeAll removes the source and the keys that were fetched for it.
func (r *deb822Run) removeAll() (*modules.Result, error) {
	key := filepath.Join(r.keyringsPath, r.slug+".gpg")
	armored := filepath.Join(r.keyringsPath, r.slug+".asc")
	res := &modules.Result{}
	for _, path := range []string{r.dest, key, armored} {
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		res.Changed = true
		if path == armored {
			key = armored
		}
		if path == r.dest && r.Diff {
			old, err := os.ReadFile(path)
			if err != nil {
				return nil, modules.Failf("cannot read %s: %w", path, err)
			}
			res.Diff = []modules.Diff{{Before: string(old), After: "", BeforeHeader: path, AfterHeader: path}}
		}
		if r.Check {
			continue
		}
		if err := os.Remove(path); err != nil {
			return nil, modules.Failf("cannot remove %s: %w", path, err)
		}
	}
	res.Data = map[string]any{"repo": nil, "dest": r.dest, "key_filename": key}
	return res, nil
}
