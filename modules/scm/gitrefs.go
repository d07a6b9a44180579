package scm

// This file finds out what the remote has, clones, fetches and checks out.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

func isSHA(s string) bool { return len(s) == 40 && strings.Trim(s, "0123456789abcdef") == "" }

// remoteRefs asks the remote for what version may mean: full ref name to commit.
func (g *gitRun) remoteRefs() (map[string]string, error) {
	v := g.a.Version
	dir := g.a.Dest
	if _, err := os.Stat(dir); err != nil {
		dir = ""
	}
	text, err := g.mustIn(dir, "", "ls-remote", g.a.Repo, "HEAD", "refs/heads/"+v, "refs/tags/"+v, "refs/tags/"+v+"^{}")
	if err != nil {
		return nil, err
	}
	refs := make(map[string]string)
	for line := range strings.Lines(text) {
		if sha, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			refs[name] = sha
		}
	}
	return refs, nil
}

// remoteHead is the commit that version is at the remote.
func (g *gitRun) remoteHead() (string, error) {
	v := g.a.Version
	if isSHA(v) {
		return v, nil
	}
	refs, err := g.remoteRefs()
	if err != nil {
		return "", err
	}
	names := []string{"refs/heads/" + v, "refs/tags/" + v + "^{}", "refs/tags/" + v}
	if v == "HEAD" {
		names = []string{"HEAD"}
	}
	for _, name := range names {
		if sha := refs[name]; sha != "" {
			return sha, nil
		}
	}
	return "", modules.Failf("Could not determine remote revision for %s", v)
}

// clone makes the repository.
func (g *gitRun) clone() error {
	a := g.a
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(a.Dest)), 0o777); err != nil {
		return modules.Failf("could not make the parent folder of %s: %s", a.Dest, oserr.Text(err))
	}
	refs, err := g.remoteRefs()
	if err != nil {
		return err
	}
	args := []string{"clone"}
	if a.Bare {
		args = append(args, "--bare")
	} else {
		args = append(args, "--origin", a.Remote)
	}
	named := refs["refs/heads/"+a.Version] != "" || refs["refs/tags/"+a.Version] != ""
	if named && a.Version != "HEAD" && !a.Bare && (a.Depth != nil || a.SingleBranch) {
		args = append(args, "--branch", a.Version)
	}
	if a.Depth != nil {
		switch {
		case *a.Depth < 1:
			return modules.Failf("depth must be a positive number")
		case a.Version == "HEAD" || a.Refspec != "" || named:
			args = append(args, "--depth", fmt.Sprint(*a.Depth))
		default:
			g.m.Warn("Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in combination with refspec.")
		}
	}
	if a.Reference != "" {
		args = append(args, "--reference", a.Reference)
	}
	if a.SingleBranch {
		args = append(args, "--single-branch")
	}
	if a.SeparateGitDir != "" {
		args = append(args, "--separate-git-dir="+a.SeparateGitDir)
	}
	if _, err := g.mustIn(filepath.Dir(filepath.Clean(a.Dest)), "", append(args, a.Repo, a.Dest)...); err != nil {
		return err
	}
	if a.Bare && a.Remote != "origin" {
		if _, err := g.must("", "remote", "add", a.Remote, a.Repo); err != nil {
			return err
		}
	}
	if a.Refspec != "" {
		if _, err := g.must("", g.fetchArgs(a.Refspec)...); err != nil {
			return err
		}
	}
	return g.fetchMissing()
}

func (g *gitRun) fetchArgs(refspecs ...string) []string {
	args := []string{"fetch"}
	if g.a.Depth != nil {
		args = append(args, "--depth", fmt.Sprint(*g.a.Depth))
	}
	if g.a.Force {
		args = append(args, "--force")
	}
	return append(append(args, g.a.Remote), refspecs...)
}

// fetch brings what the remote has new.
func (g *gitRun) fetch() error {
	a := g.a
	var specs []string
	switch {
	case a.Bare:
		specs = []string{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}
	case a.Depth != nil:
		var err error
		if specs, err = g.shallowSpecs(); err != nil {
			return err
		}
	}
	if a.Refspec != "" && len(specs) > 0 {
		specs = append(specs, a.Refspec)
	}
	args := g.fetchArgs(specs...)
	if len(specs) == 0 {
		// Tags that moved are replaced with force alone.
		args = append([]string{"fetch", "--tags"}, args[1:]...)
	}
	if res, err := g.command(args...); err != nil {
		return err
	} else if res.RC != 0 {
		return modules.FailWith(map[string]any{"cmd": hideAll(append([]string{g.git}, args...))},
			"Failed to download remote objects and refs: %s %s", res.Stdout, hideLogin(res.Stderr))
	}
	if a.Refspec != "" && len(specs) == 0 {
		if _, err := g.must("", g.fetchArgs(a.Refspec)...); err != nil {
			return err
		}
	}
	return g.fetchMissing()
}

// shallowSpecs are the refspecs of a fetch with depth.
func (g *gitRun) shallowSpecs() ([]string, error) {
	a := g.a
	if isSHA(a.Version) {
		return []string{a.Version}, nil
	}
	refs, err := g.remoteRefs()
	if err != nil {
		return nil, err
	}
	switch {
	case a.Version == "HEAD":
		branch, err := g.defaultBranch()
		if err != nil {
			return nil, err
		}
		return []string{fmt.Sprintf("+refs/heads/%s:refs/remotes/%s/%s", branch, a.Remote, branch)}, nil
	case refs["refs/heads/"+a.Version] != "":
		return []string{fmt.Sprintf("+refs/heads/%s:refs/remotes/%s/%s", a.Version, a.Remote, a.Version)}, nil
	case refs["refs/tags/"+a.Version] != "":
		return []string{fmt.Sprintf("+refs/tags/%s:refs/tags/%s", a.Version, a.Version)}, nil
	}
	return nil, nil
}

// fetchMissing fetches a commit by its name where no branch led to it.
func (g *gitRun) fetchMissing() error {
	if !isSHA(g.a.Version) {
		return nil
	}
	if res, err := g.command("cat-file", "-e", g.a.Version+"^{commit}"); err != nil || res.RC == 0 {
		return err
	}
	_, err := g.must("", g.fetchArgs(g.a.Version)...)
	return err
}

// defaultBranch is the branch that the remote's HEAD is.
func (g *gitRun) defaultBranch() (string, error) {
	text, err := g.must("", "ls-remote", "--symref", g.a.Remote, "HEAD")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "ref: refs/heads/"); ok {
			name, _, _ := strings.Cut(rest, "\t")
			return name, nil
		}
	}
	return "", modules.Failf("the remote %s has no default branch: version is needed", g.a.Remote)
}

func (g *gitRun) hasRef(ref string) bool {
	res, err := g.command("show-ref", "--verify", "--quiet", ref)
	return err == nil && res.RC == 0
}

// checkout brings the work tree to version.
func (g *gitRun) checkout() error {
	a := g.a
	branch := a.Version
	if a.Version == "HEAD" {
		var err error
		if branch, err = g.defaultBranch(); err != nil {
			return err
		}
	}
	tracking := "refs/remotes/" + a.Remote + "/" + branch
	var err error
	switch {
	case !g.hasRef(tracking):
		_, err = g.must("Failed to checkout "+a.Version, "checkout", "--force", a.Version)
	case !g.hasRef("refs/heads/" + branch):
		_, err = g.must("Failed to checkout branch "+branch, "checkout", "--force", "--track", "-b", branch, a.Remote+"/"+branch)
	default:
		if _, err = g.must("Failed to checkout branch "+branch, "checkout", "--force", branch, "--"); err == nil {
			_, err = g.must("Failed to reset branch "+branch, "reset", "--hard", a.Remote+"/"+branch, "--")
		}
	}
	if err != nil {
		return err
	}
	return g.verify()
}

// verify checks the signature of what is checked out.
func (g *gitRun) verify() error {
	if !g.a.VerifyCommit {
		return nil
	}
	args := []string{"verify-commit", "--raw", "HEAD"}
	if g.a.Bare {
		args[2] = g.a.Version
	}
	if g.hasRef("refs/tags/" + g.a.Version) {
		if kind, err := g.must("", "cat-file", "-t", "refs/tags/"+g.a.Version); err == nil && kind == "tag" {
			args = []string{"verify-tag", "--raw", g.a.Version}
		}
	}
	res, err := g.command(args...)
	if err != nil {
		return err
	}
	trusted := res.RC == 0
	if len(g.a.GPGWhitelist) > 0 {
		trusted = false
		for _, fingerprint := range g.a.GPGWhitelist {
			trusted = trusted || strings.Contains(res.Stderr, "VALIDSIG") && signedBy(res.Stderr, fingerprint)
		}
	}
	if !trusted {
		return modules.FailWith(map[string]any{"rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr},
			"Failed to verify GPG signature of commit/tag %q", g.a.Version)
	}
	return nil
}

// signedBy looks for a fingerprint in gpg's status lines.
func signedBy(status, fingerprint string) bool {
	for line := range strings.Lines(status) {
		f := strings.Fields(line)
		if len(f) > 2 && f[1] == "VALIDSIG" && (f[2] == fingerprint || f[len(f)-1] == fingerprint) {
			return true
		}
	}
	return false
}

// updateSubmodules brings submodules to what the commit names, or to the
// newest of their branch.
func (g *gitRun) updateSubmodules() error {
	if !g.a.Recursive {
		return nil
	}
	if _, err := os.Stat(filepath.Join(g.a.Dest, ".gitmodules")); err != nil {
		return nil
	}
	status := func() string {
		res, err := g.command("submodule", "status", "--recursive")
		if err != nil {
			return ""
		}
		return res.Stdout
	}
	before := status()
	if _, err := g.must("", "submodule", "sync", "--recursive"); err != nil {
		return err
	}
	args := []string{"submodule", "update", "--init", "--recursive"}
	if g.a.TrackSubmodules {
		args = append(args, "--remote")
	}
	if g.a.Force {
		args = append(args, "--force")
	}
	if _, err := g.must("Failed to init/update submodules", args...); err != nil {
		return err
	}
	// A new clone has changed anyway; here it is about submodules alone.
	g.submodules = g.data["before"] != nil && status() != before
	return nil
}
