package net

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gorun/modules"
	"gorun/modules/oserr"
)

type getURLArgs struct {
	modules.FileArgs
	Backup              bool           `arg:"backup"`
	Checksum            string         `arg:"checksum"`
	Ciphers             []string       `arg:"ciphers"`
	ClientCert          string         `arg:"client_cert"`
	ClientKey           string         `arg:"client_key"`
	Decompress          bool           `arg:"decompress"`
	Dest                string         `arg:"dest"`
	Force               bool           `arg:"force"`
	ForceBasicAuth      bool           `arg:"force_basic_auth"`
	Headers             map[string]any `arg:"headers"`
	HTTPAgent           string         `arg:"http_agent"`
	Timeout             int            `arg:"timeout"`
	TmpDest             string         `arg:"tmp_dest"`
	UnredirectedHeaders []string       `arg:"unredirected_headers"`
	URL                 string         `arg:"url"`
	URLPassword         string         `arg:"url_password"`
	URLUsername         string         `arg:"url_username"`
	UseGSSAPI           bool           `arg:"use_gssapi"`
	UseNetrc            bool           `arg:"use_netrc"`
	UseProxy            bool           `arg:"use_proxy"`
	ValidateCerts       bool           `arg:"validate_certs"`
}

// GetURL is ansible.builtin.get_url.
var GetURL = modules.Define(modules.Spec{
	Name: "ansible.builtin.get_url",
	Doc:  "Download a file over HTTP or HTTPS, or from a file: URL.",
	Options: []modules.Option{
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file that is replaced."},
		{Name: "checksum", Default: "", Doc: "algorithm:digest that the file must have, or algorithm:URL of a file of digests."},
		{Name: "ciphers", Type: modules.List, Elements: modules.Str, Doc: "TLS cipher suites to use."},
		{Name: "client_cert", Type: modules.Path, Doc: "A PEM file with the client's certificate, and its key where client_key is not given."},
		{Name: "client_key", Type: modules.Path, Doc: "A PEM file with the client's key."},
		{Name: "decompress", Type: modules.Bool, Default: true, Doc: "Unpack an answer that is sent compressed."},
		{Name: "dest", Type: modules.Path, Required: true, Doc: "Where the file goes; in a folder it has the name that the server says or the URL ends with."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Download although the file is there and not older."},
		{Name: "force_basic_auth", Type: modules.Bool, Default: false, Doc: "Send the password with the first request."},
		{Name: "headers", Type: modules.Dict, Doc: "Headers to send."},
		{Name: "http_agent", Default: "ansible-httpget", Doc: "What to send as User-Agent."},
		{Name: "timeout", Type: modules.Int, Default: 10, Doc: "Seconds to wait for the server."},
		{Name: "tmp_dest", Type: modules.Path, Doc: "The folder for the file while it is downloaded."},
		{Name: "unredirected_headers", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Headers that are not sent to where a redirect leads."},
		{Name: "url", Required: true, Doc: "The address."},
		{Name: "url_password", Aliases: []string{"password"}, NoLog: true, Doc: "The password."},
		{Name: "url_username", Aliases: []string{"username"}, Doc: "The user."},
		{Name: "use_gssapi", Type: modules.Bool, Default: false, Doc: "Authenticate by GSSAPI; not supported."},
		{Name: "use_netrc", Type: modules.Bool, Default: true, Doc: "Take the password from ~/.netrc where none is given."},
		{Name: "use_proxy", Type: modules.Bool, Default: true, Doc: "Go through the proxy that the environment names."},
		{Name: "validate_certs", Type: modules.Bool, Default: true, Doc: "Check the server's certificate."},
	},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *getURLArgs) (*modules.Result, error) {
	if a.UseGSSAPI {
		return nil, modules.Failf("use_gssapi: Kerberos is not supported")
	}
	g := &getURLRun{ctx: ctx, m: m, a: a, dest: a.Dest, start: time.Now()}
	return g.run()
})

type getURLRun struct {
	ctx    context.Context
	m      *modules.Run
	a      *getURLArgs
	dest   string
	want   digestWish
	start  time.Time
	data   map[string]any
	status any
}

func (g *getURLRun) request(address, method string) *request {
	a := g.a
	return &request{url: address, method: method, headers: a.Headers, timeout: time.Duration(a.Timeout) * time.Second,
		validate: a.ValidateCerts, cert: a.ClientCert, key: a.ClientKey, user: a.URLUsername, password: a.URLPassword,
		basicAtOnce: a.ForceBasicAuth, useProxy: a.UseProxy, useNetrc: a.UseNetrc, agent: a.HTTPAgent, follow: "urllib2",
		unredirected: a.UnredirectedHeaders, ciphers: a.Ciphers, decompress: a.Decompress, force: a.Force}
}

func (g *getURLRun) elapsed() int { return int(time.Since(g.start).Seconds()) }

func (g *getURLRun) fail(format string, args ...any) error {
	g.data["elapsed"] = g.elapsed()
	return modules.FailWith(g.data, format, args...)
}

func (g *getURLRun) run() (*modules.Result, error) {
	a := g.a
	g.data = map[string]any{"checksum_dest": nil, "checksum_src": nil, "dest": g.dest, "elapsed": 0, "url": a.URL}
	if err := g.parseChecksum(); err != nil {
		return nil, err
	}
	intoDir := isDir(g.dest)
	since := time.Time{}
	if info, err := os.Stat(g.dest); err == nil && !intoDir {
		if g.want.digest != "" && !a.Force {
			have, err := modules.HexDigest(g.dest, g.want.algorithm)
			if err == nil && have == g.want.digest {
				return g.upToDate()
			}
		} else if !a.Force {
			since = info.ModTime()
		}
	}
	tmp, err := g.download(since, intoDir)
	if tmp != "" {
		defer os.Remove(tmp) // fails when it is in place, as it should
	}
	var unchanged *notModified
	if errors.As(err, &unchanged) {
		return g.notModified()
	}
	if err != nil {
		return nil, err
	}
	return g.place(tmp)
}

// upToDate ends a run in which the digest is right already.
func (g *getURLRun) upToDate() (*modules.Result, error) {
	changed, err := g.m.ApplyFileArgs(g.dest, &g.a.FileArgs, false, nil)
	if err != nil {
		return nil, err
	}
	g.data["msg"] = "file already exists"
	if changed {
		g.data["msg"] = "file already exists but file attributes changed"
	}
	return &modules.Result{Changed: changed, Data: g.data}, nil
}

// notModified ends a run whose file is current. Its mode and owner stay as
// they are, as Ansible leaves them.
func (g *getURLRun) notModified() (*modules.Result, error) {
	return &modules.Result{Msg: "HTTP Error 304: Not Modified",
		Data: map[string]any{"url": g.a.URL, "dest": g.dest, "status_code": 304, "elapsed": g.elapsed()}}, nil
}

// notModified is the answer 304.
type notModified struct{}

func (*notModified) Error() string { return "not modified" }

// download brings the file to a temporary one and returns its name, "" in check mode.
func (g *getURLRun) download(since time.Time, intoDir bool) (string, error) {
	method := "GET"
	if g.m.Check {
		method = "HEAD"
	}
	q := g.request(g.a.URL, method)
	q.ifModifiedSince = since
	res, err := q.do(g.ctx, g.m)
	if err != nil {
		return "", g.failRequest(g.a.URL, err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == 304:
		return "", &notModified{}
	case res.StatusCode == 0: // file:
	case res.StatusCode != 200 && !(g.m.Check && (res.StatusCode == 405 || res.StatusCode == 501)):
		return "", g.failStatus(g.a.URL, res)
	default:
		g.status = res.StatusCode
	}
	if intoDir {
		g.dest = filepath.Join(g.dest, downloadName(res, res.url))
		g.data["dest"] = g.dest
	}
	size := "unknown"
	if res.ContentLength >= 0 {
		size = fmt.Sprint(res.ContentLength)
	}
	g.data["msg"] = "OK (" + size + " bytes)"
	if g.m.Check {
		_, err := g.folder()
		return "", err
	}
	return g.store(res.Body)
}

// failRequest is the failure of a request that got no answer.
func (g *getURLRun) failRequest(address string, err error) error {
	var value *valueError
	if errors.As(err, &value) {
		return modules.FailWith(map[string]any{"url": address, "status": -1}, "%s", value.msg)
	}
	return modules.FailWith(map[string]any{"url": address, "dest": g.dest, "elapsed": g.elapsed()}, "%s", failureText(err))
}

// failStatus is the failure of a request whose answer is no success.
func (g *getURLRun) failStatus(address string, res *response) error {
	response := fmt.Sprintf("HTTP Error %d: %s", res.StatusCode, res.reason())
	if res.StatusCode < 300 {
		response = "OK (" + sizeText(res) + " bytes)"
	}
	return modules.FailWith(map[string]any{"url": address, "dest": g.dest, "elapsed": g.elapsed(), "status_code": res.StatusCode,
		"response": response}, "Request failed")
}

// sizeText is the length that the server tells.
func sizeText(res *response) string {
	if length := res.Header.Get("Content-Length"); length != "" {
		return length
	}
	return "unknown"
}

func (g *getURLRun) failTmp(format, dir string) error {
	return modules.FailWith(map[string]any{"elapsed": g.elapsed()}, format, dir)
}

// folder is where the download goes before it is in place: beside the target,
// where it need not be copied once more, or tmp_dest.
func (g *getURLRun) folder() (string, error) {
	if tmp := g.a.TmpDest; tmp != "" && !isDir(tmp) {
		if _, err := os.Stat(tmp); err == nil {
			return "", g.failTmp("%s is a file but should be a directory.", tmp)
		}
		return "", g.failTmp("%s directory does not exist.", tmp)
	}
	dir := filepath.Dir(g.dest)
	if !isDir(dir) {
		return "", g.fail("Destination %s does not exist", dir)
	}
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return "", g.fail("Destination %s is not writable", dir)
	}
	if g.a.TmpDest != "" {
		dir = g.a.TmpDest
	}
	return dir, nil
}

// store writes the body to a file in tmp_dest or the run's folder.
func (g *getURLRun) store(body io.Reader) (string, error) {
	dir, err := g.folder()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, ".ansible_tmp*")
	if err != nil {
		return "", g.fail("Destination %s is not writable: %s", dir, oserr.Text(err))
	}
	if _, err := io.Copy(f, body); err != nil {
		f.Close()
		os.Remove(f.Name())
		return "", g.fail("failed to create temporary content file: %s", oserr.Text(err))
	}
	if err := f.Close(); err != nil {
		os.Remove(f.Name())
		return "", g.fail("failed to create temporary content file: %s", oserr.Text(err))
	}
	return f.Name(), nil
}

func isDir(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}

// downloadName is the file's name by the server's word, else by the URL.
func downloadName(res *response, address string) string {
	if name := dispositionName(res); name != "" {
		return name
	}
	return urlName(address)
}

// dispositionName is the file name of the header Content-Disposition, without folders.
func dispositionName(res *response) string {
	_, params, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
	if name := filepath.Base(params["filename"]); err == nil && name != "." && name != "/" && name != ".." {
		return name
	}
	return ""
}

func urlName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "index.html"
	}
	name := path.Base(u.Path)
	if name == "." || name == "/" || strings.HasSuffix(u.Path, "/") {
		return "index.html"
	}
	return name
}

// place compares with what is there and puts the file in its place.
func (g *getURLRun) place(tmp string) (*modules.Result, error) {
	a := g.a
	g.data["status_code"], g.data["elapsed"] = g.status, g.elapsed()
	if sum, err := modules.SHA1File(g.dest); err == nil && sum != "" {
		g.data["checksum_dest"] = sum
	}
	if _, err := os.Stat(g.dest); err == nil && unix.Access(g.dest, unix.W_OK) != nil {
		return nil, g.fail("Destination %s is not writable", g.dest)
	}
	if g.m.Check {
		// What would come is known by its digest alone, and that differs.
		return &modules.Result{Changed: true, Data: g.data}, nil
	}
	sum, err := modules.SHA1File(tmp)
	if err != nil {
		return nil, g.fail("could not read the download: %s", oserr.Text(err))
	}
	g.data["src"], g.data["checksum_src"] = tmp, sum
	if g.want.digest != "" {
		have, err := modules.HexDigest(tmp, g.want.algorithm)
		if err != nil {
			return nil, g.fail("%w", err)
		}
		if have != g.want.digest {
			return nil, g.fail("The checksum for %s did not match %s; it was %s.", tmp, g.want.digest, have)
		}
	}
	changed := g.data["checksum_dest"] != sum
	if md5, err := modules.HexDigest(tmp, "md5"); err == nil {
		g.data["md5sum"] = md5
	}
	if changed {
		if a.Backup {
			name, err := g.m.Backup(g.dest)
			if err != nil {
				return nil, err
			}
			if name != "" {
				g.data["backup_file"] = name
			}
		}
		if err := g.m.MoveFile(g.ctx, tmp, g.dest, "", a.UnsafeWrites); err != nil {
			return nil, err
		}
	}
	did, err := g.m.ApplyFileArgs(g.dest, &a.FileArgs, false, nil)
	if err != nil {
		return nil, err
	}
	return &modules.Result{Changed: changed || did, Data: g.data}, nil
}
