package cloud

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

// provider logs in with gophercloud, with Keystone's version path.
func provider(t *testing.T, k *client, path string) *gophercloud.ProviderClient {
	t.Helper()
	opts := gophercloud.AuthOptions{IdentityEndpoint: k.url + path, Username: "demo", Password: "secret", AllowReauth: true}
	if path == "/v3" {
		opts.DomainName, opts.TenantName = "Default", "demo"
	} else {
		opts.TenantName = "demo"
	}
	p, err := openstack.AuthenticatedClient(context.Background(), opts)
	if err != nil {
		t.Fatalf("login at %s: %v", path, err)
	}
	return p
}

// TestGophercloudServer makes a server and waits for it, in both versions of
// Keystone, over a token that expires on the way.
func TestGophercloudServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, path := range []string{"/v3", "/v2.0"} {
		t.Run(path, func(t *testing.T) {
			k := newCloud(t, nil)
			compute, err := openstack.NewComputeV2(provider(t, k, path), gophercloud.EndpointOpts{Region: Region})
			if err != nil {
				t.Fatal(err)
			}
			s, err := servers.Create(ctx, compute, keypairs.CreateOptsExt{KeyName: "SSH_Key", CreateOptsBuilder: servers.CreateOpts{
				Name: "web", FlavorRef: "2", ImageRef: FixedID("debian-12"), AvailabilityZone: "NL2", Metadata: map[string]string{"a": "b", BuildKey: "100ms"},
				Networks: []servers.Network{{UUID: FixedID("private")}}, SecurityGroups: []string{"built-in-allow-all"},
			}}, nil).Extract()
			if err != nil {
				t.Fatal(err)
			}
			k.cloud.ExpireTokens()
			if err := servers.WaitForStatus(ctx, compute, s.ID, "ACTIVE"); err != nil {
				t.Fatal(err)
			}
			if s, err = servers.Get(ctx, compute, s.ID).Extract(); err != nil {
				t.Fatal(err)
			}
			if s.Metadata["a"] != "b" || s.KeyName != "SSH_Key" || s.AvailabilityZone != "NL2" || s.PowerState != servers.RUNNING {
				t.Errorf("server %+v", s)
			}
			list, err := servers.List(compute, servers.ListOpts{Name: "^web$"}).AllPages(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if all, err := servers.ExtractServers(list); err != nil || len(all) != 1 {
				t.Errorf("list: %v, %v", all, err)
			}
			if err := servers.Stop(ctx, compute, s.ID).ExtractErr(); err != nil {
				t.Error(err)
			}
			if err := servers.WaitForStatus(ctx, compute, s.ID, "SHUTOFF"); err != nil {
				t.Error(err)
			}
			if err := servers.Delete(ctx, compute, s.ID).ExtractErr(); err != nil {
				t.Error(err)
			}
			k.cloud.Wait()
			if _, err := servers.Get(ctx, compute, s.ID).Extract(); !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
				t.Errorf("after delete: %v", err)
			}
			zones, err := availabilityzones.List(compute).AllPages(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if z, err := availabilityzones.ExtractAvailabilityZones(zones); err != nil || len(z) != 2 {
				t.Errorf("zones: %v, %v", z, err)
			}
			f, err := flavors.Get(ctx, compute, "2").Extract()
			if err != nil || f.Name != "m1.small" || f.RAM != 2048 {
				t.Errorf("flavor %+v, %v", f, err)
			}
		})
	}
}

// TestGophercloudNetwork walks through Neutron, Glance and Cinder.
func TestGophercloudNetwork(t *testing.T) {
	ctx := context.Background()
	k := newCloud(t, nil)
	p := provider(t, k, "/v3")
	network, err := openstack.NewNetworkV2(p, gophercloud.EndpointOpts{Region: Region})
	if err != nil {
		t.Fatal(err)
	}
	n, err := networks.Create(ctx, network, networks.CreateOpts{Name: "n", AdminStateUp: gophercloud.Enabled}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	sub, err := subnets.Create(ctx, network, subnets.CreateOpts{NetworkID: n.ID, CIDR: "192.168.9.0/24", IPVersion: gophercloud.IPv4, Name: "s"}).Extract()
	if err != nil || sub.GatewayIP != "192.168.9.1" {
		t.Fatalf("subnet %+v, %v", sub, err)
	}
	port, err := ports.Create(ctx, network, ports.CreateOpts{NetworkID: n.ID, FixedIPs: []ports.IP{{SubnetID: sub.ID, IPAddress: "192.168.9.77"}}}).Extract()
	if err != nil || port.FixedIPs[0].IPAddress != "192.168.9.77" || port.MACAddress == "" {
		t.Fatalf("port %+v, %v", port, err)
	}
	fip, err := floatingips.Create(ctx, network, floatingips.CreateOpts{FloatingNetworkID: FixedID("public"), PortID: port.ID}).Extract()
	if err != nil || fip.FixedIP != "192.168.9.77" {
		t.Fatalf("floating IP %+v, %v", fip, err)
	}
	g, err := groups.Create(ctx, network, groups.CreateOpts{Name: "g"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rules.Create(ctx, network, rules.CreateOpts{Direction: rules.DirIngress, EtherType: rules.EtherType4, SecGroupID: g.ID,
		Protocol: rules.ProtocolTCP, PortRangeMin: 22, PortRangeMax: 22}).Extract(); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		floatingips.Delete(ctx, network, fip.ID).ExtractErr(), ports.Delete(ctx, network, port.ID).ExtractErr(),
		networks.Delete(ctx, network, n.ID).ExtractErr(), groups.Delete(ctx, network, g.ID).ExtractErr(),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	image, err := openstack.NewImageV2(p, gophercloud.EndpointOpts{Region: Region})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := images.List(image, images.ListOpts{Name: "debian-12"}).AllPages(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := images.ExtractImages(pages); err != nil || len(list) != 1 || list[0].ID != FixedID("debian-12") {
		t.Errorf("images %+v, %v", list, err)
	}
	block, err := openstack.NewBlockStorageV3(p, gophercloud.EndpointOpts{Region: Region})
	if err != nil {
		t.Fatal(err)
	}
	v, err := volumes.Create(ctx, block, volumes.CreateOpts{Size: 1, Name: "v"}, nil).Extract()
	if err != nil || v.Status != "available" {
		t.Fatalf("volume %+v, %v", v, err)
	}
	if err := volumes.Delete(ctx, block, v.ID, nil).ExtractErr(); err != nil {
		t.Error(err)
	}
}
