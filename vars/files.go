package vars

// This file finds and loads group_vars and host_vars.

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"gorun/templates"
	"gorun/vars/inventory"
)

// fileCache loads every file of variables once and lists every folder once.
type fileCache struct {
	load func(path string) (*templates.Dict, error)

	mu       sync.Mutex
	listings map[string]map[string]os.DirEntry
	loaded   map[string]loadedFile
}

type loadedFile struct {
	dict *templates.Dict
	err  error
}

func newFileCache(load func(path string) (*templates.Dict, error)) *fileCache {
	return &fileCache{load: load, listings: map[string]map[string]os.DirEntry{}, loaded: map[string]loadedFile{}}
}

// FileVars returns the hook [inventory.Options.FileVars]: the variables of
// group_vars and host_vars beside a source, for inventory plugins with
// use_vars_plugins. load is as in [Options.LoadVars].
func FileVars(load func(path string) (*templates.Dict, error)) func(string, *inventory.Host, []*inventory.Group) (*templates.Dict, error) {
	files := newFileCache(load)
	return func(source string, h *inventory.Host, groups []*inventory.Group) (*templates.Dict, error) {
		dir := filepath.Dir(source)
		d := &templates.Dict{}
		set := func(kind, name string) error {
			layers, err := files.entity(dir, kind, name, InventoryGroup)
			for _, l := range layers {
				for k, v := range l.Dict.All {
					d.Set(k, v) // k was a key: it has a hash
				}
			}
			return err
		}
		for _, g := range groups {
			if err := set("group_vars", g.Name); err != nil {
				return nil, err
			}
		}
		return d, set("host_vars", h.Name)
	}
}

// extensions are the endings that a file of variables may have.
var extensions = []string{"", ".yml", ".yaml", ".json"}

// entity returns the layers of dir/group_vars/NAME or dir/host_vars/NAME,
// lowest first: those of the first of NAME, NAME.yml, NAME.yaml and NAME.json
// that is there.
func (f *fileCache) entity(dir, kind, name string, level Kind) ([]Layer, error) {
	if strings.HasPrefix(name, "/") || f.load == nil {
		return nil, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	base := filepath.Join(dir, kind)
	listing := f.list(base)
	if len(listing) == 0 {
		return nil, nil
	}
	if strings.Contains(name, "/") {
		return f.entityBelow(base, name, level)
	}
	for _, ext := range extensions {
		if _, ok := listing[name+ext]; !ok {
			continue
		}
		return f.layers(filepath.Join(base, name+ext), ext, level)
	}
	return nil, nil
}

// entityBelow is entity for a name with a slash in it, which a listing does not have.
func (f *fileCache) entityBelow(base, name string, level Kind) ([]Layer, error) {
	for _, ext := range extensions {
		path := filepath.Join(base, name+ext)
		if !strings.HasPrefix(path, base+"/") {
			return nil, nil
		}
		if _, err := os.Stat(path); err == nil {
			return f.layers(path, ext, level)
		}
	}
	return nil, nil
}

// layers loads a file, or what is in a folder.
func (f *fileCache) layers(path, ext string, level Kind) ([]Layer, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	paths := []string{path}
	if st.IsDir() {
		if ext != "" {
			return nil, nil
		}
		if paths, err = folderFiles(path, nil); err != nil {
			return nil, err
		}
	}
	var layers []Layer
	for _, p := range paths {
		d, err := f.file(p)
		if err != nil {
			return nil, err
		}
		if d.Len() > 0 {
			layers = append(layers, Layer{level, p, d})
		}
	}
	return layers, nil
}

// folderFiles appends the files of variables under dir, in the order of their names.
func folderFiles(dir string, paths []string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		path, ext := filepath.Join(dir, name), filepath.Ext(name)
		st, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, err
		case st.IsDir() && ext == "":
			if paths, err = folderFiles(path, paths); err != nil {
				return nil, err
			}
		case st.Mode().IsRegular() && hasExtension(ext):
			paths = append(paths, path)
		}
	}
	return paths, nil
}

func hasExtension(ext string) bool {
	for _, e := range extensions {
		if e == ext {
			return true
		}
	}
	return false
}

// file loads a file of variables.
func (f *fileCache) file(path string) (*templates.Dict, error) {
	if l, ok := f.loaded[path]; ok {
		return l.dict, l.err
	}
	d, err := f.load(path)
	if err == nil && d == nil {
		d = &templates.Dict{}
	}
	if err != nil && !strings.Contains(err.Error(), path) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	f.loaded[path] = loadedFile{d, err}
	return d, err
}

// list returns the entries of a folder; none where there is no such folder.
func (f *fileCache) list(dir string) map[string]os.DirEntry {
	if l, ok := f.listings[dir]; ok {
		return l
	}
	l := map[string]os.DirEntry{}
	entries, err := os.ReadDir(dir)
	if err == nil {
		for _, e := range entries {
			l[e.Name()] = e
		}
	}
	f.listings[dir] = l
	return l
}
