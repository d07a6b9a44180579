package openstack

// This file holds what the modules about networks share.

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"

	"github.com/gophercloud/gophercloud/v2/openstack"

	"gorun/modules"
)

// info is a resource as the API's JSON shows it.
func info(v any) map[string]any {
	data, err := json.Marshal(v)
	if err != nil {
		return nil // plain structs always marshal
	}
	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil
	}
	return out
}

// raw are the keys of a create or update request as the API takes them, under
// the resource's name. It is a struct since gophercloud looks for headers in its fields.
type raw struct {
	resource string
	keys     map[string]any
}

func (r raw) body() (map[string]any, error) { return map[string]any{r.resource: r.keys}, nil }

// state takes the resource out of an answer's body.
func state(r gophercloud.Result, resource string) (map[string]any, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	body, _ := r.Body.(map[string]any)
	out, ok := body[resource].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the answer holds no %s", resource)
	}
	return out, nil
}

// projectID finds a project by name or id; "" gives "".
func (c *cloud) projectID(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	identity, err := openstack.NewIdentityV3(c.provider, c.endpoint)
	if err != nil {
		return "", apiFailure("find the identity service", err)
	}
	pages, err := projects.List(identity, projects.ListOpts{}).AllPages(ctx)
	if err != nil {
		return "", apiFailure("list the projects", err)
	}
	all, err := projects.ExtractProjects(pages)
	if err != nil {
		return "", apiFailure("read the list of projects", err)
	}
	for _, p := range all {
		if p.Name == name || p.ID == name {
			return p.ID, nil
		}
	}
	return "", modules.Failf("Project could not be found by name or ID %s", name)
}

// findNetwork finds a network by name or id; nil where there is none.
func findNetwork(ctx context.Context, client *gophercloud.ServiceClient, name, project string) (*networks.Network, error) {
	pages, err := networks.List(client, networks.ListOpts{ProjectID: project}).AllPages(ctx)
	if err != nil {
		return nil, apiFailure("list the networks", err)
	}
	all, err := networks.ExtractNetworks(pages)
	if err != nil {
		return nil, apiFailure("read the list of networks", err)
	}
	for i := range all {
		if all[i].Name == name || all[i].ID == name {
			return &all[i], nil
		}
	}
	return nil, nil
}

// findGroup finds a security group by name or id; nil where there is none.
func findGroup(ctx context.Context, client *gophercloud.ServiceClient, name, project string) (*groups.SecGroup, error) {
	pages, err := groups.List(client, groups.ListOpts{ProjectID: project}).AllPages(ctx)
	if err != nil {
		return nil, apiFailure("list the security groups", err)
	}
	all, err := groups.ExtractGroups(pages)
	if err != nil {
		return nil, apiFailure("read the list of security groups", err)
	}
	for i := range all {
		if all[i].Name == name || all[i].ID == name {
			return &all[i], nil
		}
	}
	return nil, nil
}
