package posix

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type filesystemArgs struct {
	Dev      string `arg:"dev"`
	Force    bool   `arg:"force"`
	Fstype   string `arg:"fstype"`
	Opts     string `arg:"opts"`
	Resizefs bool   `arg:"resizefs"`
	State    string `arg:"state"`
	UUID     string `arg:"uuid"`
	Label    string `arg:"label"`
}

// Filesystem is community.general.filesystem.
var Filesystem = modules.Define(modules.Spec{
	Name: "community.general.filesystem",
	Doc:  "Make a file system on a device or in a file, grow it, or wipe it.",
	Options: []modules.Option{
		{Name: "dev", Type: modules.Path, Required: true, Aliases: []string{"device"}, Doc: "The device or file."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Make it although there is another one."},
		{Name: "fstype", Choices: []string{"btrfs", "ext2", "ext3", "ext4", "ext4dev", "f2fs", "lvm", "ocfs2", "reiserfs", "xfs", "vfat", "swap", "ufs", "gfs2", "bcachefs"}, Aliases: []string{"type"}, Doc: "The type of the file system."},
		{Name: "opts", Doc: "More options for mkfs."},
		{Name: "resizefs", Type: modules.Bool, Default: false, Doc: "Grow the file system to the size of the device."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether there is to be a file system."},
		{Name: "uuid", Doc: "The UUID of the file system."},
		{Name: "label", Doc: "The label of a new file system; for gfs2, CLUSTER:NAME."},
	},
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{{"resizefs", "uuid"}},
		RequiredIf:        []modules.RequiredIf{{Key: "state", Value: "present", Need: []string{"fstype"}}},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *filesystemArgs) (*modules.Result, error) {
	t := tool{ctx, m}
	if _, err := os.Stat(a.Dev); err != nil {
		if a.State == "absent" && errors.Is(err, os.ErrNotExist) {
			return &modules.Result{Msg: "Device " + a.Dev + " not found.", Data: map[string]any{}}, nil
		}
		return nil, modules.Failf("Device %s not found.", a.Dev)
	}
	have, err := t.run("blkid", "-c", os.DevNull, "-o", "value", "-s", "TYPE", a.Dev)
	if err != nil {
		return nil, err
	}
	fs := strings.TrimSpace(have.Stdout)
	if a.State == "absent" {
		if fs == "" {
			return &modules.Result{Data: map[string]any{}}, nil
		}
		return &modules.Result{Changed: true, Data: map[string]any{}}, t.change("wipefs", "--all", a.Dev)
	}
	return makeFilesystem(t, a, fs)
})

// A mkfsTool makes and grows one type.
type mkfsTool struct {
	program string
	args    []string
	force   string
	grow    []string // %s is the device; nil: cannot
	blkid   string   // blkid's name of the type
}

var mkfsTools = map[string]mkfsTool{
	"ext2": {"mkfs.ext2", nil, "-F", []string{"resize2fs", "%s"}, ""}, "ext3": {"mkfs.ext3", nil, "-F", []string{"resize2fs", "%s"}, ""},
	"ext4": {"mkfs.ext4", nil, "-F", []string{"resize2fs", "%s"}, ""}, "ext4dev": {"mkfs.ext4", nil, "-F", []string{"resize2fs", "%s"}, "ext4"},
	"xfs": {"mkfs.xfs", nil, "-f", []string{"xfs_growfs", "%m"}, ""}, "btrfs": {"mkfs.btrfs", nil, "-f", []string{"btrfs", "filesystem", "resize", "max", "%m"}, ""},
	"f2fs": {"mkfs.f2fs", nil, "-f", []string{"resize.f2fs", "%s"}, ""}, "vfat": {"mkfs.vfat", nil, "-I", []string{"fatresize", "--size", "max", "%s"}, ""},
	"swap": {"mkswap", nil, "-f", nil, ""}, "lvm": {"pvcreate", nil, "-f", []string{"pvresize", "%s"}, "LVM2_member"},
	"ocfs2": {"mkfs.ocfs2", []string{"-Fx"}, "", nil, ""}, "reiserfs": {"mkfs.reiserfs", []string{"-q"}, "-f", []string{"resize_reiserfs", "%s"}, ""},
	"gfs2": {"mkfs.gfs2", []string{"-O"}, "", nil, ""}, "bcachefs": {"mkfs.bcachefs", []string{"--force"}, "", []string{"bcachefs", "device", "resize", "%s"}, ""},
	"ufs": {"newfs", nil, "", []string{"growfs", "-y", "%s"}, "ufs"},
}

func makeFilesystem(t tool, a *filesystemArgs, have string) (*modules.Result, error) {
	mk := mkfsTools[a.Fstype]
	want := mk.blkid
	if want == "" {
		want = a.Fstype
	}
	res := &modules.Result{Data: map[string]any{}}
	id := uuidTools[a.Fstype]
	if a.UUID != "" && id.change == nil && id.make == "" {
		return nil, modules.Failf("module does not support UUID option for this filesystem (%s) yet.", a.Fstype)
	}
	if a.Label != "" && a.Fstype != "gfs2" {
		t.m.Warn("label has no effect on %s file systems, as in Ansible", a.Fstype)
	}
	if have == want && !a.Force {
		switch {
		case a.Resizefs:
			return growFilesystem(t, a, mk)
		case a.UUID != "" && id.change != nil:
			res.Changed = true
			return res, t.setUUID(id, a)
		}
		return res, nil
	}
	if have != "" && !a.Force {
		return nil, modules.FailWith(map[string]any{"rc": 0, "err": ""}, "'%s' is already used as %s, use force=true to overwrite", a.Dev, have)
	}
	args := append([]string{}, mk.args...)
	if mk.force != "" && (a.Force || isFile(a.Dev)) {
		args = append(args, mk.force)
	}
	if a.Opts != "" {
		more, err := modules.ShellSplit(a.Opts)
		if err != nil {
			return nil, modules.Failf("opts: %w", err)
		}
		args = append(args, more...)
	}
	if a.UUID != "" && id.make != "" {
		args = append(args, id.make, a.UUID)
	}
	if a.Label != "" && a.Fstype == "gfs2" && !slices.Contains(args, "-t") {
		args = append(args, "-t", a.Label)
	}
	res.Changed = true
	if err := t.change(mk.program, append(args, a.Dev)...); err != nil {
		return nil, err
	}
	if a.UUID != "" && id.make == "" {
		return res, t.setUUID(id, a)
	}
	return res, nil
}

// A uuidTool gives a type its UUID: by an option of mkfs, and to one that is
// there by a program.
type uuidTool struct {
	make   string
	change []string
	noArg  bool // the program makes the UUID up
}

var uuidTools = map[string]uuidTool{
	"ext2": {make: "-U", change: []string{"tune2fs", "-U"}}, "ext3": {make: "-U", change: []string{"tune2fs", "-U"}},
	"ext4": {make: "-U", change: []string{"tune2fs", "-U"}}, "ext4dev": {make: "-U", change: []string{"tune2fs", "-U"}},
	"xfs": {change: []string{"xfs_admin", "-U"}}, "btrfs": {make: "-U"},
	"gfs2": {make: "-U", change: []string{"tunegfs2", "-U"}}, "bcachefs": {make: "-U"},
	"lvm": {change: []string{"pvchange", "-u"}, noArg: true},
}

func (t tool) setUUID(id uuidTool, a *filesystemArgs) error {
	args := id.change[1:]
	if !id.noArg {
		args = append(args[:len(args):len(args)], a.UUID)
	}
	return t.change(id.change[0], append(args, a.Dev)...)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// growFilesystem grows to the device's size where that is larger.
func growFilesystem(t tool, a *filesystemArgs, mk mkfsTool) (*modules.Result, error) {
	if mk.grow == nil {
		return nil, modules.Failf("module does not support resizing %s filesystem yet", a.Fstype)
	}
	res := &modules.Result{Data: map[string]any{}}
	if strings.HasPrefix(a.Fstype, "ext") {
		device, fs, err := extSizes(t, a.Dev)
		if err != nil {
			return nil, err
		}
		if device < fs+4<<20 && device-fs < device/1000+1 {
			res.Data["msg"] = strings.ToUpper(a.Fstype[:1]) + a.Fstype[1:] + " filesystem is using the whole device " + a.Dev
			return res, nil
		}
	}
	mountpoint := ""
	if data, err := os.ReadFile("/proc/self/mounts"); err == nil {
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == a.Dev {
				mountpoint = fstabUnescape.Replace(f[1])
			}
		}
	}
	args := make([]string, len(mk.grow))
	for i, w := range mk.grow {
		if w == "%m" && mountpoint == "" {
			return nil, modules.Failf("%s must be mounted to be resized", a.Dev)
		}
		args[i] = strings.NewReplacer("%s", a.Dev, "%m", mountpoint).Replace(w)
	}
	if !t.m.Check {
		out, err := t.must(args[0], args[1:]...)
		if err != nil {
			return nil, err
		}
		if strings.Contains(out.Stdout+out.Stderr, "Nothing to do") || strings.Contains(out.Stdout, "data size unchanged") {
			return res, nil
		}
		res.Data["msg"] = out.Stdout
	}
	res.Changed = true
	return res, nil
}

// extSizes are the bytes of the device and of the ext file system on it.
func extSizes(t tool, dev string) (device, fs int64, err error) {
	info, err := os.Stat(dev)
	if err != nil {
		return 0, 0, modules.Failf("could not look at %s: %s", dev, oserr.Text(err))
	}
	if device = info.Size(); !info.Mode().IsRegular() {
		res, err := t.must("blockdev", "--getsize64", dev)
		if err != nil {
			return 0, 0, err
		}
		if device, err = strconv.ParseInt(strings.TrimSpace(res.Stdout), 10, 64); err != nil {
			return 0, 0, modules.Failf("blockdev says %q", res.Stdout)
		}
	}
	res, err := t.must("dumpe2fs", "-h", dev)
	if err != nil {
		return 0, 0, err
	}
	blocks, size := int64(0), int64(0)
	for line := range strings.Lines(res.Stdout) {
		k, v, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		switch k {
		case "Block count":
			blocks = n
		case "Block size":
			size = n
		}
	}
	return device, blocks * size, nil
}
