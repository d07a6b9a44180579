package net

// This file is for the modules of other packages that speak to a web service.

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"gorun/modules"
)

// A Call is one request.
type Call struct {
	URL, Method string
	Body        []byte
	Headers     map[string]any
	Validate    bool // the server's certificate
}

// An Answer is what came of a Call. Status is -1 where no server answered; Msg
// says what failed, in Ansible's words.
type Answer struct {
	Status int
	Msg    string
	Body   []byte
}

// callTimeout is for how long a server may stay silent.
const callTimeout = 10 * time.Second

// Send makes a request by the rules of the modules here: proxies, .netrc and
// redirects of reading requests.
func (c *Call) Send(ctx context.Context, m *modules.Run) *Answer {
	q := &request{url: c.URL, method: c.Method, body: c.Body, headers: c.Headers, validate: c.Validate, timeout: callTimeout,
		useProxy: true, useNetrc: true, agent: "ansible-httpget", follow: "urllib2", decompress: true}
	res, err := q.do(ctx, m)
	if err != nil {
		return &Answer{Status: -1, Msg: failureText(err)}
	}
	defer res.Body.Close()
	out := &Answer{Status: res.StatusCode}
	if out.Body, err = io.ReadAll(res.Body); err != nil {
		return &Answer{Status: -1, Msg: "Connection failure: " + rootCause(err)}
	}
	if res.StatusCode != http.StatusOK {
		out.Msg = fmt.Sprintf("HTTP Error %d: %s", res.StatusCode, res.reason())
	}
	return out
}
