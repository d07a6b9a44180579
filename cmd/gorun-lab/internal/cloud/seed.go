package cloud

// This file is the networks a cloud is born with.

import (
	"fmt"
	"net/netip"
)

// seedNetwork makes what the cloud is born with: the hosts' network, one for
// floating IPs, a router between, and two security groups.
func (c *Cloud) seedNetwork() {
	project := hexID("project " + c.cfg.Project)
	k := &call{token: &token{project: project}}
	private := with(networkDefaults(k), object{"id": FixedID("private"), "name": "private"})
	c.net("networks").add(private)
	gateway := c.cfg.Network.Masked().Addr().Next()
	start := gateway
	for range 10 {
		start = start.Next()
	}
	end := gateway
	for range 198 {
		end = end.Next()
	}
	subnet := with(subnetDefaults(k), object{
		"id": FixedID("private-subnet"), "name": "private-subnet", "network_id": private.str("id"), "cidr": c.cfg.Network.Masked().String(),
		"gateway_ip":       gateway.String(),
		"allocation_pools": []any{object{"start": start.String(), "end": end.String()}},
	})
	c.net("subnets").add(subnet)
	c.ipam[subnet.str("id")] = map[netip.Addr]bool{}
	for _, a := range c.cfg.Taken {
		c.ipam[subnet.str("id")][a] = true
	}
	c.seedGroups(k)
	for name, addr := range c.cfg.VIPs {
		c.ipam[subnet.str("id")][addr] = true
		id := FixedID("port " + name)
		c.net("ports").add(with(portDefaults(k), object{
			"id": id, "name": name, "network_id": private.str("id"), "security_groups": []any{},
			"mac_address": fmt.Sprintf("fa:16:3e:%s:%s:%s", id[0:2], id[2:4], id[4:6]),
			"fixed_ips":   []any{object{"subnet_id": subnet.str("id"), "ip_address": addr.String()}},
			"description": "a virtual address that hosts move between them",
		}))
	}
	if c.cfg.Public.IsValid() {
		c.seedPublic(k)
	}
}

func (c *Cloud) seedGroups(k *call) {
	for _, name := range []string{"default", "built-in-allow-all"} {
		for _, project := range c.idn.projects.all(nil) {
			k := &call{token: &token{project: project.str("id")}}
			id := FixedID("group " + name + project.str("name"))
			g := c.net("security_groups").add(with(plainDefaults(k), object{"id": id, "name": name, "stateful": true}))
			for _, ether := range []string{"IPv4", "IPv6"} {
				c.addRule(g, object{"direction": "egress", "ethertype": ether})
				rule := object{"direction": "ingress", "ethertype": ether}
				if name == "default" {
					rule["remote_group_id"] = id
				}
				c.addRule(g, rule)
			}
		}
	}
}

func (c *Cloud) seedPublic(k *call) {
	public := with(networkDefaults(k), object{"id": FixedID("public"), "name": "public", "router:external": true, "is_default": true,
		"project_id": hexID("project admin"), "tenant_id": hexID("project admin")})
	c.net("networks").add(public)
	cidr := c.cfg.Public.Masked()
	first := cidr.Addr().Next()
	c.net("subnets").add(with(subnetDefaults(k), object{
		"id": FixedID("public-subnet"), "name": "public-subnet", "network_id": public.str("id"), "cidr": cidr.String(),
		"gateway_ip": first.String(), "enable_dhcp": false,
		"allocation_pools": []any{object{"start": first.Next().String(), "end": lastAddr(cidr).String()}},
		"project_id":       public["project_id"], "tenant_id": public["tenant_id"],
	}))
	c.net("routers").add(with(routerDefaults(k), object{"id": FixedID("router1"), "name": "router1",
		"external_gateway_info": object{"network_id": public.str("id"), "enable_snat": true, "external_fixed_ips": []any{}}}))
}
