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
	// Password is that of the cloud's accounts.
	Password string
	// WordPress is the bare repository served as WordPress's on GitHub; with it
	// go the other stand-ins for the internet. "" is none.
	WordPress string
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

// The cloud's account and what it is born with; the ids are cloud.FixedID's.
const (
	Username = "demo"
	Project  = "demo"
	Domain   = "Default"
	Keypair  = "SSH_Key"
	Image    = "debian-12"
	Flavor   = "m1.small"
	FlavorID = "2"
	Network  = "private"
	Subnet   = "private-subnet"
	Public   = "public"
	// The names of the ports that hold the cluster's virtual addresses.
	BalancerVIP = "vip-lbs"
	DatabaseVIP = "vip-sql"
)

// CloudPort is Keystone's usual one; the whole cloud is there.
const CloudPort = 5000

// Gateway returns the machine's address in the hosts' network.
func (c *Config) Gateway() netip.Addr { return c.Network.Masked().Addr().Next() }

// AuthURL returns where Keystone v3 is.
func (c *Config) AuthURL() string { return fmt.Sprintf("http://%s:%d/v3", c.Gateway(), CloudPort) }

// VIPs returns the virtual addresses set aside, by the name of their port.
func (c *Config) VIPs() map[string]netip.Addr {
	base := c.Network.Masked().Addr().As4()
	at := func(last byte) netip.Addr {
		a := base
		a[3] = last
		return netip.AddrFrom4(a)
	}
	return map[string]netip.Addr{BalancerVIP: at(200), DatabaseVIP: at(210)}
}

// PublicNetwork returns where floating IPs come from: a network that goes with
// the hosts' own, so that labs side by side do not share it.
func (c *Config) PublicNetwork() netip.Prefix {
	n := c.Network.Masked().Addr().As4()
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 30, n[2], 0}), 24)
}

// Save writes the configuration into the lab's folder.
func (c *Config) Save() error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.Dir, "config.json"), append(data, '\n'), 0o600)
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
