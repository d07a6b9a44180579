package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fakeMachine is a machine that is only a switch.
type fakeMachine struct {
	mu      sync.Mutex
	on      bool
	removed bool
	local   []netip.Addr
	spec    MachineSpec
}

func (m *fakeMachine) set(on bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on = on
	return nil
}

func (m *fakeMachine) On() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.on
}

func (m *fakeMachine) WaitReady(context.Context) error  { return nil }
func (m *fakeMachine) Start(context.Context) error      { return m.set(true) }
func (m *fakeMachine) Stop(context.Context, bool) error { return m.set(false) }
func (m *fakeMachine) Console() string                  { return "booted" }

func (m *fakeMachine) Remove(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on, m.removed = false, true
	return nil
}

func (m *fakeMachine) SetLocal(_ context.Context, addrs []netip.Addr) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.local = addrs
	return nil
}

// A fakeBackend makes fakeMachines and remembers them.
type fakeBackend struct {
	mu       sync.Mutex
	machines []*fakeMachine
	err      error
}

func (b *fakeBackend) Create(_ context.Context, spec MachineSpec) (Machine, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	m := &fakeMachine{on: true, spec: spec}
	b.machines = append(b.machines, m)
	return m, nil
}

// A client is a test's view of a cloud: plain HTTP with a token.
type client struct {
	t     *testing.T
	cloud *Cloud
	url   string
	token string
	// version is the compute microversion to ask for; "" asks for none.
	version string
}

func newCloud(t *testing.T, change func(*Config)) *client {
	t.Helper()
	cfg := Config{
		Network: netip.MustParsePrefix("10.9.8.0/24"), Public: netip.MustParsePrefix("172.30.8.0/24"), Zones: []string{"NL1", "NL2"},
		VIPs: map[string]netip.Addr{"vip": netip.MustParseAddr("10.9.8.200")}, Keypair: "SSH_Key", PublicKey: testKey,
		Username: "demo", Password: "secret", Project: "demo", Backend: &fakeBackend{},
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cfg.Context = ctx
	c := New(cfg)
	srv := httptest.NewServer(c)
	t.Cleanup(func() { srv.Close(); cancel(); c.Wait() })
	k := &client{t: t, cloud: c, url: srv.URL}
	k.login()
	return k
}

const testKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEmJ5ZqTxQkq1f0B0v8GfPjFBbeXDrg0NU0Ycf1ZKvZP test"

const loginBody = `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "domain": {"id": "default"}, "password": "secret"}}},
	"scope": {"project": {"name": "demo", "domain": {"id": "default"}}}}}`

func (k *client) login() {
	k.t.Helper()
	resp, err := http.Post(k.url+"/v3/auth/tokens", "application/json", strings.NewReader(loginBody))
	if err != nil {
		k.t.Fatal(err)
	}
	resp.Body.Close()
	if k.token = resp.Header.Get("X-Subject-Token"); resp.StatusCode != 201 || k.token == "" {
		k.t.Fatalf("login: %s", resp.Status)
	}
}

// do sends one request and returns status, header and body.
func (k *client) do(method, path, body string) (int, http.Header, object) {
	k.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = k.url + path
	}
	req, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		k.t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", k.token)
	req.Header.Set("Content-Type", "application/json")
	if k.version != "" {
		req.Header.Set("OpenStack-API-Version", "compute "+k.version)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	var out object
	if len(bytes.TrimSpace(data)) > 0 {
		if err := json.Unmarshal(data, &out); err != nil {
			k.t.Fatalf("%s %s: %v in %q", method, path, err, data)
		}
	}
	return resp.StatusCode, resp.Header, out
}

// must sends one request that has to be answered with status.
func (k *client) must(status int, method, path, body string) object {
	k.t.Helper()
	got, _, out := k.do(method, path, body)
	if got != status {
		k.t.Fatalf("%s %s: status %d, want %d: %v", method, path, got, status, out)
	}
	return out
}

// boot makes a server and waits until it is no longer in BUILD.
func (k *client) boot(name, more string) object {
	k.t.Helper()
	out := k.must(202, "POST", "/compute/v2.1/servers", fmt.Sprintf(
		`{"server": {"name": %q, "flavorRef": "2", "imageRef": %q, "key_name": "SSH_Key"%s}}`, name, FixedID("debian-12"), more))
	return k.wait(out.sub("server").str("id"), func(s object) bool { return s.str("status") != "BUILD" })
}

// wait polls the server until done; no machine of a test takes long.
func (k *client) wait(id string, done func(object) bool) object {
	k.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		s := k.must(200, "GET", "/compute/v2.1/servers/"+id, "").sub("server")
		if done(s) {
			return s
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("server %s stays %s", id, s.str("status"))
		}
	}
}

func (k *client) fixed(s object) string {
	k.t.Helper()
	list := s.sub("addresses").list("private")
	if len(list) == 0 {
		k.t.Fatalf("server %s has no address: %v", s.str("name"), s["addresses"])
	}
	return asObject(list[0]).str("addr")
}

func TestServerLife(t *testing.T) {
	backend := &fakeBackend{}
	k := newCloud(t, func(c *Config) { c.Backend = backend })
	out := k.must(202, "POST", "/compute/v2.1/servers", fmt.Sprintf(
		`{"server": {"name": "web 1", "flavorRef": "2", "imageRef": %q, "key_name": "SSH_Key", "availability_zone": "NL2",
		  "metadata": {"group": "x", "lab_build": "50ms"}, "user_data": "aGk="}}`, FixedID("debian-12")))
	id := out.sub("server").str("id")
	s := k.must(200, "GET", "/compute/v2.1/servers/"+id, "").sub("server")
	if s.str("status") != "BUILD" {
		t.Errorf("status at once: %s, want BUILD", s.str("status"))
	}
	s = k.wait(id, func(s object) bool { return s.str("status") == "ACTIVE" })
	if got := k.fixed(s); got != "10.9.8.11" {
		t.Errorf("address %s, want the pool's first", got)
	}
	if kind := asObject(s.sub("addresses").list("private")[0]).str("OS-EXT-IPS:type"); kind != "fixed" {
		t.Errorf("kind of address %q, want fixed", kind)
	}
	spec := backend.machines[0].spec
	if spec.Name != "web-1" || spec.Zone != "NL2" || len(spec.Keys) != 1 || spec.Keys[0] != testKey || string(spec.UserData) != "hi" || spec.Metadata["group"] != "x" {
		t.Errorf("machine %+v", spec)
	}
	k.must(202, "POST", "/compute/v2.1/servers/"+id+"/action", `{"os-stop": null}`)
	k.wait(id, func(s object) bool { return s.str("status") == "SHUTOFF" })
	k.must(409, "POST", "/compute/v2.1/servers/"+id+"/action", `{"os-stop": null}`)
	k.must(202, "POST", "/compute/v2.1/servers/"+id+"/action", `{"os-start": null}`)
	k.wait(id, func(s object) bool { return s.str("status") == "ACTIVE" && s["OS-EXT-STS:task_state"] == nil })
	// What goes off by itself shows.
	if err := backend.machines[0].set(false); err != nil {
		t.Fatal(err)
	}
	k.wait(id, func(s object) bool { return s.str("status") == "SHUTOFF" })
	k.must(204, "DELETE", "/compute/v2.1/servers/"+id, "")
	k.cloud.Wait()
	k.must(404, "GET", "/compute/v2.1/servers/"+id, "")
	if !backend.machines[0].removed {
		t.Error("the machine of a deleted server is still there")
	}
	if s := k.boot("again", ""); k.fixed(s) != "10.9.8.11" {
		t.Errorf("the address of a deleted server is not free: %s", k.fixed(s))
	}
}

func TestServerRefused(t *testing.T) {
	k := newCloud(t, nil)
	image := FixedID("debian-12")
	for _, tc := range []struct {
		name, body string
		status     int
		message    string
	}{
		{"no name", `{"flavorRef": "2", "imageRef": "` + image + `"}`, 400, "Invalid input for field/attribute name. Value: . '' is too short or too long"},
		{"no flavor", `{"name": "a", "flavorRef": "99", "imageRef": "` + image + `"}`, 400, "Flavor 99 could not be found."},
		{"no image", `{"name": "a", "flavorRef": "2", "imageRef": "nope"}`, 400, "Can not find requested image"},
		{"no key", `{"name": "a", "flavorRef": "2", "imageRef": "` + image + `", "key_name": "x"}`, 400, "Invalid key_name provided."},
		{"no zone", `{"name": "a", "flavorRef": "2", "imageRef": "` + image + `", "availability_zone": "x"}`, 400, "The requested availability zone is not available"},
		{"no network", `{"name": "a", "flavorRef": "2", "imageRef": "` + image + `", "networks": [{"uuid": "x"}]}`, 400, "Network x could not be found."},
		{"no group", `{"name": "a", "flavorRef": "2", "imageRef": "` + image + `", "security_groups": [{"name": "x"}]}`, 400,
			"Security group x not found for project " + hexID("project demo") + "."},
		{"address taken", `{"name": "a", "flavorRef": "2", "imageRef": "` + image + `", "networks": [{"uuid": "` + FixedID("private") + `", "fixed_ip": "10.9.8.200"}]}`, 400,
			"Unable to complete operation for network " + FixedID("private") + ". The IP address 10.9.8.200 is in use."},
		{"too many", `{"name": "a", "flavorRef": "2", "imageRef": "` + image + `", "min_count": 51}`, 403, "Quota exceeded for instances: Requested 51, but already used 0 of 50 instances"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, _, out := k.do("POST", "/compute/v2.1/servers", `{"server": `+tc.body+`}`)
			message := ""
			for _, v := range out {
				message = asObject(v).str("message")
			}
			if status != tc.status || message != tc.message {
				t.Errorf("%d %q, want %d %q", status, message, tc.status, tc.message)
			}
		})
	}
	if list := k.must(200, "GET", "/compute/v2.1/servers", "").list("servers"); len(list) != 0 {
		t.Errorf("refused servers are there: %v", list)
	}
}

func TestServerErrors(t *testing.T) {
	k := newCloud(t, nil)
	for _, s := range []object{k.boot("fail-1", ""), k.boot("b", `, "metadata": {"lab_fault": "error"}`)} {
		if s.str("status") != "ERROR" || s.sub("fault").str("message") != "No valid host was found. There are not enough hosts available." {
			t.Errorf("%s: %s, fault %v", s.str("name"), s.str("status"), s["fault"])
		}
	}
	backend := &fakeBackend{err: errors.New("no room")}
	k = newCloud(t, func(c *Config) { c.Backend = backend })
	if s := k.boot("c", ""); s.str("status") != "ERROR" || s.sub("fault").str("message") != "no room" {
		t.Errorf("backend's error: %s %v", s.str("status"), s["fault"])
	}
}

// A server deleted while it is built leaves no machine.
func TestDeleteWhileBuilding(t *testing.T) {
	backend := &fakeBackend{}
	k := newCloud(t, func(c *Config) { c.Backend = backend })
	out := k.must(202, "POST", "/compute/v2.1/servers", fmt.Sprintf(
		`{"server": {"name": "a", "flavorRef": "2", "imageRef": %q, "metadata": {"lab_build": "1h"}}}`, FixedID("debian-12")))
	id := out.sub("server").str("id")
	k.must(204, "DELETE", "/compute/v2.1/servers/"+id, "")
	k.cloud.Wait()
	k.must(404, "GET", "/compute/v2.1/servers/"+id, "")
	if len(backend.machines) != 0 {
		t.Error("a machine was made for a server that was deleted before")
	}
}

func TestNameClashAndPaging(t *testing.T) {
	k := newCloud(t, nil)
	for _, name := range []string{"twin", "twin", "a1", "a2", "b1"} {
		k.boot(name, "")
	}
	names := func(query string) []string {
		var out []string
		path := "/compute/v2.1/servers" + query
		for path != "" {
			body := k.must(200, "GET", path, "")
			for _, s := range body.list("servers") {
				out = append(out, asObject(s).str("name"))
			}
			path = ""
			for _, l := range body.list("servers_links") {
				path = asObject(l).str("href")
			}
		}
		return out
	}
	for query, want := range map[string]string{
		"":                                    "[b1 a2 a1 twin twin]",
		"?name=twin":                          "[twin twin]",
		"?name=^a":                            "[a2 a1]",
		"?limit=2":                            "[b1 a2 a1 twin twin]",
		"/detail?limit=1&name=^a":             "[a2 a1]",
		"?status=ERROR":                       "[]",
		"?status=active&name=b":               "[b1]",
		"?sort_key=display_name&sort_dir=asc": "[a1 a2 b1 twin twin]",
		"?ip=10.9.8.13":                       "[a1]",
	} {
		if got := fmt.Sprint(names(query)); got != want {
			t.Errorf("servers%s: %s, want %s", query, got, want)
		}
	}
	k.must(400, "GET", "/compute/v2.1/servers?marker=nope", "")
}

func TestMicroversions(t *testing.T) {
	k := newCloud(t, nil)
	id := k.boot("a", "").str("id")
	for _, tc := range []struct {
		version, echo string
		status        int
		has, hasNot   string
	}{
		{"", "compute 2.1", 200, "status", "locked"},
		{"2.9", "compute 2.9", 200, "locked", "tags"},
		{"2.26", "compute 2.26", 200, "tags", "server_groups"},
		{"latest", "compute 2.90", 200, "server_groups", "nothing"},
		{"2.999", "", 406, "", ""},
		{"x", "", 400, "", ""},
	} {
		k.version = tc.version
		status, header, out := k.do("GET", "/compute/v2.1/servers/"+id, "")
		if status != tc.status || header.Get("OpenStack-API-Version") != tc.echo {
			t.Errorf("%q: %d %q", tc.version, status, header.Get("OpenStack-API-Version"))
			continue
		}
		s := out.sub("server")
		if _, has := s[tc.has]; tc.status == 200 && !has {
			t.Errorf("%q: no %s", tc.version, tc.has)
		}
		if _, has := s[tc.hasNot]; has {
			t.Errorf("%q: %s", tc.version, tc.hasNot)
		}
	}
}

func TestTokens(t *testing.T) {
	k := newCloud(t, func(c *Config) { c.TokenTTL = 30 * time.Millisecond })
	time.Sleep(40 * time.Millisecond)
	status, header, out := k.do("GET", "/compute/v2.1/servers", "")
	if status != 401 || header.Get("WWW-Authenticate") == "" || out.sub("error").integer("code", 0) != 401 {
		t.Errorf("expired token: %d %v", status, out)
	}
	k = newCloud(t, nil)
	k.must(200, "GET", "/compute/v2.1/servers", "")
	k.cloud.ExpireTokens()
	k.must(401, "GET", "/network/v2.0/ports", "")
	k.must(401, "POST", "/v3/auth/tokens", strings.Replace(loginBody, "secret", "wrong", 1))
	k.must(401, "POST", "/v3/auth/tokens", strings.Replace(loginBody, `"project": {"name": "demo"`, `"project": {"name": "other"`, 1))
	unscoped := k.must(201, "POST", "/v3/auth/tokens", loginBody[:strings.Index(loginBody, ",\n")]+`, "scope": "unscoped"}}`)
	if _, scoped := unscoped.sub("token")["catalog"]; scoped {
		t.Error("an unscoped token with a catalog")
	}
	two := k.must(200, "POST", "/v2.0/tokens", `{"auth": {"tenantName": "demo", "passwordCredentials": {"username": "demo", "password": "secret"}}}`)
	urls := map[string]string{}
	for _, s := range two.sub("access").list("serviceCatalog") {
		urls[asObject(s).str("type")] = asObject(asObject(s).list("endpoints")[0]).str("publicURL")
	}
	if urls["compute"] != k.url+"/compute/v2.1" {
		t.Errorf("v2.0's catalog: %v", urls)
	}
	k.token = two.sub("access").sub("token").str("id")
	k.must(200, "GET", urls["compute"]+"/servers/detail?name=x", "")
}

func TestFaults(t *testing.T) {
	k := newCloud(t, nil)
	k.must(201, "POST", "/lab/faults", `{"service": "compute", "status": 429, "count": 2, "retry_after": 7, "path": "/flavors"}`)
	for i := range 3 {
		status, header, out := k.do("GET", "/compute/v2.1/flavors", "")
		if want := map[bool]int{true: 429, false: 200}[i < 2]; status != want {
			t.Errorf("request %d: %d %v", i, status, out)
		}
		if i < 2 && (header.Get("Retry-After") != "7" || out.sub("overLimit") == nil) {
			t.Errorf("request %d: %v %v", i, header, out)
		}
	}
	k.must(201, "POST", "/lab/faults", `{"status": 503}`)
	k.must(503, "GET", "/network/v2.0/ports", "")
	k.must(503, "GET", "/image/v2/images", "")
	k.must(204, "DELETE", "/lab/faults", "")
	k.must(200, "GET", "/network/v2.0/ports", "")
	k.must(400, "POST", "/lab/faults", `{"status": 200}`)
	k.must(400, "POST", "/lab/faults", `{"sttus": 500}`)
	k.must(400, "POST", "/lab/faults", `{"status": 500, "path": "("}`)
}

func TestFloatingIP(t *testing.T) {
	backend := &fakeBackend{}
	k := newCloud(t, func(c *Config) { c.Backend = backend })
	s := k.boot("a", "")
	port := asObject(k.must(200, "GET", "/network/v2.0/ports?device_id="+s.str("id"), "").list("ports")[0]).str("id")
	f := k.must(201, "POST", "/network/v2.0/floatingips", fmt.Sprintf(`{"floatingip": {"floating_network_id": %q, "port_id": %q}}`, FixedID("public"), port)).sub("floatingip")
	if f.str("floating_ip_address") != "172.30.8.2" || f.str("fixed_ip_address") != "10.9.8.11" || f.str("status") != "ACTIVE" {
		t.Errorf("floating IP %v", f)
	}
	k.cloud.Wait()
	if m := backend.machines[0]; fmt.Sprint(m.local) != "[172.30.8.2]" {
		t.Errorf("the machine has %v", m.local)
	}
	s = k.must(200, "GET", "/compute/v2.1/servers/"+s.str("id"), "").sub("server")
	if n := len(s.sub("addresses").list("private")); n != 2 {
		t.Errorf("%d addresses, want 2: %v", n, s["addresses"])
	}
	k.must(200, "PUT", "/network/v2.0/floatingips/"+f.str("id"), `{"floatingip": {"port_id": null}}`)
	k.cloud.Wait()
	if m := backend.machines[0]; len(m.local) != 0 {
		t.Errorf("the machine still has %v", m.local)
	}
	k.must(204, "DELETE", "/network/v2.0/floatingips/"+f.str("id"), "")
	k.must(404, "POST", "/network/v2.0/floatingips", fmt.Sprintf(`{"floatingip": {"floating_network_id": %q}}`, FixedID("private")))
}

func TestNetworkRefused(t *testing.T) {
	k := newCloud(t, nil)
	s := k.boot("a", "")
	for _, tc := range []struct {
		method, path, body string
		status             int
		kind               string
	}{
		{"GET", "/networks/nope", "", 404, "NetworkNotFound"},
		{"DELETE", "/networks/" + FixedID("private"), "", 409, "NetworkInUse"},
		{"DELETE", "/subnets/" + FixedID("private-subnet"), "", 409, "SubnetInUse"},
		{"POST", "/subnets", fmt.Sprintf(`{"subnet": {"network_id": %q, "cidr": "10.9.8.128/25", "ip_version": 4}}`, FixedID("private")), 400, "InvalidInput"},
		{"POST", "/subnets", fmt.Sprintf(`{"subnet": {"network_id": %q, "cidr": "x"}}`, FixedID("private")), 400, "HTTPBadRequest"},
		{"POST", "/ports", fmt.Sprintf(`{"port": {"network_id": %q, "fixed_ips": [{"ip_address": "10.9.8.11"}]}}`, FixedID("private")), 409, "IpAddressInUse"},
		{"POST", "/ports", fmt.Sprintf(`{"port": {"network_id": %q, "fixed_ips": [{"ip_address": "10.1.1.1"}]}}`, FixedID("private")), 400, "InvalidIpForNetwork"},
		{"DELETE", "/security-groups/" + FixedID("group defaultdemo"), "", 409, "SecurityGroupCannotRemoveDefault"},
		{"POST", "/security-groups", `{}`, 400, "HTTPBadRequest"},
	} {
		status, _, out := k.do(tc.method, "/network/v2.0"+tc.path, tc.body)
		if kind := out.sub("NeutronError").str("type"); status != tc.status || kind != tc.kind {
			t.Errorf("%s %s: %d %s, want %d %s: %v", tc.method, tc.path, status, kind, tc.status, tc.kind, out)
		}
	}
	k.must(200, "GET", "/compute/v2.1/servers/"+s.str("id"), "")
}

func TestSecurityGroupRules(t *testing.T) {
	k := newCloud(t, nil)
	g := k.must(201, "POST", "/network/v2.0/security-groups", `{"security_group": {"name": "web"}}`).sub("security_group")
	if n := len(g.list("security_group_rules")); n != 2 {
		t.Errorf("a new group has %d rules, want 2 for egress", n)
	}
	rule := fmt.Sprintf(`{"security_group_rule": {"security_group_id": %q, "direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80}}`, g.str("id"))
	k.must(201, "POST", "/network/v2.0/security-group-rules", rule)
	k.must(409, "POST", "/network/v2.0/security-group-rules", rule)
	k.must(204, "DELETE", "/network/v2.0/security-groups/"+g.str("id"), "")
	rules := k.must(200, "GET", "/network/v2.0/security-group-rules?security_group_id="+g.str("id"), "")
	if n := len(rules.list("security_group_rules")); n != 0 {
		t.Errorf("%d rules outlived their group", n)
	}
}

func TestVolumes(t *testing.T) {
	k := newCloud(t, nil)
	s := k.boot("a", "")
	root := "/volume/v3/" + hexID("project demo")
	v := k.must(202, "POST", root+"/volumes", `{"volume": {"name": "v", "size": 3}}`).sub("volume")
	attach := fmt.Sprintf(`{"volumeAttachment": {"volumeId": %q}}`, v.str("id"))
	k.must(200, "POST", "/compute/v2.1/servers/"+s.str("id")+"/os-volume_attachments", attach)
	k.must(400, "POST", "/compute/v2.1/servers/"+s.str("id")+"/os-volume_attachments", attach)
	if got := k.must(200, "GET", root+"/volumes/"+v.str("id"), "").sub("volume").str("status"); got != "in-use" {
		t.Errorf("attached volume is %s", got)
	}
	k.must(400, "DELETE", root+"/volumes/"+v.str("id"), "")
	k.must(202, "DELETE", "/compute/v2.1/servers/"+s.str("id")+"/os-volume_attachments/"+v.str("id"), "")
	k.must(202, "DELETE", root+"/volumes/"+v.str("id"), "")
	k.must(404, "GET", root+"/volumes/"+v.str("id"), "")
	k.must(403, "GET", "/volume/v3/other/volumes", "")
	k.must(200, "PUT", root+"/os-quota-sets/"+hexID("project demo"), `{"quota_set": {"volumes": 0}}`)
	k.must(413, "POST", root+"/volumes", `{"volume": {"size": 1}}`)
}

func TestAllocate(t *testing.T) {
	k := newCloud(t, func(c *Config) { c.Taken = []netip.Addr{netip.MustParseAddr("10.9.8.11")} })
	if got := k.fixed(k.boot("a", "")); got != "10.9.8.12" {
		t.Errorf("address %s, want the first that is not taken", got)
	}
	n := k.must(201, "POST", "/network/v2.0/networks", `{"network": {"name": "n"}}`).sub("network").str("id")
	k.must(201, "POST", "/network/v2.0/subnets", fmt.Sprintf(`{"subnet": {"network_id": %q, "cidr": "192.168.5.0/30", "ip_version": 4}}`, n))
	p := k.must(201, "POST", "/network/v2.0/ports", fmt.Sprintf(`{"port": {"network_id": %q}}`, n)).sub("port")
	if ip := asObject(p.list("fixed_ips")[0]).str("ip_address"); ip != "192.168.5.2" {
		t.Errorf("address %s, want the only one", ip)
	}
	status, _, out := k.do("POST", "/network/v2.0/ports", fmt.Sprintf(`{"port": {"network_id": %q}}`, n))
	if status != 409 || out.sub("NeutronError").str("type") != "IpAddressGenerationFailure" {
		t.Errorf("full subnet: %d %v", status, out)
	}
}
