package main

// This file holds what gorun says of wrong playbooks, inventories, vault
// files, settings and command lines: whole messages, in testdata/errors.
//
// Each case is a txtar archive whose `cmd:` line has gorun's arguments. Behind
// the files stand its screen (both outputs) and exit code; `-update` writes
// them anew, to be read before they are committed.

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what gorun answers into testdata")

// movingErrors are the parts of messages that differ from run to run.
var movingErrors = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`gorun/[0-9][^\s,)]*`), "gorun/VERSION"},
	{regexp.MustCompile(`/tmp/[^\s'":]*\.ansible_tmp[^\s'":]*`), "TMP"},
}

func TestErrors(t *testing.T) {
	files, err := filepath.Glob("../../testdata/errors/*.txtar")
	if err != nil || len(files) < 150 {
		t.Fatalf("%d cases in testdata/errors: %v", len(files), err)
	}
	gorun := buildGorun(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			line, _, _ := strings.Cut(string(ar.Comment), "\n")
			args, ok := strings.CutPrefix(line, "cmd:")
			if !ok {
				t.Fatal("no cmd: line")
			}
			c := playCase{ar: &txtar.Archive{}}
			want := ""
			for _, f := range ar.Files {
				if f.Name == "screen" || f.Name == "rc" {
					want += f.Name + ":\n" + string(f.Data)
				} else {
					c.ar.Files = append(c.ar.Files, f)
				}
			}
			dir := c.unpack(t, "/tmp")
			cmd := exec.Command(gorun, strings.Fields(args)...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "COLUMNS=80",
				"ANSIBLE_HOME="+filepath.Join(dir, ".ansible"))
			out, err := cmd.CombinedOutput()
			if _, isExit := err.(*exec.ExitError); err != nil && !isExit {
				t.Fatal(err)
			}
			screen := normalizePlay(string(out), dir)
			for _, m := range movingErrors {
				screen = m.re.ReplaceAllString(screen, m.to)
			}
			if screen != "" && !strings.HasSuffix(screen, "\n") {
				screen += "\n(no newline at the end)\n"
			}
			rc := fmt.Sprintf("%d\n", cmd.ProcessState.ExitCode())
			if got := "screen:\n" + screen + "rc:\n" + rc; got != want && !*update {
				t.Error(lineDiff(want, got))
			}
			if *update {
				c.ar.Comment = ar.Comment
				c.ar.Files = append(c.ar.Files, txtar.File{Name: "screen", Data: []byte(screen)}, txtar.File{Name: "rc", Data: []byte(rc)})
				if err := os.WriteFile(file, txtar.Format(c.ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
