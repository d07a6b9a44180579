package hosts

// This file is the lab: what its hosts share on the machine.

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// A Config says how a lab is made.
type Config struct {
	// Name is in the names of all the lab leaves on the machine; see [CheckName].
	Name string
	// Dir is the lab's folder, as /run/gorun-lab/NAME.
	Dir string
	// Base is the hosts' base image, from [EnsureBase].
	Base string
	// Repo is the folder of the package repository; "" for none.
	Repo string
	// Network is the hosts' IPv4 network; the machine has its first address.
	Network netip.Prefix
	Init    Init
	// ExtraHosts are further lines of the hosts' /etc/hosts.
	ExtraHosts []string
	// CA is a PEM certificate that hosts trust; "" for none.
	CA string
	// Logf receives one line an event; nil for none.
	Logf func(format string, args ...any)
}

// A Lab is a set of hosts on one bridge. It is safe for concurrent use.
type Lab struct {
	cfg    Config
	signer ssh.Signer

	mu    sync.Mutex
	next  int // the number of the next host
	hosts map[int]*Host
}

var nameRE = regexp.MustCompile(`^[a-z0-9]{1,8}$`)

// CheckName refuses names of labs that would not fit into those of interfaces.
func CheckName(name string) error {
	if !nameRE.MatchString(name) {
		return fmt.Errorf("%q cannot name a lab: one to eight of a-z and 0-9", name)
	}
	return nil
}

// BridgeName returns the bridge of the lab called name. Its hosts' interfaces
// are called like it with a dash and the host's number.
func BridgeName(name string) string { return "gl-" + name }

// DefaultInit returns systemd where the machine can give it a cgroup tree.
func DefaultInit() Init {
	if cgroupRoot() == "" {
		return Sysv
	}
	return Systemd
}

// Check says in one sentence why this machine cannot run hosts; nil if it can.
func Check() error {
	if os.Geteuid() != 0 {
		return errors.New("the lab's hosts need root: they are made of namespaces, mounts and a bridge")
	}
	for _, ns := range []string{"net", "pid", "mnt", "uts", "ipc"} {
		if !exists("/proc/self/ns/" + ns) {
			return fmt.Errorf("this kernel has no %s namespaces, which the lab's hosts are made of", ns)
		}
	}
	const sysAdmin = 1 << unix.CAP_SYS_ADMIN
	var hdr unix.CapUserHeader
	var data [2]unix.CapUserData
	hdr.Version = unix.LINUX_CAPABILITY_VERSION_3
	if err := unix.Capget(&hdr, &data[0]); err == nil && data[0].Effective&sysAdmin == 0 {
		return errors.New("the lab's hosts need the capability CAP_SYS_ADMIN; a container has to be privileged for that")
	}
	if !hasFilesystem("overlay") {
		return errors.New("this kernel has no overlayfs, which the lab's hosts are made of")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return errors.New("the lab's hosts need ip(8); on Debian: apt-get install iproute2")
	}
	return nil
}

// Lacks says in one sentence what hosts of this machine will not be able to
// do; "" if there is nothing.
func Lacks() string {
	if !hasFilesystem("fuse") {
		return "this kernel has no FUSE: hosts cannot mount glusterfs"
	}
	return ""
}

// hasFilesystem says whether the kernel knows the file system, as a module that
// can be loaded if need be.
func hasFilesystem(name string) bool {
	for range 2 {
		list, err := os.ReadFile("/proc/filesystems")
		if err == nil && slices.Contains(strings.Fields(string(list)), name) {
			return true
		}
		// Whether that helped is seen in the list.
		_ = exec.Command("modprobe", name).Run()
	}
	return false
}

// Open makes the lab's part on the machine: folder, tmpfs, bridge and key.
// What an earlier lab of the same name left is removed first.
func Open(cfg Config) (*Lab, error) {
	if err := CheckName(cfg.Name); err != nil {
		return nil, err
	}
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	if cfg.Init == Systemd && cgroupRoot() == "" {
		return nil, errors.New("systemd needs cgroup v2, which is not mounted on this machine; --init sysv does without")
	}
	other, err := networkInUse(cfg.Network, BridgeName(cfg.Name))
	if err != nil {
		return nil, err
	}
	if other != "" {
		return nil, fmt.Errorf("the network %s is in use on %s; choose another one with --net", cfg.Network, other)
	}
	l := &Lab{cfg: cfg, hosts: map[int]*Host{}}
	if err := l.prepare(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) prepare() error {
	pool := filepath.Join(l.cfg.Dir, "hosts")
	if err := os.MkdirAll(pool, 0o755); err != nil {
		return err
	}
	// Half of memory is tmpfs's own default; hosts' layers can take that much.
	if err := unix.Mount("tmpfs", pool, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mounting the hosts' tmpfs: %w", err)
	}
	if err := writeCommon(l.commonDir()); err != nil {
		return err
	}
	if err := l.loadKey(); err != nil {
		return err
	}
	gateway := netip.PrefixFrom(l.Gateway(), l.cfg.Network.Bits())
	if err := bridgeUp(BridgeName(l.cfg.Name), gateway); err != nil {
		return fmt.Errorf("making the lab's bridge: %w", err)
	}
	if l.cfg.Init == Systemd {
		if err := os.MkdirAll(labCgroup(l.cfg.Name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// commonDir is the layer that the lab's hosts share over the base.
func (l *Lab) commonDir() string { return filepath.Join(l.cfg.Dir, "hosts/common") }

// Gateway returns the machine's address on the bridge.
func (l *Lab) Gateway() netip.Addr { return l.cfg.Network.Masked().Addr().Next() }

// AddGateway gives the machine an address on the bridge, so that hosts in a
// further network reach it and each other. An address there already is fine.
func (l *Lab) AddGateway(addr netip.Prefix) error {
	other, err := networkInUse(addr, BridgeName(l.cfg.Name))
	if err != nil {
		return err
	}
	if other != "" {
		return fmt.Errorf("the network %s is in use on %s", addr.Masked(), other)
	}
	return ipBatch(fmt.Sprintf("addr replace %s dev %s\n", addr, BridgeName(l.cfg.Name)))
}

// Network returns the hosts' network.
func (l *Lab) Network() netip.Prefix { return l.cfg.Network }

// KeyFile returns the private key that logs in as root on every host.
func (l *Lab) KeyFile() string { return KeyFile(l.cfg.Dir) }

// KeyFile returns where the lab of the folder dir has its private key.
func KeyFile(dir string) string { return filepath.Join(dir, "key") }

// KnownHostsFile returns where the lab of the folder dir lists its hosts' keys.
func KnownHostsFile(dir string) string { return filepath.Join(dir, "known_hosts") }

// PublicKey returns the lab's public key in authorized_keys format.
func (l *Lab) PublicKey() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(l.signer.PublicKey())))
}

// loadKey makes the lab's key pair.
func (l *Lab) loadKey() error {
	text, signer, err := newKey("gorun-lab " + l.cfg.Name)
	if err != nil {
		return err
	}
	l.signer = signer
	if err := os.WriteFile(l.KeyFile(), []byte(text), 0o600); err != nil {
		return err
	}
	return os.WriteFile(l.KeyFile()+".pub", []byte(l.PublicKey()+"\n"), 0o644)
}

// newKey returns a fresh ed25519 key in OpenSSH's private format.
func newKey(comment string) (string, ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return "", nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)
	return string(pem.EncodeToMemory(block)), signer, err
}

// Hosts returns the lab's hosts in the order they were made.
func (l *Lab) Hosts() []*Host {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*Host
	for _, h := range l.hosts {
		out = append(out, h)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].num < out[j].num })
	return out
}

// Find returns the hosts that what stands for: a name, an address, an id as
// its creator gave it, or a zone.
func (l *Lab) Find(what string) []*Host {
	var byName, byZone []*Host
	for _, h := range l.Hosts() {
		switch {
		case h.spec.Name == what || h.spec.ID == what || h.hasAddr(what):
			byName = append(byName, h)
		case h.spec.Zone == what:
			byZone = append(byZone, h)
		}
	}
	if len(byName) > 0 {
		return byName
	}
	return byZone
}

// Create defines a host; it is off until [Host.Boot].
func (l *Lab) Create(spec Spec) (*Host, error) {
	if err := checkHostName(spec.Name); err != nil {
		return nil, err
	}
	if len(spec.NICs) == 0 {
		return nil, fmt.Errorf("host %s has no address", spec.Name)
	}
	private, signer, err := newKey(spec.Name)
	if err != nil {
		return nil, err
	}
	machineID := make([]byte, 16)
	if _, err := rand.Read(machineID); err != nil {
		return nil, err
	}
	// An interface keeps its address over boots, or the neighbours' tables
	// would lead nowhere for half a minute.
	spec.NICs = slices.Clone(spec.NICs)
	for i := range spec.NICs {
		if m := machineID[3*i%12:]; spec.NICs[i].MAC == "" {
			spec.NICs[i].MAC = fmt.Sprintf("52:54:%02x:%02x:%02x:%02x", i, m[0], m[1], m[2])
		}
	}
	l.mu.Lock()
	l.next++
	h := &Host{lab: l, num: l.next, spec: spec, hostKey: private, hostPub: signer.PublicKey(), machineID: fmt.Sprintf("%x", machineID)}
	l.hosts[h.num] = h
	l.mu.Unlock()
	for _, d := range []string{"upper", "work", "root"} {
		if err := os.MkdirAll(filepath.Join(h.dir(), d), 0o755); err != nil {
			return nil, err
		}
	}
	return h, l.publish()
}

// publish tells everyone who should know of the hosts there are: the file of
// known host keys, and the running hosts' /etc/hosts.
func (l *Lab) publish() error {
	var known strings.Builder
	list := l.Hosts()
	for _, h := range list {
		names := []string{h.spec.Name}
		for _, n := range h.spec.NICs {
			names = append(names, n.Addr.Addr().String())
		}
		for _, a := range h.spec.Local {
			names = append(names, a.String())
		}
		fmt.Fprintf(&known, "%s %s", strings.Join(names, ","), ssh.MarshalAuthorizedKey(h.hostPub))
	}
	if err := writeAtomic(KnownHostsFile(l.cfg.Dir), known.String()); err != nil {
		return err
	}
	var errs []error
	for _, h := range list {
		if err := h.updateHosts(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// writeAtomic replaces the file name, so that readers see the old or the new.
func writeAtomic(name, text string) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

// hostsBlock returns our lines of /etc/hosts.
func (l *Lab) hostsBlock() string {
	var b strings.Builder
	b.WriteString(hostsBegin)
	for _, h := range l.Hosts() {
		if len(h.spec.NICs) > 0 {
			fmt.Fprintf(&b, "%s %s\n", h.spec.NICs[0].Addr.Addr(), h.spec.Name)
		}
	}
	for _, line := range l.cfg.ExtraHosts {
		b.WriteString(line + "\n")
	}
	b.WriteString(hostsEnd)
	return b.String()
}

// Close powers all hosts off and removes the lab from the machine.
func (l *Lab) Close() error {
	var wg sync.WaitGroup
	for _, h := range l.Hosts() {
		wg.Go(func() { h.Kill(context.Background()) })
	}
	wg.Wait()
	return Sweep(l.cfg.Name, l.cfg.Dir)
}
