package cloud

// This file is Neutron (https://docs.openstack.org/api-ref/network/v2/): one
// way to serve all kinds of records, with what is special to each as hooks.

import (
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
