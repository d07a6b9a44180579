package main

// This file opens the screen as ansible.cfg and the environment ask.

import (
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"gorun/engine"
	"gorun/engine/callback"
	"gorun/engine/foreign"
	"gorun/templates"
	"gorun/templates/ansible"
	"gorun/vars"
	"gorun/vars/inventory"
)

// openScreen makes the screen and the stdout callback of the configuration.
func (s *session) openScreen(c *cli.Context) error {
	cfg := s.cfg
	tty := isTerminal(s.out)
	s.screen = &callback.Screen{
		Out: s.out, Err: s.err, Columns: 79, Secrets: s.redact,
		Color: tty && hasColors(os.Getenv("TERM")) && !cfg.Bool("ANSIBLE_NOCOLOR") || cfg.Bool("ANSIBLE_FORCE_COLOR"),
		Colors: callback.Colors{
			OK: s.color("OK"), Changed: s.color("CHANGED"), Error: s.color("ERROR"), Skip: s.color("SKIP"),
			Unreachable: s.color("UNREACHABLE"), Warn: s.color("WARN"), Debug: s.color("DEBUG"),
			Deprecate: s.color("DEPRECATE"), Verbose: s.color("VERBOSE"), Highlight: s.color("HIGHLIGHT"),
			DiffAdd: s.color("DIFF_ADD"), DiffRemove: s.color("DIFF_REMOVE"), DiffLines: s.color("DIFF_LINES"),
			Included: s.color("INCLUDED"),
		},
	}
	if !s.isCurrent() {
		s.screen.Colors.Included = s.screen.Colors.Skip // it had none of its own
	}
	if tty {
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			s.screen.Columns = max(79, w-1)
		}
		s.screen.Live = callback.NewLive(s.out, s.screen.Columns)
	}
	if !cfg.Bool("ANSIBLE_NOCOWS") {
		s.screen.Cow = findCow(cfg)
	}
	if path := cfg.Path("DEFAULT_LOG_PATH"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("log_path: %w", err)
		}
		s.screen.Log, s.screen.LogHead = f, s.logHead()
	}
	name := cfg.Str("DEFAULT_STDOUT_CALLBACK")
	if !callback.Known(name) {
		name = "default" // until it is known whether it is a plugin in Python
	}
	var err error
	if s.stdout, err = callback.New(name, s.screen, s.settings(c)); err != nil {
		return err
	}
	s.cb, err = callback.Enable(s.stdout, nil, s.screen, callback.Extras{})
	return err
}

// enableCallbacks joins the callbacks that the configuration enables to the
// one of the screen, gorun's own and those in Python.
func (s *session) enableCallbacks() error {
	cfg := s.cfg
	o := engine.CallbackOptions{
		Others: true, Listed: cfg.List("CALLBACKS_ENABLED"), Screen: s.stdout,
		Inventory: func() *inventory.Inventory { return s.inv }, Vars: func() *vars.Manager { return s.vars },
	}
	if name := cfg.Str("DEFAULT_STDOUT_CALLBACK"); !callback.Known(name) || s.plugins.OwnCallback(name) {
		o.Stdout = name
	} else {
		s.agingCallback("DEFAULT_STDOUT_CALLBACK", name)
	}
	var own []string
	for _, n := range o.Listed {
		if callback.Known(n) && !s.plugins.OwnCallback(n) {
			own = append(own, n)
			s.agingCallback("CALLBACKS_ENABLED", n)
		} else {
			o.Enabled = append(o.Enabled, n)
		}
	}
	screen, more, err := s.pythonCallbacks(o)
	if err != nil {
		return err
	}
	s.cb, err = callback.Enable(screen, own, s.screen, callback.Extras{
		Current: s.isCurrent(), JUnitDir: cfg.Path("JUNIT_OUTPUT_DIR"), TreeDir: cfg.Path("CALLBACK_TREE_DIR"), LogDir: cfg.Path("LOG_PLAYS_FOLDER"),
		ProfileSort: cfg.Str("PROFILE_TASKS_SORT_ORDER"), ProfileLimit: cfg.Str("PROFILE_TASKS_OUTPUT_LIMIT"),
		TasksSummaryOnly: cfg.Bool("PROFILE_TASKS_SUMMARY_ONLY"), RolesSummaryOnly: cfg.Bool("PROFILE_ROLES_SUMMARY_ONLY"),
	}, more...)
	return err
}

// agingCallback tells, in the current era, that a callback which a setting
// names goes away, and where the setting comes from.
func (s *session) agingCallback(setting, name string) {
	switch ownCallback(name) {
	case "oneline", "tree":
	default:
		return
	}
	set, ok := s.cfg.Get(setting)
	if !s.isCurrent() || !ok {
		return
	}
	where := "<unknown>\n\n" + name // Ansible forgets where the parts of a variable's list come from
	option := "callbacks_enabled"
	if setting == "DEFAULT_STDOUT_CALLBACK" {
		where, option = "<Config "+set.Origin+">\n\n"+name, "stdout_callback"
	}
	if !strings.HasPrefix(set.Origin, "env: ") {
		where = set.Origin + " (section 'defaults' option '" + option + "')\n"
	}
	s.deprecateCallback(name, where)
}

// deprecateCallback tells that a callback goes away; where is what names it.
func (s *session) deprecateCallback(name, where string) {
	s.deprecate(name + " has been deprecated. Use another callback plugin, or vendor and/or move the " + ownCallback(name) +
		" callback to a collection. This feature will be removed from ansible-core version 2.23.\nOrigin: " + where + "\n")
}

// ownCallback is a callback's name without the collection of Ansible's own.
func ownCallback(name string) string { return strings.TrimPrefix(name, "ansible.builtin.") }

// pythonCallbacks loads callback plugins in Python where there are any: the
// one of the screen, which else is gorun's, or those beside it.
func (s *session) pythonCallbacks(o engine.CallbackOptions) (screen callback.Callback, more []callback.Callback, err error) {
	if o.Stdout == "" && len(o.Enabled) == 0 && !s.plugins.HasCallbacks() {
		return s.stdout, nil, nil
	}
	if o.Stdout != "" {
		if found, err := s.foreign.Find(foreign.Callback, o.Stdout, nil); found == nil && err == nil {
			_, err = callback.New(o.Stdout, s.screen, callback.Settings{}) // its error tells the known names
			return nil, nil, err
		}
	}
	known := o.Enabled[:0:0]
	for _, n := range o.Enabled {
		if found, err := s.foreign.Find(foreign.Callback, n, nil); found == nil && err == nil {
			s.warn("Skipping callback plugin '" + n + "', unable to load")
		} else {
			known = append(known, n)
		}
	}
	if o.Enabled = known; o.Stdout == "" && len(known) == 0 && !s.plugins.HasCallbacks() {
		return s.stdout, nil, nil
	}
	py, err := s.plugins.Callbacks(s.ctx, o)
	switch {
	case err != nil && o.Stdout != "":
		return nil, nil, err
	case err != nil:
		s.warn("Skipping callback plugins: " + err.Error())
		return s.stdout, nil, nil
	case py == nil:
		return s.stdout, nil, nil
	case o.Stdout != "":
		return py, nil, nil
	}
	return s.stdout, []callback.Callback{py}, nil
}

// dumpYAML is [callback.Settings.DumpYAML].
func dumpYAML(v templates.Value, indent, width int) (string, error) {
	o := ansible.Block(indent)
	o.Literal = literalText
	o.Width = width
	return ansible.DumpYAML(v, o)
}

// literalText chooses the texts that a screen shows as blocks: those of more
// than one line, without blanks at the ends of lines, which a block cannot show.
func literalText(s string) (string, bool) {
	if !strings.ContainsAny(s, "\n\r\u0085\u2028\u2029") {
		return s, false
	}
	var b strings.Builder
	for i, line := range strings.Split(strings.ReplaceAll(strings.TrimRight(s, " \t\r\n"), "\t", "        "), "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimRight(line, " \r"))
	}
	return b.String(), true
}

// logHead is what stands before a message in the log: the time, the process,
// the user, and today the level.
func (s *session) logHead() func(level string) string {
	name := os.Getenv("USER")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	who := fmt.Sprintf(" p=%d u=%s n=ansible ", os.Getpid(), name)
	return func(level string) string {
		if !s.isCurrent() {
			level = ""
		}
		return time.Now().Format("2006-01-02 15:04:05,000") + who + level + "| "
	}
}

// settings are the screen's options from the configuration and command line.
func (s *session) settings(c *cli.Context) callback.Settings {
	cfg := s.cfg
	return callback.Settings{
		Verbosity: verbosity(c) + cfg.Int("DEFAULT_VERBOSITY"), CheckMode: c.Bool("check"), Current: s.isCurrent(),
		CheckModeMarkers: cfg.Bool("CHECK_MODE_MARKERS"), HideOK: !cfg.Bool("DISPLAY_OK_HOSTS"),
		HideSkipped: !cfg.Bool("DISPLAY_SKIPPED_HOSTS"), FailedToStderr: cfg.Bool("DISPLAY_FAILED_STDERR"),
		ShowTaskPath: cfg.Bool("SHOW_TASK_PATH_ON_FAILURE"), ShowCustomStats: cfg.Bool("SHOW_CUSTOM_STATS"),
		ShowPerHostStart: cfg.Bool("SHOW_PER_HOST_START"), ShowArgs: cfg.Bool("DISPLAY_ARGS_TO_STDOUT"),
		YAML: cfg.Str("CALLBACK_RESULT_FORMAT") == "yaml", Pretty: cfg.Bool("CALLBACK_FORMAT_PRETTY"),
		DiffContext: cfg.Int("DIFF_CONTEXT"), Deprecations: cfg.Bool("DEPRECATION_WARNINGS"), DumpYAML: dumpYAML,
	}
}

func (s *session) color(what string) callback.Color {
	return callback.Color(s.cfg.Str("COLOR_" + what))
}

// coloured reports whether an error that is told on w has a colour: what the
// environment says, for the configuration may be what is wrong.
func coloured(w io.Writer) bool {
	if force, err := strconv.ParseBool(os.Getenv("ANSIBLE_FORCE_COLOR")); err == nil && force {
		return true
	}
	return os.Getenv("ANSIBLE_NOCOLOR") == "" && os.Getenv("NO_COLOR") == "" && isTerminal(w) && hasColors(os.Getenv("TERM"))
}

// hasColors reports whether a kind of terminal shows colours.
func hasColors(kind string) bool {
	return kind != "" && kind != "dumb" && kind != "unknown" && !strings.HasPrefix(kind, "vt")
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
