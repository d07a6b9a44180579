package ansible

// This file holds the filter password_hash.

import (
	"errors"

	"gorun/modules/crypt"
	"gorun/templates"
)

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/password_hash_filter.html
func filterPasswordHash(c *call) (value, error) {
	var password, salt, saltSize, rounds, ident value
	kind := "sha512"
	if err := c.Unpack("get_encrypted_password", "password", &password, "hashtype?", &kind, "salt?", &salt, "salt_size?", &saltSize, "rounds?", &rounds, "ident?", &ident); err != nil {
		return nil, err
	}
	o := crypt.Options{}
	if given(salt) {
		o.Salt = text(salt)
	}
	for _, p := range []struct {
		v  value
		to *int
	}{{saltSize, &o.SaltSize}, {rounds, &o.Rounds}} {
		if given(p.v) {
			n, err := toInt(p.v)
			if err != nil {
				return nil, err
			}
			*p.to = int(n)
		}
	}
	if given(ident) {
		o.Ident = text(ident)
	}
	if c.State.Era() == templates.Current {
		o.Gensalt = true
		if given(rounds) && (kind == "sha256" || kind == "sha512" || kind == "sha256_crypt" || kind == "sha512_crypt") {
			o.Rounds = max(o.Rounds, 1000) // libxcrypt's least
		}
		if !crypt.Known(kind) {
			return nil, fail("%s is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512", kind)
		}
	} else if _, isStr := isText(password); !isStr {
		return nil, raise(templates.TypeError, "secret must be unicode or bytes, not %s", password.Type())
	}
	return hashed(text(password), kind, o)
}

// hashed hashes a password; what is wrong is an error of a filter.
func hashed(password, kind string, o crypt.Options) (value, error) {
	s, err := crypt.Hash(password, kind, o)
	if bad := (*crypt.Error)(nil); errors.As(err, &bad) {
		return nil, fail("%s", bad.Msg)
	}
	return str(s), err
}
