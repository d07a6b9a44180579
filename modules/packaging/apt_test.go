package packaging

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gorun/internal/needs"
	"gorun/modules"
)

// A testPackage is a package of the private repository.
type testPackage struct {
	name, version, control string
	conffile, badScript    bool
}

var testPackages = []testPackage{
	{name: "gr-one", version: "1.0", conffile: true},
	{name: "gr-one", version: "1.1", conffile: true},
	{name: "gr-one", version: "2.0", conffile: true},
	{name: "gr-two", version: "1.0", control: "Depends: gr-dep\nRecommends: gr-rec\n"},
	{name: "gr-dep", version: "1.0"},
	{name: "gr-rec", version: "1.0"},
	{name: "gr-virt", version: "1.0", control: "Provides: gr-virtual\n"},
	{name: "gr-many-a", version: "1", control: "Provides: gr-many\n"},
	{name: "gr-many-b", version: "1", control: "Provides: gr-many\n"},
	{name: "gr-bad", version: "1.0", control: "Depends: gr-nowhere\n"},
	{name: "gr-conf", version: "1.0", control: "Conflicts: gr-one\n"},
}

// An aptRoot is a private dpkg and apt tree with a repository of its own; the
// machine's packages are not touched.
type aptRoot struct {
	t                  *testing.T
	dir, repo, aptConf string
}

func newAptRoot(t *testing.T) *aptRoot {
	t.Helper()
	for _, tool := range []string{"apt-get", "dpkg-deb", "dpkg-scanpackages"} {
		_, err := exec.LookPath(tool)
		needs.Have(t, "apt", err == nil, tool+" is not there")
	}
	needs.Have(t, "apt", os.Geteuid() == 0, "dpkg unpacks as root only")
	r := &aptRoot{t: t, dir: filepath.Join(t.TempDir(), "root")}
	r.repo, r.aptConf = filepath.Join(r.dir, "repo"), filepath.Join(r.dir, "apt.conf")
	for _, d := range []string{"etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d",
		"var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers",
		"var/log/apt", "tmp", "repo"} {
		if err := os.MkdirAll(filepath.Join(r.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.write("var/lib/dpkg/status", "")
	r.write("var/lib/dpkg/available", "")
	for _, p := range testPackages {
		r.build(p)
	}
	r.index()
	r.write("etc/apt/sources.list", "deb [trusted=yes] file:"+r.repo+" ./\n")
	r.write("apt.conf", fmt.Sprintf(`Dir "%[1]s";
Dir::State::status "%[1]s/var/lib/dpkg/status";
Dir::Bin::dpkg "/usr/bin/dpkg";
DPkg::Options {"--root=%[1]s"; "--log=%[1]s/var/log/dpkg.log"; "--force-script-chrootless";};
DPkg::Path "/usr/sbin:/usr/bin:/sbin:/bin";
Acquire::Languages "none";
`, r.dir))
	return r
}

func (r *aptRoot) write(name, text string) {
	r.t.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *aptRoot) command(dir, name string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

func (r *aptRoot) build(p testPackage) {
	tree := "build/" + p.name + "_" + p.version
	r.write(tree+"/DEBIAN/control", fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: T <t@example.org>\nSection: misc\nPriority: optional\n%sDescription: for tests\n",
		p.name, p.version, p.control))
	r.write(tree+"/usr/share/"+p.name+"/version", p.version)
	if p.conffile {
		r.write(tree+"/etc/"+p.name+".conf", "conf "+p.version)
		r.write(tree+"/DEBIAN/conffiles", "/etc/"+p.name+".conf\n")
	}
	if p.badScript {
		r.write(tree+"/DEBIAN/postinst", "#!/bin/sh\necho it breaks >&2\nexit 7\n")
		if err := os.Chmod(filepath.Join(r.dir, tree, "DEBIAN/postinst"), 0o755); err != nil {
			r.t.Fatal(err)
		}
	}
	r.command(r.dir, "dpkg-deb", "--root-owner-group", "-b", tree, r.repo)
}

func (r *aptRoot) index() {
	packages := r.command(r.repo, "dpkg-scanpackages", "-m", ".")
	r.write("repo/Packages", packages)
	r.write("repo/Release", fmt.Sprintf("Origin: test\nDate: %s\nSHA256:\n %x %d Packages\n",
		time.Now().UTC().Format(time.RFC1123), sha256.Sum256([]byte(packages)), len(packages)))
}

func (r *aptRoot) run(args map[string]any, change func(*modules.Run)) map[string]any {
	r.t.Helper()
	m := &modules.Run{Name: "apt", Diff: true, Env: map[string]string{"APT_CONFIG": r.aptConf}}
	if change != nil {
		change(m)
	}
	return Apt.Execute(context.Background(), m, args)
}

// installed lists name=version of what the private dpkg has.
func (r *aptRoot) installed() string {
	r.t.Helper()
	s, err := readDpkgStatus(filepath.Join(r.dir, "var/lib/dpkg/status"))
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for name, list := range s {
		for _, p := range list {
			switch {
			case p.installed():
				out = append(out, name+"="+p.version)
			case p.state == "config-files":
				out = append(out, name+"(conf)")
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestApt walks through one history of a host. Every step runs in check mode,
// for real, and again; messages and outcomes are those of ansible 2.14.18 with
// the same repository.
func TestApt(t *testing.T) {
	r := newAptRoot(t)
	type args = map[string]any
	steps := []struct {
		name    string
		args    args
		changed bool
		have    string // afterwards
		err     string // a part of msg
		diff    string // a line of the diff
		again   bool   // changed the second time, too
	}{
		{name: "lists", args: args{"update_cache": true}, changed: true},
		{name: "a version", args: args{"name": "gr-one=1.0"}, changed: true, have: "gr-one=1.0", diff: "The following NEW packages will be installed:"},
		{name: "present is enough", args: args{"name": "gr-one"}, have: "gr-one=1.0"},
		{name: "unknown", args: args{"name": "gr-nope"}, err: "No package matching 'gr-nope' is available", have: "gr-one=1.0"},
		{name: "a variable that came out empty", args: args{"name": ""}, err: "No package matching '' is available", have: "gr-one=1.0"},
		{name: "an empty name absent", args: args{"name": "", "state": "absent"}, have: "gr-one=1.0"},
		{name: "of the architecture all", args: args{"name": "gr-one:all"}, have: "gr-one=1.0"},
		{name: "unknown among known", args: args{"name": "gr-dep,gr-nope"}, err: "No package matching 'gr-nope' is available", have: "gr-one=1.0"},
		{name: "provided by one", args: args{"name": "gr-virtual"}, changed: true, have: "gr-one=1.0 gr-virt=1.0"},
		{name: "provided by two", args: args{"name": "gr-many"}, err: "has no installation candidate", have: "gr-one=1.0 gr-virt=1.0"},
		{name: "latest", args: args{"name": "gr-one", "state": "latest"}, changed: true, have: "gr-one=2.0 gr-virt=1.0", diff: "The following packages will be upgraded:"},
		{name: "lower refused", args: args{"name": "gr-one=1.*"}, err: "E: Packages were downgraded and -y was used without --allow-downgrades.", have: "gr-one=2.0 gr-virt=1.0"},
		{name: "lower allowed", args: args{"name": "gr-one=1.*", "allow_downgrade": true}, changed: true, have: "gr-one=1.1 gr-virt=1.0"},
		{name: "no such version", args: args{"name": "gr-one=9.9"}, err: "no available installation candidate for gr-one=9.9", have: "gr-one=1.1 gr-virt=1.0"},
		{name: "at least, held already", args: args{"name": "gr-one>=1.1"}, have: "gr-one=1.1 gr-virt=1.0"},
		{name: "at least", args: args{"name": "gr-one>=2.0"}, changed: true, have: "gr-one=2.0 gr-virt=1.0"},
		{name: "at least what is not there", args: args{"name": "gr-one>=3.0"}, err: "no available installation candidate for gr-one>=3.0", have: "gr-one=2.0 gr-virt=1.0"},
		{name: "two equal signs", args: args{"name": "gr-one==1"}, err: "invalid package spec: gr-one==1", have: "gr-one=2.0 gr-virt=1.0"},
		{name: "without recommends", args: args{"name": "gr-two", "install_recommends": false}, changed: true, have: "gr-dep=1.0 gr-one=2.0 gr-two=1.0 gr-virt=1.0"},
		{name: "pattern without match", args: args{"name": "zz*"}, err: "No package(s) matching 'zz*' available", have: "gr-dep=1.0 gr-one=2.0 gr-two=1.0 gr-virt=1.0"},
		{name: "broken dependencies", args: args{"name": "gr-bad"}, err: "E: Unable to correct problems, you have held broken packages.", have: "gr-dep=1.0 gr-one=2.0 gr-two=1.0 gr-virt=1.0"},
		{name: "removed", args: args{"name": "gr-one", "state": "absent"}, changed: true, have: "gr-dep=1.0 gr-one(conf) gr-two=1.0 gr-virt=1.0", diff: "The following packages will be REMOVED:"},
		{name: "old word removed", args: args{"name": "gr-one", "state": "removed"}, have: "gr-dep=1.0 gr-one(conf) gr-two=1.0 gr-virt=1.0"},
		{name: "purged", args: args{"name": "gr-one", "state": "absent", "purge": true}, changed: true, have: "gr-dep=1.0 gr-two=1.0 gr-virt=1.0"},
		{name: "unknown absent", args: args{"name": "gr-nope", "state": "absent"}, have: "gr-dep=1.0 gr-two=1.0 gr-virt=1.0"},
		{name: "only upgrade", args: args{"name": "gr-one", "only_upgrade": true}, have: "gr-dep=1.0 gr-two=1.0 gr-virt=1.0"},
		{name: "removed with a pattern", args: args{"name": "gr-t*", "state": "absent"}, changed: true, have: "gr-dep=1.0 gr-virt=1.0"},
		{name: "autoremove", args: args{"autoremove": true}, changed: true, have: "gr-virt=1.0"},
		{name: "comma list, old word", args: args{"name": "gr-rec,gr-dep", "state": "installed"}, changed: true, have: "gr-dep=1.0 gr-rec=1.0 gr-virt=1.0"},
		{name: "conflict with no removal allowed", args: args{"name": "gr-one", "fail_on_autoremove": true}, changed: true, have: "gr-dep=1.0 gr-one=2.0 gr-rec=1.0 gr-virt=1.0"},
		{name: "removal refused", args: args{"name": "gr-conf", "fail_on_autoremove": true}, err: "E: Packages need to be removed but remove is disabled.", have: "gr-dep=1.0 gr-one=2.0 gr-rec=1.0 gr-virt=1.0"},
		{name: "conflict", args: args{"name": "gr-conf"}, changed: true, have: "gr-conf=1.0 gr-dep=1.0 gr-one(conf) gr-rec=1.0 gr-virt=1.0"},
		{name: "upgrade", args: args{"upgrade": "dist"}, have: "gr-conf=1.0 gr-dep=1.0 gr-one(conf) gr-rec=1.0 gr-virt=1.0"},
		{name: "everything latest", args: args{"name": "*", "state": "latest"}, have: "gr-conf=1.0 gr-dep=1.0 gr-one(conf) gr-rec=1.0 gr-virt=1.0"},
		{name: "deb", args: args{"deb": filepath.Join(r.repo, "gr-two_1.0_all.deb")}, changed: true, have: "gr-conf=1.0 gr-dep=1.0 gr-one(conf) gr-rec=1.0 gr-two=1.0 gr-virt=1.0"},
		{name: "no deb", args: args{"deb": "/nope.deb"}, err: "Unable to install package: E:Could not open file /nope.deb - open (2: No such file or directory)", have: "gr-conf=1.0 gr-dep=1.0 gr-one(conf) gr-rec=1.0 gr-two=1.0 gr-virt=1.0"},
		{name: "exclusive", args: args{"name": "gr-one", "upgrade": "yes"}, err: "parameters are mutually exclusive: deb|package|upgrade", have: "gr-conf=1.0 gr-dep=1.0 gr-one(conf) gr-rec=1.0 gr-two=1.0 gr-virt=1.0"},
		{name: "build-dep without sources", args: args{"name": "gr-two", "state": "build-dep"}, err: "E: You must put some 'deb-src' URIs in your sources.list", have: "gr-conf=1.0 gr-dep=1.0 gr-one(conf) gr-rec=1.0 gr-two=1.0 gr-virt=1.0"},
		{name: "clean", args: args{"clean": true}, have: "gr-conf=1.0 gr-dep=1.0 gr-one(conf) gr-rec=1.0 gr-two=1.0 gr-virt=1.0"},
		{name: "autoclean", args: args{"autoclean": true}, have: "gr-conf=1.0 gr-dep=1.0 gr-one(conf) gr-rec=1.0 gr-two=1.0 gr-virt=1.0"},
	}
	for _, s := range steps {
		before := r.installed()
		predicted := r.run(s.args, func(m *modules.Run) { m.Check = true })
		if have := r.installed(); have != before {
			t.Fatalf("%s: check mode changed %q to %q", s.name, before, have)
		}
		got := r.run(s.args, nil)
		msg := fmt.Sprint(got["msg"])
		if (got["failed"] == true) != (s.err != "") || !strings.Contains(msg, s.err) {
			t.Fatalf("%s: failed=%v, msg %q, want %q", s.name, got["failed"], msg, s.err)
		}
		if got["changed"] != s.changed || predicted["changed"] != s.changed && s.err == "" {
			t.Errorf("%s: changed=%v (predicted %v), want %v: %v", s.name, got["changed"], predicted["changed"], s.changed, got["stdout"])
		}
		if have := r.installed(); have != s.have {
			t.Errorf("%s: have %q, want %q", s.name, have, s.have)
		}
		if s.diff != "" && !strings.Contains(fmt.Sprint(got["diff"]), s.diff) {
			t.Errorf("%s: no %q in the diff %v", s.name, s.diff, got["diff"])
		}
		if s.err != "" {
			continue
		}
		if again := r.run(s.args, nil); again["changed"] != s.again {
			t.Errorf("%s: the second run has changed=%v: %v", s.name, again["changed"], again["stdout"])
		}
	}
}

func TestAptBrokenPostinst(t *testing.T) {
	r := newAptRoot(t)
	r.build(testPackage{name: "gr-broken", version: "1", badScript: true})
	r.index()
	got := r.run(map[string]any{"name": "gr-broken", "update_cache": true}, nil)
	if got["failed"] != true || got["rc"] != 100 || !strings.Contains(fmt.Sprint(got["msg"]), "Sub-process /usr/bin/dpkg returned an error code (1)") {
		t.Errorf("a broken postinst: %v", got)
	}
}

func TestAptUpdateFails(t *testing.T) {
	r := newAptRoot(t)
	r.write("etc/apt/sources.list", "deb [trusted=yes] file:/nowhere ./\n")
	got := r.run(map[string]any{"update_cache": true, "update_cache_retries": 0}, nil)
	if got["failed"] != true || !strings.HasPrefix(fmt.Sprint(got["msg"]), "Failed to update apt cache: ") {
		t.Errorf("an update that fails: %v", got)
	}
}

func TestCompareVersions(t *testing.T) {
	ordered := []string{"1.0~~", "1.0~beta1", "1.0", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0a", "1.0+x", "1.0.1", "1.2", "1.10", "1:0.1", "1:0.1-0ubuntu1"}
	for i, a := range ordered {
		for j, b := range ordered {
			c := compareVersions(a, b)
			if i < j && c >= 0 || i > j && c <= 0 || i == j && c != 0 {
				t.Errorf("%s against %s: %d", a, b, c)
			}
		}
	}
	if compareVersions("0:1.0", "1.0") != 0 || compareVersions("1.00", "1.0") != 0 {
		t.Error("equal versions differ")
	}
}

func FuzzDpkgStatus(f *testing.F) {
	f.Add([]byte("Package: a\nStatus: install ok installed\nVersion: 1\nProvides: b, c (= 1)\n\nPackage: d\n more\n"))
	f.Add([]byte("\n\nStatus: x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for name := range parseDpkgStatus(b) {
			if strings.ContainsRune(name, '\n') || !bytes.Contains(b, []byte(name)) {
				t.Errorf("a package %q that is not in the text", name)
			}
		}
	})
}

func FuzzCompareVersions(f *testing.F) {
	f.Add("1.0-1", "1:2~a")
	f.Fuzz(func(t *testing.T, a, b string) {
		if x, y := compareVersions(a, b), compareVersions(b, a); (x < 0) != (y > 0) {
			t.Errorf("%q %q: %d and %d", a, b, x, y)
		}
	})
}
