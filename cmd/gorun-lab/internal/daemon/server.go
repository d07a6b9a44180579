package daemon

// This file is the daemon itself.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"gorun/cmd/gorun-lab/internal/cloud"
	"gorun/cmd/gorun-lab/internal/hosts"
)

// bootTimeout is how long a host may take from power on to sshd's greeting.
const bootTimeout = 60 * time.Second

// A Server keeps one lab.
type Server struct {
	cfg *Config
	log *log.Logger
	lab *hosts.Lab
	// cloud is nil until the first hosts are up.
	cloud    *cloud.Cloud
	loopback string // the cloud's address on the loopback interface

	stop     chan struct{}
	stopOnce sync.Once
}

// Serve keeps the lab of cfg until ctx ends or a client asks it to stop, then
// removes it. Once everything runs it writes "ok" to ready; a failure before
// that is written there instead. ready is closed in any case.
func Serve(ctx context.Context, cfg *Config, ready io.WriteCloser) error {
	s := &Server{cfg: cfg, stop: make(chan struct{})}
	logFile, err := os.OpenFile(LogFile(cfg.Dir), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		fmt.Fprintln(ready, err)
		return errors.Join(err, ready.Close())
	}
	defer logFile.Close()
	s.log = log.New(logFile, "", log.LstdFlags|log.Lmicroseconds)
	err = s.run(ctx, func() error {
		_, err := io.WriteString(ready, "ok\n")
		return errors.Join(err, ready.Close())
	})
	if err != nil {
		// Nobody reads it after a start that went well.
		fmt.Fprintln(ready, err)
		ready.Close()
		s.log.Print(err)
	}
	return err
}

// run opens the lab, tells started, waits, and closes the lab.
func (s *Server) run(ctx context.Context, started func() error) (err error) {
	ca, err := newAuthority(standInNames())
	if err != nil {
		return err
	}
	s.lab, err = hosts.Open(hosts.Config{
		Name: s.cfg.Name, Dir: s.cfg.Dir, Base: s.cfg.Base, Repo: s.cfg.Repo, Network: s.cfg.Network,
		Init: s.cfg.Init, ExtraHosts: s.standInHosts(), CA: ca.issuer, Logf: s.log.Printf,
	})
	if err != nil {
		return err
	}
	var control http.Server
	defer func() {
		// The socket is the last to go: clients wait for it.
		err = errors.Join(err, s.lab.Close(), control.Close())
	}()
	ln, err := net.Listen("unix", Socket(s.cfg.Dir))
	if err != nil {
		return fmt.Errorf("opening the control socket: %w", err)
	}
	control.Handler, control.ReadHeaderTimeout = s.handler(), 10*time.Second
	failed := make(chan error, 1)
	go func() { failed <- control.Serve(ln) }()
	if err := s.bootFirst(ctx); err != nil {
		return err
	}
	if s.cfg.WordPress != "" {
		closeStandIns, err := s.openStandIns(ca)
		if err != nil {
			return err
		}
		defer closeStandIns()
	}
	closeCloud, err := s.openCloud(ctx)
	if err != nil {
		return err
	}
	defer closeCloud()
	if err := started(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		s.log.Print("ending: ", context.Cause(ctx))
	case <-s.stop:
		s.log.Print("ending: gorun-lab down")
	case err := <-failed:
		return fmt.Errorf("control socket: %w", err)
	}
	return nil
}

// bootFirst boots the hosts that were asked for with the lab.
func (s *Server) bootFirst(ctx context.Context) error {
	var list []*hosts.Host
	addr := s.lab.Gateway()
	for range 9 {
		addr = addr.Next()
	}
	for i := range s.cfg.Hosts {
		addr = addr.Next()
		h, err := s.lab.Create(hosts.Spec{
			Name: fmt.Sprintf("lab%d", i+1), Zone: s.cfg.Zones[i%len(s.cfg.Zones)],
			NICs:    []hosts.NIC{{Addr: netipPrefix(addr, s.cfg.Network)}},
			Gateway: s.lab.Gateway(), Keys: []string{s.lab.PublicKey()},
		})
		if err != nil {
			return err
		}
		list = append(list, h)
	}
	if err := s.writeInventory(list); err != nil {
		return err
	}
	return bootAll(ctx, list)
}

// bootAll boots hosts side by side and waits until each greets.
func bootAll(ctx context.Context, list []*hosts.Host) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	return each(list, func(h *hosts.Host) error {
		if err := h.Boot(ctx); err != nil {
			return err
		}
		if h.IsCut() {
			return nil // it cannot answer
		}
		return h.WaitSSH(ctx)
	})
}

// each runs f for all hosts side by side and joins the errors.
func each(list []*hosts.Host, f func(*hosts.Host) error) error {
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, h := range list {
		wg.Go(func() { errs[i] = f(h) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// writeInventory lists the first hosts, by zone, for gorun and ansible alike.
func (s *Server) writeInventory(list []*hosts.Host) error {
	var b strings.Builder
	b.WriteString("[lab]\n")
	for _, h := range list {
		fmt.Fprintf(&b, "%s ansible_host=%s zone=%s\n", h.Name(), h.Addr(), h.Zone())
	}
	for _, zone := range s.cfg.Zones {
		fmt.Fprintf(&b, "\n[%s]\n", zone)
		for _, h := range list {
			if h.Zone() == zone {
				fmt.Fprintln(&b, h.Name())
			}
		}
	}
	fmt.Fprintf(&b, "\n[all:vars]\nansible_user=root\nansible_ssh_private_key_file=%s\n", s.lab.KeyFile())
	fmt.Fprintf(&b, "ansible_ssh_common_args='-o UserKnownHostsFile=%s'\n", hosts.KnownHostsFile(s.cfg.Dir))
	fmt.Fprintf(&b, "ansible_python_interpreter=/usr/bin/python3\n")
	return os.WriteFile(Inventory(s.cfg.Dir), []byte(b.String()), 0o644)
}
