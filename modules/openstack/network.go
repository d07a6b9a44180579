package openstack

// This file defines openstack.cloud.network
// (https://docs.ansible.com/ansible/latest/collections/openstack/cloud/network_module.html).

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"

	"gorun/modules"
)

type networkArgs struct {
	cloudArgs
	Name             string `arg:"name"`
	Shared           bool   `arg:"shared"`
	AdminStateUp     bool   `arg:"admin_state_up"`
	External         bool   `arg:"external"`
	ProviderPhysical string `arg:"provider_physical_network"`
	ProviderType     string `arg:"provider_network_type"`
	ProviderSegment  *int   `arg:"provider_segmentation_id"`
	Project          string `arg:"project"`
	PortSecurity     *bool  `arg:"port_security_enabled"`
	MTU              *int   `arg:"mtu_size"`
	DNSDomain        string `arg:"dns_domain"`
	State            string `arg:"state"`
	AvailabilityZone string `arg:"availability_zone"`
}

// Network manages networks.
var Network = modules.Define(modules.Spec{
	Name: "openstack.cloud.network",
	Doc:  "Add, change and delete networks.",
	Options: cloudOptions(
		modules.Option{Name: "name", Required: true, Doc: "Name of the network."},
		modules.Option{Name: "shared", Type: modules.Bool, Default: false, Doc: "Whether other projects may use it."},
		modules.Option{Name: "admin_state_up", Type: modules.Bool, Default: true, Doc: "Whether it is up."},
		modules.Option{Name: "external", Type: modules.Bool, Default: false, Doc: "Whether it is external."},
		modules.Option{Name: "provider_physical_network", Doc: "Physical network that it is part of."},
		modules.Option{Name: "provider_network_type", Doc: "Type of the physical network."},
		modules.Option{Name: "provider_segmentation_id", Type: modules.Int, Doc: "Segment of the physical network."},
		modules.Option{Name: "project", Doc: "Name or id of the project that owns it."},
		modules.Option{Name: "port_security_enabled", Type: modules.Bool, Doc: "Whether ports are secured."},
		modules.Option{Name: "mtu_size", Type: modules.Int, Aliases: []string{"mtu"}, Doc: "Largest packet in bytes."},
		modules.Option{Name: "dns_domain", Doc: "DNS domain of its ports."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the network is to be there."},
		availabilityZone,
	),
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runNetwork)

// networkOpts are a network's keys with those of the extensions.
type networkOpts struct{ raw }

func (o networkOpts) ToNetworkCreateMap() (map[string]any, error) { return o.body() }

func (o networkOpts) ToNetworkUpdateMap() (map[string]any, error) { return o.body() }

func runNetwork(ctx context.Context, m *modules.Run, a *networkArgs) (*modules.Result, error) {
	_, client, project, err := openNetwork(ctx, m, &a.cloudArgs, a.Project)
	if err != nil {
		return nil, err
	}
	have, err := findNetwork(ctx, client, a.Name, project)
	if err != nil {
		return nil, err
	}
	switch {
	case a.State == "absent":
		if have != nil && !m.Check {
			if err := networks.Delete(ctx, client, have.ID).ExtractErr(); err != nil {
				return nil, apiFailure("delete the network", err)
			}
		}
		return &modules.Result{Changed: have != nil}, nil
	case have == nil && m.Check:
		return &modules.Result{Changed: true}, nil
	case have == nil:
		return a.create(ctx, client, project)
	}
	return a.update(ctx, m, client, have)
}

func (a *networkArgs) create(ctx context.Context, client *gophercloud.ServiceClient, project string) (*modules.Result, error) {
	o := map[string]any{"name": a.Name, "shared": a.Shared, "admin_state_up": a.AdminStateUp}
	set := func(key string, value any, given bool) {
		if given {
			o[key] = value
		}
	}
	set("router:external", true, a.External)
	set("provider:physical_network", a.ProviderPhysical, a.ProviderPhysical != "")
	set("provider:network_type", a.ProviderType, a.ProviderType != "")
	set("provider:segmentation_id", a.ProviderSegment, a.ProviderSegment != nil)
	set("project_id", project, project != "")
	set("port_security_enabled", a.PortSecurity, a.PortSecurity != nil)
	set("mtu", a.MTU, a.MTU != nil)
	set("dns_domain", a.DNSDomain, a.DNSDomain != "")
	made, err := state(networks.Create(ctx, client, networkOpts{raw{"network", o}}).Result, "network")
	if err != nil {
		return nil, apiFailure("create the network", err)
	}
	return networkResult(true, made), nil
}

// update changes what differs of shared, admin_state_up, MTU, port security and domain.
func (a *networkArgs) update(ctx context.Context, m *modules.Run, client *gophercloud.ServiceClient, have *networks.Network) (*modules.Result, error) {
	now, err := state(networks.Get(ctx, client, have.ID).Result, "network")
	if err != nil {
		return nil, apiFailure("read the network", err)
	}
	o := map[string]any{}
	if have.Shared != a.Shared {
		o["shared"] = a.Shared
	}
	if have.AdminStateUp != a.AdminStateUp {
		o["admin_state_up"] = a.AdminStateUp
	}
	if a.MTU != nil && fmt.Sprint(now["mtu"]) != fmt.Sprint(*a.MTU) {
		o["mtu"] = *a.MTU
	}
	if a.PortSecurity != nil && now["port_security_enabled"] != *a.PortSecurity {
		o["port_security_enabled"] = *a.PortSecurity
	}
	if a.DNSDomain != "" && now["dns_domain"] != a.DNSDomain {
		o["dns_domain"] = a.DNSDomain
	}
	if len(o) == 0 || m.Check {
		return networkResult(len(o) > 0, now), nil
	}
	now, err = state(networks.Update(ctx, client, have.ID, networkOpts{raw{"network", o}}).Result, "network")
	if err != nil {
		return nil, apiFailure("change the network", err)
	}
	return networkResult(true, now), nil
}

func networkResult(changed bool, n map[string]any) *modules.Result {
	return &modules.Result{Changed: changed, Data: map[string]any{"id": n["id"], "network": n}}
}
