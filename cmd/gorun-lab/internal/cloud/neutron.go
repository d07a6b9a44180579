package cloud

// This file is Neutron (https://docs.openstack.org/api-ref/network/v2/): one
// way to serve all kinds of records, with what is special to each as hooks.

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

var networkService = service{name: "network", wrap: wrapNeutron}

// wrapNeutron is how Neutron words errors.
func wrapNeutron(e *apiError) object {
	kind := e.kind
	if kind == "" {
		kind = map[int]string{400: "HTTPBadRequest", 404: "HTTPNotFound", 409: "Conflict", 429: "HTTPTooManyRequests"}[e.status]
	}
	if kind == "" {
		kind = "HTTPInternalServerError"
	}
	return object{"NeutronError": object{"type": kind, "message": e.message, "detail": ""}}
}

func neutronError(status int, kind, format string, args ...any) *apiError {
	e := errorf(status, format, args...)
	e.kind = kind
	return e
}

// A kind is one kind of Neutron's records.
type kind struct {
	plural, single string // as in bodies; paths have dashes for underscores
	title          string // as in NetworkNotFound
	defaults       func(*call) object
	// create completes a new record or refuses it; it is not stored yet.
	create func(*call, object) error
	// update applies the changes to o or refuses them; nil takes them as they are.
	update func(*call, object, object) error
	// remove refuses or cleans up.
	remove func(*call, object) error
	// show adds what is computed; nil shows the record as it is.
	show func(object) object
}

func (c *Cloud) kinds() []kind {
	return []kind{
		{plural: "networks", single: "network", title: "Network", defaults: networkDefaults, remove: c.networkRemove, show: c.networkShow},
		{plural: "subnets", single: "subnet", title: "Subnet", defaults: subnetDefaults, create: c.subnetCreate, remove: c.subnetRemove},
		{plural: "ports", single: "port", title: "Port", defaults: portDefaults, create: c.portCreate, update: c.portUpdate, remove: c.portRemove, show: portShow},
		{plural: "routers", single: "router", title: "Router", defaults: routerDefaults, remove: c.routerRemove},
		{plural: "floatingips", single: "floatingip", title: "FloatingIP", defaults: floatingDefaults, create: c.floatingCreate, update: c.floatingUpdate, remove: c.floatingRemove},
		{plural: "security_groups", single: "security_group", title: "SecurityGroup", defaults: plainDefaults, create: c.groupCreate, remove: c.groupRemove, show: c.groupShow},
		{plural: "security_group_rules", single: "security_group_rule", title: "SecurityGroupRule", defaults: ruleDefaults, create: c.ruleCreate},
		{plural: "subnetpools", single: "subnetpool", title: "SubnetPool", defaults: plainDefaults},
		{plural: "address_groups", single: "address_group", title: "AddressGroup", defaults: plainDefaults},
		{plural: "address_scopes", single: "address_scope", title: "AddressScope", defaults: plainDefaults},
	}
}

// net returns a table of Neutron's records.
func (c *Cloud) net(plural string) *table {
	t := c.tables[plural]
	if t == nil {
		t = newTable()
		c.tables[plural] = t
	}
	return t
}

func (c *Cloud) routeNetwork() {
	const root = "/network/v2.0"
	h := func(pattern string, f handler) { c.handle(networkService, pattern, f) }
	open := service{name: "network", wrap: wrapNeutron, open: true}
	c.handle(open, "GET /network", c.networkVersions)
	h("GET "+root, func(k *call) (*reply, error) { return ok("resources", []any{}) })
	for _, kd := range c.kinds() {
		c.routeKind(root, kd)
	}
	h("GET "+root+"/extensions", func(k *call) (*reply, error) { return ok("extensions", networkExtensions()) })
	h("GET "+root+"/extensions/{alias}", func(k *call) (*reply, error) {
		for _, e := range networkExtensions() {
			if e.str("alias") == k.id("alias") {
				return ok("extension", e)
			}
		}
		return nil, neutronError(404, "ExtensionNotFound", "Extension with alias %s does not exist", k.id("alias"))
	})
	h("PUT "+root+"/routers/{id}/add_router_interface", c.routerAttach)
	h("PUT "+root+"/routers/{id}/remove_router_interface", c.routerDetach)
	h("GET "+root+"/availability_zones", func(k *call) (*reply, error) {
		out := []object{}
		for _, z := range c.cfg.Zones {
			for _, r := range []string{"network", "router"} {
				out = append(out, object{"name": z, "state": "available", "resource": r})
			}
		}
		return ok("availability_zones", out)
	})
	h("GET "+root+"/network-ip-availabilities", c.availabilities)
	h("GET "+root+"/agents", func(k *call) (*reply, error) { return ok("agents", []any{}) })
	h("GET "+root+"/quotas", func(k *call) (*reply, error) { return ok("quotas", []object{c.networkQuota(k.project())}) })
	h("GET "+root+"/quotas/{id}", func(k *call) (*reply, error) { return ok("quota", c.networkQuota(k.id("id"))) })
	h("GET "+root+"/quotas/{id}/default", func(k *call) (*reply, error) { return ok("quota", clone(networkQuotas)) })
	h("GET "+root+"/quotas/{id}/details", c.quotaDetails)
	h("GET "+root+"/quotas/{id}/details.json", c.quotaDetails)
	h("PUT "+root+"/quotas/{id}", func(k *call) (*reply, error) {
		c.setQuota("network", k.id("id"), k.body.sub("quota"))
		return ok("quota", c.networkQuota(k.id("id")))
	})
}

// availabilities counts the addresses used of each network.
func (c *Cloud) availabilities(k *call) (*reply, error) {
	out := []object{}
	for _, n := range c.net("networks").all(func(o object) bool { return visible(k, o) }) {
		total, used := 0, 0
		for _, s := range c.net("subnets").all(func(s object) bool { return s.str("network_id") == n.str("id") }) {
			if cidr, err := netip.ParsePrefix(s.str("cidr")); err == nil {
				total += 1<<(32-cidr.Bits()) - 3
			}
			used += len(c.ipam[s.str("id")])
		}
		out = append(out, object{"network_id": n["id"], "network_name": n["name"], "project_id": n["project_id"], "tenant_id": n["project_id"],
			"total_ips": total, "used_ips": used, "subnet_ip_availability": []any{}})
	}
	return ok("network_ip_availabilities", out)
}

func (c *Cloud) networkVersions(k *call) (*reply, error) {
	return ok("versions", []object{{"id": "v2.0", "status": "CURRENT", "links": []object{{"rel": "self", "href": k.base() + "/network/v2.0/"}}}})
}

func networkExtensions() []object {
	var out []object
	for _, alias := range []string{
		"address-group", "address-scope", "agent", "allowed-address-pairs", "availability_zone", "binding", "default-subnetpools", "dhcp_agent_scheduler",
		"external-net", "extra_dhcp_opt", "extraroute", "net-mtu", "network_availability_zone", "pagination", "port-security",
		"project-id", "provider", "quota_details", "quotas", "router", "security-group", "sorting", "standard-attr-description",
		"standard-attr-tag", "standard-attr-timestamp", "subnet_allocation",
	} {
		out = append(out, object{"alias": alias, "name": alias, "description": "", "updated": "2020-01-01T00:00:00-00:00", "links": []any{}})
	}
	return out
}

// routeKind serves the five calls of one kind, and its tags.
func (c *Cloud) routeKind(root string, kd kind) {
	path := root + "/" + strings.ReplaceAll(kd.plural, "_", "-")
	h := func(pattern string, f handler) { c.handle(networkService, pattern, f) }
	h("GET "+path, func(k *call) (*reply, error) { return c.kindList(k, kd) })
	h("POST "+path, func(k *call) (*reply, error) { return c.kindCreate(k, kd) })
	h("GET "+path+"/{id}", func(k *call) (*reply, error) {
		o, err := c.kindGet(k, kd)
		if err != nil {
			return nil, err
		}
		return ok(kd.single, pick(kd.shown(o), k.r.URL.Query()["fields"]))
	})
	h("PUT "+path+"/{id}", func(k *call) (*reply, error) { return c.kindUpdate(k, kd) })
	h("DELETE "+path+"/{id}", func(k *call) (*reply, error) {
		o, err := c.kindGet(k, kd)
		if err != nil {
			return nil, err
		}
		if kd.remove != nil {
			if err := kd.remove(k, o); err != nil {
				return nil, err
			}
		}
		c.net(kd.plural).remove(o.str("id"))
		return &reply{204, nil}, nil
	})
	h("PUT "+path+"/{id}/tags", func(k *call) (*reply, error) {
		o, err := c.kindGet(k, kd)
		if err != nil {
			return nil, err
		}
		o["tags"] = k.body.list("tags")
		return ok("tags", o["tags"])
	})
	h("GET "+path+"/{id}/tags", func(k *call) (*reply, error) {
		o, err := c.kindGet(k, kd)
		if err != nil {
			return nil, err
		}
		return ok("tags", o["tags"])
	})
}

func (kd kind) shown(o object) object {
	if kd.show != nil {
		return kd.show(clone(o))
	}
	return o
}

// visible says whether the caller may see o: its own, shared ones, externals.
func visible(k *call, o object) bool {
	return k.token.admin() || o.str("project_id") == k.project() || o.truth("shared", false) || o.truth("router:external", false)
}

func (c *Cloud) kindGet(k *call, kd kind) (object, error) {
	o := c.net(kd.plural).get(k.id("id"))
	if o == nil || !visible(k, o) {
		return nil, neutronError(404, kd.title+"NotFound", "%s %s could not be found.", kd.title, k.id("id"))
	}
	return o, nil
}

func (c *Cloud) kindList(k *call, kd kind) (*reply, error) {
	query := k.r.URL.Query()
	rows := c.net(kd.plural).all(func(o object) bool { return visible(k, o) })
	for i := range rows {
		rows[i] = kd.shown(rows[i])
	}
	rows = filter(rows, query, "fixed_ips", "tags", "tags-any", "not-tags")
	rows = filterFixedIPs(rows, query["fixed_ips"])
	rows = filterTags(rows, query.Get("tags"))
	rows, more, err := page(sortRows(rows, query), query, 1000)
	if err != nil {
		return nil, err
	}
	body := object{}
	if more {
		body[kd.plural+"_links"] = []object{{"rel": "next", "href": nextLink(k, rows)}}
	}
	for i := range rows {
		rows[i] = pick(rows[i], query["fields"])
	}
	body[kd.plural] = rows
	return &reply{200, body}, nil
}

// nextLink returns the URL of the page after rows.
func nextLink(k *call, rows []object) string {
	query := k.r.URL.Query()
	query.Set("marker", rows[len(rows)-1].str("id"))
	u := url.URL{Path: k.r.URL.Path, RawQuery: query.Encode()}
	return k.base() + u.String()
}

// filterFixedIPs keeps ports with an address or subnet as in
// fixed_ips=ip_address=10.0.0.5.
func filterFixedIPs(rows []object, wants []string) []object {
	for _, want := range wants {
		key, value, _ := strings.Cut(want, "=")
		rows = slices.DeleteFunc(rows, func(o object) bool {
			return !slices.ContainsFunc(o.list("fixed_ips"), func(ip any) bool {
				have := asObject(ip).str(key)
				return have == value || key == "ip_address_substr" && strings.Contains(asObject(ip).str("ip_address"), value)
			})
		})
	}
	return rows
}

// filterTags keeps records that have all the tags of a comma list.
func filterTags(rows []object, tags string) []object {
	if tags == "" {
		return rows
	}
	return slices.DeleteFunc(rows, func(o object) bool {
		for tag := range strings.SplitSeq(tags, ",") {
			if !slices.Contains(o.list("tags"), any(tag)) {
				return true
			}
		}
		return false
	})
}

func (c *Cloud) kindCreate(k *call, kd kind) (*reply, error) {
	if list := k.body.list(kd.plural); list != nil {
		var out []object
		for _, in := range list {
			o, err := c.kindMake(k, kd, asObject(in))
			if err != nil {
				return nil, err
			}
			out = append(out, kd.shown(o))
		}
		return &reply{201, object{kd.plural: out}}, nil
	}
	in := k.body.sub(kd.single)
	if in == nil {
		return nil, neutronError(400, "HTTPBadRequest", "Resource body required")
	}
	o, err := c.kindMake(k, kd, in)
	if err != nil {
		return nil, err
	}
	return &reply{201, object{kd.single: kd.shown(o)}}, nil
}

func (c *Cloud) kindMake(k *call, kd kind, in object) (object, error) {
	o := kd.defaults(k)
	for key, v := range in {
		o[key] = v
	}
	if tenant := in.str("tenant_id"); tenant != "" && in.str("project_id") == "" {
		o["project_id"] = tenant
	}
	o["tenant_id"] = o["project_id"]
	if err := c.checkNetworkQuota(kd, o.str("project_id")); err != nil {
		return nil, err
	}
	o["id"] = newID()
	if kd.create != nil {
		if err := kd.create(k, o); err != nil {
			return nil, err
		}
	}
	return c.net(kd.plural).add(o), nil
}

func (c *Cloud) kindUpdate(k *call, kd kind) (*reply, error) {
	o, err := c.kindGet(k, kd)
	if err != nil {
		return nil, err
	}
	in := k.body.sub(kd.single)
	if kd.update != nil {
		if err := kd.update(k, o, in); err != nil {
			return nil, err
		}
	}
	for key, v := range in {
		o[key] = v
	}
	o["updated_at"] = timestamp(time.Now())
	o["revision_number"] = o.integer("revision_number", 0) + 1
	return ok(kd.single, kd.shown(o))
}

// plainDefaults are the fields all kinds have.
func plainDefaults(k *call) object {
	now := timestamp(time.Now())
	return object{
		"name": "", "description": "", "project_id": k.project(), "tenant_id": k.project(), "tags": []any{},
		"created_at": now, "updated_at": now, "revision_number": 1, "shared": false,
	}
}

func with(o object, more object) object {
	for key, v := range more {
		o[key] = v
	}
	return o
}

func networkDefaults(k *call) object {
	return with(plainDefaults(k), object{
		"admin_state_up": true, "status": "ACTIVE", "router:external": false, "mtu": 1500, "port_security_enabled": true,
		"availability_zones": []any{}, "availability_zone_hints": []any{}, "ipv4_address_scope": nil, "ipv6_address_scope": nil,
		"provider:network_type": "flat", "provider:physical_network": "lab", "provider:segmentation_id": nil, "is_default": false,
		"qos_policy_id": nil, "dns_domain": "",
	})
}

func (c *Cloud) networkShow(o object) object {
	subnets := []any{}
	for _, s := range c.net("subnets").all(nil) {
		if s.str("network_id") == o.str("id") {
			subnets = append(subnets, s.str("id"))
		}
	}
	o["subnets"] = subnets
	return o
}

func (c *Cloud) networkRemove(k *call, o object) error {
	for _, p := range c.net("ports").all(nil) {
		if p.str("network_id") == o.str("id") {
			return neutronError(409, "NetworkInUse", "Unable to complete operation on network %s. There are one or more ports still in use on the network.", o.str("id"))
		}
	}
	for _, s := range c.net("subnets").all(nil) {
		if s.str("network_id") == o.str("id") {
			c.net("subnets").remove(s.str("id"))
		}
	}
	return nil
}

func subnetDefaults(k *call) object {
	return with(plainDefaults(k), object{
		"ip_version": 4, "enable_dhcp": true, "dns_nameservers": []any{}, "host_routes": []any{}, "gateway_ip": "",
		"allocation_pools": []any{}, "subnetpool_id": nil, "ipv6_address_mode": nil, "ipv6_ra_mode": nil, "service_types": []any{},
		"segment_id": nil, "dns_publish_fixed_ip": false,
	})
}

func (c *Cloud) subnetCreate(k *call, o object) error {
	if c.net("networks").get(o.str("network_id")) == nil {
		return neutronError(404, "NetworkNotFound", "Network %s could not be found.", o.str("network_id"))
	}
	cidr, err := netip.ParsePrefix(o.str("cidr"))
	if err != nil || !cidr.Addr().Is4() {
		return neutronError(400, "HTTPBadRequest", "Invalid input for cidr. Reason: '%s' is not a valid IP subnet.", o.str("cidr"))
	}
	cidr = cidr.Masked()
	for _, s := range c.net("subnets").all(nil) {
		other, err := netip.ParsePrefix(s.str("cidr"))
		if err == nil && s.str("network_id") == o.str("network_id") && other.Overlaps(cidr) {
			return neutronError(400, "InvalidInput", "Invalid input for operation: Requested subnet with cidr: %s for network: %s overlaps with another subnet.", cidr, o.str("network_id"))
		}
	}
	o["cidr"] = cidr.String()
	if gw, given := o["gateway_ip"]; given && gw == "" {
		o["gateway_ip"] = cidr.Addr().Next().String()
	}
	if len(o.list("allocation_pools")) == 0 {
		first, last := cidr.Addr().Next().Next(), lastAddr(cidr)
		o["allocation_pools"] = []any{object{"start": first.String(), "end": last.String()}}
	}
	return nil
}

// lastAddr returns the last address for hosts.
func lastAddr(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	for i := range a {
		bits := min(max(p.Bits()-8*i, 0), 8)
		a[i] |= byte(0xff >> bits)
	}
	return netip.AddrFrom4(a).Prev()
}

func (c *Cloud) subnetRemove(k *call, o object) error {
	for _, p := range c.net("ports").all(nil) {
		for _, ip := range p.list("fixed_ips") {
			if asObject(ip).str("subnet_id") == o.str("id") {
				return neutronError(409, "SubnetInUse", "Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet.", o.str("id"))
			}
		}
	}
	return nil
}

// allocate takes an address of the subnet: want, or the next free one.
func (c *Cloud) allocate(subnet object, want string) (netip.Addr, error) {
	used := c.ipam[subnet.str("id")]
	if used == nil {
		used = map[netip.Addr]bool{}
		c.ipam[subnet.str("id")] = used
	}
	if want != "" {
		addr, err := netip.ParseAddr(want)
		cidr, cidrErr := netip.ParsePrefix(subnet.str("cidr"))
		if err != nil || cidrErr != nil || !cidr.Contains(addr) {
			return netip.Addr{}, neutronError(400, "InvalidIpForSubnet", "IP address %s is not a valid IP for the specified subnet.", want)
		}
		if used[addr] || addr.String() == subnet.str("gateway_ip") {
			return netip.Addr{}, neutronError(409, "IpAddressInUse", "Unable to complete operation for network %s. The IP address %s is in use.", subnet.str("network_id"), want)
		}
		used[addr] = true
		return addr, nil
	}
	for _, pool := range subnet.list("allocation_pools") {
		addr, err := netip.ParseAddr(asObject(pool).str("start"))
		end, endErr := netip.ParseAddr(asObject(pool).str("end"))
		if err != nil || endErr != nil {
			continue
		}
		for ; addr.Compare(end) <= 0; addr = addr.Next() {
			if !used[addr] && addr.String() != subnet.str("gateway_ip") {
				used[addr] = true
				return addr, nil
			}
		}
	}
	return netip.Addr{}, neutronError(409, "IpAddressGenerationFailure", "No more IP addresses available on network %s.", subnet.str("network_id"))
}

func portDefaults(k *call) object {
	return with(plainDefaults(k), object{
		"admin_state_up": true, "status": "DOWN", "device_id": "", "device_owner": "", "mac_address": "", "fixed_ips": nil,
		"security_groups": nil, "allowed_address_pairs": []any{}, "extra_dhcp_opts": []any{}, "binding:host_id": "",
		"binding:vnic_type": "normal", "binding:profile": object{}, "binding:vif_type": "unbound", "binding:vif_details": object{},
		"port_security_enabled": true, "dns_name": "", "dns_assignment": []any{}, "qos_policy_id": nil, "propagate_uplink_status": false,
	})
}

func (c *Cloud) portCreate(k *call, o object) error {
	if c.net("networks").get(o.str("network_id")) == nil {
		return neutronError(404, "NetworkNotFound", "Network %s could not be found.", o.str("network_id"))
	}
	if o.str("mac_address") == "" {
		id := o.str("id")
		o["mac_address"] = fmt.Sprintf("fa:16:3e:%s:%s:%s", id[0:2], id[2:4], id[4:6])
	}
	if o["security_groups"] == nil {
		o["security_groups"] = []any{}
		if g := c.findGroup("default", o.str("project_id")); g != nil && o.truth("port_security_enabled", true) {
			o["security_groups"] = []any{g.str("id")}
		}
	}
	for _, g := range o.list("security_groups") {
		if id, _ := g.(string); c.net("security_groups").get(id) == nil {
			return neutronError(404, "SecurityGroupNotFound", "Security group %v does not exist", g)
		}
	}
	ips, err := c.fixedIPs(o.str("network_id"), o["fixed_ips"] != nil, o.list("fixed_ips"))
	if err != nil {
		return err
	}
	o["fixed_ips"] = ips
	return nil
}

// fixedIPs allocates what a port asks for, or one address if it asks not.
func (c *Cloud) fixedIPs(network string, given bool, wants []any) ([]any, error) {
	subnets := c.net("subnets").all(func(s object) bool { return s.str("network_id") == network })
	if !given && len(subnets) > 0 {
		wants = []any{object{"subnet_id": subnets[0].str("id")}}
	}
	out := []any{}
	for _, w := range wants {
		want := asObject(w)
		ip, id := want.str("ip_address"), want.str("subnet_id")
		i := slices.IndexFunc(subnets, func(s object) bool {
			if id != "" {
				return s.str("id") == id
			}
			cidr, err := netip.ParsePrefix(s.str("cidr"))
			addr, addrErr := netip.ParseAddr(ip)
			return err == nil && addrErr == nil && cidr.Contains(addr)
		})
		if i < 0 {
			c.release(out)
			return nil, neutronError(400, "InvalidIpForNetwork", "IP address %s is not a valid IP for any of the subnets on the specified network.", ip)
		}
		addr, err := c.allocate(subnets[i], ip)
		if err != nil {
			c.release(out)
			return nil, err
		}
		out = append(out, object{"subnet_id": subnets[i].str("id"), "ip_address": addr.String()})
	}
	return out, nil
}

// release gives addresses back.
func (c *Cloud) release(ips []any) {
	for _, ip := range ips {
		if addr, err := netip.ParseAddr(asObject(ip).str("ip_address")); err == nil {
			delete(c.ipam[asObject(ip).str("subnet_id")], addr)
		}
	}
}

func portShow(o object) object {
	delete(o, ownedField)
	return o
}

func (c *Cloud) portUpdate(k *call, o, in object) error {
	if in["fixed_ips"] == nil {
		return nil
	}
	old := o.list("fixed_ips")
	c.release(old)
	ips, err := c.fixedIPs(o.str("network_id"), true, in.list("fixed_ips"))
	if err != nil {
		for _, ip := range old { // nobody took them meanwhile
			if s := c.net("subnets").get(asObject(ip).str("subnet_id")); s != nil {
				if _, again := c.allocate(s, asObject(ip).str("ip_address")); again != nil {
					return again
				}
			}
		}
		return err
	}
	in["fixed_ips"] = ips
	return nil
}

func (c *Cloud) portRemove(k *call, o object) error {
	if strings.HasPrefix(o.str("device_owner"), "network:router_interface") {
		return neutronError(409, "ServicePortInUse", "Port %s cannot be deleted directly via the port API: has device owner network:router_interface.", o.str("id"))
	}
	c.release(o.list("fixed_ips"))
	for _, f := range c.net("floatingips").all(nil) {
		if f.str("port_id") == o.str("id") {
			c.floatingAttach(f, "", "")
		}
	}
	return nil
}

func routerDefaults(k *call) object {
	return with(plainDefaults(k), object{
		"admin_state_up": true, "status": "ACTIVE", "external_gateway_info": nil, "routes": []any{}, "distributed": false, "ha": false,
		"availability_zones": []any{}, "availability_zone_hints": []any{}, "flavor_id": nil,
	})
}

func (c *Cloud) routerPorts(id string) []object {
	return c.net("ports").all(func(p object) bool { return p.str("device_id") == id })
}

func (c *Cloud) routerRemove(k *call, o object) error {
	if len(c.routerPorts(o.str("id"))) > 0 {
		return neutronError(409, "RouterInUse", "Router %s still has ports", o.str("id"))
	}
	return nil
}

func (c *Cloud) routerAttach(k *call) (*reply, error) {
	router := c.net("routers").get(k.id("id"))
	if router == nil {
		return nil, neutronError(404, "RouterNotFound", "Router %s could not be found", k.id("id"))
	}
	port := c.net("ports").get(k.body.str("port_id"))
	if port == nil {
		subnet := c.net("subnets").get(k.body.str("subnet_id"))
		if subnet == nil {
			return nil, neutronError(404, "SubnetNotFound", "Subnet %s could not be found.", k.body.str("subnet_id"))
		}
		port = portDefaults(k)
		with(port, object{
			"id": newID(), "network_id": subnet.str("network_id"), "security_groups": []any{},
			"fixed_ips": []any{object{"subnet_id": subnet.str("id"), "ip_address": subnet.str("gateway_ip")}},
		})
		port["mac_address"] = "fa:16:3e:" + port.str("id")[0:2] + ":" + port.str("id")[2:4] + ":" + port.str("id")[4:6]
		c.net("ports").add(port)
	}
	with(port, object{"device_id": router.str("id"), "device_owner": "network:router_interface", "status": "ACTIVE"})
	return c.routerInterface(router, port)
}

func (c *Cloud) routerInterface(router, port object) (*reply, error) {
	subnet := ""
	if ips := port.list("fixed_ips"); len(ips) > 0 {
		subnet = asObject(ips[0]).str("subnet_id")
	}
	return &reply{200, object{
		"id": router.str("id"), "tenant_id": router.str("project_id"), "project_id": router.str("project_id"), "port_id": port.str("id"),
		"network_id": port.str("network_id"), "subnet_id": subnet, "subnet_ids": []any{subnet}, "tags": []any{},
	}}, nil
}

func (c *Cloud) routerDetach(k *call) (*reply, error) {
	router := c.net("routers").get(k.id("id"))
	if router == nil {
		return nil, neutronError(404, "RouterNotFound", "Router %s could not be found", k.id("id"))
	}
	for _, p := range c.routerPorts(router.str("id")) {
		for _, ip := range p.list("fixed_ips") {
			if p.str("id") == k.body.str("port_id") || asObject(ip).str("subnet_id") == k.body.str("subnet_id") {
				c.net("ports").remove(p.str("id"))
				return c.routerInterface(router, p)
			}
		}
	}
	return nil, neutronError(404, "RouterInterfaceNotFound", "Router %s has no interface on subnet %s", router.str("id"), k.body.str("subnet_id"))
}

func floatingDefaults(k *call) object {
	o := plainDefaults(k)
	delete(o, "name") // clients take a name for the address
	delete(o, "shared")
	return with(o, object{
		"status": "DOWN", "port_id": nil, "fixed_ip_address": nil, "router_id": nil, "port_details": nil, "dns_name": "", "dns_domain": "",
		"qos_policy_id": nil, "port_forwardings": []any{},
	})
}

func (c *Cloud) floatingCreate(k *call, o object) error {
	network := c.net("networks").get(o.str("floating_network_id"))
	if network == nil || !network.truth("router:external", false) {
		return neutronError(404, "ExternalNetworkNotFound", "External network %s could not be found.", o.str("floating_network_id"))
	}
	want, _ := o["floating_ip_address"].(string)
	subnets := c.net("subnets").all(func(s object) bool { return s.str("network_id") == network.str("id") })
	if len(subnets) == 0 {
		return neutronError(409, "IpAddressGenerationFailure", "No more IP addresses available on network %s.", network.str("id"))
	}
	addr, err := c.allocate(subnets[0], want)
	if err != nil {
		return err
	}
	o["floating_ip_address"] = addr.String()
	port, _ := o["port_id"].(string)
	fixed, _ := o["fixed_ip_address"].(string)
	if err := c.checkFloatingPort(o, port); err != nil {
		return err
	}
	c.floatingAttach(o, port, fixed)
	return nil
}

func (c *Cloud) floatingUpdate(k *call, o, in object) error {
	value, given := in["port_id"]
	if !given {
		return nil
	}
	port, _ := value.(string)
	fixed := in.str("fixed_ip_address")
	delete(in, "port_id")
	delete(in, "fixed_ip_address")
	if err := c.checkFloatingPort(o, port); err != nil {
		return err
	}
	c.floatingAttach(o, port, fixed)
	return nil
}

func (c *Cloud) checkFloatingPort(o object, id string) error {
	if id == "" {
		return nil
	}
	port := c.net("ports").get(id)
	if port == nil {
		return neutronError(404, "PortNotFound", "Port %s could not be found.", id)
	}
	for _, f := range c.net("floatingips").all(nil) {
		if f.str("port_id") == id && f.str("id") != o.str("id") {
			return neutronError(409, "FloatingIPPortAlreadyAssociated", "Cannot associate floating IP %s (%s) with port %s, as that port already has a floating IP.",
				o.str("floating_ip_address"), o.str("id"), id)
		}
	}
	return nil
}

// floatingAttach points the floating IP at a port; "" takes it off.
func (c *Cloud) floatingAttach(o object, portID, fixed string) {
	old := o.str("port_id")
	with(o, object{"port_id": nil, "fixed_ip_address": nil, "router_id": nil, "status": "DOWN", "port_details": nil})
	if port := c.net("ports").get(portID); port != nil {
		if ips := port.list("fixed_ips"); fixed == "" && len(ips) > 0 {
			fixed = asObject(ips[0]).str("ip_address")
		}
		with(o, object{"port_id": portID, "fixed_ip_address": fixed, "router_id": FixedID("router1"), "status": "ACTIVE"})
		o["port_details"] = pick(port, []string{"status", "name", "admin_state_up", "network_id", "device_owner", "mac_address", "device_id"})
	}
	for _, id := range []string{old, portID} {
		c.localChanged(id, o)
	}
}

// localChanged tells the machine behind a port which floating IPs it has; o
// is one that may not be stored yet.
func (c *Cloud) localChanged(portID string, o object) {
	port := c.net("ports").get(portID)
	if port == nil {
		return
	}
	s := c.serverBy[port.str("device_id")]
	if s == nil || s.machine == nil {
		return
	}
	addrs := c.localAddrs(s, o)
	machine := s.machine
	c.background(func(ctx context.Context) {
		if err := machine.SetLocal(ctx, addrs); err != nil {
			c.cfg.Logf("cloud: floating IPs of %s: %v", s.name, err)
		}
	})
}

// localAddrs returns the floating IPs of the server's ports.
func (c *Cloud) localAddrs(s *server, extra ...object) []netip.Addr {
	var out []netip.Addr
	for _, f := range append(c.net("floatingips").all(nil), extra...) {
		port := c.net("ports").get(f.str("port_id"))
		if port == nil || port.str("device_id") != s.id {
			continue
		}
		if a, err := netip.ParseAddr(f.str("floating_ip_address")); err == nil && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func (c *Cloud) floatingRemove(k *call, o object) error {
	c.floatingAttach(o, "", "")
	for _, s := range c.net("subnets").all(nil) {
		if s.str("network_id") == o.str("floating_network_id") {
			c.release([]any{object{"subnet_id": s.str("id"), "ip_address": o.str("floating_ip_address")}})
		}
	}
	return nil
}

// findGroup returns the project's security group by name or id.
func (c *Cloud) findGroup(what, project string) object {
	for _, g := range c.net("security_groups").all(nil) {
		if (g.str("name") == what || g.str("id") == what) && g.str("project_id") == project {
			return g
		}
	}
	return nil
}

func (c *Cloud) groupCreate(k *call, o object) error {
	if o.str("name") == "default" && c.findGroup("default", o.str("project_id")) != nil {
		return neutronError(409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
	}
	o["stateful"] = true
	for _, ether := range []string{"IPv4", "IPv6"} {
		c.addRule(o, object{"direction": "egress", "ethertype": ether})
	}
	return nil
}

// addRule adds a rule to a group.
func (c *Cloud) addRule(group, rule object) {
	o := ruleDefaults(&call{token: &token{project: group.str("project_id")}})
	c.net("security_group_rules").add(with(with(o, rule), object{"security_group_id": group.str("id")}))
}

func (c *Cloud) groupShow(o object) object {
	o["security_group_rules"] = c.net("security_group_rules").all(func(r object) bool { return r.str("security_group_id") == o.str("id") })
	return o
}

func (c *Cloud) groupRemove(k *call, o object) error {
	if o.str("name") == "default" && !k.token.admin() {
		return neutronError(409, "SecurityGroupCannotRemoveDefault", "Insufficient rights for removing default security group.")
	}
	for _, p := range c.net("ports").all(nil) {
		if slices.Contains(p.list("security_groups"), any(o.str("id"))) {
			return neutronError(409, "SecurityGroupInUse", "Security Group %s in use.", o.str("id"))
		}
	}
	for _, r := range c.groupShow(clone(o))["security_group_rules"].([]object) {
		c.net("security_group_rules").remove(r.str("id"))
	}
	return nil
}

func ruleDefaults(k *call) object {
	o := with(plainDefaults(k), object{
		"direction": "ingress", "ethertype": "IPv4", "protocol": nil, "port_range_min": nil, "port_range_max": nil,
		"remote_ip_prefix": nil, "remote_group_id": nil, "remote_address_group_id": nil, "normalized_cidr": nil,
	})
	delete(o, "name")
	delete(o, "shared")
	return o
}

// ruleKeys are the fields two rules must differ in.
var ruleKeys = []string{
	"security_group_id", "direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id",
}

func (c *Cloud) ruleCreate(k *call, o object) error {
	group := c.net("security_groups").get(o.str("security_group_id"))
	if group == nil || !visible(k, group) {
		return neutronError(404, "SecurityGroupNotFound", "Security group %s does not exist", o.str("security_group_id"))
	}
	for _, r := range c.net("security_group_rules").all(nil) {
		same := true
		for _, key := range ruleKeys {
			same = same && fmt.Sprint(r[key]) == fmt.Sprint(o[key])
		}
		if same {
			return neutronError(409, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is %s.", r.str("id"))
		}
	}
	return nil
}

// seedNetwork makes what the cloud is born with: the hosts' network, one for
// floating IPs, a router between, and two security groups.
func (c *Cloud) seedNetwork() {
	project := hexID("project " + c.cfg.Project)
	k := &call{token: &token{project: project}}
	private := with(networkDefaults(k), object{"id": FixedID("private"), "name": "private"})
	c.net("networks").add(private)
	gateway := c.cfg.Network.Masked().Addr().Next()
	start := gateway
	for range 10 {
		start = start.Next()
	}
	end := gateway
	for range 198 {
		end = end.Next()
	}
	subnet := with(subnetDefaults(k), object{
		"id": FixedID("private-subnet"), "name": "private-subnet", "network_id": private.str("id"), "cidr": c.cfg.Network.Masked().String(),
		"gateway_ip":       gateway.String(),
		"allocation_pools": []any{object{"start": start.String(), "end": end.String()}},
	})
	c.net("subnets").add(subnet)
	c.ipam[subnet.str("id")] = map[netip.Addr]bool{}
	for _, a := range c.cfg.Taken {
		c.ipam[subnet.str("id")][a] = true
	}
	c.seedGroups(k)
	for name, addr := range c.cfg.VIPs {
		c.ipam[subnet.str("id")][addr] = true
		id := FixedID("port " + name)
		c.net("ports").add(with(portDefaults(k), object{
			"id": id, "name": name, "network_id": private.str("id"), "security_groups": []any{},
			"mac_address": fmt.Sprintf("fa:16:3e:%s:%s:%s", id[0:2], id[2:4], id[4:6]),
			"fixed_ips":   []any{object{"subnet_id": subnet.str("id"), "ip_address": addr.String()}},
			"description": "a virtual address that hosts move between them",
		}))
	}
	if c.cfg.Public.IsValid() {
		c.seedPublic(k)
	}
}

func (c *Cloud) seedGroups(k *call) {
	for _, name := range []string{"default", "built-in-allow-all"} {
		for _, project := range c.idn.projects.all(nil) {
			k := &call{token: &token{project: project.str("id")}}
			id := FixedID("group " + name + project.str("name"))
			g := c.net("security_groups").add(with(plainDefaults(k), object{"id": id, "name": name, "stateful": true}))
			for _, ether := range []string{"IPv4", "IPv6"} {
				c.addRule(g, object{"direction": "egress", "ethertype": ether})
				rule := object{"direction": "ingress", "ethertype": ether}
				if name == "default" {
					rule["remote_group_id"] = id
				}
				c.addRule(g, rule)
			}
		}
	}
}

func (c *Cloud) seedPublic(k *call) {
	public := with(networkDefaults(k), object{"id": FixedID("public"), "name": "public", "router:external": true, "is_default": true,
		"project_id": hexID("project admin"), "tenant_id": hexID("project admin")})
	c.net("networks").add(public)
	cidr := c.cfg.Public.Masked()
	first := cidr.Addr().Next()
	c.net("subnets").add(with(subnetDefaults(k), object{
		"id": FixedID("public-subnet"), "name": "public-subnet", "network_id": public.str("id"), "cidr": cidr.String(),
		"gateway_ip": first.String(), "enable_dhcp": false,
		"allocation_pools": []any{object{"start": first.Next().String(), "end": lastAddr(cidr).String()}},
		"project_id":       public["project_id"], "tenant_id": public["tenant_id"],
	}))
	c.net("routers").add(with(routerDefaults(k), object{"id": FixedID("router1"), "name": "router1",
		"external_gateway_info": object{"network_id": public.str("id"), "enable_snat": true, "external_fixed_ips": []any{}}}))
}
