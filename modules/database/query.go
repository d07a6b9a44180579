package database

// This file is the mysql_query module.

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"gorun/modules"
)

type queryArgs struct {
	loginArgs
	Query             any            `arg:"query"`
	PositionalArgs    []any          `arg:"positional_args"`
	NamedArgs         map[string]any `arg:"named_args"`
	LoginDB           string         `arg:"login_db"`
	SessionVars       map[string]any `arg:"session_vars"`
	SingleTransaction bool           `arg:"single_transaction"`
}

// MysqlQuery is community.mysql.mysql_query
// (https://docs.ansible.com/ansible/latest/collections/community/mysql/mysql_query_module.html).
var MysqlQuery = modules.Define(modules.Spec{
	Name:  "community.mysql.mysql_query",
	Doc:   "Runs SQL statements.",
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
	Options: withLogin(
		modules.Option{Name: "query", Type: modules.Raw, Required: true, Doc: "A statement, or a list of them."},
		modules.Option{Name: "positional_args", Type: modules.List, Elements: modules.Raw, Doc: "Values for the %s in the statements."},
		modules.Option{Name: "named_args", Type: modules.Dict, Doc: "Values for the %(name)s in the statements."},
		modules.Option{Name: "login_db", Doc: "The default database."},
		modules.Option{Name: "session_vars", Type: modules.Dict, Doc: "Variables to set for the session first."},
		modules.Option{Name: "single_transaction", Type: modules.Bool, Default: false, Doc: "Run all statements in one transaction."},
	),
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"positional_args", "named_args"}}},
}, runQuery)

// changingWords begin statements that change something whatever they count.
var changingWords = map[string]bool{"CREATE": true, "DROP": true, "ALTER": true, "RENAME": true, "TRUNCATE": true, "GRANT": true, "REVOKE": true}

// countedWords begin statements that change something where they touch rows.
var countedWords = map[string]bool{"INSERT": true, "UPDATE": true, "DELETE": true, "REPLACE": true, "LOAD": true}

func runQuery(ctx context.Context, m *modules.Run, a *queryArgs) (*modules.Result, error) {
	var queries []string
	switch q := a.Query.(type) {
	case string:
		queries = []string{q}
	case []any:
		for _, one := range q {
			text, ok := one.(string)
			if !ok {
				return nil, modules.Failf("the query option value must be a string or list, passed %T", one)
			}
			queries = append(queries, text)
		}
	default:
		return nil, modules.Failf("the query option value must be a string or list, passed %T", a.Query)
	}
	config, err := a.driverConfig(m)
	if err != nil {
		return nil, err
	}
	config.DBName = a.LoginDB
	s, err := open(ctx, m, &a.loginArgs, config)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.prepareSession(ctx, true, false, a.SessionVars); err != nil {
		return nil, err
	}
	if a.SingleTransaction {
		if _, err := s.conn.ExecContext(ctx, "START TRANSACTION"); err != nil {
			return nil, modules.Failf("%w", sqlError(err))
		}
	}
	res := &modules.Result{}
	results, counts, executed := []any{}, []int64{}, []string{}
	for _, q := range queries {
		bound, err := bind(q, a)
		if err != nil {
			return nil, err
		}
		rows, count, err := s.query(ctx, bound)
		if err != nil {
			// The connection ends with the module, and with it the transaction.
			return nil, modules.Failf("Cannot execute SQL '%s' args [%s]: %w", q, shownArgs(a), err)
		}
		word, _, _ := strings.Cut(strings.TrimLeft(q, " \t\n("), " ")
		word = strings.ToUpper(strings.TrimSpace(word))
		res.Changed = res.Changed || changingWords[word] || countedWords[word] && count > 0
		results, counts, executed = append(results, rows), append(counts, count), append(executed, bound)
	}
	if a.SingleTransaction {
		if _, err := s.conn.ExecContext(ctx, "COMMIT"); err != nil {
			return nil, modules.Failf("%w", sqlError(err))
		}
	}
	res.Data = map[string]any{"executed_queries": executed, "query_result": results, "rowcount": counts}
	return res, nil
}

func shownArgs(a *queryArgs) string {
	switch {
	case a.PositionalArgs != nil:
		return fmt.Sprint(a.PositionalArgs)
	case a.NamedArgs != nil:
		return fmt.Sprint(a.NamedArgs)
	}
	return "None"
}

var placeholder = regexp.MustCompile(`%%|%s|%\((\w+)\)s`)

// bind puts the values into a statement as Python's drivers do. Without values
// a statement stays as it is.
func bind(query string, a *queryArgs) (string, error) {
	if a.PositionalArgs == nil && a.NamedArgs == nil {
		return query, nil
	}
	next := 0
	var failure error
	bound := placeholder.ReplaceAllStringFunc(query, func(p string) string {
		g := placeholder.FindStringSubmatch(p)
		switch {
		case p == "%%":
			return "%"
		case g[1] != "":
			v, ok := a.NamedArgs[g[1]]
			if !ok {
				failure = modules.Failf("named_args has no %q, which the query needs", g[1])
			}
			return sqlValue(v)
		case next >= len(a.PositionalArgs):
			failure = modules.Failf("positional_args has %d values, the query needs more", len(a.PositionalArgs))
			return p
		}
		next++
		return sqlValue(a.PositionalArgs[next-1])
	})
	if failure == nil && a.PositionalArgs != nil && next < len(a.PositionalArgs) {
		failure = modules.Failf("positional_args has %d values, the query takes %d", len(a.PositionalArgs), next)
	}
	return bound, failure
}

// sqlValue writes a value as a literal; strings stay strings.
func sqlValue(v any) string {
	if s, ok := v.(string); ok {
		return quoteText(s)
	}
	return literal(v)
}

// query runs one statement: rows for those that answer with some, else the
// count of rows that it touched.
func (s *server) query(ctx context.Context, text string) ([]map[string]any, int64, error) {
	if answersWithRows(text) {
		rows, err := s.rows(ctx, text)
		return rows, int64(len(rows)), err
	}
	r, err := s.conn.ExecContext(ctx, text)
	if err != nil {
		return nil, 0, sqlError(err)
	}
	count, err := r.RowsAffected()
	return []map[string]any{}, count, err
}

func answersWithRows(text string) bool {
	word := strings.ToUpper(strings.TrimLeft(text, " \t\n("))
	for _, w := range []string{"SELECT", "SHOW", "DESC", "EXPLAIN", "WITH", "CHECK", "ANALYZE", "CALL", "TABLE", "VALUES", "OPTIMIZE", "REPAIR", "CHECKSUM", "HELP"} {
		if strings.HasPrefix(word, w) {
			return true
		}
	}
	return strings.Contains(word, " RETURNING ")
}
