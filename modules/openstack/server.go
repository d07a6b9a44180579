package openstack

// This file defines openstack.cloud.server
// (https://docs.ansible.com/ansible/latest/collections/openstack/cloud/server_module.html).

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"

	"gorun/modules"
)

type serverArgs struct {
	cloudArgs
	Name             string         `arg:"name"`
	Image            string         `arg:"image"`
	ImageExclude     string         `arg:"image_exclude"`
	Flavor           string         `arg:"flavor"`
	FlavorRAM        int            `arg:"flavor_ram"`
	FlavorInclude    string         `arg:"flavor_include"`
	KeyName          string         `arg:"key_name"`
	SecurityGroups   []string       `arg:"security_groups"`
	Network          string         `arg:"network"`
	Nics             []any          `arg:"nics"`
	Meta             any            `arg:"meta"`
	UserData         string         `arg:"userdata"`
	ConfigDrive      bool           `arg:"config_drive"`
	AutoIP           bool           `arg:"auto_ip"`
	FloatingIPs      []string       `arg:"floating_ips"`
	FloatingIPPools  []string       `arg:"floating_ip_pools"`
	BootFromVolume   bool           `arg:"boot_from_volume"`
	BootVolume       string         `arg:"boot_volume"`
	VolumeSize       int            `arg:"volume_size"`
	TerminateVolume  bool           `arg:"terminate_volume"`
	Volumes          []string       `arg:"volumes"`
	SchedulerHints   map[string]any `arg:"scheduler_hints"`
	AvailabilityZone string         `arg:"availability_zone"`
	Description      string         `arg:"description"`
	State            string         `arg:"state"`
	DeleteFIP        bool           `arg:"delete_fip"`
	ReuseIPs         bool           `arg:"reuse_ips"`
}

// Server creates, changes and deletes servers.
var Server = modules.Define(modules.Spec{
	Name: "openstack.cloud.server",
	Doc:  "Create, change and delete servers.",
	Options: cloudOptions(
		modules.Option{Name: "name", Required: true, Doc: "Name of the server; with state absent also its id."},
		modules.Option{Name: "image", Doc: "Name or id of the image."},
		modules.Option{Name: "image_exclude", Default: "(deprecated)", Doc: "Images with this in their name are passed over."},
		modules.Option{Name: "flavor", Doc: "Name or id of the flavor."},
		modules.Option{Name: "flavor_ram", Type: modules.Int, Doc: "Memory in MB that the flavor has at least."},
		modules.Option{Name: "flavor_include", Doc: "What the flavor's name contains, with flavor_ram."},
		modules.Option{Name: "key_name", Doc: "Keypair to put on the server."},
		modules.Option{Name: "security_groups", Type: modules.List, Elements: modules.Str, Default: []any{"default"}, Doc: "Names of the security groups."},
		modules.Option{Name: "network", Doc: "Name or id of the network."},
		modules.Option{Name: "nics", Type: modules.List, Elements: modules.Raw, Doc: "Networks by net-id, net-name, port-id or port-name."},
		modules.Option{Name: "meta", Type: modules.Raw, Doc: "Metadata: a dict, or key=value by commas."},
		modules.Option{Name: "userdata", Aliases: []string{"user_data"}, Doc: "Data for cloud-init."},
		modules.Option{Name: "config_drive", Type: modules.Bool, Default: false, Doc: "Whether the server gets a config drive."},
		modules.Option{Name: "auto_ip", Type: modules.Bool, Default: true, Aliases: []string{"auto_floating_ip", "public_ip"}, Doc: "Whether the server gets a floating address where the cloud has an external network."},
		modules.Option{Name: "floating_ips", Type: modules.List, Elements: modules.Str, Doc: "Floating addresses that exist, to be used."},
		modules.Option{Name: "floating_ip_pools", Type: modules.List, Elements: modules.Str, Doc: "External networks to take floating addresses from."},
		modules.Option{Name: "boot_from_volume", Type: modules.Bool, Default: false, Doc: "Whether to boot from a volume made of the image."},
		modules.Option{Name: "boot_volume", Aliases: []string{"root_volume"}, Doc: "Name or id of a volume to boot from."},
		modules.Option{Name: "volume_size", Type: modules.Int, Doc: "Size in GB of the volume to boot from."},
		modules.Option{Name: "terminate_volume", Type: modules.Bool, Default: false, Doc: "Whether the boot volume goes with the server."},
		modules.Option{Name: "volumes", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Volumes to attach, by name or id."},
		modules.Option{Name: "scheduler_hints", Type: modules.Dict, Doc: "Hints for the scheduler."},
		modules.Option{Name: "availability_zone", Doc: "Zone to create the server in."},
		modules.Option{Name: "description", Doc: "Description of the server."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the server is to be there."},
		modules.Option{Name: "delete_fip", Type: modules.Bool, Default: false, Doc: "Whether its floating addresses go with the server."},
		modules.Option{Name: "reuse_ips", Type: modules.Bool, Default: true, Doc: "Whether floating addresses that nobody uses are taken before new ones are made."},
	),
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{
			{"auto_ip", "floating_ips"}, {"auto_ip", "floating_ip_pools"}, {"floating_ips", "floating_ip_pools"},
			{"flavor", "flavor_ram"}, {"image", "boot_volume"}, {"boot_from_volume", "boot_volume"}, {"nics", "network"},
		},
		RequiredIf: []modules.RequiredIf{{Key: "boot_from_volume", Value: true, Need: []string{"volume_size", "image"}}},
	},
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runServer)

func runServer(ctx context.Context, m *modules.Run, a *serverArgs) (*modules.Result, error) {
	c, err := connect(ctx, m, &a.cloudArgs)
	if err != nil {
		return nil, err
	}
	compute, err := c.compute()
	if err != nil {
		return nil, err
	}
	s, err := serverByName(ctx, compute, a.Name)
	if err != nil {
		return nil, err
	}
	if a.State == "absent" {
		return serverAbsent(ctx, m, c, a, compute, s)
	}
	if a.Image == "" && a.BootVolume == "" && s == nil {
		return nil, modules.Failf("Parameter 'image' or 'boot_volume' is required.")
	}
	if s == nil {
		return serverCreate(ctx, m, c, a, compute)
	}
	return serverUpdate(ctx, m, c, a, compute, s)
}

func serverAbsent(ctx context.Context, m *modules.Run, c *cloud, a *serverArgs, compute *gophercloud.ServiceClient, s *servers.Server) (*modules.Result, error) {
	if s == nil {
		byID, err := servers.Get(ctx, compute, a.Name).Extract()
		if notFound(err) || gophercloud.ResponseCodeIs(err, 400) {
			return &modules.Result{Data: map[string]any{"result": "not present"}}, nil
		}
		if err != nil {
			return nil, apiFailure("read the server", err)
		}
		s = byID
	}
	if !m.Check {
		if a.DeleteFIP {
			if err := c.deleteFloating(ctx, addresses(s, "floating")); err != nil {
				return nil, err
			}
		}
		if err := deleteServer(ctx, compute, s.ID, a.Wait, a.timeout()); err != nil {
			return nil, err
		}
	}
	return &modules.Result{Changed: true, Data: map[string]any{"result": "deleted"}}, nil
}

func (a *cloudArgs) timeout() time.Duration { return time.Duration(a.Timeout) * time.Second }

// deleteFloating deletes floating addresses.
func (c *cloud) deleteFloating(ctx context.Context, addrs []string) error {
	client, err := c.network()
	if err != nil {
		return err
	}
	for _, addr := range addrs {
		pages, err := floatingips.List(client, floatingips.ListOpts{FloatingIP: addr}).AllPages(ctx)
		if err != nil {
			return apiFailure("list the floating addresses", err)
		}
		all, err := floatingips.ExtractFloatingIPs(pages)
		if err != nil {
			return apiFailure("read the list of floating addresses", err)
		}
		for _, f := range all {
			if err := floatingips.Delete(ctx, client, f.ID).ExtractErr(); err != nil && !notFound(err) {
				return apiFailure("delete the floating address "+addr, err)
			}
		}
	}
	return nil
}

func serverCreate(ctx context.Context, m *modules.Run, c *cloud, a *serverArgs, compute *gophercloud.ServiceClient) (*modules.Result, error) {
	opts, err := a.createOpts(ctx, c, compute)
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
		if s, err = waitActive(ctx, compute, s.ID, a.timeout()); err != nil {
			return nil, err
		}
		if _, err := a.floating(ctx, m, c, s); err != nil {
			return nil, err
		}
	}
	if err := attachVolumes(ctx, m, c, compute, s, a.Volumes); err != nil {
		return nil, err
	}
	if s, err = servers.Get(ctx, compute, s.ID).Extract(); err != nil {
		return nil, apiFailure("read the server", err)
	}
	return serverResult(true, s), nil
}

// floating gives the server its floating addresses; with auto_ip only where
// the cloud has an external network.
func (a *serverArgs) floating(ctx context.Context, m *modules.Run, c *cloud, s *servers.Server) (bool, error) {
	if len(a.FloatingIPs) == 0 && len(a.FloatingIPPools) == 0 {
		if !a.AutoIP || len(addresses(s, "floating")) > 0 {
			return false, nil
		}
		client, err := c.network()
		if err != nil {
			return false, err
		}
		if _, err := c.externalNetwork(ctx, client, ""); err != nil {
			return false, nil // no external network: the private address has to do
		}
	}
	return c.ensureFloating(ctx, m, s, floatingWanted{auto: a.AutoIP, reuse: a.ReuseIPs, addresses: a.FloatingIPs, pools: a.FloatingIPPools})
}

func (a *serverArgs) createOpts(ctx context.Context, c *cloud, compute *gophercloud.ServiceClient) (servers.CreateOptsBuilder, error) {
	flavor, err := a.flavorID(ctx, compute)
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
	if a.Network != "" {
		id, err := c.networkID(ctx, a.Network)
		if err != nil {
			return nil, err
		}
		nics = []servers.Network{{UUID: id}}
	}
	opts := servers.CreateOpts{
		Name: a.Name, FlavorRef: flavor, Metadata: meta, AvailabilityZone: a.AvailabilityZone,
		SecurityGroups: a.SecurityGroups, UserData: []byte(a.UserData), Min: 1, Max: 1,
	}
	if len(nics) > 0 {
		opts.Networks = nics
	}
	if a.ConfigDrive {
		opts.ConfigDrive = &a.ConfigDrive
	}
	if err := a.bootSource(ctx, c, &opts); err != nil {
		return nil, err
	}
	if a.KeyName == "" {
		return opts, nil
	}
	return keypairs.CreateOptsExt{CreateOptsBuilder: opts, KeyName: a.KeyName}, nil
}

// bootSource chooses between the image and a volume.
func (a *serverArgs) bootSource(ctx context.Context, c *cloud, opts *servers.CreateOpts) error {
	if a.BootVolume != "" {
		id, err := c.volumeID(ctx, a.BootVolume)
		if err != nil {
			return err
		}
		opts.BlockDevice = []servers.BlockDevice{{SourceType: servers.SourceVolume, DestinationType: servers.DestinationVolume,
			UUID: id, BootIndex: 0, DeleteOnTermination: a.TerminateVolume}}
		return nil
	}
	id, err := c.imageID(ctx, a.Image, a.ImageExclude)
	if err != nil {
		return err
	}
	if !a.BootFromVolume {
		opts.ImageRef = id
		return nil
	}
	opts.BlockDevice = []servers.BlockDevice{{SourceType: servers.SourceImage, DestinationType: servers.DestinationVolume,
		UUID: id, BootIndex: 0, VolumeSize: a.VolumeSize, DeleteOnTermination: a.TerminateVolume}}
	return nil
}

func (a *serverArgs) flavorID(ctx context.Context, compute *gophercloud.ServiceClient) (string, error) {
	if a.Flavor == "" && a.FlavorRAM == 0 {
		return "", modules.Failf("one of the following is required: flavor, flavor_ram")
	}
	if a.Flavor == "" {
		f, err := flavorByRAM(ctx, compute, a.FlavorRAM, a.FlavorInclude)
		if err != nil {
			return "", err
		}
		return f.ID, nil
	}
	f, err := find(ctx, "flavors", flavors.ListDetail(compute, nil), flavors.ExtractFlavors,
		func(f *flavors.Flavor) bool { return f.Name == a.Flavor || f.ID == a.Flavor })
	if err != nil {
		return "", err
	}
	if f != nil {
		return f.ID, nil
	}
	return "", modules.Failf("Could not find flavor %s", a.Flavor)
}

// imageID finds an image by id or name.
func (c *cloud) imageID(ctx context.Context, name, exclude string) (string, error) {
	client, err := c.image()
	if err != nil {
		return "", err
	}
	img, err := find(ctx, "images", images.List(client, images.ListOpts{}), images.ExtractImages,
		func(i *images.Image) bool {
			return (i.ID == name || i.Name == name) && (exclude == "" || i.Name != exclude)
		})
	if err != nil {
		return "", err
	}
	if img != nil {
		return img.ID, nil
	}
	return "", modules.Failf("Could not find image %s", name)
}

// volumeID finds a volume by id or name.
func (c *cloud) volumeID(ctx context.Context, name string) (string, error) {
	client, err := c.volume()
	if err != nil {
		return "", err
	}
	v, err := find(ctx, "volumes", volumes.List(client, volumes.ListOpts{}), volumes.ExtractVolumes,
		func(v *volumes.Volume) bool { return v.ID == name || v.Name == name })
	if err != nil {
		return "", err
	}
	if v != nil {
		return v.ID, nil
	}
	return "", modules.Failf("Could not find volume %s", name)
}

// attachVolumes attaches the volumes that the server does not have yet.
func attachVolumes(ctx context.Context, m *modules.Run, c *cloud, compute *gophercloud.ServiceClient, s *servers.Server, names []string) error {
	for _, name := range names {
		id, err := c.volumeID(ctx, name)
		if err != nil {
			return err
		}
		has := slices.ContainsFunc(s.AttachedVolumes, func(v servers.AttachedVolume) bool { return v.ID == id })
		if has || m.Check {
			continue
		}
		if _, err := volumeattach.Create(ctx, compute, s.ID, volumeattach.CreateOpts{VolumeID: id}).Extract(); err != nil {
			return apiFailure("attach the volume "+name, err)
		}
	}
	return nil
}

// serverUpdate brings a server that is there to the metadata, security groups
// and floating addresses that are asked for; the rest of it stays.
func serverUpdate(ctx context.Context, m *modules.Run, c *cloud, a *serverArgs, compute *gophercloud.ServiceClient, s *servers.Server) (*modules.Result, error) {
	if s.Status != "ACTIVE" && s.Status != "SHUTOFF" && s.Status != "PAUSED" && s.Status != "SUSPENDED" {
		return nil, modules.FailWith(map[string]any{"server": serverInfo(s)},
			"The instance is available but not active state: %s", s.Status)
	}
	changed, err := updateMeta(ctx, m, a, compute, s)
	if err != nil {
		return nil, err
	}
	groups, err := updateGroups(ctx, m, c, a, s)
	if err != nil {
		return nil, err
	}
	ips, err := a.floating(ctx, m, c, s)
	if err != nil {
		return nil, err
	}
	changed = changed || groups || ips
	if changed && !m.Check {
		if s, err = servers.Get(ctx, compute, s.ID).Extract(); err != nil {
			return nil, apiFailure("read the server", err)
		}
	}
	return serverResult(changed, s), nil
}

// updateMeta sets metadata that differs and removes what is no longer asked for.
func updateMeta(ctx context.Context, m *modules.Run, a *serverArgs, compute *gophercloud.ServiceClient, s *servers.Server) (bool, error) {
	if a.Meta == nil {
		return false, nil
	}
	want, err := parseMeta(a.Meta)
	if err != nil || maps.Equal(want, s.Metadata) {
		return false, err
	}
	if m.Check {
		return true, nil
	}
	if _, err := servers.ResetMetadata(ctx, compute, s.ID, servers.MetadataOpts(want)).Extract(); err != nil {
		return false, apiFailure("set the server's metadata", err)
	}
	return true, nil
}

func serverResult(changed bool, s *servers.Server) *modules.Result {
	info := serverInfo(s)
	private, public := addresses(s, "fixed"), addresses(s, "floating")
	info["private_v4"], info["public_v4"] = firstOf(private), firstOf(public)
	if info["accessIPv4"] == "" || info["accessIPv4"] == nil {
		info["accessIPv4"] = firstOf(append(public, private...))
	}
	return &modules.Result{Changed: changed, Data: map[string]any{
		"id": s.ID, "server": info, "openstack": info,
	}}
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// groupName is the name of a security group in a server's own list.
func groupName(g map[string]any) string { return fmt.Sprint(g["name"]) }
