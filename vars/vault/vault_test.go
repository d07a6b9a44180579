package vault

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorun/internal/needs"
)

var (
	one  = Secret{ID: "default", Password: []byte("pass one")}
	prod = Secret{ID: "prod", Password: []byte("Zwei")}
)

// The files of testdata were written by ansible-vault 2.14.18.
var fixtures = []struct {
	file  string
	id    string
	plain string
}{
	{"v11.vault", "default", "db_password: hunter2\n"},
	{"v12.vault", "prod", "db_password: hunter2\n"},
	{"binary.vault", "default", "\u00e9\x00\xffbin"},
	{"string.vault", "prod", "top secret"},
}

func TestDecryptWhatAnsibleWrote(t *testing.T) {
	for _, f := range fixtures {
		data, err := os.ReadFile(filepath.Join("testdata", f.file))
		if err != nil {
			t.Fatal(err)
		}
		if !IsEncrypted(data) {
			t.Errorf("%s is not taken for a vault", f.file)
		}
		for _, secrets := range [][]Secret{{one, prod}, {prod, one}} {
			plain, id, err := Decrypt(data, secrets)
			if err != nil || string(plain) != f.plain || id != f.id {
				t.Errorf("%s: %q, %q, %v", f.file, plain, id, err)
			}
		}
		crlf := bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		if plain, _, err := Decrypt(crlf, []Secret{one, prod}); err != nil || string(plain) != f.plain {
			t.Errorf("%s with CRLF: %q, %v", f.file, plain, err)
		}
	}
}

// TestEncryptGivesAnsiblesBytes encrypts with the salt of a fixture.
func TestEncryptGivesAnsiblesBytes(t *testing.T) {
	for _, f := range fixtures {
		data, err := os.ReadFile(filepath.Join("testdata", f.file))
		if err != nil {
			t.Fatal(err)
		}
		_, body, err := ParseHeader(data)
		if err != nil {
			t.Fatal(err)
		}
		e, err := parseBody(body)
		if err != nil {
			t.Fatal(err)
		}
		s := one
		if f.id == "prod" {
			s = prod
		}
		got, err := encrypt([]byte(f.plain), s, e.salt)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.TrimSpace(got), bytes.TrimSpace(data)) {
			t.Errorf("%s:\n got %s\nwant %s", f.file, got, data)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 4096} {
		plain := bytes.Repeat([]byte{0x80}, n)
		for _, s := range []Secret{one, prod, {ID: "", Password: []byte{0xff, 0}}} {
			data, err := Encrypt(plain, s)
			if err != nil {
				t.Fatal(err)
			}
			want := "$ANSIBLE_VAULT;1.1;AES256\n"
			if s.ID == "prod" {
				want = "$ANSIBLE_VAULT;1.2;AES256;prod\n"
			}
			if !strings.HasPrefix(string(data), want) {
				t.Errorf("begins %q, want %q", data[:40], want)
			}
			got, _, err := Decrypt(data, []Secret{s})
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	data, err := os.ReadFile("testdata/v11.vault")
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	lines := strings.SplitAfter(good, "\n")
	for _, c := range []struct {
		in      string
		secrets []Secret
		want    string
		is      error
	}{
		{good, nil, "Attempting to decrypt but no vault secrets found", ErrNoSecrets},
		{good, []Secret{prod}, "Decryption failed (no vault secrets were found that could decrypt)", ErrNoMatch},
		{"a: 1\n", []Secret{one}, "input is not vault encrypted data", ErrFormat},
		{"", []Secret{one}, "input is not vault encrypted data", ErrFormat},
		{strings.Replace(good, "AES256", "AES", 1), []Secret{one}, "AES cipher could not be found", ErrFormat},
		{strings.Join(lines[:3], ""), []Secret{one}, "Vault vaulttext format error: not enough values to unpack (expected 3, got 2)", ErrFormat},
		{lines[0] + "x" + lines[1][1:], []Secret{one}, "Vault format unhexlify error: Non-hexadecimal digit found", ErrFormat},
		{lines[0] + lines[1][1:], []Secret{one}, "Vault format unhexlify error: Odd-length string", ErrFormat},
		{"$ANSIBLE_VAULT\n3031", []Secret{one}, "Vault envelope format error: the header is not $ANSIBLE_VAULT;VERSION;CIPHER", ErrFormat},
		{strings.Replace(good, "1.1", "2.0", 1), []Secret{one}, `Vault envelope format error: version "2.0" is not known (1.1 and 1.2 are)`, ErrFormat},
	} {
		_, _, err := Decrypt([]byte(c.in), c.secrets)
		if err == nil || err.Error() != c.want || !errors.Is(err, c.is) {
			t.Errorf("%.40q:\n got %v\nwant %s", c.in, err, c.want)
		}
	}
	if _, err := Encrypt(nil, Secret{ID: "a;b"}); err == nil {
		t.Error("a vault id with ';' was taken")
	}
}

// TestAnsibleReadsWhatWeWrote needs ansible-vault; GORUN_REQUIRE=ansible makes
// its absence a failure.
func TestAnsibleReadsWhatWeWrote(t *testing.T) {
	tool, err := exec.LookPath("ansible-vault")
	if err != nil {
		needs.Missing(t, "ansible", "ansible-vault is not installed")
	}
	dir := t.TempDir()
	data, err := Encrypt([]byte("caf\u00e9: 1\n"), prod)
	if err != nil {
		t.Fatal(err)
	}
	file, pass := filepath.Join(dir, "f"), filepath.Join(dir, "p")
	for name, content := range map[string][]byte{file: data, pass: prod.Password} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(tool, "view", "--vault-id", "prod@"+pass, file)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "PAGER=cat")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "caf\u00e9: 1" {
		t.Errorf("%v: %s", err, out)
	}
}

func FuzzParse(f *testing.F) {
	for _, fx := range fixtures {
		data, err := os.ReadFile(filepath.Join("testdata", fx.file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("$ANSIBLE_VAULT;1.2;AES256;a;b\n300a\n"))
	f.Add([]byte("$ANSIBLE_VAULT"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, body, err := ParseHeader(data)
		if err == nil {
			_, err = parseBody(body)
		}
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("not a format error: %v", err)
		}
	})
}
