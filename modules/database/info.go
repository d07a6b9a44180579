package database

// This file is the mysql_info module.

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorun/modules"
)

type infoArgs struct {
	loginArgs
	Filter         []string `arg:"filter"`
	ExcludeFields  []string `arg:"exclude_fields"`
	ReturnEmptyDBs bool     `arg:"return_empty_dbs"`
	LoginDB        string   `arg:"login_db"`
}

// MysqlInfo is community.mysql.mysql_info
// (https://docs.ansible.com/ansible/latest/collections/community/mysql/mysql_info_module.html).
var MysqlInfo = modules.Define(modules.Spec{
	Name: "community.mysql.mysql_info",
	Doc:  "Reports on a server: version, databases, settings, users, replication.",
	Diff: modules.NoSupport,
	Options: withLogin(
		modules.Option{Name: "filter", Type: modules.List, Elements: modules.Str, Doc: "What to report; a name after ! is left out."},
		modules.Option{Name: "exclude_fields", Type: modules.List, Elements: modules.Str, Doc: "Fields to leave out: db_size."},
		modules.Option{Name: "return_empty_dbs", Type: modules.Bool, Default: false, Doc: "Report databases without tables, too."},
		modules.Option{Name: "login_db", Doc: "The default database."},
	),
}, runInfo)

// An infoPart is one thing to report.
type infoPart struct {
	name    string
	collect func(ctx context.Context, s *server, a *infoArgs) (any, error)
}

var infoParts = []infoPart{
	{"databases", infoDatabases},
	{"engines", infoEngines},
	{"global_status", func(ctx context.Context, s *server, _ *infoArgs) (any, error) {
		return s.pairs(ctx, "SHOW GLOBAL STATUS")
	}},
	{"master_status", func(ctx context.Context, s *server, _ *infoArgs) (any, error) {
		r := &replication{server: s, replicationArgs: &replicationArgs{}}
		rows, err := s.rows(ctx, r.word("SHOW MASTER STATUS", "SHOW BINARY LOG STATUS", nil, []int{8, 2, 0}))
		if err != nil || len(rows) == 0 {
			return map[string]any{}, err
		}
		return rows[0], nil
	}},
	{"settings", func(ctx context.Context, s *server, _ *infoArgs) (any, error) {
		return s.pairs(ctx, "SHOW GLOBAL VARIABLES")
	}},
	{"slave_hosts", infoReplicas},
	{"slave_status", infoReplicaStatus},
	{"users", infoUsers},
	{"version", infoVersion},
}

func runInfo(ctx context.Context, m *modules.Run, a *infoArgs) (*modules.Result, error) {
	var known, include, exclude []string
	for _, p := range infoParts {
		known = append(known, p.name)
	}
	for _, f := range a.Filter {
		name, not := strings.CutPrefix(strings.TrimSpace(f), "!")
		switch {
		case !slices.Contains(known, name):
			m.Warn("filter element '%s' is not allowable, ignored", name)
		case not:
			exclude = append(exclude, name)
		default:
			include = append(include, name)
		}
	}
	s, err := connect(ctx, m, &a.loginArgs)
	if err != nil {
		return nil, err
	}
	defer s.close()
	data := map[string]any{"server_engine": map[bool]string{true: "MariaDB", false: "MySQL"}[s.mariadb],
		"connector_name": "go-sql-driver/mysql", "connector_version": ""}
	for _, p := range infoParts {
		if len(include) > 0 && !slices.Contains(include, p.name) || slices.Contains(exclude, p.name) {
			continue
		}
		if data[p.name], err = p.collect(ctx, s, a); err != nil {
			return nil, modules.Failf("cannot read %s: %w", p.name, err)
		}
	}
	return &modules.Result{Data: data}, nil
}

// pairs makes a map of two columns; whole numbers are numbers.
func (s *server) pairs(ctx context.Context, query string) (map[string]any, error) {
	rows, err := s.rows(ctx, query)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(rows))
	for _, r := range rows {
		out[fmt.Sprint(r["Variable_name"])] = plain([]byte(fmt.Sprint(r["Value"])), "INT")
	}
	return out, nil
}

func infoDatabases(ctx context.Context, s *server, a *infoArgs) (any, error) {
	out := map[string]any{}
	if a.ReturnEmptyDBs {
		all, err := s.column(ctx, "SHOW DATABASES")
		if err != nil {
			return nil, err
		}
		for _, n := range all {
			out[n] = map[string]any{"size": 0}
		}
	}
	if slices.Contains(a.ExcludeFields, "db_size") {
		names, err := s.column(ctx, "SELECT DISTINCT TABLE_SCHEMA FROM information_schema.TABLES")
		for _, n := range names {
			out[n] = map[string]any{}
		}
		for n := range out {
			out[n] = map[string]any{}
		}
		return out, err
	}
	rows, err := s.rows(ctx, "SELECT TABLE_SCHEMA AS name, CAST(SUM(COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0)) AS SIGNED) AS size FROM information_schema.TABLES GROUP BY TABLE_SCHEMA")
	for _, r := range rows {
		out[fmt.Sprint(r["name"])] = map[string]any{"size": r["size"]}
	}
	return out, err
}

func infoEngines(ctx context.Context, s *server, _ *infoArgs) (any, error) {
	rows, err := s.rows(ctx, "SHOW ENGINES")
	out := map[string]any{}
	for _, r := range rows {
		name := fmt.Sprint(r["Engine"])
		delete(r, "Engine")
		out[name] = r
	}
	return out, err
}

func infoReplicas(ctx context.Context, s *server, _ *infoArgs) (any, error) {
	query := "SHOW SLAVE HOSTS"
	if s.atLeast([]int{10, 5, 1}, []int{8, 0, 22}) {
		query = map[bool]string{true: "SHOW REPLICA HOSTS", false: "SHOW REPLICAS"}[s.mariadb]
	}
	rows, err := s.rows(ctx, query)
	out := map[string]any{}
	for _, r := range rows {
		id := fmt.Sprint(r["Server_id"])
		delete(r, "Server_id")
		out[id] = r
	}
	return out, err
}

func infoReplicaStatus(ctx context.Context, s *server, _ *infoArgs) (any, error) {
	query := map[bool]string{true: "SHOW ALL SLAVES STATUS", false: "SHOW SLAVE STATUS"}[s.mariadb]
	if !s.mariadb && s.atLeast(nil, []int{8, 0, 22}) {
		query = "SHOW REPLICA STATUS"
	}
	rows, err := s.rows(ctx, query)
	out := map[string]any{}
	for _, r := range rows {
		value := func(keys ...string) string {
			for _, k := range keys {
				if v, ok := r[k]; ok {
					return fmt.Sprint(v)
				}
			}
			return ""
		}
		host, port, user := value("Master_Host", "Source_Host"), value("Master_Port", "Source_Port"), value("Master_User", "Source_User")
		ports, _ := out[host].(map[string]any)
		if ports == nil {
			ports = map[string]any{}
			out[host] = ports
		}
		users, _ := ports[port].(map[string]any)
		if users == nil {
			users = map[string]any{}
			ports[port] = users
		}
		users[user] = r
	}
	return out, err
}

func infoUsers(ctx context.Context, s *server, _ *infoArgs) (any, error) {
	rows, err := s.rows(ctx, "SELECT * FROM mysql.user")
	out := map[string]any{}
	for _, r := range rows {
		host, user := fmt.Sprint(r["Host"]), fmt.Sprint(r["User"])
		for _, k := range []string{"Host", "User", "authentication_string", "Password"} {
			delete(r, k)
		}
		byUser, _ := out[host].(map[string]any)
		if byUser == nil {
			byUser = map[string]any{}
			out[host] = byUser
		}
		byUser[user] = r
	}
	return out, err
}

func infoVersion(_ context.Context, s *server, _ *infoArgs) (any, error) {
	_, suffix, _ := strings.Cut(s.text, "-")
	return map[string]any{"full": s.text, "major": s.version[0], "minor": s.version[1], "release": s.version[2], "suffix": suffix}, nil
}
