package launchpad

//lint:file-ignore SA1019 these signatures protect nothing: they let apt accept a lab's own archives

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/crypto/openpgp"
	"golang.org/x/crypto/openpgp/clearsign"
)

func get(t *testing.T, url string) (int, []byte) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, data
}

// TestPPA goes the way of a client: the archive's fingerprint, its key, the
// index signed with that key, and the lists of packages the index names.
func TestPPA(t *testing.T) {
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	defer srv.Close()
	_, data := get(t, srv.URL+"/1.0/~nginx/+archive/stable")
	var archive struct {
		Fingerprint string `json:"signing_key_fingerprint"`
	}
	if err := json.Unmarshal(data, &archive); err != nil || len(archive.Fingerprint) != 40 {
		t.Fatalf("archive %s: %v", data, err)
	}
	_, data = get(t, srv.URL+"/pks/lookup?op=get&options=mr&search=0x"+archive.Fingerprint)
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%X", ring[0].PrimaryKey.Fingerprint); got != archive.Fingerprint {
		t.Errorf("key %s, want %s", got, archive.Fingerprint)
	}
	_, data = get(t, srv.URL+"/nginx/stable/ubuntu/dists/bookworm/InRelease")
	block, _ := clearsign.Decode(data)
	if block == nil {
		t.Fatalf("InRelease is not signed: %s", data)
	}
	if _, err := openpgp.CheckDetachedSignature(ring, bytes.NewReader(block.Bytes), block.ArmoredSignature.Body); err != nil {
		t.Errorf("InRelease: %v", err)
	}
	_, list := get(t, srv.URL+"/nginx/stable/ubuntu/dists/bookworm/main/binary-amd64/Packages.gz")
	if want := fmt.Sprintf("%x %d main/binary-amd64/Packages.gz", sha256.Sum256(list), len(list)); !strings.Contains(string(block.Plaintext), want) {
		t.Errorf("no %q in\n%s", want, block.Plaintext)
	}
	for _, path := range []string{
		"/1.0/~nobody/+archive/stable", "/pks/lookup?op=get&search=0xDEADBEEF00000000", "/pks/lookup?op=index&search=0x" + archive.Fingerprint,
		"/nobody/x/ubuntu/dists/bookworm/InRelease", "/nginx/stable/ubuntu/dists/bookworm/nope",
	} {
		if status, _ := get(t, srv.URL+path); status != 404 {
			t.Errorf("%s: %d, want 404", path, status)
		}
	}
}
