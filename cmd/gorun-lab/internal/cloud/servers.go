package cloud

// This file is Nova's servers: what they are and how they come and go.

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The power states Nova knows.
const (
	powerNone    = 0
	powerRunning = 1
	powerOff     = 4
)

// A server is one instance. Its fields are guarded by the cloud's lock.
type server struct {
	id, name, project, user, zone, keyName, description string
	status                                              string // as the API words it
	task                                                any    // nil or the task state
	flavor                                              object // as it was when the server was made
	image                                               string
	metadata                                            object
	userData                                            string
	groups                                              []string // names of security groups
	ports                                               []string // ids, in the order of interfaces
	volumes                                             []string
	tags                                                []any
	created, updated, launched                          time.Time
	fault                                               string
	locked                                              bool
	machine                                             Machine
	resizeFrom                                          object
	access4                                             string
	cancel                                              context.CancelFunc
	built                                               chan struct{} // closed when the build has ended
}

// Triggers are metadata that make a new server behave as none should.
const (
	// FaultKey set to "error" makes the build end in ERROR.
	FaultKey = "lab_fault"
	// BuildKey is how long the build takes at least, as "3s".
	BuildKey = "lab_build"
)

func (c *Cloud) routeServers(h func(string, handler)) {
	h("GET /servers", func(k *call) (*reply, error) { return c.serverList(k, false) })
	h("GET /servers/detail", func(k *call) (*reply, error) { return c.serverList(k, true) })
	h("POST /servers", c.serverCreate)
	h("GET /servers/{id}", c.withServer(func(k *call, s *server) (*reply, error) { return ok("server", c.serverBody(k, s)) }))
	h("PUT /servers/{id}", c.withServer(c.serverUpdate))
	h("DELETE /servers/{id}", c.withServer(c.serverDelete))
	h("POST /servers/{id}/action", c.withServer(c.serverAction))
	h("GET /servers/{id}/metadata", c.withServer(func(k *call, s *server) (*reply, error) { return ok("metadata", s.metadata) }))
	h("POST /servers/{id}/metadata", c.withServer(func(k *call, s *server) (*reply, error) {
		maps.Copy(s.metadata, k.body.sub("metadata"))
		return ok("metadata", s.metadata)
	}))
	h("PUT /servers/{id}/metadata", c.withServer(func(k *call, s *server) (*reply, error) {
		s.metadata = object{}
		maps.Copy(s.metadata, k.body.sub("metadata"))
		return ok("metadata", s.metadata)
	}))
	h("GET /servers/{id}/metadata/{key}", c.withServer(func(k *call, s *server) (*reply, error) {
		if v, known := s.metadata[k.id("key")]; known {
			return ok("meta", object{k.id("key"): v})
		}
		return nil, errorf(404, "Metadata item was not found")
	}))
	h("PUT /servers/{id}/metadata/{key}", c.withServer(func(k *call, s *server) (*reply, error) {
		maps.Copy(s.metadata, k.body.sub("meta"))
		return ok("meta", k.body.sub("meta"))
	}))
	h("DELETE /servers/{id}/metadata/{key}", c.withServer(func(k *call, s *server) (*reply, error) {
		if _, known := s.metadata[k.id("key")]; !known {
			return nil, errorf(404, "Metadata item was not found")
		}
		delete(s.metadata, k.id("key"))
		return &reply{204, nil}, nil
	}))
	h("GET /servers/{id}/ips", c.withServer(func(k *call, s *server) (*reply, error) { return ok("addresses", c.addresses(s)) }))
	h("GET /servers/{id}/os-security-groups", c.withServer(c.serverGroups))
	h("GET /servers/{id}/os-interface", c.withServer(c.interfaceList))
	h("POST /servers/{id}/os-interface", c.withServer(c.interfaceAttach))
	h("DELETE /servers/{id}/os-interface/{port}", c.withServer(c.interfaceDetach))
	h("GET /servers/{id}/os-volume_attachments", c.withServer(c.volumeAttachments))
	h("POST /servers/{id}/os-volume_attachments", c.withServer(c.volumeAttach))
	h("DELETE /servers/{id}/os-volume_attachments/{volume}", c.withServer(c.volumeDetach))
	h("GET /servers/{id}/os-instance-actions", c.withServer(func(k *call, s *server) (*reply, error) {
		return ok("instanceActions", []object{{"action": "create", "instance_uuid": s.id, "request_id": "req-" + s.id, "user_id": s.user,
			"project_id": s.project, "start_time": timestamp(s.created), "message": nil}})
	}))
	h("GET /servers/{id}/tags", c.withServer(func(k *call, s *server) (*reply, error) { return ok("tags", s.tags) }))
	h("PUT /servers/{id}/tags", c.withServer(func(k *call, s *server) (*reply, error) {
		s.tags = k.body.list("tags")
		return ok("tags", s.tags)
	}))
}

// withServer finds the server of the path.
func (c *Cloud) withServer(h func(*call, *server) (*reply, error)) handler {
	return func(k *call) (*reply, error) {
		s := c.serverBy[k.id("id")]
		if s == nil || s.project != k.project() && !k.token.admin() {
			return nil, errorf(404, "Instance %s could not be found.", k.id("id"))
		}
		return h(k, s)
	}
}

// background runs f with the cloud's context.
func (c *Cloud) background(f func(context.Context)) {
	c.work.Go(func() { f(c.cfg.Context) })
}

// locked runs f under the lock.
func (c *Cloud) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// state returns the server's status and power, which follow the machine when
// it went off, or came on, by itself.
func (s *server) state() (status string, power int) {
	if s.machine == nil {
		switch s.status {
		case "ACTIVE", "VERIFY_RESIZE":
			return s.status, powerRunning
		case "SHUTOFF":
			return s.status, powerOff
		}
		return s.status, powerNone
	}
	on := s.machine.On()
	switch {
	case s.status == "ACTIVE" && !on:
		return "SHUTOFF", powerOff
	case s.status == "SHUTOFF" && on && s.task == nil:
		return "ACTIVE", powerRunning
	case on:
		return s.status, powerRunning
	}
	return s.status, powerOff
}

// serverBody is a server as the microversion shows it.
func (c *Cloud) serverBody(k *call, s *server) object {
	status, power := s.state()
	groups := []object{}
	for _, g := range s.groups {
		groups = append(groups, object{"name": g})
	}
	attached := []object{}
	for _, v := range s.volumes {
		attached = append(attached, object{"id": v, "delete_on_termination": false})
	}
	base := k.base() + compute
	o := object{
		"id": s.id, "name": s.name, "status": status, "tenant_id": s.project, "user_id": s.user, "metadata": s.metadata,
		"hostId": hexID("host " + s.zone), "created": timestamp(s.created), "updated": timestamp(s.updated), "addresses": c.addresses(s),
		"accessIPv4": s.access4, "accessIPv6": "", "links": links(base + "/servers/" + s.id), "OS-DCF:diskConfig": "MANUAL",
		"OS-EXT-AZ:availability_zone": s.zone, "config_drive": "", "key_name": nil, "OS-SRV-USG:launched_at": nil,
		"OS-SRV-USG:terminated_at": nil, "security_groups": groups, "OS-EXT-STS:task_state": s.task, "OS-EXT-STS:vm_state": vmState(status),
		"OS-EXT-STS:power_state": power, "os-extended-volumes:volumes_attached": attached, "image": "",
		"flavor": object{"id": s.flavor["id"], "links": links(base + "/flavors/" + s.flavor.str("id"))},
	}
	if s.image != "" {
		o["image"] = object{"id": s.image, "links": links(base + "/images/" + s.image)}
	}
	if s.keyName != "" {
		o["key_name"] = s.keyName
	}
	if !s.launched.IsZero() {
		o["OS-SRV-USG:launched_at"] = s.launched.UTC().Format("2006-01-02T15:04:05.000000")
	}
	if status == "ACTIVE" || status == "BUILD" {
		o["progress"] = map[string]int{"ACTIVE": 100}[status]
	}
	if s.fault != "" {
		o["fault"] = object{"code": 500, "created": timestamp(s.updated), "message": s.fault}
	}
	if k.minor >= 3 {
		with(o, object{"OS-EXT-SRV-ATTR:hostname": s.name, "OS-EXT-SRV-ATTR:reservation_id": "r-" + s.id[:8], "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda"})
		if k.token.admin() {
			with(o, object{"OS-EXT-SRV-ATTR:host": "lab-" + s.zone, "OS-EXT-SRV-ATTR:hypervisor_hostname": "lab-" + s.zone,
				"OS-EXT-SRV-ATTR:instance_name": "instance-" + s.id[:8], "OS-EXT-SRV-ATTR:user_data": s.userData})
		}
	}
	c.newerFields(k, s, o)
	return o
}

// newerFields adds what later microversions show.
func (c *Cloud) newerFields(k *call, s *server, o object) {
	if k.minor >= 9 {
		o["locked"] = s.locked
	}
	if k.minor >= 16 && k.token.admin() {
		o["host_status"] = "UP"
	}
	if k.minor >= 19 {
		o["description"] = nil
		if s.description != "" {
			o["description"] = s.description
		}
	}
	if k.minor >= 26 {
		o["tags"] = s.tags
	}
	if k.minor >= 47 {
		o["flavor"] = object{
			"original_name": s.flavor["name"], "vcpus": s.flavor["vcpus"], "ram": s.flavor["ram"], "disk": s.flavor["disk"],
			"ephemeral": 0, "swap": 0, "extra_specs": s.flavor["extra_specs"],
		}
	}
	if k.minor >= 63 {
		o["trusted_image_certificates"] = nil
	}
	if k.minor >= 71 {
		groups := []any{}
		for _, g := range c.groups.all(nil) {
			if slices.Contains(g.list("members"), any(s.id)) {
				groups = append(groups, g.str("id"))
			}
		}
		o["server_groups"] = groups
	}
	if k.minor >= 73 {
		o["locked_reason"] = nil
	}
}

func vmState(status string) string {
	switch status {
	case "BUILD":
		return "building"
	case "SHUTOFF":
		return "stopped"
	case "VERIFY_RESIZE":
		return "resized"
	case "REBOOT", "HARD_REBOOT", "PASSWORD", "RESIZE", "REBUILD":
		return "active"
	}
	return strings.ToLower(status)
}

// addresses lists the server's addresses by network.
func (c *Cloud) addresses(s *server) object {
	out := object{}
	for _, id := range s.ports {
		p := c.net("ports").get(id)
		if p == nil {
			continue
		}
		network := c.net("networks").get(p.str("network_id")).str("name")
		list, _ := out[network].([]object)
		entry := func(addr, kind string) object {
			return object{"addr": addr, "version": 4, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": p["mac_address"]}
		}
		for _, ip := range p.list("fixed_ips") {
			list = append(list, entry(asObject(ip).str("ip_address"), "fixed"))
		}
		for _, f := range c.net("floatingips").all(nil) {
			if f.str("port_id") == id {
				list = append(list, entry(f.str("floating_ip_address"), "floating"))
			}
		}
		out[network] = list
	}
	return out
}

func (c *Cloud) serverList(k *call, detail bool) (*reply, error) {
	query := k.r.URL.Query()
	all := query.Get("all_tenants")
	everyone := k.token.admin() && all != "" && all != "0" && !strings.EqualFold(all, "false")
	name, err := regexp.Compile(query.Get("name"))
	if err != nil {
		return nil, errorf(400, "Invalid input for query parameters name.")
	}
	ip, err := regexp.Compile(query.Get("ip"))
	if err != nil {
		return nil, errorf(400, "Invalid input for query parameters ip.")
	}
	rows := []object{}
	for _, o := range slices.Backward(c.servers.all(nil)) { // the newest first
		s := c.serverBy[o.str("id")]
		if s.project != k.project() && !everyone || !name.MatchString(s.name) || !ip.MatchString(c.addressText(s)) {
			continue
		}
		body := c.serverBody(k, s)
		if c.serverMatches(s, body, query) {
			rows = append(rows, body)
		}
	}
	rows, more, err := page(sortServers(rows, query), query, 1000)
	if err != nil {
		return nil, err
	}
	body := object{}
	if more {
		body["servers_links"] = []object{{"rel": "next", "href": nextLink(k, rows)}}
	}
	if !detail {
		for i := range rows {
			rows[i] = pick(rows[i], []string{"id", "name", "links"})
		}
	}
	body["servers"] = rows
	return &reply{200, body}, nil
}

// addressText is what the filter ip is matched with.
func (c *Cloud) addressText(s *server) string {
	var text []string
	for _, list := range c.addresses(s) {
		for _, a := range list.([]object) {
			text = append(text, a.str("addr"))
		}
	}
	return strings.Join(text, " ")
}

// serverMatches applies the filters that are no patterns.
func (c *Cloud) serverMatches(s *server, body object, query map[string][]string) bool {
	get := func(key string) string {
		if v := query[key]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	have := map[string]string{
		"status": body.str("status"), "image": s.image, "flavor": s.flavor.str("id"), "availability_zone": s.zone,
		"user_id": s.user, "key_name": s.keyName, "uuid": s.id, "project_id": s.project, "tenant_id": s.project, "vm_state": body.str("OS-EXT-STS:vm_state"),
	}
	for key, value := range have {
		if want := get(key); want != "" && !slices.ContainsFunc(query[key], func(w string) bool { return strings.EqualFold(w, value) }) {
			return false
		}
	}
	if since := get("changes-since"); since != "" {
		t, err := time.Parse(time.RFC3339, since)
		if err == nil && s.updated.Before(t) {
			return false
		}
	}
	for tag := range strings.SplitSeq(get("tags"), ",") {
		if tag != "" && !slices.Contains(s.tags, any(tag)) {
			return false
		}
	}
	return !strings.EqualFold(get("deleted"), "true")
}

// sortServers knows Nova's names of the columns.
func sortServers(rows []object, query map[string][]string) []object {
	columns := map[string]string{
		"display_name": "name", "created_at": "created", "updated_at": "updated", "uuid": "id", "vm_state": "OS-EXT-STS:vm_state",
	}
	q := map[string][]string{"sort_dir": query["sort_dir"]}
	for _, key := range query["sort_key"] {
		if column := columns[key]; column != "" {
			key = column
		}
		q["sort_key"] = append(q["sort_key"], key)
	}
	return sortRows(rows, q)
}

func (c *Cloud) serverUpdate(k *call, s *server) (*reply, error) {
	in := k.body.sub("server")
	if name := in.str("name"); name != "" {
		s.name = name
		c.servers.get(s.id)["name"] = name
	}
	if d, given := in["description"].(string); given {
		s.description = d
	}
	if a, given := in["accessIPv4"].(string); given {
		s.access4 = a
	}
	s.updated = time.Now()
	return ok("server", c.serverBody(k, s))
}

// A serverPlan is a POST /servers that was found good.
type serverPlan struct {
	in       object
	name     string
	flavor   object
	image    string
	keys     []string
	zone     string
	networks []object // each with uuid, fixed_ip or port
	groups   []string
}

func (c *Cloud) serverCreate(k *call) (*reply, error) {
	in := k.body.sub("server")
	if in == nil {
		in = k.body.sub("os:server")
	}
	plan, err := c.planServer(k, in)
	if err != nil {
		return nil, err
	}
	count := max(in.integer("min_count", 1), 1)
	count = max(count, in.integer("max_count", count))
	limit := c.quotaOf("compute", k.project(), computeQuotas).integer("instances", -1)
	if used := c.usage(k.project()).integer("instances", 0); limit >= 0 && used+count > limit {
		return nil, errorf(403, "Quota exceeded for instances: Requested %d, but already used %d of %d instances", count, used, limit)
	}
	var first *server
	for i := range count {
		s, err := c.makeServer(k, plan, i, count)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = s
		}
	}
	url := k.base() + compute + "/servers/" + first.id
	k.header.Set("Location", url)
	groups := []object{}
	for _, g := range first.groups {
		groups = append(groups, object{"name": g})
	}
	var pass [6]byte
	rand.Read(pass[:])
	return &reply{202, object{"server": object{
		"id": first.id, "links": links(url), "OS-DCF:diskConfig": "MANUAL", "adminPass": hex.EncodeToString(pass[:]), "security_groups": groups,
	}}}, nil
}

// planServer checks all a client may have got wrong.
func (c *Cloud) planServer(k *call, in object) (*serverPlan, error) {
	p := &serverPlan{in: in, name: strings.TrimSpace(in.str("name"))}
	if p.name == "" || len(p.name) > 255 {
		return nil, errorf(400, "Invalid input for field/attribute name. Value: %s. '%s' is too short or too long", in.str("name"), in.str("name"))
	}
	if p.flavor = c.flavors.get(lastPart(fmt.Sprint(in["flavorRef"]))); p.flavor == nil {
		return nil, errorf(400, "Flavor %v could not be found.", in["flavorRef"])
	}
	p.image = lastPart(in.str("imageRef"))
	if p.image == "" && len(in.list("block_device_mapping_v2")) == 0 {
		return nil, errorf(400, "Invalid imageRef provided.")
	}
	if p.image != "" && c.images.get(p.image) == nil {
		return nil, errorf(400, "Can not find requested image")
	}
	if name := in.str("key_name"); name != "" {
		key := c.keypair(k, name)
		if key == nil {
			return nil, errorf(400, "Invalid key_name provided.")
		}
		p.keys = []string{key.str("public_key")}
	}
	p.zone, _, _ = strings.Cut(in.str("availability_zone"), ":")
	if p.zone == "" && len(c.cfg.Zones) > 0 {
		p.zone = c.cfg.Zones[0]
	}
	if !slices.Contains(c.cfg.Zones, p.zone) {
		return nil, errorf(400, "The requested availability zone is not available")
	}
	if data := in.str("user_data"); data != "" {
		if _, err := base64.StdEncoding.DecodeString(data); err != nil {
			return nil, errorf(400, "Invalid input for field/attribute user_data. Value: it is not base64")
		}
	}
	if err := c.planNetworks(k, p); err != nil {
		return nil, err
	}
	return p, c.planGroups(k, p)
}

func (c *Cloud) planGroups(k *call, p *serverPlan) error {
	for _, g := range p.in.list("security_groups") {
		name := asObject(g).str("name")
		group := c.findGroup(name, k.project())
		if group == nil {
			return errorf(400, "Security group %s not found for project %s.", name, k.project())
		}
		p.groups = append(p.groups, group.str("name"))
	}
	if p.groups == nil {
		p.groups = []string{"default"}
	}
	return nil
}

// lastPart returns the id of a reference, which may be a URL.
func lastPart(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// planNetworks decides on the networks: those asked for, or the only one.
func (c *Cloud) planNetworks(k *call, p *serverPlan) error {
	if p.in["networks"] == "none" {
		return nil
	}
	for _, n := range p.in.list("networks") {
		want := asObject(n)
		if id := want.str("port"); id != "" {
			port := c.net("ports").get(id)
			if port == nil || !visible(k, port) {
				return errorf(400, "Port id %s could not be found.", id)
			}
			if port.str("device_id") != "" {
				return errorf(409, "Port %s is still in use.", id)
			}
		} else if network := c.net("networks").get(want.str("uuid")); network == nil || !visible(k, network) {
			return errorf(400, "Network %s could not be found.", want.str("uuid"))
		}
		p.networks = append(p.networks, want)
	}
	if len(p.networks) > 0 {
		return nil
	}
	own := c.net("networks").all(func(o object) bool { return visible(k, o) && !o.truth("router:external", false) })
	switch len(own) {
	case 0:
	case 1:
		p.networks = []object{{"uuid": own[0].str("id")}}
	default:
		return errorf(409, "Multiple possible networks found, use a Network ID to be more specific.")
	}
	return nil
}

// makeServer makes the server number i of count and begins to build it.
func (c *Cloud) makeServer(k *call, p *serverPlan, i, count int) (*server, error) {
	now := time.Now()
	s := &server{
		id: newID(), name: p.name, project: k.project(), user: k.token.user.str("id"), zone: p.zone, keyName: p.in.str("key_name"),
		description: p.in.str("description"), status: "BUILD", task: "scheduling", flavor: clone(p.flavor), image: p.image,
		metadata: object{}, userData: p.in.str("user_data"), groups: p.groups, tags: p.in.list("tags"), created: now, updated: now,
	}
	if s.tags == nil {
		s.tags = []any{}
	}
	maps.Copy(s.metadata, p.in.sub("metadata"))
	if count > 1 {
		s.name = fmt.Sprintf("%s-%d", p.name, i+1)
	}
	for _, want := range p.networks {
		port, err := c.serverPort(k, s, want)
		if err != nil {
			c.freePorts(s)
			return nil, err
		}
		s.ports = append(s.ports, port)
	}
	c.serverBy[s.id] = s
	c.servers.add(object{"id": s.id, "name": s.name, "project_id": s.project})
	if group := c.groups.get(k.body.sub("os:scheduler_hints").str("group")); group != nil {
		group["members"] = append(group.list("members"), s.id)
	}
	ctx, cancel := context.WithCancel(c.cfg.Context)
	s.cancel, s.built = cancel, make(chan struct{})
	spec := c.machineSpec(s, p.keys)
	c.background(func(context.Context) { c.build(ctx, s, spec) })
	return s, nil
}

// serverPort returns the port for one network of a new server.
func (c *Cloud) serverPort(k *call, s *server, want object) (string, error) {
	port := c.net("ports").get(want.str("port"))
	if port == nil {
		port = with(portDefaults(k), object{"id": newID(), "network_id": want.str("uuid"), ownedField: true})
		if ip := want.str("fixed_ip"); ip != "" {
			port["fixed_ips"] = []any{object{"ip_address": ip}}
		}
		var groups []any
		for _, g := range s.groups {
			groups = append(groups, c.findGroup(g, s.project).str("id"))
		}
		port["security_groups"] = groups
		if err := c.portCreate(k, port); err != nil {
			// Nova words what Neutron refused as its own.
			return "", errorf(400, "%s", err.Error())
		}
		c.net("ports").add(port)
	}
	with(port, object{"device_id": s.id, "device_owner": "compute:" + s.zone, "binding:host_id": "lab-" + s.zone})
	return port.str("id"), nil
}

// ownedField marks ports that Nova made and removes with their server.
const ownedField = "lab:owned"

// freePorts removes the ports made for the server and frees the others.
func (c *Cloud) freePorts(s *server) {
	for _, id := range s.ports {
		if port := c.net("ports").get(id); port != nil {
			c.freePort(port)
		}
	}
	s.ports = nil
}

func (c *Cloud) freePort(port object) {
	if port.truth(ownedField, false) {
		for _, f := range c.net("floatingips").all(nil) {
			if f.str("port_id") == port.str("id") {
				c.floatingAttach(f, "", "")
			}
		}
		c.release(port.list("fixed_ips"))
		c.net("ports").remove(port.str("id"))
		return
	}
	with(port, object{"device_id": "", "device_owner": "", "binding:host_id": "", "status": "DOWN"})
}

// notInHostName is what host names cannot have.
var notInHostName = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// hostName makes a host name of a server's name, as Nova does.
func hostName(name, id string) string {
	h := strings.Trim(notInHostName.ReplaceAllString(name, "-"), "-.")
	if len(h) > 63 {
		h = strings.Trim(h[:63], "-.")
	}
	if h == "" {
		return "server-" + id[:8]
	}
	return h
}

func (c *Cloud) machineSpec(s *server, keys []string) MachineSpec {
	spec := MachineSpec{ID: s.id, Name: hostName(s.name, s.id), Zone: s.zone, Keys: keys, Metadata: map[string]string{}}
	for key, v := range s.metadata {
		spec.Metadata[key] = fmt.Sprint(v)
	}
	if data, err := base64.StdEncoding.DecodeString(s.userData); err == nil { // checked before
		spec.UserData = data
	}
	for _, id := range s.ports {
		port := c.net("ports").get(id)
		for _, ip := range port.list("fixed_ips") {
			subnet := c.net("subnets").get(asObject(ip).str("subnet_id"))
			addr, err := netip.ParseAddr(asObject(ip).str("ip_address"))
			cidr, cidrErr := netip.ParsePrefix(subnet.str("cidr"))
			if err != nil || cidrErr != nil {
				continue
			}
			if gw, err := netip.ParseAddr(subnet.str("gateway_ip")); err == nil && !spec.Gateway.IsValid() {
				spec.Gateway = gw
			}
			spec.NICs = append(spec.NICs, MachineNIC{Addr: netip.PrefixFrom(addr, cidr.Bits()), MAC: port.str("mac_address")})
		}
	}
	return spec
}

// build boots the server's machine; the server is ACTIVE when that answers.
func (c *Cloud) build(ctx context.Context, s *server, spec MachineSpec) {
	defer close(s.built)
	c.pause(ctx, spec.Metadata[BuildKey])
	machine, err := c.boot(ctx, s, spec)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.updated, s.task = time.Now(), nil
	if ctx.Err() != nil {
		return // deleted meanwhile, which removes the machine
	}
	if err != nil {
		s.status, s.fault = "ERROR", err.Error()
		c.cfg.Logf("cloud: server %s (%s): %v", s.name, s.id, err)
		return
	}
	s.machine, s.status, s.launched = machine, "ACTIVE", time.Now()
	for _, id := range s.ports {
		if port := c.net("ports").get(id); port != nil {
			with(port, object{"status": "ACTIVE", "binding:vif_type": "bridge"})
		}
	}
	if addrs := c.localAddrs(s); len(addrs) > 0 && machine != nil {
		c.background(func(ctx context.Context) {
			if err := machine.SetLocal(ctx, addrs); err != nil {
				c.cfg.Logf("cloud: floating IPs of %s: %v", s.name, err)
			}
		})
	}
}

// pause waits for a duration as metadata writes it.
func (c *Cloud) pause(ctx context.Context, text string) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// boot makes the machine and waits for it; the lock is not held.
func (c *Cloud) boot(ctx context.Context, s *server, spec MachineSpec) (Machine, error) {
	c.locked(func() { s.task = "spawning" })
	if spec.Metadata[FaultKey] == "error" || strings.HasPrefix(s.name, "fail-") {
		return nil, errorf(500, "No valid host was found. There are not enough hosts available.")
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if c.cfg.Backend == nil {
		return nil, nil
	}
	machine, err := c.cfg.Backend.Create(ctx, spec)
	if err != nil {
		return nil, err
	}
	c.locked(func() { s.machine = machine })
	return machine, machine.WaitReady(ctx)
}

func (c *Cloud) serverDelete(k *call, s *server) (*reply, error) {
	if s.locked && !k.token.admin() {
		return nil, errorf(409, "Instance %s is locked", s.id)
	}
	if s.task == "deleting" {
		return &reply{204, nil}, nil
	}
	s.task = "deleting"
	s.cancel()
	c.background(func(ctx context.Context) {
		<-s.built // cancelled, and so soon
		var machine Machine
		c.locked(func() { machine = s.machine })
		if machine != nil {
			if err := machine.Remove(ctx); err != nil {
				c.cfg.Logf("cloud: deleting %s: %v", s.name, err)
			}
		}
		c.locked(func() { c.forget(s) })
	})
	return &reply{204, nil}, nil
}

// forget removes the server's records.
func (c *Cloud) forget(s *server) {
	c.freePorts(s)
	for _, v := range s.volumes {
		c.volumeFree(v)
	}
	for _, g := range c.groups.all(nil) {
		g["members"] = slices.DeleteFunc(g.list("members"), func(m any) bool { return m == s.id })
	}
	delete(c.serverBy, s.id)
	c.servers.remove(s.id)
}
