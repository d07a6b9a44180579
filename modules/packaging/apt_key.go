package packaging

// This file is the apt_key module.

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gorun/modules"
)

type aptKeyArgs struct {
	ID            string `arg:"id"`
	Data          string `arg:"data"`
	File          string `arg:"file"`
	Keyring       string `arg:"keyring"`
	URL           string `arg:"url"`
	Keyserver     string `arg:"keyserver"`
	State         string `arg:"state"`
	ValidateCerts bool   `arg:"validate_certs"`
}

// AptKey is ansible.builtin.apt_key
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/apt_key_module.html).
var AptKey = modules.Define(modules.Spec{
	Name: "ansible.builtin.apt_key",
	Doc:  "Adds and removes the keys that apt trusts.",
	Diff: modules.NoSupport,
	Options: []modules.Option{
		{Name: "id", Doc: "The key's fingerprint, or the end of it."},
		{Name: "data", Doc: "The key itself, armored."},
		{Name: "file", Type: modules.Path, Doc: "A file on the target with the key."},
		{Name: "keyring", Type: modules.Path, Doc: "The keyring that is meant; not given, a file of its own in trusted.gpg.d."},
		{Name: "url", Doc: "Where the key is to be had."},
		{Name: "keyserver", Doc: "The keyserver that has it."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the key is to be trusted."},
		{Name: "validate_certs", Type: modules.Bool, Default: true, Doc: "Whether the server's TLS certificate is checked."},
	},
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{{"data", "file", "keyserver", "url"}},
		RequiredOneOf:     [][]string{{"id", "data", "file", "keyserver", "url"}},
	},
}, runAptKey)

var keyID = regexp.MustCompile(`^(?:[0-9A-F]{8}|[0-9A-F]{16}|[0-9A-F]{40})$`)

// An aptKeyRun is one run of the module.
type aptKeyRun struct {
	*modules.Run
	*aptKeyArgs
	places sourcesPlaces
	wanted string // the id in upper case without 0x
}

func runAptKey(ctx context.Context, m *modules.Run, a *aptKeyArgs) (*modules.Result, error) {
	r := &aptKeyRun{Run: m, aptKeyArgs: a}
	r.wanted = strings.TrimPrefix(strings.ToUpper(strings.ReplaceAll(a.ID, " ", "")), "0X")
	if a.ID != "" && !keyID.MatchString(r.wanted) {
		return nil, modules.FailWith(map[string]any{"id": a.ID}, "Invalid key_id")
	}
	var err error
	if r.places, err = findSourcesPlaces(ctx, m); err != nil {
		return nil, err
	}
	data := map[string]any{"id": orNone(a.ID)}
	if a.State == "absent" {
		if a.ID == "" {
			return nil, modules.Failf("key is required")
		}
		changed, err := r.remove(ctx)
		return &modules.Result{Changed: changed, Data: data}, err
	}
	if a.ID != "" {
		if there, err := r.trusted([]string{r.wanted}); err != nil || there {
			return &modules.Result{Data: data}, err
		}
	}
	ring, err := r.fetchKey(ctx)
	if err != nil {
		return nil, err
	}
	prints, err := primaryFingerprints(ring)
	if err != nil {
		return nil, modules.Failf("the key cannot be read: %w", err)
	}
	if r.wanted != "" && !r.holds(ring, r.wanted) {
		return nil, modules.FailWith(map[string]any{"id": a.ID}, "key does not seem to have been added")
	}
	data["fp"], data["key_id"], data["short_id"] = prints[0], prints[0][len(prints[0])-16:], prints[0][len(prints[0])-8:]
	if there, err := r.trusted(prints); err != nil || there {
		return &modules.Result{Data: data}, err
	}
	if m.Check {
		return &modules.Result{Changed: true, Data: data}, nil
	}
	return &modules.Result{Changed: true, Data: data}, r.store(ctx, ring, prints[0])
}

func orNone(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// fetchKey gets the key, in binary form, from where the task says.
func (r *aptKeyRun) fetchKey(ctx context.Context) ([]byte, error) {
	var text []byte
	var err error
	switch {
	case r.Data != "":
		text = []byte(r.Data)
	case r.File != "":
		text, err = os.ReadFile(r.File)
	case r.URL != "":
		text, err = fetchAll(ctx, r.client(), r.URL)
	case r.Keyserver != "" && r.wanted == "":
		return nil, modules.Failf("keyserver needs id")
	case r.Keyserver != "":
		text, err = fetchAll(ctx, r.client(), keyserverURL(r.Keyserver)+"/pks/lookup?op=get&options=mr&search=0x"+r.wanted)
	default:
		return nil, modules.Failf("missing required arguments: one of data, file, url or keyserver: the key %s is not there yet", r.ID)
	}
	if err != nil {
		return nil, modules.Failf("cannot get the key: %w", err)
	}
	ring, err := dearmor(text)
	if err != nil {
		return nil, modules.Failf("cannot read the key: %w", err)
	}
	return ring, nil
}

func (r *aptKeyRun) client() *http.Client {
	return httpClient(30*time.Second, r.ValidateCerts)
}

// keyserverURL turns hkp://host and a bare host into the address of HTTP.
func keyserverURL(server string) string {
	server = strings.TrimRight(server, "/")
	switch {
	case strings.HasPrefix(server, "hkp://"):
		host := strings.TrimPrefix(server, "hkp://")
		if !strings.Contains(host, ":") {
			host += ":11371"
		}
		return "http://" + host
	case strings.HasPrefix(server, "hkps://"):
		return "https://" + strings.TrimPrefix(server, "hkps://")
	case strings.Contains(server, "://"):
		return server
	}
	return "https://" + server
}

// keyrings are the files that are looked through.
func (r *aptKeyRun) keyrings() []string {
	if r.Keyring != "" {
		return []string{r.Keyring}
	}
	list := []string{filepath.Join(filepath.Dir(r.places.trusted), "trusted.gpg")}
	for _, pattern := range []string{"*.gpg", "*.asc"} {
		files, _ := filepath.Glob(filepath.Join(r.places.trusted, pattern))
		list = append(list, files...)
	}
	return list
}

// holds reports whether a ring has a key, or subkey, that ends in an id.
func (r *aptKeyRun) holds(ring []byte, id string) bool {
	keys, err := parseKeys(ring)
	if err != nil && len(keys) == 0 {
		return false
	}
	for _, k := range keys {
		if strings.HasSuffix(k.fingerprint, id) {
			return true
		}
	}
	return false
}

func (r *aptKeyRun) trusted(ids []string) (bool, error) {
	var all []byte
	for _, file := range r.keyrings() {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return false, modules.Failf("cannot read the keyring: %w", err)
		}
		if ring, err := dearmor(text); err == nil {
			all = append(all, ring...)
		}
	}
	for _, id := range ids {
		if !r.holds(all, id) {
			return false, nil
		}
	}
	return true, nil
}

func (r *aptKeyRun) store(ctx context.Context, ring []byte, fingerprint string) error {
	file := r.Keyring
	if file == "" {
		file = filepath.Join(r.places.trusted, fingerprint+".gpg")
	} else if old, err := os.ReadFile(file); err == nil && !bytes.Contains(old, []byte(armorBegin)) {
		ring = append(old, ring...)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return modules.Failf("cannot store the key: %w", err)
	}
	if err := r.WriteFile(ctx, file, ring, "", false); err != nil {
		return err
	}
	_, err := r.ApplyFileArgs(file, &modules.FileArgs{Mode: "0644"}, true, nil)
	return err
}

// remove drops the key from every keyring that has it.
func (r *aptKeyRun) remove(ctx context.Context) (changed bool, err error) {
	for _, file := range r.keyrings() {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		ring, err := dearmor(text)
		if err != nil {
			continue
		}
		kept, found := withoutKey(ring, r.wanted)
		if !found {
			continue
		}
		changed = true
		switch {
		case r.Check:
		case len(kept) == 0:
			if err := os.Remove(file); err != nil {
				return false, modules.Failf("cannot remove the key: %w", err)
			}
		default:
			if err := r.WriteFile(ctx, file, kept, "", false); err != nil {
				return false, err
			}
		}
	}
	return changed, nil
}
