package packaging

// This file is the debconf module.

import (
	"context"
	"maps"
	"strings"

	"gorun/modules"
)

type debconfArgs struct {
	Name     string `arg:"name"`
	Question string `arg:"question"`
	VType    string `arg:"vtype"`
	Value    any    `arg:"value"`
	Unseen   bool   `arg:"unseen"`
}

// Debconf is ansible.builtin.debconf
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/debconf_module.html).
var Debconf = modules.Define(modules.Spec{
	Name: "ansible.builtin.debconf",
	Doc:  "Answers the questions that packages ask by debconf.",
	Options: []modules.Option{
		{Name: "name", Required: true, Aliases: []string{"pkg"}, Doc: "The package that asks."},
		{Name: "question", Aliases: []string{"selection", "setting"}, Doc: "The question."},
		{Name: "vtype", Choices: []string{"boolean", "error", "multiselect", "note", "password", "seen", "select", "string", "text", "title"}, Doc: "The kind of answer."},
		{Name: "value", Type: modules.Raw, Aliases: []string{"answer"}, Doc: "The answer."},
		{Name: "unseen", Type: modules.Bool, Default: false, Doc: "Leave the question unmarked as seen."},
	},
	Rules: modules.Rules{RequiredTogether: [][]string{{"question", "vtype", "value"}}},
}, runDebconf)

func runDebconf(ctx context.Context, m *modules.Run, a *debconfArgs) (*modules.Result, error) {
	now, err := debconfAnswers(ctx, m, a.Name)
	if err != nil {
		return nil, err
	}
	if a.Question == "" {
		return &modules.Result{Data: map[string]any{"current": now, "msg": ""}}, nil
	}
	want, err := debconfValue(a)
	if err != nil {
		return nil, err
	}
	before, asked := now[a.Question]
	same := asked && before == want
	if a.VType == "multiselect" {
		same = asked && sameMembers(before, want)
	}
	if a.VType == "password" {
		if want != "" {
			m.Secrets = append(m.Secrets, want)
		}
		if stored, err := debconfPassword(ctx, m, a.Name, a.Question); err != nil {
			return nil, err
		} else if stored != nil {
			same = *stored == want
		}
	}
	res := &modules.Result{Changed: !same, Data: map[string]any{"msg": "", "current": map[string]any{a.Question: want}}}
	if same {
		res.Data["current"] = now
		return res, nil
	}
	// Of a question that is new the other answers are told too, as Ansible does.
	previous := map[string]any{a.Question: ""}
	if asked {
		previous[a.Question] = before
	} else {
		for question, answer := range now {
			previous[question] = answer
		}
	}
	res.Data["previous"] = previous
	if m.Diff {
		after := maps.Clone(previous)
		after[a.Question] = want
		res.Diff = []modules.Diff{{Before: previous, After: after}}
	} else {
		res.Data["diff"] = map[string]any{} // as Ansible does
	}
	if m.Check {
		return res, nil
	}
	argv := []string{"debconf-set-selections"}
	if a.Unseen {
		argv = append(argv, "-u")
	}
	line := strings.Join([]string{a.Name, a.Question, a.VType, want}, " ")
	r, err := m.Command(ctx, modules.CommandOptions{Stdin: strings.NewReader(line + "\n")}, argv...)
	if err != nil {
		return nil, err
	}
	if r.RC != 0 {
		return nil, modules.FailWith(map[string]any{"rc": r.RC, "stderr": r.Stderr}, "%s", strings.TrimSpace(r.Stderr))
	}
	return res, nil
}

// debconfValue writes an answer as debconf stores it. As in Ansible a boolean
// answer is put into small letters and not judged further.
func debconfValue(a *debconfArgs) (string, error) {
	switch v := a.Value.(type) {
	case bool, string:
		text := modules.PyStr(v)
		if a.VType == "boolean" {
			text = strings.ToLower(text)
		}
		return text, nil
	case []any:
		var words []string
		for _, w := range v {
			s, ok := w.(string)
			if !ok {
				return "", modules.Failf("the answers of a multiselect are strings")
			}
			words = append(words, s)
		}
		return strings.Join(words, ", "), nil
	case nil:
		return "", nil
	}
	return "", modules.Failf("value is no string, boolean or list")
}

func sameMembers(a, b string) bool {
	members := func(s string) map[string]bool {
		set := map[string]bool{}
		for _, w := range strings.Split(s, ",") {
			if w = strings.TrimSpace(w); w != "" {
				set[w] = true
			}
		}
		return set
	}
	x, y := members(a), members(b)
	if len(x) != len(y) {
		return false
	}
	for w := range x {
		if !y[w] {
			return false
		}
	}
	return true
}

// debconfAnswers reads a package's answers by debconf-show, which hides
// passwords.
func debconfAnswers(ctx context.Context, m *modules.Run, name string) (map[string]string, error) {
	if _, err := m.RequireBin("debconf-show"); err != nil {
		return nil, err
	}
	r, err := m.Command(ctx, modules.CommandOptions{}, "debconf-show", name)
	if err != nil {
		return nil, err
	}
	if r.RC != 0 {
		return nil, modules.FailWith(map[string]any{"rc": r.RC}, "%s", strings.TrimSpace(r.Stderr))
	}
	return parseDebconfShow(r.Stdout), nil
}

func parseDebconfShow(out string) map[string]string {
	answers := map[string]string{}
	for line := range strings.Lines(out) {
		question, value, ok := strings.Cut(strings.TrimLeft(line, "* "), ":")
		if ok {
			answers[strings.TrimSpace(question)] = strings.TrimSpace(value)
		}
	}
	return answers
}

// debconfPassword asks debconf for a stored password; nil where there is none.
func debconfPassword(ctx context.Context, m *modules.Run, name, question string) (*string, error) {
	if m.BinPath("debconf-communicate") == "" {
		return nil, nil
	}
	r, err := m.Command(ctx, modules.CommandOptions{Stdin: strings.NewReader("GET " + question + "\n")}, "debconf-communicate", name)
	if err != nil || r.RC != 0 {
		return nil, err
	}
	if value, ok := strings.CutPrefix(strings.TrimRight(r.Stdout, "\n"), "0 "); ok {
		return &value, nil
	}
	return nil, nil
}
