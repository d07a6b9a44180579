package files

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"gorun/modules"
	"gorun/modules/crypt"
)

type htpasswdArgs struct {
	modules.FileArgs
	Create     bool    `arg:"create"`
	Name       string  `arg:"name"`
	Password   *string `arg:"password"`
	Path       string  `arg:"path"`
	State      string  `arg:"state"`
	HashScheme string  `arg:"hash_scheme"`
}

// Htpasswd is community.general.htpasswd.
var Htpasswd = modules.Define(modules.Spec{
	Name: "community.general.htpasswd",
	Doc:  "Keep users and passwords in a file for HTTP's basic authentication.",
	Options: []modules.Option{
		{Name: "create", Type: modules.Bool, Default: true, Doc: "Make the file where it is missing."},
		{Name: "name", Required: true, Aliases: []string{"username"}, Doc: "The user."},
		{Name: "password", NoLog: true, Doc: "The password."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"dest", "destfile"}, Doc: "The file."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the user is to be there."},
		{Name: "hash_scheme", Default: "apr_md5_crypt", Aliases: []string{"crypt_scheme"},
			Doc: "How the password is hashed: apr_md5_crypt, bcrypt, sha256_crypt, sha512_crypt, md5_crypt, ldap_sha1 or plaintext."},
	},
	Rules:    modules.Rules{RequiredIf: []modules.RequiredIf{{Key: "state", Value: "present", Need: []string{"password"}}}},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *htpasswdArgs) (*modules.Result, error) {
	e, err := openEdit(m, a.Path, &a.FileArgs)
	if err != nil {
		return nil, err
	}
	if !e.present && a.State == "absent" {
		m.Warn("%s does not exist", a.Path)
		return &modules.Result{Msg: a.Name + " not present", Data: map[string]any{}}, nil
	}
	if !e.present && !a.Create {
		return nil, modules.Failf("Destination %s does not exist", a.Path)
	}
	if err := e.makeParents(); err != nil {
		return nil, err
	}
	msg, err := editHtpasswd(e, a)
	if err != nil {
		return nil, err
	}
	if !e.present && m.Check {
		return &modules.Result{Changed: true, Msg: "Create " + a.Path, Data: map[string]any{}}, nil
	}
	if e.changed() {
		if err := e.save(ctx, false, ""); err != nil {
			return nil, err
		}
	}
	changed, msg, err := e.attributes(e.changed(), msg, nil)
	return &modules.Result{Changed: changed, Msg: msg, Data: map[string]any{}}, err
})

func editHtpasswd(e *edit, a *htpasswdArgs) (msg string, err error) {
	var out []string
	found := false
	for i, line := range splitKeep(e.before) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			out = append(out, line)
			continue
		}
		name, hash, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok || strings.Contains(hash, ":") {
			// A file of another kind (a passwd, a digest file) is left alone.
			return "", modules.Failf("malformed htpasswd file (error reading line %d)", i+1)
		}
		if name != a.Name {
			out = append(out, line)
			continue
		}
		found = true
		if a.State == "absent" {
			continue
		}
		if passwordMatches(hash, *a.Password, a.HashScheme) {
			out = append(out, line)
			msg = a.Name + " already present"
			continue
		}
		fresh, err := hashPassword(*a.Password, a.HashScheme)
		if err != nil {
			return "", err
		}
		out = append(out, a.Name+":"+fresh+"\n")
		msg = "Add/update " + a.Name
	}
	switch {
	case a.State == "absent" && found:
		msg = "Remove " + a.Name
	case a.State == "absent":
		msg = a.Name + " not present"
	case !found:
		fresh, err := hashPassword(*a.Password, a.HashScheme)
		if err != nil {
			return "", err
		}
		if n := len(out); n > 0 && !strings.HasSuffix(out[n-1], "\n") {
			out[n-1] += "\n"
		}
		out = append(out, a.Name+":"+fresh+"\n")
		if msg = "Add/update " + a.Name; !e.present {
			msg = "Created " + a.Path + " and added " + a.Name
		}
	}
	e.after = strings.Join(out, "")
	return msg, nil
}

func hashPassword(password, scheme string) (string, error) {
	switch scheme {
	case "apr_md5_crypt", "apr1", "md5":
		return apr1(password, apr64Text(8)), nil
	case "bcrypt":
		h, err := bcrypt.GenerateFromPassword([]byte(password), 12)
		return string(h), err
	case "ldap_sha1":
		sum := sha1.Sum([]byte(password))
		return "{SHA}" + base64.StdEncoding.EncodeToString(sum[:]), nil
	case "plaintext":
		return password, nil
	}
	if kind, ok := strings.CutSuffix(scheme, "_crypt"); ok && (kind == "sha256" || kind == "sha512" || kind == "md5") {
		return crypt.Hash(password, kind, crypt.Options{})
	}
	return "", modules.Failf("hash_scheme: %s is not supported: apr_md5_crypt, bcrypt, sha256_crypt, sha512_crypt, md5_crypt, ldap_sha1 and plaintext are", scheme)
}

// cryptPrefix is what hashes of crypt(3)'s schemes begin with.
var cryptPrefix = map[string]string{"md5_crypt": "$1$", "sha256_crypt": "$5$", "sha512_crypt": "$6$"}

// passwordMatches says whether the hash is of the password, by the scheme asked for.
func passwordMatches(hash, password, scheme string) bool {
	switch {
	case strings.HasPrefix(hash, "$apr1$"):
		salt, _, _ := strings.Cut(strings.TrimPrefix(hash, "$apr1$"), "$")
		return (scheme == "apr_md5_crypt" || scheme == "apr1" || scheme == "md5") && same(apr1(password, salt), hash)
	case strings.HasPrefix(hash, "$2"):
		return scheme == "bcrypt" && bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	case strings.HasPrefix(hash, "{SHA}"):
		fresh, err := hashPassword(password, "ldap_sha1")
		return err == nil && scheme == "ldap_sha1" && same(fresh, hash)
	case strings.HasPrefix(hash, cryptPrefix[scheme]) && cryptPrefix[scheme] != "":
		return crypt.Verify(password, hash)
	}
	return scheme == "plaintext" && same(hash, password)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

const apr64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func apr64Text(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	for i := range b {
		b[i] = apr64[b[i]&63]
	}
	return string(b)
}

// apr1 is Apache's MD5 scheme (apr_md5.c): FreeBSD's md5crypt with its own mark.
func apr1(password, salt string) string {
	if len(salt) > 8 {
		salt = salt[:8]
	}
	p := []byte(password)
	inner := md5.Sum([]byte(password + salt + password))
	h := md5.New()
	h.Write([]byte(password + "$apr1$" + salt))
	for i := len(p); i > 0; i -= 16 {
		h.Write(inner[:min(i, 16)])
	}
	for i := len(p); i > 0; i >>= 1 {
		if i&1 == 1 {
			h.Write([]byte{0})
		} else {
			h.Write(p[:1])
		}
	}
	sum := h.Sum(nil)
	for i := range 1000 {
		h := md5.New()
		first, last := sum, p
		if i&1 == 1 {
			first, last = p, sum
		}
		h.Write(first)
		if i%3 != 0 {
			h.Write([]byte(salt))
		}
		if i%7 != 0 {
			h.Write(p)
		}
		h.Write(last)
		sum = h.Sum(nil)
	}
	var b strings.Builder
	b.WriteString("$apr1$" + salt + "$")
	put := func(v uint, n int) {
		for range n {
			b.WriteByte(apr64[v&63])
			v >>= 6
		}
	}
	for i := range 5 {
		last := i + 12
		if i == 4 {
			last = 5
		}
		put(uint(sum[i])<<16|uint(sum[i+6])<<8|uint(sum[last]), 4)
	}
	put(uint(sum[11]), 2)
	return b.String()
}
