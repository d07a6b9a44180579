package action

// This file finds files of the controller for actions.

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gorun/engine/lookup"
	"gorun/modules"
)

// A notFound is a file that is nowhere on the search path.
type notFound struct {
	name  string
	tried []string
	why   string // the whole message, where it is another
}

func (e *notFound) Error() string {
	if e.why != "" {
		return e.why
	}
	searched := ""
	if !filepath.IsAbs(e.name) {
		searched = "\nSearched in:\n\t" + strings.Join(e.tried, "\n\t")
	}
	return fmt.Sprintf("Could not find or access '%s'%s on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option",
		e.name, searched)
}

// findFile finds a file for an action: below sub in the folders of the
// search path, then beside.
func (t *Task) findFile(sub, name string) (string, error) {
	path := name
	if strings.HasPrefix(name, "~") {
		path = modules.ExpandPath(name, nil)
	}
	if filepath.IsAbs(path) {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		return "", &notFound{name: name, tried: []string{path}}
	}
	tried := lookup.Candidates(t.SearchPath, sub, path)
	for _, p := range tried {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	// Ansible looks beside the playbook once more, and says so.
	if n := len(t.SearchPath); n > 0 {
		last := t.SearchPath[n-1]
		tried = append(tried, filepath.Join(last, sub, path), filepath.Join(last, path))
	}
	return "", &notFound{name: name, tried: tried}
}

// missing is the failure about a file that is nowhere.
func missing(err error) error {
	f := failf("%s", err)
	f.Exception = f.Msg[strings.LastIndexByte(f.Msg, '\n')+1:]
	return f
}

// inPlaybook makes a path of the controller absolute, relative to the playbook.
func (t *Task) inPlaybook(path string) string {
	path = modules.ExpandPath(path, nil)
	if filepath.IsAbs(path) || len(t.SearchPath) == 0 {
		return path
	}
	joined := filepath.Join(t.SearchPath[len(t.SearchPath)-1], path)
	if strings.HasSuffix(path, "/") {
		joined += "/"
	}
	return joined
}

// vaultMark begins every file that is a vault.
var vaultMark = []byte("$ANSIBLE_VAULT;")

// isVault reports whether a file begins as a vault does.
func isVault(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(vaultMark))
	n, _ := f.Read(head) // a short file is no vault
	return bytes.Equal(head[:n], vaultMark)
}
