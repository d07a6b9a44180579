package cloud

// This file makes the cloud fail on demand:
//
//	POST   /lab/faults   {"service": "compute", "method": "GET", "path": "/servers", "status": 503, "count": 2}
//	GET    /lab/faults   what is in force
//	DELETE /lab/faults   no more
//	POST   /lab/expire   all tokens expire now

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// A Fault makes requests fail.
type Fault struct {
	// Service is that of the catalog: identity, compute, network, image or
	// volumev3; "" is any.
	Service string `json:"service,omitempty"`
	// Method is the HTTP method; "" is any.
	Method string `json:"method,omitempty"`
	// Path is a regular expression found in the path; "" is any.
	Path string `json:"path,omitempty"`
	// Status is the answer's; 0 lets the request through, after Delay.
	Status int `json:"status,omitempty"`
	// Count is how many requests it concerns; 0 is all.
	Count int `json:"count,omitempty"`
	// RetryAfter is the header of that name, in seconds; 0 is none.
	RetryAfter int `json:"retry_after,omitempty"`
	// Delay is how long the request waits first, as "2s".
	Delay string `json:"delay,omitempty"`
	// Message is the error's; "" is one that says that it was asked for.
	Message string `json:"message,omitempty"`

	path  *regexp.Regexp
	delay time.Duration
	left  int
}

// AddFault puts f in force.
func (c *Cloud) AddFault(f Fault) error {
	var err error
	if f.path, err = regexp.Compile(f.Path); err != nil {
		return fmt.Errorf("path: %w", err)
	}
	if f.Delay != "" {
		if f.delay, err = time.ParseDuration(f.Delay); err != nil {
			return fmt.Errorf("delay: %w", err)
		}
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("status %d: want 400 to 599", f.Status)
	}
	if f.Status == 0 && f.delay == 0 {
		return fmt.Errorf("a fault wants a status or a delay")
	}
	f.left = f.Count
	c.locked(func() { c.faults = append(c.faults, &f) })
	return nil
}

// ClearFaults ends all faults.
func (c *Cloud) ClearFaults() { c.locked(func() { c.faults = nil }) }

// ExpireTokens makes all tokens expire now.
func (c *Cloud) ExpireTokens() {
	c.locked(func() {
		for _, t := range c.idn.tokens {
			t.expires = time.Now()
		}
	})
}

// inject fails the request if a fault is in force for it.
func (c *Cloud) inject(s service, r *http.Request) error {
	if s.name == "" {
		return nil
	}
	var hit *Fault
	c.locked(func() {
		i := slices.IndexFunc(c.faults, func(f *Fault) bool {
			return (f.Service == "" || f.Service == s.name) && (f.Method == "" || f.Method == r.Method) && f.path.MatchString(r.URL.Path)
		})
		if i < 0 {
			return
		}
		hit = c.faults[i]
		if hit.left--; hit.left == 0 {
			c.faults = slices.Delete(c.faults, i, i+1)
		}
	})
	if hit == nil {
		return nil
	}
	select {
	case <-time.After(hit.delay):
	case <-r.Context().Done():
	}
	if hit.Status == 0 {
		return nil
	}
	e := errorf(hit.Status, "%s", hit.Message)
	if e.message == "" {
		e.message = http.StatusText(hit.Status) + " (a fault of the lab)"
	}
	if hit.RetryAfter > 0 {
		e.header = http.Header{"Retry-After": {strconv.Itoa(hit.RetryAfter)}}
	}
	return e
}

func (c *Cloud) routeFaults() {
	lab := service{open: true}
	c.handle(lab, "GET /lab/faults", func(k *call) (*reply, error) {
		out := []*Fault{}
		return ok("faults", append(out, c.faults...))
	})
	c.handle(lab, "DELETE /lab/faults", func(k *call) (*reply, error) {
		c.faults = nil
		return &reply{204, nil}, nil
	})
	c.mux.HandleFunc("POST /lab/faults", func(w http.ResponseWriter, r *http.Request) {
		f, err := readFault(r)
		if err == nil {
			err = c.AddFault(f)
		}
		if err != nil {
			writeError(w, lab, errorf(400, "%v", err))
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	c.mux.HandleFunc("POST /lab/expire", func(w http.ResponseWriter, r *http.Request) {
		c.ExpireTokens()
		w.WriteHeader(http.StatusNoContent)
	})
}

func readFault(r *http.Request) (Fault, error) {
	var f Fault
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(&f)
	return f, err
}
