package daemon

// This file makes the cloud's servers out of the lab's hosts.

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"gorun/cmd/gorun-lab/internal/cloud"
	"gorun/cmd/gorun-lab/internal/hosts"
)

// openCloud starts the cloud on the bridge and on the loopback interface. The
// function it returns ends it.
func (s *Server) openCloud(ctx context.Context) (func(), error) {
	cloudCtx, cancel := context.WithCancel(ctx)
	var taken []netip.Addr
	for _, h := range s.lab.Hosts() {
		taken = append(taken, h.Addr())
	}
	s.cloud = cloud.New(cloud.Config{
		Network: s.cfg.Network, Public: s.cfg.PublicNetwork(), Zones: s.cfg.Zones, Taken: taken, VIPs: s.cfg.VIPs(),
		Keypair: Keypair, PublicKey: s.lab.PublicKey(), Username: Username, Password: s.cfg.Password, Project: Project,
		Backend: backend{s.lab}, Context: cloudCtx, Logf: s.log.Printf,
	})
	servers := []*http.Server{}
	end := func() {
		cancel()
		for _, hs := range servers {
			hs.Close()
		}
		s.cloud.Wait()
	}
	for _, addr := range []string{net.JoinHostPort(s.cfg.Gateway().String(), fmt.Sprint(CloudPort)), "127.0.0.1:0"} {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			end()
			return nil, fmt.Errorf("opening the cloud's port: %w", err)
		}
		s.loopback = ln.Addr().String() // the last one stays
		hs := &http.Server{Handler: s.cloud, ReadHeaderTimeout: 10 * time.Second}
		servers = append(servers, hs)
		go func() {
			if err := hs.Serve(ln); err != http.ErrServerClosed {
				s.log.Print("cloud: ", err)
			}
		}()
	}
	return end, nil
}

// A backend is the lab as the cloud sees it.
type backend struct{ lab *hosts.Lab }

// Create makes and boots the host of a server.
func (b backend) Create(ctx context.Context, spec cloud.MachineSpec) (cloud.Machine, error) {
	hs := hosts.Spec{Name: spec.Name, ID: spec.ID, Zone: spec.Zone, Gateway: spec.Gateway, Keys: spec.Keys, Files: map[string]string{}}
	for _, n := range spec.NICs {
		hs.NICs = append(hs.NICs, hosts.NIC{Addr: n.Addr, MAC: n.MAC})
	}
	if len(spec.UserData) > 0 {
		// Where cloud-init leaves it; nothing here runs it.
		hs.Files["/var/lib/cloud/instance/user-data.txt"] = string(spec.UserData)
	}
	if spec.Gateway.IsValid() && !b.lab.Network().Contains(spec.Gateway) && len(spec.NICs) > 0 {
		if err := b.lab.AddGateway(netip.PrefixFrom(spec.Gateway, spec.NICs[0].Addr.Bits())); err != nil {
			return nil, err
		}
	}
	h, err := b.lab.Create(hs)
	if err != nil {
		return nil, err
	}
	return machine{h}, h.Boot(ctx)
}

// A machine is a host as the cloud sees it.
type machine struct{ host *hosts.Host }

func (m machine) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	return m.host.WaitSSH(ctx)
}

func (m machine) On() bool                         { return m.host.Power() == hosts.On }
func (m machine) Start(ctx context.Context) error  { return m.host.Boot(ctx) }
func (m machine) Remove(ctx context.Context) error { return m.host.Remove(ctx) }

func (m machine) Stop(ctx context.Context, hard bool) error {
	if hard {
		return m.host.Kill(ctx)
	}
	return m.host.Shutdown(ctx)
}

func (m machine) SetLocal(_ context.Context, addrs []netip.Addr) error { return m.host.SetLocal(addrs) }

func (m machine) Console() string {
	data, err := os.ReadFile(m.host.ConsoleLog())
	if err != nil {
		return err.Error()
	}
	return string(data)
}
