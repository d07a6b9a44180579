package openstack

// This file holds what the modules about servers share.

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"gorun/modules"
)

// pollInterval is the time between two looks at a server's status.
const pollInterval = 500 * time.Millisecond

// serverByName finds a server by its exact name; nil where there is none.
func serverByName(ctx context.Context, compute *gophercloud.ServiceClient, name string) (*servers.Server, error) {
	pages, err := servers.List(compute, servers.ListOpts{Name: "^" + regexQuote(name) + "$"}).AllPages(ctx)
	if err != nil {
		return nil, apiFailure("list the servers", err)
	}
	all, err := servers.ExtractServers(pages)
	if err != nil {
		return nil, apiFailure("read the list of servers", err)
	}
	all = slices.DeleteFunc(all, func(s servers.Server) bool { return s.Name != name })
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return &all[0], nil
	}
	return nil, modules.Failf("Multiple matches found for %s: give its id", name)
}

// regexQuote quotes what a database's regular expressions take specially.
func regexQuote(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`\.+*?()|[]{}^$`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func createServer(ctx context.Context, compute *gophercloud.ServiceClient, opts servers.CreateOptsBuilder, hints map[string]any) (*servers.Server, error) {
	var hintOpts servers.SchedulerHintOptsBuilder
	if len(hints) > 0 {
		hintOpts = rawHints(hints)
	}
	s, err := servers.Create(ctx, compute, opts, hintOpts).Extract()
	if err != nil {
		return nil, apiFailure("create the server", err)
	}
	return s, nil
}

// rawHints passes scheduler hints on as they are.
type rawHints map[string]any

func (h rawHints) ToSchedulerHintsMap() (map[string]any, error) {
	return map[string]any{"os:scheduler_hints": map[string]any(h)}, nil
}

// waitActive waits until a server is ACTIVE.
func waitActive(ctx context.Context, compute *gophercloud.ServiceClient, id string, timeout time.Duration) (*servers.Server, error) {
	var s *servers.Server
	ok, err := poll(ctx, timeout, pollInterval, func(ctx context.Context) (bool, error) {
		var err error
		if s, err = servers.Get(ctx, compute, id).Extract(); err != nil {
			return false, apiFailure("read the server", err)
		}
		if s.Status == "ERROR" {
			return false, modules.FailWith(map[string]any{"id": id, "status": s.Status, "info": serverInfo(s)},
				"Error in creating the server: %s", faultText(s))
		}
		return s.Status == "ACTIVE", nil
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, modules.FailWith(map[string]any{"id": id, "status": s.Status},
			"Timeout waiting for the server to come up after %d seconds, its status is %s", int(timeout.Seconds()), s.Status)
	}
	return s, nil
}

func faultText(s *servers.Server) string {
	if s.Fault.Message != "" {
		return s.Fault.Message
	}
	return "its status is ERROR; please check its logs"
}

// deleteServer deletes a server and, where asked, waits until it is gone.
func deleteServer(ctx context.Context, compute *gophercloud.ServiceClient, id string, wait bool, timeout time.Duration) error {
	if err := servers.Delete(ctx, compute, id).ExtractErr(); err != nil && !notFound(err) {
		return apiFailure("delete the server", err)
	}
	if !wait {
		return nil
	}
	ok, err := poll(ctx, timeout, pollInterval, func(ctx context.Context) (bool, error) {
		_, err := servers.Get(ctx, compute, id).Extract()
		if gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
			return true, nil
		}
		if err != nil {
			return false, apiFailure("read the server", err)
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	if !ok {
		return modules.Failf("Timed out waiting for server to get deleted, please check manually")
	}
	return nil
}

// addresses are a server's addresses of a type, fixed or floating, ordered by
// network's name as the API's JSON gives them.
func addresses(s *servers.Server, kind string) []string {
	names := make([]string, 0, len(s.Addresses))
	for n := range s.Addresses {
		names = append(names, n)
	}
	sort.Strings(names)
	var out []string
	for _, n := range names {
		list, _ := s.Addresses[n].([]any)
		for _, e := range list {
			m, _ := e.(map[string]any)
			if m["OS-EXT-IPS:type"] == kind {
				out = append(out, fmt.Sprint(m["addr"]))
			}
		}
	}
	return out
}

// serverInfo is the server as the API shows it.
func serverInfo(s *servers.Server) map[string]any {
	data, err := json.Marshal(s)
	if err != nil {
		return nil // a struct of plain fields always marshals
	}
	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil
	}
	return out
}

// parseMeta reads metadata: a dict, or "key=value,key=value".
func parseMeta(meta any) (map[string]string, error) {
	switch m := meta.(type) {
	case nil:
		return nil, nil
	case string:
		out := map[string]string{}
		for _, word := range splitWords(m) {
			k, v, ok := strings.Cut(word, "=")
			if !ok {
				return nil, modules.Failf("meta: expected key=value, got %q", word)
			}
			out[k] = v
		}
		return out, nil
	case map[string]any:
		out := make(map[string]string, len(m))
		for k, v := range m {
			out[k] = metaText(v)
		}
		return out, nil
	}
	return nil, modules.Failf("meta: expected a dict or key=value words, got %T", meta)
}

// metaText is a value as Nova's metadata takes it: booleans as Python spells them.
func metaText(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

func splitWords(s string) []string {
	var out []string
	for w := range strings.SplitSeq(s, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// parseNics reads nics: dicts or "net-id=..." words, by id or name of network or port.
func (c *cloud) parseNics(ctx context.Context, nics []any) ([]servers.Network, error) {
	var out []servers.Network
	for _, nic := range nics {
		switch n := nic.(type) {
		case string:
			for _, word := range splitWords(n) {
				k, v, ok := strings.Cut(word, "=")
				if !ok {
					return nil, modules.Failf("nics: expected net-id=..., net-name=..., port-id=... or port-name=..., got %q", word)
				}
				one, err := c.parseNic(ctx, map[string]any{k: v})
				if err != nil {
					return nil, err
				}
				out = append(out, one)
			}
		case map[string]any:
			one, err := c.parseNic(ctx, n)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		default:
			return nil, modules.Failf("nics: expected a dict or a string, got %T", nic)
		}
	}
	return out, nil
}

func (c *cloud) parseNic(ctx context.Context, n map[string]any) (servers.Network, error) {
	net := servers.Network{}
	for key, value := range n {
		text := fmt.Sprint(value)
		var err error
		switch strings.ReplaceAll(key, "_", "-") {
		case "net-id", "uuid":
			net.UUID = text
		case "net-name":
			net.UUID, err = c.networkID(ctx, text)
		case "port-id":
			net.Port = text
		case "port-name":
			net.Port, err = c.portID(ctx, text)
		case "v4-fixed-ip", "fixed-ip":
			net.FixedIP = text
		case "tag":
			net.Tag = text
		default:
			err = modules.Failf("nics: unknown key %q (known: net-id, net-name, port-id, port-name, v4-fixed-ip, tag)", key)
		}
		if err != nil {
			return net, err
		}
	}
	return net, nil
}

// networkID finds a network by id or name.
func (c *cloud) networkID(ctx context.Context, name string) (string, error) {
	client, err := c.network()
	if err != nil {
		return "", err
	}
	n, err := findNetwork(ctx, client, name, "")
	if err != nil {
		return "", err
	}
	if n != nil {
		return n.ID, nil
	}
	return "", modules.Failf("Could not find network by net-name: %s", name)
}

// portID finds a port by id or name.
func (c *cloud) portID(ctx context.Context, name string) (string, error) {
	client, err := c.network()
	if err != nil {
		return "", err
	}
	p, err := findPort(ctx, client, name)
	if err != nil {
		return "", err
	}
	if p != nil {
		return p.ID, nil
	}
	return "", modules.Failf("Could not find port by port-name: %s", name)
}

// floatingWanted says which floating addresses a server is to have.
type floatingWanted struct {
	auto, reuse      bool
	addresses, pools []string
}

// ensureFloating gives a server floating addresses: named ones, one of each
// pool, or any one.
func (c *cloud) ensureFloating(ctx context.Context, m *modules.Run, s *servers.Server, want floatingWanted) (changed bool, err error) {
	have := addresses(s, "floating")
	client, err := c.network()
	if err != nil {
		return false, err
	}
	pages, err := floatingips.List(client, floatingips.ListOpts{}).AllPages(ctx)
	if err != nil {
		return false, apiFailure("list the floating addresses", err)
	}
	all, err := floatingips.ExtractFloatingIPs(pages)
	if err != nil {
		return false, apiFailure("read the list of floating addresses", err)
	}
	attach := func(ip *floatingips.FloatingIP) error {
		changed = true
		if m.Check {
			return nil
		}
		return c.attachFloating(ctx, client, s, ip)
	}
	for _, addr := range want.addresses {
		if slices.Contains(have, addr) {
			continue
		}
		i := slices.IndexFunc(all, func(f floatingips.FloatingIP) bool { return f.FloatingIP == addr })
		if i < 0 {
			return changed, modules.Failf("floating address %s does not exist", addr)
		}
		if err := attach(&all[i]); err != nil {
			return changed, err
		}
	}
	pools := want.pools
	if want.auto && len(pools) == 0 {
		pools = []string{""}
	}
	if len(want.addresses) > 0 || len(have) >= len(pools) {
		return changed, nil
	}
	for _, pool := range pools[len(have):] {
		ip, err := c.floatingFrom(ctx, m, client, all, pool, want.reuse)
		if err != nil {
			return changed, err
		}
		if err := attach(ip); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// floatingFrom finds an address of a pool that nobody uses, or makes one.
func (c *cloud) floatingFrom(ctx context.Context, m *modules.Run, client *gophercloud.ServiceClient, all []floatingips.FloatingIP, pool string, reuse bool) (*floatingips.FloatingIP, error) {
	netID, err := c.externalNetwork(ctx, client, pool)
	if err != nil {
		return nil, err
	}
	if reuse {
		for i := range all {
			if all[i].PortID == "" && all[i].FloatingNetworkID == netID {
				return &all[i], nil
			}
		}
	}
	if m.Check {
		return &floatingips.FloatingIP{}, nil
	}
	ip, err := floatingips.Create(ctx, client, floatingips.CreateOpts{FloatingNetworkID: netID}).Extract()
	if err != nil {
		return nil, apiFailure("create a floating address", err)
	}
	return ip, nil
}

// externalNetwork finds a network that gives floating addresses, any where name is "".
func (c *cloud) externalNetwork(ctx context.Context, client *gophercloud.ServiceClient, name string) (string, error) {
	n, err := find(ctx, "external networks", networks.List(client, externalOnly{}), networks.ExtractNetworks,
		func(n *networks.Network) bool { return name == "" || n.Name == name || n.ID == name })
	if err != nil {
		return "", err
	}
	if n != nil {
		return n.ID, nil
	}
	if name == "" {
		return "", modules.Failf("the cloud has no external network to take a floating address from")
	}
	return "", modules.Failf("Could not find the external network %s", name)
}

// externalOnly lists external networks.
type externalOnly struct{}

func (externalOnly) ToNetworkListQuery() (string, error) { return "?router%3Aexternal=true", nil }

func (c *cloud) attachFloating(ctx context.Context, client *gophercloud.ServiceClient, s *servers.Server, ip *floatingips.FloatingIP) error {
	pages, err := ports.List(client, ports.ListOpts{DeviceID: s.ID}).AllPages(ctx)
	if err != nil {
		return apiFailure("list the server's ports", err)
	}
	mine, err := ports.ExtractPorts(pages)
	if err != nil {
		return apiFailure("read the list of ports", err)
	}
	if len(mine) == 0 {
		return modules.Failf("server %s has no port to attach a floating address to", s.Name)
	}
	if _, err := floatingips.Update(ctx, client, ip.ID, floatingips.UpdateOpts{PortID: &mine[0].ID}).Extract(); err != nil {
		return apiFailure("attach the floating address "+ip.FloatingIP, err)
	}
	return nil
}
