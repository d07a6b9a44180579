package net

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gorun/modules"
)

type uriArgs struct {
	modules.FileArgs
	Body                any            `arg:"body"`
	BodyFormat          string         `arg:"body_format"`
	CAPath              string         `arg:"ca_path"`
	Ciphers             []string       `arg:"ciphers"`
	ClientCert          string         `arg:"client_cert"`
	ClientKey           string         `arg:"client_key"`
	Creates             string         `arg:"creates"`
	Decompress          bool           `arg:"decompress"`
	Dest                string         `arg:"dest"`
	FollowRedirects     string         `arg:"follow_redirects"`
	Force               bool           `arg:"force"`
	ForceBasicAuth      bool           `arg:"force_basic_auth"`
	Headers             map[string]any `arg:"headers"`
	HTTPAgent           string         `arg:"http_agent"`
	Method              string         `arg:"method"`
	RemoteSrc           bool           `arg:"remote_src"`
	Removes             string         `arg:"removes"`
	ReturnContent       bool           `arg:"return_content"`
	Src                 string         `arg:"src"`
	StatusCode          []int          `arg:"status_code"`
	Timeout             int            `arg:"timeout"`
	UnixSocket          string         `arg:"unix_socket"`
	UnredirectedHeaders []string       `arg:"unredirected_headers"`
	URL                 string         `arg:"url"`
	URLPassword         string         `arg:"url_password"`
	URLUsername         string         `arg:"url_username"`
	UseGSSAPI           bool           `arg:"use_gssapi"`
	UseNetrc            bool           `arg:"use_netrc"`
	UseProxy            bool           `arg:"use_proxy"`
	ValidateCerts       bool           `arg:"validate_certs"`
}

// URI is ansible.builtin.uri.
var URI = modules.Define(modules.Spec{
	Name: "ansible.builtin.uri",
	Doc:  "Talk to a web service: send a request, check the status, give the answer.",
	Options: []modules.Option{
		{Name: "body", Type: modules.Raw, Doc: "What to send: text, or data that body_format encodes."},
		{Name: "body_format", Default: "raw", Choices: []string{"form-urlencoded", "json", "raw", "form-multipart"}, Doc: "How body is encoded."},
		{Name: "ca_path", Type: modules.Path, Doc: "A PEM file of the authorities to trust."},
		{Name: "ciphers", Type: modules.List, Elements: modules.Str, Doc: "TLS cipher suites to use."},
		{Name: "client_cert", Type: modules.Path, Doc: "A PEM file with the client's certificate, and its key where client_key is not given."},
		{Name: "client_key", Type: modules.Path, Doc: "A PEM file with the client's key."},
		{Name: "creates", Type: modules.Path, Doc: "Do nothing where this path exists."},
		{Name: "decompress", Type: modules.Bool, Default: true, Doc: "Unpack an answer that is sent compressed."},
		{Name: "dest", Type: modules.Path, Doc: "A file or folder on the target to write the answer to."},
		{Name: "follow_redirects", Default: "safe", Choices: []string{"all", "no", "none", "safe", "urllib2", "yes"}, Doc: "Which redirects to follow: all, none, those of GET and HEAD (safe), or as Python's urllib2."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Do not ask for a cached answer, nor whether dest is still current."},
		{Name: "force_basic_auth", Type: modules.Bool, Default: false, Doc: "Send the password with the first request."},
		{Name: "headers", Type: modules.Dict, Doc: "Headers to send."},
		{Name: "http_agent", Default: "ansible-httpget", Doc: "What to send as User-Agent."},
		{Name: "method", Default: "GET", Doc: "The method, in capitals."},
		{Name: "remote_src", Type: modules.Bool, Default: false, Doc: "The file src is on the target."},
		{Name: "removes", Type: modules.Path, Doc: "Do nothing where this path does not exist."},
		{Name: "return_content", Type: modules.Bool, Default: false, Doc: "Give the answer as content, whatever its type."},
		{Name: "src", Type: modules.Path, Doc: "A file to send as the body."},
		{Name: "status_code", Type: modules.List, Elements: modules.Int, Default: []any{200}, Doc: "The status codes that are a success."},
		{Name: "timeout", Type: modules.Int, Default: 30, Doc: "Seconds to wait for the server."},
		{Name: "unix_socket", Type: modules.Path, Doc: "Connect to this socket."},
		{Name: "unredirected_headers", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Headers that are not sent to where a redirect leads."},
		{Name: "url", Required: true, Doc: "The address."},
		{Name: "url_password", Aliases: []string{"password"}, NoLog: true, Doc: "The password."},
		{Name: "url_username", Aliases: []string{"user"}, Doc: "The user."},
		{Name: "use_gssapi", Type: modules.Bool, Default: false, Doc: "Authenticate by GSSAPI; not supported."},
		{Name: "use_netrc", Type: modules.Bool, Default: true, Doc: "Take the password from ~/.netrc where none is given."},
		{Name: "use_proxy", Type: modules.Bool, Default: true, Doc: "Go through the proxy that the environment names."},
		{Name: "validate_certs", Type: modules.Bool, Default: true, Doc: "Check the server's certificate."},
	},
	FileArgs: true,
	Rules:    modules.Rules{MutuallyExclusive: [][]string{{"body", "src"}}},
	Check:    modules.NoSupport,
	Diff:     modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *uriArgs) (*modules.Result, error) {
	u := &uriRun{ctx: ctx, m: m, a: a, start: time.Now()}
	return u.run()
})

type uriRun struct {
	ctx     context.Context
	m       *modules.Run
	a       *uriArgs
	start   time.Time
	headers map[string]any
	body    []byte
}

var methodName = regexp.MustCompile(`^[A-Z]+$`)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (u *uriRun) run() (*modules.Result, error) {
	a := u.a
	a.Method = strings.ToUpper(a.Method)
	switch {
	case a.UseGSSAPI:
		return nil, modules.Failf("use_gssapi: Kerberos is not supported")
	case !methodName.MatchString(a.Method):
		return nil, modules.Failf("Parameter 'method' needs to be a single word in uppercase, like GET or POST.")
	case a.Creates != "" && exists(a.Creates):
		return &modules.Result{Data: map[string]any{"stdout": fmt.Sprintf("skipped, since '%s' exists", a.Creates)}}, nil
	case a.Removes != "" && !exists(a.Removes):
		return &modules.Result{Data: map[string]any{"stdout": fmt.Sprintf("skipped, since '%s' does not exist", a.Removes)}}, nil
	}
	u.headers = map[string]any{}
	for k, v := range a.Headers {
		u.headers[k] = v
	}
	if err := u.makeBody(); err != nil {
		return nil, err
	}
	q := u.request()
	res, err := q.do(u.ctx, u.m)
	var value *valueError
	if errors.As(err, &value) {
		return nil, modules.FailWith(map[string]any{"url": a.URL, "status": -1}, "%s", value.msg)
	}
	if err != nil {
		data := map[string]any{"redirected": false, "url": a.URL, "status": -1, "elapsed": u.elapsed()}
		if a.ReturnContent {
			data["content"] = ""
		}
		return nil, modules.FailWith(data, "Status code was -1 and not %s: %s", u.wanted(), failureText(err))
	}
	defer res.Body.Close()
	data := u.answer(res)
	content, err := io.ReadAll(res.Body)
	expected := slices.Contains(a.StatusCode, res.StatusCode)
	if err != nil && (a.Dest != "" || a.ReturnContent || isJSON(res)) {
		// An answer that nobody wants is not read by Ansible either.
		return nil, modules.FailWith(data, "could not read the answer: %w", err)
	}
	u.addContent(res, content, data)
	changed := false
	if a.Dest != "" {
		dest := a.Dest
		if isDir(dest) {
			dest = filepath.Join(dest, answerName(res))
		}
		if expected && res.StatusCode != http.StatusNotModified {
			if err := u.save(dest, content, data); err != nil {
				return nil, err
			}
			changed = true // written or the same: Ansible says so of both
		}
		data["path"] = dest
	}
	if !expected {
		delete(data, "body")
		return nil, modules.FailWith(data, "Status code was %d and not %s: %s", res.StatusCode, u.wanted(), data["msg"])
	}
	return &modules.Result{Changed: changed, Data: data}, nil
}

func (u *uriRun) elapsed() int { return int(time.Since(u.start).Seconds()) }

// wanted shows the codes as Python shows a list.
func (u *uriRun) wanted() string {
	return strings.ReplaceAll(fmt.Sprint(u.a.StatusCode), " ", ", ")
}

func (u *uriRun) request() *request {
	a := u.a
	q := &request{url: a.URL, method: a.Method, body: u.body, headers: u.headers, timeout: time.Duration(a.Timeout) * time.Second,
		validate: a.ValidateCerts, cert: a.ClientCert, key: a.ClientKey, ca: a.CAPath, user: a.URLUsername, password: a.URLPassword,
		basicAtOnce: a.ForceBasicAuth, useProxy: a.UseProxy, useNetrc: a.UseNetrc, agent: a.HTTPAgent, follow: a.FollowRedirects,
		unredirected: a.UnredirectedHeaders, ciphers: a.Ciphers, socket: a.UnixSocket, decompress: a.Decompress, force: a.Force}
	if info, err := os.Stat(a.Dest); err == nil && a.Dest != "" && !info.IsDir() && !a.Force {
		q.ifModifiedSince = info.ModTime()
	}
	return q
}

// answer makes the result's keys of the headers.
func (u *uriRun) answer(res *response) map[string]any {
	data := map[string]any{"redirected": res.redirected, "url": res.url, "status": res.StatusCode, "elapsed": u.elapsed()}
	for name, values := range res.Header {
		key := strings.ReplaceAll(strings.ToLower(name), "-", "_")
		data[key] = strings.Join(values, ", ")
	}
	if res.Close && res.ProtoAtLeast(1, 1) && data["connection"] == nil {
		data["connection"] = "close" // Go keeps that header to itself
	}
	if res.StatusCode == 0 {
		data["content_length"] = fmt.Sprint(res.ContentLength)
	}
	size := "unknown"
	if l := res.Header.Get("Content-Length"); l != "" {
		size = l
	}
	switch {
	case res.StatusCode == 0:
		data["status"] = nil
		data["msg"] = "OK (" + size + " bytes)"
	case res.StatusCode < 300:
		data["msg"] = "OK (" + size + " bytes)"
		names := map[string]any{}
		var list []string
		for _, c := range res.cookies {
			names[c.Name] = c.Value
			list = append(list, c.Name+"="+c.Value)
		}
		data["cookies"], data["cookies_string"] = names, strings.Join(list, "; ")
	default:
		data["msg"] = fmt.Sprintf("HTTP Error %d: %s", res.StatusCode, res.reason())
		if res.loop {
			data["redirected"] = res.url != u.a.URL
		}
	}
	if loc := res.Header.Get("Location"); loc != "" && res.Request != nil {
		if abs, err := res.Request.URL.Parse(loc); err == nil {
			data["location"] = abs.String()
		}
	}
	return data
}

// isJSON tells whether the answer's type is one that JSON is read from.
func isJSON(res *response) bool {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	sub := kind[strings.IndexByte(kind, '/')+1:]
	return sub == "json" || sub == "javascript" || strings.HasSuffix(sub, "+json")
}

// addContent adds the text, and the data that JSON stands for.
func (u *uriRun) addContent(res *response, content []byte, data map[string]any) {
	_, params, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	text := string(content)
	if strings.EqualFold(params["charset"], "iso-8859-1") || strings.EqualFold(params["charset"], "latin1") {
		runes := make([]rune, len(content))
		for i, b := range content {
			runes[i] = rune(b)
		}
		text = string(runes)
	}
	if u.a.ReturnContent {
		data["content"] = text
	} else if res.StatusCode >= 300 && !isJSON(res) {
		data["body"] = text
	}
	if isJSON(res) {
		d := json.NewDecoder(bytes.NewReader(content))
		d.UseNumber()
		var v any
		if d.Decode(&v) == nil {
			data["json"] = v
		}
	}
}

// answerName is the name of an answer that goes to a folder: the server's
// word, else the end of the URL that redirects led to.
func answerName(res *response) string {
	if name := dispositionName(res); name != "" {
		return name
	}
	if u, err := url.Parse(res.url); err == nil {
		if name := path.Base(strings.TrimRight(u.Path, "/")); name != "." && name != "/" && name != ".." {
			return name
		}
	}
	return "index.html"
}

// save writes the answer to dest.
func (u *uriRun) save(dest string, content []byte, data map[string]any) error {
	data["path"] = dest
	if dir := filepath.Dir(dest); !isDir(dir) {
		return modules.FailWith(data, "Destination dir '%s' not writable", dir)
	}
	if have, err := os.ReadFile(dest); err != nil || !bytes.Equal(have, content) {
		if err := u.m.WriteFile(u.ctx, dest, content, "", u.a.UnsafeWrites); err != nil {
			return err
		}
	}
	_, err := u.m.ApplyFileArgs(dest, &u.a.FileArgs, false, nil)
	return err
}

// readSource reads the body from a file.
func (u *uriRun) readSource() error {
	data, err := os.ReadFile(u.a.Src)
	if err != nil {
		return modules.FailWith(map[string]any{"elapsed": 0}, "Unable to open source file %s", u.a.Src)
	}
	u.body = data
	return nil
}
