package cloud

// This file is Neutron's routers and floating IPs.

import (
	"context"
	"net/netip"
	"slices"
)

func routerDefaults(k *call) object {
	return with(plainDefaults(k), object{
		"admin_state_up": true, "status": "ACTIVE", "external_gateway_info": nil, "routes": []any{}, "distributed": false, "ha": false,
		"availability_zones": []any{}, "availability_zone_hints": []any{}, "flavor_id": nil,
	})
}

func (c *Cloud) routerPorts(id string) []object {
	return c.net("ports").all(func(p object) bool { return p.str("device_id") == id })
}

func (c *Cloud) routerRemove(k *call, o object) error {
	if len(c.routerPorts(o.str("id"))) > 0 {
		return neutronError(409, "RouterInUse", "Router %s still has ports", o.str("id"))
	}
	return nil
}

func (c *Cloud) routerAttach(k *call) (*reply, error) {
	router := c.net("routers").get(k.id("id"))
	if router == nil {
		return nil, neutronError(404, "RouterNotFound", "Router %s could not be found", k.id("id"))
	}
	port := c.net("ports").get(k.body.str("port_id"))
	if port == nil {
		subnet := c.net("subnets").get(k.body.str("subnet_id"))
		if subnet == nil {
			return nil, neutronError(404, "SubnetNotFound", "Subnet %s could not be found.", k.body.str("subnet_id"))
		}
		port = portDefaults(k)
		with(port, object{
			"id": newID(), "network_id": subnet.str("network_id"), "security_groups": []any{},
			"fixed_ips": []any{object{"subnet_id": subnet.str("id"), "ip_address": subnet.str("gateway_ip")}},
		})
		port["mac_address"] = "fa:16:3e:" + port.str("id")[0:2] + ":" + port.str("id")[2:4] + ":" + port.str("id")[4:6]
		c.net("ports").add(port)
	}
	with(port, object{"device_id": router.str("id"), "device_owner": "network:router_interface", "status": "ACTIVE"})
	return c.routerInterface(router, port)
}

func (c *Cloud) routerInterface(router, port object) (*reply, error) {
	subnet := ""
	if ips := port.list("fixed_ips"); len(ips) > 0 {
		subnet = asObject(ips[0]).str("subnet_id")
	}
	return &reply{200, object{
		"id": router.str("id"), "tenant_id": router.str("project_id"), "project_id": router.str("project_id"), "port_id": port.str("id"),
		"network_id": port.str("network_id"), "subnet_id": subnet, "subnet_ids": []any{subnet}, "tags": []any{},
	}}, nil
}

func (c *Cloud) routerDetach(k *call) (*reply, error) {
	router := c.net("routers").get(k.id("id"))
	if router == nil {
		return nil, neutronError(404, "RouterNotFound", "Router %s could not be found", k.id("id"))
	}
	for _, p := range c.routerPorts(router.str("id")) {
		for _, ip := range p.list("fixed_ips") {
			if p.str("id") == k.body.str("port_id") || asObject(ip).str("subnet_id") == k.body.str("subnet_id") {
				c.net("ports").remove(p.str("id"))
				return c.routerInterface(router, p)
			}
		}
	}
	return nil, neutronError(404, "RouterInterfaceNotFound", "Router %s has no interface on subnet %s", router.str("id"), k.body.str("subnet_id"))
}

func floatingDefaults(k *call) object {
	o := plainDefaults(k)
	delete(o, "name") // clients take a name for the address
	delete(o, "shared")
	return with(o, object{
		"status": "DOWN", "port_id": nil, "fixed_ip_address": nil, "router_id": nil, "port_details": nil, "dns_name": "", "dns_domain": "",
		"qos_policy_id": nil, "port_forwardings": []any{},
	})
}

func (c *Cloud) floatingCreate(k *call, o object) error {
	network := c.net("networks").get(o.str("floating_network_id"))
	if network == nil || !network.truth("router:external", false) {
		return neutronError(404, "ExternalNetworkNotFound", "External network %s could not be found.", o.str("floating_network_id"))
	}
	want, _ := o["floating_ip_address"].(string)
	subnets := c.net("subnets").all(func(s object) bool { return s.str("network_id") == network.str("id") })
	if len(subnets) == 0 {
		return neutronError(409, "IpAddressGenerationFailure", "No more IP addresses available on network %s.", network.str("id"))
	}
	addr, err := c.allocate(subnets[0], want)
	if err != nil {
		return err
	}
	o["floating_ip_address"] = addr.String()
	port, _ := o["port_id"].(string)
	fixed, _ := o["fixed_ip_address"].(string)
	if err := c.checkFloatingPort(o, port); err != nil {
		return err
	}
	c.floatingAttach(o, port, fixed)
	return nil
}

func (c *Cloud) floatingUpdate(k *call, o, in object) error {
	value, given := in["port_id"]
	if !given {
		return nil
	}
	port, _ := value.(string)
	fixed := in.str("fixed_ip_address")
	delete(in, "port_id")
	delete(in, "fixed_ip_address")
	if err := c.checkFloatingPort(o, port); err != nil {
		return err
	}
	c.floatingAttach(o, port, fixed)
	return nil
}

func (c *Cloud) checkFloatingPort(o object, id string) error {
	if id == "" {
		return nil
	}
	port := c.net("ports").get(id)
	if port == nil {
		return neutronError(404, "PortNotFound", "Port %s could not be found.", id)
	}
	for _, f := range c.net("floatingips").all(nil) {
		if f.str("port_id") == id && f.str("id") != o.str("id") {
			return neutronError(409, "FloatingIPPortAlreadyAssociated", "Cannot associate floating IP %s (%s) with port %s, as that port already has a floating IP.",
				o.str("floating_ip_address"), o.str("id"), id)
		}
	}
	return nil
}

// floatingAttach points the floating IP at a port; "" takes it off.
func (c *Cloud) floatingAttach(o object, portID, fixed string) {
	old := o.str("port_id")
	with(o, object{"port_id": nil, "fixed_ip_address": nil, "router_id": nil, "status": "DOWN", "port_details": nil})
	if port := c.net("ports").get(portID); port != nil {
		if ips := port.list("fixed_ips"); fixed == "" && len(ips) > 0 {
			fixed = asObject(ips[0]).str("ip_address")
		}
		with(o, object{"port_id": portID, "fixed_ip_address": fixed, "router_id": FixedID("router1"), "status": "ACTIVE"})
		o["port_details"] = pick(port, []string{"status", "name", "admin_state_up", "network_id", "device_owner", "mac_address", "device_id"})
	}
	for _, id := range []string{old, portID} {
		c.localChanged(id, o)
	}
}

// localChanged tells the machine behind a port which floating IPs it has; o
// is one that may not be stored yet.
func (c *Cloud) localChanged(portID string, o object) {
	port := c.net("ports").get(portID)
	if port == nil {
		return
	}
	s := c.serverBy[port.str("device_id")]
	if s == nil || s.machine == nil {
		return
	}
	addrs := c.localAddrs(s, o)
	machine := s.machine
	c.background(func(ctx context.Context) {
		if err := machine.SetLocal(ctx, addrs); err != nil {
			c.cfg.Logf("cloud: floating IPs of %s: %v", s.name, err)
		}
	})
}

// localAddrs returns the floating IPs of the server's ports.
func (c *Cloud) localAddrs(s *server, extra ...object) []netip.Addr {
	var out []netip.Addr
	for _, f := range append(c.net("floatingips").all(nil), extra...) {
		port := c.net("ports").get(f.str("port_id"))
		if port == nil || port.str("device_id") != s.id {
			continue
		}
		if a, err := netip.ParseAddr(f.str("floating_ip_address")); err == nil && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func (c *Cloud) floatingRemove(k *call, o object) error {
	c.floatingAttach(o, "", "")
	for _, s := range c.net("subnets").all(nil) {
		if s.str("network_id") == o.str("floating_network_id") {
			c.release([]any{object{"subnet_id": s.str("id"), "ip_address": o.str("floating_ip_address")}})
		}
	}
	return nil
}
