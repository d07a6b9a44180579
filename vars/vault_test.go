package vars_test

import (
	"os"
	"strings"
	"testing"

	"gorun/templates"
	"gorun/vars"
	"gorun/vars/pyyaml"
	"gorun/vars/vault"
)

// TestVaultedFiles loads an encrypted group_vars file through LoadVars.
func TestVaultedFiles(t *testing.T) {
	secret := vault.Secret{ID: "default", Password: []byte("pw")}
	encrypted, err := vault.Encrypt([]byte("token: s3cret\nderived: \"{{ token }}!\"\n"), secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"hosts": "h\n", "group_vars/all/vault.yml": string(encrypted)})
	open := func(secrets []vault.Secret) func(path string) (*templates.Dict, error) {
		return func(path string) (*templates.Dict, error) {
			data, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			if vault.IsEncrypted(data) {
				if data, _, err = vault.Decrypt(data, secrets); err != nil {
					return nil, err
				}
			}
			v, err := pyyaml.Parse(data, path, pyyaml.Options{Trusted: true})
			d, _ := v.(*templates.Dict)
			return d, err
		}
	}
	m := newManager(t, dir, func(o *vars.Options) { o.LoadVars = open([]vault.Secret{secret}) })
	s := m.Scope(vars.Query{Host: "h"})
	v, ok, err := get(s, "vars", "derived")
	if err != nil || !ok || templates.StrOf(v, templates.Current) != "s3cret!" {
		t.Errorf("derived = %v, %v, %v", v, ok, err)
	}
	origin, _ := s.Origin("token")
	if origin.Kind != vars.InventoryGroupAll || !strings.HasSuffix(origin.Source, "group_vars/all/vault.yml") {
		t.Errorf("token is from %v", origin)
	}
	raw, _, _ := s.Lookup("derived")
	if text, ok := raw.(*templates.Text); !ok || text.Pos.Line != 2 {
		t.Errorf("derived stands at %v", raw)
	}
	locked := newManager(t, dir, func(o *vars.Options) { o.LoadVars = open(nil) })
	if err := locked.Check("h"); err == nil || !strings.Contains(err.Error(), "vault.yml") {
		t.Errorf("without the password: %v", err)
	}
}
