package aptrepo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSources(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string // sources, one a line, then the mirror; or the error
	}{
		{"one line", map[string]string{"sources.list": "deb http://m.example/debian bookworm main contrib # c\ndeb-src http://m.example/debian bookworm main\n"},
			"deb http://m.example/debian bookworm main contrib\nhttp://m.example/debian"},
		{"options", map[string]string{"sources.list.d/a.list": "deb [arch=amd64 signed-by=/k.gpg] http://m.example/debian bookworm main\n"},
			"deb [arch=amd64 signed-by=/k.gpg] http://m.example/debian bookworm main\nhttp://m.example/debian"},
		{"deb822", map[string]string{"sources.list.d/debian.sources": "Types: deb deb-src\n# comment\nURIs: http://m.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n\n" +
			"Types: deb\nURIs: http://m.example/debian-security\nSuites: bookworm-security\nComponents: main\n"},
			"deb [signed-by=/k.gpg] http://m.example/debian bookworm main\ndeb [signed-by=/k.gpg] http://m.example/debian bookworm-updates main\n" +
				"deb http://m.example/debian-security bookworm-security main\nhttp://m.example/debian"},
		{"inline key", map[string]string{"sources.list.d/a.sources": "Types: deb\nURIs: http://m.example/\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN PGP\n .\n"},
			"deb http://m.example/ bookworm main\nhttp://m.example/"},
		{"others left out", map[string]string{
			"sources.list":             "deb http://m.example/debian bookworm main\n",
			"sources.list.d/a.list":    "deb http://other.example/apt stable main\n",
			"sources.list.d/b.list":    "deb http://other.example/apt bookworm cloud\n",
			"sources.list.d/c.sources": "Types: deb\nEnabled: no\nURIs: http://no.example/\nSuites: bookworm\nComponents: main\n",
			"sources.list.d/d.save":    "deb http://no.example/ bookworm main\n",
		}, "deb http://m.example/debian bookworm main\nhttp://m.example/debian"},
		{"another release", map[string]string{"sources.list": "deb http://m.example/debian trixie main\n"},
			"no source for Debian bookworm in ETC: the lab's hosts are made from the machine's own mirror"},
		{"nothing", nil, "no source for Debian bookworm in ETC: the lab's hosts are made from the machine's own mirror"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			etc := t.TempDir()
			for name, text := range tc.files {
				path := filepath.Join(etc, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			list, err := Sources(etc, "bookworm")
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), etc, "ETC")
			} else {
				for _, s := range list {
					got += s.String() + "\n"
				}
				got += Mirror(list, "bookworm")
			}
			if got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func FuzzDeb822(f *testing.F) {
	f.Add("Types: deb\nURIs: http://m.example/\nSuites: bookworm\nComponents: main\n")
	f.Add(" folded\n\nTypes: deb")
	f.Add("deb [a] b c d\ndeb [ x")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range append(parseDeb822(text), parseList(text)...) {
			if s.URI == "" || s.Suite == "" {
				t.Errorf("source %+v of %q", s, text)
			}
		}
	})
}

func TestPlannedFile(t *testing.T) {
	for line, want := range map[string]string{
		"Inst nginx (1.22.1-9+deb12u1 Debian:12.5/stable [amd64])":                             "nginx_1.22.1-9+deb12u1_amd64.deb",
		"Inst libc6 [2.36-9] (2.36-10 Debian:12.5/stable [amd64])":                             "libc6_2.36-10_amd64.deb",
		"Inst vim (2:9.0.1378-2 Debian:12.5/stable, Debian-Security:12 [amd64]) [vim-common ]": "vim_2%3a9.0.1378-2_amd64.deb",
		"Inst libx:i386 (1 Debian:12/stable [i386])":                                           "libx_1_i386.deb",
		"Conf nginx (1.22.1-9 Debian:12.5/stable [amd64])":                                     "",
		"NOTE: This is only a simulation!":                                                     "",
		"Inst broken":                                                                          "",
	} {
		if got := plannedFile(line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
