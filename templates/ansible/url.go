package ansible

// This file holds the filters of URLs, which are Python's urllib.parse.

import (
	"strconv"
	"strings"

	"gorun/templates"
)

// A splitURL is what urlsplit gives.
type splitURL struct {
	scheme, netloc, path, query, fragment string
}

func parseURL(s string) (u splitURL, err error) {
	s = strings.TrimLeft(s, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ")
	s = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(s)
	if i := strings.IndexByte(s, ':'); i > 0 && isScheme(s[:i]) {
		u.scheme, s = strings.ToLower(s[:i]), s[i+1:]
	}
	if strings.HasPrefix(s, "//") {
		s = s[2:]
		end := len(s)
		if i := strings.IndexAny(s, "/?#"); i >= 0 {
			end = i
		}
		u.netloc, s = s[:end], s[end:]
		if strings.Contains(u.netloc, "[") != strings.Contains(u.netloc, "]") {
			return u, raise(templates.ValueError, "Invalid IPv6 URL")
		}
	}
	s, u.fragment, _ = strings.Cut(s, "#")
	u.path, u.query, _ = strings.Cut(s, "?")
	return u, nil
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || strings.IndexByte("+-.", c) >= 0)) {
			return false
		}
	}
	return s != ""
}

// userinfo splits the network location.
func (u splitURL) userinfo() (user, password value, host string) {
	user, password = templates.None, templates.None
	host = u.netloc
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		name, pass, has := strings.Cut(host[:i], ":")
		user = str(name)
		if has {
			password = str(pass)
		}
		host = host[i+1:]
	}
	return user, password, host
}

func (u splitURL) hostname() value {
	_, _, host := u.userinfo()
	if i := strings.IndexByte(host, '['); i >= 0 {
		host, _, _ = strings.Cut(host[i+1:], "]")
	} else {
		host, _, _ = strings.Cut(host, ":")
	}
	if host == "" {
		return templates.None
	}
	name, zone, has := strings.Cut(host, "%")
	if has {
		return str(strings.ToLower(name) + "%" + zone)
	}
	return str(strings.ToLower(name))
}

func (u splitURL) port() (value, error) {
	_, _, host := u.userinfo()
	if i := strings.LastIndexByte(host, ']'); i >= 0 {
		host = host[i+1:]
	}
	_, p, has := strings.Cut(host, ":")
	if !has || p == "" {
		return templates.None, nil
	}
	n, err := strconv.ParseUint(p, 10, 32)
	if err != nil {
		return nil, raise(templates.ValueError, "Port could not be cast to integer value as %s", repr(str(p)))
	}
	if n > 65535 {
		return nil, raise(templates.ValueError, "Port out of range 0-65535")
	}
	return templates.Int(int64(n)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/urlsplit_filter.html
func filterURLSplit(c *call) (value, error) {
	var v value
	part := ""
	if err := c.Unpack("split_url", "value", &v, "query?", &part); err != nil {
		return nil, err
	}
	switch v.(type) {
	case templates.Int, templates.Bool, *templates.BigInt, templates.Float:
		if v.Truth() {
			return nil, raise(templates.AttributeError, "'%s' object has no attribute 'decode'", v.Type())
		}
	case *templates.List, templates.Mapping:
		return nil, raise(templates.TypeError, "unhashable type: '%s'", v.Type())
	}
	u, err := parseURL(text(v))
	if err != nil {
		return nil, err
	}
	user, password, _ := u.userinfo()
	port, err := u.port()
	if err != nil {
		return nil, err
	}
	d := templates.NewDict(9)
	for _, p := range []struct {
		name string
		v    value
	}{
		{"fragment", str(u.fragment)}, {"hostname", u.hostname()}, {"netloc", str(u.netloc)}, {"password", password}, {"path", str(u.path)},
		{"port", port}, {"query", str(u.query)}, {"scheme", str(u.scheme)}, {"username", user},
	} {
		d.SetStr(p.name, p.v)
	}
	if part == "" {
		return d, nil
	}
	if x, ok := d.GetStr(part); ok {
		return x, nil
	}
	return nil, fail("urlsplit: unknown URL component: %s", part)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/urldecode_filter.html
func filterURLDecode(c *call) (value, error) {
	var v value
	if err := c.Unpack("unquote_plus", "string", &v); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return nil, raise(templates.AttributeError, "'%s' object has no attribute 'replace'", v.Type())
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s)+0 {
			if n, err := strconv.ParseUint(s[i+1:min(i+3, len(s))], 16, 8); err == nil && i+3 <= len(s) {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		if s[i] == '+' {
			b.WriteByte(' ')
			continue
		}
		b.WriteByte(s[i])
	}
	return str(strings.ToValidUTF8(b.String(), "\ufffd")), nil
}
