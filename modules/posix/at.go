package posix

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

func itoa(n int) string { return strconv.Itoa(n) }

type atArgs struct {
	Command    string `arg:"command"`
	Count      *int   `arg:"count"`
	ScriptFile string `arg:"script_file"`
	State      string `arg:"state"`
	Unique     bool   `arg:"unique"`
	Units      string `arg:"units"`
}

// At is ansible.posix.at.
var At = modules.Define(modules.Spec{
	Name: "ansible.posix.at",
	Doc:  "Plan a command or script to run once, by at(1).",
	Options: []modules.Option{
		{Name: "command", Doc: "The command line."},
		{Name: "count", Type: modules.Int, Doc: "In how many units of time it runs."},
		{Name: "script_file", Doc: "A script to run in place of a command."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the job is to be planned."},
		{Name: "unique", Type: modules.Bool, Default: false, Doc: "Plan it only where the same is not planned yet."},
		{Name: "units", Choices: []string{"minutes", "hours", "days", "weeks"}, Doc: "The units of count."},
	},
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{{"command", "script_file"}},
		RequiredOneOf:     [][]string{{"command", "script_file"}},
	},
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *atArgs) (*modules.Result, error) {
	if a.State == "present" && (a.Count == nil || a.Units == "") {
		return nil, modules.Failf("This module requires count and units when state is present")
	}
	t := tool{ctx, m}
	script := a.ScriptFile
	data := map[string]any{"state": a.State}
	if a.Command != "" {
		dir, err := m.TmpDir()
		if err != nil {
			return nil, err
		}
		script = filepath.Join(dir, "job")
		if err := os.WriteFile(script, []byte(a.Command+"\n"), 0o600); err != nil {
			return nil, modules.Failf("could not write the job: %s", oserr.Text(err))
		}
	}
	jobs, err := sameJobs(t, script)
	if err != nil {
		return nil, err
	}
	if a.State == "absent" {
		for _, id := range jobs {
			if err := t.change("at", "-r", id); err != nil {
				return nil, err
			}
		}
		return &modules.Result{Changed: len(jobs) > 0, Data: data}, nil
	}
	if a.Unique && len(jobs) > 0 {
		return &modules.Result{Data: data}, nil
	}
	data["script_file"], data["count"], data["units"] = script, *a.Count, a.Units
	return &modules.Result{Changed: true, Data: data}, t.change("at", "-f", script, fmt.Sprintf("now + %d %s", *a.Count, a.Units))
})

// sameJobs lists planned jobs that run the script.
func sameJobs(t tool, script string) ([]string, error) {
	want, err := os.ReadFile(script)
	if err != nil {
		return nil, modules.Failf("could not read %s: %s", script, oserr.Text(err))
	}
	queue, err := t.must("atq")
	if err != nil {
		return nil, err
	}
	var ids []string
	for line := range strings.Lines(queue.Stdout) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		job, err := t.run("at", "-c", f[0])
		if err != nil {
			return nil, err
		}
		if job.RC == 0 && strings.Contains(job.Stdout, strings.TrimSpace(string(want))) {
			ids = append(ids, f[0])
		}
	}
	return ids, nil
}
