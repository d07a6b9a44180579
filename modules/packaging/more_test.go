package packaging

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gorun/modules"
)

func (r *aptRoot) execute(mod *modules.Module, args map[string]any, check bool) map[string]any {
	r.t.Helper()
	return mod.Execute(context.Background(), &modules.Run{Check: check, Diff: true, Env: map[string]string{"APT_CONFIG": r.aptConf}}, args)
}

func TestPackageChoosesApt(t *testing.T) {
	r := newAptRoot(t)
	args := map[string]any{"name": "gr-dep", "state": "present", "use": "apt", "update_cache": true}
	if got := r.execute(Package, args, false); got["changed"] != true || r.installed() != "gr-dep=1.0" {
		t.Fatalf("%v, have %s", got, r.installed())
	}
	if got := r.execute(Package, args, false); got["changed"] != false {
		t.Errorf("again: %v", got)
	}
	if got := r.execute(Package, map[string]any{"name": "x", "state": "present", "use": "pkgin"}, false); got["failed"] != true {
		t.Errorf("an unknown manager: %v", got)
	}
	facts := r.execute(PackageFacts, map[string]any{"manager": "apt"}, false)["ansible_facts"]
	want := map[string]any{"packages": map[string][]any{"gr-dep": {map[string]any{
		"name": "gr-dep", "version": "1.0", "arch": "all", "category": "misc", "origin": "", "source": "apt"}}}}
	if !reflect.DeepEqual(facts, want) {
		t.Errorf("facts: %v", facts)
	}
	if got := r.execute(PackageFacts, map[string]any{"manager": "bogus"}, false); got["msg"] != "Unsupported package managers requested: bogus" {
		t.Errorf("%v", got["msg"])
	}
}

func TestAptKey(t *testing.T) {
	r := newAptRoot(t)
	key, err := os.ReadFile("testdata/ppa.asc")
	if err != nil {
		t.Fatal(err)
	}
	ring := filepath.Join(r.dir, "etc/apt/trusted.gpg.d", ppaFingerprint+".gpg")
	short := ppaFingerprint[len(ppaFingerprint)-8:]
	for _, c := range []struct {
		args    map[string]any
		changed bool
		there   bool
		msg     string
	}{
		{map[string]any{"data": string(key)}, true, true, ""},
		{map[string]any{"id": "0x" + short}, false, true, ""},
		{map[string]any{"id": short, "state": "absent"}, true, false, ""},
		{map[string]any{"file": "testdata/ppa.asc", "id": short}, true, true, ""},
		{map[string]any{"id": ppaFingerprint, "state": "absent"}, true, false, ""},
		{map[string]any{"id": "xyz", "state": "absent"}, false, false, "Invalid key_id"},
		{map[string]any{"file": "testdata/ppa.asc", "id": "00000000"}, false, false, "key does not seem to have been added"},
		{map[string]any{"data": "nonsense"}, false, false, "cannot read the key: this is not an OpenPGP public key"},
		{map[string]any{}, false, false, "one of the following is required: id, data, file, keyserver, url"},
	} {
		_, err := os.Stat(ring)
		before := err == nil
		predicted := r.execute(AptKey, c.args, true)
		if _, err := os.Stat(ring); (err == nil) != before {
			t.Fatalf("%v: check mode wrote", c.args)
		}
		got := r.execute(AptKey, c.args, false)
		if _, err := os.Stat(ring); (err == nil) != c.there {
			t.Errorf("%v: the keyring is there: %v", c.args, err == nil)
		}
		if c.msg != "" {
			if got["failed"] != true || got["msg"] != c.msg {
				t.Errorf("%v: %v, want %q", c.args, got["msg"], c.msg)
			}
			continue
		}
		if got["failed"] == true || got["changed"] != c.changed || predicted["changed"] != c.changed {
			t.Errorf("%v: %v, predicted %v", c.args, got, predicted)
		}
		if again := r.execute(AptKey, c.args, false); again["changed"] != false {
			t.Errorf("%v: changed again", c.args)
		}
	}
}

func TestParseDebconfShow(t *testing.T) {
	got := parseDebconfShow("* tzdata/Areas: Etc\n  tzdata/Zones/Etc: UTC\n  x/empty:\n")
	if want := map[string]string{"tzdata/Areas": "Etc", "tzdata/Zones/Etc": "UTC", "x/empty": ""}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if !sameMembers("a, b", "b,a") || sameMembers("a", "a, b") {
		t.Error("multiselect answers")
	}
}

func TestDpkgSelectionsInCheckMode(t *testing.T) {
	r := newAptRoot(t)
	r.execute(Package, map[string]any{"name": "gr-dep", "state": "present", "use": "apt", "update_cache": true}, false)
	got := r.execute(DpkgSelections, map[string]any{"name": "gr-dep", "selection": "hold"}, true)
	if got["changed"] != true || got["before"] != "install" || got["after"] != "hold" {
		t.Errorf("%v", got)
	}
	if got := r.execute(DpkgSelections, map[string]any{"name": "gr-dep", "selection": "install"}, false); got["changed"] != false {
		t.Errorf("%v", got)
	}
}

func TestPolicies(t *testing.T) {
	out := "gr-one:\n  Installed: 1.0\n  Candidate: 2.0\n  Version table:\n     2.0 500\n        500 file:/repo ./ Packages\n *** 1.0 100\n        100 /var/lib/dpkg/status\n" +
		"virt:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n"
	got := parsePolicies(out)
	if p := got["gr-one"]; p == nil || p.installed != "1.0" || p.candidate != "2.0" || !slices.Equal(p.versions, []string{"2.0", "1.0"}) {
		t.Errorf("%+v", p)
	}
	if p := got["virt"]; p == nil || p.candidate != "" || len(p.versions) != 0 {
		t.Errorf("%+v", p)
	}
	if s := fmt.Sprint(packageNames([]string{"a, b", " *", ""})); !strings.HasPrefix(s, "[a b ]") {
		t.Error(s)
	}
}
