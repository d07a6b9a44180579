// Package files holds the modules that look at, make and change files.
package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/modules"
	"gorun/modules/oserr"
)

type statArgs struct {
	ChecksumAlgorithm string `arg:"checksum_algorithm"`
	Follow            bool   `arg:"follow"`
	GetAttributes     bool   `arg:"get_attributes"`
	GetChecksum       bool   `arg:"get_checksum"`
	GetMime           bool   `arg:"get_mime"`
	GetSELinux        bool   `arg:"get_selinux_context"`
	Path              string `arg:"path"`
}

// Stat is ansible.builtin.stat.
var Stat = modules.Define(modules.Spec{
	Name: "ansible.builtin.stat",
	Doc:  "Tell what is known of a file: type, mode, owner, times, checksum.",
	Options: []modules.Option{
		{Name: "checksum_algorithm", Default: "sha1", Choices: []string{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}, Aliases: []string{"checksum", "checksum_algo"}, Doc: "The digest to take."},
		{Name: "follow", Type: modules.Bool, Default: false, Doc: "Look at what a link points to."},
		{Name: "get_attributes", Type: modules.Bool, Default: true, Aliases: []string{"attr", "attributes"}, Doc: "Ask lsattr for the file's attributes."},
		{Name: "get_checksum", Type: modules.Bool, Default: true, Doc: "Take the checksum of a regular file."},
		{Name: "get_md5", Type: modules.Bool, Default: false, Doc: "Of former days.", Ignored: "checksum_algorithm chooses the digest"},
		{Name: "get_selinux_context", Type: modules.Bool, Default: false, Doc: "Tell the SELinux context."},
		{Name: "get_mime", Type: modules.Bool, Default: true, Aliases: []string{"mime", "mime_type", "mime-type"}, Doc: "Ask file(1) for type and encoding."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"dest", "name"}, Doc: "The file."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *statArgs) (*modules.Result, error) {
	var st unix.Stat_t
	stat := unix.Lstat
	if a.Follow {
		stat = unix.Stat
	}
	if err := stat(a.Path, &st); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return &modules.Result{Data: map[string]any{"stat": map[string]any{"exists": false}}}, nil
		}
		return nil, modules.Failf("%s", oserr.Text(err))
	}
	out := statData(a.Path, &st)
	if out["islnk"] == true {
		addLink(a.Path, out)
	}
	if a.GetChecksum && out["isreg"] == true && out["readable"] == true {
		sum, err := modules.HexDigest(a.Path, a.ChecksumAlgorithm)
		if err != nil {
			return nil, modules.Failf("could not read %s: %w", a.Path, err)
		}
		out["checksum"] = sum
	}
	if a.GetMime {
		out["mimetype"], out["charset"] = mimeType(ctx, m, a.Path)
	}
	if a.GetAttributes {
		addAttributes(ctx, m, a.Path, out)
	}
	if a.GetSELinux {
		out["selinux_context"] = modules.SELinuxContext(a.Path)
	}
	return &modules.Result{Data: map[string]any{"stat": out}}, nil
})

// statData is what the kernel says of the file.
func statData(path string, st *unix.Stat_t) map[string]any {
	out := map[string]any{
		"exists": true,
		"path":   path,
		"mode":   octalMode(uint32(st.Mode)),
		"uid":    int(st.Uid), "gid": int(st.Gid),
		"pw_name": modules.UserName(int(st.Uid)), "gr_name": modules.GroupName(int(st.Gid)),
		"size": st.Size, "inode": uint64(st.Ino), "dev": uint64(st.Dev), "nlink": uint64(st.Nlink),
		"atime": seconds(st.Atim), "mtime": seconds(st.Mtim), "ctime": seconds(st.Ctim),
		"blocks": int64(st.Blocks), "block_size": int64(st.Blksize), "device_type": uint64(st.Rdev),
		"isuid": st.Mode&unix.S_ISUID != 0, "isgid": st.Mode&unix.S_ISGID != 0,
		"readable":   unix.Access(path, unix.R_OK) == nil,
		"writeable":  unix.Access(path, unix.W_OK) == nil,
		"executable": unix.Access(path, unix.X_OK) == nil,
	}
	for key, kind := range map[string]uint32{"isdir": unix.S_IFDIR, "ischr": unix.S_IFCHR, "isblk": unix.S_IFBLK,
		"isreg": unix.S_IFREG, "isfifo": unix.S_IFIFO, "islnk": unix.S_IFLNK, "issock": unix.S_IFSOCK} {
		out[key] = uint32(st.Mode)&unix.S_IFMT == kind
	}
	for key, bit := range map[string]uint32{"rusr": 0o400, "wusr": 0o200, "xusr": 0o100, "rgrp": 0o040, "wgrp": 0o020, "xgrp": 0o010,
		"roth": 0o004, "woth": 0o002, "xoth": 0o001} {
		out[key] = uint32(st.Mode)&bit != 0
	}
	return out
}

// octalMode is a mode as results have it: four digits at least.
func octalMode(mode uint32) string {
	const digits = "01234567"
	mode &= 0o7777
	return string([]byte{digits[mode>>9], digits[mode>>6&7], digits[mode>>3&7], digits[mode&7]})
}

func seconds(t unix.Timespec) float64 { return float64(t.Sec) + float64(t.Nsec)/1e9 }

func addLink(path string, out map[string]any) {
	target, err := os.Readlink(path)
	if err != nil {
		return
	}
	out["lnk_target"] = target
	out["lnk_source"] = realPath(path)
}

// realPath resolves links as far as the path exists, and makes the rest
// absolute: the target of a dangling link has a name too.
func realPath(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for range 40 {
		if p, err := filepath.EvalSymlinks(abs); err == nil {
			return p
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
		if err != nil {
			return abs
		}
		abs = filepath.Join(dir, filepath.Base(abs))
		target, err := os.Readlink(abs)
		if err != nil {
			return abs
		}
		if filepath.IsAbs(target) {
			abs = filepath.Clean(target)
		} else {
			abs = filepath.Join(dir, target)
		}
	}
	return abs
}

// mimeType asks file(1), "unknown" where it is not installed or at a loss.
func mimeType(ctx context.Context, m *modules.Run, path string) (mime, charset string) {
	bin := m.BinPath("file")
	if bin == "" {
		return "unknown", "unknown"
	}
	res, err := m.Command(ctx, modules.CommandOptions{}, bin, "--mime-type", "--mime-encoding", "--brief", "--", path)
	if err != nil || res.RC != 0 {
		return "unknown", "unknown"
	}
	mime, rest, ok := strings.Cut(strings.TrimSpace(res.Stdout), "; charset=")
	if !ok || strings.HasPrefix(mime, "cannot open") || strings.HasPrefix(mime, "broken symbolic link") {
		return "unknown", "unknown"
	}
	return mime, rest
}

// attributeNames are the letters of lsattr.
var attributeNames = map[rune]string{
	'A': "noatime", 'a': "append", 'c': "compressed", 'C': "nocow", 'd': "nodump", 'D': "dirsync", 'e': "extents",
	'E': "encrypted", 'h': "blocksize", 'i': "immutable", 'I': "indexed", 'j': "journalled", 'N': "inline",
	's': "zero", 'S': "synchronous", 't': "notail", 'T': "blockroot", 'u': "undelete", 'X': "compressedraw", 'Z': "compresseddirty",
}

func addAttributes(ctx context.Context, m *modules.Run, path string, out map[string]any) {
	out["version"], out["attributes"], out["attr_flags"] = nil, []any{}, ""
	bin := m.BinPath("lsattr")
	if bin == "" {
		return
	}
	res, err := m.Command(ctx, modules.CommandOptions{}, bin, "-vd", path)
	if err != nil || res.RC != 0 {
		return
	}
	f := strings.Fields(res.Stdout)
	if len(f) < 2 {
		return
	}
	flags := strings.ReplaceAll(f[1], "-", "")
	names := []any{}
	for _, c := range flags {
		if name, ok := attributeNames[c]; ok {
			names = append(names, name)
		}
	}
	out["version"], out["attributes"], out["attr_flags"] = f[0], names, flags
}
