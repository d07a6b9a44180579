package transport

// This file starts the agent on a host: one command that becomes the cached
// agent, or takes the agent, checks it, keeps it and becomes it.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
//	GORUN-OK-nonce                         the agent runs: frames follow
//	GORUN-NEED-nonce xz,gzip,raw OS MACHINE then it reads "size sha256 form" and the file
//	GORUN-FAIL-nonce reason
//
// The agent gets the user's own umask back: what modules make on the host
// follows it. Whether a folder may hold executables is tried with a script; tr makes the
// exclamation mark of its first line. The folders under /var/tmp, /tmp and /dev/shm count only where this user
// owns them: anybody can make one there. k checks the file that came: against
// its second argument, with its first where the host has no program for that. r
// keeps it and becomes it. Small systems without xz often have Python, which
// reads xz too (l).
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
	`t="$g/.new$$"; ` +
	`k() { if command -v sha256sum >/dev/null 2>&1; then y=$(sha256sum <"$t"); elif command -v shasum >/dev/null 2>&1; then y=$(shasum -a 256 <"$t"); ` +
	`elif command -v sha256 >/dev/null 2>&1; then y=$(sha256 -q <"$t"); else y=$1; fi; [ "${y%% *}" = "$2" ]; }; ` +
	`r() { if chmod 700 "$t" && mv -f "$t" "$g/agent-$1"; then umask $m; echo [OK]$n; exec "$g/agent-$1" __agent; fi; }; ` +
	`[COPY]` +
	`z=raw; if command -v gzip >/dev/null 2>&1; then z=gzip,$z; fi; ` +
	`l="import sys,lzma; i,o=sys.stdin.buffer,sys.stdout.buffer; o.write(lzma.decompress(i.read()))"; ` +
	`if command -v xz >/dev/null 2>&1; then z=xz,$z; l=; elif python3 -c "import lzma" >/dev/null 2>&1; then z=xz,$z; fi; ` +
	`echo [NEED]$n $z $(uname -sm); read s x z || exit 1; ` +
	`case $z$l in raw*) head -c $s >"$t";; xzi*) head -c $s | python3 -c "$l" >"$t";; *) head -c $s | $z -dc >"$t";; esac; ` +
	`if k $x $x; then r $x; fi; ` +
	`rm -f "$t"; echo [FAIL]$n the agent did not arrive whole in "$g" "(is the disk full?)"; exit 1`

// bootCopy is the part of the script that takes the agent of another user of
// this host, where this one (root) can read it: its bytes are checked before
// they run. What no program can check is not taken. There is a limit to it: the
// path is what that user says.
const bootCopy = `if [ -f [FROM] ] && (head -c 67108864 <[FROM] >"$t") 2>/dev/null && k none $h; then r $h; fi; rm -f "$t"; `

// A bootMode says how an agent is started.
type bootMode struct {
	// from is the file of the same agent that runs on the host as another user; "" is none.
	from string
	// force has the agent sent again although it is cached.
	force bool
	// plain has it sent by gzip although the host has xz.
	plain bool
}

// bootCommand fills bootScript in.
func bootCommand(nonce, dir string, binaries []*agentbin.Binary, mode bootMode) string {
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
	own, test, from := `"$c"`, "", ""
	if dir != "" {
		own = shellPath(dir)
	}
	if mode.force {
		test = "false && "
	}
	if mode.from != "" {
		from = strings.ReplaceAll(bootCopy, "[FROM]", shellPath(mode.from))
	}
	return strings.NewReplacer("[COPY]", from, "[NONCE]", nonce, "[CASES]", cases.String(), "[DIR]", own, "[TEST]", test,
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

// startAgent starts the agent over conn as b's user. from is the file of an
// agent that runs on the host as another user, "" where there is none.
func startAgent(ctx context.Context, conn Conn, t *Target, b Become, from string) (*client, error) {
	binaries, err := agentbin.All()
	if err != nil {
		return nil, err
	}
	return startWith(ctx, conn, t, b, from, binaries)
}

// startWith starts the agent that is among binaries.
func startWith(ctx context.Context, conn Conn, t *Target, b Become, from string, binaries []*agentbin.Binary) (*client, error) {
	mode := bootMode{from: from}
	c, err := boot(ctx, conn, t, b, binaries, mode)
	var broken *brokenAgentError
	var xz *notUnpackedError
	switch {
	case errors.As(err, &broken):
		// What is cached does not run: it is sent anew.
		mode.force, mode.from = true, ""
		c, err = boot(ctx, conn, t, b, binaries, mode)
		if errors.As(err, &xz) {
			mode.plain = true
			c, err = boot(ctx, conn, t, b, binaries, mode)
		}
	case errors.As(err, &xz):
		mode.plain = true
		c, err = boot(ctx, conn, t, b, binaries, mode)
	}
	if errors.As(err, &xz) {
		err = xz.err
	}
	return c, err
}

// A brokenAgentError says that an agent was started and did not answer.
type brokenAgentError struct{ msg string }

func (e *brokenAgentError) Error() string { return e.msg }

// A notUnpackedError says that the agent was sent by xz and was not there then.
type notUnpackedError struct{ err error }

func (e *notUnpackedError) Error() string { return e.err.Error() }
func (e *notUnpackedError) Unwrap() error { return e.err }

func boot(ctx context.Context, conn Conn, t *Target, b Become, binaries []*agentbin.Binary, mode bootMode) (*client, error) {
	nonce := newNonce()
	s, err := startAs(ctx, conn, t, b, bootCommand(nonce, t.AgentDir, binaries, mode), startMode{marked: true})
	if err != nil {
		return nil, err
	}
	u := &uploader{target: t, binaries: binaries, plain: mode.plain}
	c, err := s.talk(ctx, t, nonce, u)
	var down *UnreachableError
	if u.form == "xz" && errors.As(err, &down) && ctx.Err() == nil {
		err = &notUnpackedError{err}
	}
	if err != nil {
		if u.form != "" {
			s.endInput() // the script removes what has come
		}
		s.close()
		return nil, err
	}
	return c, nil
}

// talk answers the script until the agent runs.
func (s *session) talk(ctx context.Context, t *Target, nonce string, u *uploader) (*client, error) {
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
			if err := u.send(s, rest); err != nil {
				return nil, err
			}
		}
	}
}

// An uploader sends the agent that a host needs.
type uploader struct {
	target   *Target
	binaries []*agentbin.Binary
	plain    bool
	form     string // in which it was sent
}

// send answers what the script told: "xz,gzip,raw Linux x86_64".
func (u *uploader) send(s *session, need string) error {
	forms, uname, _ := strings.Cut(strings.TrimSpace(need), " ")
	b := forUname(uname, u.binaries)
	if b == nil {
		return &UnreachableError{Msg: fmt.Sprintf("there is no agent for %s (%s): build gorun with \"make\", which embeds agents for other platforms", u.target.Name, uname)}
	}
	data, err := u.pack(b, strings.Split(forms, ","))
	if err != nil {
		return err
	}
	if _, err := io.WriteString(s.proc.Stdin(), fmt.Sprintf("%d %s %s\n", len(data), b.SHA256, u.form)); err != nil {
		return s.bootFailure(u.target, "", err)
	}
	if _, err := s.proc.Stdin().Write(data); err != nil {
		return s.bootFailure(u.target, "", err)
	}
	return nil
}

// pack chooses among the forms that the host can unpack.
func (u *uploader) pack(b *agentbin.Binary, forms []string) (data []byte, err error) {
	if !u.plain && slices.Contains(forms, "xz") {
		u.form = "xz"
		if data, err = b.Xz(); data != nil || err != nil {
			return data, err
		}
	}
	u.form = "gzip"
	if data, err = b.Gzip(); err == nil && !slices.Contains(forms, u.form) {
		u.form = "raw"
		data, err = gunzip(data)
	}
	return data, err
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
