package posix

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"

	"gorun/modules"
	"gorun/modules/oserr"
)

type mountArgs struct {
	Backup    bool   `arg:"backup"`
	Boot      bool   `arg:"boot"`
	Dump      string `arg:"dump"`
	Fstab     string `arg:"fstab"`
	Fstype    string `arg:"fstype"`
	Opts      string `arg:"opts"`
	OptsNoLog bool   `arg:"opts_no_log"`
	Passno    string `arg:"passno"`
	Path      string `arg:"path"`
	Src       string `arg:"src"`
	State     string `arg:"state"`
}

// Mount is ansible.posix.mount.
var Mount = modules.Define(modules.Spec{
	Name: "ansible.posix.mount",
	Doc:  "Mount and unmount file systems, and keep their lines in fstab.",
	Options: []modules.Option{
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of fstab as it was."},
		{Name: "boot", Type: modules.Bool, Default: true, Doc: "Mount at boot; otherwise noauto is added to the options."},
		{Name: "dump", Default: "0", Doc: "The fifth field of fstab."},
		{Name: "fstab", Doc: "The file to use in place of /etc/fstab."},
		{Name: "fstype", Doc: "The type of the file system."},
		{Name: "opts", Doc: "The mount options; defaults unless given."},
		{Name: "opts_no_log", Type: modules.Bool, Default: false, Doc: "Keep the options out of the result."},
		{Name: "passno", Default: "0", Doc: "The sixth field of fstab: when fsck checks it."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"name"}, Doc: "The mount point."},
		{Name: "src", Type: modules.Path, Doc: "The device, address or folder to mount."},
		{Name: "state", Required: true, Choices: []string{"absent", "absent_from_fstab", "mounted", "present", "unmounted", "remounted", "ephemeral"}, Doc: "What is to be: mounted and in fstab, in fstab only (present), neither (absent), not mounted, remounted, or mounted without a line in fstab (ephemeral)."},
	},
	Rules: modules.Rules{RequiredIf: []modules.RequiredIf{
		{Key: "state", Value: "mounted", Need: []string{"src", "fstype"}},
		{Key: "state", Value: "present", Need: []string{"src", "fstype"}},
		{Key: "state", Value: "ephemeral", Need: []string{"src", "fstype"}},
	}},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *mountArgs) (*modules.Result, error) {
	r := newMountRun(ctx, m, a)
	return r.run()
})

// A mountRun is one run of mount.
type mountRun struct {
	ctx    context.Context
	m      *modules.Run
	a      *mountArgs
	path   string
	fstab  string
	want   fstabEntry
	diff   []modules.Diff
	backup string
	old    []byte // fstab as it was; nil: there was none
}

func newMountRun(ctx context.Context, m *modules.Run, a *mountArgs) *mountRun {
	r := &mountRun{ctx: ctx, m: m, a: a, path: a.Path, fstab: a.Fstab}
	if r.fstab == "" {
		r.fstab = "/etc/fstab"
	}
	opts := a.Opts
	switch {
	case opts == "":
		opts = "defaults"
	case !a.Boot && !hasOption(opts, "noauto"):
		opts += ",noauto"
	}
	r.want = fstabEntry{src: a.Src, path: r.path, fstype: a.Fstype, opts: opts, dump: a.Dump, passno: a.Passno}
	return r
}

func hasOption(opts, name string) bool {
	for o := range strings.SplitSeq(opts, ",") {
		if o == name {
			return true
		}
	}
	return false
}

func (r *mountRun) run() (*modules.Result, error) {
	var changed bool
	var err error
	switch r.a.State {
	case "absent_from_fstab":
		changed, err = r.editFstab(false)
	case "absent":
		changed, err = r.absent()
	case "unmounted":
		if r.isMounted() {
			changed, err = true, r.umount()
		}
	case "present":
		changed, err = r.editFstab(true)
	case "mounted":
		changed, err = r.mounted()
	case "remounted":
		changed, err = true, r.remount()
	case "ephemeral":
		changed, err = r.ephemeral()
	}
	if err != nil {
		return nil, err
	}
	boot := "yes"
	if !r.a.Boot {
		boot = "no"
	}
	data := map[string]any{"name": r.path, "opts": r.want.opts, "dump": r.want.dump, "passno": r.want.passno,
		"fstab": r.fstab, "boot": boot, "backup_file": r.backup}
	if r.a.OptsNoLog {
		delete(data, "opts")
	}
	if r.a.Src != "" {
		data["src"] = r.a.Src
	}
	if r.a.Fstype != "" {
		data["fstype"] = r.a.Fstype
	}
	return &modules.Result{Changed: changed, Diff: r.diff, Data: data}, nil
}

// isMounted asks the kernel; a path that cannot be looked at is no mount point.
func (r *mountRun) isMounted() bool {
	ok, err := mountinfo.Mounted(r.path)
	if err == nil {
		return ok
	}
	// A mount whose server is gone cannot be looked at, and is in the list.
	infos, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(filepath.Clean(r.path)))
	return err == nil && len(infos) > 0
}

// mountedFrom is the source of what is mounted at the path.
func (r *mountRun) mountedFrom() string {
	infos, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(filepath.Clean(r.path)))
	if err != nil || len(infos) == 0 {
		return ""
	}
	return infos[len(infos)-1].Source
}

func (r *mountRun) absent() (bool, error) {
	changed, err := r.editFstab(false)
	if err != nil {
		return false, err
	}
	if r.isMounted() {
		changed = true
		if err := r.umount(); err != nil {
			return false, err
		}
	}
	if _, err := os.Stat(r.path); err == nil && !r.m.Check {
		if err := os.Remove(r.path); err != nil {
			return false, modules.Failf("Error rmdir %s: %s", r.path, oserr.Str(err, r.path))
		}
	}
	return changed, nil
}

func (r *mountRun) mounted() (bool, error) {
	made, err := r.makePoint()
	if err != nil {
		return false, err
	}
	mounted := r.isMounted()
	changed, err := r.editFstab(true)
	if err != nil {
		r.unmake(made)
		return false, err
	}
	switch {
	case r.m.Check:
		return changed || !mounted, nil
	case mounted && changed:
		err = r.remount()
	case !mounted:
		changed = true
		err = r.mount()
	}
	if err != nil {
		// Neither a line nor a folder is left of a mount that failed.
		r.restoreFstab()
		r.unmake(made)
		return false, err
	}
	return changed || made, nil
}

// makePoint makes the mount point's folder; a bind mount of a file gets a file.
func (r *mountRun) makePoint() (bool, error) {
	if _, err := os.Lstat(r.path); err == nil || r.m.Check {
		return false, nil
	}
	if hasOption(r.want.opts, "bind") {
		if st, err := os.Stat(r.a.Src); err == nil && !st.IsDir() {
			f, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				return false, modules.Failf("Error making file %s: %s", r.path, oserr.Str(err, r.path))
			}
			return true, f.Close()
		}
	}
	if err := os.MkdirAll(r.path, 0o755); err != nil {
		return false, modules.Failf("Error making dir %s: %s", r.path, oserr.Str(err, r.path))
	}
	return true, nil
}

func (r *mountRun) unmake(made bool) {
	if made {
		_ = os.Remove(r.path) // not empty: not ours alone
	}
}

// command runs mount or umount; its output is the failure's message.
func (r *mountRun) command(what, program string, args ...string) error {
	if r.m.Check {
		return nil
	}
	bin, err := r.m.RequireBin(program)
	if err != nil {
		return err
	}
	res, err := r.m.Command(r.ctx, modules.CommandOptions{}, append([]string{bin}, args...)...)
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return modules.Failf("Error %s %s: %s", what, r.path, res.Stdout+res.Stderr)
	}
	return nil
}

func (r *mountRun) umount() error { return r.command("unmounting", "umount", r.path) }

func (r *mountRun) mount() error {
	if r.a.State == "ephemeral" {
		return r.command("mounting", "mount", "-t", r.a.Fstype, "-o", r.want.opts, r.a.Src, r.path)
	}
	if r.fstab != "/etc/fstab" {
		return r.command("mounting", "mount", "-T", r.fstab, r.path)
	}
	return r.command("mounting", "mount", r.path)
}

// remount tries it in place, then by umount and mount: some file systems
// cannot change options while they are mounted.
func (r *mountRun) remount() error {
	args := []string{"-o", "remount"}
	switch {
	case r.a.State == "ephemeral":
		args = []string{"-o", "remount," + r.want.opts}
	case r.a.Opts != "" && r.a.State == "remounted":
		args = []string{"-o", "remount," + r.a.Opts}
	}
	if r.fstab != "/etc/fstab" && r.a.State != "ephemeral" {
		args = append(args, "-T", r.fstab)
	}
	if err := r.command("remounting", "mount", append(args, r.path)...); err == nil {
		return nil
	}
	if err := r.command("remounting", "umount", r.path); err != nil {
		return err
	}
	return r.mount()
}

func (r *mountRun) ephemeral() (bool, error) {
	if !r.isMounted() {
		made, err := r.makePoint()
		if err != nil {
			return false, err
		}
		if err := r.mount(); err != nil {
			r.unmake(made)
			return false, err
		}
		return true, nil
	}
	if from := r.mountedFrom(); from != r.a.Src && !r.sameDevice(from) {
		return false, modules.Failf("Ephemeral mount point is already mounted with a different source than the specified one. " +
			"Failing in order to prevent an unwanted unmount or override operation. Try replacing this command with a " +
			"\"state: unmounted\" followed by a \"state: ephemeral\", or use a different destination path.")
	}
	return true, r.remount()
}

// sameDevice compares sources that are names of one device (links, UUID=...).
func (r *mountRun) sameDevice(have string) bool {
	want := r.a.Src
	for prefix, dir := range map[string]string{"UUID=": "by-uuid", "LABEL=": "by-label", "PARTUUID=": "by-partuuid", "PARTLABEL=": "by-partlabel"} {
		if id, ok := strings.CutPrefix(want, prefix); ok {
			want = filepath.Join("/dev/disk", dir, strings.Trim(id, `"`))
		}
	}
	// A loop device stands for the file behind it.
	if name, ok := strings.CutPrefix(have, "/dev/loop"); ok {
		if file, err := os.ReadFile(filepath.Join("/sys/block", "loop"+name, "loop/backing_file")); err == nil {
			have = strings.TrimSuffix(string(file), "\n")
		}
	}
	a, errA := filepath.EvalSymlinks(want)
	b, errB := filepath.EvalSymlinks(have)
	return errA == nil && errB == nil && a == b
}
