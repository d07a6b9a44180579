package engine

// This file joins the template engine with Ansible's filters, tests and lookups.

import (
	"fmt"
	"strings"

	"gorun/engine/lookup"
	"gorun/internal/redact"
	"gorun/templates"
	"gorun/templates/ansible"
	"gorun/vars/vault"
)

// TemplateHooks are what templates of a run need from the outside.
type TemplateHooks struct {
	Warn       func(msg string)
	Extensions []string // of jinja2_extensions
	ReadFile   func(path string) ([]byte, error)
	Secrets    func() []vault.Secret
	// Redact takes what templates make of secrets; nil before 2.22.
	Redact *redact.Registry
	// Match gives the hosts of a pattern, Config a setting and where its value is
	// from: for lookups; nil: none.
	Match  func(pattern string) ([]string, error)
	Config func(name string) (v templates.Value, origin string, ok bool)
	// Plugins are filters, tests and lookups in Python; nil: there are none.
	Plugins *Plugins
}

// TemplateOptions returns the options of Ansible's templating: strict about
// undefined names, blocks trimmed, Ansible's filters, tests and lookups.
func TemplateOptions(era templates.Era, h TemplateHooks) templates.Options {
	outside := ansible.Options{ReadFile: h.ReadFile, Secrets: h.Secrets, Redact: h.Redact, Warn: h.Warn}
	look := lookup.Options{Redact: h.Redact, ReadFile: h.ReadFile, Match: h.Match, Config: h.Config, Warn: h.Warn}
	var more func(kind, name string, native bool) (templates.Func, bool)
	if h.Plugins != nil {
		look.More, more = h.Plugins.Lookup, h.Plugins.Jinja
		look.Advice, look.CollectionDirs = h.Plugins.Advice, h.Plugins.finder.CollectionDirs
	}
	filters, tests := ansible.Filters(outside), ansible.Tests(outside)
	if era == templates.Era19 {
		// Before 2.5 what are tests today were filters: result|success.
		for name, f := range tests {
			if _, ok := filters[name]; !ok {
				filters[name] = f
			}
		}
	}
	return templates.Options{
		Era: era, Warn: h.Warn, More: more, Advice: look.Advice, Undefined: templates.AnsibleUndefined, Finalize: templates.NoneAsEmpty, TrimBlocks: true,
		Unroll:     true,
		Extensions: append([]string{"jinja2.ext.do", "jinja2.ext.loopcontrols"}, h.Extensions...),
		Filters:    filters, Tests: tests, AcceptsUndefined: ansible.AcceptsUndefined(), NameError: ansible.NameError(era),
		Globals: Globals(look),
	}
}

// Advice says what would make a name of a collection known where there is no
// Ansible; nothing for other names. kind is filter, test or lookup.
func (p *Plugins) Advice(kind, name string) string {
	parts := strings.Split(name, ".")
	if len(parts) < 3 || parts[0] == "ansible" && (parts[1] == "builtin" || parts[1] == "legacy") || p.finder.Install() != nil {
		return ""
	}
	return fmt.Sprintf("gorun has no such %s itself. One in Python of the collection %s.%s runs where Ansible and the collection are on this machine, and no Ansible is installed: "+
		"install ansible-core (apt install ansible-core, or pipx install ansible-core) and the collection, or name one with GORUN_ANSIBLE (ansible in [gorun] of ansible.cfg).", kind, parts[0], parts[1])
}
