package transport

// This file starts the agent on a host: one command that becomes the cached
// agent, or takes the agent, checks it, keeps it and becomes it.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"gorun/engine/transport/agentbin"
)

// unameOf names platforms as uname -sm does: GOOS/GOARCH to patterns of a
// shell's case.
var unameOf = map[string][]string{
	"linux/amd64":   {"Linux x86_64", "Linux amd64"},
	"linux/arm64":   {"Linux aarch64", "Linux arm64"},
	"linux/arm":     {"Linux armv6l", "Linux armv7l", "Linux armv8l"},
	"linux/386":     {"Linux i386", "Linux i486", "Linux i586", "Linux i686"},
	"linux/riscv64": {"Linux riscv64"},
	"linux/ppc64le": {"Linux ppc64le"},
	"linux/s390x":   {"Linux s390x"},
	"freebsd/amd64": {"FreeBSD amd64"},
	"freebsd/arm64": {"FreeBSD arm64"},
	"darwin/amd64":  {"Darwin x86_64"},
	"darwin/arm64":  {"Darwin arm64"},
}

// The words by which the script answers; the session's nonce is behind them.
const (
	wordOK   = "GORUN-OK-"
	wordNeed = "GORUN-NEED-"
	wordFail = "GORUN-FAIL-"
)

// bootScript is run by /bin/sh on the host. It is one line without single
// quotes, backslashes and exclamation marks, so that any login shell (csh and
// fish too) hands it on as it is when it stands in single quotes. What is in
// brackets is filled in. It ends in one of
//
//	GORUN-OK-nonce                   the agent runs: frames follow
//	GORUN-NEED-nonce gz OS MACHINE   then it reads "size sha256" and the file
//	GORUN-FAIL-nonce reason
//
// The agent gets the user's own umask back: what modules make on the host
// follows it. Whether a folder may hold executables is tried with a script; tr makes the
// exclamation mark of its first line. The folders under /var/tmp, /tmp and /dev/shm count only where this user
// owns them: anybody can make one there.
const bootScript = `m=$(umask); umask 077; n=[NONCE]; ` +
	`case "$(uname -sm)" in [CASES]*) h=none;; esac; ` +
	`c="${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/gorun"; u=$(id -u); ` +
	`for d in [DIR] "/var/tmp/.gorun-$u" "/tmp/.gorun-$u" "/dev/shm/.gorun-$u"; do f="$d/agent-$h"; ` +
	`if [TEST][ -x "$f" ] && [ -O "$d" ] && [ -O "$f" ]; then umask $m; echo [OK]$n; exec "$f" __agent; fi; done; ` +
	`g=; for d in [DIR] "/var/tmp/.gorun-$u" "/tmp/.gorun-$u" "/dev/shm/.gorun-$u"; do ` +
	`if mkdir -p "$d" 2>/dev/null && [ -O "$d" ] && chmod 700 "$d" 2>/dev/null && t="$d/.try$$" && (echo "#B/bin/sh" | tr AB " -#" >"$t") 2>/dev/null; then ` +
	`chmod 700 "$t"; if "$t" 2>/dev/null; then g="$d"; fi; rm -f "$t"; fi; ` +
	`if [ -n "$g" ]; then break; fi; done; ` +
	`if [ -z "$g" ]; then echo [FAIL]$n no folder can hold the agent: tried [DIR], /var/tmp/.gorun-$u, /tmp/.gorun-$u and /dev/shm/.gorun-$u "(not writable, or mounted noexec; set ansible_gorun_agent_dir)"; exit 1; fi; ` +
	`z=raw; if command -v gzip >/dev/null 2>&1; then z=gz; fi; ` +
	`echo [NEED]$n $z $(uname -sm); read s x || exit 1; t="$g/.new$$"; ` +
	`if [ $z = gz ]; then head -c $s | gzip -dc >"$t"; else head -c $s >"$t"; fi; ` +
	`if command -v sha256sum >/dev/null 2>&1; then y=$(sha256sum <"$t"); elif command -v shasum >/dev/null 2>&1; then y=$(shasum -a 256 <"$t"); ` +
	`elif command -v sha256 >/dev/null 2>&1; then y=$(sha256 -q <"$t"); else y=$x; fi; ` +
	`if [ "${y%% *}" = $x ] && chmod 700 "$t" && mv -f "$t" "$g/agent-$x"; then umask $m; echo [OK]$n; exec "$g/agent-$x" __agent; fi; ` +
	`rm -f "$t"; echo [FAIL]$n the agent did not arrive whole in "$g" "(is the disk full?)"; exit 1`

// bootCommand fills bootScript in. With force a cached agent is not used: it
// is sent again.
func bootCommand(nonce, dir string, binaries []*agentbin.Binary, force bool) string {
	var cases strings.Builder
	for _, b := range binaries {
		for i, name := range unameOf[b.OS+"/"+b.Arch] {
			if i > 0 {
				cases.WriteByte('|')
			}
			cases.WriteString(`"` + name + `"`)
		}
		cases.WriteString(") h=" + b.SHA256 + ";; ")
	}
	own, test := `"$c"`, ""
	if dir != "" {
		own = shellPath(dir)
	}
	if force {
		test = "false && "
	}
	return strings.NewReplacer("[NONCE]", nonce, "[CASES]", cases.String(), "[DIR]", own, "[TEST]", test,
		"[OK]", wordOK, "[NEED]", wordNeed, "[FAIL]", wordFail).Replace(bootScript)
}

// shellPath puts a path in double quotes, a leading ~ as $HOME. A character
// that they do not hold back is left out.
func shellPath(p string) string {
	home := ""
	if p == "~" || strings.HasPrefix(p, "~/") {
		home, p = "$HOME", p[1:]
	}
	drop := func(r rune) rune {
		if strings.ContainsRune("\"$`\\!'\n", r) {
			return -1
		}
		return r
	}
	return `"` + home + strings.Map(drop, p) + `"`
}

// startAgent starts the agent over conn as b's user.
func startAgent(ctx context.Context, conn Conn, t *Target, b Become) (*client, error) {
	binaries, err := agentbin.All()
	if err != nil {
		return nil, err
	}
	c, err := boot(ctx, conn, t, b, binaries, false)
	var broken *brokenAgentError
	if errors.As(err, &broken) {
		// What is cached does not run: it is sent anew.
		c, err = boot(ctx, conn, t, b, binaries, true)
	}
	return c, err
}

// A brokenAgentError says that an agent was started and did not answer.
type brokenAgentError struct{ msg string }

func (e *brokenAgentError) Error() string { return e.msg }

func boot(ctx context.Context, conn Conn, t *Target, b Become, binaries []*agentbin.Binary, force bool) (*client, error) {
	nonce := newNonce()
	s, err := startAs(ctx, conn, t, b, bootCommand(nonce, t.AgentDir, binaries, force), startMode{marked: true})
	if err != nil {
		return nil, err
	}
	c, err := s.talk(ctx, t, nonce, binaries)
	if err != nil {
		s.close()
		return nil, err
	}
	return c, nil
}

// talk answers the script until the agent runs.
func (s *session) talk(ctx context.Context, t *Target, nonce string, binaries []*agentbin.Binary) (*client, error) {
	for {
		line, err := s.line(ctx)
		if err != nil {
			return nil, s.bootFailure(t, "", err)
		}
		if _, rest, ok := strings.Cut(line, wordFail+nonce); ok {
			return nil, s.bootFailure(t, strings.TrimSpace(rest), nil)
		}
		if strings.HasSuffix(line, wordOK+nonce) {
			c, err := newClient(ctx, s, t.RemoteTmp)
			if err != nil && ctx.Err() == nil {
				return nil, &brokenAgentError{fmt.Sprintf("the agent on %s was started and does not answer: %v%s", t.Name, err, s.errors())}
			}
			return c, err
		}
		if _, rest, ok := strings.Cut(line, wordNeed+nonce+" "); ok {
			if err := s.upload(t, rest, binaries); err != nil {
				return nil, err
			}
		}
	}
}

// upload sends the agent for the platform that the script told: "gz Linux x86_64".
func (s *session) upload(t *Target, need string, binaries []*agentbin.Binary) error {
	form, uname, _ := strings.Cut(strings.TrimSpace(need), " ")
	b := forUname(uname, binaries)
	if b == nil {
		return &UnreachableError{Msg: fmt.Sprintf("there is no agent for %s (%s): build gorun with \"make\", which embeds agents for other platforms", t.Name, uname)}
	}
	data, err := b.Gzip()
	if err == nil && form != "gz" {
		data, err = gunzip(data)
	}
	if err != nil {
		return err
	}
	if _, err := io.WriteString(s.proc.Stdin(), fmt.Sprintf("%d %s\n", len(data), b.SHA256)); err != nil {
		return s.bootFailure(t, "", err)
	}
	if _, err := s.proc.Stdin().Write(data); err != nil {
		return s.bootFailure(t, "", err)
	}
	return nil
}

func forUname(uname string, binaries []*agentbin.Binary) *agentbin.Binary {
	for _, b := range binaries {
		for _, name := range unameOf[b.OS+"/"+b.Arch] {
			if name == uname {
				return b
			}
		}
	}
	return nil
}

// bootFailure says why no agent could be started.
func (s *session) bootFailure(t *Target, reason string, err error) error {
	var u *UnreachableError
	var be *BecomeError
	if errors.As(err, &u) || errors.As(err, &be) || errors.Is(err, context.Canceled) {
		return err
	}
	if reason == "" {
		reason = "the shell on the host ended"
		if err != nil && err != io.EOF {
			reason = err.Error()
		}
	}
	return &UnreachableError{Msg: fmt.Sprintf("Failed to start the agent on %s: %s%s", t.Name, reason, s.errors()), Err: err}
}
