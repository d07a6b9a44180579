package main

// This file is gorun-lab up: base image, packages, then the daemon.

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/aptrepo"
	"gorun/cmd/gorun-lab/internal/daemon"
	"gorun/cmd/gorun-lab/internal/gitserve"
	"gorun/cmd/gorun-lab/internal/hosts"
)

// upFlags are shared by up and run.
func upFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "hosts", Usage: "boot `N` hosts at once, lab1 and up; the cloud makes more"},
		&cli.StringFlag{Name: "net", Usage: "the hosts' IPv4 `NETWORK`", Value: "10.107.244.0/24", EnvVars: []string{"GORUN_LAB_NET"}},
		&cli.StringSliceFlag{Name: "zone", Usage: "an availability `ZONE` (several times)", Value: cli.NewStringSlice("NL1", "NL2")},
		&cli.StringFlag{Name: "init", Usage: "what runs as PID 1 of hosts: systemd or sysv (default: systemd where cgroup v2 is)"},
		&cli.StringFlag{Name: "cache", Usage: "`FOLDER` for the base image and packages", EnvVars: []string{"GORUN_LAB_CACHE"}},
		&cli.StringFlag{Name: "mirror", Usage: "the Debian mirror's `URL` (default: from the machine's apt sources)", EnvVars: []string{"GORUN_LAB_MIRROR"}},
		&cli.StringSliceFlag{Name: "package", Usage: "a further Debian `PACKAGE` hosts can install (several times)"},
		&cli.BoolFlag{Name: "no-stand-ins", Usage: "do not answer for Launchpad, its keyserver and archives, and WordPress on GitHub"},
	}
}

func upCommand() *cli.Command {
	return &cli.Command{
		Name:  "up",
		Usage: "start the lab",
		Flags: upFlags(),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return fmt.Errorf("up takes no arguments, got %q", c.Args().First())
			}
			began := time.Now()
			cfg, err := start(c, nil)
			if err != nil {
				return err
			}
			fmt.Printf("lab %s is up on %s, %d hosts, %.1f s; gorun-lab env tells how to use it\n",
				cfg.Name, cfg.Network, cfg.Hosts, time.Since(began).Seconds())
			return nil
		},
	}
}

// start prepares what the lab needs and starts its daemon, which ends when
// owner does; a nil owner never ends.
func start(c *cli.Context, owner *os.File) (*daemon.Config, error) {
	if err := hosts.Check(); err != nil {
		return nil, err
	}
	if lack := hosts.Lacks(); lack != "" {
		fmt.Fprintln(os.Stderr, "gorun-lab:", lack)
	}
	cfg, err := configFrom(c)
	if err != nil {
		return nil, err
	}
	if _, err := daemon.NewClient(cfg.Name).Status(c.Context); err == nil {
		return nil, fmt.Errorf("the lab %s is up already; gorun-lab down ends it", cfg.Name)
	}
	if err := hosts.Sweep(cfg.Name, cfg.Dir); err != nil {
		return nil, fmt.Errorf("clearing up what an earlier lab left: %w", err)
	}
	if err := prepare(c, cfg); err != nil {
		return nil, err
	}
	if err := cfg.Save(); err != nil {
		return nil, err
	}
	if err := spawn(c.Context, cfg, owner); err != nil {
		return nil, errors.Join(err, hosts.Sweep(cfg.Name, cfg.Dir))
	}
	return cfg, nil
}

func configFrom(c *cli.Context) (*daemon.Config, error) {
	name := c.String("name")
	if err := hosts.CheckName(name); err != nil {
		return nil, err
	}
	network, err := netip.ParsePrefix(c.String("net"))
	if err != nil || !network.Addr().Is4() || network.Bits() > 24 {
		return nil, fmt.Errorf("--net %s: want an IPv4 network of /24 or larger, as 10.107.244.0/24", c.String("net"))
	}
	init := hosts.Init(c.String("init"))
	switch init {
	case "":
		init = hosts.DefaultInit()
	case hosts.Systemd, hosts.Sysv:
	default:
		return nil, fmt.Errorf("--init %s: want systemd or sysv", init)
	}
	if n := c.Int("hosts"); n < 0 || n > 180 {
		return nil, fmt.Errorf("--hosts %d: want 0 to 180", n)
	}
	return &daemon.Config{
		Name: name, Dir: daemon.Dir(name), Network: network.Masked(), Init: init,
		Hosts: c.Int("hosts"), Zones: c.StringSlice("zone"), Password: rand.Text(),
	}, nil
}

// prepare makes, or finds in the cache, the base image and the packages.
func prepare(c *cli.Context, cfg *daemon.Config) error {
	cache, err := cacheDir(c)
	if err != nil {
		return err
	}
	say := func(line string) { fmt.Fprintln(os.Stderr, "gorun-lab:", line) }
	sources, err := sourcesFrom(c)
	if err != nil {
		return err
	}
	cfg.Base, err = hosts.EnsureBase(c.Context, cache, aptrepo.Mirror(sources, hosts.Codename), say)
	if err != nil {
		return err
	}
	repo := aptrepo.Builder{Cache: cache, Base: cfg.Base, Sources: sources, Extra: c.StringSlice("package"), Progress: say}
	if cfg.Repo, err = repo.Ensure(c.Context); err != nil || c.Bool("no-stand-ins") {
		return err
	}
	debs, err := repo.Download(c.Context, aptrepo.WordPress...)
	if err != nil {
		return err
	}
	cfg.WordPress, err = gitserve.Make(c.Context, cache, cfg.Base, debs, say)
	return err
}

func sourcesFrom(c *cli.Context) ([]aptrepo.Source, error) {
	if m := c.String("mirror"); m != "" {
		return []aptrepo.Source{{URI: m, Suite: hosts.Codename, Components: []string{"main"}}}, nil
	}
	return aptrepo.Sources("/etc/apt", hosts.Codename)
}

// cacheDir returns the folder that outlives labs.
func cacheDir(c *cli.Context) (string, error) {
	if dir := c.String("cache"); dir != "" {
		return filepath.Abs(dir)
	}
	if os.Geteuid() == 0 {
		return "/var/cache/gorun-lab", nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "gorun-lab"), err
}

// spawn starts the daemon and waits until it is ready or has said why not.
func spawn(ctx context.Context, cfg *daemon.Config, owner *os.File) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command(self, "--name", cfg.Name, "serve")
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{w}
	if owner != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, owner)
		cmd.Args = append(cmd.Args, "--owned")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("starting the lab's process: %w", err)
	}
	said := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(r) // a pipe of our own: what ends it is its end
		said <- strings.TrimSpace(string(text))
	}()
	select {
	case text := <-said:
		switch text {
		case "ok":
			return cmd.Process.Release()
		case "":
			return errors.New("the lab's process ended without a word")
		}
		return errors.Join(errors.New(text), waitSilently(cmd))
	case <-ctx.Done():
		// It takes down what it has put up.
		return errors.Join(ctx.Err(), cmd.Process.Signal(syscall.SIGTERM), waitSilently(cmd))
	}
}

// waitSilently waits for a daemon that has told its error already.
func waitSilently(cmd *exec.Cmd) error {
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}
