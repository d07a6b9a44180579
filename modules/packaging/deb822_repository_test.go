package packaging

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"gorun/modules"
)

// The stanzas are those of ansible-core 2.22.0b2 for the same arguments.
func TestDeb822(t *testing.T) {
	yes, no, five := true, false, 5
	dir := t.TempDir()
	armored := filepath.Join(dir, "key.asc")
	if err := os.WriteFile(armored, []byte(armorBegin+"\n\nabc\n"+armorEnd+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := deb822Args{Name: "My Repo", State: "present", Mode: "0644", Types: []string{"deb"}, Uris: []string{"http://x/deb"},
		Suites: []string{"stable"}, Components: []string{"main", "extra"}}
	full := deb822Args{Name: "My Repo", State: "present", Mode: "0644", Types: []string{"deb", "deb-src"}, Uris: []string{"http://a", "http://b"},
		Suites: []string{"s1", "s2"}, Components: []string{"main", "extra"}, Architectures: []string{"amd64", "i386"},
		SignedBy: armorBegin + "\n\nabc\n" + armorEnd + "\n", Enabled: &no, Trusted: &yes, AllowWeak: &yes, ByHash: &no, CheckDate: &yes,
		DateMaxFuture: &five, InreleasePath: "p", Languages: []string{"en"}, Pdiffs: &yes, Targets: []string{"t"}, AllowInsecure: &no,
		CheckValidUntil: &no, AllowDowngradeToInsecure: &yes}
	fetched := base
	fetched.SignedBy = "file://" + armored
	keyrings := filepath.Join(dir, "keyrings")
	tests := []struct {
		name string
		args deb822Args
		want string
	}{
		{"plain", base, "Components: main extra\nX-Repolib-Name: My Repo\nSuites: stable\nTypes: deb\nURIs: http://x/deb\n"},
		{"full", full, "Allow-Downgrade-To-Insecure: yes\nAllow-Insecure: no\nAllow-Weak: yes\nArchitectures: amd64 i386\nBy-Hash: no\nCheck-Date: yes\nCheck-Valid-Until: no\nComponents: main extra\nDate-Max-Future: 5\nEnabled: no\nInrelease-Path: p\nLanguages: en\nX-Repolib-Name: My Repo\nPdiffs: yes\nSigned-By:\n    -----BEGIN PGP PUBLIC KEY BLOCK-----\n    .\n    abc\n    -----END PGP PUBLIC KEY BLOCK-----\nSuites: s1 s2\nTargets: t\nTrusted: yes\nTypes: deb deb-src\nURIs: http://a http://b\n"},
		{"fetched key", fetched, "Components: main extra\nX-Repolib-Name: My Repo\nSigned-By: " + keyrings + "/My-Repo.asc\nSuites: stable\nTypes: deb\nURIs: http://x/deb\n"},
	}
	ctx := context.Background()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := tt.args
			for i, want := range []bool{true, true, false} {
				m := &modules.Run{Check: i == 0, Diff: true}
				res, err := newDeb822(m, &args, dir, keyrings).apply(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if res.Changed != want || res.Data["repo"] != tt.want || res.Data["dest"] != filepath.Join(dir, "My-Repo.sources") {
					t.Errorf("run %d: changed %v, want %v; %q", i, res.Changed, want, res.Data)
				}
			}
			if got, err := os.ReadFile(filepath.Join(dir, "My-Repo.sources")); err != nil || string(got) != tt.want {
				t.Errorf("the file is %q, %v; want %q", got, err, tt.want)
			}
			args.State = "absent"
			for i, want := range []bool{true, true, false} {
				res, err := newDeb822(&modules.Run{Check: i == 0}, &args, dir, keyrings).apply(ctx)
				if err != nil || res.Changed != want {
					t.Errorf("removal %d: %v, %v; want %v", i, res, err, want)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(keyrings, "*")); len(left) > 0 {
				t.Errorf("keys are left: %q", left)
			}
		})
	}
}
