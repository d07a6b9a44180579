package main

// This file defines the main command: running playbooks.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"gorun/engine"
	"gorun/engine/playbook"
	"gorun/engine/transport"
)

func runPlaybooks(c *cli.Context) error {
	files := c.Args().Slice()
	if len(files) == 0 {
		return usageError("the following arguments are required: playbook")
	}
	s, err := newSession(c)
	if err != nil {
		return err
	}
	defer s.close()
	dirs, err := playbookDirs(files)
	if err != nil {
		return err
	}
	if err := s.open(c, dirs); err != nil {
		return err
	}
	if err := s.enableCallbacks(); err != nil {
		return err
	}
	s.adviseUnsupported(c)
	if _, err := s.hostList("all", c.String("limit")); err != nil {
		return err
	}
	books, err := s.load(files)
	if err != nil {
		return err
	}
	hosts := s.openHosts()
	defer hosts.Close()
	o, err := s.engineOptions(c, hosts)
	if err != nil {
		return err
	}
	r := engine.New(o)
	if done, err := s.listOnly(c, r, books); done || err != nil {
		return err
	}
	outcome, err := r.Playbooks(c.Context, books)
	if err != nil {
		return err
	}
	if outcome.Code != 0 {
		return exitCode(outcome.Code)
	}
	return nil
}

// playbookDirs are the folders of playbooks, each once, in their order.
func playbookDirs(files []string) ([]string, error) {
	var dirs []string
	seen := map[string]bool{}
	for _, f := range files {
		st, err := os.Stat(f)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nearFile(fmt.Sprintf("the playbook: %s could not be found", f), f)
		}
		if err != nil {
			return nil, err
		}
		if st.IsDir() {
			return nil, fmt.Errorf("the playbook: %s does not appear to be a file", f)
		}
		abs, err := filepath.Abs(filepath.Dir(f))
		if err != nil {
			return nil, err
		}
		if !seen[abs] {
			seen[abs] = true
			dirs = append(dirs, abs)
		}
	}
	return dirs, nil
}

// load loads all playbooks and joins their errors, so that a user sees every
// mistake before a host is touched.
func (s *session) load(files []string) ([]*playbook.Playbook, error) {
	var books []*playbook.Playbook
	var all playbook.Errors
	for _, f := range files {
		book, err := s.loader.Load(f)
		var list playbook.Errors
		switch {
		case errors.As(err, &list):
			all = append(all, list...)
		case err != nil:
			return nil, err
		default:
			books = append(books, book)
		}
	}
	if len(all) > 0 {
		return nil, all
	}
	return books, nil
}

// engineOptions joins the command line and the configuration.
func (s *session) engineOptions(c *cli.Context, hosts transport.Hosts) (engine.Options, error) {
	cfg := s.cfg
	connPass, becomePass, err := s.connectionPasswords(c)
	if err != nil {
		return engine.Options{}, err
	}
	timeout, _ := cfg.Last("DEFAULT_TIMEOUT", "SSH_TIMEOUT").Value.(int)
	hostKeyChecking, _ := cfg.Last("HOST_KEY_CHECKING", "SSH_HOST_KEY_CHECKING").Value.(bool)
	if c.IsSet("timeout") {
		timeout = c.Int("timeout")
	}
	forks := 0 // by era and hosts
	if cfg.IsSet("DEFAULT_FORKS") {
		forks = cfg.Int("DEFAULT_FORKS")
	}
	if c.IsSet("forks") {
		forks = c.Int("forks")
		if forks < 1 {
			return engine.Options{}, usageError("The number of processes (--forks) must be >= 1")
		}
	}
	tags, skip := c.StringSlice("tags"), c.StringSlice("skip-tags")
	if len(tags) == 0 {
		tags = cfg.List("TAGS_RUN")
	}
	if len(skip) == 0 {
		skip = cfg.List("TAGS_SKIP")
	}
	connection := firstOf(c.String("connection"), cfg.Str("DEFAULT_TRANSPORT"))
	if connection == "smart" {
		connection = ""
	}
	var lost func(book string, hosts []string)
	if cfg.Bool("RETRY_FILES_ENABLED") {
		lost = s.retryFile
	}
	o := engine.Options{
		Lost:      lost,
		Inventory: s.inv, Vars: s.vars, Templates: s.tmpl, Loader: s.loader, Hosts: hosts,
		Callback: s.cb, Secrets: s.redact, InjectInvocation: s.cfg.Bool("INJECT_INVOCATION"), Era: s.era, ReadFile: s.readFile, LocalModules: localModules(),
		Forks: forks, Check: c.Bool("check"), Diff: c.Bool("diff") || cfg.Bool("DIFF_ALWAYS"),
		Tags: splitCommas(tags), SkipTags: splitCommas(skip),
		StartAtTask: c.String("start-at-task"), Step: c.Bool("step"),
		Limit: c.String("limit"), Verbosity: verbosity(c) + cfg.Int("DEFAULT_VERBOSITY"), ExtraVars: s.extra,
		ForceHandlers: c.Bool("force-handlers") || cfg.Bool("DEFAULT_FORCE_HANDLERS"),
		FlushCache:    c.Bool("flush-cache"), Strategy: cfg.Str("DEFAULT_STRATEGY"),
		AnyErrorsFatal: cfg.Bool("ANY_ERRORS_FATAL"),
		Connection:     connection, RemoteUser: firstOf(c.String("user"), cfg.Str("DEFAULT_REMOTE_USER")),
		PrivateKey: firstOf(c.String("private-key"), cfg.Path("DEFAULT_PRIVATE_KEY_FILE")),
		Port:       cfg.Int("DEFAULT_REMOTE_PORT"), ConnectTimeout: time.Duration(timeout) * time.Second,
		SSHArgs: sshArgs(cfg.Str("SSH_ARGS")), SSHCommonArgs: firstOf(c.String("ssh-common-args"), cfg.Str("SSH_COMMON_ARGS")),
		SSHExtraArgs: firstOf(c.String("ssh-extra-args"), cfg.Str("SSH_EXTRA_ARGS")),
		SSHRetries:   cfg.Int("SSH_RETRIES"), NoHostKeyChecking: !hostKeyChecking,
		SSHExecutable: cfg.Str("SSH_EXECUTABLE"), PKCS11Provider: cfg.Str("SSH_PKCS11_PROVIDER"),
		PrivateKeyText: cfg.Str("SSH_PRIVATE_KEY"), PrivateKeyPassphrase: cfg.Str("SSH_PRIVATE_KEY_PASSPHRASE"),
		RemoteTmp: cfg.Str("REMOTE_TMP"), Executable: cfg.Str("DEFAULT_EXECUTABLE"), ConnectionPassword: connPass, BecomePassword: becomePass,
		Become: c.Bool("become") || cfg.Bool("DEFAULT_BECOME"), BecomeMethod: firstOf(c.String("become-method"), cfg.Str("DEFAULT_BECOME_METHOD")),
		BecomeUser: firstOf(c.String("become-user"), cfg.Str("DEFAULT_BECOME_USER")),
		BecomeExe:  cfg.Str("DEFAULT_BECOME_EXE"), BecomeFlags: cfg.Str("DEFAULT_BECOME_FLAGS"),
		Gathering: cfg.Str("DEFAULT_GATHERING"), GatherSubset: cfg.List("DEFAULT_GATHER_SUBSET"),
		GatherTimeout: time.Duration(cfg.Int("DEFAULT_GATHER_TIMEOUT")) * time.Second,
		FactPath:      cfg.Path("DEFAULT_FACT_PATH"), TaskTimeout: time.Duration(cfg.Int("TASK_TIMEOUT")) * time.Second,
		PollInterval:    time.Duration(cfg.Int("DEFAULT_POLL_INTERVAL")) * time.Second,
		NoLogEverything: cfg.Bool("DEFAULT_NO_LOG"), ErrorOnMissingHandlerOff: !cfg.Bool("ERROR_ON_MISSING_HANDLER"),
		ConfigFile: cfg.File, RolesPath: cfg.PathList("DEFAULT_ROLES_PATH"),
		Foreign: s.foreign, Plugins: s.plugins, ModuleSettings: s.moduleSettings(),
		Interactive: term.IsTerminal(int(s.stdin.Fd())), WarnInjected: !cfg.IsSet("INJECT_FACTS_AS_VARS"),
		Debugger: cfg.Bool("ENABLE_TASK_DEBUGGER"), DebugIgnored: !cfg.Bool("TASK_DEBUGGER_IGNORE_ERRORS"),
		Refresh: s.inv.Refresh,
		Prompt:  s.prompt, Live: c.Bool("live"), BootWait: bootWait,
	}
	return o, nil
}

// bootWait is for how long a first connection to a host that does not answer
// yet is tried again: a host that the run has just created may still be booting.
const bootWait = 60 * time.Second

// controlArgs are the ssh arguments of Ansible's default ssh_args. They share
// connections between processes; gorun keeps one for the run anyway.
const controlArgs = "-C -o ControlMaster=auto -o ControlPersist=60s"

func sshArgs(s string) string {
	if strings.TrimSpace(s) == controlArgs {
		return ""
	}
	return s
}

// splitCommas takes "a,b" words apart, as --tags does.
func splitCommas(words []string) []string {
	var out []string
	for _, w := range words {
		for part := range strings.SplitSeq(w, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// listOnly serves the options that show something and run nothing.
func (s *session) listOnly(c *cli.Context, r *engine.Run, books []*playbook.Playbook) (bool, error) {
	what := engine.ListWhat{Hosts: c.Bool("list-hosts"), Tasks: c.Bool("list-tasks"), Tags: c.Bool("list-tags")}
	if what != (engine.ListWhat{}) {
		text, err := r.List(books, what)
		if err != nil {
			return true, err
		}
		fmt.Fprint(s.redact.Writer(s.out), text)
		return true, nil
	}
	if c.Bool("syntax-check") {
		for _, f := range c.Args().Slice() {
			fmt.Fprintf(s.out, "\nplaybook: %s\n", f)
		}
		return true, nil
	}
	return false, nil
}

// retryFile writes the hosts that were lost beside the playbook, or into the
// folder of retry_files_save_path.
func (s *session) retryFile(book string, hosts []string) {
	if abs, err := filepath.Abs(book); err == nil {
		book = abs
	}
	name := strings.TrimSuffix(book, filepath.Ext(book)) + ".retry"
	if dir := s.cfg.Path("RETRY_FILES_SAVE_PATH"); dir != "" {
		name = filepath.Join(dir, filepath.Base(name))
	}
	err := os.MkdirAll(filepath.Dir(name), 0o777)
	if err == nil {
		err = os.WriteFile(name, []byte(strings.Join(hosts, "\n")+"\n"), 0o644)
	}
	if err != nil {
		s.warn(fmt.Sprintf("Could not create retry file '%s'.\n\t%v", name, err))
		return
	}
	s.screen.Print("\tto retry, use: --limit @"+name+"\n", "")
}

// adviseUnsupported names, once each, the options and settings that gorun
// takes and cannot honour.
func (s *session) adviseUnsupported(c *cli.Context) {
	for _, set := range s.cfg.NotHonoured() {
		s.warn(fmt.Sprintf("%s (%s) is set and has no effect in gorun", set.Name, set.Origin))
	}
}

func (s *session) close() {
	if s.plugins != nil {
		s.plugins.Close()
	}
	if s.screen.Live != nil {
		s.screen.Live.Close()
	}
}
