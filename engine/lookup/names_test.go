package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"gorun/internal/redact"
	"gorun/templates"
	"gorun/templates/ansible"
)

// TestNames looks for every filter, test and lookup that ansible-doc lists under
// ansible.builtin, under its short and its full names.
func TestNames(t *testing.T) {
	b, err := os.ReadFile("../../testdata/jinja/ansible/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Names map[string]map[string][]string `json:"names"`
	}
	if err := json.Unmarshal(b, &record); err != nil {
		t.Fatal(err)
	}
	e := templates.New(templates.Options{Filters: ansible.Filters(ansible.Options{Redact: new(redact.Registry)}), Tests: ansible.Tests(ansible.Options{})})
	for release, kinds := range record.Names {
		for kind, names := range kinds {
			if len(names) < 20 {
				t.Errorf("%s: only %d names of kind %s", release, len(names), kind)
			}
			for _, n := range names {
				prefixes := []string{"", "ansible.builtin."}
				if release == "2.14" { // the later list has Jinja2's own, which are not under this name
					prefixes = append(prefixes, "ansible.legacy.")
				}
				for _, prefix := range prefixes {
					if has := known(e, kind, prefix+n); !has {
						t.Errorf("%s: %s %s is not found", release, kind, prefix+n)
					}
				}
			}
		}
	}
}

// inPython are the plugins of the collections of names.json that gorun does not
// have itself: with Ansible on the controller they run there.
var inPython = strings.Fields(`
	filter:ansible.netcommon.parse_cli filter:ansible.netcommon.parse_cli_textfsm filter:ansible.netcommon.parse_xml filter:ansible.netcommon.pop_ace
	filter:ansible.utils.validate filter:community.crypto.acme_dns_persist_record filter:community.crypto.acme_dns_persist_record_parse
	filter:community.crypto.gpg_fingerprint filter:community.crypto.openssl_csr_info filter:community.crypto.openssl_privatekey_info
	filter:community.crypto.openssl_publickey_info filter:community.crypto.parse_serial filter:community.crypto.split_pem filter:community.crypto.to_serial
	filter:community.crypto.x509_certificate_info filter:community.crypto.x509_crl_info filter:community.general.jc filter:community.general.json_diff
	test:ansible.utils.validate test:community.general.a_module
	lookup:ansible.utils.validate lookup:community.crypto.gpg_fingerprint lookup:community.general.binary_file lookup:community.general.bitwarden_secrets_manager
	lookup:community.general.chef_databag lookup:community.general.consul_kv lookup:community.general.credstash lookup:community.general.cyberarkpassword
	lookup:community.general.dig lookup:community.general.dnstxt lookup:community.general.dsv lookup:community.general.etcd lookup:community.general.etcd3
	lookup:community.general.github_app_access_token lookup:community.general.keyring lookup:community.general.lmdb_kv lookup:community.general.manifold
	lookup:community.general.proton_pass lookup:community.general.random_pet lookup:community.general.random_words lookup:community.general.redis
	lookup:community.general.revbitspss lookup:community.general.shelvefile lookup:community.general.tss`)

// TestCollectionNames looks for every filter, test and lookup that ansible-doc
// lists for the collections that gorun knows: it has them itself, or what would
// make them run is asked for by kind and full name and stands in the error.
func TestCollectionNames(t *testing.T) {
	b, err := os.ReadFile("../../testdata/jinja/ansible/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Collections map[string]map[string][]string `json:"collections"`
	}
	if err := json.Unmarshal(b, &record); err != nil {
		t.Fatal(err)
	}
	advice := func(kind, name string) string { return "Advice about " + kind + ":" + name + "." }
	e := templates.New(templates.Options{
		Era: templates.Current, Filters: ansible.Filters(ansible.Options{Redact: new(redact.Registry)}), Tests: ansible.Tests(ansible.Options{}),
		Globals: New(Options{Advice: advice}).Globals(), Advice: advice,
	})
	met := map[string]bool{}
	for release, kinds := range record.Collections {
		for kind, names := range kinds {
			for _, n := range names {
				if known(e, kind, n) {
					continue
				}
				met[kind+":"+n] = true
				if !slices.Contains(inPython, kind+":"+n) {
					t.Errorf("%s: %s %s is not found", release, kind, n)
				}
				if msg := refusal(e, kind, n); !strings.Contains(msg, "Advice about "+kind+":"+n) {
					t.Errorf("%s: %s %s is refused without advice: %s", release, kind, n, msg)
				}
			}
		}
	}
	for _, n := range inPython {
		if !met[n] {
			t.Errorf("%s is not listed any more, or gorun has it", n)
		}
	}
}

// refusal is what is said where a plugin that is unknown is used.
func refusal(e *templates.Engine, kind, name string) string {
	src := map[string]string{"filter": "1 | " + name, "test": "1 is " + name, "lookup": "lookup('" + name + "')"}[kind]
	t, err := e.Compile("{{ "+src+" }}", "")
	if err == nil {
		_, err = t.Eval(context.Background(), templates.MapScope{Mapping: templates.NewDict(0)})
	}
	if err == nil {
		return ""
	}
	var te *templates.Error
	if errors.As(err, &te) {
		return te.Msg + te.Help
	}
	return err.Error()
}

func known(e *templates.Engine, kind, name string) bool {
	switch kind {
	case "lookup":
		_, ok := find(name)
		return ok
	case "test":
		name = "is " + name
	default:
		name = "| " + name
	}
	_, err := e.CompileExpr("1 " + name)
	te, bad := err.(*templates.Error)
	return !bad || te.Got == ""
}
