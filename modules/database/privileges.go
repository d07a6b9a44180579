package database

// This file is privileges: as tasks write them, and as the server shows them.

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"gorun/modules"
)

// A grantSet maps what privileges are on ("*.*", "`db`.*", "`db`.`table`",
// "FUNCTION `db`.`f`") to the privileges there, in upper case and sorted; the
// grant option is the privilege GRANT.
type grantSet map[string][]string

// parsePrivileges reads the option priv: a dict {on: privileges}, or
// "on:PRIV,PRIV/on:PRIV".
func parsePrivileges(raw any) (grantSet, error) {
	out := grantSet{}
	add := func(on, list string) error {
		if strings.TrimSpace(on) == "" || strings.TrimSpace(list) == "" {
			return modules.Failf("invalid privileges string: %q is not of the form db.table:PRIV1,PRIV2", on+":"+list)
		}
		key := quoteObject(on)
		out[key] = canonical(append(out[key], splitPrivileges(list)...))
		return nil
	}
	switch priv := raw.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		keys := make([]string, 0, len(priv))
		for k := range priv {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			list := fmt.Sprint(priv[k])
			if many, ok := priv[k].([]any); ok {
				words := make([]string, len(many))
				for i, w := range many {
					words[i] = fmt.Sprint(w)
				}
				list = strings.Join(words, ",")
			}
			if err := add(k, list); err != nil {
				return nil, err
			}
		}
	case string:
		if strings.TrimSpace(priv) == "" {
			return nil, nil
		}
		for _, item := range strings.Split(priv, "/") {
			i := strings.LastIndexByte(item, ':')
			if i < 0 {
				return nil, modules.Failf("invalid privileges string: %q is not of the form db.table:PRIV1,PRIV2", item)
			}
			if err := add(item[:i], item[i+1:]); err != nil {
				return nil, err
			}
		}
	default:
		return nil, modules.Failf("priv parameter must be str or dict but %T was passed", raw)
	}
	if _, ok := out["*.*"]; !ok {
		out["*.*"] = []string{"USAGE"}
	}
	return out, nil
}

var objectKind = regexp.MustCompile(`(?i)^(FUNCTION|PROCEDURE)\s+`)

// quoteObject writes what a privilege is on with quotes: db.table becomes
// `db`.`table`; what is quoted already, and *, stays.
func quoteObject(on string) string {
	on = strings.TrimSpace(on)
	kind := ""
	if g := objectKind.FindStringSubmatch(on); g != nil {
		kind = strings.ToUpper(g[1]) + " "
		on = on[len(g[0]):]
	}
	if strings.Contains(on, "@") {
		return kind + on // a proxied account
	}
	db, table := splitObject(on)
	return kind + quotePart(db) + "." + quotePart(table)
}

// splitObject splits at the first dot outside back quotes.
func splitObject(on string) (db, table string) {
	quoted := false
	for i := 0; i < len(on); i++ {
		switch on[i] {
		case '`':
			quoted = !quoted
		case '.':
			if !quoted {
				return on[:i], on[i+1:]
			}
		}
	}
	return on, "*"
}

func quotePart(p string) string {
	if p = strings.TrimSpace(p); p == "*" || strings.HasPrefix(p, "`") {
		return p
	}
	return quoteName(p)
}

// splitPrivileges splits at commas outside parentheses.
func splitPrivileges(list string) []string {
	var out []string
	depth, start := 0, 0
	for i := 0; i <= len(list); i++ {
		switch {
		case i == len(list) || list[i] == ',' && depth == 0:
			if word := strings.TrimSpace(list[start:i]); word != "" {
				out = append(out, word)
			}
			start = i + 1
		case list[i] == '(':
			depth++
		case list[i] == ')':
			depth--
		}
	}
	return out
}

var columnList = regexp.MustCompile(`^(\w+(?:\s\w+)*)\s*\((.*)\)$`)

// canonical sorts privileges, in one spelling and without doubles. Columns are
// upper case and sorted: SELECT (A, B); the server does not mind.
func canonical(list []string) []string {
	var out []string
	for _, p := range list {
		p = strings.Join(strings.Fields(strings.ReplaceAll(strings.ToUpper(strings.TrimSpace(p)), "(", " (")), " ")
		switch p {
		case "ALL PRIVILEGES":
			p = "ALL"
		case "GRANT OPTION", "WITH GRANT OPTION":
			p = "GRANT"
		}
		if g := columnList.FindStringSubmatch(p); g != nil {
			columns := strings.Split(strings.ReplaceAll(g[2], "`", ""), ",")
			for i := range columns {
				columns[i] = strings.TrimSpace(columns[i])
			}
			slices.Sort(columns)
			p = g[1] + " (" + strings.Join(columns, ", ") + ")"
		}
		out = append(out, p)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var shownGrant = regexp.MustCompile("^GRANT (.+) ON (.+) TO (?:'(?:[^']|'')*'|`(?:[^`]|``)*`|\"[^\"]*\")(?:@(?:'[^']*'|`[^`]*`|\"[^\"]*\"))?(.*)$")

// parseGrant reads one line of SHOW GRANTS; ok is false for lines that are
// about roles.
func parseGrant(line string) (on string, privileges []string, ok bool) {
	g := shownGrant.FindStringSubmatch(line)
	if g == nil {
		return "", nil, false
	}
	privileges = splitPrivileges(g[1])
	if strings.Contains(g[3], "WITH GRANT OPTION") || strings.Contains(g[3], " GRANT OPTION") {
		privileges = append(privileges, "GRANT")
	}
	return quoteObject(strings.ReplaceAll(g[2], `"`, "`")), canonical(privileges), true
}

// union adds to a set, minus takes away.
func union(a, b []string) []string { return canonical(append(slices.Clone(a), b...)) }

func minus(a, b []string) []string {
	var out []string
	for _, p := range a {
		if !slices.Contains(b, p) {
			out = append(out, p)
		}
	}
	return out
}

func intersection(a, b []string) []string {
	var out []string
	for _, p := range a {
		if slices.Contains(b, p) {
			out = append(out, p)
		}
	}
	return out
}

// pythonList prints words as Python prints a list of strings.
func pythonList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + w + "'"
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
