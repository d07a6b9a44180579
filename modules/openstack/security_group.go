package openstack

// This file defines openstack.cloud.security_group and security_group_rule
// (https://docs.ansible.com/ansible/latest/collections/openstack/cloud/security_group_module.html).

import (
	"context"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"

	"gorun/modules"
)

type groupArgs struct {
	cloudArgs
	Name             string  `arg:"name"`
	Description      *string `arg:"description"`
	Project          string  `arg:"project"`
	State            string  `arg:"state"`
	AvailabilityZone string  `arg:"availability_zone"`
}

// SecurityGroup manages security groups.
var SecurityGroup = modules.Define(modules.Spec{
	Name: "openstack.cloud.security_group",
	Doc:  "Add, change and delete security groups.",
	Options: cloudOptions(
		modules.Option{Name: "name", Required: true, Doc: "Name of the group."},
		modules.Option{Name: "description", Doc: "Description of the group."},
		modules.Option{Name: "project", Doc: "Name or id of the project that owns it."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the group is to be there."},
		availabilityZone,
	),
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runSecurityGroup)

func runSecurityGroup(ctx context.Context, m *modules.Run, a *groupArgs) (*modules.Result, error) {
	_, client, project, err := openNetwork(ctx, m, &a.cloudArgs, a.Project)
	if err != nil {
		return nil, err
	}
	have, err := findGroup(ctx, client, a.Name, project)
	if err != nil {
		return nil, err
	}
	switch {
	case a.State == "absent":
		if have != nil && !m.Check {
			if err := groups.Delete(ctx, client, have.ID).ExtractErr(); err != nil {
				return nil, apiFailure("delete the security group", err)
			}
		}
		return &modules.Result{Changed: have != nil}, nil
	case have == nil && m.Check:
		return &modules.Result{Changed: true}, nil
	case have == nil:
		opts := groups.CreateOpts{Name: a.Name, ProjectID: project}
		if a.Description != nil {
			opts.Description = *a.Description
		}
		made, err := groups.Create(ctx, client, opts).Extract()
		if err != nil {
			return nil, apiFailure("create the security group", err)
		}
		return groupResult(ctx, client, true, made.ID)
	case a.Description == nil || have.Description == *a.Description:
		return groupResult(ctx, client, false, have.ID)
	case m.Check:
		return groupResult(ctx, client, true, have.ID)
	}
	changed, err := groups.Update(ctx, client, have.ID, groups.UpdateOpts{Name: have.Name, Description: a.Description}).Extract()
	if err != nil {
		return nil, apiFailure("change the security group", err)
	}
	return groupResult(ctx, client, true, changed.ID)
}

// groupResult shows a group as the API does.
func groupResult(ctx context.Context, client *gophercloud.ServiceClient, changed bool, id string) (*modules.Result, error) {
	g, err := state(groups.Get(ctx, client, id).Result, "security_group")
	if err != nil {
		return nil, apiFailure("read the security group", err)
	}
	return &modules.Result{Changed: changed, Data: map[string]any{"id": id, "secgroup": g, "security_group": g}}, nil
}

type ruleArgs struct {
	cloudArgs
	SecurityGroup    string `arg:"security_group"`
	Protocol         string `arg:"protocol"`
	PortMin          *int   `arg:"port_range_min"`
	PortMax          *int   `arg:"port_range_max"`
	RemoteIPPrefix   string `arg:"remote_ip_prefix"`
	RemoteGroup      string `arg:"remote_group"`
	Ethertype        string `arg:"ethertype"`
	Direction        string `arg:"direction"`
	Description      string `arg:"description"`
	Project          string `arg:"project"`
	State            string `arg:"state"`
	AvailabilityZone string `arg:"availability_zone"`
}

// SecurityGroupRule manages rules of security groups.
var SecurityGroupRule = modules.Define(modules.Spec{
	Name: "openstack.cloud.security_group_rule",
	Doc:  "Add and delete rules of security groups.",
	Options: cloudOptions(
		modules.Option{Name: "security_group", Required: true, Doc: "Name or id of the group."},
		modules.Option{Name: "protocol", Doc: "tcp, udp, icmp, any, or a number."},
		modules.Option{Name: "port_range_min", Type: modules.Int, Doc: "First port, or the ICMP type."},
		modules.Option{Name: "port_range_max", Type: modules.Int, Doc: "Last port, or the ICMP code."},
		modules.Option{Name: "remote_ip_prefix", Doc: "Addresses of the other side, in CIDR form."},
		modules.Option{Name: "remote_group", Doc: "Name or id of the other side's group."},
		modules.Option{Name: "ethertype", Default: "IPv4", Choices: []string{"IPv4", "IPv6"}, Doc: "Version of IP."},
		modules.Option{Name: "direction", Default: "ingress", Choices: []string{"egress", "ingress"}, Doc: "Which way."},
		modules.Option{Name: "description", Doc: "Description of the rule."},
		modules.Option{Name: "project", Doc: "Name or id of the project that owns the group."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the rule is to be there."},
		availabilityZone,
	),
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"remote_ip_prefix", "remote_group"}}},
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runSecurityGroupRule)

func runSecurityGroupRule(ctx context.Context, m *modules.Run, a *ruleArgs) (*modules.Result, error) {
	_, client, project, err := openNetwork(ctx, m, &a.cloudArgs, a.Project)
	if err != nil {
		return nil, err
	}
	group, err := findGroup(ctx, client, a.SecurityGroup, project)
	if err != nil {
		return nil, err
	}
	if group == nil {
		if a.State == "absent" {
			return &modules.Result{}, nil
		}
		return nil, modules.Failf("Could not find security group %s", a.SecurityGroup)
	}
	remote, err := a.remoteGroupID(ctx, client, project)
	if err != nil {
		return nil, err
	}
	have := a.find(group.Rules, remote)
	switch {
	case a.State == "absent":
		if have != nil && !m.Check {
			if err := rules.Delete(ctx, client, have.ID).ExtractErr(); err != nil {
				return nil, apiFailure("delete the rule", err)
			}
		}
		return &modules.Result{Changed: have != nil}, nil
	case have != nil:
		return ruleResult(ctx, client, false, have.ID)
	case m.Check:
		return &modules.Result{Changed: true}, nil
	}
	made, err := rules.Create(ctx, client, a.createOpts(group.ID, remote, project)).Extract()
	if err != nil {
		return nil, apiFailure("create the rule", err)
	}
	return ruleResult(ctx, client, true, made.ID)
}

func (a *ruleArgs) remoteGroupID(ctx context.Context, client *gophercloud.ServiceClient, project string) (string, error) {
	if a.RemoteGroup == "" {
		return "", nil
	}
	g, err := findGroup(ctx, client, a.RemoteGroup, project)
	if err != nil {
		return "", err
	}
	if g == nil {
		return "", modules.Failf("Could not find remote security group %s", a.RemoteGroup)
	}
	return g.ID, nil
}

// ports are the range as Neutron keeps it: -1 and a missing end mean all.
func (a *ruleArgs) ports() (from, to int) {
	if a.PortMin != nil && *a.PortMin != -1 {
		from = *a.PortMin
	}
	if a.PortMax != nil && *a.PortMax != -1 {
		to = *a.PortMax
	}
	if p := a.protocol(); (p == "tcp" || p == "udp") && from == 1 && to == 65535 {
		return 0, 0
	}
	return from, to
}

func (a *ruleArgs) protocol() string {
	if p := strings.ToLower(a.Protocol); p != "any" && p != "-1" {
		return p
	}
	return ""
}

func (a *ruleArgs) find(all []rules.SecGroupRule, remote string) *rules.SecGroupRule {
	from, to := a.ports()
	for i := range all {
		r := &all[i]
		full := r.PortRangeMin == 1 && r.PortRangeMax == 65535 && from == 0 && to == 0
		if strings.EqualFold(r.Protocol, a.protocol()) && r.EtherType == a.Ethertype && r.Direction == a.Direction &&
			r.RemoteIPPrefix == a.RemoteIPPrefix && r.RemoteGroupID == remote &&
			(full || r.PortRangeMin == from && r.PortRangeMax == to) {
			return r
		}
	}
	return nil
}

func (a *ruleArgs) createOpts(group, remote, project string) rules.CreateOpts {
	from, to := a.ports()
	return rules.CreateOpts{
		Direction: rules.RuleDirection(a.Direction), EtherType: rules.RuleEtherType(a.Ethertype), SecGroupID: group,
		PortRangeMin: from, PortRangeMax: to, Protocol: rules.RuleProtocol(a.protocol()), Description: a.Description,
		RemoteIPPrefix: a.RemoteIPPrefix, RemoteGroupID: remote, ProjectID: project,
	}
}

// ruleResult shows a rule as the API does.
func ruleResult(ctx context.Context, client *gophercloud.ServiceClient, changed bool, id string) (*modules.Result, error) {
	r, err := state(rules.Get(ctx, client, id).Result, "security_group_rule")
	if err != nil {
		return nil, apiFailure("read the rule", err)
	}
	return &modules.Result{Changed: changed, Data: map[string]any{"id": id, "rule": r, "security_group_rule": r}}, nil
}
