package files

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gorun/modules"
	"gorun/modules/oserr"
)

type deployHelperArgs struct {
	modules.FileArgs
	Clean        bool   `arg:"clean"`
	CurrentPath  string `arg:"current_path"`
	KeepReleases int    `arg:"keep_releases"`
	Path         string `arg:"path"`
	Release      string `arg:"release"`
	ReleasesPath string `arg:"releases_path"`
	SharedPath   string `arg:"shared_path"`
	State        string `arg:"state"`
	Unfinished   string `arg:"unfinished_filename"`
}

// DeployHelper is community.general.deploy_helper
// (https://docs.ansible.com/ansible/latest/collections/community/general/deploy_helper_module.html).
var DeployHelper = modules.Define(modules.Spec{
	Name: "community.general.deploy_helper",
	Doc:  "Keep the folders of an application's releases, and the link to the one in use.",
	Options: []modules.Option{
		{Name: "clean", Type: modules.Bool, Default: true, Doc: "Remove old releases with state finalize."},
		{Name: "current_path", Type: modules.Path, Default: "current", Doc: "The link to the release in use."},
		{Name: "keep_releases", Type: modules.Int, Default: 5, Doc: "How many old releases stay."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"dest"}, Doc: "The folder of it all."},
		{Name: "release", Doc: "The release's name; the time where there is none."},
		{Name: "releases_path", Default: "releases", Doc: "The folder of the releases."},
		{Name: "shared_path", Type: modules.Path, Default: "shared", Doc: "The folder of what releases share; empty for none."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent", "clean", "finalize", "query"},
			Doc: "present makes the folders, finalize puts the release in use, clean removes old ones, query tells, absent removes all."},
		{Name: "unfinished_filename", Default: "DEPLOY_UNFINISHED", Doc: "The file that marks a release that is not complete."},
	},
	Rules:    modules.Rules{RequiredIf: []modules.RequiredIf{{Key: "state", Value: "finalize", Need: []string{"release"}}}},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.NoSupport,
}, func(_ context.Context, m *modules.Run, a *deployHelperArgs) (*modules.Result, error) {
	d := &deploy{m: m, a: a, current: joinPath(a.Path, a.CurrentPath), releases: joinPath(a.Path, a.ReleasesPath)}
	facts := d.facts()
	data := map[string]any{"state": a.State}
	var err error
	switch a.State {
	case "query":
		data["ansible_facts"] = map[string]any{"deploy_helper": facts}
	case "present":
		data["ansible_facts"] = map[string]any{"deploy_helper": facts}
		err = d.present()
	case "finalize":
		err = d.finalize()
	case "clean":
		err = d.clean()
	case "absent":
		data["ansible_facts"] = map[string]any{"deploy_helper": []any{}}
		err = d.delete(a.Path)
	}
	if err != nil {
		return nil, err
	}
	return &modules.Result{Changed: d.changed, Data: data}, nil
})

// A deploy is one run over the folders.
type deploy struct {
	m                 *modules.Run
	a                 *deployHelperArgs
	current, releases string
	changed           bool
}

// joinPath is Python's os.path.join: an absolute second part stands alone, and nothing is tidied.
func joinPath(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	if dir == "" || dir[len(dir)-1] == '/' {
		return dir + name
	}
	return dir + "/" + name
}

func lexists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// facts tells the paths and the release in use; it gives a new one its name.
func (d *deploy) facts() map[string]any {
	a := d.a
	if a.Release == "" && (a.State == "query" || a.State == "present") {
		a.Release = time.Now().Format("20060102150405")
	}
	out := map[string]any{"project_path": a.Path, "current_path": d.current, "releases_path": d.releases, "shared_path": nil,
		"previous_release": nil, "previous_release_path": nil, "new_release": nil, "new_release_path": nil,
		"unfinished_filename": a.Unfinished}
	if a.SharedPath != "" {
		out["shared_path"] = joinPath(a.Path, a.SharedPath)
	}
	if lexists(d.current) {
		path := realPath(d.current)
		out["previous_release_path"], out["previous_release"] = path, filepath.Base(path)
	}
	if a.Release != "" {
		out["new_release"], out["new_release_path"] = a.Release, joinPath(d.releases, a.Release)
	}
	return out
}

func (d *deploy) present() error {
	if st, err := os.Lstat(d.current); err == nil && st.Mode()&os.ModeSymlink == 0 {
		return modules.Failf("%s exists but is not a symbolic link", d.current)
	}
	paths := []string{d.a.Path, d.releases}
	if d.a.SharedPath != "" {
		paths = append(paths, joinPath(d.a.Path, d.a.SharedPath))
	}
	for _, path := range paths {
		if !lexists(path) {
			d.changed = true
			if d.m.Check {
				continue
			}
			if err := os.MkdirAll(path, 0o777); err != nil {
				return modules.Failf("could not make the folder %s: %s", path, oserr.Text(err))
			}
		} else if !isDir(path) {
			return modules.Failf("%s exists but is not a directory", path)
		}
		did, err := d.m.ApplyFileArgs(path, &d.a.FileArgs, false, nil)
		if err != nil {
			return err
		}
		d.changed = d.changed || did
	}
	return nil
}

func (d *deploy) finalize() error {
	if d.a.KeepReleases <= 0 {
		return modules.Failf("'keep_releases' should be at least 1")
	}
	release := joinPath(d.releases, d.a.Release)
	if mark := joinPath(release, d.a.Unfinished); lexists(mark) {
		d.changed = true
		if !d.m.Check {
			if err := os.Remove(mark); err != nil {
				return modules.Failf("could not remove %s: %s", mark, oserr.Text(err))
			}
		}
	}
	if err := d.link(release); err != nil || !d.a.Clean {
		return err
	}
	return d.clean()
}

// link lets the current release be this one, at once for whoever reads it.
func (d *deploy) link(release string) error {
	st, err := os.Lstat(d.current)
	isLink := err == nil && st.Mode()&os.ModeSymlink != 0
	if isLink && realPath(d.current) == realPath(release) {
		return nil
	}
	d.changed = true
	if d.m.Check {
		return nil
	}
	if !isLink {
		if err := os.Symlink(release, d.current); err != nil {
			return modules.Failf("could not make the link %s: %s", d.current, oserr.Text(err))
		}
		return nil
	}
	if !lexists(release) {
		return modules.Failf("the symlink target %s doesn't exists", release)
	}
	fresh := d.current + "." + d.a.Unfinished
	if st, err := os.Lstat(fresh); err == nil && st.Mode()&os.ModeSymlink != 0 {
		if err := os.Remove(fresh); err != nil {
			return modules.Failf("could not remove %s: %s", fresh, oserr.Text(err))
		}
	}
	if err := os.Symlink(release, fresh); err != nil {
		return modules.Failf("could not make the link %s: %s", fresh, oserr.Text(err))
	}
	if err := os.Rename(fresh, d.current); err != nil {
		return modules.Failf("could not rename %s: %s", fresh, oserr.Text(err))
	}
	return nil
}

// clean removes what was not finished, and the oldest releases.
func (d *deploy) clean() error {
	if link := joinPath(d.a.Path, d.a.Release+"."+d.a.Unfinished); d.a.Release != "" && !d.m.Check {
		if _, err := os.Stat(link); err == nil {
			d.changed = true
			if err := os.Remove(link); err != nil {
				return modules.Failf("could not remove %s: %s", link, oserr.Text(err))
			}
		}
	}
	entries, err := os.ReadDir(d.releases)
	if err != nil {
		return modules.Failf("could not list %s: %s", d.releases, oserr.Text(err))
	}
	type release struct {
		path string
		time time.Time
	}
	var old []release
	for _, e := range entries {
		path := joinPath(d.releases, e.Name())
		if st, err := os.Stat(joinPath(path, d.a.Unfinished)); err == nil && st.Mode().IsRegular() {
			if err := d.delete(path); err != nil {
				return err
			}
			if !d.m.Check {
				continue
			}
		}
		if st, err := os.Stat(path); err == nil && st.IsDir() && e.Name() != d.a.Release {
			old = append(old, release{path, changeTime(path)})
		}
	}
	slices.SortStableFunc(old, func(x, y release) int { return y.time.Compare(x.time) })
	for i := max(d.a.KeepReleases, 0); i < len(old); i++ {
		if err := d.delete(old[i].path); err != nil {
			return err
		}
	}
	return nil
}

func (d *deploy) delete(path string) error {
	if !lexists(path) {
		return nil
	}
	if !isDir(path) {
		return modules.Failf("%s exists but is not a directory", path)
	}
	d.changed = true
	if d.m.Check {
		return nil
	}
	if st, err := os.Lstat(path); err == nil && st.Mode()&os.ModeSymlink != 0 {
		return modules.Failf("rmtree failed: Cannot call rmtree on a symbolic link")
	}
	if err := os.RemoveAll(path); err != nil {
		return modules.Failf("rmtree failed: %s", oserr.Str(err, path))
	}
	return nil
}

// changeTime is when the folder's inode changed last, by which releases are old.
func changeTime(path string) time.Time {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return time.Time{} // it went away meanwhile: the oldest
	}
	return time.Unix(st.Ctim.Unix())
}
