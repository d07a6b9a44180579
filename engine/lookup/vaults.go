package lookup

// This file holds the lookups that ask the programs of password managers.

import (
	"errors"
	"fmt"
	"strings"

	"gorun/templates"
)

// secrets are values that must not be shown.
func (c *call) secrets(values []templates.Value) []templates.Value {
	for _, v := range values {
		switch v := v.(type) {
		case templates.Str:
			c.t.o.Redact.Add(string(v))
		case *templates.List:
			c.secrets(v.Elems)
		case *templates.Dict: // an item: what its program conceals
			for _, f := range listify(entry(v, "fields")) {
				if templates.Equal(entry(f, "type"), str("CONCEALED")) {
					c.secrets([]templates.Value{entry(f, "value")})
				}
			}
		}
	}
	return values
}

// https://docs.ansible.com/ansible/latest/collections/community/general/lastpass_lookup.html
func lookupLastPass(c *call) ([]templates.Value, error) {
	_, err := c.program("n\n", nil, "lpass", "logout", "--color=never")
	var asked *commandError
	switch {
	case err != nil && !errors.As(err, &asked):
		return nil, err
	case asked == nil:
		return nil, errors.New("") // it logged out without a question
	case asked.code != 1:
		return nil, errors.New(asked.errors)
	case !strings.HasPrefix(asked.errors, "Are you sure you would like to log out?"):
		return nil, errors.New("Not logged into LastPass: please run 'lpass login' first")
	}
	field := c.str("field", "password")
	switch field {
	case "username", "password", "url", "notes", "id", "name":
		field = "--" + field
	default:
		field = "--field=" + field
	}
	var out []templates.Value
	for _, t := range c.terms {
		s, err := c.program("", nil, "lpass", "show", field, text(t), "--color=never")
		var failed *commandError
		if errors.As(err, &failed) {
			return nil, c.inEra(raise("ansible_collections.community.general.plugins.lookup.lastpass.LPassException", "%s", failed.errors),
				errors.New(templates.Repr(templates.Bytes(failed.errors), templates.Current)))
		}
		if err != nil {
			return nil, err
		}
		out = append(out, str(strings.TrimSpace(s)))
	}
	return c.secrets(out), nil
}

// A bitwarden asks Bitwarden's program.
type bitwarden struct {
	c                           *call
	env                         []string
	field, search, organization string
}

// ask gives the JSON that a command writes; what is not found is null.
func (b *bitwarden) ask(args ...string) (templates.Value, error) {
	out, err := b.c.program("", b.env, append([]string{"bw"}, args...)...)
	var failed *commandError
	if errors.As(err, &failed) {
		if args[0] == "get" && strings.Contains(failed.errors, "Not found.") {
			return templates.None, nil
		}
		return nil, errors.New(failed.errors)
	}
	if err != nil {
		return nil, err
	}
	return templates.FromJSON([]byte(out))
}

// entry is a key of an object, None where there is none.
func entry(v templates.Value, key string) templates.Value {
	if m, ok := v.(templates.Mapping); ok {
		if x, found, err := m.Get(templates.Str(key)); found && err == nil {
			return x
		}
	}
	return templates.None
}

// matches are the items whose searched field is the term; "" is no term.
func (b *bitwarden) matches(term, collection string) ([]templates.Value, error) {
	args := []string{"list", "items"}
	switch {
	case b.search == "id" && b.c.current():
		args = []string{"get", "item", term}
	case term != "":
		args = append(args, "--search", term)
	}
	if collection != "" {
		args = append(args, "--collectionid", collection)
	}
	if b.organization != "" {
		args = append(args, "--organizationid", b.organization)
	}
	found, err := b.ask(args...)
	if err != nil || found == templates.None {
		return nil, err
	}
	if b.search == "id" && b.c.current() {
		found = templates.NewList(found)
	}
	var out []templates.Value
	for _, item := range listify(found) {
		if term == "" || b.search == "" || templates.Equal(entry(item, b.search), str(term)) {
			out = append(out, item)
		}
	}
	return out, nil
}

// values are the asked field of the items of a term: one of its own fields, of
// the login, or of the item.
func (b *bitwarden) values(term, collection string) (templates.Value, error) {
	items, err := b.matches(term, collection)
	if err == nil && b.field != "" && !b.c.current() {
		return b.oldValues(items, term)
	}
	if err != nil || b.field == "" {
		return templates.NewList(items...), err
	}
	var out []templates.Value
	for _, item := range items {
		if v, ok := b.fieldOf(item); ok {
			out = append(out, v)
		}
	}
	if len(items) > 0 && len(out) == 0 {
		if term == "" {
			term = "None"
		}
		return nil, fmt.Errorf("field %s does not exist in %s", b.field, term)
	}
	return templates.NewList(out...), nil
}

// oldValues are the asked field as the collection of ansible-core 2.14 has it: of
// the login those that it knows, every other among the items' own.
func (b *bitwarden) oldValues(items []templates.Value, term string) (templates.Value, error) {
	var out []templates.Value
	for _, item := range items {
		switch b.field {
		case "autofillOnPageLoad", "password", "passwordRevisionDate", "totp", "uris", "username":
			login, _ := entry(item, "login").(templates.Mapping)
			if login == nil {
				return nil, raise("KeyError", "'login'")
			}
			v, found, err := login.Get(str(b.field))
			if err != nil || !found {
				return nil, raise("KeyError", "'%s'", b.field)
			}
			out = append(out, v)
			continue
		}
		if m, ok := item.(templates.Mapping); ok {
			if _, found, err := m.Get(str("fields")); err != nil || !found {
				return nil, raise("KeyError", "'fields'")
			}
		}
		for _, f := range listify(entry(item, "fields")) {
			if templates.Equal(entry(f, "name"), str(b.field)) {
				out = append(out, entry(f, "value"))
			}
		}
	}
	switch b.field {
	case "autofillOnPageLoad", "password", "passwordRevisionDate", "totp", "uris", "username":
		return templates.NewList(out...), nil
	}
	if len(items) > 0 && len(out) == 0 {
		return nil, fmt.Errorf("Custom field %s does not exist in %s", b.field, term)
	}
	return templates.NewList(out...), nil
}

func (b *bitwarden) fieldOf(item templates.Value) (templates.Value, bool) {
	for _, f := range listify(entry(item, "fields")) {
		if templates.Equal(entry(f, "name"), str(b.field)) {
			return entry(f, "value"), true
		}
	}
	for _, at := range []templates.Value{entry(item, "login"), item} {
		if m, ok := at.(templates.Mapping); ok {
			if v, found, err := m.Get(templates.Str(b.field)); found && err == nil {
				return v, true
			}
		}
	}
	return nil, false
}

// collections are the ids of the collections of a name.
func (b *bitwarden) collections(name string) ([]string, error) {
	args := []string{"list", "collections", "--search", name}
	if b.organization != "" {
		args = append(args, "--organizationid", b.organization)
	}
	found, err := b.ask(args...)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range listify(found) {
		if strings.EqualFold(text(entry(e, "name")), name) {
			ids = append(ids, text(entry(e, "id")))
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("No matching collections found!")
	}
	return ids, nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/bitwarden_lookup.html
func lookupBitwarden(c *call) ([]templates.Value, error) {
	b := &bitwarden{c: c, field: c.str("field", ""), search: c.str("search", ""), organization: c.str("organization_id", "")}
	if _, ok := c.opts["search"]; !ok {
		b.search = "name"
	}
	if session := c.str("bw_session", ""); session != "" {
		b.env = []string{"BW_SESSION=" + session} // other users see arguments
	}
	count, err := c.number("result_count", -1)
	if err != nil {
		return nil, err
	}
	sync, err := c.flag("sync", false)
	if err != nil {
		return nil, err
	}
	state, err := b.ask("status")
	if err != nil {
		return nil, err
	}
	if text(entry(state, "status")) != "unlocked" {
		return nil, errors.New("Bitwarden Vault locked. Run 'bw unlock'.")
	}
	if sync {
		if _, err := c.program("", b.env, "bw", "sync"); err != nil {
			return nil, err
		}
	}
	collections := []string{c.str("collection_id", "")}
	if name := c.str("collection_name", ""); name != "" {
		if collections[0] != "" {
			return nil, raise(optionsError, "'collection_name' and 'collection_id' are mutually exclusive!")
		}
		if collections, err = b.collections(name); err != nil {
			return nil, err
		}
	}
	terms := c.terms
	if len(terms) == 0 {
		terms = []templates.Value{str("")}
	}
	var out []templates.Value
	for _, collection := range collections {
		for _, t := range terms {
			term := text(t)
			if t == templates.None {
				term = ""
			}
			v, err := b.values(term, collection)
			if err != nil {
				return nil, err
			}
			if n := len(listify(v)); count >= 0 && n != count {
				return nil, fmt.Errorf("Number of results doesn't match result_count! (%d != %d)", n, count)
			}
			out = append(out, v)
		}
	}
	return c.secrets(out), nil
}
