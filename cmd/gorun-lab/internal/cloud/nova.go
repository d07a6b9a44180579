package cloud

// This file is Nova (https://docs.openstack.org/api-ref/compute/) but for the
// servers themselves, which are in servers.go.

import (
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

var computeService = service{name: "compute", wrap: wrapFault}

// maxMinor is the newest microversion, of 2.maxMinor.
const maxMinor = 90

// microversion reads the version the client asks for and says which it gets.
func (k *call) microversion() error {
	k.minor = 1
	asked := ""
	for part := range strings.SplitSeq(k.r.Header.Get("OpenStack-API-Version"), ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "compute "); ok {
			asked = strings.TrimSpace(v)
		}
	}
	if asked == "" {
		asked = k.r.Header.Get("X-OpenStack-Nova-API-Version")
	}
	switch {
	case asked == "latest":
		k.minor = maxMinor
	case asked != "":
		minor, ok := strings.CutPrefix(asked, "2.")
		n, err := strconv.Atoi(minor)
		if !ok || err != nil {
			return errorf(400, "API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.", asked)
		}
		if n < 1 || n > maxMinor {
			return errorf(406, "Version %s is not supported by the API. Minimum is 2.1 and maximum is 2.%d.", asked, maxMinor)
		}
		k.minor = n
	}
	k.header.Set("OpenStack-API-Version", fmt.Sprintf("compute 2.%d", k.minor))
	k.header.Set("X-OpenStack-Nova-API-Version", fmt.Sprintf("2.%d", k.minor))
	k.header.Set("Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version")
	return nil
}

const compute = "/compute/v2.1"

func (c *Cloud) routeCompute() {
	open := service{name: "compute", wrap: wrapFault, open: true}
	c.handle(open, "GET /compute", func(k *call) (*reply, error) {
		return &reply{300, object{"versions": []object{computeVersion(k)}}}, nil
	})
	c.handle(open, "GET "+compute, func(k *call) (*reply, error) { return ok("version", computeVersion(k)) })
	h := func(pattern string, f handler) { c.handle(computeService, prefixPattern(pattern, compute), f) }
	c.routeServers(h)
	h("GET /flavors", func(k *call) (*reply, error) { return c.flavorList(k, false) })
	h("GET /flavors/detail", func(k *call) (*reply, error) { return c.flavorList(k, true) })
	h("GET /flavors/{id}", c.flavorShow)
	h("POST /flavors", c.flavorCreate)
	h("DELETE /flavors/{id}", c.flavorDelete)
	h("GET /flavors/{id}/os-extra_specs", func(k *call) (*reply, error) {
		if f := c.flavors.get(k.id("id")); f != nil {
			return ok("extra_specs", f["extra_specs"])
		}
		return nil, errorf(404, "Flavor %s could not be found.", k.id("id"))
	})
	h("GET /images", func(k *call) (*reply, error) { return c.proxyImages(k) })
	h("GET /images/detail", func(k *call) (*reply, error) { return c.proxyImages(k) })
	h("GET /images/{id}", c.proxyImage)
	h("GET /os-keypairs", c.keypairList)
	h("POST /os-keypairs", c.keypairCreate)
	h("GET /os-keypairs/{id}", c.keypairShow)
	h("DELETE /os-keypairs/{id}", c.keypairDelete)
	h("GET /os-availability-zone", func(k *call) (*reply, error) { return c.zoneList(k, false) })
	h("GET /os-availability-zone/detail", func(k *call) (*reply, error) { return c.zoneList(k, true) })
	h("GET /limits", c.limits)
	h("GET /os-quota-sets/{id}", c.computeQuota)
	h("GET /os-quota-sets/{id}/defaults", func(k *call) (*reply, error) {
		return ok("quota_set", with(clone(computeQuotas), object{"id": k.id("id")}))
	})
	h("GET /os-quota-sets/{id}/detail", c.computeQuotaDetail)
	h("PUT /os-quota-sets/{id}", func(k *call) (*reply, error) {
		c.setQuota("compute", k.id("id"), k.body.sub("quota_set"))
		return ok("quota_set", c.quotaOf("compute", k.id("id"), computeQuotas))
	})
	h("GET /extensions", func(k *call) (*reply, error) { return ok("extensions", []any{}) })
	h("GET /os-server-groups", func(k *call) (*reply, error) {
		return ok("server_groups", c.groups.all(func(o object) bool { return o.str("project_id") == k.project() }))
	})
	h("POST /os-server-groups", c.serverGroupCreate)
	h("GET /os-server-groups/{id}", func(k *call) (*reply, error) {
		if g := c.groups.get(k.id("id")); g != nil {
			return ok("server_group", g)
		}
		return nil, errorf(404, "Instance group %s could not be found.", k.id("id"))
	})
	h("DELETE /os-server-groups/{id}", func(k *call) (*reply, error) {
		if c.groups.get(k.id("id")) == nil {
			return nil, errorf(404, "Instance group %s could not be found.", k.id("id"))
		}
		c.groups.remove(k.id("id"))
		return &reply{204, nil}, nil
	})
	h("GET /os-security-groups", c.proxyGroups)
	h("GET /os-security-groups/{id}", c.proxyGroup)
	h("GET /os-migrations", func(k *call) (*reply, error) { return ok("migrations", []any{}) })
	h("GET /os-hypervisors", c.hypervisors)
	h("GET /os-hypervisors/detail", c.hypervisors)
	h("GET /os-services", c.computeServices)
}

func computeVersion(k *call) object {
	return object{
		"id": "v2.1", "status": "CURRENT", "version": fmt.Sprintf("2.%d", maxMinor), "min_version": "2.1", "updated": "2013-07-23T11:33:21Z",
		"links":       []object{{"rel": "self", "href": k.base() + compute + "/"}},
		"media-types": []object{{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}},
	}
}

func (c *Cloud) seedCompute() {
	for i, f := range []struct {
		name            string
		ram, disk, cpus int
	}{
		{"m1.tiny", 512, 1, 1}, {"m1.small", 2048, 20, 1}, {"m1.medium", 4096, 40, 2}, {"m1.large", 8192, 80, 4}, {"m1.xlarge", 16384, 160, 8},
	} {
		c.flavors.add(newFlavor(strconv.Itoa(i+1), f.name, f.ram, f.disk, f.cpus))
	}
	if c.cfg.Keypair != "" {
		for _, u := range c.idn.users.all(nil) {
			c.keypairs.add(newKeypair(c.cfg.Keypair, c.cfg.PublicKey, u.str("id")))
		}
	}
}

func newFlavor(id, name string, ram, disk, cpus int) object {
	return object{
		"id": id, "name": name, "ram": ram, "disk": disk, "vcpus": cpus, "swap": "", "rxtx_factor": 1.0, "OS-FLV-EXT-DATA:ephemeral": 0,
		"OS-FLV-DISABLED:disabled": false, "os-flavor-access:is_public": true, "extra_specs": object{}, "description": nil,
	}
}

// flavorBody is a flavor as the microversion shows it.
func (c *Cloud) flavorBody(k *call, f object, detail bool) object {
	url := k.base() + compute + "/flavors/" + f.str("id")
	if !detail {
		return object{"id": f["id"], "name": f["name"], "links": links(url), "description": f["description"]}
	}
	o := clone(f)
	o["links"] = links(url)
	if k.minor < 55 {
		delete(o, "description")
	}
	if k.minor < 61 {
		delete(o, "extra_specs")
	}
	if k.minor >= 75 {
		o["swap"] = 0
	}
	return o
}

func (c *Cloud) flavorList(k *call, detail bool) (*reply, error) {
	query := k.r.URL.Query()
	rows := c.flavors.all(func(f object) bool {
		return f.integer("ram", 0) >= atoi(query.Get("minRam")) && f.integer("disk", 0) >= atoi(query.Get("minDisk"))
	})
	rows, more, err := page(sortRows(rows, query), query, 1000)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, f := range rows {
		out = append(out, c.flavorBody(k, f, detail))
	}
	body := object{"flavors": out}
	if more {
		body["flavors_links"] = []object{{"rel": "next", "href": nextLink(k, rows)}}
	}
	return &reply{200, body}, nil
}

// atoi reads a number of a query; what is none is 0.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func (c *Cloud) flavorShow(k *call) (*reply, error) {
	if f := c.flavors.get(k.id("id")); f != nil {
		return ok("flavor", c.flavorBody(k, f, true))
	}
	return nil, errorf(404, "Flavor %s could not be found.", k.id("id"))
}

func (c *Cloud) flavorCreate(k *call) (*reply, error) {
	in := k.body.sub("flavor")
	name := in.str("name")
	if name == "" {
		return nil, errorf(400, "Invalid input for field/attribute flavor. 'name' is a required property")
	}
	if c.flavors.first("name", name) != nil {
		return nil, errorf(409, "Flavor with name %s already exists.", name)
	}
	id := in.str("id")
	if id == "" || id == "auto" {
		id = newID()
	}
	f := c.flavors.add(newFlavor(id, name, in.integer("ram", 0), in.integer("disk", 0), in.integer("vcpus", 1)))
	return ok("flavor", c.flavorBody(k, f, true))
}

func (c *Cloud) flavorDelete(k *call) (*reply, error) {
	if c.flavors.get(k.id("id")) == nil {
		return nil, errorf(404, "Flavor %s could not be found.", k.id("id"))
	}
	c.flavors.remove(k.id("id"))
	return &reply{202, nil}, nil
}

// proxyImages is Nova's own view of images, which clients of old use.
func (c *Cloud) proxyImages(k *call) (*reply, error) {
	if k.minor > 35 {
		return nil, errorf(404, "The resource could not be found.")
	}
	out := []object{}
	for _, i := range c.images.all(func(o object) bool { return visibleImage(k, o) }) {
		if name := k.r.URL.Query().Get("name"); name == "" || i.str("name") == name {
			out = append(out, c.proxyBody(k, i))
		}
	}
	return ok("images", out)
}

func (c *Cloud) proxyBody(k *call, i object) object {
	return object{
		"id": i["id"], "name": i["name"], "status": "ACTIVE", "progress": 100, "minDisk": i["min_disk"], "minRam": i["min_ram"],
		"created": i["created_at"], "updated": i["updated_at"], "metadata": object{}, "OS-EXT-IMG-SIZE:size": i["size"],
		"links": links(k.base() + compute + "/images/" + i.str("id")),
	}
}

func (c *Cloud) proxyImage(k *call) (*reply, error) {
	if i := c.images.get(k.id("id")); i != nil && k.minor <= 35 && visibleImage(k, i) {
		return ok("image", c.proxyBody(k, i))
	}
	return nil, errorf(404, "Image %s could not be found.", k.id("id"))
}

// proxyGroups is Nova's own view of security groups, which went with 2.36.
func (c *Cloud) proxyGroups(k *call) (*reply, error) {
	if k.minor > 35 {
		return nil, errorf(404, "The resource could not be found.")
	}
	out := []object{}
	for _, g := range c.net("security_groups").all(func(o object) bool { return visible(k, o) }) {
		out = append(out, proxyGroupBody(g))
	}
	return ok("security_groups", out)
}

func (c *Cloud) proxyGroup(k *call) (*reply, error) {
	if g := c.net("security_groups").get(k.id("id")); g != nil && k.minor <= 35 && visible(k, g) {
		return ok("security_group", proxyGroupBody(g))
	}
	return nil, errorf(404, "Security group %s not found.", k.id("id"))
}

func proxyGroupBody(g object) object {
	return object{"id": g["id"], "name": g["name"], "description": g["description"], "tenant_id": g["project_id"], "rules": []any{}}
}

func newKeypair(name, public, user string) object {
	return object{
		"id": user + " " + name, "name": name, "public_key": public, "fingerprint": fingerprint(public), "type": "ssh",
		"user_id": user, "created_at": time.Now().UTC().Format("2006-01-02T15:04:05.000000"), "deleted": false, "deleted_at": nil, "updated_at": nil,
	}
}

// fingerprint is the MD5 sum Nova shows.
func fingerprint(public string) string {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
	if err != nil {
		return ""
	}
	sum := md5.Sum(key.Marshal())
	var parts []string
	for _, b := range sum {
		parts = append(parts, fmt.Sprintf("%02x", b))
	}
	return strings.Join(parts, ":")
}

// keypair returns the caller's key pair.
func (c *Cloud) keypair(k *call, name string) object {
	return c.keypairs.get(k.token.user.str("id") + " " + name)
}

// keypairBody shows a key pair; type since 2.2, and the rest when shown alone.
func keypairBody(k *call, o object, alone bool) object {
	fields := []string{"name", "public_key", "fingerprint"}
	if k.minor >= 2 {
		fields = append(fields, "type")
	}
	if alone {
		fields = append(fields, "user_id", "created_at", "deleted", "deleted_at", "updated_at")
	}
	out := pick(o, fields)
	if alone {
		out["id"] = 1
	}
	return out
}

func (c *Cloud) keypairList(k *call) (*reply, error) {
	out := []object{}
	rows := c.keypairs.all(func(o object) bool { return o.str("user_id") == k.token.user.str("id") })
	rows, _, err := page(rows, k.r.URL.Query(), 1000)
	if err != nil {
		return nil, err
	}
	for _, o := range rows {
		out = append(out, object{"keypair": keypairBody(k, o, false)})
	}
	return ok("keypairs", out)
}

func (c *Cloud) keypairShow(k *call) (*reply, error) {
	if o := c.keypair(k, k.id("id")); o != nil {
		return ok("keypair", keypairBody(k, o, true))
	}
	return nil, errorf(404, "Keypair %s not found for user %s", k.id("id"), k.token.user.str("id"))
}

func (c *Cloud) keypairCreate(k *call) (*reply, error) {
	in := k.body.sub("keypair")
	name, public := in.str("name"), strings.TrimSpace(in.str("public_key"))
	if name == "" {
		return nil, errorf(400, "Invalid input for field/attribute keypair. 'name' is a required property")
	}
	if c.keypair(k, name) != nil {
		return nil, errorf(409, "Key pair '%s' already exists.", name)
	}
	private := ""
	if public == "" {
		if k.minor >= 92 {
			return nil, errorf(400, "'public_key' is a required property")
		}
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		block, err := ssh.MarshalPrivateKey(key, name)
		if err != nil {
			return nil, err
		}
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			return nil, err
		}
		private = string(pem.EncodeToMemory(block))
		public = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	} else if fingerprint(public) == "" {
		return nil, errorf(400, "Keypair data is invalid: failed to generate fingerprint")
	}
	o := c.keypairs.add(newKeypair(name, public, k.token.user.str("id")))
	body := keypairBody(k, o, false)
	body["user_id"] = o["user_id"]
	if private != "" {
		body["private_key"] = private
	}
	status := 200
	if k.minor >= 2 {
		status = 201
	}
	return &reply{status, object{"keypair": body}}, nil
}

func (c *Cloud) keypairDelete(k *call) (*reply, error) {
	o := c.keypair(k, k.id("id"))
	if o == nil {
		return nil, errorf(404, "Keypair %s not found for user %s", k.id("id"), k.token.user.str("id"))
	}
	c.keypairs.remove(o.str("id"))
	status := 202
	if k.minor >= 2 {
		status = 204
	}
	return &reply{status, nil}, nil
}

func (c *Cloud) zoneList(k *call, detail bool) (*reply, error) {
	out := []object{}
	for _, z := range c.cfg.Zones {
		o := object{"zoneName": z, "zoneState": object{"available": true}, "hosts": nil}
		if detail {
			o["hosts"] = object{"lab-" + z: object{"nova-compute": object{"available": true, "active": true, "updated_at": timestamp(time.Now())}}}
		}
		out = append(out, o)
	}
	return ok("availabilityZoneInfo", out)
}

// usage counts what a project has of Nova's resources.
func (c *Cloud) usage(project string) object {
	use := object{"instances": 0, "cores": 0, "ram": 0, "key_pairs": 0, "server_groups": c.owned(c.groups, project)}
	for _, s := range c.serverBy {
		if s.project == project {
			use["instances"] = use["instances"].(int) + 1
			use["cores"] = use["cores"].(int) + s.flavor.integer("vcpus", 0)
			use["ram"] = use["ram"].(int) + s.flavor.integer("ram", 0)
		}
	}
	return use
}

func (c *Cloud) limits(k *call) (*reply, error) {
	project := k.project()
	if id := k.r.URL.Query().Get("tenant_id"); id != "" {
		project = id
	}
	q, use := c.quotaOf("compute", project, computeQuotas), c.usage(project)
	return ok("limits", object{"rate": []any{}, "absolute": object{
		"maxTotalInstances": q["instances"], "maxTotalCores": q["cores"], "maxTotalRAMSize": q["ram"], "maxTotalKeypairs": q["key_pairs"],
		"maxServerMeta": q["metadata_items"], "maxImageMeta": q["metadata_items"], "maxPersonality": q["injected_files"],
		"maxPersonalitySize": q["injected_file_content_bytes"], "maxServerGroups": q["server_groups"],
		"maxServerGroupMembers": q["server_group_members"], "maxTotalFloatingIps": -1, "maxSecurityGroups": -1, "maxSecurityGroupRules": -1,
		"totalInstancesUsed": use["instances"], "totalCoresUsed": use["cores"], "totalRAMUsed": use["ram"],
		"totalServerGroupsUsed": use["server_groups"], "totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0,
	}})
}

func (c *Cloud) computeQuota(k *call) (*reply, error) {
	return ok("quota_set", with(c.quotaOf("compute", k.id("id"), computeQuotas), object{"id": k.id("id")}))
}

func (c *Cloud) computeQuotaDetail(k *call) (*reply, error) {
	out := object{"id": k.id("id")}
	use := c.usage(k.id("id"))
	for name, limit := range c.quotaOf("compute", k.id("id"), computeQuotas) {
		out[name] = object{"limit": limit, "in_use": use.integer(name, 0), "reserved": 0}
	}
	return ok("quota_set", out)
}

func (c *Cloud) serverGroupCreate(k *call) (*reply, error) {
	in := k.body.sub("server_group")
	policies := in.list("policies")
	if p := in.str("policy"); p != "" {
		policies = []any{p}
	}
	known := []any{"affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"}
	if len(policies) != 1 || !slices.Contains(known, policies[0]) {
		return nil, errorf(400, "Invalid input for field/attribute policies. Value: %v.", policies)
	}
	g := c.groups.add(object{
		"name": in.str("name"), "policies": policies, "policy": policies[0], "rules": object{}, "members": []any{}, "metadata": object{},
		"project_id": k.project(), "user_id": k.token.user.str("id"),
	})
	return ok("server_group", g)
}

// hypervisors shows one for each zone.
func (c *Cloud) hypervisors(k *call) (*reply, error) {
	out := []object{}
	for i, z := range c.cfg.Zones {
		out = append(out, object{
			"id": i + 1, "hypervisor_hostname": "lab-" + z, "state": "up", "status": "enabled", "hypervisor_type": "namespaces",
			"hypervisor_version": 1, "host_ip": c.cfg.Network.Masked().Addr().Next().String(), "vcpus": 64, "vcpus_used": 0, "memory_mb": 524288,
			"memory_mb_used": 0, "local_gb": 1000, "local_gb_used": 0, "running_vms": len(c.serverBy),
			"service": object{"id": i + 1, "host": "lab-" + z, "disabled_reason": nil},
		})
	}
	return ok("hypervisors", out)
}

func (c *Cloud) computeServices(k *call) (*reply, error) {
	out := []object{}
	for i, z := range c.cfg.Zones {
		out = append(out, object{
			"id": i + 1, "binary": "nova-compute", "host": "lab-" + z, "zone": z, "status": "enabled", "state": "up",
			"updated_at": timestamp(time.Now()), "disabled_reason": nil, "forced_down": false,
		})
	}
	return ok("services", out)
}
