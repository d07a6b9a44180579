package database

// This file is dump and import, through mysqldump and mysql.

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"gorun/modules"

	"github.com/klauspost/compress/zstd"
)

// clientOptions are the options of mysql and mysqldump for the connection. The
// password goes by the environment, never by argv or a file.
func (r *dbRun) clientOptions() (options []string, env []string, err error) {
	c, err := r.driverConfig(r.Run)
	if err != nil {
		return nil, nil, err
	}
	if r.ConfigFile != "" {
		if path := modules.ExpandPath(r.ConfigFile, r.Env); exists(path) {
			word := "--defaults-extra-file="
			if r.RestrictConfig {
				word = "--defaults-file="
			}
			options = append(options, word+path) // has to be the first
		}
	}
	options = append(options, "--user="+c.User)
	if c.Net == "unix" {
		options = append(options, "--socket="+c.Addr)
	} else {
		host, port, err := net.SplitHostPort(c.Addr)
		if err != nil {
			return nil, nil, modules.Failf("bad address of the server: %w", err)
		}
		options = append(options, "--host="+host, "--port="+port)
	}
	for word, file := range map[string]string{"--ssl-ca=": r.CACert, "--ssl-cert=": r.ClientCert, "--ssl-key=": r.ClientKey} {
		if file != "" {
			options = append(options, word+file)
		}
	}
	if r.Encoding != "" {
		options = append(options, "--default-character-set="+r.Encoding)
	}
	env = os.Environ()
	for k, v := range r.Env {
		env = append(env, k+"="+v)
	}
	if c.Passwd != "" {
		env = append(env, "MYSQL_PWD="+c.Passwd)
	}
	return options, env, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// clientProgram finds a client under its MySQL or MariaDB name.
func (r *dbRun) clientProgram(names ...string) (string, error) {
	for _, n := range names {
		if p := r.BinPath(n); p != "" {
			return p, nil
		}
	}
	return r.RequireBin(names[0])
}

func (r *dbRun) dumpOptions(names []string) []string {
	var o []string
	flag := func(on bool, word string) {
		if on {
			o = append(o, word)
		}
	}
	if names[0] == "all" {
		o = append(o, "--all-databases")
	} else if len(names) > 1 {
		o = append(append(o, "--databases"), names...)
	} else {
		o = append(o, names[0])
	}
	flag(r.SingleTransaction, "--single-transaction=true")
	flag(r.Quick, "--quick")
	flag(r.HexBlob, "--hex-blob")
	flag(r.SkipLockTables, "--skip-lock-tables")
	flag(r.MasterData > 0, "--master-data="+strconv.Itoa(r.MasterData))
	for _, t := range r.IgnoreTables {
		o = append(o, "--ignore-table="+t)
	}
	return append(o, strings.Fields(r.DumpExtraArgs)...)
}

// compressors are the programs for a target's suffix.
var compressors = map[string]string{".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}

// dump writes beside the target and renames: a dump that fails leaves the old
// file as it was.
func (r *dbRun) dump(ctx context.Context, names []string) error {
	program, err := r.clientProgram("mysqldump", "mariadb-dump")
	if err != nil {
		return err
	}
	options, env, err := r.clientOptions()
	if err != nil {
		return err
	}
	if r.Force {
		options = append(options, "--force")
	}
	argv := append(append([]string{program}, options...), r.dumpOptions(names)...)
	shown := strings.Join(argv, " ")
	compressor := compressors[filepath.Ext(r.Target)]
	if compressor != "" {
		if compressor, err = r.RequireBin(compressor); err != nil {
			return err
		}
		shown += " | " + compressor
	}
	r.commands = append(r.commands, shown+" > "+r.Target)
	if r.Check {
		return nil
	}
	out, err := os.CreateTemp(filepath.Dir(r.Target), "."+filepath.Base(r.Target)+".")
	if err != nil {
		return modules.Failf("cannot write the dump: %w", err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if err := pipeline(ctx, env, out, argv, compressor); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return modules.Failf("cannot write the dump: %w", err)
	}
	mode := os.FileMode(0o644)
	if st, err := os.Stat(r.Target); err == nil {
		mode = st.Mode().Perm()
	}
	if err := out.Chmod(mode); err != nil {
		return modules.Failf("cannot write the dump: %w", err)
	}
	if err := os.Rename(out.Name(), r.Target); err != nil {
		return modules.Failf("cannot write the dump: %w", err)
	}
	return nil
}

// pipeline runs a program, through a compressor where one is named, into a
// file. Either's failure is the failure.
func pipeline(ctx context.Context, env []string, out *os.File, argv []string, compressor string) error {
	var stderr bytes.Buffer
	dump := exec.CommandContext(ctx, argv[0], argv[1:]...)
	dump.Env, dump.Stderr = env, &stderr
	if compressor == "" {
		dump.Stdout = out
		return programError(dump.Run(), &stderr)
	}
	pipe, err := dump.StdoutPipe()
	if err != nil {
		return modules.Failf("cannot dump: %w", err)
	}
	if err := dump.Start(); err != nil {
		return modules.Failf("cannot dump: %w", err)
	}
	var packErrors bytes.Buffer
	pack := exec.CommandContext(ctx, compressor, "-c")
	pack.Stdin, pack.Stdout, pack.Stderr = pipe, out, &packErrors
	packed := pack.Run()
	pipe.Close() // a dump that still writes must not wait for a dead reader
	if err := programError(dump.Wait(), &stderr); err != nil {
		return err
	}
	return programError(packed, &packErrors)
}

// programError words a program's failure by what it said.
func programError(err error, stderr *bytes.Buffer) error {
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(stderr.String())
	if text == "" {
		text = err.Error()
	}
	data := map[string]any{"stderr": stderr.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		data["rc"] = exit.ExitCode()
	}
	return modules.FailWith(data, "%s", text)
}

// importFile feeds a file, decompressed, to mysql.
func (r *dbRun) importFile(ctx context.Context, name string) error {
	program, err := r.clientProgram("mysql", "mariadb")
	if err != nil {
		return err
	}
	f, err := os.Open(r.Target)
	if err != nil {
		return modules.Failf("target %s does not exist on the host", r.Target)
	}
	defer f.Close()
	options, env, err := r.clientOptions()
	if err != nil {
		return err
	}
	argv := append([]string{program}, options...)
	if r.Force {
		argv = append(argv, "-f")
	}
	if name != "all" {
		argv = append(argv, "--one-database", name)
	}
	r.commands = append(r.commands, strings.Join(argv, " ")+" < "+r.Target)
	if r.Check {
		return nil
	}
	input, closeInput, err := r.decompress(ctx, f)
	if err != nil {
		return modules.Failf("cannot read %s: %w", r.Target, err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stderr = env, r.Chdir, input, &stderr
	err = cmd.Run()
	if e := closeInput(); err == nil {
		err = e
	}
	return programError(err, &stderr)
}

// decompress picks the reader by the target's suffix.
func (r *dbRun) decompress(ctx context.Context, f *os.File) (io.Reader, func() error, error) {
	nothing := func() error { return nil }
	switch filepath.Ext(r.Target) {
	case ".gz":
		z, err := gzip.NewReader(f)
		return z, nothing, err
	case ".bz2":
		return bzip2.NewReader(f), nothing, nil
	case ".zst":
		z, err := zstd.NewReader(f)
		if err != nil {
			return nil, nothing, err
		}
		return z, func() error { z.Close(); return nil }, nil
	case ".xz":
		xz, err := r.RequireBin("xz")
		if err != nil {
			return nil, nothing, err
		}
		cmd := exec.CommandContext(ctx, xz, "-dc")
		cmd.Stdin = f
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, nothing, err
		}
		if err := cmd.Start(); err != nil {
			return nil, nothing, err
		}
		return out, func() error {
			if err := cmd.Wait(); err != nil {
				return fmt.Errorf("xz: %w", err)
			}
			return nil
		}, nil
	}
	return f, nothing, nil
}
