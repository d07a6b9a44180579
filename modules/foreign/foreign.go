// Package foreign runs modules that are not gorun's own on the target:
// programs and Python packages that the controller found, made ready and sent.
// What they are made of is kept in the agent's folder by its content, so that
// it crosses the wire once a host.
package foreign

// This file defines the requests that the controller makes.

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
)

// Name is the full name of the agent's module that runs others. No playbook
// can name it: names of actions have no space.
const Name = "gorun foreign"

// The operations of a [Request].
const (
	OpRun      = "run"      // run a module
	OpHave     = "have"     // put the bundle into its place, run nothing
	OpDiscover = "discover" // look for interpreters
)

// The keys of results that are no module's own.
const (
	KeyMissing = "gorun_missing" // true: the bundle has to be sent
	KeyStdout  = "gorun_stdout"
	KeyStderr  = "gorun_stderr"
	KeyRC      = "gorun_rc"
)

// A Request is what the controller asks for.
type Request struct {
	Op string `arg:"op"`
	// Names are the interpreters that OpDiscover looks for.
	Names []string `arg:"names"`

	// SHA256 is of the bundle; Upload is where it lies on this host if it was
	// sent. Zip says that it is an archive to be unpacked, else it is one file.
	SHA256 string `arg:"sha256"`
	Upload string `arg:"upload"`
	Zip    bool   `arg:"zip"`
	// File is the file's name for one that is no archive.
	File string `arg:"file"`
	// Interpreter is the command before the file, as a shell takes it; "" where the file is a program.
	Interpreter string `arg:"interpreter"`
	// Old and New are texts in the file and what is put in their place.
	Old []string `arg:"old"`
	New []string `arg:"new"`
	// Stdin is what the module reads; ArgsFile the content of the file that is
	// its argument, where HasArgs is set.
	Stdin    string `arg:"stdin"`
	ArgsFile string `arg:"args_file"`
	HasArgs  bool   `arg:"has_args"`
	// Parse has the result made of the output here, for async jobs: nobody
	// else sees the output. Current words it as Ansible 2.19 and later do.
	Parse   bool `arg:"parse"`
	Current bool `arg:"current"`
}

// Module is the agent's module.
var Module = modules.Define(modules.Spec{
	Name: Name,
	Doc:  "Runs a module that is not gorun's own.",
	Options: []modules.Option{
		{Name: "op", Required: true, Choices: []string{OpRun, OpHave, OpDiscover}},
		{Name: "names", Type: modules.List, Elements: modules.Str},
		{Name: "sha256"}, {Name: "upload"}, {Name: "zip", Type: modules.Bool}, {Name: "file"},
		{Name: "interpreter"},
		{Name: "old", Type: modules.List, Elements: modules.Str}, {Name: "new", Type: modules.List, Elements: modules.Str},
		{Name: "stdin"}, {Name: "args_file"}, {Name: "has_args", Type: modules.Bool},
		{Name: "parse", Type: modules.Bool}, {Name: "current", Type: modules.Bool},
	},
}, run)

func run(ctx context.Context, m *modules.Run, r *Request) (*modules.Result, error) {
	if r.Op == OpDiscover {
		return discover(m, r.Names), nil
	}
	path, missing, err := bundle(m, r)
	if err != nil {
		return nil, err
	}
	if missing {
		return answer(map[string]any{KeyMissing: true}), nil
	}
	if r.Op == OpHave {
		return answer(map[string]any{}), nil
	}
	out, err := r.start(ctx, m, path)
	if err != nil {
		return nil, err
	}
	if !r.Parse {
		return answer(map[string]any{KeyStdout: out.Stdout, KeyStderr: out.Stderr, KeyRC: out.RC}), nil
	}
	return r.parsed(out)
}

// answer is a result for the controller. The request holds the module's
// arguments, so it is not sent back as the invocation.
func answer(data map[string]any) *modules.Result {
	data["invocation"] = false
	return &modules.Result{Data: data}
}

// start runs the module's file and waits for it.
func (r *Request) start(ctx context.Context, m *modules.Run, path string) (modules.CommandResult, error) {
	if len(r.Old) > 0 {
		changed, err := r.rewrite(m, path)
		if err != nil {
			return modules.CommandResult{}, err
		}
		path = changed
	}
	words := []string{quote(path)}
	if r.Interpreter != "" {
		words = []string{r.Interpreter, quote(path)}
	}
	if r.HasArgs {
		file, err := r.writeTemp(m, "args", []byte(r.ArgsFile), 0o600)
		if err != nil {
			return modules.CommandResult{}, err
		}
		words = append(words, quote(file))
	}
	o := modules.CommandOptions{KeepLocale: true, Stdin: strings.NewReader(r.Stdin)}
	return m.Command(ctx, o, "/bin/sh", "-c", strings.Join(words, " "))
}

// rewrite makes a copy of the file for this run with its texts replaced. It
// may hold arguments, so it is for nobody else's eyes.
func (r *Request) rewrite(m *modules.Run, path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := string(data)
	for i, old := range r.Old {
		if i < len(r.New) {
			text = strings.ReplaceAll(text, old, r.New[i])
		}
	}
	return r.writeTemp(m, r.File, []byte(text), 0o700)
}

func (r *Request) writeTemp(m *modules.Run, name string, data []byte, mode os.FileMode) (string, error) {
	dir, err := m.TmpDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(name))
	if err := os.WriteFile(path, data, mode); err != nil {
		return "", fmt.Errorf("the module's file cannot be written: %w", err)
	}
	return path, os.Chmod(path, mode)
}

// quote makes s one word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }

// parsed makes the result of a job out of its output.
func (r *Request) parsed(out modules.CommandResult) (*modules.Result, error) {
	data, err := r.decode(out)
	if err != nil {
		return nil, err
	}
	if data["invocation"] == nil {
		data["invocation"] = false
	}
	changed, _ := data["changed"].(bool)
	return &modules.Result{Changed: changed, Data: data}, nil
}

func (r *Request) decode(out modules.CommandResult) (map[string]any, error) {
	text, _, ok := Filter(out.Stdout)
	var data map[string]any
	if ok {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if d.Decode(&data) == nil {
			return data, nil
		}
	}
	return nil, modules.FailWith(map[string]any{"module_stdout": out.Stdout, "module_stderr": out.Stderr, "rc": out.RC},
		"%s", FailureText(r.Interpreter, out.Stdout, out.Stderr, r.Current))
}
