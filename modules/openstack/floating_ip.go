package openstack

// This file defines openstack.cloud.floating_ip
// (https://docs.ansible.com/ansible/latest/collections/openstack/cloud/floating_ip_module.html).

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"gorun/modules"
)

type floatingArgs struct {
	cloudArgs
	Server            string `arg:"server"`
	Network           string `arg:"network"`
	FloatingIPAddress string `arg:"floating_ip_address"`
	Reuse             bool   `arg:"reuse"`
	FixedAddress      string `arg:"fixed_address"`
	NATDestination    string `arg:"nat_destination"`
	Purge             bool   `arg:"purge"`
	State             string `arg:"state"`
	AvailabilityZone  string `arg:"availability_zone"`
}

// FloatingIP attaches floating addresses to servers.
var FloatingIP = modules.Define(modules.Spec{
	Name: "openstack.cloud.floating_ip",
	Doc:  "Give floating addresses to servers and take them away.",
	Options: cloudOptions(
		modules.Option{Name: "server", Required: true, Doc: "Name or id of the server."},
		modules.Option{Name: "network", Doc: "Name or id of the external network to take the address from."},
		modules.Option{Name: "floating_ip_address", Doc: "The floating address."},
		modules.Option{Name: "reuse", Type: modules.Bool, Default: false, Doc: "Whether an address that nobody uses is taken before a new one is made."},
		modules.Option{Name: "fixed_address", Doc: "The server's address to attach to."},
		modules.Option{Name: "nat_destination", Aliases: []string{"fixed_network", "internal_network"}, Doc: "Name or id of the server's network to attach to."},
		modules.Option{Name: "purge", Type: modules.Bool, Default: false, Doc: "Whether state absent also deletes the address."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the server is to have the address."},
		availabilityZone,
	),
	Rules: modules.Rules{
		RequiredIf: []modules.RequiredIf{{Key: "state", Value: "absent", Need: []string{"floating_ip_address"}}},
		RequiredBy: map[string][]string{"floating_ip_address": {"network"}},
	},
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runFloatingIP)

func runFloatingIP(ctx context.Context, m *modules.Run, a *floatingArgs) (*modules.Result, error) {
	c, err := connect(ctx, m, &a.cloudArgs)
	if err != nil {
		return nil, err
	}
	s, err := c.findServer(ctx, a.Server)
	if err != nil {
		return nil, err
	}
	client, err := c.network()
	if err != nil {
		return nil, err
	}
	port, fixed, err := a.port(ctx, c, client, s)
	if err != nil {
		return nil, err
	}
	pages, err := floatingips.List(client, floatingips.ListOpts{}).AllPages(ctx)
	if err != nil {
		return nil, apiFailure("list the floating addresses", err)
	}
	all, err := floatingips.ExtractFloatingIPs(pages)
	if err != nil {
		return nil, apiFailure("read the list of floating addresses", err)
	}
	if a.State == "absent" {
		return a.detach(ctx, m, client, all, port)
	}
	for i := range all {
		f := &all[i]
		if f.PortID == port && (a.FloatingIPAddress == "" || f.FloatingIP == a.FloatingIPAddress) {
			return floatingResult(false, f), nil
		}
	}
	return a.attach(ctx, m, c, client, all, port, fixed)
}

// findServer finds a server by name or id.
func (c *cloud) findServer(ctx context.Context, name string) (*servers.Server, error) {
	compute, err := c.compute()
	if err != nil {
		return nil, err
	}
	s, err := serverByName(ctx, compute, name)
	if err != nil || s != nil {
		return s, err
	}
	s, err = servers.Get(ctx, compute, name).Extract()
	if err != nil {
		return nil, modules.Failf("Server %s not found", name)
	}
	return s, nil
}

// port finds the server's port to attach to, and its address where one is named.
func (a *floatingArgs) port(ctx context.Context, c *cloud, client *gophercloud.ServiceClient, s *servers.Server) (id, fixed string, err error) {
	opts := ports.ListOpts{DeviceID: s.ID}
	if a.NATDestination != "" {
		if opts.NetworkID, err = c.networkID(ctx, a.NATDestination); err != nil {
			return "", "", err
		}
	}
	pages, err := ports.List(client, opts).AllPages(ctx)
	if err != nil {
		return "", "", apiFailure("list the server's ports", err)
	}
	mine, err := ports.ExtractPorts(pages)
	if err != nil {
		return "", "", apiFailure("read the list of ports", err)
	}
	for _, p := range mine {
		for _, ip := range p.FixedIPs {
			if a.FixedAddress == "" || ip.IPAddress == a.FixedAddress {
				return p.ID, a.FixedAddress, nil
			}
		}
	}
	return "", "", modules.Failf("server %s has no port to attach a floating address to", s.Name)
}

func (a *floatingArgs) detach(ctx context.Context, m *modules.Run, client *gophercloud.ServiceClient, all []floatingips.FloatingIP, port string) (*modules.Result, error) {
	for _, f := range all {
		if f.FloatingIP != a.FloatingIPAddress {
			continue
		}
		attached := f.PortID == port
		if (!attached && !a.Purge) || m.Check {
			return &modules.Result{Changed: attached || a.Purge}, nil
		}
		if a.Purge {
			if err := floatingips.Delete(ctx, client, f.ID).ExtractErr(); err != nil {
				return nil, apiFailure("delete the floating address", err)
			}
			return &modules.Result{Changed: true}, nil
		}
		if _, err := floatingips.Update(ctx, client, f.ID, floatingips.UpdateOpts{PortID: new(string)}).Extract(); err != nil {
			return nil, apiFailure("detach the floating address", err)
		}
		return &modules.Result{Changed: true}, nil
	}
	return &modules.Result{}, nil
}

func (a *floatingArgs) attach(ctx context.Context, m *modules.Run, c *cloud, client *gophercloud.ServiceClient, all []floatingips.FloatingIP, port, fixed string) (*modules.Result, error) {
	var f *floatingips.FloatingIP
	for i := range all {
		if a.FloatingIPAddress != "" && all[i].FloatingIP == a.FloatingIPAddress {
			f = &all[i]
		}
	}
	if f != nil && f.PortID != "" {
		return nil, modules.Failf("floating address %s is attached to another server already", a.FloatingIPAddress)
	}
	if m.Check {
		return &modules.Result{Changed: true}, nil
	}
	if f == nil {
		var err error
		if f, err = a.take(ctx, m, c, client, all); err != nil {
			return nil, err
		}
	}
	f, err := floatingips.Update(ctx, client, f.ID, floatingips.UpdateOpts{PortID: &port, FixedIP: fixed}).Extract()
	if err != nil {
		return nil, apiFailure("attach the floating address", err)
	}
	return floatingResult(true, f), nil
}

// take finds or makes an address to attach.
func (a *floatingArgs) take(ctx context.Context, m *modules.Run, c *cloud, client *gophercloud.ServiceClient, all []floatingips.FloatingIP) (*floatingips.FloatingIP, error) {
	if a.FloatingIPAddress == "" {
		return c.floatingFrom(ctx, m, client, all, a.Network, a.Reuse)
	}
	net, err := c.externalNetwork(ctx, client, a.Network)
	if err != nil {
		return nil, err
	}
	f, err := floatingips.Create(ctx, client, floatingips.CreateOpts{FloatingNetworkID: net, FloatingIP: a.FloatingIPAddress}).Extract()
	if err != nil {
		return nil, apiFailure("create the floating address", err)
	}
	return f, nil
}

func floatingResult(changed bool, f *floatingips.FloatingIP) *modules.Result {
	return &modules.Result{Changed: changed, Data: map[string]any{"floating_ip": info(f)}}
}
