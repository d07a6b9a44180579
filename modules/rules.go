package modules

// This file checks what options demand of each other and of their values.

import (
	"fmt"
	"slices"
	"strings"
)

func inSub(where []string) string {
	if len(where) == 0 {
		return ""
	}
	return " found in " + strings.Join(where, " -> ")
}

func checkExclusive(rules *Rules, params map[string]any, where []string) error {
	for _, group := range rules.MutuallyExclusive {
		if count(group, params) > 1 {
			return fmt.Errorf("parameters are mutually exclusive: %s%s", strings.Join(group, "|"), inSub(where))
		}
	}
	return nil
}

func count(names []string, params map[string]any) int {
	n := 0
	for _, name := range names {
		if _, ok := params[name]; ok {
			n++
		}
	}
	return n
}

func missing(names []string, params map[string]any) []string {
	var out []string
	for _, name := range names {
		if _, ok := params[name]; !ok {
			out = append(out, name)
		}
	}
	return out
}

func checkRequired(options []Option, params map[string]any, where []string) error {
	var names []string
	for i := range options {
		if options[i].Required {
			names = append(names, options[i].Name)
		}
	}
	lacks := missing(names, params)
	if lacks == nil {
		return nil
	}
	slices.Sort(lacks)
	return fmt.Errorf("missing required arguments: %s%s", strings.Join(lacks, ", "), inSub(where))
}

func checkChoices(o *Option, params map[string]any, where []string) error {
	v, given := params[o.Name]
	if len(o.Choices) == 0 || !given {
		return nil
	}
	if list, ok := v.([]any); ok {
		var wrong []string
		for _, e := range list {
			if s := pyStr(e); !slices.Contains(o.Choices, s) {
				wrong = append(wrong, s)
			}
		}
		if wrong == nil {
			return nil
		}
		return fmt.Errorf("value of %s must be one or more of: %s. Got no match for: %s%s",
			o.Name, strings.Join(o.Choices, ", "), strings.Join(wrong, ", "), inSub(where))
	}
	s := pyStr(v)
	if slices.Contains(o.Choices, s) {
		return nil
	}
	if o.Type == Bool {
		if slices.ContainsFunc(o.Choices, func(c string) bool { b, ok := boolWord(c); return ok && b == v }) {
			return nil
		}
	}
	if word, ok := boolChoice(s, o.Choices); ok && (o.Type == Str || o.Type == "") {
		params[o.Name] = word
		return nil
	}
	return fmt.Errorf("value of %s must be one of: %s, got: %s%s", o.Name, strings.Join(o.Choices, ", "), s, inSub(where))
}

// boolChoice finds the word that a YAML boolean was meant to be: with choices
// on and off, True is on.
func boolChoice(s string, choices []string) (string, bool) {
	if s != "True" && s != "False" {
		return "", false
	}
	found := ""
	for _, c := range choices {
		if b, ok := boolWord(c); ok && b == (s == "True") {
			if found != "" {
				return "", false
			}
			found = c
		}
	}
	return found, found != ""
}

// checkRules checks all rules but MutuallyExclusive, which comes before types.
func checkRules(rules *Rules, params map[string]any, where []string) error {
	for _, group := range rules.RequiredTogether {
		if n := count(group, params); n > 0 && n < len(group) {
			return fmt.Errorf("parameters are required together: %s%s", strings.Join(group, ", "), inSub(where))
		}
	}
	for _, group := range rules.RequiredOneOf {
		if count(group, params) == 0 {
			return fmt.Errorf("one of the following is required: %s%s", strings.Join(group, ", "), inSub(where))
		}
	}
	for _, rule := range rules.RequiredIf {
		if err := rule.check(params, where); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(rules.RequiredBy) {
		if params[key] == nil {
			continue
		}
		if lacks := missing(rules.RequiredBy[key], params); lacks != nil {
			return fmt.Errorf("missing parameter(s) required by '%s': %s%s", key, strings.Join(lacks, ", "), inSub(where))
		}
	}
	return nil
}

func (r *RequiredIf) check(params map[string]any, where []string) error {
	v, ok := params[r.Key]
	if !ok || pyStr(v) != pyStr(r.Value) {
		return nil
	}
	lacks := missing(r.Need, params)
	quantity := "all"
	if r.OneOf {
		quantity = "any"
		if len(lacks) < len(r.Need) {
			lacks = nil
		}
	}
	if lacks == nil {
		return nil
	}
	return fmt.Errorf("%s is %s but %s of the following are missing: %s%s",
		r.Key, pyStr(r.Value), quantity, strings.Join(lacks, ", "), inSub(where))
}
