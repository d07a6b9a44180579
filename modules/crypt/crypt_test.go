package crypt

import (
	"strings"
	"testing"
)

// hashes are what passlib 1.7.4 gave for passwords, with the options that Verify
// reads out of each.
var hashes = []struct{ kind, password, hash string }{
	{"sha512", "Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
	{"sha512", "", "$6$saltstring$kyGrqt6gmjAdtFLPrflEFifSYLCWWq1pyx95SvqinLDy2UHmj0sTF0MSLMwxPFZc3tu5kQckI8fks0zOPda3n1"},
	{"sha512", "Hello world!", "$6$rounds=1400$saltstring$H7k14gZukr4vXay5pf1dnLd30IoUc/dcADR0ADymZfC2eOLpoRnREoNGU4xzFyQqGEqoo2mcL48XxrWeUQS5A0"},
	{"sha256", "Hello world!", "$5$toolongsaltstrin$0vuwUia3Nx9V/DqToMS8YLcfXpEXmSaC8wgguLIbus2"},
	{"sha256", "", "$5$toolongsaltstrin$j0tlfs3Uvgkhrj5D9cwNx5hp1.3ceRT.Q6t8bmRgfq9"},
	{"md5", "Hello world!", "$1$abcd$zfK/3U74e8Vhq.QQPIM8g0"},
	{"md5", "", "$1$abcd$CwbBDotm4UoKv5fATTtzT."},
	{"md5", strings.Repeat("äö", 40), "$1$abcd$PmCLEEzJP2bKaShxswRVR0"},
	{"apr1", "Hello world!", "$apr1$rqXexS6Z$kfzjPxeqQwiCKgJX4Ubah/"},
	{"apr_md5_crypt", strings.Repeat("äö", 40), "$apr1$rqXexS6Z$LgmVc/USI4nD6GDiNkwIV1"},
	{"bcrypt", "Hello world!", "$2y$04$abcdefghijklmnopqrstuuyeG8laUfZvsCmc.AE6qIDYSPGM2efmK"},
	{"blowfish", "", "$2b$05$abcdefghijklmnopqrstuu0oImNDIy4flhldV9YqunRgBAePKmw7m"},
	{"bcrypt", strings.Repeat("äö", 40), "$2b$05$abcdefghijklmnopqrstuuE/BC1pheGr7rKiTljPvejCyRRNNRT2O"},
}

func TestVerify(t *testing.T) {
	for _, c := range hashes {
		if !Verify(c.password, c.hash) {
			t.Errorf("%s is not taken as the password %q", c.hash, c.password)
		}
		if Verify(c.password+"x", c.hash) && len(c.password) < 72 {
			t.Errorf("%s is taken as another password", c.hash)
		}
	}
	for _, bad := range []string{"", "x", "$6$", "$9$a$b", "$6$rounds=x$a$b", "$2b$99$abcdefghijklmnopqrstuu", "$2b$04$short", "$1$a b$c"} {
		if Verify("", bad) {
			t.Errorf("%q is taken as a hash", bad)
		}
	}
}

// TestHash makes each hash with a salt of its own.
func TestHash(t *testing.T) {
	for _, c := range hashes {
		o := Options{Rounds: 1000}
		if c.kind == "bcrypt" || c.kind == "blowfish" {
			o.Rounds = 4
		}
		one, err := Hash(c.password, c.kind, o)
		if err != nil {
			t.Fatal(err)
		}
		two, err := Hash(c.password, c.kind, o)
		if err != nil {
			t.Fatal(err)
		}
		if one == two || !Verify(c.password, one) || !Verify(c.password, two) {
			t.Errorf("%s: %s and %s", c.kind, one, two)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		kind string
		o    Options
		want string
	}{
		{"nope", Options{}, "passlib does not support 'nope' algorithm"},
		{"md5", Options{Salt: "muchtoolongsalt"}, "Could not hash the secret.. salt too large (md5_crypt requires <= 8 chars)"},
		{"sha512", Options{Salt: "a!b"}, "Could not hash the secret.. invalid characters in sha512_crypt salt"},
		{"sha256", Options{Salt: "x", Rounds: 10}, "Could not hash the secret.. rounds too low (sha256_crypt requires >= 1000 rounds)"},
		{"bcrypt", Options{Salt: "short"}, "Could not hash the secret.. salt too small (bcrypt requires exactly 22 chars)"},
		{"bcrypt", Options{Ident: "3", Rounds: 4}, "invalid ident: '3'"},
	} {
		if _, err := Hash("x", c.kind, c.o); err == nil || err.Error() != c.want {
			t.Errorf("%s %+v: %v, want %s", c.kind, c.o, err, c.want)
		}
	}
}

// TestGensalt holds what ansible-core 2.22.0b2 gave on libxcrypt 4.5.
func TestGensalt(t *testing.T) {
	for _, c := range []struct {
		kind string
		o    Options
		want string
	}{
		{"sha512", Options{Salt: "mysalt", Rounds: 5000}, "$6$hZrQ$7O3qCRdwXSs9QYsrsmewurCQABGauZEGEbQOPUrwBtAqXyv8bkR64MDMQrqyuZCzScgtyeSqnftRDzY9OufJp."},
		{"sha512", Options{Salt: "mysalt", Rounds: 1000}, "$6$rounds=1000$hZrQ$JNW/AXeSYjhKy1CqiL5oeNOZWO3xl/5Xofo6pKbFg7W9RUlIPWknrfGEB0xd5GIB1hDsEozD52rIdRLPFNmhX0"},
		{"md5", Options{Salt: "mysalt"}, "$1$hZrQ$qJvGXKs3dZori1c/xzjcZ1"},
		{"bcrypt", Options{Salt: "abcdefghijklmnopqrstuu", Rounds: 4}, "$2b$04$WUHhXETkX0fnYkrqZU3ta.V/MhsBGVkvl.skVEhBTiEdihFBnDQOa"},
		{"blowfish", Options{Salt: "abcdefghijklmnopqrstuu", Rounds: 5, Ident: "2a"}, "$2a$05$WUHhXETkX0fnYkrqZU3ta.6z2Fjk52O/LcoQJQ6cxcr4vAm/4d5TK"},
		{"md5", Options{Salt: "muchtoolongsalt"}, "invalid salt size supplied (15), expected at most 8"},
		{"bcrypt", Options{Salt: "x"}, "invalid salt size supplied (1), expected 22"},
		{"sha512", Options{Salt: "a!b"}, "invalid characters in salt"},
		{"sha512", Options{Salt: "x", Rounds: 10}, "Failed to generate salt for 'sha512_crypt' algorithm: crypt_gensalt failed: unable to generate salt"},
	} {
		c.o.Gensalt = true
		got, err := Hash("secret", c.kind, c.o)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %+v: %s, want %s", c.kind, c.o, got, c.want)
		}
	}
	one, err := Hash("secret", "sha256", Options{Gensalt: true, Rounds: 1000})
	if err != nil || !Verify("secret", one) {
		t.Errorf("%s: %v", one, err)
	}
}
