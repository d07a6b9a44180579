package daemon

// This file is the control protocol: JSON over HTTP on the lab's socket.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"gorun/cmd/gorun-lab/internal/hosts"
)

// A Status is what gorun-lab status shows.
type Status struct {
	Network  netip.Prefix
	Init     hosts.Init
	AuthURL  string
	Loopback string // the cloud on the loopback interface, host:port
	Hosts    []HostStatus
}

// A HostStatus is one host of it.
type HostStatus struct {
	Name  string
	Addr  netip.Addr
	Zone  string
	Power hosts.Power
	Cut   bool
	PID   int
	ID    string
}

// A PowerRequest asks for Action on Target, a host or a zone.
type PowerRequest struct {
	Action string // kill, boot, cut or mend
	Target string
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) { reply(w, s.status(), nil) })
	mux.HandleFunc("POST /power", func(w http.ResponseWriter, r *http.Request) {
		var req PowerRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			reply(w, nil, err)
			return
		}
		names, err := s.power(r.Context(), req)
		reply(w, names, err)
	})
	mux.HandleFunc("POST /down", func(w http.ResponseWriter, r *http.Request) {
		reply(w, "ending", nil)
		s.stopOnce.Do(func() { close(s.stop) })
	})
	return mux
}

// reply writes v, or err as a text with a status that says it is one.
func reply(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The client that is gone will not miss the rest.
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) status() Status {
	st := Status{Network: s.cfg.Network, Init: s.cfg.Init, AuthURL: s.cfg.AuthURL(), Loopback: s.loopback}
	for _, h := range s.lab.Hosts() {
		st.Hosts = append(st.Hosts, HostStatus{
			Name: h.Name(), Addr: h.Addr(), Zone: h.Zone(), Power: h.Power(), Cut: h.IsCut(), PID: h.PID(), ID: h.ID(),
		})
	}
	return st
}

// power does one action on a host or zone and returns the names concerned.
func (s *Server) power(ctx context.Context, req PowerRequest) ([]string, error) {
	list := s.lab.Find(req.Target)
	if len(list) == 0 {
		return nil, fmt.Errorf("the lab has no host or zone called %s", req.Target)
	}
	var names []string
	for _, h := range list {
		names = append(names, h.Name())
	}
	var err error
	switch req.Action {
	case "kill":
		err = each(list, func(h *hosts.Host) error { return h.Kill(ctx) })
	case "boot":
		err = bootAll(ctx, list)
	case "cut":
		err = each(list, (*hosts.Host).Cut)
	case "mend":
		err = each(list, (*hosts.Host).Mend)
	default:
		err = fmt.Errorf("there is no action called %s", req.Action)
	}
	return names, err
}

// A Client asks the daemon of one lab.
type Client struct {
	name string
	http http.Client
}

// ErrNoDaemon says that the lab's daemon does not answer.
var ErrNoDaemon = errors.New("its process does not answer; gorun-lab down clears up what it left")

// NewClient returns a client of the lab called name.
func NewClient(name string) *Client {
	c := &Client{name: name}
	c.http.Transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", Socket(Dir(name)))
		},
		DisableKeepAlives: true,
	}
	c.http.Timeout = 2 * bootTimeout
	return c
}

// Status asks for the state of the lab.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var st Status
	return &st, c.call(ctx, "GET", "/status", nil, &st)
}

// Power does one action and returns the names of the hosts concerned.
func (c *Client) Power(ctx context.Context, action, target string) ([]string, error) {
	var names []string
	return names, c.call(ctx, "POST", "/power", PowerRequest{Action: action, Target: target}, &names)
}

// Down tells the daemon to remove the lab and waits until it has.
func (c *Client) Down(ctx context.Context) error {
	if err := c.call(ctx, "POST", "/down", nil, nil); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := c.call(ctx, "GET", "/status", nil, nil); err != nil {
			return nil
		}
		time.Sleep(30 * time.Millisecond)
	}
	return ctx.Err()
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://lab"+path, &body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("lab %s: %w", c.name, ErrNoDaemon)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		return errors.New(string(bytes.TrimSpace(text)))
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// netipPrefix returns addr with the length of network.
func netipPrefix(addr netip.Addr, network netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(addr, network.Bits())
}
