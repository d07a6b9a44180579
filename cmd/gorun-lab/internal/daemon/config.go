// Package daemon is the process in the background that keeps a lab: it owns
// the hosts, serves the cloud, and does what gorun-lab's other subcommands ask
// for over a socket in the lab's folder.
package daemon

// This file says what a lab is made of and where it is kept.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"

	"gorun/cmd/gorun-lab/internal/hosts"
)

// A Config describes a lab to its daemon.
type Config struct {
	Name    string
	Dir     string
	Base    string
	Repo    string
	Network netip.Prefix
	Init    hosts.Init
	// Hosts is how many hosts to boot at once, called lab1, lab2...; the cloud
	// makes more.
	Hosts int
	// Zones are the availability zones; the hosts made at once take turns.
	Zones []string
	// Article is a folder with what the cluster's article needs beside
	// packages; "" for none.
	Article string
}

// Runtime is the folder that holds the folders of labs.
const Runtime = "/run/gorun-lab"

// Dir returns the folder of the lab called name.
func Dir(name string) string { return filepath.Join(Runtime, name) }

// Socket returns the control socket of the lab in dir.
func Socket(dir string) string { return filepath.Join(dir, "control.sock") }

// LogFile returns the log of the lab in dir.
func LogFile(dir string) string { return filepath.Join(dir, "log") }

// Inventory returns the inventory of the hosts made at once.
func Inventory(dir string) string { return filepath.Join(dir, "inventory") }

// Save writes the configuration into the lab's folder.
func (c *Config) Save() error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.Dir, "config.json"), append(data, '\n'), 0o644)
}

// Load reads the configuration of the lab called name.
func Load(name string) (*Config, error) {
	data, err := os.ReadFile(filepath.Join(Dir(name), "config.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no lab called %s; gorun-lab up makes one", name)
	}
	if err != nil {
		return nil, err
	}
	var c Config
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("reading the lab's configuration: %w", err)
	}
	return &c, nil
}
