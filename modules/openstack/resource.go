package openstack

// This file holds what the modules about networks share.

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/pagination"

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

// openNetwork connects and gives the network service and the id of the project
// that a task names, "" where it names none.
func openNetwork(ctx context.Context, m *modules.Run, a *cloudArgs, project string) (c *cloud, client *gophercloud.ServiceClient, projectID string, err error) {
	if c, err = connect(ctx, m, a); err != nil {
		return nil, nil, "", err
	}
	if projectID, err = c.projectID(ctx, project); err != nil {
		return nil, nil, "", err
	}
	client, err = c.network()
	return c, client, projectID, err
}

// find returns the first resource of a list for which is holds; nil where there
// is none. what names the list in messages.
func find[T any](ctx context.Context, what string, list pagination.Pager, extract func(pagination.Page) ([]T, error), is func(*T) bool) (*T, error) {
	pages, err := list.AllPages(ctx)
	if err != nil {
		return nil, apiFailure("list the "+what, err)
	}
	all, err := extract(pages)
	if err != nil {
		return nil, apiFailure("read the list of "+what, err)
	}
	for i := range all {
		if is(&all[i]) {
			return &all[i], nil
		}
	}
	return nil, nil
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
	p, err := find(ctx, "projects", projects.List(identity, projects.ListOpts{}), projects.ExtractProjects,
		func(p *projects.Project) bool { return p.Name == name || p.ID == name })
	if err != nil {
		return "", err
	}
	if p != nil {
		return p.ID, nil
	}
	return "", modules.Failf("Project could not be found by name or ID %s", name)
}

// findNetwork finds a network by name or id; nil where there is none.
func findNetwork(ctx context.Context, client *gophercloud.ServiceClient, name, project string) (*networks.Network, error) {
	return find(ctx, "networks", networks.List(client, networks.ListOpts{ProjectID: project}), networks.ExtractNetworks,
		func(n *networks.Network) bool { return n.Name == name || n.ID == name })
}

// findGroup finds a security group by name or id; nil where there is none.
func findGroup(ctx context.Context, client *gophercloud.ServiceClient, name, project string) (*groups.SecGroup, error) {
	return find(ctx, "security groups", groups.List(client, groups.ListOpts{ProjectID: project}), groups.ExtractGroups,
		func(g *groups.SecGroup) bool { return g.Name == name || g.ID == name })
}
