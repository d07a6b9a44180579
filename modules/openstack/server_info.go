package openstack

// This file defines openstack.cloud.server_info
// (https://docs.ansible.com/ansible/latest/collections/openstack/cloud/server_info_module.html).

import (
	"context"
	"fmt"
	"path"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"gorun/modules"
)

type serverInfoArgs struct {
	cloudArgs
	Server      string         `arg:"server"`
	Detailed    bool           `arg:"detailed"`
	AllProjects bool           `arg:"all_projects"`
	Filters     map[string]any `arg:"filters"`
}

// ServerInfo lists servers.
var ServerInfo = modules.Define(modules.Spec{
	Name: "openstack.cloud.server_info",
	Doc:  "List servers, all or those of a name, an id or a pattern.",
	Options: cloudOptions(
		modules.Option{Name: "server", Aliases: []string{"name"}, Doc: "Name or id, with * and ? as wildcards."},
		modules.Option{Name: "detailed", Type: modules.Bool, Default: false, Ignored: "every server is shown whole", Doc: "Whether to show more."},
		modules.Option{Name: "all_projects", Type: modules.Bool, Default: false, Doc: "Whether servers of other projects are listed too."},
		modules.Option{Name: "filters", Type: modules.Dict, Doc: "Keys of a server and the values that they have to have."},
	),
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runServerInfo)

func runServerInfo(ctx context.Context, m *modules.Run, a *serverInfoArgs) (*modules.Result, error) {
	c, err := connect(ctx, m, &a.cloudArgs)
	if err != nil {
		return nil, err
	}
	compute, err := c.compute()
	if err != nil {
		return nil, err
	}
	pages, err := servers.List(compute, servers.ListOpts{AllTenants: a.AllProjects}).AllPages(ctx)
	if err != nil {
		return nil, apiFailure("list the servers", err)
	}
	all, err := servers.ExtractServers(pages)
	if err != nil {
		return nil, apiFailure("read the list of servers", err)
	}
	out := []any{}
	for i := range all {
		s := &all[i]
		if a.Server != "" && s.ID != a.Server {
			if ok, err := path.Match(a.Server, s.Name); err != nil || !ok {
				continue
			}
		}
		if info := serverResult(false, s).Data["server"].(map[string]any); matches(info, a.Filters) {
			out = append(out, info)
		}
	}
	return &modules.Result{Data: map[string]any{"openstack_servers": out, "servers": out}}, nil
}

// matches reports whether a resource has the values of filters, dicts inside dicts included.
func matches(have map[string]any, filters map[string]any) bool {
	for k, want := range filters {
		got, ok := have[k]
		if !ok {
			return false
		}
		if sub, isDict := want.(map[string]any); isDict {
			inner, _ := got.(map[string]any)
			if !matches(inner, sub) {
				return false
			}
			continue
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return false
		}
	}
	return true
}
