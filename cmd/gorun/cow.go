package main

// This file finds the program cowsay, which draws banners where it is installed
// (https://docs.ansible.com/ansible/latest/reference_appendices/config.html#ansible-cow-path).

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"

	"gorun/engine/config"
)

// cowPaths are where cowsay is looked for.
var cowPaths = []string{"/usr/bin/cowsay", "/usr/games/cowsay", "/usr/local/bin/cowsay", "/opt/local/bin/cowsay"}

// findCow returns what draws a banner; nil without cowsay.
func findCow(cfg *config.Config) func(msg string) string {
	paths := cowPaths
	if p := cfg.Str("ANSIBLE_COW_PATH"); p != "" {
		paths = append([]string{p}, paths...)
	}
	i := slices.IndexFunc(paths, func(p string) bool {
		_, err := os.Stat(p)
		return err == nil
	})
	if i < 0 {
		return nil
	}
	cow := paths[i]
	list, err := exec.Command(cow, "-l").Output()
	if err != nil {
		return nil
	}
	known := strings.Fields(string(list))
	choice := cfg.Str("ANSIBLE_COW_SELECTION")
	var allowed []string
	for _, c := range cfg.List("ANSIBLE_COW_ACCEPTLIST") {
		if slices.Contains(known, c) {
			allowed = append(allowed, c)
		}
	}
	if choice != "random" && !slices.Contains(known, choice) {
		choice = ""
	}
	return func(msg string) string {
		args := []string{"-W", "60"}
		face := choice
		if face == "random" {
			face = append(allowed, "default")[rand.IntN(len(allowed)+1)]
		}
		if face != "" {
			args = append(args, "-f", face)
		}
		out, err := exec.Command(cow, append(args, msg)...).Output()
		if err != nil {
			return msg
		}
		return string(out) + "\n"
	}
}
