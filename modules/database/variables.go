package database

// This file is the mysql_variables module.

import (
	"context"
	"regexp"
	"strings"

	"gorun/modules"
)

type variablesArgs struct {
	loginArgs
	Variable string  `arg:"variable"`
	Value    *string `arg:"value"`
	Mode     string  `arg:"mode"`
}

// MysqlVariables is community.mysql.mysql_variables
// (https://docs.ansible.com/ansible/latest/collections/community/mysql/mysql_variables_module.html).
var MysqlVariables = modules.Define(modules.Spec{
	Name:  "community.mysql.mysql_variables",
	Doc:   "Reads and sets the server's variables.",
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
	Options: withLogin(
		modules.Option{Name: "variable", Required: true, Doc: "The variable."},
		modules.Option{Name: "value", Doc: "Its value; not given, the variable is read."},
		modules.Option{Name: "mode", Default: "global", Choices: []string{"global", "persist", "persist_only"}, Doc: "Whether the value outlives a restart (MySQL 8)."},
	),
}, runVariables)

var variableForm = regexp.MustCompile(`^[0-9A-Za-z_.]+$`)

func runVariables(ctx context.Context, m *modules.Run, a *variablesArgs) (*modules.Result, error) {
	if !variableForm.MatchString(a.Variable) {
		return nil, modules.Failf("invalid variable name \"%s\"", a.Variable)
	}
	s, err := connect(ctx, m, &a.loginArgs)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if a.Mode != "global" && !s.atLeast(nil, []int{8, 0, 0}) {
		return nil, modules.Failf("mode %s: this server (%s) cannot persist variables", a.Mode, s.text)
	}
	query, args := "SHOW GLOBAL VARIABLES WHERE Variable_name = ?", []any{a.Variable}
	var name, current string
	found, err := s.one(ctx, query, args, &name, &current)
	if err == nil && a.Mode == "persist_only" && found {
		current = ""
		_, err = s.one(ctx, "SELECT VARIABLE_VALUE FROM performance_schema.persisted_variables WHERE VARIABLE_NAME = ?", args, &current)
	}
	if err != nil {
		return nil, modules.Failf("%w", err)
	}
	if !found {
		return nil, modules.Failf("Variable not available \"%s\"", a.Variable)
	}
	if a.Value == nil {
		return &modules.Result{Msg: current}, nil
	}
	if sameSetting(current, *a.Value) {
		return &modules.Result{Msg: "Variable is already set to requested value."}, nil
	}
	set := "SET " + strings.ToUpper(a.Mode) + " " + quoteVariable(a.Variable) + " = " + literal(*a.Value)
	if err := s.exec(ctx, set); err != nil {
		return nil, modules.Failf("%w", err)
	}
	return &modules.Result{Changed: true, Msg: "Variable change succeeded prev_value=" + current, Data: map[string]any{"queries": []string{set}}}, nil
}

// quoteVariable quotes the parts of a name that has a dot (plugins').
func quoteVariable(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = quoteName(p)
	}
	return strings.Join(parts, ".")
}

// sameSetting compares as the server shows: ON is 1 and yes.
func sameSetting(have, want string) bool {
	return have == want || switchWord(have) == switchWord(want) && switchWord(have) != ""
}

func switchWord(v string) string {
	switch strings.ToLower(v) {
	case "on", "1", "true", "yes":
		return "on"
	case "off", "0", "false", "no":
		return "off"
	}
	return ""
}
