package gitserve

// This file serves a repository with git's own http-backend.

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path/filepath"
	"strings"
)

// Handler serves the bare repository dir at [Path].
func Handler(dir string) (http.Handler, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("git --exec-path: %w", err)
	}
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	return &rebased{dir: dir, cgi: cgi.Handler{
		Path: backend,
		Env: []string{
			"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		},
	}}, nil
}

// rebased puts the folder's name in the place of [Path].
type rebased struct {
	dir string
	cgi cgi.Handler
}

func (h *rebased) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// GitHub serves it with and without the suffix.
	rest, ok := strings.CutPrefix(r.URL.Path, strings.TrimSuffix(Path, ".git"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	r = r.Clone(r.Context())
	r.URL.Path = "/" + filepath.Base(h.dir) + strings.TrimPrefix(rest, ".git")
	h.cgi.ServeHTTP(w, r)
}
