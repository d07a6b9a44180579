package lookup

// This file holds the lookups that ask the system, the network, the inventory
// and the run.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sort"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
)

func lookupEnv(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		term, err := textTerm(t, "split")
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(term, " ")
		v, ok := os.LookupEnv(name)
		def, hasDef := c.opts["default"]
		switch {
		case ok:
			out = append(out, str(v))
		case hasDef && templates.IsUndefined(def):
			msg := "The \"env\" lookup, found an undefined variable: " + name
			if c.current() {
				msg = "The environment variable '" + name + "' is not set."
			}
			return nil, &templates.Error{Kind: templates.UndefinedError, Msg: msg, Got: name}
		case hasDef && def != templates.None:
			out = append(out, def)
		default:
			out = append(out, str(""))
		}
	}
	return out, nil
}

func lookupVars(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		name, ok := t.(templates.Str)
		if !ok {
			return nil, c.inEra(fmt.Errorf("Invalid setting identifier, \"%s\" is not a string, its a %s", text(t), class(t)), fmt.Errorf("Variable name must be 'str' not '%s'.", t.Type()))
		}
		v, found, err := c.variable(string(name))
		def, has := c.given("default")
		var te *templates.Error
		if errors.As(err, &te) && te.Kind == templates.UndefinedError && has && !c.current() {
			found, err = false, nil // 2.14 has the default for what a variable needs too
		}
		if err != nil && te != nil && te.Kind == templates.UndefinedError && !c.current() {
			twice := *te
			twice.Msg += ". " + te.Msg // the lookup templates by itself
			return nil, &twice
		}
		if err != nil {
			return nil, err
		}
		if !found || templates.IsUndefined(v) {
			if !has {
				msg := fmt.Sprintf("No variable found with this name: %s", name)
				if c.current() {
					msg = fmt.Sprintf("No variable named '%s' was found.", name)
				}
				return nil, &templates.Error{Kind: templates.UndefinedError, Msg: msg, Got: string(name)}
			}
			v = def
		}
		out = append(out, v)
	}
	return out, nil
}

func lookupVarnames(c *call) ([]templates.Value, error) {
	s, ok := c.env.Scope.(interface{ Names() []string })
	if !ok {
		return nil, errors.New("varnames: the variables cannot be listed here")
	}
	names := s.Names()
	sort.Strings(names)
	var found []templates.Value
	for _, t := range c.terms {
		if _, ok := t.(templates.Str); !ok {
			return nil, fmt.Errorf("Invalid setting identifier, \"%s\" is not a string, it is a %s", text(t), class(t))
		}
		re, err := pyre.Compile(text(t), 0)
		if err != nil {
			return nil, fmt.Errorf("Unable to use \"%s\" as a search parameter: %w", text(t), err)
		}
		for _, n := range slices.Compact(names) {
			if re.Search(n) != nil {
				found = append(found, str(n))
			}
		}
	}
	return found, nil
}

func lookupHostnames(c *call) ([]templates.Value, error) {
	if c.t.o.Match == nil {
		return nil, nil
	}
	var parts []string
	for _, t := range flattenAll(nil, c.terms) {
		parts = append(parts, text(t))
	}
	names, err := c.t.o.Match(strings.Join(parts, ":"))
	if err != nil {
		return nil, err
	}
	out := make([]templates.Value, len(names))
	for i, n := range names {
		out[i] = str(n)
	}
	return out, nil
}

// pluginSettings are the settings that ansible.cfg has for all of a kind, by the
// name that plugins of that kind have for it.
var pluginSettings = map[string]string{
	"connection.remote_user": "DEFAULT_REMOTE_USER", "connection.port": "DEFAULT_REMOTE_PORT", "connection.private_key_file": "DEFAULT_PRIVATE_KEY_FILE",
	"connection.timeout": "DEFAULT_TIMEOUT", "connection.host_key_checking": "HOST_KEY_CHECKING", "connection.pipelining": "ANSIBLE_PIPELINING",
	"shell.remote_tmp": "DEFAULT_REMOTE_TMP", "shell.common_remote_group": "COMMON_REMOTE_GROUP", "shell.world_readable_temp": "ALLOW_WORLD_READABLE_TMPFILES",
	"become.become_user": "DEFAULT_BECOME_USER", "become.become_exe": "DEFAULT_BECOME_EXE", "become.become_flags": "DEFAULT_BECOME_FLAGS",
	"cache.timeout": "CACHE_PLUGIN_TIMEOUT", "cache._timeout": "CACHE_PLUGIN_TIMEOUT", "cache._uri": "CACHE_PLUGIN_CONNECTION", "cache._prefix": "CACHE_PLUGIN_PREFIX",
}

func lookupConfig(c *call) ([]templates.Value, error) {
	missing, err1 := c.choice("on_missing", "error", "error", "skip", "warn")
	origin, err2 := c.flag("show_origin", false)
	kind, plugin := c.str("plugin_type", ""), c.str("plugin_name", "")
	var err3 error
	if kind != "" {
		_, err3 = c.choice("plugin_type", kind, "become", "cache", "callback", "cliconf", "connection", "httpapi", "inventory", "lookup", "netconf", "shell", "vars")
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	if (kind == "") != (plugin == "") {
		return nil, c.inEra(raise(optionsError, "Both plugin_type and plugin_name are required, cannot use one without the other"),
			raise(optionsError, "Both plugin_type and plugin_name are required, cannot use one without the other."))
	}
	var out []templates.Value
	for _, t := range c.terms {
		name, ok := t.(templates.Str)
		if !ok {
			return nil, c.inEra(raise(optionsError, "Invalid setting identifier, \"%s\" is not a string, its a %s", text(t), class(t)),
				raise(optionsError, "Invalid setting identifier, %s is not a <class 'str'>, its a %s.", text(t), class(t)))
		}
		v, from, found := c.setting(kind, string(name))
		if found {
			if origin && c.current() {
				v = templates.NewList(v, str(from))
			}
			out = append(out, v)
			continue
		}
		switch missing {
		case "skip":
		case "warn":
			c.t.o.Warn(text(c.noSetting(kind, plugin, string(name), "Skipping, did not find setting "+string(name))))
		default:
			why := "module 'ansible.constants' has no attribute '" + string(name) + "'"
			if kind != "" {
				why = fmt.Sprintf("Requested entry (plugin_type: %s plugin: %s setting: %s ) was not defined in configuration.", kind, plugin, name)
			}
			return nil, raise(lookupError, "%s", text(c.noSetting(kind, plugin, string(name), fmt.Sprintf("Unable to find setting %s. %s. %s", name, why, why))))
		}
	}
	return out, nil
}

// setting is a setting of ansible.cfg, or of plugins of a kind.
func (c *call) setting(kind, name string) (v templates.Value, origin string, ok bool) {
	if kind != "" {
		if name, ok = pluginSettings[kind+"."+strings.TrimPrefix(name, "ansible_")]; !ok {
			return nil, "", false
		}
	}
	if c.t.o.Config == nil || strings.Contains(name, ".") { // with a dot it is a key of the file
		return nil, "", false
	}
	return c.t.o.Config(name)
}

// noSetting says that there is no such setting; old are 2.14's words.
func (c *call) noSetting(kind, plugin, name, old string) templates.Value {
	switch {
	case !c.current():
		return str(old)
	case kind != "":
		return str(fmt.Sprintf("No config definition exists for '%s' for '%s' %s plugin.", name, plugin, kind))
	}
	return str(fmt.Sprintf("No config definition exists for '%s'.", name))
}

// run runs a command line by the shell in the playbook's folder.
func (c *call) run(line string) ([]byte, error) {
	cmd := exec.CommandContext(c.ctx, "/bin/sh", "-c", line)
	if v, ok, err := c.variable("playbook_dir"); ok && err == nil {
		cmd.Dir = text(v)
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("lookup_plugin.%s(%s) returned %d", c.short(), line, exit.ExitCode())
	}
	return out, err
}

func lookupPipe(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		b, err := c.run(text(t))
		if err != nil {
			return nil, err
		}
		out = append(out, str(strings.TrimRight(string(b), " \t\r\n\v\f")))
	}
	return out, nil
}

func lookupLines(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		b, err := c.run(text(t))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(b)) {
			out = append(out, str(strings.TrimRight(line, "\r\n")))
		}
	}
	return out, nil
}
