package openstack

// This file defines openstack.cloud.subnet
// (https://docs.ansible.com/ansible/latest/collections/openstack/cloud/subnet_module.html).

import (
	"context"
	"reflect"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"gorun/modules"
)

type subnetArgs struct {
	cloudArgs
	Name                 string         `arg:"name"`
	NetworkName          string         `arg:"network_name"`
	CIDR                 string         `arg:"cidr"`
	IPVersion            string         `arg:"ip_version"`
	EnableDHCP           bool           `arg:"enable_dhcp"`
	GatewayIP            string         `arg:"gateway_ip"`
	NoGatewayIP          bool           `arg:"no_gateway_ip"`
	DNSNameservers       []string       `arg:"dns_nameservers"`
	PoolStart            string         `arg:"allocation_pool_start"`
	PoolEnd              string         `arg:"allocation_pool_end"`
	HostRoutes           []hostRoute    `arg:"host_routes"`
	IPv6RAMode           string         `arg:"ipv6_ra_mode"`
	IPv6AddressMode      string         `arg:"ipv6_address_mode"`
	UseDefaultSubnetpool bool           `arg:"use_default_subnetpool"`
	ExtraSpecs           map[string]any `arg:"extra_specs"`
	Project              string         `arg:"project"`
	State                string         `arg:"state"`
	AvailabilityZone     string         `arg:"availability_zone"`
}

type hostRoute struct {
	Destination string `arg:"destination" json:"destination"`
	Nexthop     string `arg:"nexthop" json:"nexthop"`
}

var ipv6Modes = []string{"dhcpv6-stateful", "dhcpv6-stateless", "slaac"}

// Subnet manages subnets.
var Subnet = modules.Define(modules.Spec{
	Name: "openstack.cloud.subnet",
	Doc:  "Add, change and delete subnets.",
	Options: cloudOptions(
		modules.Option{Name: "name", Required: true, Doc: "Name of the subnet."},
		modules.Option{Name: "network_name", Doc: "Name or id of the network."},
		modules.Option{Name: "cidr", Doc: "Addresses, in CIDR form."},
		modules.Option{Name: "ip_version", Default: "4", Choices: []string{"4", "6"}, Doc: "Version of IP."},
		modules.Option{Name: "enable_dhcp", Type: modules.Bool, Default: true, Doc: "Whether DHCP serves it."},
		modules.Option{Name: "gateway_ip", Doc: "Address of the gateway."},
		modules.Option{Name: "no_gateway_ip", Type: modules.Bool, Default: false, Doc: "Whether it has no gateway."},
		modules.Option{Name: "dns_nameservers", Type: modules.List, Elements: modules.Str, Doc: "Name servers."},
		modules.Option{Name: "allocation_pool_start", Doc: "First address that is given out."},
		modules.Option{Name: "allocation_pool_end", Doc: "Last address that is given out."},
		modules.Option{Name: "host_routes", Type: modules.List, Elements: modules.Dict, Doc: "Routes that hosts get.", Options: []modules.Option{
			{Name: "destination", Required: true, Doc: "Network, in CIDR form."},
			{Name: "nexthop", Required: true, Doc: "Gateway to it."},
		}},
		modules.Option{Name: "ipv6_ra_mode", Choices: ipv6Modes, Doc: "Router advertisements."},
		modules.Option{Name: "ipv6_address_mode", Choices: ipv6Modes, Doc: "How addresses are given."},
		modules.Option{Name: "use_default_subnetpool", Type: modules.Bool, Default: false, Doc: "Whether the addresses come from the default pool."},
		modules.Option{Name: "extra_specs", Type: modules.Dict, Default: map[string]any{}, Doc: "Further keys for the API."},
		modules.Option{Name: "project", Doc: "Name or id of the project that owns it."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the subnet is to be there."},
		availabilityZone,
	),
	Rules: modules.Rules{
		RequiredTogether:  [][]string{{"allocation_pool_start", "allocation_pool_end"}},
		MutuallyExclusive: [][]string{{"gateway_ip", "no_gateway_ip"}},
	},
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runSubnet)

// subnetOpts are a subnet's keys.
type subnetOpts struct{ raw }

func (o subnetOpts) ToSubnetCreateMap() (map[string]any, error) { return o.body() }

func (o subnetOpts) ToSubnetUpdateMap() (map[string]any, error) { return o.body() }

func runSubnet(ctx context.Context, m *modules.Run, a *subnetArgs) (*modules.Result, error) {
	if a.State == "present" && a.NetworkName == "" {
		return nil, modules.Failf("network_name required with present state")
	}
	if a.State == "present" && a.CIDR == "" && !a.UseDefaultSubnetpool && a.ExtraSpecs["subnetpool_id"] == nil {
		return nil, modules.Failf("cidr or use_default_subnetpool or subnetpool_id in extra_specs required with present state")
	}
	c, client, project, err := openNetwork(ctx, m, &a.cloudArgs, a.Project)
	if err != nil {
		return nil, err
	}
	network := ""
	if a.NetworkName != "" {
		if network, err = c.networkID(ctx, a.NetworkName); err != nil {
			return nil, err
		}
	}
	have, err := findSubnet(ctx, client, a.Name, network)
	if err != nil {
		return nil, err
	}
	switch {
	case a.State == "absent":
		if have != nil && !m.Check {
			if err := subnets.Delete(ctx, client, have.ID).ExtractErr(); err != nil {
				return nil, apiFailure("delete the subnet", err)
			}
		}
		return &modules.Result{Changed: have != nil}, nil
	case have == nil && m.Check:
		return &modules.Result{Changed: true}, nil
	case have == nil:
		made, err := subnets.Create(ctx, client, subnetOpts{raw{"subnet", a.createOpts(network, project)}}).Extract()
		if err != nil {
			return nil, apiFailure("create the subnet", err)
		}
		return subnetResult(true, made), nil
	}
	o := a.updateOpts(have)
	if len(o) == 0 || m.Check {
		return subnetResult(len(o) > 0, have), nil
	}
	changed, err := subnets.Update(ctx, client, have.ID, subnetOpts{raw{"subnet", o}}).Extract()
	if err != nil {
		return nil, apiFailure("change the subnet", err)
	}
	return subnetResult(true, changed), nil
}

// findSubnet finds a subnet by name or id, on a network where one is given.
func findSubnet(ctx context.Context, client *gophercloud.ServiceClient, name, network string) (*subnets.Subnet, error) {
	return find(ctx, "subnets", subnets.List(client, subnets.ListOpts{NetworkID: network}), subnets.ExtractSubnets,
		func(s *subnets.Subnet) bool { return s.Name == name || s.ID == name })
}

func (a *subnetArgs) createOpts(network, project string) map[string]any {
	o := map[string]any{"network_id": network, "name": a.Name, "enable_dhcp": a.EnableDHCP, "ip_version": 4}
	if a.IPVersion == "6" {
		o["ip_version"] = 6
	}
	set := func(key, value string) {
		if value != "" {
			o[key] = value
		}
	}
	set("cidr", a.CIDR)
	set("project_id", project)
	set("gateway_ip", a.GatewayIP)
	set("ipv6_ra_mode", a.IPv6RAMode)
	set("ipv6_address_mode", a.IPv6AddressMode)
	if a.NoGatewayIP {
		o["gateway_ip"] = nil
	}
	if a.PoolStart != "" {
		o["allocation_pools"] = []subnets.AllocationPool{{Start: a.PoolStart, End: a.PoolEnd}}
	}
	if len(a.DNSNameservers) > 0 {
		o["dns_nameservers"] = a.DNSNameservers
	}
	if len(a.HostRoutes) > 0 {
		o["host_routes"] = a.HostRoutes
	}
	if a.UseDefaultSubnetpool {
		o["use_default_subnetpool"] = true
	}
	for k, v := range a.ExtraSpecs {
		o[k] = v
	}
	return o
}

// updateOpts are the keys that differ from what is there.
func (a *subnetArgs) updateOpts(have *subnets.Subnet) map[string]any {
	o := map[string]any{}
	if have.EnableDHCP != a.EnableDHCP {
		o["enable_dhcp"] = a.EnableDHCP
	}
	if a.GatewayIP != "" && have.GatewayIP != a.GatewayIP {
		o["gateway_ip"] = a.GatewayIP
	}
	if a.NoGatewayIP && have.GatewayIP != "" {
		o["gateway_ip"] = nil
	}
	if len(a.DNSNameservers) > 0 && !sameSet(a.DNSNameservers, have.DNSNameservers) {
		o["dns_nameservers"] = a.DNSNameservers
	}
	if a.PoolStart != "" {
		want := []subnets.AllocationPool{{Start: a.PoolStart, End: a.PoolEnd}}
		if !slices.Equal(want, have.AllocationPools) {
			o["allocation_pools"] = want
		}
	}
	if len(a.HostRoutes) > 0 {
		got := make([]hostRoute, len(have.HostRoutes))
		for i, r := range have.HostRoutes {
			got[i] = hostRoute{Destination: r.DestinationCIDR, Nexthop: r.NextHop}
		}
		if !reflect.DeepEqual(got, a.HostRoutes) {
			o["host_routes"] = a.HostRoutes
		}
	}
	return o
}

// sameSet compares lists whose order means nothing.
func sameSet(a, b []string) bool {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func subnetResult(changed bool, s *subnets.Subnet) *modules.Result {
	return &modules.Result{Changed: changed, Data: map[string]any{"id": s.ID, "subnet": info(s)}}
}
