package cloud

// This file is Neutron's subnets and ports, and who has which address.

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

func subnetDefaults(k *call) object {
	return with(plainDefaults(k), object{
		"ip_version": 4, "enable_dhcp": true, "dns_nameservers": []any{}, "host_routes": []any{}, "gateway_ip": "",
		"allocation_pools": []any{}, "subnetpool_id": nil, "ipv6_address_mode": nil, "ipv6_ra_mode": nil, "service_types": []any{},
		"segment_id": nil, "dns_publish_fixed_ip": false,
	})
}

func (c *Cloud) subnetCreate(k *call, o object) error {
	if c.net("networks").get(o.str("network_id")) == nil {
		return neutronError(404, "NetworkNotFound", "Network %s could not be found.", o.str("network_id"))
	}
	cidr, err := netip.ParsePrefix(o.str("cidr"))
	if err != nil || !cidr.Addr().Is4() {
		return neutronError(400, "HTTPBadRequest", "Invalid input for cidr. Reason: '%s' is not a valid IP subnet.", o.str("cidr"))
	}
	cidr = cidr.Masked()
	for _, s := range c.net("subnets").all(nil) {
		other, err := netip.ParsePrefix(s.str("cidr"))
		if err == nil && s.str("network_id") == o.str("network_id") && other.Overlaps(cidr) {
			return neutronError(400, "InvalidInput", "Invalid input for operation: Requested subnet with cidr: %s for network: %s overlaps with another subnet.", cidr, o.str("network_id"))
		}
	}
	o["cidr"] = cidr.String()
	if gw, given := o["gateway_ip"]; given && gw == "" {
		o["gateway_ip"] = cidr.Addr().Next().String()
	}
	if len(o.list("allocation_pools")) == 0 {
		first, last := cidr.Addr().Next().Next(), lastAddr(cidr)
		o["allocation_pools"] = []any{object{"start": first.String(), "end": last.String()}}
	}
	return nil
}

// lastAddr returns the last address for hosts.
func lastAddr(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	for i := range a {
		bits := min(max(p.Bits()-8*i, 0), 8)
		a[i] |= byte(0xff >> bits)
	}
	return netip.AddrFrom4(a).Prev()
}

func (c *Cloud) subnetRemove(k *call, o object) error {
	for _, p := range c.net("ports").all(nil) {
		for _, ip := range p.list("fixed_ips") {
			if asObject(ip).str("subnet_id") == o.str("id") {
				return neutronError(409, "SubnetInUse", "Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet.", o.str("id"))
			}
		}
	}
	return nil
}

// allocate takes an address of the subnet: want, or the next free one.
func (c *Cloud) allocate(subnet object, want string) (netip.Addr, error) {
	used := c.ipam[subnet.str("id")]
	if used == nil {
		used = map[netip.Addr]bool{}
		c.ipam[subnet.str("id")] = used
	}
	if want != "" {
		addr, err := netip.ParseAddr(want)
		cidr, cidrErr := netip.ParsePrefix(subnet.str("cidr"))
		if err != nil || cidrErr != nil || !cidr.Contains(addr) {
			return netip.Addr{}, neutronError(400, "InvalidIpForSubnet", "IP address %s is not a valid IP for the specified subnet.", want)
		}
		if used[addr] || addr.String() == subnet.str("gateway_ip") {
			return netip.Addr{}, neutronError(409, "IpAddressInUse", "Unable to complete operation for network %s. The IP address %s is in use.", subnet.str("network_id"), want)
		}
		used[addr] = true
		return addr, nil
	}
	for _, pool := range subnet.list("allocation_pools") {
		addr, err := netip.ParseAddr(asObject(pool).str("start"))
		end, endErr := netip.ParseAddr(asObject(pool).str("end"))
		if err != nil || endErr != nil {
			continue
		}
		for ; addr.Compare(end) <= 0; addr = addr.Next() {
			if !used[addr] && addr.String() != subnet.str("gateway_ip") {
				used[addr] = true
				return addr, nil
			}
		}
	}
	return netip.Addr{}, neutronError(409, "IpAddressGenerationFailure", "No more IP addresses available on network %s.", subnet.str("network_id"))
}

func portDefaults(k *call) object {
	return with(plainDefaults(k), object{
		"admin_state_up": true, "status": "DOWN", "device_id": "", "device_owner": "", "mac_address": "", "fixed_ips": nil,
		"security_groups": nil, "allowed_address_pairs": []any{}, "extra_dhcp_opts": []any{}, "binding:host_id": "",
		"binding:vnic_type": "normal", "binding:profile": object{}, "binding:vif_type": "unbound", "binding:vif_details": object{},
		"port_security_enabled": true, "dns_name": "", "dns_assignment": []any{}, "qos_policy_id": nil, "propagate_uplink_status": false,
	})
}

func (c *Cloud) portCreate(k *call, o object) error {
	if c.net("networks").get(o.str("network_id")) == nil {
		return neutronError(404, "NetworkNotFound", "Network %s could not be found.", o.str("network_id"))
	}
	if o.str("mac_address") == "" {
		id := o.str("id")
		o["mac_address"] = fmt.Sprintf("fa:16:3e:%s:%s:%s", id[0:2], id[2:4], id[4:6])
	}
	if o["security_groups"] == nil {
		o["security_groups"] = []any{}
		if g := c.findGroup("default", o.str("project_id")); g != nil && o.truth("port_security_enabled", true) {
			o["security_groups"] = []any{g.str("id")}
		}
	}
	for _, g := range o.list("security_groups") {
		if id, _ := g.(string); c.net("security_groups").get(id) == nil {
			return neutronError(404, "SecurityGroupNotFound", "Security group %v does not exist", g)
		}
	}
	ips, err := c.fixedIPs(o.str("network_id"), o["fixed_ips"] != nil, o.list("fixed_ips"))
	if err != nil {
		return err
	}
	o["fixed_ips"] = ips
	return nil
}

// fixedIPs allocates what a port asks for, or one address if it asks not.
func (c *Cloud) fixedIPs(network string, given bool, wants []any) ([]any, error) {
	subnets := c.net("subnets").all(func(s object) bool { return s.str("network_id") == network })
	if !given && len(subnets) > 0 {
		wants = []any{object{"subnet_id": subnets[0].str("id")}}
	}
	out := []any{}
	for _, w := range wants {
		want := asObject(w)
		ip, id := want.str("ip_address"), want.str("subnet_id")
		i := slices.IndexFunc(subnets, func(s object) bool {
			if id != "" {
				return s.str("id") == id
			}
			cidr, err := netip.ParsePrefix(s.str("cidr"))
			addr, addrErr := netip.ParseAddr(ip)
			return err == nil && addrErr == nil && cidr.Contains(addr)
		})
		if i < 0 {
			c.release(out)
			return nil, neutronError(400, "InvalidIpForNetwork", "IP address %s is not a valid IP for any of the subnets on the specified network.", ip)
		}
		addr, err := c.allocate(subnets[i], ip)
		if err != nil {
			c.release(out)
			return nil, err
		}
		out = append(out, object{"subnet_id": subnets[i].str("id"), "ip_address": addr.String()})
	}
	return out, nil
}

// release gives addresses back.
func (c *Cloud) release(ips []any) {
	for _, ip := range ips {
		if addr, err := netip.ParseAddr(asObject(ip).str("ip_address")); err == nil {
			delete(c.ipam[asObject(ip).str("subnet_id")], addr)
		}
	}
}

func portShow(o object) object {
	delete(o, ownedField)
	return o
}

func (c *Cloud) portUpdate(k *call, o, in object) error {
	if in["fixed_ips"] == nil {
		return nil
	}
	old := o.list("fixed_ips")
	c.release(old)
	ips, err := c.fixedIPs(o.str("network_id"), true, in.list("fixed_ips"))
	if err != nil {
		for _, ip := range old { // nobody took them meanwhile
			if s := c.net("subnets").get(asObject(ip).str("subnet_id")); s != nil {
				if _, again := c.allocate(s, asObject(ip).str("ip_address")); again != nil {
					return again
				}
			}
		}
		return err
	}
	in["fixed_ips"] = ips
	return nil
}

func (c *Cloud) portRemove(k *call, o object) error {
	if strings.HasPrefix(o.str("device_owner"), "network:router_interface") {
		return neutronError(409, "ServicePortInUse", "Port %s cannot be deleted directly via the port API: has device owner network:router_interface.", o.str("id"))
	}
	c.release(o.list("fixed_ips"))
	for _, f := range c.net("floatingips").all(nil) {
		if f.str("port_id") == o.str("id") {
			c.floatingAttach(f, "", "")
		}
	}
	return nil
}
