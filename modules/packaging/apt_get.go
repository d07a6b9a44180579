package packaging

// This file runs apt-get: its options, its locks, and what its output means.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"time"

	"gorun/modules"
)

// aptEnv keeps apt and debconf from asking.
var aptEnv = map[string]string{"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical"}

// options builds the options of an apt-get call for a verb ("install",
// "remove", "upgrade"...).
func (a *apt) options(verb string) []string {
	o := []string{"-y"}
	for _, d := range strings.Split(a.DpkgOptions, ",") {
		if d = strings.TrimSpace(d); d != "" {
			o = append(o, "-o", "Dpkg::Options::=--"+strings.TrimPrefix(d, "--"))
		}
	}
	flag := func(on bool, words ...string) {
		if on {
			o = append(o, words...)
		}
	}
	removing := verb == "remove" || verb == "autoremove"
	flag(a.OnlyUpgrade && !removing, "--only-upgrade")
	flag(a.State == "fixed" && verb == "install", "--fix-broken")
	flag(a.Purge && removing, "--purge")
	flag(a.Force, "--force-yes")
	flag(a.Autoremove && verb != "autoremove", "--auto-remove")
	flag(a.FailOnAutoremove, "--no-remove")
	flag(a.AllowUnauthorized, "--allow-unauthenticated")
	flag(a.AllowDowngrade && !removing, "--allow-downgrades")
	flag(a.AllowChangeHeld, "--allow-change-held-packages")
	flag(a.DefaultRelease != "", "-t", a.DefaultRelease)
	if a.InstallRecommends != nil && !removing {
		value := "no"
		if *a.InstallRecommends {
			value = "yes"
		}
		o = append(o, "-o", "APT::Install-Recommends="+value)
	}
	flag(a.Check, "--simulate")
	return o
}

// failedPrefix begins the messages of Ansible for a failed call.
var failedPrefix = map[string]string{"remove": "apt-get remove failed", "autoremove": "apt-get autoremove failed"}

// summary is apt-get's own sentence on what it does (or would do).
var summary = regexp.MustCompile(`(?m)^(\d+) upgraded, (\d+) newly installed,(?: (\d+) reinstalled,)?(?: (\d+) downgraded,)? (\d+) to remove`)

// aptGet runs apt-get with a verb and packages, and turns what it says into a
// result. A call that changes nothing by apt-get's own summary is not changed.
func (a *apt) aptGet(ctx context.Context, verbWords []string, verb string, packages []string) (*modules.Result, error) {
	argv := append([]string{"apt-get"}, a.options(verb)...)
	if a.LockTimeout > 0 {
		argv = append(argv, "-o", fmt.Sprintf("DPkg::Lock::Timeout=%d", a.LockTimeout))
	}
	argv = append(append(argv, verbWords...), packages...)
	restore, err := a.policyRcD()
	if err != nil {
		return nil, err
	}
	r, err := a.locked(ctx, argv)
	if e := restore(); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	data := map[string]any{"stdout": r.Stdout, "stderr": r.Stderr}
	if r.RC != 0 {
		data["rc"] = r.RC
		return nil, modules.FailWith(data, "%s", a.explain(argv, verb, r.Stderr))
	}
	res := &modules.Result{Changed: changes(r.Stdout, verb), Data: data}
	if a.Diff {
		res.Diff = []modules.Diff{{Prepared: planOf(r.Stdout)}}
	}
	return res, nil
}

// explain words a failure; what apt-get calls by a terse line and can be
// mended gets a hint.
func (a *apt) explain(argv []string, verb, stderr string) string {
	msg := fmt.Sprintf("'%s' failed: %s", commandLine(argv), stderr)
	if p := failedPrefix[verb]; p != "" {
		msg = p + ": " + stderr
	}
	switch {
	case strings.Contains(stderr, "dpkg was interrupted"):
		msg += "A run of dpkg was interrupted on this host, for example by a lost connection or a full disk: `dpkg --configure -a` finishes it."
	case strings.Contains(stderr, "Could not get lock") || strings.Contains(stderr, "Unable to acquire the dpkg frontend lock"):
		msg += fmt.Sprintf("Another package manager held the lock for more than %d seconds (lock_timeout).", a.LockTimeout)
	}
	return msg
}

// commandLine prints argv as Ansible's messages do.
func commandLine(argv []string) string {
	words := make([]string, 0, len(argv))
	for i, w := range argv {
		switch {
		case i == 0:
			w = "/usr/bin/" + w
		case strings.HasPrefix(w, "Dpkg::Options::="):
			w = `"` + w + `"`
		default:
			w = quoteWord(w)
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quoteWord quotes a word for a POSIX shell where it has to be.
func quoteWord(w string) string {
	if plainWord.MatchString(w) {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'"
}

// locked runs argv, again and again while another process holds apt's or
// dpkg's lock, for at most lock_timeout seconds.
func (a *apt) locked(ctx context.Context, argv []string) (modules.CommandResult, error) {
	return runLocked(ctx, a.Run, time.Duration(a.LockTimeout)*time.Second, argv)
}

func runLocked(ctx context.Context, m *modules.Run, limit time.Duration, argv []string) (modules.CommandResult, error) {
	deadline := time.Now().Add(limit)
	for {
		r, err := m.Command(ctx, modules.CommandOptions{Env: aptEnv, Stream: true}, argv...)
		busy := strings.Contains(r.Stderr, "Could not get lock") || strings.Contains(r.Stderr, "Unable to lock") ||
			strings.Contains(r.Stderr, "Unable to acquire the dpkg frontend lock")
		if err != nil || r.RC == 0 || !busy || time.Now().After(deadline) {
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// changes reports whether apt-get's output tells of a change.
func changes(stdout, verb string) bool {
	if verb == "autoclean" {
		return strings.Contains(stdout, "\nDel ")
	}
	g := summary.FindStringSubmatch(stdout)
	if g == nil {
		return true
	}
	for _, n := range g[1:] {
		if n != "" && n != "0" {
			return true
		}
	}
	// Packages that are unpacked but not set up are configured by the way.
	return regexp.MustCompile(`(?m)^\d+ not fully installed or removed`).MatchString(stdout)
}

// planOf is the part of apt-get's output that tells what it does.
func planOf(stdout string) string {
	all := strings.Split(stdout, "\n")
	start, end := 0, len(all)
	for i, l := range all {
		l = strings.TrimSuffix(l, "\r")
		if strings.HasPrefix(l, "Reading ") || strings.HasPrefix(l, "Building ") {
			start = i + 1
		}
		if summary.MatchString(l) {
			end = i + 1
			break
		}
	}
	if start > end {
		return ""
	}
	return strings.Join(all[start:end], "\n")
}

// policyRcD puts a /usr/sbin/policy-rc.d in place that answers with the wanted
// exit code, and returns what brings the old one back.
func (a *apt) policyRcD() (restore func() error, err error) {
	const file = "/usr/sbin/policy-rc.d"
	if a.PolicyRcD == nil || a.Check {
		return func() error { return nil }, nil
	}
	old, err := os.ReadFile(file)
	had := err == nil
	if err != nil && !os.IsNotExist(err) {
		return nil, modules.Failf("Fail to move %s: %w", file, err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexit %d\n", *a.PolicyRcD)
	if err := replaceFile(file, []byte(script), 0o755); err != nil {
		return nil, modules.Failf("Failed to create %s: %w", file, err)
	}
	return func() error {
		if had {
			return replaceFile(file, old, 0o755)
		}
		return os.Remove(file)
	}, nil
}

// replaceFile writes a file beside its place and renames it.
func replaceFile(path string, content []byte, mode os.FileMode) error {
	tmp := path + ".gorun-new"
	if err := os.WriteFile(tmp, content, mode); err != nil {
		return err
	}
	if err := os.Chmod(tmp, mode); err != nil {
		os.Remove(tmp)
		return err
	}
	return os.Rename(tmp, path)
}

// updateLists fetches the lists where that is asked and they are not fresh.
func (a *apt) updateLists(ctx context.Context) error {
	before := a.listsTime()
	a.cacheTime = before.Unix()
	if !a.UpdateCache && a.CacheValidTime == 0 {
		return nil
	}
	if before.Add(time.Duration(a.CacheValidTime) * time.Second).After(time.Now()) {
		return nil
	}
	if a.Check {
		a.cacheUpdated = true
		return nil
	}
	if err := updateAptLists(ctx, a.Run, a.UpdateRetries, a.UpdateMaxDelay, time.Duration(a.LockTimeout)*time.Second); err != nil {
		return err
	}
	after := a.listsTime()
	a.cacheUpdated, a.cacheTime = !after.Equal(before), after.Unix()
	return nil
}

// listsTime is when the lists were last fetched, as far as files tell: the
// zero Unix time where they never were.
func (a *apt) listsTime() time.Time {
	for _, f := range []string{a.paths.stamp, a.paths.lists} {
		if st, err := os.Stat(f); err == nil {
			return st.ModTime()
		}
	}
	return time.Unix(0, 0)
}

// updateAptLists runs apt-get update; failures are tried again after 1, 2, 4...
// seconds and a random part of one, at most maxDelay.
func updateAptLists(ctx context.Context, m *modules.Run, retries, maxDelay int, lock time.Duration) error {
	var last modules.CommandResult
	for try := 0; ; try++ {
		r, err := runLocked(ctx, m, lock, []string{"apt-get", "-o", "APT::Update::Error-Mode=any", "update"})
		if err != nil {
			return err
		}
		if r.RC == 0 {
			return nil
		}
		last = r
		if try >= retries {
			break
		}
		delay := min(time.Duration(1)<<min(try, 20)*time.Second, time.Duration(maxDelay)*time.Second)
		delay += time.Duration(rand.Int64N(int64(time.Second)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
		}
	}
	reason := strings.TrimSpace(last.Stderr)
	if reason == "" {
		reason = "unknown reason"
	}
	return modules.FailWith(map[string]any{"rc": last.RC, "stdout": last.Stdout, "stderr": last.Stderr}, "Failed to update apt cache: %s", reason)
}
