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

type pamLimitsArgs struct {
	Backup    bool   `arg:"backup"`
	Comment   string `arg:"comment"`
	Dest      string `arg:"dest"`
	Domain    string `arg:"domain"`
	LimitItem string `arg:"limit_item"`
	LimitType string `arg:"limit_type"`
	UseMax    bool   `arg:"use_max"`
	UseMin    bool   `arg:"use_min"`
	Value     string `arg:"value"`
}

// PamLimits is community.general.pam_limits.
var PamLimits = modules.Define(modules.Spec{
	Name: "community.general.pam_limits",
	Doc:  "Keep a line of limits.conf.",
	Options: []modules.Option{
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file as it was."},
		{Name: "comment", Default: "", Doc: "A comment at the end of the line."},
		{Name: "dest", Default: "/etc/security/limits.conf", Doc: "The file."},
		{Name: "domain", Required: true, Doc: "Whom the limit is for: a user, @group, or *."},
		{Name: "limit_item", Required: true, Choices: []string{"core", "data", "fsize", "memlock", "nofile", "rss", "stack", "cpu", "nproc", "as", "maxlogins", "maxsyslogins", "priority", "locks", "sigpending", "msgqueue", "nice", "rtprio", "chroot"}, Doc: "What is limited."},
		{Name: "limit_type", Required: true, Choices: []string{"soft", "hard", "-"}, Doc: "Whether the limit is soft, hard, or both (-)."},
		{Name: "use_max", Type: modules.Bool, Default: false, Doc: "Take the larger of the value and the one that is there."},
		{Name: "use_min", Type: modules.Bool, Default: false, Doc: "Take the smaller of the value and the one that is there."},
		{Name: "value", Required: true, Doc: "The limit: a number, unlimited, infinity or -1."},
	},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *pamLimitsArgs) (*modules.Result, error) {
	if a.UseMin && a.UseMax {
		return nil, modules.Failf("Cannot use use_min and use_max at the same time.")
	}
	if a.LimitItem == "nice" || a.LimitItem == "priority" {
		if n, err := strconv.Atoi(a.Value); err != nil || n < -20 || n > 19 {
			return nil, modules.Failf(" Value of %s for item '%s' is invalid. Value must be a number in the range -20 to 19 inclusive. Refer to the limits.conf(5) manual pages for more details.", modules.PyRepr(a.Value), a.LimitItem)
		}
	} else if !limitOK(a.Value) {
		return nil, modules.Failf(" Value of '%s' for item '%s' is invalid. Value must either be 'unlimited', 'infinity' or -1, all of which indicate no limit, or a limit of 0 or larger. Refer to the limits.conf(5) manual pages for more details.", a.Value, a.LimitItem)
	}
	data, err := os.ReadFile(a.Dest)
	if os.IsNotExist(err) && isDir(filepath.Dir(a.Dest)) {
		err = nil
	}
	if err != nil {
		return nil, modules.Failf("directory %s is missing, or %s cannot be read: %s", filepath.Dir(a.Dest), a.Dest, oserr.Text(err))
	}
	after, line := editLimits(string(data), a)
	res := &modules.Result{Changed: after != string(data), Msg: line, Data: map[string]any{}}
	if m.Diff {
		res.Diff = []modules.Diff{{Before: string(data), After: after}}
	}
	if !res.Changed {
		return res, nil
	}
	return res, writeText(ctx, m, a.Dest, after, a.Backup, res)
})

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// writeText writes a file with a backup, whose name goes to the result.
func writeText(ctx context.Context, m *modules.Run, path, text string, backup bool, res *modules.Result) error {
	if m.Check {
		return nil
	}
	if backup {
		name, err := m.Backup(path)
		if err != nil {
			return err
		}
		if name != "" {
			res.Data["backup_file"] = name
		}
	}
	return m.WriteFile(ctx, path, []byte(text), "", false)
}

func limitOK(v string) bool {
	if v == "unlimited" || v == "infinity" || v == "-1" {
		return true
	}
	return v != "" && strings.Trim(v, "0123456789") == ""
}

// limitNumber makes limits comparable: no limit is the largest.
func limitNumber(v string) float64 {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || n == -1 {
		return 1e300
	}
	return n
}

func editLimits(text string, a *pamLimitsArgs) (after, line string) {
	value, found := a.Value, false
	comment := ""
	if a.Comment != "" {
		comment = "\t#" + a.Comment
	}
	make := func(v string) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s%s\n", a.Domain, a.LimitType, a.LimitItem, v, comment)
	}
	var b strings.Builder
	for l := range strings.Lines(text) {
		entry, old, _ := strings.Cut(l, "#")
		f := strings.Fields(entry)
		if len(f) != 4 || f[0] != a.Domain || f[1] != a.LimitType || f[2] != a.LimitItem {
			b.WriteString(l)
			continue
		}
		if a.UseMax && limitNumber(f[3]) > limitNumber(value) || a.UseMin && limitNumber(f[3]) < limitNumber(value) {
			value = f[3]
		}
		if found {
			continue // one line is enough
		}
		found = true
		if f[3] == value && (a.Comment == "" || strings.TrimSpace(old) == a.Comment) {
			line = l
		} else {
			line = make(value)
		}
		b.WriteString(line)
	}
	if !found {
		line = make(value)
		if out := b.String(); out != "" && !strings.HasSuffix(out, "\n") {
			b.WriteString("\n")
		}
		b.WriteString(line)
	}
	return b.String(), line
}
