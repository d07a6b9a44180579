package openstack

// This file defines nova_compute, the module of Ansible 1.x: servers by ids,
// with the arguments, defaults and results of that day. What came later is
// openstack.cloud.server.

import (
	"context"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"gorun/modules"
)

type novaArgs struct {
	LoginUsername    string         `arg:"login_username"`
	LoginPassword    string         `arg:"login_password"`
	LoginTenantName  string         `arg:"login_tenant_name"`
	AuthURL          string         `arg:"auth_url"`
	RegionName       string         `arg:"region_name"`
	State            string         `arg:"state"`
	Name             string         `arg:"name"`
	ImageID          string         `arg:"image_id"`
	ImageName        string         `arg:"image_name"`
	ImageExclude     string         `arg:"image_exclude"`
	FlavorID         string         `arg:"flavor_id"`
	FlavorRAM        int            `arg:"flavor_ram"`
	FlavorInclude    string         `arg:"flavor_include"`
	KeyName          string         `arg:"key_name"`
	SecurityGroups   string         `arg:"security_groups"`
	Nics             []any          `arg:"nics"`
	Meta             any            `arg:"meta"`
	Wait             bool           `arg:"wait"`
	WaitFor          int            `arg:"wait_for"`
	UserData         string         `arg:"user_data"`
	AvailabilityZone string         `arg:"availability_zone"`
	ConfigDrive      bool           `arg:"config_drive"`
	AutoFloatingIP   bool           `arg:"auto_floating_ip"`
	FloatingIPs      []string       `arg:"floating_ips"`
	FloatingIPPools  []string       `arg:"floating_ip_pools"`
	SchedulerHints   map[string]any `arg:"scheduler_hints"`
}

// NovaCompute creates and deletes servers as Ansible 1.x did.
var NovaCompute = modules.Define(modules.Spec{
	Name: "openstack.cloud.nova_compute",
	Doc:  "Create and delete servers, with the arguments that the module had in Ansible 1.x. New playbooks use openstack.cloud.server.",
	Options: []modules.Option{
		{Name: "login_username", Default: "admin", Env: []string{"OS_USERNAME"}, Doc: "User to log in as."},
		{Name: "login_password", Required: true, NoLog: true, Env: []string{"OS_PASSWORD"}, Doc: "The user's password."},
		{Name: "login_tenant_name", Required: true, Env: []string{"OS_TENANT_NAME", "OS_PROJECT_NAME"}, Doc: "Tenant (project) of the server."},
		{Name: "auth_url", Default: "http://127.0.0.1:35357/v2.0/", Env: []string{"OS_AUTH_URL"}, Doc: "Keystone's address, v2.0 or v3."},
		{Name: "region_name", Env: []string{"OS_REGION_NAME"}, Doc: "Name of the region."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the server is to be there."},
		{Name: "name", Required: true, Doc: "Name of the server."},
		{Name: "image_id", Doc: "Id of the image to boot."},
		{Name: "image_name", Doc: "Name of the image to boot."},
		{Name: "image_exclude", Default: "(deprecated)", Doc: "Images with this in their name are passed over."},
		{Name: "flavor_id", Default: "1", Doc: "Id of the flavor."},
		{Name: "flavor_ram", Type: modules.Int, Doc: "Memory in MB that the flavor has at least."},
		{Name: "flavor_include", Doc: "What the flavor's name contains."},
		{Name: "key_name", Doc: "Keypair to put on the server."},
		{Name: "security_groups", Default: "default", Doc: "Security groups, by commas."},
		{Name: "nics", Type: modules.List, Elements: modules.Raw, Doc: "Networks by net-id or port-id."},
		{Name: "meta", Type: modules.Raw, Doc: "Metadata: a dict, or key=value by commas."},
		{Name: "wait", Type: modules.Bool, Default: true, Doc: "Whether to wait until the server is active."},
		{Name: "wait_for", Type: modules.Int, Default: 180, Doc: "Seconds to wait at most."},
		{Name: "user_data", Aliases: []string{"userdata"}, Doc: "Data for cloud-init."},
		{Name: "availability_zone", Doc: "Zone to create the server in."},
		{Name: "config_drive", Type: modules.Bool, Default: false, Doc: "Whether the server gets a config drive."},
		{Name: "auto_floating_ip", Type: modules.Bool, Default: false, Doc: "Whether the server gets a floating address."},
		{Name: "floating_ips", Type: modules.List, Elements: modules.Str, Doc: "Floating addresses that exist, to be used."},
		{Name: "floating_ip_pools", Type: modules.List, Elements: modules.Str, Doc: "External networks to take floating addresses from."},
		{Name: "scheduler_hints", Type: modules.Dict, Doc: "Hints for the scheduler."},
	},
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{
			{"auto_floating_ip", "floating_ips"}, {"auto_floating_ip", "floating_ip_pools"},
			{"floating_ips", "floating_ip_pools"}, {"image_id", "image_name"}, {"flavor_id", "flavor_ram"},
		},
	},
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runNovaCompute)

func runNovaCompute(ctx context.Context, m *modules.Run, a *novaArgs) (*modules.Result, error) {
	common := &cloudArgs{Interface: "public", RegionName: a.RegionName, Auth: map[string]any{
		"auth_url": strings.TrimSpace(a.AuthURL), "username": a.LoginUsername, "password": a.LoginPassword, "project_name": a.LoginTenantName,
	}}
	c, err := connect(ctx, m, common)
	if err != nil {
		return nil, err
	}
	compute, err := c.compute()
	if err != nil {
		return nil, err
	}
	server, err := serverByName(ctx, compute, a.Name)
	if err != nil {
		return nil, err
	}
	if a.State == "absent" {
		return novaDelete(ctx, m, a, compute, server)
	}
	if server != nil {
		return novaExisting(ctx, m, c, a, server)
	}
	return novaCreate(ctx, m, c, a, compute)
}

func novaDelete(ctx context.Context, m *modules.Run, a *novaArgs, compute *gophercloud.ServiceClient, s *servers.Server) (*modules.Result, error) {
	if s == nil {
		return &modules.Result{Data: map[string]any{"result": "not present"}}, nil
	}
	if m.Check {
		return &modules.Result{Changed: true, Data: map[string]any{"result": "deleted"}}, nil
	}
	if err := deleteServer(ctx, compute, s.ID, a.Wait, time.Duration(a.WaitFor)*time.Second); err != nil {
		return nil, err
	}
	return &modules.Result{Changed: true, Data: map[string]any{"result": "deleted"}}, nil
}

// novaExisting answers for a server that is there: it is never changed but for
// floating addresses that are asked for.
func novaExisting(ctx context.Context, m *modules.Run, c *cloud, a *novaArgs, s *servers.Server) (*modules.Result, error) {
	if s.Status != "ACTIVE" {
		return nil, modules.FailWith(map[string]any{"id": s.ID, "status": s.Status},
			"The VM is available but not Active. state: %s", s.Status)
	}
	changed, s, err := novaFloating(ctx, m, c, a, s)
	if err != nil {
		return nil, err
	}
	return novaResult(changed, s), nil
}

func novaCreate(ctx context.Context, m *modules.Run, c *cloud, a *novaArgs, compute *gophercloud.ServiceClient) (*modules.Result, error) {
	opts, err := novaCreateOpts(ctx, c, a, compute)
	if err != nil {
		return nil, err
	}
	if m.Check {
		return &modules.Result{Changed: true}, nil
	}
	s, err := createServer(ctx, compute, opts, a.SchedulerHints)
	if err != nil {
		return nil, err
	}
	if a.Wait {
		if s, err = waitActive(ctx, compute, s.ID, time.Duration(a.WaitFor)*time.Second); err != nil {
			return nil, err
		}
	}
	if _, s, err = novaFloating(ctx, m, c, a, s); err != nil {
		return nil, err
	}
	return novaResult(true, s), nil
}

func novaCreateOpts(ctx context.Context, c *cloud, a *novaArgs, compute *gophercloud.ServiceClient) (servers.CreateOptsBuilder, error) {
	image, err := novaImage(ctx, c, a)
	if err != nil {
		return nil, err
	}
	flavor, err := novaFlavor(ctx, a, compute)
	if err != nil {
		return nil, err
	}
	meta, err := parseMeta(a.Meta)
	if err != nil {
		return nil, err
	}
	nics, err := c.parseNics(ctx, a.Nics)
	if err != nil {
		return nil, err
	}
	opts := servers.CreateOpts{
		Name: a.Name, ImageRef: image, FlavorRef: flavor, Metadata: meta, AvailabilityZone: a.AvailabilityZone,
		SecurityGroups: splitWords(a.SecurityGroups), UserData: []byte(a.UserData), Min: 1, Max: 1,
	}
	if len(nics) > 0 {
		opts.Networks = nics
	}
	if a.ConfigDrive {
		opts.ConfigDrive = &a.ConfigDrive
	}
	if a.KeyName == "" {
		return opts, nil
	}
	return keypairs.CreateOptsExt{CreateOptsBuilder: opts, KeyName: a.KeyName}, nil
}

func novaImage(ctx context.Context, c *cloud, a *novaArgs) (string, error) {
	switch {
	case a.ImageID != "":
		return a.ImageID, nil
	case a.ImageName == "":
		return "", modules.Failf("Parameter 'image_id' is required if state == 'present'")
	}
	client, err := c.image()
	if err != nil {
		return "", err
	}
	img, err := find(ctx, "images", images.List(client, images.ListOpts{}), images.ExtractImages, func(i *images.Image) bool {
		return strings.Contains(i.Name, a.ImageName) && (a.ImageExclude == "" || !strings.Contains(i.Name, a.ImageExclude))
	})
	if err != nil {
		return "", err
	}
	if img != nil {
		return img.ID, nil
	}
	return "", modules.Failf("Error finding image id from name(%s)", a.ImageName)
}

func novaFlavor(ctx context.Context, a *novaArgs, compute *gophercloud.ServiceClient) (string, error) {
	if a.FlavorRAM == 0 {
		return a.FlavorID, nil
	}
	f, err := flavorByRAM(ctx, compute, a.FlavorRAM, a.FlavorInclude)
	if err != nil {
		return "", err
	}
	return f.ID, nil
}

// flavorByRAM finds the smallest flavor that has at least ram MB and whose
// name contains include.
func flavorByRAM(ctx context.Context, compute *gophercloud.ServiceClient, ram int, include string) (*flavors.Flavor, error) {
	pages, err := flavors.ListDetail(compute, nil).AllPages(ctx)
	if err != nil {
		return nil, apiFailure("list the flavors", err)
	}
	all, err := flavors.ExtractFlavors(pages)
	if err != nil {
		return nil, apiFailure("read the list of flavors", err)
	}
	var best *flavors.Flavor
	for i, f := range all {
		if f.RAM >= ram && strings.Contains(f.Name, include) && (best == nil || f.RAM < best.RAM) {
			best = &all[i]
		}
	}
	if best == nil {
		return nil, modules.Failf("Error finding flavor with %dMB of RAM", ram)
	}
	return best, nil
}

// novaFloating gives the server the floating addresses that are asked for.
func novaFloating(ctx context.Context, m *modules.Run, c *cloud, a *novaArgs, s *servers.Server) (changed bool, _ *servers.Server, err error) {
	if !a.AutoFloatingIP && len(a.FloatingIPs) == 0 && len(a.FloatingIPPools) == 0 {
		return false, s, nil
	}
	changed, err = c.ensureFloating(ctx, m, s, floatingWanted{auto: a.AutoFloatingIP, reuse: true, addresses: a.FloatingIPs, pools: a.FloatingIPPools})
	if err != nil || !changed || m.Check {
		return changed, s, err
	}
	compute, err := c.compute()
	if err != nil {
		return changed, s, err
	}
	s, err = servers.Get(ctx, compute, s.ID).Extract()
	if err != nil {
		return changed, nil, apiFailure("read the server", err)
	}
	return changed, s, nil
}

func novaResult(changed bool, s *servers.Server) *modules.Result {
	return &modules.Result{Changed: changed, Data: map[string]any{
		"id":         s.ID,
		"private_ip": strings.Join(addresses(s, "fixed"), ""),
		"public_ip":  strings.Join(addresses(s, "floating"), ""),
		"status":     s.Status,
		"info":       serverInfo(s),
	}}
}
