package net

// This file reads the option checksum.

import (
	"io"
	"strings"

	"gorun/modules"
)

// A digestWish is the digest that a download must have.
type digestWish struct{ algorithm, digest string }

// parseChecksum reads algorithm:digest, or fetches the digest where a URL is given.
func (g *getURLRun) parseChecksum() error {
	if g.a.Checksum == "" {
		return nil
	}
	algorithm, digest, ok := strings.Cut(g.a.Checksum, ":")
	if !ok {
		return g.fail("The checksum parameter has to be in format <algorithm>:<checksum>")
	}
	algorithm, digest = strings.TrimSpace(algorithm), strings.TrimSpace(digest)
	if strings.Contains(digest, "://") {
		found, err := g.fetchDigest(digest)
		if err != nil {
			return err
		}
		digest = found
	}
	digest = strings.ToLower(strings.ReplaceAll(digest, " ", ""))
	if digest == "" || strings.Trim(digest, "0123456789abcdef") != "" {
		return g.fail("The checksum format is invalid")
	}
	if modules.Digests[algorithm] == nil {
		return g.fail("Could not hash file '%s' with algorithm '%s'. Available algorithms: md5, sha1, sha224, sha256, sha384, sha512", g.dest, algorithm)
	}
	g.want = digestWish{algorithm, digest}
	return nil
}

// fetchDigest looks the file up in a list of digests.
func (g *getURLRun) fetchDigest(address string) (string, error) {
	res, err := g.request(address, "GET").do(g.ctx, g.m)
	if err != nil {
		return "", g.failRequest(address, err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 && res.StatusCode != 0 {
		return "", g.failStatus(address, res)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return "", g.fail("could not read %s: %w", address, err)
	}
	name := urlName(g.a.URL)
	digest := digestIn(string(text), name)
	if digest == "" {
		return "", modules.Failf("Unable to find a checksum for file '%s' in '%s'", name, address)
	}
	return digest, nil
}

// digestIn finds a file in the output of sha256sum and its like ("digest  name",
// "digest *./name", or BSD's "SHA256 (name) = digest"); a list of one digest
// without a name is for any file.
func digestIn(text, name string) string {
	only := ""
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && only == "":
			only = f[0]
		case len(f) == 2 && strings.TrimPrefix(strings.TrimLeft(f[1], "*"), "./") == name:
			return f[0]
		case len(f) == 4 && f[1] == "("+name+")" && f[2] == "=":
			return f[3]
		}
	}
	if strings.Count(strings.TrimSpace(text), "\n") == 0 {
		return only
	}
	return ""
}
