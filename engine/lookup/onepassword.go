package lookup

// This file holds the lookups that ask 1Password's program op, version 2
// (https://docs.ansible.com/ansible/latest/collections/community/general/onepassword_lookup.html,
// https://developer.1password.com/docs/cli/reference).

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"

	"gorun/modules"
	"gorun/templates"
	"gorun/templates/ansible"
)

// An onePassword asks op with the options of a lookup.
type onePassword struct {
	c                                   *call
	section, vault                      templates.Value // None: not given
	subdomain, domain, username, secret string
	master, account                     string
	service, host, token                string // a service account's token; 1Password Connect's host and token
	session                             []string
}

func newOnePassword(c *call) (*onePassword, error) {
	o := &onePassword{c: c, section: c.raw("section"), vault: c.raw("vault"), domain: c.str("domain", "1password.com"), account: c.str("account_id", ""),
		subdomain: c.str("subdomain", ""), username: c.str("username", ""), secret: c.str("secret_key", ""),
		master: c.str("master_password", c.str("vault_password", ""))}
	if c.current() {
		var errs [3]error
		o.service, errs[0] = c.option("service_account_token", sources{env: []string{"OP_SERVICE_ACCOUNT_TOKEN"}})
		o.host, errs[1] = c.option("connect_host", sources{env: []string{"OP_CONNECT_HOST"}})
		o.token, errs[2] = c.option("connect_token", sources{env: []string{"OP_CONNECT_TOKEN"}})
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
	}
	for _, s := range []string{o.secret, o.master, o.service, o.token} {
		if s != "" {
			c.t.o.Redact.Add(s)
		}
	}
	if err := o.checkVersion(); err != nil {
		return nil, err
	}
	if (o.host == "") != (o.token == "") {
		return nil, raise(optionsError, "connect_host and connect_token are required together")
	}
	return o, o.signIn()
}

// raw is an option as it is given, None where it is not.
func (c *call) raw(name string) templates.Value {
	if v, ok := c.given(name); ok {
		return v
	}
	return templates.None
}

func (o *onePassword) checkVersion() error {
	if _, err := exec.LookPath("op"); err != nil {
		return raise(lookupError, "Unable to locate 'op' command line tool")
	}
	out, err := o.c.program("", nil, "op", "--version")
	var failed *commandError
	switch version := strings.TrimSpace(out); {
	case errors.As(err, &failed):
		return raise(lookupError, "Unable to get the op version: the exit code is %d", failed.code)
	case err != nil:
		return err
	case !strings.HasPrefix(version, "2."):
		return raise(lookupError, "op version %s is unsupported", version)
	}
	return nil
}

// run runs op.
func (o *onePassword) run(input string, env []string, args ...string) (string, error) {
	out, err := o.c.program(input, env, append([]string{"op"}, args...)...)
	var failed *commandError
	if !errors.As(err, &failed) {
		return out, err
	}
	if !o.c.current() {
		return "", raise(lookupError, "%s", failed.errors)
	}
	return "", raise(lookupError, "%s", templates.Repr(templates.Bytes(failed.errors), templates.Current))
}

// signIn sees to a session: one that there is, or a new one.
func (o *onePassword) signIn() error {
	if o.host != "" {
		return nil
	}
	if o.service != "" {
		_, err := o.run("", []string{"OP_SERVICE_ACCOUNT_TOKEN=" + o.service}, "whoami")
		return err
	}
	var account []string
	if o.subdomain != "" {
		account = []string{"--account", o.subdomain + "." + o.domain}
	}
	known, err := o.run("", nil, append([]string{"account", "list"}, account...)...)
	if err != nil {
		return err
	}
	if known != "" { // without an account op would ask
		if o.account != "" && o.c.current() {
			account = []string{"--account", o.account}
		}
		if _, err := o.run("", nil, append([]string{"account", "get"}, account...)...); err == nil {
			return nil
		}
	}
	token, err := o.newSession()
	if err != nil {
		return err
	}
	o.c.t.o.Redact.Add(token)
	o.session = []string{"--session=" + token}
	return nil
}

// newSession signs in with the password where op was set up before, else sets
// op up.
func (o *onePassword) newSession() (string, error) {
	for _, p := range []string{"~/.op/config", "~/.config/op/config", "~/.config/.op/config"} {
		st, err := os.Stat(modules.ExpandPath(p, nil))
		if err != nil {
			continue
		}
		if !st.Mode().IsRegular() {
			break
		}
		if err := o.need("master_password"); err != nil {
			return "", err
		}
		args := []string{"signin", "--raw"}
		if o.subdomain != "" {
			args = append(args, "--account", o.subdomain)
		}
		token, err := o.run(o.master, nil, args...)
		if err == nil || strings.Contains(strings.ToLower(err.Error()), "unauthorized") {
			return strings.TrimSpace(token), err
		}
		break
	}
	if err := o.need("subdomain", "username", "secret_key", "master_password"); err != nil {
		return "", err
	}
	token, err := o.run(o.master, []string{"OP_SECRET_KEY=" + o.secret}, "account", "add", "--raw", "--address", o.subdomain+"."+o.domain, "--email", o.username, "--signin")
	return strings.TrimSpace(token), err
}

// need refuses what cannot do without options that are not given.
func (o *onePassword) need(names ...string) error {
	given := map[string]string{"subdomain": o.subdomain, "username": o.username, "secret_key": o.secret, "master_password": o.master}
	missing := slices.DeleteFunc(names, func(n string) bool { return given[n] != "" })
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return raise(lookupError, "Unable to sign in to 1Password. Missing required parameter: %s.", missing[0])
	}
	return raise(lookupError, "Unable to sign in to 1Password. Missing required parameters: %s.", strings.Join(missing, ", "))
}

// get runs a command that reads from a vault.
func (o *onePassword) get(vault templates.Value, args ...string) (string, error) {
	if o.account != "" && o.c.current() {
		args = append(args, "--account", o.account)
	}
	if vault != templates.None {
		args = append(args, "--vault="+text(vault))
	}
	switch {
	case o.host != "":
		if vault == templates.None {
			return "", raise(lookupError, "'vault' is required with 1Password Connect")
		}
		return o.run("", []string{"OP_CONNECT_HOST=" + o.host, "OP_CONNECT_TOKEN=" + o.token}, args...)
	case o.service != "":
		if vault == templates.None {
			return "", raise(lookupError, "'vault' is required with 'service_account_token'")
		}
		return o.run("", []string{"OP_SERVICE_ACCOUNT_TOKEN=" + o.service}, args...)
	}
	return o.run("", nil, append(args, o.session...)...)
}

// item is what op tells of an item.
func (o *onePassword) item(term string) (templates.Value, error) {
	out, err := o.itemText(term)
	if err != nil {
		return nil, err
	}
	return readJSON(out)
}

func (o *onePassword) itemText(term string) (string, error) {
	return o.get(o.vault, "item", "get", term, "--format", "json")
}

// readJSON reads JSON with Python's words about what is wrong.
func readJSON(s string) (templates.Value, error) {
	v, err := ansible.ParseJSON(s)
	if err != nil {
		return nil, raise("json.decoder.JSONDecodeError", "%s", err)
	}
	return v, nil
}

// reference reads op://VAULT/ITEM/[SECTION/]FIELD.
func (o *onePassword) reference(term string) (templates.Value, error) {
	path := strings.TrimPrefix(term, "op://")
	if path == "" {
		return nil, raise(lookupError, "Secret references must have a path")
	}
	parts := slices.DeleteFunc(strings.Split(path, "/"), func(p string) bool { return p == "" })
	if len(parts) != 3 && len(parts) != 4 {
		return nil, raise(lookupError, "Not a valid secret reference")
	}
	out, err := o.get(templates.None, "read", term)
	return str(strings.TrimSpace(out)), err
}

// field is a field of an item, of any section where none is asked for. Case
// counts before the current release.
func (o *onePassword) field(item templates.Value, name string) (templates.Value, error) {
	fold := func(v templates.Value) templates.Value {
		if s, ok := v.(templates.Str); ok && o.c.current() {
			return str(strings.ToLower(string(s)))
		}
		return v
	}
	name = text(fold(str(name)))
	section := fold(o.section)
	for _, f := range listify(entry(item, "fields")) {
		if section == templates.None {
			if v := entry(f, name); v.Truth() {
				return v, nil
			}
		}
		of := templates.Value(str(""))
		if !o.c.current() {
			of = templates.None
		}
		for _, key := range []string{"id", "label"} {
			if v := entry(entry(f, "section"), key); v != templates.None {
				of = fold(v)
			}
		}
		if section != templates.None && !templates.Equal(section, of) {
			continue
		}
		for _, key := range []string{"label", "id"} {
			if !templates.Equal(fold(entry(f, key)), str(name)) {
				continue
			}
			switch v := entry(f, "value"); {
			case v != templates.None:
				return v, nil
			case o.c.current():
				return str(""), nil
			}
			return nil, raise("KeyError", "'value'")
		}
	}
	return str(""), nil
}

// fromOnePassword is a lookup that reads each term with op.
func fromOnePassword(read func(o *onePassword, term string) (templates.Value, error)) lookupFunc {
	return func(c *call) ([]templates.Value, error) {
		o, err := newOnePassword(c)
		if err != nil {
			return nil, err
		}
		var out []templates.Value
		for _, t := range c.terms {
			v, err := read(o, text(t))
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return c.secrets(out), nil
	}
}

func lookupOnePassword(c *call) ([]templates.Value, error) {
	name := c.str("field", "password")
	return fromOnePassword(func(o *onePassword, term string) (templates.Value, error) {
		if strings.HasPrefix(term, "op://") && o.c.current() {
			return o.reference(term)
		}
		out, err := o.itemText(term)
		if err != nil || out == "" {
			return str(""), err
		}
		item, err := readJSON(out)
		if err != nil {
			return nil, err
		}
		return o.field(item, name)
	})(c)
}

// onePasswordDoc reads a document.
func onePasswordDoc(o *onePassword, term string) (templates.Value, error) {
	out, err := o.get(o.vault, "document", "get", term)
	return str(out), err
}

func lookupOnePasswordSSHKey(c *call) ([]templates.Value, error) {
	open, err := c.flag("ssh_format", false)
	if err != nil {
		return nil, err
	}
	return fromOnePassword(func(o *onePassword, term string) (templates.Value, error) {
		item, err := o.item(term)
		if err != nil {
			return nil, err
		}
		if !templates.Equal(entry(item, "category"), str("SSH_KEY")) {
			return nil, raise(lookupError, "Item %s is not an SSH key", term)
		}
		for _, f := range listify(entry(item, "fields")) {
			if !templates.Equal(entry(f, "id"), str("private_key")) || !templates.Equal(entry(f, "type"), str("SSHKEY")) {
				continue
			}
			if open {
				f = entry(entry(f, "ssh_formats"), "openssh")
			}
			if v := entry(f, "value"); v != templates.None {
				return v, nil
			}
			return str(""), nil
		}
		return nil, raise(lookupError, "No private key found for item %s.", term)
	})(c)
}
