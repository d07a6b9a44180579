package packaging

// This file is the apt_repository module.

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gorun/modules"
)

type aptRepositoryArgs struct {
	Repo             string `arg:"repo"`
	State            string `arg:"state"`
	Mode             any    `arg:"mode"`
	UpdateCache      bool   `arg:"update_cache"`
	UpdateRetries    int    `arg:"update_cache_retries"`
	UpdateMaxDelay   int    `arg:"update_cache_retry_max_delay"`
	Filename         string `arg:"filename"`
	InstallPythonApt bool   `arg:"install_python_apt"`
	ValidateCerts    bool   `arg:"validate_certs"`
	Codename         string `arg:"codename"`
}

// AptRepository is ansible.builtin.apt_repository
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/apt_repository_module.html).
//
// Launchpad is asked at $GORUN_LAUNCHPAD_API (https://api.launchpad.net), keys
// at $GORUN_KEYSERVER (https://keyserver.ubuntu.com), and the source of a PPA
// lies under $GORUN_PPA_URL (https://ppa.launchpadcontent.net): a mirror or a
// test may stand in for any of them.
var AptRepository = modules.Define(modules.Spec{
	Name: "ansible.builtin.apt_repository",
	Doc:  "Adds and removes apt sources, PPAs among them.",
	Options: []modules.Option{
		{Name: "repo", Required: true, Doc: "A line as in sources.list, or ppa:owner/name."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the source is to be there."},
		{Name: "mode", Type: modules.Raw, Doc: "The mode of the file that is written, 0644 where it is not given."},
		{Name: "update_cache", Type: modules.Bool, Default: true, Aliases: []string{"update-cache"}, Doc: "Fetch the lists of packages after a change."},
		{Name: "update_cache_retries", Type: modules.Int, Default: 5, Doc: "How often a failed update is tried again."},
		{Name: "update_cache_retry_max_delay", Type: modules.Int, Default: 12, Doc: "The longest wait between two tries, in seconds."},
		{Name: "validate_certs", Type: modules.Bool, Default: true, Doc: "Whether Launchpad's TLS certificate is checked."},
		{Name: "filename", Doc: "The name of the file in sources.list.d; .list is added."},
		{Name: "codename", Doc: "The release of a PPA, where it is not this host's."},
		{Name: "install_python_apt", Type: modules.Bool, Default: true, Ignored: "no Python bindings are needed", Doc: "Whether Ansible may install python3-apt."},
	},
}, runAptRepository)

// A repository is one run of the module.
type repository struct {
	*modules.Run
	*aptRepositoryArgs
	places sourcesPlaces
	files  []*sourceFile
	// key, where not nil, installs the key of the source.
	key func(ctx context.Context) error
}

func runAptRepository(ctx context.Context, m *modules.Run, args *aptRepositoryArgs) (*modules.Result, error) {
	r := &repository{Run: m, aptRepositoryArgs: args}
	var err error
	if r.places, err = findSourcesPlaces(ctx, m); err != nil {
		return nil, err
	}
	source, name, err := r.source()
	if err != nil {
		return nil, err
	}
	if r.files, err = readSources(r.places); err != nil {
		return nil, modules.Failf("cannot read apt's sources: %w", err)
	}
	if args.State == "absent" {
		r.remove(source)
	} else if err := r.add(ctx, source, name); err != nil {
		return nil, err
	}
	return r.save(ctx)
}

// source returns the line to be managed, and the name of the file for it.
func (r *repository) source() (source, name string, err error) {
	if spec, ok := strings.CutPrefix(r.Repo, "ppa:"); ok {
		p, err := r.parsePPA(spec)
		if err != nil {
			return "", "", err
		}
		r.key = p.installKey
		return p.source(), p.fileName(), nil
	}
	l := parseSourceLine(r.Repo)
	if l.source == "" || !l.enabled {
		return "", "", modules.Failf("Invalid repository string: %s", r.Repo)
	}
	return l.source, sourceFileName(l.source), nil
}

// add enables the source where it is known, or appends it to its file.
func (r *repository) add(ctx context.Context, source, name string) error {
	for _, f := range r.files {
		for i, l := range f.lines {
			if l.source != source {
				continue
			}
			if !l.enabled {
				f.lines[i] = parseSourceLine(source)
			}
			return nil
		}
	}
	if r.key != nil && !r.Check {
		if err := r.key(ctx); err != nil {
			return err
		}
	}
	if r.Filename != "" {
		name = strings.TrimSuffix(r.Filename, ".list")
	}
	path := name + ".list"
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.places.parts, path)
	}
	for _, f := range r.files {
		if f.path == path {
			f.lines = append(f.lines, parseSourceLine(source))
			return nil
		}
	}
	r.files = append(r.files, &sourceFile{path: path, lines: []sourceLine{parseSourceLine(source)}})
	return nil
}

func (r *repository) remove(source string) {
	for _, f := range r.files {
		kept := f.lines[:0:0]
		for _, l := range f.lines {
			if l.source != source || !l.enabled {
				kept = append(kept, l)
			}
		}
		f.lines = kept
	}
}

// save writes what has changed, and fetches the lists; when that fails the old
// files come back.
func (r *repository) save(ctx context.Context) (*modules.Result, error) {
	res := &modules.Result{Data: map[string]any{"repo": r.Repo, "state": r.State}}
	added, removed := []string{}, []string{}
	var changed []*sourceFile
	for _, f := range r.files {
		if !f.changed() {
			continue
		}
		changed = append(changed, f)
		d := modules.Diff{BeforeHeader: f.path, AfterHeader: f.path, Before: "", After: f.text()}
		if f.before == nil {
			d.BeforeHeader = "/dev/null"
			added = append(added, f.path)
		} else {
			d.Before = *f.before
		}
		if len(f.lines) == 0 {
			d.AfterHeader = "/dev/null"
			removed = append(removed, f.path)
		}
		if r.Diff {
			res.Diff = append(res.Diff, d)
		}
	}
	res.Changed = len(changed) > 0
	res.Data["sources_added"], res.Data["sources_removed"] = added, removed
	if r.Check || !res.Changed {
		return res, nil
	}
	for _, f := range changed {
		if err := r.write(ctx, f, f.text()); err != nil {
			return nil, err
		}
	}
	if !r.UpdateCache {
		return res, nil
	}
	if err := updateAptLists(ctx, r.Run, r.UpdateRetries, r.UpdateMaxDelay, time.Minute); err != nil {
		for _, f := range changed {
			if undo := r.restore(ctx, f); undo != nil {
				r.Warn("could not bring back %s: %v", f.path, undo)
			}
		}
		return nil, err
	}
	return res, nil
}

func (r *repository) write(ctx context.Context, f *sourceFile, text string) error {
	if text == "" && f.path != r.places.list {
		if err := os.Remove(f.path); err != nil {
			return modules.Failf("Failed to remove %s: %w", f.path, err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return modules.Failf("Failed to create directory %s: %w", filepath.Dir(f.path), err)
	}
	if err := r.WriteFile(ctx, f.path, []byte(text), "", false); err != nil {
		return err
	}
	mode := r.Mode
	if mode == nil && f.before == nil {
		mode = "0644"
	}
	_, err := r.ApplyFileArgs(f.path, &modules.FileArgs{Mode: mode}, true, nil)
	return err
}

func (r *repository) restore(ctx context.Context, f *sourceFile) error {
	if f.before == nil {
		return os.Remove(f.path)
	}
	return r.WriteFile(ctx, f.path, []byte(*f.before), "", false)
}
