package main

// This file defines gorun config, which is ansible-config: the settings, where
// they come from, and the file.

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/engine/config"
)

func configFlags() []cli.Flag {
	return []cli.Flag{
		verboseFlag(),
		str("config", "path to the configuration file", "c"),
		boolean("only-changed", "only settings that are not the default"),
		str("compat", "the generation of Ansible to behave as"),
	}
}

func runConfig(c *cli.Context) error {
	cfg, err := config.Load(config.Options{File: c.String("config")})
	if err != nil {
		return err
	}
	switch c.Args().First() {
	case "view":
		if cfg.File == "" {
			return fmt.Errorf("Invalid or no config file was supplied")
		}
		data, err := os.ReadFile(cfg.File)
		if err != nil {
			return err
		}
		_, err = c.App.Writer.Write(data)
		return err
	case "dump", "list":
		settings := cfg.All()
		slices.SortFunc(settings, func(a, b config.Setting) int { return strings.Compare(a.Name, b.Name) })
		for _, s := range settings {
			if c.Bool("only-changed") && s.Origin == "default" {
				continue
			}
			fmt.Fprintf(c.App.Writer, "%s(%s) = %s\n", s.Name, s.Origin, settingText(s.Value))
		}
		return nil
	}
	return usageError("config takes one of list, dump, view")
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
