package system

// This file is the cron module; crontab.go reads and writes the table.

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
)

type cronArgs struct {
	Name         string  `arg:"name"`
	User         string  `arg:"user"`
	Job          *string `arg:"job"`
	CronFile     string  `arg:"cron_file"`
	State        string  `arg:"state"`
	Backup       bool    `arg:"backup"`
	Minute       string  `arg:"minute"`
	Hour         string  `arg:"hour"`
	Day          string  `arg:"day"`
	Month        string  `arg:"month"`
	Weekday      string  `arg:"weekday"`
	SpecialTime  string  `arg:"special_time"`
	Disabled     bool    `arg:"disabled"`
	Env          bool    `arg:"env"`
	InsertAfter  string  `arg:"insertafter"`
	InsertBefore string  `arg:"insertbefore"`
}

// Cron is ansible.builtin.cron
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/cron_module.html).
var Cron = modules.Define(modules.Spec{
	Name: "ansible.builtin.cron",
	Doc:  "Manages jobs and variables in crontabs.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The job's name, kept as a comment before it, or the variable."},
		{Name: "user", Doc: "Whose crontab; the user in the lines of a cron_file."},
		{Name: "job", Aliases: []string{"value"}, Doc: "The command, or the variable's value."},
		{Name: "cron_file", Type: modules.Path, Doc: "A file of cron.d rather than a user's crontab."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether it is to be there."},
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep the old crontab as a file."},
		{Name: "minute", Default: "*", Doc: "The minutes."},
		{Name: "hour", Default: "*", Doc: "The hours."},
		{Name: "day", Default: "*", Aliases: []string{"dom"}, Doc: "The days of the month."},
		{Name: "month", Default: "*", Doc: "The months."},
		{Name: "weekday", Default: "*", Aliases: []string{"dow"}, Doc: "The days of the week."},
		{Name: "special_time", Choices: []string{"reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly"}, Doc: "A nickname of a time."},
		{Name: "disabled", Type: modules.Bool, Default: false, Doc: "Leave the job in the table as a comment."},
		{Name: "env", Type: modules.Bool, Default: false, Doc: "Manage a variable rather than a job."},
		{Name: "insertafter", Doc: "The variable after which a new one comes."},
		{Name: "insertbefore", Doc: "The variable before which a new one comes."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"insertafter", "insertbefore"}}},
}, runCron)

// check finds what is wrong with the arguments. A name with a line break would
// make lines that cron(8) refuses; of a job only the ends are mended, as Ansible does.
func (a *cronArgs) check() error {
	timed := a.Minute != "*" || a.Hour != "*" || a.Day != "*" || a.Month != "*" || a.Weekday != "*"
	switch {
	case a.SpecialTime != "" && timed:
		return modules.Failf("You must specify time and date fields or special time.")
	case a.CronFile != "" && a.State == "present" && a.User == "":
		return modules.Failf("To use cron_file=... parameter you must specify user=... as well")
	case a.State == "present" && a.Job == nil:
		return modules.Failf("You must specify 'job' to install a new cron job or variable")
	case a.State == "present" && (a.InsertAfter != "" || a.InsertBefore != "") && !a.Env:
		return modules.Failf("Insertafter and insertbefore parameters are valid only with env=yes")
	case a.State == "present" && strings.ContainsAny(a.Name, "\n\r"):
		return modules.Failf("The name should not contain line breaks")
	}
	return nil
}

// A cronRun is one run of the module.
type cronRun struct {
	*modules.Run
	*cronArgs
	file string // the cron.d file, "" for a user's table
}

func runCron(ctx context.Context, m *modules.Run, a *cronArgs) (*modules.Result, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if a.CronFile == "" {
		if _, err := m.RequireBin("crontab"); err != nil {
			return nil, err
		}
	}
	if a.State == "present" && !a.Env {
		*a.Job = strings.Trim(*a.Job, "\r\n") // a block of YAML ends with one
		if strings.ContainsAny(*a.Job, "\r\n") {
			m.Warn("Job should not contain line breaks")
		}
	}
	r := &cronRun{Run: m, cronArgs: a}
	if a.CronFile != "" {
		r.file = a.CronFile
		if !filepath.IsAbs(r.file) {
			r.file = filepath.Join("/etc/cron.d", r.file)
		}
	}
	text, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	table := parseCrontab(text)
	if err := r.edit(table); err != nil {
		return nil, err
	}
	after := table.text()
	res := &modules.Result{Changed: after != text, Data: map[string]any{"jobs": table.jobs(), "envs": table.variables()}}
	if r.file != "" {
		res.Data["cron_file"] = a.CronFile
	}
	if m.Diff && res.Changed {
		res.Diff = []modules.Diff{r.diff(text, after)}
	}
	if m.Check || !res.Changed {
		return res, nil
	}
	if a.Backup && text != "" {
		if res.Data["backup_file"], err = r.backup(text); err != nil {
			return nil, err
		}
	}
	if err := r.write(ctx, after); err != nil {
		return nil, err
	}
	return res, nil
}

func (r *cronRun) diff(before, after string) modules.Diff {
	header := r.file
	if header == "" {
		header = "crontab"
		if r.User != "" {
			header = `crontab for user "` + r.User + `"`
		}
	}
	d := modules.Diff{Before: before, After: after, BeforeHeader: header, AfterHeader: header}
	if r.file != "" && after == "" {
		d.AfterHeader = "/dev/null"
	}
	return d
}

// userOption names another user's table; root alone may.
func (r *cronRun) userOption() []string {
	if r.User == "" {
		return nil
	}
	return []string{"-u", r.User}
}

func (r *cronRun) read(ctx context.Context) (string, error) {
	if r.file != "" {
		b, err := os.ReadFile(r.file)
		if err != nil && !os.IsNotExist(err) {
			return "", modules.Failf("Unable to read crontab: %w", err)
		}
		return string(b), nil
	}
	c, err := r.Command(ctx, modules.CommandOptions{}, append(append([]string{"crontab"}, r.userOption()...), "-l")...)
	if err != nil {
		return "", err
	}
	if c.RC != 0 && r.Check {
		return "", nil // a task that check mode did not run may be what makes the user
	}
	// 1 is "no crontab for this user", and also that there is no such user: of
	// whom nothing is to be taken away, and for whom the writing fails.
	if c.RC != 0 && c.RC != 1 {
		return "", modules.FailWith(map[string]any{"rc": c.RC, "stderr": c.Stderr}, "Unable to read crontab: %s", strings.TrimSpace(c.Stderr))
	}
	return c.Stdout, nil
}

func (r *cronRun) write(ctx context.Context, text string) error {
	if r.file == "" {
		c, err := r.Command(ctx, modules.CommandOptions{Stdin: strings.NewReader(text)}, append(append([]string{"crontab"}, r.userOption()...), "-")...)
		if err != nil {
			return err
		}
		if c.RC != 0 {
			return modules.FailWith(map[string]any{"rc": c.RC, "stderr": c.Stderr}, "%s", strings.TrimSpace(c.Stderr))
		}
		return nil
	}
	if text == "" {
		if err := os.Remove(r.file); err != nil {
			return modules.Failf("cannot remove the cron file: %w", err)
		}
		return nil
	}
	isNew := !exists(r.file)
	if err := r.WriteFile(ctx, r.file, []byte(text), "", false); err != nil {
		return err
	}
	if !isNew {
		return nil
	}
	_, err := r.ApplyFileArgs(r.file, &modules.FileArgs{Mode: "0644"}, true, nil)
	return err
}

// backup writes the old table to a file of its own in the temporary folder.
func (r *cronRun) backup(text string) (string, error) {
	f, err := os.CreateTemp("", "crontab")
	if err != nil {
		return "", modules.Failf("cannot write the backup: %w", err)
	}
	_, err = f.WriteString(text)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return "", modules.Failf("cannot write the backup: %w", err)
	}
	return f.Name(), nil
}

// edit brings the job or variable to its state.
func (r *cronRun) edit(t *crontab) error {
	switch {
	case r.cronArgs.Env && r.State == "absent":
		t.removeVariable(r.cronArgs.Name)
	case r.cronArgs.Env:
		value := *r.Job
		if !strings.HasPrefix(value, `"`) && !strings.HasPrefix(value, "'") {
			value = `"` + value + `"`
		}
		return t.setVariable(r.cronArgs.Name, value, r.InsertAfter, r.InsertBefore)
	case r.State == "absent":
		t.removeJob(r.cronArgs.Name)
	default:
		t.setJob(r.cronArgs.Name, r.line())
	}
	return nil
}

// line is the job as the table has it.
func (r *cronRun) line() string {
	words := []string{r.Minute, r.Hour, r.Day, r.Month, r.Weekday}
	if r.SpecialTime != "" {
		words = []string{"@" + r.SpecialTime}
	}
	if r.file != "" && r.User != "" {
		words = append(words, r.User)
	}
	line := strings.Join(append(words, *r.Job), " ")
	if r.Disabled {
		line = "#" + line
	}
	return line
}
