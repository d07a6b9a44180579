package database

// This file is the mysql_replication module.

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"gorun/modules"
)

type replicationArgs struct {
	loginArgs
	Mode            string `arg:"mode"`
	PrimaryHost     string `arg:"primary_host"`
	PrimaryUser     string `arg:"primary_user"`
	PrimaryPassword string `arg:"primary_password"`
	PrimaryPort     *int   `arg:"primary_port"`
	ConnectRetry    *int   `arg:"primary_connect_retry"`
	LogFile         string `arg:"primary_log_file"`
	LogPos          *int   `arg:"primary_log_pos"`
	RelayLogFile    string `arg:"relay_log_file"`
	RelayLogPos     *int   `arg:"relay_log_pos"`
	SSL             *bool  `arg:"primary_ssl"`
	SSLCA           string `arg:"primary_ssl_ca"`
	SSLCAPath       string `arg:"primary_ssl_capath"`
	SSLCert         string `arg:"primary_ssl_cert"`
	SSLKey          string `arg:"primary_ssl_key"`
	SSLCipher       string `arg:"primary_ssl_cipher"`
	SSLVerify       bool   `arg:"primary_ssl_verify_server_cert"`
	AutoPosition    bool   `arg:"primary_auto_position"`
	UseGTID         string `arg:"primary_use_gtid"`
	Delay           *int   `arg:"primary_delay"`
	ConnectionName  string `arg:"connection_name"`
	Channel         string `arg:"channel"`
	FailOnError     bool   `arg:"fail_on_error"`
}

// oldModes are the names that modes had before 2022.
var oldModes = map[string]string{
	"getmaster": "getprimary", "getslave": "getreplica", "changemaster": "changeprimary",
	"startslave": "startreplica", "stopslave": "stopreplica",
	"resetmaster": "resetprimary", "resetslave": "resetreplica", "resetslaveall": "resetreplicaall",
}

// primaryOption is an option primary_NAME with its former name.
func primaryOption(name string, t modules.Type, doc string) modules.Option {
	return modules.Option{Name: "primary_" + name, Type: t, Aliases: []string{"master_" + name}, Doc: doc}
}

// MysqlReplication is community.mysql.mysql_replication
// (https://docs.ansible.com/ansible/latest/collections/community/mysql/mysql_replication_module.html).
var MysqlReplication = modules.Define(modules.Spec{
	Name:  "community.mysql.mysql_replication",
	Doc:   "Reads and changes the replication of MySQL and MariaDB.",
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
	Options: withLogin(
		modules.Option{Name: "mode", Default: "getreplica", Choices: []string{
			"getprimary", "getreplica", "changeprimary", "changereplication", "stopreplica", "startreplica", "resetprimary", "resetreplica", "resetreplicaall",
			"getmaster", "getslave", "changemaster", "stopslave", "startslave", "resetmaster", "resetslave", "resetslaveall"},
			Doc: "What to do; the names with master and slave are the former ones."},
		primaryOption("host", modules.Str, "The primary's host."),
		primaryOption("user", modules.Str, "Who replicates."),
		modules.Option{Name: "primary_password", NoLog: true, Aliases: []string{"master_password"}, Doc: "The password of primary_user."},
		primaryOption("port", modules.Int, "The primary's TCP port."),
		primaryOption("connect_retry", modules.Int, "Seconds between two tries to connect."),
		primaryOption("log_file", modules.Str, "The primary's binary log to begin with."),
		primaryOption("log_pos", modules.Int, "The position in it."),
		modules.Option{Name: "relay_log_file", Doc: "The replica's relay log to begin with."},
		modules.Option{Name: "relay_log_pos", Type: modules.Int, Doc: "The position in it."},
		primaryOption("ssl", modules.Bool, "Whether to connect by TLS."),
		primaryOption("ssl_ca", modules.Str, "A file with the trusted authorities."),
		primaryOption("ssl_capath", modules.Str, "A folder with the trusted authorities."),
		primaryOption("ssl_cert", modules.Str, "The replica's certificate."),
		modules.Option{Name: "primary_ssl_key", NoLog: false, Aliases: []string{"master_ssl_key"}, Doc: "The path of the replica's key."},
		primaryOption("ssl_cipher", modules.Str, "The ciphers that may be used, separated by colons."),
		modules.Option{Name: "primary_ssl_verify_server_cert", Type: modules.Bool, Doc: "Whether the primary's certificate must name its host."},
		modules.Option{Name: "primary_auto_position", Type: modules.Bool, Default: false, Aliases: []string{"master_auto_position"}, Doc: "Find the position by GTIDs (MySQL)."},
		modules.Option{Name: "primary_use_gtid", Aliases: []string{"master_use_gtid"}, Choices: []string{"current_pos", "replica_pos", "disabled"}, Doc: "Find the position by GTIDs (MariaDB)."},
		primaryOption("delay", modules.Int, "Seconds by which the replica stays behind."),
		modules.Option{Name: "connection_name", Doc: "Which of several replications (MariaDB)."},
		modules.Option{Name: "channel", Doc: "Which of several replications (MySQL)."},
		modules.Option{Name: "fail_on_error", Type: modules.Bool, Default: false, Doc: "Fail where a statement fails, rather than report changed=false."},
	),
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"connection_name", "channel"}}},
}, runReplication)

// A replication is one run of the module.
type replication struct {
	*server
	*replicationArgs
	oldName bool // the mode was given by its former name
}

func runReplication(ctx context.Context, m *modules.Run, a *replicationArgs) (*modules.Result, error) {
	s, err := connect(ctx, m, &a.loginArgs)
	if err != nil {
		return nil, err
	}
	defer s.close()
	r := &replication{server: s, replicationArgs: a}
	if mode, ok := oldModes[a.Mode]; ok {
		a.Mode, r.oldName = mode, true
	}
	switch a.Mode {
	case "getprimary":
		return r.status(ctx, r.word("SHOW MASTER STATUS", "SHOW BINARY LOG STATUS", nil, []int{8, 2, 0}), "Primary", "Master", "Server is not configured as mysql primary")
	case "getreplica":
		return r.status(ctx, r.statusQuery(), "Replica", "Slave", "Server is not configured as mysql replica")
	case "changeprimary", "changereplication":
		return r.change(ctx)
	case "resetprimary":
		return r.run(ctx, r.word("RESET MASTER", "RESET BINARY LOGS AND GTIDS", nil, []int{8, 2, 0}), "Primary reset")
	case "startreplica":
		return r.run(ctx, r.named("START "+r.replica(), false), "Replica started ")
	case "stopreplica":
		return r.run(ctx, r.named("STOP "+r.replica(), false), "Replica stopped")
	case "resetreplica":
		return r.run(ctx, r.named("RESET "+r.replica(), false), "Replica reset")
	}
	return r.run(ctx, r.named("RESET "+r.replica(), true), "Replica reset")
}

// word picks a statement by the server's version.
func (r *replication) word(old, current string, mariadb, mysql []int) string {
	if r.atLeast(mariadb, mysql) {
		return current
	}
	return old
}

func (r *replication) replica() string {
	return r.word("SLAVE", "REPLICA", []int{10, 5, 1}, []int{8, 0, 22})
}

func (r *replication) statusQuery() string {
	if r.ConnectionName != "" {
		return "SHOW " + r.replica() + " " + quoteText(r.ConnectionName) + " STATUS"
	}
	q := "SHOW " + r.replica() + " STATUS"
	if r.Channel != "" {
		q += " FOR CHANNEL " + quoteText(r.Channel)
	}
	return q
}

// named adds the connection's or channel's name, and ALL, to START, STOP and
// RESET.
func (r *replication) named(q string, all bool) string {
	if r.ConnectionName != "" {
		q += " " + quoteText(r.ConnectionName)
	}
	if all {
		q += " ALL"
	}
	if r.Channel != "" {
		q += " FOR CHANNEL " + quoteText(r.Channel)
	}
	return q
}

// status returns the server's own columns; Is_Primary or Is_Replica says
// whether there are any.
func (r *replication) status(ctx context.Context, query, role, oldRole, none string) (*modules.Result, error) {
	rows, err := r.rows(ctx, query)
	if err != nil {
		return nil, modules.Failf("%w", err)
	}
	res := &modules.Result{Data: map[string]any{"queries": []string{}}}
	if len(rows) > 0 {
		for k, v := range rows[0] {
			res.Data[k] = v
		}
	} else {
		res.Msg = none
	}
	res.Data["Is_"+role] = len(rows) > 0
	if r.oldName {
		res.Data["Is_"+oldRole] = len(rows) > 0
	}
	return res, nil
}

// run executes one statement. One that the server refuses is, without
// fail_on_error, no failure: the result is not changed and says why.
func (r *replication) run(ctx context.Context, query, done string) (*modules.Result, error) {
	res := &modules.Result{Changed: true, Msg: done, Data: map[string]any{"queries": []string{query}}}
	err := r.exec(ctx, query)
	if err == nil {
		return res, nil
	}
	if r.FailOnError {
		return nil, modules.Failf("%s failed: %w", query, err)
	}
	res.Changed = false
	res.Msg = strings.TrimSpace(strings.NewReplacer("started", "NOT started:", "stopped", "NOT stopped:", "reset", "NOT reset:").Replace(done)) + " " + err.Error()
	return res, nil
}

// change points the replica to a primary: only what the task gives is said,
// and the replication is neither stopped nor started.
func (r *replication) change(ctx context.Context) (*modules.Result, error) {
	prefix := r.word("MASTER_", "SOURCE_", nil, []int{8, 0, 23})
	if r.Mode == "changereplication" {
		prefix = "SOURCE_" // whatever the server knows
	}
	var parts, shown []string
	add := func(key, value, visible string) {
		parts, shown = append(parts, key+"="+value), append(shown, key+"="+visible)
	}
	text := func(key, v string) {
		if v != "" {
			add(key, quoteText(v), quoteText(v))
		}
	}
	number := func(key string, n *int) {
		if n != nil {
			add(key, strconv.Itoa(*n), strconv.Itoa(*n))
		}
	}
	text(prefix+"HOST", r.PrimaryHost)
	text(prefix+"USER", r.PrimaryUser)
	if r.PrimaryPassword != "" {
		add(prefix+"PASSWORD", quoteText(r.PrimaryPassword), "'********'")
	}
	number(prefix+"PORT", r.PrimaryPort)
	number(prefix+"CONNECT_RETRY", r.ConnectRetry)
	text(prefix+"LOG_FILE", r.LogFile)
	number(prefix+"LOG_POS", r.LogPos)
	number(prefix+"DELAY", r.Delay)
	text("RELAY_LOG_FILE", r.RelayLogFile)
	number("RELAY_LOG_POS", r.RelayLogPos)
	if r.SSL != nil {
		on := map[bool]string{true: "1", false: "0"}[*r.SSL]
		add(prefix+"SSL", on, on)
	}
	text(prefix+"SSL_CA", r.SSLCA)
	text(prefix+"SSL_CAPATH", r.SSLCAPath)
	text(prefix+"SSL_CERT", r.SSLCert)
	text(prefix+"SSL_KEY", r.SSLKey)
	text(prefix+"SSL_CIPHER", r.SSLCipher)
	if r.SSLVerify {
		add(prefix+"SSL_VERIFY_SERVER_CERT", "1", "1")
	}
	if r.AutoPosition {
		add(prefix+"AUTO_POSITION", "1", "1")
	}
	if r.UseGTID != "" {
		word := map[string]string{"current_pos": "current_pos", "replica_pos": "slave_pos", "disabled": "no"}[r.UseGTID]
		add(prefix+"USE_GTID", word, word)
	}
	if len(parts) == 0 {
		return nil, modules.Failf("%s needs at least one of the primary_* options", r.Mode)
	}
	head := "CHANGE MASTER"
	if prefix == "SOURCE_" {
		head = "CHANGE REPLICATION SOURCE"
	}
	if r.ConnectionName != "" {
		head += " " + quoteText(r.ConnectionName)
	}
	tail := ""
	if r.Channel != "" {
		tail = " FOR CHANNEL " + quoteText(r.Channel)
	}
	if err := r.exec(ctx, head+" TO "+strings.Join(parts, ",")+tail); err != nil {
		return nil, modules.FailWith(nil, "%s. Query == %s", err, head+" TO "+strings.Join(shown, ",")+tail)
	}
	return &modules.Result{Changed: true, Data: map[string]any{"queries": []string{fmt.Sprintf("%s TO %s%s", head, strings.Join(shown, ","), tail)}}}, nil
}
