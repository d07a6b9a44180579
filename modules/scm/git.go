// Package scm holds the modules that check out version-controlled sources.
package scm

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type gitArgs struct {
	AcceptHostkey    bool     `arg:"accept_hostkey"`
	AcceptNewhostkey bool     `arg:"accept_newhostkey"`
	Archive          string   `arg:"archive"`
	ArchivePrefix    string   `arg:"archive_prefix"`
	Bare             bool     `arg:"bare"`
	Clone            bool     `arg:"clone"`
	Depth            *int     `arg:"depth"`
	Dest             string   `arg:"dest"`
	Executable       string   `arg:"executable"`
	Force            bool     `arg:"force"`
	GPGWhitelist     []string `arg:"gpg_allowlist"`
	KeyFile          string   `arg:"key_file"`
	Recursive        bool     `arg:"recursive"`
	Reference        string   `arg:"reference"`
	Refspec          string   `arg:"refspec"`
	Remote           string   `arg:"remote"`
	Repo             string   `arg:"repo"`
	SeparateGitDir   string   `arg:"separate_git_dir"`
	SingleBranch     bool     `arg:"single_branch"`
	SSHOpts          string   `arg:"ssh_opts"`
	TrackSubmodules  bool     `arg:"track_submodules"`
	Umask            any      `arg:"umask"`
	Update           bool     `arg:"update"`
	VerifyCommit     bool     `arg:"verify_commit"`
	Version          string   `arg:"version"`
}

// Git is ansible.builtin.git.
var Git = modules.Define(modules.Spec{
	Name: "ansible.builtin.git",
	Doc:  "Clone a git repository and bring it to a branch, tag or commit, with the git program.",
	Options: []modules.Option{
		{Name: "accept_hostkey", Type: modules.Bool, Default: false, Doc: "Accept any SSH host key (StrictHostKeyChecking=no)."},
		{Name: "accept_newhostkey", Type: modules.Bool, Default: false, Doc: "Accept the SSH host key of a host that is not known yet."},
		{Name: "archive", Type: modules.Path, Doc: "Write the tree to this archive: .zip, .tar, .tar.gz or .tgz."},
		{Name: "archive_prefix", Doc: "A folder that all in the archive is put into."},
		{Name: "bare", Type: modules.Bool, Default: false, Doc: "Make a repository without a work tree."},
		{Name: "clone", Type: modules.Bool, Default: true, Doc: "Clone where there is no repository yet."},
		{Name: "depth", Type: modules.Int, Doc: "Fetch so many commits only."},
		{Name: "dest", Type: modules.Path, Doc: "The folder of the work tree."},
		{Name: "executable", Type: modules.Path, Doc: "The git program."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Throw local changes away."},
		{Name: "gpg_allowlist", Type: modules.List, Elements: modules.Str, Default: []any{}, Aliases: []string{"gpg_whitelist"}, Doc: "Fingerprints of the keys that verify_commit trusts."},
		{Name: "key_file", Type: modules.Path, Doc: "The private key for SSH."},
		{Name: "recursive", Type: modules.Bool, Default: true, Doc: "Bring submodules too."},
		{Name: "reference", Doc: "A repository on the target to borrow objects from."},
		{Name: "refspec", Doc: "One more refspec to fetch."},
		{Name: "remote", Default: "origin", Doc: "The name of the remote."},
		{Name: "repo", Required: true, Aliases: []string{"name"}, Doc: "The address of the repository."},
		{Name: "separate_git_dir", Type: modules.Path, Doc: "Keep the repository's own files in this folder."},
		{Name: "single_branch", Type: modules.Bool, Default: false, Doc: "Clone the history of one branch only."},
		{Name: "ssh_opts", Doc: "More options for ssh."},
		{Name: "track_submodules", Type: modules.Bool, Default: false, Doc: "Bring submodules to the newest commit of their branch."},
		{Name: "umask", Type: modules.Raw, Doc: "The umask (octal, as a string) for what git writes."},
		{Name: "update", Type: modules.Bool, Default: true, Doc: "Fetch where there is a repository already."},
		{Name: "verify_commit", Type: modules.Bool, Default: false, Doc: "Check the signature of the commit or tag."},
		{Name: "version", Default: "HEAD", Doc: "The branch, tag or commit; HEAD is the remote's default branch."},
	},
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{{"separate_git_dir", "bare"}, {"accept_hostkey", "accept_newhostkey"}},
		RequiredBy:        map[string][]string{"archive_prefix": {"archive"}},
	},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *gitArgs) (*modules.Result, error) {
	g := &gitRun{ctx: ctx, m: m, a: a, data: map[string]any{"before": nil}}
	return g.run()
})

// A gitRun is one run of the git module.
type gitRun struct {
	ctx   context.Context
	m     *modules.Run
	a     *gitArgs
	git   string
	env   map[string]string
	umask *os.FileMode
	data  map[string]any
	// urlChanged says that the remote had another address.
	urlChanged bool
	localMods  bool
	submodules bool // a submodule was changed
}

func (g *gitRun) run() (*modules.Result, error) {
	a := g.a
	if a.Dest == "" && a.Clone {
		return nil, modules.Failf("the destination directory must be specified unless clone=no")
	}
	// Depth and the like work with addresses alone, so that Ansible makes one of a path.
	path := a.Repo
	if strings.HasPrefix(path, "~") {
		path = modules.ExpandPath(path, g.m.Env)
	}
	if strings.HasPrefix(path, "/") {
		a.Repo = "file://" + path
	}
	if err := g.prepare(); err != nil {
		return nil, err
	}
	if a.Dest == "" || !g.haveRepository() {
		return g.fresh()
	}
	return g.existing()
}

// prepare finds git and makes its environment.
func (g *gitRun) prepare() error {
	a := g.a
	var err error
	if g.git = a.Executable; g.git == "" {
		if g.git, err = g.m.RequireBin("git"); err != nil {
			return err
		}
	}
	switch u := a.Umask.(type) {
	case nil:
	case string:
		n, err := strconv.ParseUint(u, 8, 12)
		if err != nil {
			return modules.FailWith(map[string]any{"details": "invalid literal for int() with base 8: " + modules.PyRepr(u)},
				"umask must be an octal integer")
		}
		mode := os.FileMode(n)
		g.umask = &mode
	default:
		return modules.Failf("umask must be defined as a quoted octal integer")
	}
	if a.KeyFile != "" {
		if _, err := os.Stat(a.KeyFile); err != nil {
			return modules.Failf("key_file: %s", oserr.Str(err, a.KeyFile))
		}
	}
	// Nobody is there to answer a prompt.
	g.env = map[string]string{"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": g.sshCommand()}
	return nil
}

// sshCommand is the ssh that git is to use.
func (g *gitRun) sshCommand() string {
	a := g.a
	lookup := func(name string) string {
		if v, ok := g.m.Env[name]; ok {
			return v
		}
		return os.Getenv(name)
	}
	cmd := lookup("GIT_SSH_COMMAND")
	if cmd == "" {
		if cmd = modules.ShellQuote(lookup("GIT_SSH")); cmd == "''" {
			cmd = "ssh"
		}
	}
	cmd += " -o BatchMode=yes"
	if a.KeyFile != "" {
		cmd += " -i " + modules.ShellQuote(a.KeyFile) + " -o IdentitiesOnly=yes"
	}
	switch {
	case strings.Contains(a.SSHOpts, "StrictHostKeyChecking"):
	case a.AcceptHostkey:
		cmd += " -o StrictHostKeyChecking=no"
	case a.AcceptNewhostkey:
		cmd += " -o StrictHostKeyChecking=accept-new"
	}
	if a.SSHOpts != "" {
		cmd += " " + a.SSHOpts
	}
	return cmd
}

// gitDir is where the repository's own files are.
func (g *gitRun) gitDir() string {
	if g.a.Bare {
		return g.a.Dest
	}
	dir := filepath.Join(g.a.Dest, ".git")
	// A file .git names the folder (submodule, separate_git_dir).
	if data, err := os.ReadFile(dir); err == nil {
		if to, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir: "); ok {
			if !filepath.IsAbs(to) {
				to = filepath.Join(g.a.Dest, to)
			}
			return to
		}
	}
	return dir
}

func (g *gitRun) haveRepository() bool {
	_, err := os.Stat(filepath.Join(g.gitDir(), "config"))
	return err == nil
}

// command runs git in the work tree.
func (g *gitRun) command(args ...string) (modules.CommandResult, error) {
	return g.commandIn(g.a.Dest, args...)
}

func (g *gitRun) commandIn(dir string, args ...string) (modules.CommandResult, error) {
	argv := append([]string{g.git}, args...)
	return g.m.Command(g.ctx, modules.CommandOptions{Dir: dir, Env: g.env, Umask: g.umask, LogArgs: hideAll(argv)}, argv...)
}

// must is command with a failure for an exit code other than 0; with msg "" the
// message is what git says.
func (g *gitRun) must(msg string, args ...string) (string, error) {
	return g.mustIn(g.a.Dest, msg, args...)
}

func (g *gitRun) mustIn(dir, msg string, args ...string) (string, error) {
	res, err := g.commandIn(dir, args...)
	if err != nil {
		return "", err
	}
	if res.RC == 0 {
		return strings.TrimSpace(res.Stdout), nil
	}
	stderr := hideLogin(res.Stderr)
	if msg == "" {
		msg = strings.TrimRight(stderr, "\n")
	}
	return "", modules.FailWith(map[string]any{"rc": res.RC, "stdout": res.Stdout, "stderr": stderr,
		"cmd": g.git + " " + strings.Join(hideAll(args), " ")}, "%s", msg)
}

func hideAll(args []string) []string {
	out := make([]string, len(args))
	for i, s := range args {
		out[i] = hideLogin(s)
	}
	return out
}

// hideLogin hides user:password in addresses.
func hideLogin(s string) string {
	for at := 0; ; {
		i := strings.Index(s[at:], "://")
		if i < 0 {
			return s
		}
		from := at + i + 3
		rest := s[from:]
		if end := strings.IndexAny(rest, "/ \n'\""); end >= 0 {
			rest = rest[:end]
		}
		if login := strings.LastIndexByte(rest, '@'); login >= 0 && strings.Contains(rest[:login], ":") {
			s = s[:from] + "********" + s[from+login:]
		}
		at = from
	}
}

// fresh clones, or says that it would.
func (g *gitRun) fresh() (*modules.Result, error) {
	if g.m.Check || !g.a.Clone {
		head, err := g.remoteHead()
		if err != nil {
			return nil, err
		}
		g.data["after"] = head
		res := &modules.Result{Changed: true, Data: g.data}
		if g.m.Diff {
			res.Diff = []modules.Diff{{Prepared: ">> Newly checked out " + head}}
		}
		return res, nil
	}
	if err := g.clone(); err != nil {
		return nil, err
	}
	return g.finish("")
}

// existing brings a repository that is there to the version.
func (g *gitRun) existing() (*modules.Result, error) {
	a := g.a
	before, err := g.must("", "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	g.data["before"] = before
	if !a.Update {
		g.data["after"] = before
		changed, err := g.archive()
		return &modules.Result{Changed: changed, Data: g.data}, err
	}
	if err := g.dropLocalChanges(); err != nil {
		return nil, err
	}
	if err := g.checkURL(); err != nil {
		return nil, err
	}
	g.data["remote_url_changed"] = g.urlChanged
	if g.m.Check {
		head, err := g.remoteHead()
		if err != nil {
			return nil, err
		}
		g.data["after"] = head
		res := &modules.Result{Changed: before != head || g.urlChanged || g.localMods, Data: g.data}
		res.Diff = g.diff(before, head)
		return res, nil
	}
	if err := g.fetch(); err != nil {
		return nil, err
	}
	return g.finish(before)
}

// finish checks out after a clone or fetch, and makes the result.
func (g *gitRun) finish(before string) (*modules.Result, error) {
	if !g.a.Bare {
		if err := g.checkout(); err != nil {
			return nil, err
		}
		if err := g.updateSubmodules(); err != nil {
			return nil, err
		}
	} else if err := g.verify(); err != nil {
		return nil, err
	}
	after, err := g.must("", "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	g.data["after"] = after
	res := &modules.Result{Changed: before != after || g.urlChanged || g.localMods || g.submodules, Data: g.data}
	if g.submodules {
		g.data["submodules_changed"] = true
	}
	res.Diff = g.diff(before, after)
	made, err := g.archive()
	res.Changed = res.Changed || made
	return res, err
}

func (g *gitRun) diff(before, after string) []modules.Diff {
	switch {
	case !g.m.Diff || before == after:
		return nil
	case before == "":
		return []modules.Diff{{Prepared: ">> Newly checked out " + after}}
	}
	if _, err := g.must("", "cat-file", "-e", after+"^{commit}"); err != nil {
		// In check mode the commit may not be here yet.
		if _, err := g.must("", g.fetchArgs(after)...); err != nil {
			return []modules.Diff{{Prepared: ">> Failed to get proper diff between " + before + " and " + after}}
		}
	}
	text, err := g.must("", "diff", before, after)
	switch {
	case err != nil:
		return []modules.Diff{{Prepared: ">> Failed to get proper diff between " + before + " and " + after}}
	case text == "":
		return []modules.Diff{{Prepared: ">> No visual differences between " + before + " and " + after}}
	}
	return []modules.Diff{{Prepared: text + "\n"}}
}

func (g *gitRun) dropLocalChanges() error {
	if g.a.Bare {
		return nil
	}
	res, err := g.command("status", "--porcelain")
	if err != nil {
		return err
	}
	for line := range strings.Lines(res.Stdout) {
		g.localMods = g.localMods || !strings.HasPrefix(line, "??")
	}
	if !g.localMods {
		return nil
	}
	if !g.a.Force {
		return modules.FailWith(g.data, "Local modifications exist in the destination: %s (force=no).", g.a.Dest)
	}
	if g.m.Check {
		return nil
	}
	g.data["msg"] = "Local modifications exist in the destination: " + g.a.Dest
	_, err = g.must("Failed to reset local modifications", "reset", "--hard", "HEAD", "--")
	return err
}

// checkURL brings the remote's address to repo.
func (g *gitRun) checkURL() error {
	res, err := g.command("remote", "get-url", g.a.Remote)
	if err != nil {
		return err
	}
	if res.RC != 0 {
		if g.m.Check {
			return nil
		}
		_, err := g.must("", "remote", "add", g.a.Remote, g.a.Repo)
		return err
	}
	have := strings.TrimSpace(res.Stdout)
	if have == g.a.Repo || samePath(have, g.a.Repo) {
		return nil
	}
	g.urlChanged = true
	if g.m.Check {
		return nil
	}
	_, err = g.must("Failed to set a new url "+hideLogin(g.a.Repo)+" for "+g.a.Remote, "remote", "set-url", g.a.Remote, g.a.Repo)
	return err
}

// samePath compares addresses that are paths.
func samePath(a, b string) bool {
	if strings.Contains(a, "://") || strings.Contains(b, "://") {
		return false
	}
	ra, errA := filepath.EvalSymlinks(a)
	rb, errB := filepath.EvalSymlinks(b)
	return errA == nil && errB == nil && ra == rb
}
