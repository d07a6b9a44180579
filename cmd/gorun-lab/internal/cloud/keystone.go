package cloud

// This file is Keystone: accounts, tokens and the catalog, in versions 2.0
// (https://docs.openstack.org/api-ref/identity/v2-ext/) and 3
// (https://docs.openstack.org/api-ref/identity/v3/).

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"time"
)

// Region is the cloud's only region.
const Region = "RegionOne"

type identity struct {
	domains, projects, users, roles, services, credentials *table
	tokens                                                 map[string]*token
}

// A token is one login.
type token struct {
	id      string
	user    object
	project string // id; "" if unscoped
	methods []string
	issued  time.Time
	expires time.Time
}

// valid returns the token called id unless it is unknown or has expired.
func (i *identity) valid(id string) *token {
	t := i.tokens[id]
	if t == nil || !time.Now().Before(t.expires) {
		return nil
	}
	return t
}

func wrapIdentity(e *apiError) object {
	return object{"error": object{"code": e.status, "title": http.StatusText(e.status), "message": e.message}}
}

var (
	identityService     = service{name: "identity", wrap: wrapIdentity}
	identityOpenService = service{name: "identity", wrap: wrapIdentity, open: true}
)

const defaultDomain = "default"

func (c *Cloud) seedIdentity() {
	c.idn = identity{
		domains: newTable(), projects: newTable(), users: newTable(), roles: newTable(), services: newTable(),
		credentials: newTable(), tokens: map[string]*token{},
	}
	c.idn.domains.add(object{"id": defaultDomain, "name": "Default", "enabled": true, "description": "The default domain"})
	for _, name := range []string{"admin", "member", "reader"} {
		c.idn.roles.add(object{"id": hexID("role " + name), "name": name, "domain_id": nil})
	}
	for _, name := range []string{c.cfg.Project, "admin"} {
		c.idn.projects.add(object{
			"id": hexID("project " + name), "name": name, "domain_id": defaultDomain, "parent_id": defaultDomain,
			"enabled": true, "is_domain": false, "description": "", "tags": []any{}, "options": object{},
		})
	}
	for _, name := range []string{c.cfg.Username, "admin"} {
		project := c.cfg.Project
		if name == "admin" && c.cfg.Username != "admin" {
			project = "admin"
		}
		c.idn.users.add(object{
			"id": hexID("user " + name), "name": name, "domain_id": defaultDomain, "enabled": true,
			"default_project_id": hexID("project " + project), "password_expires_at": nil, "options": object{},
			secretField: c.cfg.Password,
		})
	}
	for _, s := range catalogServices {
		c.idn.services.add(object{"id": hexID("service " + s.kind), "name": s.name, "type": s.kind, "enabled": true, "description": ""})
	}
}

// secretField is a field of records that is never shown.
const secretField = "\x00password"

// shown returns o without secrets.
func shown(o object, base, kind string) object {
	o = clone(o)
	delete(o, secretField)
	o["links"] = object{"self": base + "/v3/" + kind + "/" + o.str("id")}
	return o
}

// hexID is a fixed id as Keystone writes them, without dashes.
func hexID(name string) string {
	out := []byte{}
	for _, b := range []byte(FixedID(name)) {
		if b != '-' {
			out = append(out, b)
		}
	}
	return string(out)
}

var catalogServices = []struct{ name, kind, path string }{
	{"keystone", "identity", "/"},
	{"nova", "compute", "/compute/v2.1"},
	{"neutron", "network", "/network/"},
	{"glance", "image", "/image/"},
	{"cinderv3", "volumev3", "/volume/v3/PROJECT"},
	{"cinder", "block-storage", "/volume/v3/PROJECT"},
}

// serviceURL is where a service is for the project.
func serviceURL(base, path, project string) string {
	return base + replaceProject(path, project)
}

func replaceProject(path, project string) string {
	const mark = "PROJECT"
	if n := len(path) - len(mark); n >= 0 && path[n:] == mark {
		return path[:n] + project
	}
	return path
}

func (c *Cloud) catalog3(base, project string) []object {
	out := []object{}
	for _, s := range catalogServices {
		var endpoints []object
		for _, iface := range []string{"public", "internal", "admin"} {
			endpoints = append(endpoints, object{
				"id": hexID("endpoint " + s.kind + iface), "interface": iface, "region": Region, "region_id": Region,
				"url": serviceURL(base, s.path, project),
			})
		}
		out = append(out, object{"id": hexID("service " + s.kind), "type": s.kind, "name": s.name, "endpoints": endpoints})
	}
	return out
}

func (c *Cloud) catalog2(base, project string) []object {
	out := []object{}
	for _, s := range catalogServices {
		path := s.path
		if s.kind == "identity" {
			path = "/v2.0"
		}
		url := serviceURL(base, path, project)
		out = append(out, object{"type": s.kind, "name": s.name, "endpoints_links": []any{}, "endpoints": []object{{
			"id": hexID("endpoint " + s.kind), "region": Region, "publicURL": url, "internalURL": url, "adminURL": url,
		}}})
	}
	return out
}

func (c *Cloud) routeIdentity() {
	for _, p := range []string{"", "/identity"} {
		for _, path := range []string{"/{$}", "/versions"} {
			if p != "" && path == "/{$}" {
				path = ""
			}
			c.handle(identityOpenService, "GET "+p+path, c.identityVersions)
		}
		open := func(pattern string, h handler) { c.handle(identityOpenService, prefixPattern(pattern, p), h) }
		auth := func(pattern string, h handler) { c.handle(identityService, prefixPattern(pattern, p), h) }
		open("GET /v3", func(k *call) (*reply, error) {
			return ok("version", identityVersion(k.base(), "v3.14", "/v3/", "stable"))
		})
		open("GET /v2.0", func(k *call) (*reply, error) {
			return ok("version", identityVersion(k.base(), "v2.0", "/v2.0/", "deprecated"))
		})
		open("POST /v3/auth/tokens", c.tokenCreate3)
		auth("GET /v3/auth/tokens", c.tokenShow)
		auth("HEAD /v3/auth/tokens", c.tokenShow)
		auth("DELETE /v3/auth/tokens", c.tokenRevoke)
		auth("GET /v3/auth/catalog", func(k *call) (*reply, error) { return ok("catalog", c.catalog3(k.base(), k.project())) })
		auth("GET /v3/auth/projects", func(k *call) (*reply, error) { return c.identityList(k, "projects", c.idn.projects) })
		auth("GET /v3/users/{id}/projects", func(k *call) (*reply, error) { return c.identityList(k, "projects", c.idn.projects) })
		auth("GET /v3/auth/domains", func(k *call) (*reply, error) { return c.identityList(k, "domains", c.idn.domains) })
		for kind, t := range map[string]*table{
			"projects": c.idn.projects, "users": c.idn.users, "domains": c.idn.domains, "roles": c.idn.roles, "services": c.idn.services,
		} {
			c.identityCRUD(auth, kind, t)
		}
		auth("GET /v3/regions", func(k *call) (*reply, error) {
			return ok("regions", []object{{"id": Region, "description": "", "parent_region_id": nil}})
		})
		auth("GET /v3/endpoints", c.endpoints)
		auth("POST /v3/users/{id}/application_credentials", c.credentialCreate)
		auth("GET /v3/users/{id}/application_credentials", func(k *call) (*reply, error) {
			return c.identityList(k, "application_credentials", c.idn.credentials)
		})
		auth("DELETE /v3/users/{id}/application_credentials/{cred}", func(k *call) (*reply, error) {
			c.idn.credentials.remove(k.id("cred"))
			return &reply{204, nil}, nil
		})
		open("POST /v2.0/tokens", c.tokenCreate2)
		auth("GET /v2.0/tenants", func(k *call) (*reply, error) { return c.identityList(k, "tenants", c.idn.projects) })
		auth("GET /v2.0/extensions", func(k *call) (*reply, error) { return ok("extensions", object{"values": []any{}}) })
	}
}

// prefixPattern puts p before the path of "METHOD /path".
func prefixPattern(pattern, p string) string {
	for i := range pattern {
		if pattern[i] == ' ' {
			return pattern[:i+1] + p + pattern[i+1:]
		}
	}
	return p + pattern
}

func identityVersion(base, id, path, status string) object {
	return object{
		"id": id, "status": status, "updated": "2020-04-07T00:00:00Z",
		"links":       []object{{"rel": "self", "href": base + path}},
		"media-types": []object{{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

func (c *Cloud) identityVersions(k *call) (*reply, error) {
	return &reply{300, object{"versions": object{"values": []object{
		identityVersion(k.base(), "v3.14", "/v3/", "stable"), identityVersion(k.base(), "v2.0", "/v2.0/", "deprecated"),
	}}}}, nil
}

// issue makes a token for the user.
func (c *Cloud) issue(user object, project string, methods ...string) *token {
	var raw [16]byte
	rand.Read(raw[:])
	now := time.Now()
	t := &token{
		id: hex.EncodeToString(raw[:]), user: user, project: project, methods: methods, issued: now, expires: now.Add(c.cfg.TokenTTL),
	}
	c.idn.tokens[t.id] = t
	return t
}

// findUser returns the account of a login; nil if name or password is wrong.
func (c *Cloud) findUser(id, name, password string) object {
	for _, u := range c.idn.users.all(nil) {
		if (id == "" || u.str("id") != id) && (name == "" || u.str("name") != name) {
			continue
		}
		if subtle.ConstantTimeCompare([]byte(u.str(secretField)), []byte(password)) == 1 && u.truth("enabled", true) {
			return u
		}
	}
	return nil
}

// findProject returns the id of the project by id or name; "" if there is none.
func (c *Cloud) findProject(id, name string) string {
	for _, p := range c.idn.projects.all(nil) {
		if id != "" && p.str("id") == id || name != "" && p.str("name") == name {
			return p.str("id")
		}
	}
	return ""
}

func (c *Cloud) tokenCreate3(k *call) (*reply, error) {
	auth := k.body.sub("auth")
	ident := auth.sub("identity")
	var user object
	project := ""
	var methods []string
	for _, m := range ident.list("methods") {
		name, _ := m.(string)
		methods = append(methods, name)
		switch name {
		case "password":
			u := ident.sub("password").sub("user")
			user = c.findUser(u.str("id"), u.str("name"), u.str("password"))
		case "token":
			if t := c.idn.valid(ident.sub("token").str("id")); t != nil {
				user = t.user
			}
		case "application_credential":
			user, project = c.byCredential(ident.sub("application_credential"))
		default:
			return nil, errorf(400, "The authentication method %s is not supported.", name)
		}
	}
	if user == nil {
		return nil, unauthorized()
	}
	if p := auth.sub("scope").sub("project"); p != nil {
		if project = c.findProject(p.str("id"), p.str("name")); project == "" {
			return nil, unauthorized()
		}
	} else if project == "" && auth["scope"] == nil {
		project = user.str("default_project_id")
	}
	t := c.issue(user, project, methods...)
	k.header.Set("X-Subject-Token", t.id)
	return &reply{201, object{"token": c.tokenBody(k, t)}}, nil
}

// byCredential returns the user and project of an application credential.
func (c *Cloud) byCredential(cred object) (object, string) {
	for _, o := range c.idn.credentials.all(nil) {
		if (o.str("id") == cred.str("id") || o.str("name") == cred.str("name")) &&
			subtle.ConstantTimeCompare([]byte(o.str(secretField)), []byte(cred.str("secret"))) == 1 {
			return c.idn.users.get(o.str("user_id")), o.str("project_id")
		}
	}
	return nil, ""
}

func (c *Cloud) tokenBody(k *call, t *token) object {
	const layout = "2006-01-02T15:04:05.000000Z"
	body := object{
		"methods": t.methods, "issued_at": t.issued.UTC().Format(layout), "expires_at": t.expires.UTC().Format(layout),
		"audit_ids": []string{t.id[:16]},
		"user": object{
			"id": t.user.str("id"), "name": t.user.str("name"), "domain": object{"id": defaultDomain, "name": "Default"}, "password_expires_at": nil,
		},
	}
	if t.project == "" {
		return body
	}
	p := c.idn.projects.get(t.project)
	body["project"] = object{"id": t.project, "name": p.str("name"), "domain": object{"id": defaultDomain, "name": "Default"}}
	body["is_domain"] = false
	body["roles"] = c.rolesOf(t)
	body["catalog"] = c.catalog3(k.base(), t.project)
	return body
}

func (c *Cloud) rolesOf(t *token) []object {
	var out []object
	for _, r := range c.idn.roles.all(nil) {
		if r.str("name") != "admin" || t.admin() {
			out = append(out, object{"id": r.str("id"), "name": r.str("name")})
		}
	}
	return out
}

// admin says whether the token's user may see other projects.
func (t *token) admin() bool { return t.user.str("name") == "admin" }

func (c *Cloud) tokenShow(k *call) (*reply, error) {
	t := c.idn.valid(k.r.Header.Get("X-Subject-Token"))
	if t == nil {
		return nil, errorf(404, "Could not find token.")
	}
	k.header.Set("X-Subject-Token", t.id)
	return ok("token", c.tokenBody(k, t))
}

func (c *Cloud) tokenRevoke(k *call) (*reply, error) {
	id := k.r.Header.Get("X-Subject-Token")
	if c.idn.valid(id) == nil {
		return nil, errorf(404, "Could not find token.")
	}
	delete(c.idn.tokens, id)
	return &reply{204, nil}, nil
}

func (c *Cloud) tokenCreate2(k *call) (*reply, error) {
	auth := k.body.sub("auth")
	var user object
	if cred := auth.sub("passwordCredentials"); cred != nil {
		user = c.findUser(cred.str("userId"), cred.str("username"), cred.str("password"))
	} else if t := c.idn.valid(auth.sub("token").str("id")); t != nil {
		user = t.user
	}
	if user == nil {
		return nil, unauthorized()
	}
	project := ""
	if id, name := auth.str("tenantId"), auth.str("tenantName"); id != "" || name != "" {
		if project = c.findProject(id, name); project == "" {
			return nil, unauthorized()
		}
	}
	t := c.issue(user, project, "password")
	tok := object{"id": t.id, "expires": timestamp(t.expires), "issued_at": t.issued.UTC().Format("2006-01-02T15:04:05.000000")}
	access := object{"token": tok, "serviceCatalog": []any{}, "metadata": object{"is_admin": 0, "roles": []any{}}}
	roles := []object{}
	if project != "" {
		p := c.idn.projects.get(project)
		tok["tenant"] = object{"id": project, "name": p.str("name"), "enabled": true, "description": ""}
		access["serviceCatalog"] = c.catalog2(k.base(), project)
		for _, r := range c.rolesOf(t) {
			roles = append(roles, object{"name": r.str("name")})
		}
	}
	access["user"] = object{"id": user.str("id"), "name": user.str("name"), "username": user.str("name"), "roles": roles, "roles_links": []any{}}
	return ok("access", access)
}

// identityCRUD serves a plain kind of records.
func (c *Cloud) identityCRUD(handle func(string, handler), kind string, t *table) {
	one := kind[:len(kind)-1]
	find := func(k *call) (object, error) {
		if o := t.get(k.id("id")); o != nil {
			return o, nil
		}
		return nil, errorf(404, "Could not find %s: %s.", one, k.id("id"))
	}
	handle("GET /v3/"+kind, func(k *call) (*reply, error) { return c.identityList(k, kind, t) })
	handle("GET /v3/"+kind+"/{id}", func(k *call) (*reply, error) {
		o, err := find(k)
		if err != nil {
			return nil, err
		}
		return ok(one, shown(o, k.base(), kind))
	})
	handle("POST /v3/"+kind, func(k *call) (*reply, error) {
		in := k.body.sub(one)
		if in.str("name") == "" && kind != "services" {
			return nil, errorf(400, "'name' is a required property")
		}
		if t.first("name", in.str("name")) != nil {
			return nil, errorf(409, "Conflict occurred attempting to store %s - Duplicate entry found with name %s.", one, in.str("name"))
		}
		o := object{"domain_id": defaultDomain, "enabled": true, "id": hexID(newID())}
		for key, v := range in {
			o[key] = v
		}
		if pw, ok := o["password"]; ok {
			o[secretField] = pw
			delete(o, "password")
		}
		return &reply{201, object{one: shown(t.add(o), k.base(), kind)}}, nil
	})
	handle("PATCH /v3/"+kind+"/{id}", func(k *call) (*reply, error) {
		o, err := find(k)
		if err != nil {
			return nil, err
		}
		for key, v := range k.body.sub(one) {
			if key == "password" {
				key = secretField
			}
			o[key] = v
		}
		return ok(one, shown(o, k.base(), kind))
	})
	handle("DELETE /v3/"+kind+"/{id}", func(k *call) (*reply, error) {
		if _, err := find(k); err != nil {
			return nil, err
		}
		t.remove(k.id("id"))
		return &reply{204, nil}, nil
	})
}

func (c *Cloud) identityList(k *call, kind string, t *table) (*reply, error) {
	out := []object{}
	for _, o := range filter(t.all(nil), k.r.URL.Query()) {
		out = append(out, shown(o, k.base(), kind))
	}
	return &reply{200, object{kind: out, "links": object{"self": k.base() + k.r.URL.Path, "next": nil, "previous": nil}}}, nil
}

func (c *Cloud) endpoints(k *call) (*reply, error) {
	out := []object{}
	for _, s := range c.catalog3(k.base(), k.project()) {
		for _, e := range s["endpoints"].([]object) {
			e["service_id"], e["enabled"] = s["id"], true
			out = append(out, e)
		}
	}
	return ok("endpoints", filter(out, k.r.URL.Query()))
}

func (c *Cloud) credentialCreate(k *call) (*reply, error) {
	in := k.body.sub("application_credential")
	secret := in.str("secret")
	if secret == "" {
		secret = newID()
	}
	if slices.ContainsFunc(c.idn.credentials.all(nil), func(o object) bool { return o.str("name") == in.str("name") }) {
		return nil, errorf(409, "Conflict occurred attempting to store application_credential - Duplicate entry found with name %s.", in.str("name"))
	}
	o := c.idn.credentials.add(object{
		"id": hexID(newID()), "name": in.str("name"), "description": in["description"], "user_id": k.token.user.str("id"),
		"project_id": k.project(), "expires_at": nil, "unrestricted": false, "roles": c.rolesOf(k.token), secretField: secret,
	})
	body := shown(o, k.base(), "application_credentials")
	body["secret"] = secret // shown this once
	return &reply{201, object{"application_credential": body}}, nil
}
