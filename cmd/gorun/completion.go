package main

// This file defines gorun completion: scripts that complete commands and
// options in a shell, made from the same lists that the commands use.

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/engine/config"
)

func noFlags() []cli.Flag { return nil }

func runCompletion(c *cli.Context) error {
	var write func(io.Writer)
	switch c.Args().First() {
	case "bash":
		write = bashCompletion
	case "zsh":
		write = func(w io.Writer) {
			fmt.Fprintln(w, "autoload -U +X bashcompinit && bashcompinit")
			bashCompletion(w)
		}
	case "fish":
		write = fishCompletion
	default:
		return usageError("completion takes one of bash, zsh, fish")
	}
	write(c.App.Writer)
	return nil
}

// optionWords are the options of a command as they are typed.
func optionWords(cmd command) []string {
	words := []string{"--help", "--version", "-h"}
	for _, f := range cmd.flags() {
		for _, n := range f.Names() {
			if len(n) == 1 {
				words = append(words, "-"+n)
			} else {
				words = append(words, "--"+n)
			}
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

func bashCompletion(w io.Writer) {
	fmt.Fprint(w, "_gorun() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} words\n\tcase ${COMP_WORDS[0]##*/}:${COMP_WORDS[1]} in\n")
	all := commands()
	for _, c := range all[1:] {
		pattern := "gorun:" + c.name
		if c.alias != "" {
			pattern += "|" + c.alias + ":*"
		}
		fmt.Fprintf(w, "\t%s) words=%q ;;\n", pattern, strings.Join(optionWords(c), " "))
	}
	fmt.Fprintf(w, "\t*) words=%q ;;\n\tesac\n", strings.Join(optionWords(all[0]), " "))
	fmt.Fprintf(w, "\tif [[ $cur == -* ]]; then\n\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n\telif [[ $COMP_CWORD == 1 && ${COMP_WORDS[0]##*/} == gorun ]]; then\n\t\tCOMPREPLY=($(compgen -W %q -- \"$cur\") $(compgen -f -- \"$cur\"))\n\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\tfi\n}\n",
		strings.ReplaceAll(commandNames(), ",", ""))
	names := []string{"gorun"}
	for _, c := range all {
		if c.alias != "" {
			names = append(names, c.alias)
		}
	}
	fmt.Fprintf(w, "complete -o filenames -F _gorun %s\n", strings.Join(names, " "))
}

func fishCompletion(w io.Writer) {
	for _, c := range commands() {
		fmt.Fprintf(w, "complete -c gorun -n __fish_use_subcommand -a %s -d '%s'\n", c.name, c.usage)
		for _, f := range c.flags() {
			fmt.Fprintf(w, "complete -c gorun -n '__fish_seen_subcommand_from %s'", c.name)
			for _, n := range f.Names() {
				if len(n) == 1 {
					fmt.Fprintf(w, " -s %s", n)
				} else {
					fmt.Fprintf(w, " -l %s", n)
				}
			}
			fmt.Fprintln(w)
		}
	}
}

// writeVersion prints the version and what a report of a problem needs, in the
// form of ansible --version.
func writeVersion(w io.Writer, cmd command) error {
	cfg, err := config.Load(config.Options{})
	if err != nil {
		return err
	}
	file := cfg.File
	if file == "" {
		file = "None"
	}
	_, err = fmt.Fprintf(w, "gorun %s [%s]\n  config file = %s\n  roles path = %s\n  collections path = %s\n  go version = %s (%s/%s)\n",
		version(), cmd.name, file, strings.Join(cfg.PathList("DEFAULT_ROLES_PATH"), ":"),
		strings.Join(cfg.PathList("COLLECTIONS_PATHS"), ":"), strings.TrimPrefix(runtime.Version(), "go"), runtime.GOOS, runtime.GOARCH)
	return err
}
