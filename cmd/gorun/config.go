package main

// This file defines gorun config, which is ansible-config: the settings, where
// they come from, and the file.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"gopkg.in/yaml.v3"

	"gorun/engine/config"
)

func configFlags() []cli.Flag {
	return []cli.Flag{
		verboseFlag(),
		str("config", "path to the configuration file", "c"),
		boolean("only-changed", "only settings that are not the default", "changed-only"),
		str("format", "how list and dump print: display (dump's default), json, or yaml; init: ini", "f"),
		boolean("disabled", "init: every setting is a comment"),
		str("type", "base, the only type here: plugins' settings are among them", "t"),
		str("compat", "the generation of Ansible to behave as"),
	}
}

func runConfig(c *cli.Context) error {
	if t := c.String("type"); t != "" && t != "base" && t != "all" {
		return usageError("config: -t takes base or all: settings of plugins are listed with the others")
	}
	cfg, err := config.Load(config.Options{File: c.String("config")})
	action := c.Args().First()
	if err != nil && action != "validate" {
		speakEra(c, cfg)
		return err
	}
	w := c.App.Writer
	switch action {
	case "view":
		if cfg.File == "" {
			return errors.New("Invalid or no config file was supplied")
		}
		data, err := os.ReadFile(cfg.File)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	case "dump":
		return configDump(w, cfg, c.String("format"), c.Bool("only-changed"))
	case "list":
		return configList(w, c.String("format"))
	case "init":
		return configInit(w, c.String("format"), c.Bool("disabled"))
	case "validate":
		return configValidate(w, cfg, err)
	}
	return actionError(action, []string{"list", "dump", "view", "init", "validate"})
}

// printAs prints v as JSON or YAML.
func printAs(w io.Writer, v any, format string) error {
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "    ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	case "yaml":
		enc := yaml.NewEncoder(w)
		enc.SetIndent(2)
		return enc.Encode(v)
	}
	return usageError("config: format '" + format + "' is not known here (display, json, yaml, ini)")
}

func configDump(w io.Writer, cfg *config.Config, format string, onlyChanged bool) error {
	settings := cfg.All()
	if onlyChanged {
		settings = slices.DeleteFunc(settings, func(s config.Setting) bool { return s.Origin == "default" })
	}
	if format != "" && format != "display" {
		list := make([]map[string]any, len(settings))
		for i, s := range settings {
			list[i] = map[string]any{"name": s.Name, "origin": s.Origin, "value": s.Value}
		}
		return printAs(w, list, format)
	}
	for _, s := range settings {
		fmt.Fprintf(w, "%s(%s) = %s\n", s.Name, s.Origin, settingText(s.Value))
	}
	return nil
}

// A listed is a setting as config list shows it.
type listed struct {
	Default any      `json:"default" yaml:"default"`
	Env     []string `json:"env,omitempty" yaml:"env,omitempty"`
	INI     []string `json:"ini,omitempty" yaml:"ini,omitempty"`
	Choices []string `json:"choices,omitempty" yaml:"choices,omitempty"`
	Type    string   `json:"type" yaml:"type"`
	Gorun   string   `json:"gorun" yaml:"gorun"`
}

func configList(w io.Writer, format string) error {
	out := map[string]listed{}
	for _, d := range config.Describe() {
		l := listed{Env: d.Env, INI: d.INI, Choices: d.Choices, Type: d.Type, Gorun: effect(d)}
		if d.Default != "" {
			l.Default = d.Default
		}
		out[d.Name] = l
	}
	return printAs(w, out, firstOf(format, "yaml"))
}

// effect says what gorun does with a setting.
func effect(d config.Description) string {
	switch {
	case d.Honoured:
		return "honoured"
	case d.Harmless:
		return "accepted: nothing depends on it"
	}
	return "not supported: a value other than the default is warned of"
}

// configInit prints a file of every setting that has an effect, with its default.
func configInit(w io.Writer, format string, disabled bool) error {
	if format != "" && format != "ini" {
		return usageError("config init: format '" + format + "' is not known here (ini)")
	}
	sections := map[string][]string{}
	sign := ""
	if disabled {
		sign = ";"
	}
	for _, d := range config.Describe() {
		if len(d.INI) == 0 || !d.Honoured {
			continue
		}
		section, key, _ := strings.Cut(d.INI[len(d.INI)-1], ".")
		note := "# (" + d.Type + ") " + d.Name
		if len(d.Env) > 0 {
			note += ", also " + d.Env[len(d.Env)-1]
		}
		if len(d.Choices) > 0 {
			note += ": " + strings.Join(d.Choices, ", ")
		}
		value := strings.ReplaceAll(d.Default, "{{ANSIBLE_HOME}}", "~/.ansible")
		sections[section] = append(sections[section], note+"\n"+sign+key+"="+value+"\n")
	}
	names := make([]string, 0, len(sections))
	for name := range sections {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "[%s]\n%s\n", name, strings.Join(sections[name], "\n"))
	}
	return nil
}

// configValidate tells what is wrong with the file and the environment.
func configValidate(w io.Writer, cfg *config.Config, err error) error {
	if err != nil {
		return err
	}
	var wrong []string
	for _, u := range cfg.Unknown() {
		wrong = append(wrong, u+" is no setting")
	}
	for _, s := range cfg.NotHonoured() {
		wrong = append(wrong, fmt.Sprintf("%s (%s) has no effect in gorun", s.Name, s.Origin))
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n"))
	}
	fmt.Fprintln(w, "All configurations seem valid!")
	return nil
}

// settingText prints a value as Python's repr does, which ansible-config shows.
func settingText(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case []string:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = "'" + w + "'"
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return fmt.Sprint(v)
}
