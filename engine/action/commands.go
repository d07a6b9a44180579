package action

// This file holds the actions that run something on the target without an
// agent: raw and script.

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"gorun/engine/transport"
	"gorun/templates"
)

// raw runs a command line by the login shell
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/raw_module.html).
func raw(ctx context.Context, t *Task) (*templates.Dict, error) {
	if t.Check {
		return Result("changed", false, "skipped", true), nil
	}
	exe := t.str("executable", t.Executable)
	r, err := t.Host.Exec(ctx, t.str("_raw_params", ""), transport.ExecOptions{Executable: exe, Env: t.Env})
	if err != nil {
		return nil, err
	}
	return execResult(r), nil
}

// execResult is the result of a command that ran without an agent.
func execResult(r transport.ExecResult) *templates.Dict {
	d := Result("changed", true, "rc", r.RC, "stdout", string(r.Stdout), "stderr", string(r.Stderr))
	if r.RC != 0 {
		d.SetStr("failed", templates.Bool(true))
		d.SetStr("msg", templates.Str("non-zero return code"))
	}
	return d
}

// quote quotes a word for the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }

// scriptRunner saves what comes in as a file of the caller alone, runs it, and
// removes it. %CD%, %EXE% and %ARGS% are put in.
const scriptRunner = `d=$(umask 077; mktemp -d "${TMPDIR:-/tmp}/.gorun.XXXXXX") || exit 1; f=$d/%NAME%; ` +
	`cat > "$f" && chmod 700 "$f" || exit 1; %CD%%EXE% "$f" %ARGS%; r=$?; rm -rf "$d"; exit $r`

// script copies a script to the target and runs it
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/script_module.html).
func script(ctx context.Context, t *Task) (*templates.Dict, error) {
	line := t.first("cmd", "_raw_params")
	for _, c := range []struct {
		arg, reason string
		skipIf      bool
	}{{"creates", "exists", true}, {"removes", "does not exist", false}} {
		path := t.str(c.arg, "")
		if path == "" {
			continue
		}
		r, err := t.Host.Exec(ctx, "test -e "+quote(path), transport.ExecOptions{})
		if err != nil {
			return nil, err
		}
		if (r.RC == 0) == c.skipIf {
			return Result("changed", false, "skipped", true, "msg", path+" "+c.reason+", matching "+c.arg+" option"), nil
		}
	}
	if t.Check {
		changed := t.has("creates") || t.has("removes")
		if changed {
			return Result("changed", true), nil
		}
		return Result("changed", false, "skipped", true), nil
	}
	name, args := firstWord(line)
	path, err := t.findFile("files", name)
	if err != nil {
		return nil, failf("%s", err)
	}
	data, err := t.Services.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cd := ""
	if dir := t.str("chdir", ""); dir != "" {
		cd = "cd " + quote(dir) + " && "
	}
	cmd := strings.NewReplacer("%NAME%", quote(filepath.Base(path)), "%CD%", cd, "%EXE%", t.str("executable", ""), "%ARGS%", args).Replace(scriptRunner)
	r, err := t.Host.Exec(ctx, cmd, transport.ExecOptions{Stdin: bytes.NewReader(data), Env: t.Env})
	if err != nil {
		return nil, err
	}
	return execResult(r), nil
}

// firstWord cuts a command line behind its first word, which may be quoted.
func firstWord(line string) (word, rest string) {
	line = strings.TrimSpace(line)
	if line != "" && (line[0] == '"' || line[0] == '\'') {
		if end := strings.IndexByte(line[1:], line[0]); end >= 0 {
			return line[1 : end+1], strings.TrimSpace(line[end+2:])
		}
	}
	word, rest, _ = strings.Cut(line, " ")
	return word, strings.TrimSpace(rest)
}

// md5Of is the MD5 of a file, "" where it cannot be read.
func md5Of(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}
