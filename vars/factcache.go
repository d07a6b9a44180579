package vars

// This file keeps facts between runs, in the form of Ansible's jsonfile cache
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/jsonfile_cache.html).

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// A FactCache keeps the facts of hosts. Its methods are safe for concurrent use.
type FactCache interface {
	// Get returns the facts of a host; false where there are none, or only old ones.
	Get(host string) (*templates.Dict, bool, error)
	Set(host string, facts *templates.Dict) error
	// Delete forgets a host; that there was nothing is no error.
	Delete(host string) error
	// Flush forgets every host.
	Flush() error
}

// MemoryFacts is a cache that lasts as long as the process.
type MemoryFacts struct {
	mu    sync.RWMutex
	facts map[string]*templates.Dict
}

// Get implements FactCache.
func (c *MemoryFacts) Get(host string) (*templates.Dict, bool, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	d, ok := c.facts[host]
	return d, ok, nil
}

// Set implements FactCache.
func (c *MemoryFacts) Set(host string, facts *templates.Dict) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.facts == nil {
		c.facts = map[string]*templates.Dict{}
	}
	c.facts[host] = facts
	return nil
}

// Delete implements FactCache.
func (c *MemoryFacts) Delete(host string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.facts, host)
	return nil
}

// Flush implements FactCache.
func (c *MemoryFacts) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.facts = nil
	return nil
}

// FileFacts is a folder with one JSON or YAML file a host.
type FileFacts struct {
	// Dir is fact_caching_connection; it is made where it is missing.
	Dir string
	// Prefix is fact_caching_prefix.
	Prefix string
	// YAML has files read as community.general's yaml cache has them; what is
	// written is JSON, which is YAML too.
	YAML bool
	// Timeout is fact_caching_timeout; 0: facts never grow old.
	Timeout time.Duration
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

func (c *FileFacts) path(host string) (string, error) {
	if host == "" || strings.ContainsRune(host, filepath.Separator) || strings.ContainsRune(host, 0) {
		return "", fmt.Errorf("'%s' cannot be the name of a cache file", host)
	}
	return filepath.Join(c.Dir, c.Prefix+host), nil
}

// Get implements FactCache.
func (c *FileFacts) Get(host string) (*templates.Dict, bool, error) {
	path, err := c.path(host)
	if err != nil {
		return nil, false, err
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	if c.Timeout > 0 && now().Sub(st.ModTime()) > c.Timeout {
		return nil, false, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false, err
	}
	read := templates.FromJSON
	if c.YAML {
		read = func(data []byte) (templates.Value, error) { return pyyaml.Parse(data, path, pyyaml.Options{}) }
	}
	v, err := read(data)
	if err != nil {
		return nil, false, fmt.Errorf("error in reading %s: %w; the file is not used", path, err)
	}
	d, ok := v.(*templates.Dict)
	if !ok {
		return nil, false, fmt.Errorf("%s holds a %s, not facts; the file is not used", path, v.Type())
	}
	return d, true, nil
}

// Set implements FactCache.
func (c *FileFacts) Set(host string, facts *templates.Dict) error {
	path, err := c.path(host)
	if err != nil {
		return err
	}
	data, err := factsJSON(facts)
	if err != nil {
		return fmt.Errorf("the facts of %s: %w", host, err)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.Dir, ".gorun-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where the rename went well
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// factsJSON is JSON with sorted keys and an indent of four, as Ansible writes it.
func factsJSON(facts *templates.Dict) ([]byte, error) {
	compact, err := templates.AppendJSON(nil, sortKeys(facts))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "    "); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Delete implements FactCache.
func (c *FileFacts) Delete(host string) error {
	path, err := c.path(host)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Flush implements FactCache.
func (c *FileFacts) Flush() error {
	entries, err := os.ReadDir(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !strings.HasPrefix(e.Name(), c.Prefix) {
			continue
		}
		if err := os.Remove(filepath.Join(c.Dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
