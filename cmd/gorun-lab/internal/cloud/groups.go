package cloud

// This file is Neutron's security groups and their rules.

import (
	"fmt"
	"slices"
)

// findGroup returns the project's security group by name or id.
func (c *Cloud) findGroup(what, project string) object {
	for _, g := range c.net("security_groups").all(nil) {
		if (g.str("name") == what || g.str("id") == what) && g.str("project_id") == project {
			return g
		}
	}
	return nil
}

func (c *Cloud) groupCreate(k *call, o object) error {
	if o.str("name") == "default" && c.findGroup("default", o.str("project_id")) != nil {
		return neutronError(409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
	}
	o["stateful"] = true
	for _, ether := range []string{"IPv4", "IPv6"} {
		c.addRule(o, object{"direction": "egress", "ethertype": ether})
	}
	return nil
}

// addRule adds a rule to a group.
func (c *Cloud) addRule(group, rule object) {
	o := ruleDefaults(&call{token: &token{project: group.str("project_id")}})
	c.net("security_group_rules").add(with(with(o, rule), object{"security_group_id": group.str("id")}))
}

func (c *Cloud) groupShow(o object) object {
	o["security_group_rules"] = c.net("security_group_rules").all(func(r object) bool { return r.str("security_group_id") == o.str("id") })
	return o
}

func (c *Cloud) groupRemove(k *call, o object) error {
	if o.str("name") == "default" && !k.token.admin() {
		return neutronError(409, "SecurityGroupCannotRemoveDefault", "Insufficient rights for removing default security group.")
	}
	for _, p := range c.net("ports").all(nil) {
		if slices.Contains(p.list("security_groups"), any(o.str("id"))) {
			return neutronError(409, "SecurityGroupInUse", "Security Group %s in use.", o.str("id"))
		}
	}
	for _, r := range c.groupShow(clone(o))["security_group_rules"].([]object) {
		c.net("security_group_rules").remove(r.str("id"))
	}
	return nil
}

func ruleDefaults(k *call) object {
	o := with(plainDefaults(k), object{
		"direction": "ingress", "ethertype": "IPv4", "protocol": nil, "port_range_min": nil, "port_range_max": nil,
		"remote_ip_prefix": nil, "remote_group_id": nil, "remote_address_group_id": nil, "normalized_cidr": nil,
	})
	delete(o, "name")
	delete(o, "shared")
	return o
}

// ruleKeys are the fields two rules must differ in.
var ruleKeys = []string{
	"security_group_id", "direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id",
}

func (c *Cloud) ruleCreate(k *call, o object) error {
	group := c.net("security_groups").get(o.str("security_group_id"))
	if group == nil || !visible(k, group) {
		return neutronError(404, "SecurityGroupNotFound", "Security group %s does not exist", o.str("security_group_id"))
	}
	for _, r := range c.net("security_group_rules").all(nil) {
		same := true
		for _, key := range ruleKeys {
			same = same && fmt.Sprint(r[key]) == fmt.Sprint(o[key])
		}
		if same {
			return neutronError(409, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is %s.", r.str("id"))
		}
	}
	return nil
}
