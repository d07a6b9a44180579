package lookup

// This file holds the lookups of community.general that ask Puppet's hiera, and
// the collections that are installed.

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"gorun/modules"
	"gorun/templates"
)

// https://docs.ansible.com/ansible/latest/collections/community/general/hiera_lookup.html
func lookupHiera(c *call) ([]templates.Value, error) {
	if c.current() {
		return nil, &templates.Error{Kind: templates.AnsibleError, Msg: "The lookup plugin '" + c.name + "' failed to load: The 'community.general.hiera' lookup plugin has been removed. " +
			"Hiera has been deprecated a long time ago. This feature was removed from collection 'community.general' version 13.0.0."}
	}
	file, err1 := c.option("config_file", sources{env: []string{"ANSIBLE_HIERA_CFG"}})
	bin, err2 := c.option("executable", sources{env: []string{"ANSIBLE_HIERA_BIN"}})
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if len(c.terms) == 0 {
		return nil, raise("IndexError", "list index out of range")
	}
	words, err := modules.ShellSplit(cmp.Or(bin, "/usr/bin/hiera") + " -c " + cmp.Or(file, "/etc/hiera.yaml") + " " + text(c.terms[0]))
	if err != nil {
		return nil, raise(valueError, "%s", err)
	}
	if _, err := exec.LookPath(words[0]); errors.Is(err, os.ErrNotExist) {
		return nil, raise("FileNotFoundError", "[Errno 2] No such file or directory: %s", templates.Repr(templates.Bytes(words[0]), templates.Current))
	}
	out, err := c.program("", nil, words...)
	var failed *commandError
	if errors.As(err, &failed) {
		out, err = strings.TrimSuffix(failed.output, failed.errors), nil // its exit code is not looked at
	}
	return []templates.Value{str(strings.TrimSpace(out))}, err
}

// collectionName is NAMESPACE.NAME.
var collectionName = regexp.MustCompile(`^[A-Za-z0-9_]+\.[A-Za-z0-9_]+\n?$`)

// https://docs.ansible.com/ansible/latest/collections/community/general/collection_version_lookup.html
func lookupCollectionVersion(c *call) ([]templates.Value, error) {
	unknown, ok := c.opts["result_no_version"]
	if !ok {
		unknown = str("*")
	}
	var out []templates.Value
	for _, t := range c.terms {
		name, ok := t.(templates.Str)
		if !ok {
			return nil, raise(typeError, "expected string or bytes-like object, got '%s'", t.Type())
		}
		if !collectionName.MatchString(string(name)) {
			return nil, raise(lookupError, "\"%s\" is not a FQCN", name)
		}
		v, err := c.collectionVersion(string(name), unknown)
		if err != nil {
			return nil, raise(lookupError, "Error while loading metadata for %s: %s", name, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// collectionVersion is what the metadata of a collection says, unknown where
// they do not tell, and result_not_found where there is no such collection.
func (c *call) collectionVersion(name string, unknown templates.Value) (templates.Value, error) {
	dir := c.collectionDir(name)
	if dir == "" {
		return c.raw("result_not_found"), nil
	}
	b, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err == nil {
		manifest, err := readJSON(string(b))
		return entry(entry(manifest, "collection_info"), "version"), err
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	b, err = os.ReadFile(filepath.Join(dir, "galaxy.yml"))
	if errors.Is(err, os.ErrNotExist) {
		return unknown, nil
	}
	if err != nil {
		return nil, err
	}
	var galaxy struct{ Version any }
	if err := yaml.Unmarshal(b, &galaxy); err != nil {
		return nil, err
	}
	if v := templates.FromGo(galaxy.Version); v.Truth() {
		return v, nil
	}
	return unknown, nil
}

// collectionDir is the folder of a collection, "" where it is nowhere.
func (c *call) collectionDir(name string) string {
	if c.t.o.CollectionDirs == nil {
		return ""
	}
	ns, name, _ := strings.Cut(strings.TrimSuffix(name, "\n"), ".")
	for _, d := range c.t.o.CollectionDirs() {
		p := filepath.Join(d, ns, name)
		if st, err := os.Stat(p); err == nil && st.IsDir() {
			return p
		}
	}
	return ""
}
