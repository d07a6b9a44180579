// Package database holds the modules for MySQL and MariaDB.
package database

// This file connects to the server: the options that every module of the
// family has, ~/.my.cnf, sockets and TLS.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/modules"

	"github.com/go-sql-driver/mysql"
)

// loginArgs are the options that say how to log in; embed them.
type loginArgs struct {
	User           string `arg:"login_user"`
	Password       string `arg:"login_password"`
	Host           string `arg:"login_host"`
	Port           int    `arg:"login_port"`
	Socket         string `arg:"login_unix_socket"`
	ConnectTimeout int    `arg:"connect_timeout"`
	ConfigFile     string `arg:"config_file"`
	ClientCert     string `arg:"client_cert"`
	ClientKey      string `arg:"client_key"`
	CACert         string `arg:"ca_cert"`
	CheckHostname  *bool  `arg:"check_hostname"`
}

// withLogin adds the login options to a module's own.
func withLogin(own ...modules.Option) []modules.Option {
	return append(own, []modules.Option{
		{Name: "login_user", Doc: "Who logs in; not given, the config file or the user who runs the task."},
		{Name: "login_password", NoLog: true, Doc: "The password of login_user."},
		{Name: "login_host", Default: "localhost", Doc: "The server's host; localhost means its socket where one is found."},
		{Name: "login_port", Type: modules.Int, Default: 3306, Doc: "The server's TCP port."},
		{Name: "login_unix_socket", Doc: "The path of the server's socket."},
		{Name: "connect_timeout", Type: modules.Int, Default: 30, Doc: "Seconds to wait for the connection."},
		{Name: "config_file", Type: modules.Path, Default: "~/.my.cnf", Doc: "A file of options whose section [client] counts where the task says nothing."},
		{Name: "client_cert", Type: modules.Path, Aliases: []string{"ssl_cert"}, Doc: "The client's certificate for TLS (PEM)."},
		{Name: "client_key", Type: modules.Path, Aliases: []string{"ssl_key"}, Doc: "The client's key for TLS (PEM)."},
		{Name: "ca_cert", Type: modules.Path, Aliases: []string{"ssl_ca"}, Doc: "The authority that the server's certificate must come from (PEM)."},
		{Name: "check_hostname", Type: modules.Bool, Doc: "Whether the server's certificate must name its host."},
	}...)
}

// A server is one connection; session settings stay on it.
type server struct {
	*modules.Run
	pool    *sql.DB
	conn    *sql.Conn
	mariadb bool
	version [3]int
	text    string // as the server says it
}

func (s *server) close() {
	s.conn.Close()
	s.pool.Close()
}

// atLeast reports whether the server is of at least that version: of MariaDB,
// or of MySQL; nil is never.
func (s *server) atLeast(mariadb, mysql []int) bool {
	want := mysql
	if s.mariadb {
		want = mariadb
	}
	return want != nil && slices.Compare(s.version[:], want) >= 0
}

// connect logs in and asks for the server's version.
func connect(ctx context.Context, m *modules.Run, a *loginArgs) (*server, error) {
	config, err := a.driverConfig(m)
	if err != nil {
		return nil, err
	}
	return open(ctx, m, a, config)
}

func open(ctx context.Context, m *modules.Run, a *loginArgs, config *mysql.Config) (*server, error) {
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, modules.Failf("cannot use the options for the connection: %w", err)
	}
	s := &server{Run: m, pool: sql.OpenDB(connector)}
	s.pool.SetMaxOpenConns(1)
	deadline, cancel := context.WithTimeout(ctx, time.Duration(a.ConnectTimeout)*time.Second)
	defer cancel()
	if s.conn, err = s.pool.Conn(deadline); err != nil {
		s.pool.Close()
		return nil, modules.Failf("unable to connect to database, check login_user and login_password are correct or %s has the credentials. Exception message: %w",
			a.ConfigFile, sqlError(err))
	}
	if err := s.conn.QueryRowContext(ctx, "SELECT VERSION()").Scan(&s.text); err != nil {
		s.close()
		return nil, modules.Failf("cannot ask the server for its version: %w", sqlError(err))
	}
	s.mariadb, s.version = parseServerVersion(s.text)
	return s, nil
}

// sqlError words a server's error as Python's drivers do: (1064, "...").
func sqlError(err error) error {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return err
	}
	quoted := `"` + e.Message + `"`
	if !strings.Contains(e.Message, "'") {
		quoted = "'" + e.Message + "'"
	}
	return fmt.Errorf("(%d, %s)%w", e.Number, quoted, silent{err})
}

// silent keeps a cause without printing it a second time.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

var versionNumbers = regexp.MustCompile(`(\d+)\.(\d+)(?:\.(\d+))?`)

func parseServerVersion(text string) (mariadb bool, v [3]int) {
	mariadb = strings.Contains(strings.ToLower(text), "mariadb")
	// Old replication-safe prefix: 5.5.5-10.11.2-MariaDB.
	g := versionNumbers.FindStringSubmatch(strings.TrimPrefix(text, "5.5.5-"))
	if g == nil {
		return mariadb, v
	}
	for i := range v {
		v[i], _ = strconv.Atoi(g[i+1])
	}
	return mariadb, v
}

// driverConfig makes the driver's configuration of the task's options, the
// config file, and the well-known sockets, in this order.
func (a *loginArgs) driverConfig(m *modules.Run) (*mysql.Config, error) {
	file, err := readOptionFile(a.ConfigFile)
	if err != nil {
		return nil, err
	}
	first := func(values ...string) string {
		for _, v := range values {
			if v != "" {
				return v
			}
		}
		return ""
	}
	c := mysql.NewConfig()
	c.User = first(a.User, file["user"], currentUser())
	c.Passwd = first(a.Password, file["password"], file["pass"])
	if c.Passwd != "" {
		m.Secrets = append(m.Secrets, c.Passwd)
	}
	c.InterpolateParams = true
	c.AllowCleartextPasswords = true
	c.Timeout = time.Duration(a.ConnectTimeout) * time.Second
	host := first(a.Host, file["host"])
	port := a.Port
	if n, err := strconv.Atoi(file["port"]); err == nil && port == 3306 {
		port = n
	}
	socket := a.Socket
	if socket == "" && host == "localhost" && port == 3306 {
		socket = first(file["socket"], localSocket())
	}
	c.TLS, err = a.tlsConfig(host, first(a.CACert, file["ssl-ca"]), first(a.ClientCert, file["ssl-cert"]), first(a.ClientKey, file["ssl-key"]))
	if err != nil {
		return nil, err
	}
	if socket != "" {
		// Accounts may require TLS of sockets, too. A password in clear text is safe on a socket only.
		c.Net, c.Addr = "unix", socket
		return c, nil
	}
	c.AllowCleartextPasswords = false
	c.Net, c.Addr = "tcp", net.JoinHostPort(host, strconv.Itoa(port))
	return c, nil
}

func currentUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "root"
}

// localSocket finds the socket of a server on this host, "" where none is
// there.
func localSocket() string {
	for _, p := range []string{"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/run/mysql/mysql.sock", "/tmp/mysql.sock"} {
		if st, err := os.Stat(p); err == nil && st.Mode()&os.ModeSocket != 0 {
			return p
		}
	}
	return ""
}

// tlsConfig returns nil where no TLS is asked for. As PyMySQL does, it trusts
// any certificate where no authority is given, and where one is, the
// certificate must name the host unless check_hostname says no.
func (a *loginArgs) tlsConfig(host, ca, cert, key string) (*tls.Config, error) {
	if ca == "" && cert == "" && key == "" && a.CheckHostname == nil {
		return nil, nil
	}
	c := &tls.Config{ServerName: host}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, modules.Failf("cannot read ca_cert: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, modules.Failf("%s holds no certificate", ca)
		}
	}
	if cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, modules.Failf("cannot use client_cert with client_key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if c.RootCAs == nil || a.CheckHostname != nil && !*a.CheckHostname {
		c.InsecureSkipVerify = true
		if roots := c.RootCAs; roots != nil {
			c.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, roots) }
		}
	}
	return c, nil
}

// verifyChain checks the server's certificate but not its name.
func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(o)
	return err
}

// readOptionFile reads the section [client] of a MySQL option file, with what
// it includes. A file that is not there is empty.
func readOptionFile(path string) (map[string]string, error) {
	out := map[string]string{}
	if path == "" {
		return out, nil
	}
	return out, addOptionFile(modules.ExpandPath(path, nil), out, 0)
}

func addOptionFile(path string, out map[string]string, depth int) error {
	const maxIncludes = 10
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return modules.Failf("cannot read %s: %w", path, err)
	}
	client := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			client = line == "[client]"
		case line[0] == '!' && depth < maxIncludes:
			if err := includeOptions(line, out, depth+1); err != nil {
				return err
			}
		case client:
			k, v, _ := strings.Cut(line, "=")
			out[strings.ReplaceAll(strings.TrimSpace(k), "_", "-")] = optionValue(v)
		}
	}
	return nil
}

func includeOptions(line string, out map[string]string, depth int) error {
	f := strings.Fields(line)
	if len(f) != 2 {
		return nil
	}
	files := []string{f[1]}
	if f[0] == "!includedir" {
		files, _ = filepath.Glob(filepath.Join(f[1], "*.cnf"))
	}
	for _, file := range files {
		if err := addOptionFile(file, out, depth); err != nil {
			return err
		}
	}
	return nil
}

// optionValue takes quotes, and comments behind unquoted values, away.
func optionValue(v string) string {
	v = strings.TrimSpace(v)
	if len(v) > 1 && (v[0] == '"' || v[0] == '\'') {
		if end := strings.IndexByte(v[1:], v[0]); end >= 0 {
			return v[1 : 1+end]
		}
	}
	if i := strings.Index(v, " #"); i >= 0 {
		v = strings.TrimSpace(v[:i])
	}
	return v
}

// quoteName quotes an identifier.
func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// quoteText quotes a string literal, for statements whose texts may not be
// parameters everywhere. Backslashes are escapes in MySQL's literals.
func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`).Replace(s) + "'"
}

// account writes an account as 'user'@'host'.
func account(user, host string) string { return quoteText(user) + "@" + quoteText(host) }

// exec runs a statement, but not in check mode.
func (s *server) exec(ctx context.Context, query string, args ...any) error {
	if s.Check {
		return nil
	}
	_, err := s.conn.ExecContext(ctx, query, args...)
	return sqlError(err)
}

// one scans the first row of a query; found is false where there is none.
func (s *server) one(ctx context.Context, query string, args []any, dest ...any) (found bool, err error) {
	err = s.conn.QueryRowContext(ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, sqlError(err)
}

// column returns the first column of all rows.
func (s *server) column(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, sqlError(err)
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var v sql.NullString
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v.String)
	}
	return out, sqlError(rows.Err())
}

// rows returns all rows as maps. Numbers are int64 or float64, what is no
// number is a string, NULL is nil.
func (s *server) rows(ctx context.Context, query string, args ...any) ([]map[string]any, error) {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, sqlError(err)
	}
	defer rows.Close()
	return scanRows(rows)
}

func scanRows(rows *sql.Rows) ([]map[string]any, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for rows.Next() {
		cells := make([]any, len(types))
		dest := make([]any, len(types))
		for i := range cells {
			dest[i] = &cells[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		row := map[string]any{}
		for i, t := range types {
			row[t.Name()] = plain(cells[i], t.DatabaseTypeName())
		}
		out = append(out, row)
	}
	return out, sqlError(rows.Err())
}

// plain turns a driver's value into JSON's kinds.
func plain(v any, kind string) any {
	b, ok := v.([]byte)
	if !ok {
		if t, isTime := v.(time.Time); isTime {
			return t.Format("2006-01-02 15:04:05")
		}
		return v
	}
	text := string(b)
	switch {
	case strings.Contains(kind, "INT") || kind == "YEAR":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case kind == "FLOAT" || kind == "DOUBLE":
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	}
	return text
}
