package files

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/net"
	"gorun/modules/oserr"
)

type unarchiveArgs struct {
	modules.FileArgs
	Copy             bool     `arg:"copy"`
	Creates          string   `arg:"creates"`
	Decrypt          bool     `arg:"decrypt"`
	Dest             string   `arg:"dest"`
	Exclude          []string `arg:"exclude"`
	ExtraOpts        []string `arg:"extra_opts"`
	Include          []string `arg:"include"`
	IoBufferSize     int      `arg:"io_buffer_size"`
	KeepNewer        bool     `arg:"keep_newer"`
	ListFiles        bool     `arg:"list_files"`
	RemoteSrc        bool     `arg:"remote_src"`
	Src              string   `arg:"src"`
	ValidateCerts    bool     `arg:"validate_certs"`
	OriginalBasename string   `arg:"_original_basename"`
}

// Unarchive is ansible.builtin.unarchive; with remote_src false the action has
// brought the archive to the target.
var Unarchive = modules.Define(modules.Spec{
	Name: "ansible.builtin.unarchive",
	Doc:  "Unpack an archive: tar (also compressed by gzip, bzip2, xz, zstd) or zip.",
	Options: []modules.Option{
		{Name: "copy", Type: modules.Bool, Default: true, Doc: "The archive comes from the controller; remote_src is its opposite."},
		{Name: "creates", Type: modules.Path, Doc: "Do nothing where this path exists."},
		{Name: "decrypt", Type: modules.Bool, Default: true, Doc: "Decrypt an archive that is encrypted with a vault; the controller does it."},
		{Name: "dest", Type: modules.Path, Required: true, Doc: "The folder to unpack into."},
		{Name: "exclude", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Members to leave out."},
		{Name: "extra_opts", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "More options for tar or unzip."},
		{Name: "include", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Unpack these members only."},
		{Name: "io_buffer_size", Type: modules.Int, Default: 65536, Doc: "The size of blocks while a download is read."},
		{Name: "keep_newer", Type: modules.Bool, Default: false, Doc: "Do not replace files that are newer than the archive's."},
		{Name: "list_files", Type: modules.Bool, Default: false, Doc: "Give the list of the archive's members."},
		{Name: "remote_src", Type: modules.Bool, Default: false, Doc: "The archive is on the target, or is a URL."},
		{Name: "src", Type: modules.Path, Required: true, Doc: "The archive."},
		{Name: "validate_certs", Type: modules.Bool, Default: true, Doc: "Check the server's certificate where src is a URL."},
		{Name: "_original_basename", Doc: "The name of the archive on the controller; set by actions."},
	},
	FileArgs: true,
	Rules:    modules.Rules{MutuallyExclusive: [][]string{{"include", "exclude"}}},
	Check:    modules.Full,
	Diff:     modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *unarchiveArgs) (*modules.Result, error) {
	u := &unarchiver{ctx: ctx, m: m, a: a, dest: a.Dest}
	return u.run()
})

type unarchiver struct {
	ctx  context.Context
	m    *modules.Run
	a    *unarchiveArgs
	dest string
}

func (u *unarchiver) run() (*modules.Result, error) {
	a := u.a
	if a.Creates != "" {
		if _, err := os.Stat(a.Creates); err == nil {
			return &modules.Result{Msg: "skipped, since " + a.Creates + " exists", Data: map[string]any{}}, nil
		}
	}
	if strings.Contains(a.Src, "://") {
		if !a.RemoteSrc && a.Copy {
			return nil, modules.Failf("src is a URL: remote_src is needed for %s", a.Src)
		}
		file, err := net.Download(u.ctx, u.m, a.Src, a.ValidateCerts)
		if err != nil {
			return nil, err
		}
		a.Src = file
	}
	info, err := os.Stat(a.Src)
	if err != nil {
		return nil, modules.Failf("Source '%s' does not exist", a.Src)
	}
	if f, err := os.Open(a.Src); err != nil {
		return nil, modules.Failf("Source '%s' not readable", a.Src)
	} else {
		f.Close()
	}
	if info.Size() == 0 {
		return nil, modules.Failf("Invalid archive '%s', the file is 0 bytes", a.Src)
	}
	if !isDir(u.dest) {
		if _, err := os.Lstat(u.dest); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, modules.Failf("Failed to get information on remote file (%s): %s", u.dest, oserr.Text(err))
		}
		return nil, modules.Failf("Destination '%s' is not a directory", u.dest)
	}
	handler, err := u.handler()
	if err != nil {
		return nil, err
	}
	members, err := handler.list(u)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"dest": u.dest, "src": a.Src, "handler": handler.name()}
	if a.ListFiles {
		list := make([]any, len(members))
		for i, n := range members {
			list[i] = n
		}
		data["files"] = list
	}
	same, err := handler.unpacked(u, members)
	if err != nil {
		return nil, err
	}
	res := &modules.Result{Changed: !same, Data: data}
	if !same && !u.m.Check {
		if err := handler.unpack(u); err != nil {
			return nil, err
		}
	}
	did, err := u.attributes(members)
	res.Changed = res.Changed || did
	return res, err
}

// attributes sets mode and owner of all that was unpacked.
func (u *unarchiver) attributes(members []string) (bool, error) {
	fa := u.a.FileArgs
	if fa.Mode == nil && fa.Owner == "" && fa.Group == "" && fa.Attributes == "" && fa.SEUser+fa.SERole+fa.SEType+fa.SELevel == "" {
		return false, nil
	}
	changed := false
	done := map[string]bool{}
	for _, name := range members {
		// The folders that lead to a member belong to the archive too.
		for p := filepath.Clean(name); p != "/" && !done[p]; p = filepath.Dir(p) {
			if p == "." && filepath.Clean(name) != "." {
				break // the target folder is meant where the archive names it
			}
			done[p] = true
			path := filepath.Join(u.dest, p)
			if _, err := os.Lstat(path); err != nil {
				continue
			}
			did, err := u.m.ApplyFileArgs(path, &fa, false, nil)
			if err != nil {
				return changed, err
			}
			changed = changed || did
		}
	}
	return changed, nil
}

// An archiveFormat lists, compares and unpacks.
type archiveFormat interface {
	name() string
	list(u *unarchiver) ([]string, error)
	// unpacked says whether all is there and as in the archive.
	unpacked(u *unarchiver, members []string) (bool, error)
	unpack(u *unarchiver) error
}

// handler chooses by the first bytes, not by the name.
func (u *unarchiver) handler() (archiveFormat, error) {
	f, err := os.Open(u.a.Src)
	if err != nil {
		return nil, modules.Failf("Source '%s' not readable: %s", u.a.Src, oserr.Text(err))
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := f.Read(head)
	head = head[:n]
	switch s := string(head); {
	case strings.HasPrefix(s, "PK\x03\x04"), strings.HasPrefix(s, "PK\x05\x06"):
		return zipFormat{}, nil
	case strings.HasPrefix(s, "\x1f\x8b"):
		return tarFormat{"TgzArchive", "-z"}, nil
	case strings.HasPrefix(s, "BZh"):
		return tarFormat{"TarArchive", "-j"}, nil
	case strings.HasPrefix(s, "\xfd7zXZ\x00"):
		return tarFormat{"TarArchive", "-J"}, nil
	case strings.HasPrefix(s, "\x28\xb5\x2f\xfd"):
		return tarFormat{"TarZstdArchive", "--use-compress-program=zstd"}, nil
	case len(s) > 262 && s[257:262] == "ustar", n == 512 && strings.Trim(s, "\x00") == "":
		return tarFormat{"TarArchive", ""}, nil
	}
	return nil, modules.Failf("Failed to find handler for \"%s\". Make sure the required command to extract the file is installed.", u.a.Src)
}
