// Package engine runs plays: it walks the tree of engine/playbook with sets of
// hosts, resolves variables lazily, runs actions on the controller and modules
// on the targets, and tells a callback what happens.
//
// Every host has a cursor (cursor.go), its own place in the play. The linear
// strategy (course.go) lets the hosts of a batch keep step by one list of all
// tasks, the free ones let each go on alone; [walk] (walk.go) runs what comes
// next, and judge.go decides what a failure means for the others.
package engine

// This file defines a run and what it is made of.

import (
	"context"
	"time"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/foreign"
	"gorun/engine/lookup"
	"gorun/engine/playbook"
	"gorun/engine/transport"
	"gorun/internal/redact"
	"gorun/modules"
	"gorun/templates"
	"gorun/vars"
	"gorun/vars/inventory"
)

// Options are the parts of a run and its settings. Inventory, Vars,
// Templates, Loader, Hosts and Callback are needed; the zero value of every
// other field is Ansible's default.
type Options struct {
	Inventory *inventory.Inventory
	Vars      *vars.Manager
	Templates *templates.Engine
	Loader    *playbook.Loader
	Hosts     transport.Hosts
	Callback  callback.Callback
	Era       templates.Era
	// LocalModules run in this process: cloud modules that no agent carries, by full name.
	LocalModules map[string]*modules.Module
	// ReadFile reads a file of the controller and decrypts it where it is a vault; nil is os.ReadFile.
	ReadFile func(path string) ([]byte, error)

	// Foreign finds modules and plugins that are not gorun's own; nil: there are none.
	Foreign *foreign.Finder
	// Plugins run plugins in Python; nil: there are none.
	Plugins *Plugins
	// ModuleSettings are settings that modules are told of.
	ModuleSettings action.Settings

	// Forks bounds the hosts that work at once; 0 is 5 in the older eras and min(hosts, 100) today.
	Forks          int
	Check, Diff    bool
	Tags, SkipTags []string
	StartAtTask    string
	Step           bool
	Limit          string
	Verbosity      int
	ExtraVars      *templates.Dict
	ForceHandlers  bool
	FlushCache     bool
	Strategy       string // default strategy; "" is linear
	// Lost is told, before a playbook's recap, of the hosts that failed or were
	// not reached, sorted; nil: nobody is.
	Lost func(file string, hosts []string)
	// Refresh reads the inventory again (meta: refresh_inventory); nil: nothing to do.
	Refresh func() error
	// Secrets hides secrets in what the user is told; nil, before 2.22: results
	// come with theirs hidden.
	Secrets *redact.Registry
	// Lookups are the lookup plugins of with_*; nil makes them of ReadFile and Inventory.
	Lookups        *lookup.Table
	AnyErrorsFatal bool

	// The command line's or ansible.cfg's defaults of the connection.
	Connection                           string // "" is smart: ssh
	RemoteUser, PrivateKey               string
	PrivateKeyText, PrivateKeyPassphrase string // the key itself
	SSHExecutable, PKCS11Provider        string
	Port                                 int
	ConnectTimeout                       time.Duration // 0 is 10 s
	SSHArgs, SSHCommonArgs, SSHExtraArgs string
	SSHRetries                           int
	NoHostKeyChecking                    bool
	BootWait                             time.Duration // retry of first connections to hosts that add_host brought
	AgentDir, RemoteTmp                  string
	Executable                           string // the shell of raw and shell, "" is /bin/sh
	ConnectionPassword, BecomePassword   string
	Become                               bool
	BecomeMethod, BecomeUser, BecomeExe  string
	BecomeFlags                          string
	Gathering                            string // implicit (default), explicit, smart
	GatherSubset                         []string
	GatherTimeout                        time.Duration // 0: the module's default
	FactPath                             string
	TaskTimeout                          time.Duration // 0: none
	PollInterval                         time.Duration // default of poll; 0 is 15 s
	DuplicateDict                        string
	NoLogEverything                      bool // ANSIBLE_NO_LOG
	ErrorOnMissingHandlerOff             bool // error_on_missing_handler=False
	NoTargetSyslog                       bool
	InjectInvocation                     bool   // results of the current era tell what a module was called with
	ConfigFile                           string // for ansible_config_file
	Version                              string // for ansible_version.full; "" is by era
	RolesPath                            []string
	// Debugger opens the debugger wherever a task fails (enable_task_debugger),
	// DebugIgnored also where its failure is ignored.
	Debugger, DebugIgnored bool
	Prompt                 func(ctx context.Context, p Prompt) (string, error)
	Interactive            bool // the standard input is a terminal
	WarnInjected           bool // tell, in the current era, of facts used as variables
	Live                   bool // stream lines of running commands to Callback.Line
	// LoopParallel is not set by any Ansible setting: how many items of a
	// loop may run at once where loop_control.parallel asks for it; 0 is no bound.
	LoopParallel int
}

// A Prompt asks the person at the terminal.
type Prompt struct {
	TerminalOnly bool // not asked, and the answer "", where the standard input is no terminal
	// Text is shown before the input.
	Text string
	// Private hides what is typed.
	Private bool
	// Confirm asks twice and compares.
	Confirm bool
	// Timeout, where not 0, ends the wait (pause: seconds) without an answer.
	Timeout time.Duration
	// Pause reads keys as pause does, until Enter or the Timeout: behind ctrl-C
	// the key C ends the pause, A gives [action.ErrAborted]. NoEcho hides them.
	Pause, NoEcho bool
	// Banner shows the text again behind the answer, as a banner.
	Banner bool
}

// An Outcome is how a run ended.
type Outcome struct {
	// Code is the exit code by Ansible's rules.
	Code  int
	Stats callback.Stats
	// Failed and Unreachable are the hosts for retry files, sorted.
	Failed, Unreachable []string
}

// Exit codes, as ansible-playbook's task queue manager defines them.
const (
	CodeOK          = 0
	CodeError       = 1
	CodeFailed      = 2
	CodeUnreachable = 4
	CodeBreakPlay   = 8
	CodeUnexpected  = 250
)
