package posix

import (
	"context"
	"os"

	"golang.org/x/sys/unix"

	"gorun/modules"
)

type patchArgs struct {
	Backup           bool   `arg:"backup"`
	Basedir          string `arg:"basedir"`
	Binary           bool   `arg:"binary"`
	Dest             string `arg:"dest"`
	IgnoreWhitespace bool   `arg:"ignore_whitespace"`
	RemoteSrc        bool   `arg:"remote_src"`
	Src              string `arg:"src"`
	State            string `arg:"state"`
	Strip            int    `arg:"strip"`
}

// Patch is ansible.posix.patch; with remote_src false the action has brought
// the patch to the target.
var Patch = modules.Define(modules.Spec{
	Name: "ansible.posix.patch",
	Doc:  "Apply a patch file with GNU patch, or take it back.",
	Options: []modules.Option{
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep the files as they were, numbered."},
		{Name: "basedir", Type: modules.Path, Doc: "The folder that the patch's paths begin in."},
		{Name: "binary", Type: modules.Bool, Default: false, Doc: "Do not change line ends."},
		{Name: "dest", Type: modules.Path, Aliases: []string{"originalfile"}, Doc: "The one file to patch."},
		{Name: "ignore_whitespace", Type: modules.Bool, Default: false, Doc: "Do not mind differences in blanks."},
		{Name: "remote_src", Type: modules.Bool, Default: false, Doc: "The patch is on the target."},
		{Name: "src", Type: modules.Path, Required: true, Aliases: []string{"patchfile"}, Doc: "The patch."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the patch is to be applied or taken back."},
		{Name: "strip", Type: modules.Int, Default: 0, Doc: "How many leading folders of the patch's paths to take off."},
	},
	Rules: modules.Rules{RequiredOneOf: [][]string{{"dest", "basedir"}}},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *patchArgs) (*modules.Result, error) {
	if _, err := os.Stat(a.Src); err != nil {
		return nil, modules.Failf("src %s doesn't exist or not readable", a.Src)
	}
	if a.Dest != "" {
		if err := unix.Access(a.Dest, unix.W_OK); err != nil {
			return nil, modules.Failf("dest %s doesn't exist or not writable", a.Dest)
		}
	}
	if a.Basedir != "" {
		if info, err := os.Stat(a.Basedir); err != nil || !info.IsDir() {
			return nil, modules.Failf("basedir %s doesn't exist", a.Basedir)
		}
	}
	t := tool{ctx, m}
	done, err := t.run("patch", patchProbe(a)...)
	if err != nil {
		return nil, err
	}
	data := map[string]any{}
	// Where the opposite can be done, the patch is as it should be already.
	if done.RC == 0 {
		return &modules.Result{Data: data}, nil
	}
	dry, err := t.run("patch", patchOptions(a, a.State == "absent", true)...)
	if err != nil {
		return nil, err
	}
	if dry.RC != 0 {
		return nil, modules.Failf("%s", dry.Stdout+dry.Stderr)
	}
	if err := t.change("patch", patchOptions(a, a.State == "absent", false)...); err != nil {
		return nil, err
	}
	return &modules.Result{Changed: true, Data: data}, nil
})

// patchProbe are the options that tell whether the patch is as it should be:
// whether the opposite could be done. With --batch patch would not say no to
// taking back what was never applied.
func patchProbe(a *patchArgs) []string {
	opts := []string{"--quiet", "--forward", "--strip=" + itoa(a.Strip), "--input=" + a.Src, "--dry-run"}
	for _, o := range []struct {
		on   bool
		text string
	}{{a.Binary, "--binary"}, {a.IgnoreWhitespace, "--ignore-whitespace"}, {a.Basedir != "", "--directory=" + a.Basedir},
		{a.State == "present", "--reverse"}, {a.Dest != "", a.Dest}} {
		if o.on {
			opts = append(opts, o.text)
		}
	}
	return opts
}

func patchOptions(a *patchArgs, reverse, dry bool) []string {
	opts := []string{"--quiet", "--forward", "--batch", "--reject-file=-", "--strip=" + itoa(a.Strip), "--input=" + a.Src}
	for _, o := range []struct {
		on   bool
		text string
	}{{dry, "--dry-run"}, {a.Binary, "--binary"}, {a.IgnoreWhitespace, "--ignore-whitespace"}, {a.Basedir != "", "--directory=" + a.Basedir},
		{a.Backup && !dry, "--backup"}, {a.Backup && !dry, "--version-control=numbered"}} {
		if o.on {
			opts = append(opts, o.text)
		}
	}
	if reverse {
		opts = append(opts, "--reverse")
	}
	if a.Dest != "" {
		opts = append(opts, a.Dest)
	}
	return opts
}
