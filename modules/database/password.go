package database

// This file is how an account identifies itself: passwords, plugins, TLS,
// limits, lock and attributes.

import (
	"context"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"gorun/modules"
)

const nativePlugin = "mysql_native_password"

// nativeHash is the hash of mysql_native_password: SHA-1 twice.
func nativeHash(password string) string {
	if password == "" {
		return ""
	}
	one := sha1.Sum([]byte(password))
	two := sha1.Sum(one[:])
	return fmt.Sprintf("*%X", two)
}

var hashForm = regexp.MustCompile(`^\*[0-9A-Fa-f]{40}$`)

// identified is the clause of CREATE USER and ALTER USER that the options ask
// for, "" where they ask for nothing.
func (u *userRun) identified() (string, error) {
	switch {
	case u.Plugin != "":
		return u.identifiedByPlugin(), nil
	case u.UserPassword == nil:
		return "", nil
	case !u.Encrypted:
		return " IDENTIFIED BY " + quoteText(*u.UserPassword), nil
	case *u.UserPassword != "" && !hashForm.MatchString(*u.UserPassword):
		return "", fmt.Errorf("(1372, 'Password hash should be a 41-digit hexadecimal number')")
	}
	return u.byHash(nativePlugin, *u.UserPassword), nil
}

// byHash stores a plugin's hash.
func (u *userRun) byHash(plugin, hash string) string {
	switch {
	case u.mariadb && plugin == nativePlugin:
		return " IDENTIFIED BY PASSWORD " + quoteText(hash)
	case u.mariadb:
		return " IDENTIFIED VIA " + quoteName(plugin) + " USING " + quoteText(hash)
	case u.version[0] < 5 || u.version[0] == 5 && u.version[1] < 7:
		return " IDENTIFIED BY PASSWORD " + quoteText(hash)
	}
	return " IDENTIFIED WITH " + quoteName(plugin) + " AS " + quoteText(hash)
}

func (u *userRun) identifiedByPlugin() string {
	switch {
	case u.PluginHash != "":
		return u.byHash(u.Plugin, u.PluginHash)
	case u.Salt != "":
		return fmt.Sprintf(" IDENTIFIED WITH %s AS 0x%X", quoteName(u.Plugin), cachingSHA2Hash(u.PluginAuth, u.Salt))
	case u.PluginAuth != "" && u.mariadb:
		return " IDENTIFIED VIA " + quoteName(u.Plugin) + " USING PASSWORD(" + quoteText(u.PluginAuth) + ")"
	case u.PluginAuth != "":
		return " IDENTIFIED WITH " + quoteName(u.Plugin) + " BY " + quoteText(u.PluginAuth)
	case u.mariadb:
		return " IDENTIFIED VIA " + quoteName(u.Plugin)
	}
	return " IDENTIFIED WITH " + quoteName(u.Plugin)
}

// identifiedFor is identified for a new account: with on_new_username another
// account of the name lends its hash.
func (u *userRun) identifiedFor(ctx context.Context) (string, error) {
	if u.UpdatePassword == "on_new_username" {
		hosts, err := u.column(ctx, "SELECT Host FROM mysql.user WHERE User = ? ORDER BY Host", u.Name)
		if err != nil {
			return "", err
		}
		if len(hosts) > 0 {
			plugin, hash, err := u.current(ctx, hosts[0])
			if err != nil {
				return "", err
			}
			return u.byHash(plugin, hash), nil
		}
	}
	return u.identified()
}

// current reads an account's plugin and hash.
func (u *userRun) current(ctx context.Context, host string) (plugin, hash string, err error) {
	columns, err := u.column(ctx, "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'user'"+
		" AND COLUMN_NAME IN ('plugin', 'authentication_string', 'Password')")
	if err != nil {
		return "", "", err
	}
	has := map[string]bool{}
	for _, c := range columns {
		has[strings.ToLower(c)] = true
	}
	text := func(column string) string {
		if has[column] {
			return "COALESCE(" + column + ", '')"
		}
		return "''"
	}
	var auth, password string
	_, err = u.one(ctx, "SELECT "+text("plugin")+", "+text("authentication_string")+", "+text("password")+
		" FROM mysql.user WHERE User = ? AND Host = ?", []any{u.Name, host}, &plugin, &auth, &password)
	hash = auth
	if hash == "" {
		hash = password
	}
	if plugin == "" {
		plugin = nativePlugin
	}
	return plugin, hash, err
}

// setPassword changes how the account identifies itself where that differs.
func (u *userRun) setPassword(ctx context.Context, host string) (bool, error) {
	how, err := u.identified()
	if err != nil || how == "" || u.UpdatePassword != "always" {
		return false, err
	}
	plugin, hash, err := u.current(ctx, host)
	if err != nil {
		return false, err
	}
	if u.settled(plugin, hash) {
		return false, nil
	}
	who := account(u.Name, host)
	if u.atLeast([]int{10, 2, 0}, []int{5, 7, 6}) {
		return true, u.exec(ctx, "ALTER USER "+who+how)
	}
	if u.Plugin != "" {
		return true, u.exec(ctx, "GRANT USAGE ON *.* TO "+who+how)
	}
	stored := *u.UserPassword
	if !u.Encrypted {
		stored = nativeHash(stored)
	}
	return true, u.exec(ctx, "SET PASSWORD FOR "+who+" = "+quoteText(stored))
}

// settled reports whether the account identifies itself as is wanted already.
func (u *userRun) settled(plugin, hash string) bool {
	if u.Plugin != "" {
		if plugin != u.Plugin {
			return false
		}
		switch {
		case u.PluginHash != "":
			return hash == u.PluginHash
		case u.Salt != "":
			return hash == cachingSHA2Hash(u.PluginAuth, u.Salt)
		case u.PluginAuth != "":
			return passwordMatches(plugin, hash, u.PluginAuth)
		}
		return true
	}
	if u.Encrypted {
		return plugin == nativePlugin && strings.EqualFold(hash, *u.UserPassword)
	}
	return passwordMatches(plugin, hash, *u.UserPassword)
}

// passwordMatches checks a plain password against a plugin's stored hash.
func passwordMatches(plugin, hash, password string) bool {
	switch plugin {
	case nativePlugin:
		return strings.EqualFold(hash, nativeHash(password))
	case "caching_sha2_password":
		return cachingSHA2Matches(hash, password)
	}
	return false
}

// setTLS changes what a connection of the account needs.
func (u *userRun) setTLS(ctx context.Context, host string) (bool, error) {
	want, err := requirements(u.TLSRequires)
	if err != nil {
		return false, err
	}
	var kind, cipher, issuer, subject string
	if _, err := u.one(ctx, "SELECT ssl_type, ssl_cipher, x509_issuer, x509_subject FROM mysql.user WHERE User = ? AND Host = ?",
		[]any{u.Name, host}, &kind, &cipher, &issuer, &subject); err != nil {
		return false, err
	}
	have := map[string]string{}
	switch kind {
	case "ANY":
		have["SSL"] = ""
	case "X509":
		have["X509"] = ""
	case "SPECIFIED":
		for k, v := range map[string]string{"CIPHER": cipher, "ISSUER": issuer, "SUBJECT": subject} {
			if v != "" {
				have[k] = v
			}
		}
	}
	if maps.Equal(have, want) {
		return false, nil
	}
	verb := "ALTER USER "
	if !u.atLeast([]int{10, 2, 0}, []int{5, 7, 6}) {
		verb = "GRANT USAGE ON *.* TO "
	}
	return true, u.exec(ctx, verb+account(u.Name, host)+" REQUIRE "+requireClause(want))
}

// requirements reads tls_requires: SSL and X509 stand alone, the others have a
// value.
func requirements(raw map[string]any) (map[string]string, error) {
	out := map[string]string{}
	for k, v := range raw {
		key := strings.ToUpper(k)
		switch key {
		case "SSL", "X509":
			if b, isBool := v.(bool); !isBool || b {
				out[key] = ""
			}
		case "SUBJECT", "ISSUER", "CIPHER":
			if v != nil {
				out[key] = fmt.Sprint(v)
			}
		case "NONE":
		default:
			return nil, fmt.Errorf("tls_requires: key '%s' is unsupported", k)
		}
	}
	if len(out) > 1 {
		// A subject or an issuer implies a certificate, and that TLS.
		delete(out, "SSL")
	}
	if len(out) > 1 {
		delete(out, "X509")
	}
	return out, nil
}

func requireClause(want map[string]string) string {
	var parts []string
	for k, v := range want {
		if v != "" {
			k += " " + quoteText(v)
		}
		parts = append(parts, k)
	}
	if len(parts) == 0 {
		return "NONE"
	}
	sort.Strings(parts)
	return strings.Join(parts, " AND ")
}

// limitColumns maps resource limits to the columns of mysql.user.
var limitColumns = map[string]string{
	"MAX_QUERIES_PER_HOUR": "max_questions", "MAX_UPDATES_PER_HOUR": "max_updates",
	"MAX_CONNECTIONS_PER_HOUR": "max_connections", "MAX_USER_CONNECTIONS": "max_user_connections",
}

func checkLimits(limits map[string]any) error {
	for k, v := range limits {
		if limitColumns[strings.ToUpper(k)] == "" {
			return modules.Failf("resource_limits: key '%s' is unsupported.", k)
		}
		if _, err := strconv.Atoi(fmt.Sprint(v)); err != nil {
			return modules.Failf("Can't convert value '%v' to integer.", v)
		}
	}
	return nil
}

func (u *userRun) setLimits(ctx context.Context, host string) (bool, error) {
	var parts []string
	for _, k := range plainKeys(u.ResourceLimits) {
		want := ""
		for given, v := range u.ResourceLimits {
			if strings.ToUpper(given) == k {
				want = fmt.Sprint(v)
			}
		}
		have := ""
		if _, err := u.one(ctx, "SELECT "+limitColumns[k]+" FROM mysql.user WHERE User = ? AND Host = ?", []any{u.Name, host}, &have); err != nil {
			return false, err
		}
		if have != want {
			parts = append(parts, k+" "+want)
		}
	}
	if len(parts) == 0 {
		return false, nil
	}
	verb := "ALTER USER "
	if !u.atLeast([]int{10, 2, 0}, []int{5, 7, 6}) {
		verb = "GRANT USAGE ON *.* TO "
	}
	return true, u.exec(ctx, verb+account(u.Name, host)+" WITH "+strings.Join(parts, " "))
}

func (u *userRun) setLocked(ctx context.Context, host string) (bool, error) {
	if u.Locked == nil {
		return false, nil
	}
	if !u.atLeast([]int{10, 4, 2}, []int{5, 7, 6}) {
		return false, fmt.Errorf("locked: this server (%s) cannot lock accounts", u.text)
	}
	lines, err := u.column(ctx, "SHOW CREATE USER "+account(u.Name, host))
	if err != nil {
		return false, err
	}
	if strings.Contains(strings.Join(lines, " "), "ACCOUNT LOCK") == *u.Locked {
		return false, nil
	}
	return true, u.exec(ctx, "ALTER USER "+account(u.Name, host)+" ACCOUNT "+map[bool]string{true: "LOCK", false: "UNLOCK"}[*u.Locked])
}

// setAttributes merges attributes into those that the account has.
func (u *userRun) setAttributes(ctx context.Context, host string) (bool, map[string]any, error) {
	if u.Attributes == nil {
		return false, nil, nil
	}
	if !u.atLeast(nil, []int{8, 0, 21}) {
		return false, nil, fmt.Errorf("user attributes were specified but the server does not support user attributes")
	}
	var text *string
	if _, err := u.one(ctx, "SELECT ATTRIBUTE FROM INFORMATION_SCHEMA.USER_ATTRIBUTES WHERE USER = ? AND HOST = ?", []any{u.Name, host}, &text); err != nil {
		return false, nil, err
	}
	have := map[string]any{}
	if text != nil && *text != "" {
		if err := json.Unmarshal([]byte(*text), &have); err != nil {
			return false, nil, err
		}
	}
	want := maps.Clone(have)
	for k, v := range u.Attributes {
		if v == nil {
			delete(want, k)
		} else {
			want[k] = v
		}
	}
	same, err := sameJSON(have, want)
	if err != nil || same {
		return false, have, err
	}
	b, err := json.Marshal(u.Attributes)
	if err != nil {
		return false, nil, err
	}
	return true, want, u.exec(ctx, "ALTER USER "+account(u.Name, host)+" ATTRIBUTE "+quoteText(string(b)))
}

func sameJSON(a, b any) (bool, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(b)
	return reflect.DeepEqual(x, y), err
}

// literal writes a value as SQL: numbers as they are, all else quoted.
func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case bool:
		return map[bool]string{true: "1", false: "0"}[v]
	case int, int64, float64:
		return fmt.Sprint(v)
	}
	text := fmt.Sprint(v)
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return quoteText(text)
}
