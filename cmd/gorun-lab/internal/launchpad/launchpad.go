// Package launchpad stands in for what `ppa:` package sources need of the
// internet: Launchpad's API, the keyserver, and the archives themselves. The
// archives are signed and empty: hosts take the packages from the lab's own
// repository, as Debian has them all.
package launchpad

//lint:file-ignore SA1019 these signatures protect nothing: they let apt accept a lab's own archives

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	// Frozen, but complete for what a signed index needs, and without
	// dependencies: the alternative is to ask for gnupg on the machine.
	"golang.org/x/crypto/openpgp"
	"golang.org/x/crypto/openpgp/armor"
	"golang.org/x/crypto/openpgp/clearsign"
	"golang.org/x/crypto/openpgp/packet"
)

// Names are the hosts it answers for.
var Names = []string{
	"launchpad.net", "api.launchpad.net", "keyserver.ubuntu.com", "ppa.launchpad.net", "ppa.launchpadcontent.net",
}

// Archives are the PPAs there are, as OWNER/NAME.
var Archives = []string{"nginx/stable", "semiosis/ubuntu-glusterfs-3.4"}

// architectures are those the empty indexes are for.
var architectures = []string{"amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x"}

// A Server answers as Launchpad, keyserver and archive.
type Server struct {
	entity *openpgp.Entity
	key    []byte // armored
	mux    *http.ServeMux
}

// New returns a server with a fresh signing key.
func New() (*Server, error) {
	cfg := &packet.Config{DefaultHash: crypto.SHA256, RSABits: 2048}
	entity, err := openpgp.NewEntity("Launchpad PPA", "gorun-lab", "lab@localhost", cfg)
	if err != nil {
		return nil, fmt.Errorf("making the archive's key: %w", err)
	}
	for _, id := range entity.Identities {
		if err := id.SelfSignature.SignUserId(id.UserId.Id, entity.PrimaryKey, entity.PrivateKey, cfg); err != nil {
			return nil, fmt.Errorf("signing the archive's key: %w", err)
		}
	}
	var key bytes.Buffer
	w, err := armor.Encode(&key, openpgp.PublicKeyType, nil)
	if err != nil {
		return nil, err
	}
	if err := entity.Serialize(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	s := &Server{entity: entity, key: append(key.Bytes(), '\n'), mux: http.NewServeMux()}
	for _, api := range []string{"/1.0", "/api/1.0"} {
		s.mux.HandleFunc("GET "+api+"/{owner}/+archive/{name}", s.archive)
		s.mux.HandleFunc("GET "+api+"/{owner}/+archive/ubuntu/{name}", s.archive)
	}
	s.mux.HandleFunc("GET /pks/lookup", s.lookup)
	s.mux.HandleFunc("GET /{owner}/{name}/ubuntu/dists/{suite}/{file...}", s.index)
	return s, nil
}

// ServeHTTP answers one request, whichever of [Names] it is for.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Fingerprint returns that of the archives' key, in upper case.
func (s *Server) Fingerprint() string {
	return fmt.Sprintf("%X", s.entity.PrimaryKey.Fingerprint)
}

// known says whether there is such an archive; owners have a tilde in the API.
func known(owner, name string) bool {
	return slices.Contains(Archives, strings.TrimPrefix(owner, "~")+"/"+name)
}

// archive is https://launchpad.net/+apidoc/1.0.html#archive.
func (s *Server) archive(w http.ResponseWriter, r *http.Request) {
	owner, name := strings.TrimPrefix(r.PathValue("owner"), "~"), r.PathValue("name")
	if !known(owner, name) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The client that is gone will not miss the rest.
	_ = json.NewEncoder(w).Encode(map[string]any{
		"name": name, "displayname": name, "private": false, "publish": true, "status": "Active",
		"reference": "~" + owner + "/ubuntu/" + name, "signing_key_fingerprint": s.Fingerprint(),
	})
}

// lookup is https://www.ietf.org/archive/id/draft-shaw-openpgp-hkp-00.txt.
func (s *Server) lookup(w http.ResponseWriter, r *http.Request) {
	want := strings.ToUpper(strings.TrimPrefix(r.FormValue("search"), "0x"))
	if r.FormValue("op") != "get" || len(want) < 8 || !strings.HasSuffix(s.Fingerprint(), want) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/pgp-keys")
	_, _ = w.Write(s.key)
}

// index serves the files of an archive's suite, any suite.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	if !known(r.PathValue("owner"), r.PathValue("name")) {
		http.NotFound(w, r)
		return
	}
	files, err := s.files(r.PathValue("name"), r.PathValue("suite"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	data, ok := files[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(data)
}

// files returns all files of a suite: empty lists of packages for every
// architecture, and the signed list of them.
func (s *Server) files(name, suite string) (map[string][]byte, error) {
	var zipped bytes.Buffer
	if err := gzip.NewWriter(&zipped).Close(); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, arch := range architectures {
		files["main/binary-"+arch+"/Packages"] = nil
		files["main/binary-"+arch+"/Packages.gz"] = zipped.Bytes()
	}
	var names []string
	for file := range files {
		names = append(names, file)
	}
	slices.Sort(names)
	var release bytes.Buffer
	fmt.Fprintf(&release, "Origin: LP-PPA-lab\nLabel: %s\nSuite: %s\nCodename: %s\nDate: %s\nArchitectures: %s\nComponents: main\nSHA256:\n",
		name, suite, suite, time.Now().UTC().Format(time.RFC1123), strings.Join(architectures, " "))
	for _, file := range names {
		fmt.Fprintf(&release, " %x %d %s\n", sha256.Sum256(files[file]), len(files[file]), file)
	}
	var signed bytes.Buffer
	w, err := clearsign.Encode(&signed, s.entity.PrivateKey, &packet.Config{DefaultHash: crypto.SHA256})
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(release.Bytes()); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	files["InRelease"], files["Release"] = signed.Bytes(), release.Bytes()
	return files, nil
}
