package main

// This file defines gorun doc, which is ansible-doc for what gorun has: the
// modules' Specs are their documentation.

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/engine/action"
	"gorun/engine/spell"
	"gorun/modules"
	"gorun/modules/registry"
)

func docFlags() []cli.Flag {
	return []cli.Flag{
		verboseFlag(),
		boolean("list", "list what there is", "l"),
		boolean("snippet", "show a task to copy", "s"),
		boolean("json", "print JSON", "j"),
		str("type", "what kind: module (default), keyword, filter, test, lookup, callback, connection, become, inventory, strategy, vars, cache", "t"),
		str("compat", "the generation of Ansible to behave as"),
	}
}

func runDoc(c *cli.Context) error {
	if t := c.String("type"); t != "" && t != "module" {
		return docPlugins(c, t)
	}
	specs := allSpecs()
	if c.Bool("list") {
		for _, s := range specs {
			fmt.Fprintf(c.App.Writer, "%-48s %s\n", s.Name, firstSentence(s.Doc))
		}
		return nil
	}
	if c.Args().Len() == 0 {
		return usageError("doc: name a module, or -l for a list")
	}
	for _, name := range c.Args().Slice() {
		spec, err := findSpec(specs, name)
		if err != nil {
			return err
		}
		switch {
		case c.Bool("json"):
			err = writeSpecJSON(c.App.Writer, spec)
		case c.Bool("snippet"):
			writeSnippet(c.App.Writer, spec)
		default:
			writeSpec(c.App.Writer, spec)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// allSpecs are the Specs of the agent's and the controller's modules, by name.
func allSpecs() []*modules.Spec {
	var specs []*modules.Spec
	for _, m := range append(slices.Clone(registry.All), controllerModules...) {
		specs = append(specs, &m.Spec)
	}
	slices.SortFunc(specs, func(a, b *modules.Spec) int { return strings.Compare(a.Name, b.Name) })
	return specs
}

func findSpec(specs []*modules.Spec, name string) (*modules.Spec, error) {
	full, _ := action.Route(name, nil)
	var names []string
	for _, s := range specs {
		if s.Name == full || s.Name == name {
			return s, nil
		}
		names = append(names, s.Name, s.Name[strings.LastIndexByte(s.Name, '.')+1:])
	}
	msg := "module " + name + " not found"
	if best := spell.Nearest(name, names); best != "" {
		msg += " (did you mean '" + best + "'?)"
	}
	return nil, fmt.Errorf("%s", msg)
}

func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i]
	}
	return strings.TrimSuffix(s, ".")
}

func writeSpec(w io.Writer, s *modules.Spec) {
	fmt.Fprintf(w, "> %s\n\n    %s\n\nOPTIONS (= is mandatory):\n\n", strings.ToUpper(s.Name), s.Doc)
	for _, o := range s.Options {
		writeOption(w, o, "")
	}
	fmt.Fprintf(w, "ATTRIBUTES:\n\n    check_mode: %s\n    diff_mode: %s\n\n", supportText(s.Check), supportText(s.Diff))
}

func writeOption(w io.Writer, o modules.Option, indent string) {
	sign := "-"
	if o.Required {
		sign = "="
	}
	fmt.Fprintf(w, "%s%s %s\n", indent, sign, o.Name)
	if o.Doc != "" {
		fmt.Fprintf(w, "%s        %s\n", indent, o.Doc)
	}
	if o.Ignored != "" {
		fmt.Fprintf(w, "%s        (accepted without effect: %s)\n", indent, o.Ignored)
	}
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s        %s: %s\n", indent, key, value)
		}
	}
	line("aliases", strings.Join(o.Aliases, ", "))
	line("choices", strings.Join(o.Choices, ", "))
	if o.Default != nil {
		line("default", fmt.Sprint(o.Default))
	}
	line("elements", string(o.Elements))
	line("type", typeText(o.Type))
	for _, sub := range o.Options {
		writeOption(w, sub, indent+"        ")
	}
	fmt.Fprintln(w)
}

func typeText(t modules.Type) string {
	if t == "" {
		return string(modules.Str)
	}
	return string(t)
}

func supportText(s modules.Support) string {
	switch s {
	case modules.Full:
		return "full"
	case modules.Partial:
		return "partial"
	}
	return "none"
}

func writeSnippet(w io.Writer, s *modules.Spec) {
	short := s.Name[strings.LastIndexByte(s.Name, '.')+1:]
	fmt.Fprintf(w, "- name: %s\n  %s:\n", firstSentence(s.Doc), short)
	for _, o := range s.Options {
		note := o.Doc
		if o.Required {
			note = "(required) " + note
		}
		fmt.Fprintf(w, "      %-22s # %s\n", o.Name+":", note)
	}
}

func writeSpecJSON(w io.Writer, s *modules.Spec) error {
	options := map[string]any{}
	for _, o := range s.Options {
		options[o.Name] = optionJSON(o)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "    ")
	return enc.Encode(map[string]any{s.Name: map[string]any{"doc": map[string]any{
		"module": s.Name[strings.LastIndexByte(s.Name, '.')+1:], "short_description": firstSentence(s.Doc),
		"description": []string{s.Doc}, "options": options,
		"attributes": map[string]any{
			"check_mode": map[string]string{"support": supportText(s.Check)},
			"diff_mode":  map[string]string{"support": supportText(s.Diff)},
		},
	}}})
}

func optionJSON(o modules.Option) map[string]any {
	m := map[string]any{"type": typeText(o.Type), "description": []string{o.Doc}, "required": o.Required}
	if o.Default != nil {
		m["default"] = o.Default
	}
	if len(o.Choices) > 0 {
		m["choices"] = o.Choices
	}
	if len(o.Aliases) > 0 {
		m["aliases"] = o.Aliases
	}
	if o.Elements != "" {
		m["elements"] = string(o.Elements)
	}
	if len(o.Options) > 0 {
		sub := map[string]any{}
		for _, so := range o.Options {
			sub[so.Name] = optionJSON(so)
		}
		m["suboptions"] = sub
	}
	return m
}
