package system

// This file is the cronvar module: variables of crontabs.

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"

	"gorun/modules"
)

type cronvarArgs struct {
	Name         string  `arg:"name"`
	Value        *string `arg:"value"`
	User         string  `arg:"user"`
	CronFile     string  `arg:"cron_file"`
	InsertAfter  string  `arg:"insertafter"`
	InsertBefore string  `arg:"insertbefore"`
	State        string  `arg:"state"`
	Backup       bool    `arg:"backup"`
}

// Cronvar is community.general.cronvar
// (https://docs.ansible.com/ansible/latest/collections/community/general/cronvar_module.html).
var Cronvar = modules.Define(modules.Spec{
	Name: "community.general.cronvar",
	Doc:  "Keeps variables in crontabs.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The variable."},
		{Name: "value", Doc: "Its value; required where it is to be present."},
		{Name: "user", Doc: "Whose crontab."},
		{Name: "cron_file", Doc: "A file of cron.d rather than a user's crontab."},
		{Name: "insertafter", Doc: "The variable that a new one comes behind."},
		{Name: "insertbefore", Doc: "The variable that a new one comes before."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether it is to be there."},
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep the old crontab as a file."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}}},
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
}, runCronvar)

// cronVariable matches a variable's line; words of jobs have no "=" behind the first.
var cronVariable = regexp.MustCompile(`^\s*([^\s='"#]+)\s*=\s*(.*?)\s*$`)

func runCronvar(ctx context.Context, m *modules.Run, a *cronvarArgs) (*modules.Result, error) {
	if _, err := m.RequireBin("crontab"); err != nil {
		return nil, err
	}
	if a.State == "present" && a.Value == nil {
		return nil, modules.Failf("You must specify 'value' to insert a new cron variable")
	}
	r := &cronRun{Run: m, cronArgs: &cronArgs{User: a.User, CronFile: a.CronFile}}
	if r.file = a.CronFile; r.file != "" && !filepath.IsAbs(r.file) {
		r.file = filepath.Join("/etc/cron.d", r.file)
	}
	text, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	table := parseCrontab(text)
	changed := a.edit(table)
	res := &modules.Result{Changed: changed, Data: map[string]any{"vars": cronVariables(table)}}
	if a.CronFile != "" {
		res.Data["cron_file"] = a.CronFile
	}
	if !changed {
		return res, nil
	}
	if a.Backup {
		if res.Data["backup_file"], err = r.backup(text); err != nil {
			return nil, err
		}
	}
	if err := r.write(ctx, table.text()); err != nil {
		return nil, err
	}
	return res, nil
}

func cronVariables(t *crontab) []string {
	out := []string{}
	for _, line := range t.lines {
		if f := cronVariable.FindStringSubmatch(line); f != nil {
			out = append(out, f[1])
		}
	}
	return out
}

// edit brings the variable to its state: every line of it, or a new one at the
// top or beside another variable.
func (a *cronvarArgs) edit(t *crontab) (changed bool) {
	at := func(name string) int {
		return slices.IndexFunc(t.lines, func(line string) bool {
			f := cronVariable.FindStringSubmatch(line)
			return f != nil && f[1] == name
		})
	}
	i := at(a.Name)
	if a.State == "absent" {
		for ; i >= 0; i = at(a.Name) {
			t.lines = slices.Delete(t.lines, i, i+1)
			changed = true
		}
		return changed
	}
	line := a.Name + "=" + *a.Value
	switch {
	case i < 0 && a.InsertBefore == "" && a.InsertAfter == "":
		t.lines = slices.Insert(t.lines, 0, line)
	case i < 0 && a.InsertBefore != "":
		if i = at(a.InsertBefore); i >= 0 {
			t.lines = slices.Insert(t.lines, i, line)
		}
	case i < 0:
		if i = at(a.InsertAfter); i >= 0 {
			t.lines = slices.Insert(t.lines, i+1, line)
		}
	case cronVariable.FindStringSubmatch(t.lines[i])[2] == *a.Value:
		return false
	default:
		for j, l := range t.lines {
			if f := cronVariable.FindStringSubmatch(l); f != nil && f[1] == a.Name {
				t.lines[j] = line
			}
		}
	}
	return true
}
