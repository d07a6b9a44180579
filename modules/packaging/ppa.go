package packaging

// This file is Launchpad's personal package archives: where they lie, and
// their keys.

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gorun/modules"
	"gorun/modules/facts"
)

// maxKey bounds what is read of a key or of Launchpad's answer, in bytes.
const maxKey = 8 << 20

// A ppa is one archive of Launchpad.
type ppa struct {
	*repository
	owner, name, codename string
}

// parsePPA reads "owner/name", "owner" (whose archive is called ppa), or
// Launchpad's "~owner/ubuntu/name".
func (r *repository) parsePPA(spec string) (*ppa, error) {
	words := strings.Split(strings.TrimPrefix(spec, "~"), "/")
	p := &ppa{repository: r, owner: words[0], name: "ppa", codename: r.Codename}
	if len(words) > 1 {
		p.name = words[len(words)-1]
	}
	if p.owner == "" || p.name == "" || len(words) > 3 {
		return nil, modules.Failf("Invalid repository string: %s", r.Repo)
	}
	if p.codename == "" {
		p.codename = facts.Release()
	}
	if p.codename == "" {
		return nil, modules.Failf("cannot tell this host's release for %s: give codename", r.Repo)
	}
	return p, nil
}

// setting reads an environment variable, of the task first.
func (r *repository) setting(name, standard string) string {
	v := r.Env[name]
	if v == "" {
		v = os.Getenv(name)
	}
	if v == "" {
		v = standard
	}
	return strings.TrimRight(v, "/")
}

func (p *ppa) source() string {
	base := p.setting("GORUN_PPA_URL", "https://ppa.launchpadcontent.net")
	return "deb " + base + "/" + p.owner + "/" + p.name + "/ubuntu " + p.codename + " main"
}

func (p *ppa) fileName() string {
	return cleanFileName("ppa_" + p.owner + "_" + p.name + "_" + p.codename)
}

// installKey asks Launchpad for the archive's key, fetches it from the
// keyserver, and makes apt trust it.
func (p *ppa) installKey(ctx context.Context) error {
	client := httpClient(30*time.Second, p.ValidateCerts)
	api := p.setting("GORUN_LAUNCHPAD_API", "https://api.launchpad.net") + "/1.0/~" + url.PathEscape(p.owner) + "/+archive/" + url.PathEscape(p.name)
	var archive struct {
		Fingerprint string `json:"signing_key_fingerprint"`
	}
	answer, err := fetchAll(ctx, client, api)
	if err != nil {
		return modules.Failf("failed to fetch PPA information, error was: %w", err)
	}
	if err := json.Unmarshal(answer, &archive); err != nil {
		return modules.Failf("failed to fetch PPA information, error was: %w", err)
	}
	if archive.Fingerprint == "" {
		// An archive without packages has no key yet.
		return nil
	}
	lookup := p.setting("GORUN_KEYSERVER", "https://keyserver.ubuntu.com") + "/pks/lookup?op=get&options=mr&search=0x" + archive.Fingerprint
	armored, err := fetchAll(ctx, client, lookup)
	if err != nil {
		return modules.Failf("Unable to get required signing key for %s: %w", p.Repo, err)
	}
	key, err := dearmor(armored)
	if err != nil {
		return modules.Failf("Unable to get required signing key for %s: %w", p.Repo, err)
	}
	prints, err := primaryFingerprints(key)
	if err != nil || !slices.Contains(prints, strings.ToUpper(archive.Fingerprint)) {
		return modules.Failf("the keyserver's answer for %s is not the key %s", p.Repo, archive.Fingerprint)
	}
	file := filepath.Join(p.places.trusted, p.owner+"-ubuntu-"+p.name+".gpg")
	if err := os.MkdirAll(p.places.trusted, 0o755); err != nil {
		return modules.Failf("cannot store the key of %s: %w", p.Repo, err)
	}
	if err := p.WriteFile(ctx, file, key, "", false); err != nil {
		return err
	}
	_, err = p.ApplyFileArgs(file, &modules.FileArgs{Mode: "0644"}, true, nil)
	return err
}

// fetchAll reads a URL into memory, at most maxKey bytes.
func fetchAll(ctx context.Context, client *http.Client, from string) ([]byte, error) {
	body, err := fetch(ctx, client, from)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, maxKey))
}

// httpClient makes a client; without validate it takes any certificate.
func httpClient(limit time.Duration, validate bool) *http.Client {
	client := &http.Client{Timeout: limit}
	if !validate {
		client.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	}
	return client
}
