//go:build linux

package main

// This file compares gorun with the real Ansible at a terminal.
//
// Each case in testdata/terminal is a txtar archive like those of testdata/play
// (play_test.go), with two differences: its `cmd:` is a line for a shell, in
// which gorun goes by the names of Ansible's commands, and the section `keys`
// says what the person types. Its lines are:
//
//	< TEXT     waits until the screen shows TEXT behind what was waited for before
//	> TEXT     types TEXT and the return key
//	>> TEXT    types TEXT without it; \t, \b and \x.. are as in Go
//
// The section stdout is the screen. The recorded answers of both releases come
// from the same typing: `go test -run TestTerminal/NAME -record`, and with
// `-chroot FOLDER` for the current release.

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"
)

// screenWait is for how long the screen may take to show what a case waits
// for; recordWait the same while cases are recorded.
const (
	screenWait = 90 * time.Second
	recordWait = 15 * time.Second
)

// settle is how long a person of a recording waits before typing: Python's
// programs show their prompt before they are ready to read without an echo.
const settle = 400 * time.Millisecond

// openTerminal makes a terminal of 80 columns and returns its two ends.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, program
}

// A typist reads a screen and types at it.
type typist struct {
	keys *os.File
	mu   sync.Mutex
	text []byte
	more chan struct{} // has a value, or is closed, where text has grown
	seen int           // how much of text was waited for
	wait time.Duration // for a text on the screen
	slow bool          // waits before it types
}

// watch collects the screen until the terminal is closed.
func (p *typist) watch() {
	defer close(p.more)
	buf := make([]byte, 4096)
	for {
		n, err := p.keys.Read(buf)
		p.mu.Lock()
		p.text = append(p.text, buf[:n]...)
		p.mu.Unlock()
		if err != nil {
			return // EIO is the end of a terminal that no program has open
		}
		select {
		case p.more <- struct{}{}:
		default:
		}
	}
}

// await waits for a text on the screen.
func (p *typist) await(text string) error {
	deadline := time.After(p.wait)
	for {
		p.mu.Lock()
		i := bytes.Index(p.text[p.seen:], []byte(text))
		if i >= 0 {
			p.seen += i + len(text)
		}
		p.mu.Unlock()
		if i >= 0 {
			return nil
		}
		select {
		case _, open := <-p.more:
			if !open {
				return fmt.Errorf("the program ended before its screen showed %q", text)
			}
		case <-deadline:
			return fmt.Errorf("the screen never showed %q", text)
		}
	}
}

// follow does what the lines of a case's keys say.
func (p *typist) follow(script string) error {
	for line := range strings.Lines(script) {
		how, text, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		typed, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		switch how {
		case "<":
			if err := p.await(typed); err != nil {
				return err
			}
			continue
		case ">":
			typed += "\r"
		case ">>":
		default:
			return fmt.Errorf("keys: %q is none of <, > and >>", line)
		}
		if p.slow {
			time.Sleep(settle)
		}
		if _, err := p.keys.WriteString(typed); err != nil {
			return err
		}
	}
	return nil
}

// shellLine is the command that runs a line of a case in the folder dir, with
// gorun under the names of Ansible's commands where links holds them. The
// name that the program has for the folder is returned, too.
func (c playCase) shellLine(line, host string, by player, links string) (*exec.Cmd, string) {
	dir := filepath.Join("/tmp", filepath.Base(host))
	env := []string{"LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TERM=dumb", "HOME=" + dir, "USER=root", "ANSIBLE_LOCALHOST_WARNING=0",
		"ANSIBLE_INVENTORY_UNPARSED_WARNING=0", "ANSIBLE_HOME=" + dir + "/.ansible", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3"}
	if links != "" {
		env = append(env, "PATH="+links+":"+os.Getenv("PATH"), "GORUN_COMPAT="+by.program[0])
	}
	words := []string{"sh", "-c", line}
	if by.root != "" {
		words = append([]string{"chroot", by.root, "env", "-C", dir}, words...)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = host
	cmd.Env = append(append(slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "COLUMNS=") || strings.HasPrefix(e, "NO_COLOR=")
	}), env...), c.env...)
	return cmd, dir
}

// ansibleNames makes a folder in which gorun has the names of Ansible's commands.
func ansibleNames(t *testing.T) string {
	t.Helper()
	gorun, dir := buildGorun(t), t.TempDir()
	for _, c := range commands() {
		if c.alias != "" {
			if err := os.Symlink(gorun, filepath.Join(dir, c.alias)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// section is the text of one of a case's files.
func (c playCase) section(name string) string {
	for _, f := range c.ar.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// sit plays a case at a terminal.
func (c playCase) sit(t *testing.T, by player, links string) []txtar.File {
	t.Helper()
	host := c.unpack(t, filepath.Join(by.root, "/tmp"))
	person, program := openTerminal(t)
	cmd, dir := c.shellLine(c.line, host, by, links)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	p := &typist{keys: person, more: make(chan struct{}, 1), wait: screenWait}
	if links == "" {
		p.wait, p.slow = recordWait, true
	}
	go p.watch()
	err := p.follow(c.section("keys"))
	kill := time.AfterFunc(4*p.wait, func() { cmd.Process.Kill() })
	if err != nil {
		cmd.Process.Kill()
	}
	waited := cmd.Wait()
	if !kill.Stop() {
		err = errors.New("the program did not end")
	}
	if err == nil && links != "" {
		for range p.more { // until the screen is whole
		}
	} else {
		time.Sleep(settle) // what Ansible leaves running may keep the terminal open
	}
	p.mu.Lock()
	screen := string(p.text)
	p.mu.Unlock()
	if err != nil {
		t.Fatalf("%v (%v); the screen:\n%s", err, waited, screen)
	}
	screen = brokenInstall.ReplaceAllString(screen, "")
	answer := []txtar.File{
		{Name: "stdout", Data: []byte(vaultText.ReplaceAllString(normalizePlay(renderScreen(screen), dir), "${1}HEX"))},
		{Name: "rc", Data: fmt.Appendf(nil, "%d\n", shellCode(cmd.ProcessState))},
	}
	return append(answer, outFiles(t, host, dir)...)
}

// eras are the two that the corpora of command lines and terminals have answers of.
var eras = []struct{ name, prefix, compat string }{
	{"2.14", from214, "2.14"},
	{"current", fromCurrent, "current"},
}

// compareEras records the answers of a folder's cases, or compares gorun's with
// them. answer plays a case; its links are those of [ansibleNames], "" for the
// real Ansible.
func compareEras(t *testing.T, folder string, answer func(c playCase, t *testing.T, by player, links string) []txtar.File) {
	t.Helper()
	cases := loadPlayCases(t, folder)
	if *record {
		prefix, tool := from214, recordedWith
		if *chroot != "" {
			prefix, tool = fromCurrent, toolVersion(t, *chroot)
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) { c.keep(t, prefix, tool, answer(c, t, player{root: *chroot}, "")) })
		}
		return
	}
	links := ansibleNames(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, era := range eras {
				t.Run(era.name, func(t *testing.T) {
					t.Parallel()
					got := answer(c, t, player{program: []string{era.compat}}, links)
					switch {
					case era.prefix == fromCurrent && c.own && *own:
						c.keep(t, fromGorun, "", got)
					case era.prefix == fromCurrent && c.own:
						diffSections(t, "gorun's own answer has changed", c.answer(fromGorun), got)
					case era.prefix == from214 && c.differs != "":
						diffSections(t, "gorun differs from Ansible", withoutScreen(c.answer(from214)), withoutScreen(got))
					default:
						diffSections(t, "gorun differs from Ansible", c.answer(era.prefix), got)
					}
				})
			}
		})
	}
}

// brokenInstall is what the current ansible-console of Debian tells of itself.
var brokenInstall = regexp.MustCompile(`\[WARNING\]: Collection at '[^']*/_protomatter' .*\r?\n`)

// vaultText is a line of a vault, which is another each time.
var vaultText = regexp.MustCompile(`(?m)^( {10})[0-9a-f]{2,80}$`)

// shellCode is the exit code of a process as a shell has it in $?.
func shellCode(st *os.ProcessState) int {
	if ws, ok := st.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return st.ExitCode()
}

// renderScreen is what a terminal shows of a text: lines as they stand after
// carriage returns, backspaces and erasing. Colours stay, as \e[...m.
func renderScreen(text string) string {
	var out strings.Builder
	var line []string
	col, colour := 0, ""
	for i := 0; i < len(text); i++ {
		switch ch := text[i]; ch {
		case '\r':
			col = 0
		case '\n':
			out.WriteString(strings.Join(line, "") + colour + "\n")
			line, col, colour = nil, 0, ""
		case '\b':
			col = max(0, col-1)
		case '\a':
		case 0x1b:
			seq := csi.FindString(text[i:])
			i += len(seq) - 1
			switch {
			case strings.HasSuffix(seq, "m"):
				colour += `\e` + seq[1:]
			case strings.HasSuffix(seq, "K"):
				line = line[:min(col, len(line))]
			case strings.HasSuffix(seq, "D"):
				n, err := strconv.Atoi(seq[2 : len(seq)-1])
				if err != nil {
					n = 1
				}
				col = max(0, col-n)
			}
		default:
			for len(line) <= col {
				line = append(line, " ")
			}
			line[col] = colour + string(ch)
			col, colour = col+1, ""
		}
	}
	if len(line) > 0 || colour != "" {
		out.WriteString(strings.Join(line, "") + colour + "\n")
	}
	return out.String()
}

// csi is the start of a control sequence, cut short where a control character
// stands in it, which terminals obey at once.
var csi = regexp.MustCompile(`^\x1b(\[[0-9;?]*[ -~]?)?`)

func TestTerminal(t *testing.T) {
	compareEras(t, "../../testdata/terminal", playCase.sit)
}
