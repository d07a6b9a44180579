package openstack

// This file lists servers for the inventory plugin, as the API shows them.

import (
	"context"
	"net/url"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"gorun/modules"
)

// A Query says which servers Servers lists.
type Query struct {
	// Cloud is what clouds.yaml says of the cloud; nil: the OS_* variables.
	Cloud map[string]any
	// Region is the cloud's region, "" for its only one.
	Region string
	// Filters are further parameters of the list
	// (https://docs.openstack.org/api-ref/compute/#list-servers).
	Filters url.Values
	// AllProjects lists servers of every project; Volumes adds the volumes
	// that are attached to each.
	AllProjects, Volumes bool
}

// Servers returns the servers of a cloud with the keys of the API's JSON, and
// under "volumes" their volumes where the query wants them.
func Servers(ctx context.Context, q Query) ([]map[string]any, error) {
	a := cloudArgs{RegionName: q.Region, Interface: "public"}
	if q.Cloud != nil {
		a.Cloud = q.Cloud
	}
	c, err := connect(ctx, &modules.Run{}, &a)
	if err != nil {
		return nil, err
	}
	compute, err := c.compute()
	if err != nil {
		return nil, err
	}
	query := serverQuery{"all_tenants": {"1"}}
	if !q.AllProjects {
		query = serverQuery{}
	}
	for k, v := range q.Filters {
		query[k] = v
	}
	all, err := rawPages(ctx, servers.List(compute, query), "servers")
	if err != nil {
		return nil, apiFailure("list the servers", err)
	}
	if !q.Volumes {
		return all, nil
	}
	storage, err := c.volume()
	if err != nil {
		return nil, err
	}
	vols, err := rawPages(ctx, volumes.List(storage, volumes.ListOpts{AllTenants: q.AllProjects}), "volumes")
	if err != nil {
		return nil, apiFailure("list the volumes", err)
	}
	for _, s := range all {
		s["volumes"] = attachedTo(s["id"], vols)
	}
	return all, nil
}

// serverQuery is [servers.ListOptsBuilder] of parameters as they are.
type serverQuery url.Values

func (q serverQuery) ToServerListQuery() (string, error) {
	if len(q) == 0 {
		return "", nil
	}
	return "?" + url.Values(q).Encode(), nil
}

// rawPages returns the elements of a list's pages as the API wrote them.
func rawPages(ctx context.Context, list pagination.Pager, key string) ([]map[string]any, error) {
	var out []map[string]any
	err := list.EachPage(ctx, func(_ context.Context, page pagination.Page) (bool, error) {
		body, _ := page.GetBody().(map[string]any)
		elems, _ := body[key].([]any)
		for _, e := range elems {
			if m, ok := e.(map[string]any); ok {
				out = append(out, m)
			}
		}
		return true, nil
	})
	return out, err
}

// attachedTo returns those of volumes that are attached to a server.
func attachedTo(id any, volumes []map[string]any) []any {
	list := []any{}
	for _, v := range volumes {
		attachments, _ := v["attachments"].([]any)
		for _, a := range attachments {
			if m, ok := a.(map[string]any); ok && m["server_id"] == id {
				list = append(list, v)
				break
			}
		}
	}
	return list
}
