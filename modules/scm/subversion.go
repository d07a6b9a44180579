package scm

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gorun/modules"
)

type subversionArgs struct {
	Checkout      bool   `arg:"checkout"`
	Dest          string `arg:"dest"`
	Executable    string `arg:"executable"`
	Export        bool   `arg:"export"`
	Force         bool   `arg:"force"`
	InPlace       bool   `arg:"in_place"`
	Password      string `arg:"password"`
	Repo          string `arg:"repo"`
	Revision      string `arg:"revision"`
	Switch        bool   `arg:"switch"`
	Update        bool   `arg:"update"`
	Username      string `arg:"username"`
	ValidateCerts bool   `arg:"validate_certs"`
}

// Subversion is ansible.builtin.subversion.
var Subversion = modules.Define(modules.Spec{
	Name: "ansible.builtin.subversion",
	Doc:  "Check out and update a subversion repository, with the svn program.",
	Options: []modules.Option{
		{Name: "checkout", Type: modules.Bool, Default: true, Doc: "Check out where there is nothing yet."},
		{Name: "dest", Type: modules.Path, Doc: "The folder of the working copy."},
		{Name: "executable", Type: modules.Path, Doc: "The svn program."},
		{Name: "export", Type: modules.Bool, Default: false, Doc: "Export without svn's own files."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Throw local changes away."},
		{Name: "in_place", Type: modules.Bool, Default: false, Doc: "Check out into a folder that has files already."},
		{Name: "password", NoLog: true, Doc: "The password."},
		{Name: "repo", Required: true, Aliases: []string{"name", "repository"}, Doc: "The address of the repository."},
		{Name: "revision", Default: "HEAD", Aliases: []string{"rev", "version"}, Doc: "The revision."},
		{Name: "switch", Type: modules.Bool, Default: true, Doc: "Switch the working copy to repo where it is another."},
		{Name: "update", Type: modules.Bool, Default: true, Doc: "Update a working copy that is there."},
		{Name: "username", Doc: "The user."},
		{Name: "validate_certs", Type: modules.Bool, Default: false, Doc: "Check the server's certificate."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *subversionArgs) (*modules.Result, error) {
	if a.Dest == "" && (a.Checkout || a.Update || a.Export) {
		return nil, modules.Failf("the destination directory must be specified unless checkout=no, update=no, and export=no")
	}
	s := &svn{ctx: ctx, m: m, a: a, bin: a.Executable}
	if s.bin == "" {
		var err error
		if s.bin, err = m.RequireBin("svn"); err != nil {
			return nil, err
		}
	}
	return s.run()
})

type svn struct {
	ctx context.Context
	m   *modules.Run
	a   *subversionArgs
	bin string
}

// command runs svn; the password goes by its standard input.
func (s *svn) command(args ...string) (string, error) {
	argv := []string{s.bin, "--non-interactive", "--no-auth-cache"}
	if !s.a.ValidateCerts {
		argv = append(argv, "--trust-server-cert-failures", "unknown-ca,cn-mismatch,expired,not-yet-valid,other")
	}
	if s.a.Username != "" {
		argv = append(argv, "--username", s.a.Username)
	}
	o := modules.CommandOptions{}
	if s.a.Password != "" {
		argv = append(argv, "--password-from-stdin")
		o.Stdin = strings.NewReader(s.a.Password)
	}
	res, err := s.m.Command(s.ctx, o, append(argv, args...)...)
	if err == nil && res.RC != 0 {
		err = modules.FailWith(map[string]any{"rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr}, "%s", strings.TrimSpace(res.Stderr))
	}
	return res.Stdout, err
}

var svnInfo = regexp.MustCompile(`(?m)^(Revision|Révision|URL) ?: .*$`)

// info is the revision and URL of a working copy, or of the repository.
func (s *svn) info(args ...string) ([]string, error) {
	out, err := s.command(append([]string{"info"}, args...)...)
	if err != nil {
		return nil, err
	}
	rev, url := "", ""
	for _, line := range svnInfo.FindAllString(out, -1) {
		if strings.HasPrefix(line, "URL") {
			url = line
		} else {
			rev = line
		}
	}
	return []string{rev, url}, nil
}

func (s *svn) run() (*modules.Result, error) {
	a := s.a
	if a.Export || !s.isCopy() {
		return s.fresh()
	}
	before, err := s.info(a.Dest)
	if err != nil {
		return nil, err
	}
	if !a.Update {
		return &modules.Result{Data: map[string]any{"before": before, "after": before}}, nil
	}
	mods, err := s.localChanges()
	if err != nil {
		return nil, err
	}
	if s.m.Check {
		latest, err := s.info("-r", a.Revision, a.Repo)
		if err != nil {
			return nil, err
		}
		return &modules.Result{Changed: before[0] != latest[0] || before[1] != latest[1] || mods,
			Data: map[string]any{"before": before, "after": latest}}, nil
	}
	if mods && !a.Force {
		return nil, modules.Failf("ERROR: modified files exist in the repository.")
	}
	if mods {
		if _, err := s.command("revert", "-R", a.Dest); err != nil {
			return nil, err
		}
	}
	if a.Switch && before[1] != "URL: "+a.Repo {
		if _, err := s.command("switch", "--revision", a.Revision, a.Repo, a.Dest); err != nil {
			return nil, err
		}
	}
	if _, err := s.command("update", "-r", a.Revision, a.Dest); err != nil {
		return nil, err
	}
	after, err := s.info(a.Dest)
	if err != nil {
		return nil, err
	}
	return &modules.Result{Changed: before[0] != after[0] || before[1] != after[1] || mods,
		Data: map[string]any{"before": before, "after": after}}, nil
}

func (s *svn) isCopy() bool {
	_, err := os.Stat(filepath.Join(s.a.Dest, ".svn"))
	return err == nil
}

// fresh checks out or exports.
func (s *svn) fresh() (*modules.Result, error) {
	a := s.a
	entries, err := os.ReadDir(a.Dest)
	full := err == nil && len(entries) > 0
	switch {
	case a.Export && full && !a.Force:
		return nil, modules.Failf("ERROR: %s folder already exists, but its not a subversion repository.", a.Dest)
	case !a.Export && full && !a.InPlace && !a.Force:
		return nil, modules.Failf("ERROR: %s folder already exists, but its not a subversion repository.", a.Dest)
	case s.m.Check:
		return &modules.Result{Changed: true, Data: map[string]any{}}, nil
	case !a.Export && !a.Checkout:
		info, err := s.info("-r", a.Revision, a.Repo)
		return &modules.Result{Data: map[string]any{"after": info}}, err
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(a.Dest)), 0o777); err != nil {
		return nil, modules.Failf("could not make the parent folder of %s: %w", a.Dest, err)
	}
	args := []string{"checkout"}
	if a.Export {
		args[0] = "export"
	}
	if a.Force || a.InPlace {
		args = append(args, "--force")
	}
	if _, err := s.command(append(args, "-r", a.Revision, a.Repo, a.Dest)...); err != nil {
		return nil, err
	}
	data := map[string]any{"before": nil}
	if !a.Export {
		if data["after"], err = s.info(a.Dest); err != nil {
			return nil, err
		}
	}
	return &modules.Result{Changed: true, Data: data}, nil
}

// localChanges says whether files under control were changed.
func (s *svn) localChanges() (bool, error) {
	out, err := s.command("status", "--quiet", "--ignore-externals", s.a.Dest)
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(out) {
		if line[0] != '?' && line[0] != 'X' && strings.TrimSpace(line) != "" {
			return true, nil
		}
	}
	return false, nil
}
