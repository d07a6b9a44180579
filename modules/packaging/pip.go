package packaging

// This file is the pip module.

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gorun/modules"
)

type pipArgs struct {
	Chdir                  string   `arg:"chdir"`
	Editable               bool     `arg:"editable"`
	Executable             string   `arg:"executable"`
	ExtraArgs              string   `arg:"extra_args"`
	Name                   []string `arg:"name"`
	Requirements           string   `arg:"requirements"`
	State                  string   `arg:"state"`
	Umask                  string   `arg:"umask"`
	Version                string   `arg:"version"`
	Virtualenv             string   `arg:"virtualenv"`
	VirtualenvCommand      string   `arg:"virtualenv_command"`
	VirtualenvPython       string   `arg:"virtualenv_python"`
	VirtualenvSitePackages bool     `arg:"virtualenv_site_packages"`
	BreakSystemPackages    bool     `arg:"break_system_packages"`
}

// Pip is ansible.builtin.pip
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/pip_module.html).
var Pip = modules.Define(modules.Spec{
	Name: "ansible.builtin.pip",
	Doc:  "Installs and removes Python packages.",
	Options: []modules.Option{
		{Name: "chdir", Type: modules.Path, Doc: "The folder to run in."},
		{Name: "editable", Type: modules.Bool, Default: false, Doc: "Install the packages as editable."},
		{Name: "executable", Type: modules.Path, Doc: "The pip to run."},
		{Name: "extra_args", Doc: "More arguments of pip."},
		{Name: "name", Type: modules.List, Elements: modules.Str, Doc: "The packages, with version specifiers, or URLs."},
		{Name: "requirements", Doc: "A file of requirements."},
		{Name: "state", Default: "present", Choices: []string{"absent", "forcereinstall", "latest", "present"}, Doc: "What is to become of the packages."},
		{Name: "umask", Doc: "The umask to run under, in octal."},
		{Name: "version", Doc: "The version of a single package."},
		{Name: "virtualenv", Type: modules.Path, Doc: "The virtual environment, made where it is missing."},
		{Name: "virtualenv_command", Type: modules.Path, Default: "virtualenv", Doc: "What makes a virtual environment."},
		{Name: "virtualenv_python", Doc: "The Python of a new virtual environment."},
		{Name: "virtualenv_site_packages", Type: modules.Bool, Default: false, Doc: "A new virtual environment sees the system's packages."},
		{Name: "break_system_packages", Type: modules.Bool, Default: false, Doc: "Install also where the distribution manages Python."},
	},
	Rules: modules.Rules{
		RequiredOneOf:     [][]string{{"name", "requirements"}},
		MutuallyExclusive: [][]string{{"name", "requirements"}, {"executable", "virtualenv"}, {"editable", "requirements"}},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, runPip)

// A pipRun is one run of the module.
type pipRun struct {
	*modules.Run
	args    *pipArgs
	options modules.CommandOptions
	pip     []string // the words that run pip
	made    modules.CommandResult
}

func runPip(ctx context.Context, m *modules.Run, a *pipArgs) (*modules.Result, error) {
	r := &pipRun{Run: m, args: a}
	r.options.Dir = a.Chdir
	if a.Umask != "" {
		mask, err := strconv.ParseUint(a.Umask, 8, 32)
		if err != nil {
			return nil, modules.Failf("umask must be an octal integer")
		}
		mode := fs.FileMode(mask)
		r.options.Umask = &mode
	}
	if a.State == "latest" && a.Version != "" {
		return nil, modules.Failf("version is incompatible with state=latest")
	}
	newEnv, err := r.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if newEnv && m.Check {
		return &modules.Result{Changed: true}, nil
	}
	wanted, err := r.wanted()
	if err != nil {
		return nil, err
	}
	if m.Check {
		return r.predict(ctx, wanted)
	}
	return r.install(ctx, wanted, newEnv)
}

// prepare finds pip, and makes the virtual environment where it is missing.
func (r *pipRun) prepare(ctx context.Context) (made bool, err error) {
	a := r.args
	if a.Virtualenv == "" {
		return false, r.findPip()
	}
	if _, err := os.Stat(filepath.Join(a.Virtualenv, "bin", "activate")); err != nil {
		if made = true; r.Check {
			return made, nil
		}
		if err := r.makeEnv(ctx); err != nil {
			return false, err
		}
	}
	for _, name := range []string{"pip3", "pip"} {
		path := filepath.Join(a.Virtualenv, "bin", name)
		if _, err := os.Stat(path); err == nil {
			r.pip = []string{path}
			return made, nil
		}
	}
	return made, modules.Failf("Unable to find pip in the virtualenv, %s, under any of these names: pip3, pip. Make sure pip is present in the virtualenv.", a.Virtualenv)
}

func (r *pipRun) findPip() error {
	if e := r.args.Executable; e != "" {
		if filepath.IsAbs(e) {
			r.pip = []string{e}
			return nil
		}
		bin, err := r.RequireBin(e)
		r.pip = []string{bin}
		return err
	}
	for _, name := range []string{"pip3", "pip"} {
		if bin := r.BinPath(name); bin != "" {
			r.pip = []string{bin}
			return nil
		}
	}
	return modules.Failf("Unable to find any of pip3, pip to use.  pip needs to be installed.")
}

func (r *pipRun) makeEnv(ctx context.Context) error {
	a := r.args
	words, err := modules.ShellSplit(a.VirtualenvCommand)
	if err != nil || len(words) == 0 {
		return modules.Failf("virtualenv_command is no command: %q", a.VirtualenvCommand)
	}
	if !strings.Contains(words[0], "/") {
		if words[0], err = r.RequireBin(words[0]); err != nil {
			return err
		}
	}
	isVenv := strings.HasSuffix(a.VirtualenvCommand, "-m venv") || strings.Contains(words[0], "pyvenv")
	if a.VirtualenvSitePackages {
		words = append(words, "--system-site-packages")
	}
	switch {
	case a.VirtualenvPython != "" && isVenv:
		return modules.Failf("virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command")
	case a.VirtualenvPython != "":
		words = append(words, "-p"+a.VirtualenvPython)
	}
	words = append(words, a.Virtualenv)
	res, err := r.Command(ctx, r.options, words...)
	if err != nil {
		return err
	}
	r.made = res
	if res.RC != 0 {
		return pipFailure(words, res)
	}
	return nil
}

func pipFailure(cmd []string, res modules.CommandResult) error {
	msg := ""
	if res.Stdout != "" {
		msg = "stdout: " + res.Stdout
	}
	if res.Stderr != "" {
		msg += "\n:stderr: " + res.Stderr
	}
	return modules.FailWith(map[string]any{"cmd": cmd}, "%s", msg)
}

// A requirement is a package's name and what is asked of its version.
type requirement struct {
	name, extras, specifier string
	text                    string
	opaque                  bool // a URL or a path: nothing is known of it
}

var requirementForm = regexp.MustCompile(`^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*((?:[<>=!~]=?=?[^;]*)?)(;.*)?$`)

func parseRequirement(s string) requirement {
	m := requirementForm.FindStringSubmatch(s)
	if m == nil {
		return requirement{text: s, opaque: true}
	}
	return requirement{name: m[1], extras: m[2], specifier: strings.TrimSpace(m[3]), text: s}
}

// wanted are the packages of the task; words that only a specifier of the name
// before them explains ("a>1,<2" cut at its comma) are joined again.
func (r *pipRun) wanted() ([]requirement, error) {
	var names []string
	for _, n := range r.args.Name {
		if t := strings.TrimSpace(n); len(names) > 0 && strings.IndexAny(t, "<>=!~") == 0 {
			names[len(names)-1] += "," + t
			continue
		}
		names = append(names, n)
	}
	var list []requirement
	for _, n := range names {
		list = append(list, parseRequirement(n))
	}
	if r.args.Version == "" || len(list) == 0 {
		return list, nil
	}
	if len(list) > 1 {
		return nil, modules.Failf("'version' argument is ambiguous when installing multiple package distributions. Please specify version restrictions next to each package in 'name' argument.")
	}
	if list[0].specifier != "" {
		return nil, modules.Failf("The 'version' argument conflicts with any version specifier provided along with a package name. Please keep the version specifier, but remove the 'version' argument.")
	}
	sep := "=="
	if v := r.args.Version; strings.ContainsAny(v[:1], "<>=!~") {
		sep = ""
	}
	list[0] = parseRequirement(list[0].text + sep + r.args.Version)
	return list, nil
}

// arguments is pip's whole command.
func (r *pipRun) arguments(wanted []requirement) ([]string, error) {
	a := r.args
	cmd := append([]string{}, r.pip...)
	switch a.State {
	case "absent":
		cmd = append(cmd, "uninstall", "-y")
	case "latest":
		cmd = append(cmd, "install", "-U")
	case "forcereinstall":
		cmd = append(cmd, "install", "-U", "--force-reinstall")
	default:
		cmd = append(cmd, "install")
	}
	if a.BreakSystemPackages {
		cmd = append(cmd, "--break-system-packages")
	}
	if a.ExtraArgs != "" {
		extra, err := modules.ShellSplit(a.ExtraArgs)
		if err != nil {
			return nil, modules.Failf("extra_args cannot be read: %w", err)
		}
		cmd = append(cmd, extra...)
	}
	if a.Requirements != "" {
		return append(cmd, "-r", a.Requirements), nil
	}
	for _, w := range wanted {
		if a.Editable && a.State != "absent" {
			cmd = append(cmd, "-e")
		}
		cmd = append(cmd, w.text)
	}
	return cmd, nil
}

func (r *pipRun) install(ctx context.Context, wanted []requirement, changed bool) (*modules.Result, error) {
	cmd, err := r.arguments(wanted)
	if err != nil {
		return nil, err
	}
	before, err := r.freeze(ctx)
	if err != nil {
		return nil, err
	}
	res, err := r.Command(ctx, r.options, cmd...)
	if err != nil {
		return nil, err
	}
	gone := r.args.State == "absent" && strings.Contains(res.Stdout+res.Stderr, "not installed")
	if res.RC != 0 && !gone {
		return nil, pipFailure(cmd, res)
	}
	switch {
	case r.args.State == "absent":
		changed = changed || strings.Contains(res.Stdout, "Successfully uninstalled")
	case strings.Contains(res.Stdout, "Successfully installed"):
		changed = true
	default:
		after, err := r.freeze(ctx)
		if err != nil {
			return nil, err
		}
		changed = changed || before != after
	}
	data := map[string]any{"cmd": cmd, "name": r.Params["name"], "version": r.Params["version"], "state": r.args.State,
		"requirements": r.Params["requirements"], "virtualenv": r.Params["virtualenv"],
		"stdout": r.made.Stdout + res.Stdout, "stderr": r.made.Stderr + res.Stderr}
	return &modules.Result{Changed: changed, Data: data}, nil
}

// freeze lists what is installed, a line "name==version" each.
func (r *pipRun) freeze(ctx context.Context) (string, error) {
	cmd := append(append([]string{}, r.pip...), "list", "--format=freeze")
	res, err := r.Command(ctx, r.options, cmd...)
	if err != nil {
		return "", err
	}
	if res.RC != 0 { // a pip older than 9
		if res, err = r.Command(ctx, r.options, append(append([]string{}, r.pip...), "freeze")...); err != nil {
			return "", err
		}
	}
	return res.Stdout, nil
}

// predict says in check mode what would change.
func (r *pipRun) predict(ctx context.Context, wanted []requirement) (*modules.Result, error) {
	a := r.args
	if a.ExtraArgs != "" || a.Requirements != "" || a.State == "latest" || len(wanted) == 0 {
		return &modules.Result{Changed: true}, nil
	}
	list, err := r.freeze(ctx)
	if err != nil {
		return nil, err
	}
	have := installedPython(list)
	changed := false
	for _, w := range wanted {
		version, there := have[pythonName(w.name)]
		if w.opaque {
			there = false
		}
		ok := there && versionFits(version, w.specifier)
		changed = changed || ok == (a.State == "absent") || a.State == "forcereinstall"
	}
	cmd := strings.Join(append(append([]string{}, r.pip...), "list", "--format=freeze"), " ")
	return &modules.Result{Changed: changed, Data: map[string]any{"cmd": cmd, "stdout": list, "stderr": ""}}, nil
}

func installedPython(list string) map[string]string {
	have := make(map[string]string)
	for line := range strings.Lines(list) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), "=="); ok {
			have[pythonName(name)] = version
		}
	}
	return have
}

var nameSeparators = regexp.MustCompile(`[-_.]+`)

// pythonName is a name in the form in which names are compared (PEP 503).
func pythonName(s string) string {
	return strings.ToLower(nameSeparators.ReplaceAllString(s, "-"))
}

// versionFits judges a version by specifiers such as ">=1.2,<2" (PEP 440).
func versionFits(version, specifiers string) bool {
	for _, s := range strings.Split(specifiers, ",") {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		n := len(s) - len(strings.TrimLeft(s, "<>=!~"))
		if !fits(version, s[:n], strings.TrimSpace(s[n:])) {
			return false
		}
	}
	return true
}

func fits(version, operator, want string) bool {
	prefix, wild := strings.CutSuffix(want, ".*")
	begins := wild && strings.HasPrefix(version+".", prefix+".")
	c := comparePython(version, want)
	switch operator {
	case "==":
		return begins || !wild && c == 0
	case "===":
		return version == want
	case "!=":
		return !begins && (wild || c != 0)
	case ">=":
		return c >= 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case "<":
		return c < 0
	case "~=":
		i := strings.LastIndexByte(want, '.')
		return i > 0 && c >= 0 && strings.HasPrefix(version+".", want[:i]+".")
	}
	return false
}

var versionParts = regexp.MustCompile(`\d+|[a-z]+`)

// comparePython compares versions part by part: numbers as numbers, and a
// part such as rc1 or dev0 below none, but post1 above it.
func comparePython(a, b string) int {
	x := versionParts.FindAllString(strings.ToLower(a), -1)
	y := versionParts.FindAllString(strings.ToLower(b), -1)
	rank := func(list []string, i int) (kind, n int, word string) {
		if i >= len(list) {
			return 2, 0, ""
		}
		if n, err := strconv.Atoi(list[i]); err == nil {
			return 2, n, ""
		}
		switch list[i] {
		case "post":
			return 3, 0, ""
		case "dev":
			return 0, 0, ""
		}
		return 1, 0, list[i]
	}
	for i := range max(len(x), len(y)) {
		ak, an, aw := rank(x, i)
		bk, bn, bw := rank(y, i)
		for _, d := range []int{ak - bk, an - bn, strings.Compare(aw, bw)} {
			if d != 0 {
				return d
			}
		}
	}
	return 0
}
