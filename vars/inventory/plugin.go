package inventory

// This file runs inventory plugins that a YAML file configures.

import (
	"errors"
	"fmt"

	"gorun/templates"
)

// A PluginFunc fills an inventory from a plugin's configuration.
type PluginFunc func(b *Builder, config *templates.Dict) error

// plugins are those that come with gorun.
var plugins = map[string]PluginFunc{
	"constructed": constructedPlugin,
	"generator":   generatorPlugin,
}

// plugin finds a plugin by its full name or the last part of it.
func (b *Builder) plugin(name string) PluginFunc {
	if p := b.inv.o.Plugins[name]; p != nil {
		return p
	}
	for full, p := range b.inv.o.Plugins {
		if shortName(full) == name {
			return p
		}
	}
	switch name {
	case shortName(name), "ansible.builtin." + shortName(name), "ansible.legacy." + shortName(name):
		return plugins[shortName(name)]
	}
	return nil
}

// pluginConfig reads the configuration of a plugin and its name, "" where the
// file is none.
func pluginConfig(b *Builder) (*templates.Dict, string, error) {
	v, err := loadYAML(b)
	if err != nil {
		return nil, "", err
	}
	d, ok := v.(*templates.Dict)
	if !ok {
		return nil, "", nil
	}
	p, _ := d.GetStr("plugin")
	name, _ := text(p)
	return d, name, nil
}

// parseAuto reads a configuration with the plugin that it names.
func parseAuto(b *Builder) error {
	config, name, err := pluginConfig(b)
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("no root 'plugin' key found, '%s' is not a valid YAML inventory plugin config file", b.Source)
	}
	p := b.plugin(name)
	if p != nil {
		return p(b, config)
	}
	var missing *NoPluginError
	switch err := b.foreign(name, true); {
	case errors.As(err, &missing):
		return fmt.Errorf("inventory config '%s' specifies unknown plugin '%s'%s", b.Source, name, missing.need())
	case errors.Is(err, ErrDeclined):
		return fmt.Errorf("inventory source '%s' could not be verified by inventory plugin '%s'", b.Source, name)
	default:
		return err
	}
}

// parserOf finds the parser that enable_plugins names: gorun's own by its short
// name or under ansible.builtin, a cloud's by its full name, else one that is
// not gorun's.
func (l *loader) parserOf(name string) parser {
	short := shortName(name)
	if name == short || name == "ansible.builtin."+short || name == "ansible.legacy."+short {
		if p, ok := parsers[short]; ok {
			return p
		}
	}
	if run := l.inv.o.Plugins[name]; run != nil {
		return parser{hasExt(".yml", ".yaml"), func(b *Builder) error {
			config, got, err := pluginConfig(b)
			if err != nil {
				return err
			}
			if got != name && got != short {
				return fmt.Errorf("Incorrect plugin name in file: %s", orNone(got))
			}
			return run(b, config)
		}}
	}
	return parser{func(*Builder) bool { return true }, func(b *Builder) error { return b.foreign(name, false) }}
}

// configured reads a configuration with one plugin.
func configured(want string) func(b *Builder) error {
	return func(b *Builder) error {
		config, name, err := pluginConfig(b)
		if err != nil {
			return err
		}
		if shortName(name) != want {
			return fmt.Errorf("Incorrect plugin name in file: %s", orNone(name))
		}
		return plugins[want](b, config)
	}
}

func orNone(s string) string {
	if s == "" {
		return "none found"
	}
	return s
}
