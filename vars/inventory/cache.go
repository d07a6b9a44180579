package inventory

// This file keeps what inventory plugins fetched.

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"gorun/templates"
)

// CacheOptions are the defaults of the plugins' own cache options.
type CacheOptions struct {
	Enabled bool
	Dir     string // cache_connection
	Timeout int    // seconds; 0: for ever
	Prefix  string
}

// Cached returns what fetch gives, or gave within the timeout for the same
// source and plugin, where the configuration or ansible.cfg enables a cache
// (the options cache, cache_connection, cache_timeout and cache_prefix). Only
// what has a JSON form can be kept.
func (b *Builder) Cached(plugin string, config *templates.Dict, fetch func() (templates.Value, error)) (templates.Value, error) {
	o, err := b.cacheOptions(config)
	if err != nil {
		return nil, err
	}
	if !o.Enabled {
		return fetch()
	}
	if o.Dir == "" {
		return nil, fmt.Errorf("%s: the cache has no folder: set cache_connection", b.Source)
	}
	sum := sha256.Sum256([]byte(b.Source))
	path := filepath.Join(o.Dir, o.Prefix+plugin+"_"+hex.EncodeToString(sum[:8]))
	if v, ok := readCache(path, o.Timeout); ok && !b.inv.o.RefreshCache {
		return v, nil
	}
	v, err := fetch()
	if err != nil {
		return nil, err
	}
	return v, writeCache(path, v)
}

func (b *Builder) cacheOptions(config *templates.Dict) (CacheOptions, error) {
	o := b.inv.o.Cache
	if v, ok := config.GetStr("cache"); ok {
		o.Enabled = IsTrue(v)
	}
	if s, ok := optionText(config, "cache_connection"); ok {
		o.Dir = s
	}
	if s, ok := optionText(config, "cache_prefix"); ok {
		o.Prefix = s
	}
	if s, ok := optionText(config, "cache_timeout"); ok {
		n, err := strconv.Atoi(s)
		if err != nil {
			return o, fmt.Errorf("%s: cache_timeout is no number: %s", b.Source, s)
		}
		o.Timeout = n
	}
	return o, nil
}

// readCache returns what a file holds; false where it is missing, old or broken.
func readCache(path string, timeout int) (templates.Value, bool) {
	st, err := os.Stat(path)
	if err != nil || timeout > 0 && time.Since(st.ModTime()) > time.Duration(timeout)*time.Second {
		return nil, false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	v, err := templates.FromJSON(data)
	return v, err == nil
}

func writeCache(path string, v templates.Value) error {
	data, err := templates.AppendJSON(nil, v)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.CreateTemp(dir, ".gorun-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where the rename went well
	_, err = f.Write(data)
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
