// Package cloud simulates an OpenStack cloud over HTTP: Keystone v2.0 and v3,
// Nova v2.1, Neutron v2.0, Glance v2 and Cinder v3, as far as the ordinary
// calls of clients go. Servers are booted by a [Backend]; without one they
// become ACTIVE on paper, which is enough to test clients.
//
// Everything is on one port: Keystone at /v3 and /v2.0 (also below /identity),
// the others at /compute/v2.1, /network/v2.0, /image/v2 and /volume/v3. The
// API's reference is https://docs.openstack.org/api-quick-start/. Tests ask
// for failures at /lab; see faults.go.
package cloud

// This file holds the cloud together: state, routing, errors, tokens checked.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// A Config says what a cloud is born with.
type Config struct {
	// Network is the network of servers; its first address is the gateway.
	Network netip.Prefix
	// Public is the network floating IPs come from; invalid for none.
	Public netip.Prefix
	// Zones are the availability zones; the first is the default.
	Zones []string
	// Taken are addresses of Network that no server may get.
	Taken []netip.Addr
	// VIPs are ports reserved in Network, by name.
	VIPs map[string]netip.Addr
	// Keypair is the name of a key pair there from the start, PublicKey its key.
	Keypair, PublicKey string
	// Username, Password and Project are the account of an ordinary user; the
	// user admin has the same password.
	Username, Password, Project string
	// TokenTTL is how long tokens are good; 0 is an hour.
	TokenTTL time.Duration
	// Backend boots servers; nil for none.
	Backend Backend
	// Context ends the background work; nil is never.
	Context context.Context
	// Logf receives one line an event; nil for none.
	Logf func(format string, args ...any)
}

// A Backend makes the machines servers run on.
type Backend interface {
	// Create boots a machine and returns at once, or says why it cannot.
	Create(ctx context.Context, spec MachineSpec) (Machine, error)
}

// A MachineSpec describes the machine of a server.
type MachineSpec struct {
	ID       string // the server's id
	Name     string // what it should call itself
	Zone     string
	NICs     []MachineNIC
	Gateway  netip.Addr // invalid for none
	Keys     []string   // root's authorized_keys
	UserData []byte
	Metadata map[string]string
}

// A MachineNIC is one network interface.
type MachineNIC struct {
	Addr netip.Prefix
	MAC  string
}

// A Machine is what a server runs on.
type Machine interface {
	// WaitReady returns when the machine can be logged in to.
	WaitReady(ctx context.Context) error
	On() bool
	Start(ctx context.Context) error
	// Stop shuts the machine down; hard takes its power instead.
	Stop(ctx context.Context, hard bool) error
	Remove(ctx context.Context) error
	// SetLocal replaces the further addresses the machine answers to.
	SetLocal(ctx context.Context, addrs []netip.Addr) error
	// Console returns what it wrote while it booted.
	Console() string
}

// A Cloud is the simulator; it is an [http.Handler].
type Cloud struct {
	cfg Config
	mux *http.ServeMux

	// mu guards all that follows; a request holds it from routing to reply,
	// so that handlers are simple. Nothing slow happens under it: machines are
	// worked on in the background.
	mu       sync.Mutex
	idn      identity
	faults   []*Fault
	servers  *table
	serverBy map[string]*server
	flavors  *table
	keypairs *table
	groups   *table // server groups
	tables   map[string]*table
	images   *table
	volumes  *table
	snaps    *table
	attached *table // Cinder's attachments
	quotas   map[string]object
	ipam     map[string]map[netip.Addr]bool // by subnet id
	work     sync.WaitGroup
}

// New returns a cloud that has what cfg says.
func New(cfg Config) *Cloud {
	if cfg.TokenTTL == 0 {
		cfg.TokenTTL = time.Hour
	}
	if cfg.Context == nil {
		cfg.Context = context.Background()
	}
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	c := &Cloud{
		cfg: cfg, mux: http.NewServeMux(),
		servers: newTable(), serverBy: map[string]*server{}, flavors: newTable(), keypairs: newTable(), groups: newTable(),
		tables: map[string]*table{}, images: newTable(), volumes: newTable(), snaps: newTable(), attached: newTable(),
		quotas: map[string]object{}, ipam: map[string]map[netip.Addr]bool{},
	}
	c.seedIdentity()
	c.seedImages()
	c.seedCompute()
	c.seedNetwork()
	c.routeIdentity()
	c.routeCompute()
	c.routeNetwork()
	c.routeImages()
	c.routeVolumes()
	c.routeFaults()
	c.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, service{}, errorf(404, "The resource could not be found."))
	})
	return c
}

// Wait waits for work on machines that is under way.
func (c *Cloud) Wait() { c.work.Wait() }

// ServeHTTP answers one request.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	rec := &recorder{ResponseWriter: w, status: 200}
	// Clients join paths of the catalog with one slash too many or too few.
	for strings.Contains(r.URL.Path, "//") {
		r.URL.Path = strings.ReplaceAll(r.URL.Path, "//", "/")
	}
	if len(r.URL.Path) > 1 {
		r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
	}
	w.Header().Set("X-Openstack-Request-Id", "req-"+newID())
	c.mux.ServeHTTP(rec, r)
	c.cfg.Logf("cloud: %s %s %d %.0f ms", r.Method, r.URL.RequestURI(), rec.status, float64(time.Since(began).Microseconds())/1000)
}

// A recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// A service is one of the cloud's APIs.
type service struct {
	name string // as in the catalog: identity, compute, network, image, volumev3
	// wrap makes the body of an error.
	wrap func(e *apiError) object
	// open services ask for no token.
	open bool
}

// A call is one request to a service.
type call struct {
	cloud  *Cloud
	w      http.ResponseWriter
	r      *http.Request
	body   object
	raw    []byte // the body as it came
	token  *token
	header http.Header
	// minor is the microversion asked for, as 37 of 2.37; Nova's only.
	minor int
}

// project returns the project the call's token is for.
func (k *call) project() string {
	if k.token == nil {
		return ""
	}
	return k.token.project
}

// id returns the variable of the path.
func (k *call) id(name string) string { return k.r.PathValue(name) }

// base returns the URL of the cloud as this client reaches it.
func (k *call) base() string { return "http://" + k.r.Host }

// A reply is what a handler answers: a status and a body, nil for none.
type reply struct {
	status int
	body   any
}

// An apiError is a refusal as the service words it.
type apiError struct {
	status  int
	kind    string // Neutron's error type; "" for the status's own
	message string
	header  http.Header
}

func (e *apiError) Error() string { return e.message }

func errorf(status int, format string, args ...any) *apiError {
	return &apiError{status: status, message: fmt.Sprintf(format, args...)}
}

type handler func(*call) (*reply, error)

// handle routes pattern ("GET /compute/v2.1/servers") to h.
func (c *Cloud) handle(s service, pattern string, h handler) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { c.serve(s, h, w, r) })
}

// serve does one request: faults first, then token, body, handler.
func (c *Cloud) serve(s service, h handler, w http.ResponseWriter, r *http.Request) {
	k := &call{cloud: c, w: w, r: r, header: w.Header()}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
	if err != nil {
		writeError(w, s, errorf(413, "Request entity too large"))
		return
	}
	if err := c.inject(s, r); err != nil {
		writeError(w, s, err)
		return
	}
	k.raw = raw
	if len(raw) > 0 && raw[0] == '{' && isJSON(r) {
		if err := json.Unmarshal(raw, &k.body); err != nil {
			writeError(w, s, errorf(400, "Malformed request body"))
			return
		}
	}
	c.mu.Lock()
	out, err := c.answer(s, h, k)
	var data []byte
	if err == nil && out.body != nil {
		data, err = json.Marshal(out.body) // under the lock: it reads records
	}
	c.mu.Unlock()
	if err != nil {
		writeError(w, s, err)
		return
	}
	if data != nil {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(out.status)
	if r.Method != http.MethodHead {
		// The client that is gone will not miss the rest.
		_, _ = w.Write(data)
	}
}

func isJSON(r *http.Request) bool {
	t := r.Header.Get("Content-Type")
	return t == "" || strings.Contains(t, "json")
}

// answer checks the token and calls the handler; the lock is held.
func (c *Cloud) answer(s service, h handler, k *call) (*reply, error) {
	if !s.open {
		t := c.idn.valid(k.r.Header.Get("X-Auth-Token"))
		if t == nil {
			return nil, unauthorized()
		}
		k.token = t
	}
	if s.name == "compute" {
		if err := k.microversion(); err != nil {
			return nil, err
		}
	}
	return h(k)
}

func unauthorized() *apiError {
	e := errorf(401, "The request you have made requires authentication.")
	e.header = http.Header{"Www-Authenticate": {`Keystone uri="/"`}}
	return e
}

// writeError writes err in the words of the service.
func writeError(w http.ResponseWriter, s service, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = errorf(500, "%v", err)
	}
	for key, values := range e.header {
		w.Header()[key] = values
	}
	wrap := s.wrap
	if wrap == nil || e.status == 401 { // the token is judged before the service
		wrap = wrapIdentity
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(wrap(e))
}

// wrapFault is how Nova and Cinder word errors: the kind is the key.
func wrapFault(e *apiError) object {
	kinds := map[int]string{
		400: "badRequest", 403: "forbidden", 404: "itemNotFound", 405: "badMethod", 409: "conflictingRequest",
		413: "overLimit", 429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable",
	}
	kind := kinds[e.status]
	if kind == "" {
		kind = "computeFault"
	}
	return object{kind: object{"code": e.status, "message": e.message}}
}

// ok answers 200 with one key.
func ok(key string, v any) (*reply, error) { return &reply{200, object{key: v}}, nil }

// links are the self and bookmark links of a record.
func links(self string) []object {
	return []object{{"rel": "self", "href": self}, {"rel": "bookmark", "href": self}}
}
