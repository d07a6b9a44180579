package openstack

// This file changes the security groups of a server.

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/secgroups"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"gorun/modules"
)

// updateGroups adds the security groups that a server lacks and removes those
// that are not asked for.
func updateGroups(ctx context.Context, m *modules.Run, c *cloud, a *serverArgs, s *servers.Server) (bool, error) {
	var have []string
	for _, g := range s.SecurityGroups {
		if name := groupName(g); !slices.Contains(have, name) {
			have = append(have, name)
		}
	}
	compute, err := c.compute()
	if err != nil {
		return false, err
	}
	changed := false
	for _, name := range a.SecurityGroups {
		if slices.Contains(have, name) {
			continue
		}
		changed = true
		if m.Check {
			continue
		}
		if err := secgroups.AddServer(ctx, compute, s.ID, name).ExtractErr(); err != nil {
			return changed, apiFailure("add the security group "+name, err)
		}
	}
	for _, name := range have {
		if slices.Contains(a.SecurityGroups, name) {
			continue
		}
		changed = true
		if m.Check {
			continue
		}
		if err := secgroups.RemoveServer(ctx, compute, s.ID, name).ExtractErr(); err != nil {
			return changed, apiFailure("remove the security group "+name, err)
		}
	}
	return changed, nil
}
