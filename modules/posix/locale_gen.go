package posix

import (
	"context"
	"os"
	"regexp"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type localeGenArgs struct {
	Name  []string `arg:"name"`
	State string   `arg:"state"`
}

// LocaleGen is community.general.locale_gen.
var LocaleGen = modules.Define(modules.Spec{
	Name: "community.general.locale_gen",
	Doc:  "Make locales by /etc/locale.gen and locale-gen.",
	Options: []modules.Option{
		{Name: "name", Type: modules.List, Elements: modules.Str, Required: true, Doc: "The locales, such as de_DE.UTF-8."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the locales are to be there."},
	},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *localeGenArgs) (*modules.Result, error) {
	const file = "/etc/locale.gen"
	t := tool{ctx, m}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, modules.Failf("/etc/locale.gen and /var/lib/locales/supported.d/local are missing. Is the package \"locales\" installed? (%s)", oserr.Text(err))
	}
	have, err := t.must("locale", "-a")
	if err != nil {
		return nil, err
	}
	text := string(data)
	changed := false
	var unknown []string
	for _, name := range a.Name {
		present := localePresent(have.Stdout, name)
		if present == (a.State == "present") {
			continue
		}
		changed = true
		edited, known := editLocaleGen(text, name, a.State == "present")
		if !known && a.State == "present" {
			unknown = append(unknown, name)
		}
		text = edited
	}
	if unknown != nil {
		return nil, modules.Failf("The following locales you have entered are not available on your system: %s", strings.Join(unknown, ", "))
	}
	res := &modules.Result{Changed: changed, Data: map[string]any{"name": a.Name, "changed": changed}}
	if !changed {
		return res, nil
	}
	if text != string(data) {
		res.Diff = []modules.Diff{{Before: string(data), After: text, BeforeHeader: file, AfterHeader: file}}
		if !m.Check {
			if err := m.WriteFile(ctx, file, []byte(text), "", false); err != nil {
				return nil, err
			}
		}
	}
	return res, t.change("locale-gen")
})

// normalLocale is a name as locale -a shows it: de_DE.utf8.
func normalLocale(name string) string {
	lang, code, ok := strings.Cut(name, ".")
	if !ok {
		return name
	}
	code, modifier, _ := strings.Cut(code, "@")
	code = strings.ToLower(strings.ReplaceAll(code, "-", ""))
	if modifier != "" {
		return lang + "." + code + "@" + modifier
	}
	return lang + "." + code
}

func localePresent(list, name string) bool {
	for line := range strings.Lines(list) {
		if l := strings.TrimSpace(line); l == name || normalLocale(l) == normalLocale(name) {
			return true
		}
	}
	return false
}

// editLocaleGen takes the comment sign from the locale's line, or puts it
// there; known says whether there is such a line.
func editLocaleGen(text, name string, on bool) (out string, known bool) {
	re := regexp.MustCompile(`^#?\s*(` + regexp.QuoteMeta(name) + `(\s+\S+)?)\s*$`)
	var b strings.Builder
	for line := range strings.Lines(text) {
		if m := re.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			known = true
			if on {
				line = m[1] + "\n"
			} else {
				line = "# " + m[1] + "\n"
			}
		}
		b.WriteString(line)
	}
	return b.String(), known
}
