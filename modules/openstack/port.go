package openstack

// This file defines openstack.cloud.port
// (https://docs.ansible.com/ansible/latest/collections/openstack/cloud/port_module.html).

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"gorun/modules"
)

type portArgs struct {
	cloudArgs
	Name                string         `arg:"name"`
	Network             string         `arg:"network"`
	FixedIPs            []fixedIP      `arg:"fixed_ips"`
	AdminStateUp        *bool          `arg:"admin_state_up"`
	MACAddress          string         `arg:"mac_address"`
	SecurityGroups      []string       `arg:"security_groups"`
	NoSecurityGroups    bool           `arg:"no_security_groups"`
	AllowedAddressPairs []addressPair  `arg:"allowed_address_pairs"`
	ExtraDHCPOpts       []dhcpOpt      `arg:"extra_dhcp_opts"`
	DeviceOwner         string         `arg:"device_owner"`
	DeviceID            string         `arg:"device_id"`
	VNICType            string         `arg:"vnic_type"`
	PortSecurity        *bool          `arg:"port_security_enabled"`
	BindingProfile      map[string]any `arg:"binding_profile"`
	DNSName             string         `arg:"dns_name"`
	DNSDomain           string         `arg:"dns_domain"`
	State               string         `arg:"state"`
	AvailabilityZone    string         `arg:"availability_zone"`
}

type fixedIP struct {
	IPAddress string `arg:"ip_address" json:"ip_address,omitempty"`
	SubnetID  string `arg:"subnet_id" json:"subnet_id,omitempty"`
}

type addressPair struct {
	IPAddress  string `arg:"ip_address" json:"ip_address,omitempty"`
	MACAddress string `arg:"mac_address" json:"mac_address,omitempty"`
}

type dhcpOpt struct {
	Name      string `arg:"opt_name" json:"opt_name"`
	Value     string `arg:"opt_value" json:"opt_value"`
	IPVersion int    `arg:"ip_version" json:"ip_version"`
}

// Port manages ports.
var Port = modules.Define(modules.Spec{
	Name: "openstack.cloud.port",
	Doc:  "Add, change and delete ports.",
	Options: cloudOptions(
		modules.Option{Name: "name", Doc: "Name of the port."},
		modules.Option{Name: "network", Doc: "Name or id of the network."},
		modules.Option{Name: "fixed_ips", Type: modules.List, Elements: modules.Dict, Doc: "Addresses of the port.", Options: []modules.Option{
			{Name: "ip_address", Required: true, Doc: "The address."},
			{Name: "subnet_id", Doc: "Id of the subnet."},
		}},
		modules.Option{Name: "admin_state_up", Type: modules.Bool, Doc: "Whether it is up."},
		modules.Option{Name: "mac_address", Doc: "MAC address."},
		modules.Option{Name: "security_groups", Type: modules.List, Elements: modules.Str, Doc: "Names or ids of security groups."},
		modules.Option{Name: "no_security_groups", Type: modules.Bool, Default: false, Doc: "Whether it has no security group at all."},
		modules.Option{Name: "allowed_address_pairs", Type: modules.List, Elements: modules.Dict, Doc: "Further addresses that it may use.", Options: []modules.Option{
			{Name: "ip_address", Doc: "The address."},
			{Name: "mac_address", Doc: "The MAC address."},
		}},
		modules.Option{Name: "extra_dhcp_opts", Type: modules.List, Elements: modules.Dict, Doc: "Further DHCP options.", Options: []modules.Option{
			{Name: "opt_name", Required: true, Doc: "Name of the option."},
			{Name: "opt_value", Required: true, Doc: "Its value."},
			{Name: "ip_version", Type: modules.Int, Required: true, Doc: "Version of IP."},
		}},
		modules.Option{Name: "device_owner", Doc: "What kind of thing uses the port."},
		modules.Option{Name: "device_id", Doc: "Id of what uses the port."},
		modules.Option{Name: "vnic_type", Choices: []string{"normal", "direct", "direct-physical", "macvtap", "baremetal", "virtio-forwarder"}, Doc: "Type of the virtual card."},
		modules.Option{Name: "port_security_enabled", Type: modules.Bool, Doc: "Whether the port is secured."},
		modules.Option{Name: "binding_profile", Type: modules.Dict, Doc: "Binding profile."},
		modules.Option{Name: "dns_name", Doc: "DNS name."},
		modules.Option{Name: "dns_domain", Doc: "DNS domain."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the port is to be there."},
		availabilityZone,
	),
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"no_security_groups", "security_groups"}}},
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runPort)

// portOpts are a port's keys.
type portOpts struct{ raw }

func (o portOpts) ToPortCreateMap() (map[string]any, error) { return o.body() }

func (o portOpts) ToPortUpdateMap() (map[string]any, error) { return o.body() }

func runPort(ctx context.Context, m *modules.Run, a *portArgs) (*modules.Result, error) {
	c, err := connect(ctx, m, &a.cloudArgs)
	if err != nil {
		return nil, err
	}
	client, err := c.network()
	if err != nil {
		return nil, err
	}
	have, err := findPort(ctx, client, a.Name)
	if err != nil {
		return nil, err
	}
	switch {
	case a.State == "absent":
		if have != nil && !m.Check {
			if err := ports.Delete(ctx, client, have.ID).ExtractErr(); err != nil {
				return nil, apiFailure("delete the port", err)
			}
		}
		return &modules.Result{Changed: have != nil}, nil
	case have == nil && a.Network == "":
		return nil, modules.Failf("Parameter 'network' is required in Port Create")
	}
	want, err := a.opts(ctx, client)
	if err != nil {
		return nil, err
	}
	if have == nil {
		return a.create(ctx, m, c, client, want)
	}
	return updatePort(ctx, m, client, have, want)
}

// findPort finds a port by name or id; nil where there is none, and for no name.
func findPort(ctx context.Context, client *gophercloud.ServiceClient, name string) (*ports.Port, error) {
	if name == "" {
		return nil, nil
	}
	return find(ctx, "ports", ports.List(client, ports.ListOpts{}), ports.ExtractPorts,
		func(p *ports.Port) bool { return p.Name == name || p.ID == name })
}

// opts are the keys that the task asks for, without network and name.
func (a *portArgs) opts(ctx context.Context, client *gophercloud.ServiceClient) (map[string]any, error) {
	o := map[string]any{}
	set := func(key string, value any, given bool) {
		if given {
			o[key] = value
		}
	}
	set("fixed_ips", a.FixedIPs, len(a.FixedIPs) > 0)
	set("admin_state_up", a.AdminStateUp, a.AdminStateUp != nil)
	set("mac_address", a.MACAddress, a.MACAddress != "")
	set("allowed_address_pairs", a.AllowedAddressPairs, len(a.AllowedAddressPairs) > 0)
	set("extra_dhcp_opts", a.ExtraDHCPOpts, len(a.ExtraDHCPOpts) > 0)
	set("device_owner", a.DeviceOwner, a.DeviceOwner != "")
	set("device_id", a.DeviceID, a.DeviceID != "")
	set("binding:vnic_type", a.VNICType, a.VNICType != "")
	set("binding:profile", a.BindingProfile, len(a.BindingProfile) > 0)
	set("port_security_enabled", a.PortSecurity, a.PortSecurity != nil)
	set("dns_name", a.DNSName, a.DNSName != "")
	set("dns_domain", a.DNSDomain, a.DNSDomain != "")
	if a.NoSecurityGroups {
		o["security_groups"] = []string{}
	}
	if len(a.SecurityGroups) > 0 {
		ids := make([]string, len(a.SecurityGroups))
		for i, name := range a.SecurityGroups {
			g, err := findGroup(ctx, client, name, "")
			if err != nil {
				return nil, err
			}
			if g == nil {
				return nil, modules.Failf("Security group: %s, was not found", name)
			}
			ids[i] = g.ID
		}
		o["security_groups"] = ids
	}
	return o, nil
}

func (a *portArgs) create(ctx context.Context, m *modules.Run, c *cloud, client *gophercloud.ServiceClient, o map[string]any) (*modules.Result, error) {
	network, err := c.networkID(ctx, a.Network)
	if err != nil {
		return nil, modules.Failf("Specified network was not found.")
	}
	if m.Check {
		return &modules.Result{Changed: true}, nil
	}
	o["network_id"] = network
	if a.Name != "" {
		o["name"] = a.Name
	}
	made, err := state(ports.Create(ctx, client, portOpts{raw{"port", o}}).Result, "port")
	if err != nil {
		return nil, apiFailure("create the port", err)
	}
	return portResult(true, made), nil
}

// updatePort changes the keys that differ from what is there.
func updatePort(ctx context.Context, m *modules.Run, client *gophercloud.ServiceClient, have *ports.Port, want map[string]any) (*modules.Result, error) {
	now, err := state(ports.Get(ctx, client, have.ID).Result, "port")
	if err != nil {
		return nil, apiFailure("read the port", err)
	}
	wanted := info(want) // as JSON, to compare like with like
	for key, value := range wanted {
		if contains(now[key], value) {
			delete(want, key)
		}
	}
	if len(want) == 0 || m.Check {
		return portResult(len(want) > 0, now), nil
	}
	now, err = state(ports.Update(ctx, client, have.ID, portOpts{raw{"port", want}}).Result, "port")
	if err != nil {
		return nil, apiFailure("change the port", err)
	}
	return portResult(true, now), nil
}

// contains reports whether have is want, where the dicts of have may hold more
// keys and the order of lists means nothing.
func contains(have, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		for k, v := range w {
			ok = ok && contains(h[k], v)
		}
		return ok
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return false
		}
		for _, v := range w {
			found := false
			for _, e := range h {
				found = found || contains(e, v)
			}
			if !found {
				return false
			}
		}
		return true
	}
	return fmt.Sprint(have) == fmt.Sprint(want)
}

func portResult(changed bool, p map[string]any) *modules.Result {
	return &modules.Result{Changed: changed, Data: map[string]any{"id": p["id"], "port": p}}
}
