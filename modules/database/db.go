package database

// This file is the mysql_db module; dump.go has dump and import.

import (
	"context"
	"slices"
	"strings"

	"gorun/modules"
)

type dbArgs struct {
	loginArgs
	Name               []string `arg:"name"`
	State              string   `arg:"state"`
	Encoding           string   `arg:"encoding"`
	Collation          string   `arg:"collation"`
	Target             string   `arg:"target"`
	SingleTransaction  bool     `arg:"single_transaction"`
	Quick              bool     `arg:"quick"`
	IgnoreTables       []string `arg:"ignore_tables"`
	HexBlob            bool     `arg:"hex_blob"`
	Force              bool     `arg:"force"`
	MasterData         int      `arg:"master_data"`
	SkipLockTables     bool     `arg:"skip_lock_tables"`
	DumpExtraArgs      string   `arg:"dump_extra_args"`
	UseShell           bool     `arg:"use_shell"`
	UnsafePassword     bool     `arg:"unsafe_login_password"`
	RestrictConfig     bool     `arg:"restrict_config_file"`
	CheckImplicitAdmin bool     `arg:"check_implicit_admin"`
	ConfigOverrides    bool     `arg:"config_overrides_defaults"`
	Chdir              string   `arg:"chdir"`
	Pipefail           bool     `arg:"pipefail"`
	SQLLogBin          bool     `arg:"sql_log_bin"`
}

// MysqlDB is community.mysql.mysql_db
// (https://docs.ansible.com/ansible/latest/collections/community/mysql/mysql_db_module.html).
var MysqlDB = modules.Define(modules.Spec{
	Name: "community.mysql.mysql_db",
	Doc:  "Makes, removes, dumps and imports databases of MySQL and MariaDB.",
	Diff: modules.NoSupport,
	Options: withLogin(
		modules.Option{Name: "name", Type: modules.List, Elements: modules.Str, Required: true, Aliases: []string{"db"}, Doc: "The databases; all with dump and import means every one."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"absent", "dump", "import", "present"}, Doc: "What is to be done."},
		modules.Option{Name: "encoding", Default: "", Doc: "The character set of a new database, of dump and of import."},
		modules.Option{Name: "collation", Default: "", Doc: "The collation of a new database."},
		modules.Option{Name: "target", Type: modules.Path, Doc: "The file of dump and import; .gz, .bz2, .xz and .zst are compressed."},
		modules.Option{Name: "single_transaction", Type: modules.Bool, Default: false, Doc: "Dump in one transaction."},
		modules.Option{Name: "quick", Type: modules.Bool, Default: true, Doc: "Dump row by row rather than by tables in memory."},
		modules.Option{Name: "ignore_tables", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Tables (db.table) that are not dumped."},
		modules.Option{Name: "hex_blob", Type: modules.Bool, Default: false, Doc: "Dump binary columns in hexadecimal."},
		modules.Option{Name: "force", Type: modules.Bool, Default: false, Doc: "Go on when a statement of dump or import fails."},
		modules.Option{Name: "master_data", Type: modules.Int, Default: 0, Choices: []string{"0", "1", "2"}, Doc: "Write the binary log's position into the dump, 2 as a comment."},
		modules.Option{Name: "skip_lock_tables", Type: modules.Bool, Default: false, Doc: "Do not lock tables while they are dumped."},
		modules.Option{Name: "dump_extra_args", Doc: "Further options for mysqldump, separated by blanks."},
		modules.Option{Name: "use_shell", Type: modules.Bool, Default: false, Ignored: "files are read here and never through a shell", Doc: "Whether Ansible imports through a shell."},
		modules.Option{Name: "unsafe_login_password", Type: modules.Bool, Default: false, Ignored: "a password is never on a command line here", Doc: "Whether the password may be on a command line."},
		modules.Option{Name: "restrict_config_file", Type: modules.Bool, Default: false, Doc: "Read no option file but config_file."},
		modules.Option{Name: "check_implicit_admin", Type: modules.Bool, Default: false, Doc: "Try root without a password before the login options."},
		modules.Option{Name: "config_overrides_defaults", Type: modules.Bool, Default: false, Doc: "Let config_file's host and port stand over the defaults of login_host and login_port."},
		modules.Option{Name: "chdir", Type: modules.Path, Doc: "The folder in which an import runs (for source statements)."},
		modules.Option{Name: "pipefail", Type: modules.Bool, Default: true, Ignored: "a dump that fails always fails the task here", Doc: "Whether a failed dump fails a compressed one."},
		modules.Option{Name: "sql_log_bin", Type: modules.Bool, Default: true, Doc: "Whether the change is written to the binary log."},
	),
}, runDB)

// A dbRun is one run of the module.
type dbRun struct {
	*server
	*dbArgs
	commands []string // what was executed, as text
}

func runDB(ctx context.Context, m *modules.Run, a *dbArgs) (*modules.Result, error) {
	var names []string
	for _, n := range a.Name {
		if n = strings.TrimSpace(n); n != "" {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return nil, modules.Failf("Please provide at least one database name")
	}
	files := a.State == "dump" || a.State == "import"
	if files && a.Target == "" {
		return nil, modules.Failf("with state=%s target is required", a.State)
	}
	if slices.Contains(names, "all") {
		if !files {
			return nil, modules.Failf("name is not allowed to equal 'all' unless state equals import, or dump.")
		}
		if len(names) > 1 {
			return nil, modules.Failf("If name == 'all' it can not be combined with other names")
		}
	}
	if a.ConfigOverrides && a.Host == "localhost" {
		a.Host = ""
	}
	s, err := a.login(ctx, m)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.prepareSession(ctx, a.SQLLogBin, false, nil); err != nil {
		return nil, err
	}
	r := &dbRun{server: s, dbArgs: a, commands: []string{}}
	changed, err := r.act(ctx, names)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"db": strings.Join(names, " "), "db_list": names}
	if !m.Check || !changed {
		data["executed_commands"] = r.commands
		if a.State == "dump" || a.State == "import" {
			data["msg"] = "" // what the programs wrote: nothing, or it had failed
		}
	}
	return &modules.Result{Changed: changed, Data: data}, nil
}

func (a *dbArgs) login(ctx context.Context, m *modules.Run) (*server, error) {
	u := userArgs{loginArgs: a.loginArgs, CheckImplicitAdmin: a.CheckImplicitAdmin}
	return u.login(ctx, m)
}

func (r *dbRun) act(ctx context.Context, names []string) (changed bool, err error) {
	there, missing, err := r.split(ctx, names)
	if err != nil {
		return false, modules.Failf("error finding database: %w", err)
	}
	switch r.State {
	case "present":
		for _, n := range missing {
			if err := r.create(ctx, n); err != nil {
				return false, err
			}
		}
		return len(missing) > 0, nil
	case "absent":
		for _, n := range there {
			query := "DROP DATABASE " + quoteName(n)
			r.commands = append(r.commands, query)
			if err := r.exec(ctx, query); err != nil {
				return false, modules.Failf("error deleting database: %w", err)
			}
		}
		return len(there) > 0, nil
	case "dump":
		if len(missing) > 0 && names[0] != "all" {
			return false, modules.Failf("Cannot dump database(s) %q - not found", strings.Join(missing, "', '"))
		}
		return true, r.dump(ctx, names)
	}
	if names[0] != "all" {
		if len(names) > 1 {
			return false, modules.Failf("database import: only one name, or all, is possible")
		}
		for _, n := range missing {
			if err := r.create(ctx, n); err != nil {
				return false, err
			}
		}
	}
	return true, r.importFile(ctx, names[0])
}

// split tells the databases that exist from those that do not.
func (r *dbRun) split(ctx context.Context, names []string) (there, missing []string, err error) {
	have, err := r.column(ctx, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")
	if err != nil {
		return nil, nil, err
	}
	var folded string
	if _, err := r.one(ctx, "SELECT @@lower_case_table_names", nil, &folded); err != nil {
		return nil, nil, err
	}
	for _, n := range names {
		found := slices.ContainsFunc(have, func(h string) bool {
			return h == n || folded != "0" && strings.EqualFold(h, n)
		})
		if found {
			there = append(there, n)
		} else {
			missing = append(missing, n)
		}
	}
	return there, missing, nil
}

func (r *dbRun) create(ctx context.Context, name string) error {
	query := "CREATE DATABASE " + quoteName(name)
	if r.Encoding != "" {
		query += " CHARACTER SET " + quoteText(r.Encoding)
	}
	if r.Collation != "" {
		query += " COLLATE " + quoteText(r.Collation)
	}
	r.commands = append(r.commands, query)
	if err := r.exec(ctx, query); err != nil {
		return modules.Failf("error creating database: %w", err)
	}
	return nil
}
