package main

// This file builds what every command needs from the configuration and the
// command line: vault secrets, templates, variables, inventory.

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"gorun/engine"
	"gorun/engine/callback"
	"gorun/engine/cloudinventory"
	"gorun/engine/config"
	"gorun/engine/foreign"
	"gorun/engine/lookup"
	"gorun/engine/playbook"
	"gorun/engine/spell"
	"gorun/engine/transport"
	"gorun/internal/redact"
	"gorun/templates"
	"gorun/vars"
	"gorun/vars/inventory"
	"gorun/vars/pyyaml"
	"gorun/vars/vault"
)

// A session is one call of the program.
type session struct {
	ctx      context.Context
	stdin    *os.File
	out, err io.Writer
	cfg      *config.Config
	era      templates.Era
	screen   *callback.Screen
	cb       callback.Callback
	stdout   callback.Callback // the part of cb that is gorun's screen
	secrets  []vault.Secret
	newVault bool // passwords are asked for twice: something will be encrypted with them
	// redact hides secrets in what the user is told; nil before 2.22, which
	// did not.
	redact  *redact.Registry
	tmpl    *templates.Engine
	inv     *inventory.Inventory
	extra   *templates.Dict
	loader  *playbook.Loader
	foreign *foreign.Finder
	plugins *engine.Plugins
	vars    *vars.Manager
	sources []string

	opened sync.Map      // templates.Value by the ciphertext
	vaults sync.Map      // the names of files that were read decrypted
	lines  *bufio.Reader // of stdin, made by readLine
	warned map[string]bool
}

// parseEra reads --compat.
func parseEra(s string) (templates.Era, error) {
	switch s {
	case "", "current":
		return templates.Current, nil
	case "2.14":
		return templates.Era214, nil
	case "1.9":
		return templates.Era19, nil
	}
	return 0, usageError("argument --compat: invalid choice: '" + s + "' (choose from current, 2.14, 1.9)")
}

// newSession reads the configuration and opens the screen.
func newSession(c *cli.Context) (*session, error) {
	cfg, err := config.Load(config.Options{})
	if err != nil {
		speakEra(c, cfg)
		return nil, err
	}
	s := &session{ctx: c.Context, stdin: os.Stdin, out: c.App.Writer, err: c.App.ErrWriter, cfg: cfg, warned: map[string]bool{}}
	compat := c.String("compat")
	if compat == "" {
		compat = cfg.Str("GORUN_COMPAT")
	}
	if s.era, err = parseEra(compat); err != nil {
		return nil, err
	}
	speakEra(c, cfg)
	if s.isCurrent() {
		s.redact = new(redact.Registry)
		c.App.Metadata[runsSecrets] = s.redact
	}
	if err := s.openScreen(c); err != nil {
		return nil, err
	}
	for _, w := range cfg.Warnings {
		s.warn(w)
	}
	if cfg.File == "" {
		s.cb.Verbose(1, "", "No config file found; using defaults")
	} else {
		s.cb.Verbose(1, "", "Using "+cfg.File+" as config file")
	}
	return s, nil
}

// speakEra notes in which era's form the program tells errors; cfg may be nil.
func speakEra(c *cli.Context, cfg *config.Config) {
	compat := firstOf(c.String("compat"), os.Getenv("GORUN_COMPAT"))
	if compat == "" && cfg != nil {
		compat = cfg.Str("GORUN_COMPAT")
	}
	if era, err := parseEra(compat); err != nil || era != templates.Current {
		return
	}
	if c.App.Metadata == nil {
		c.App.Metadata = map[string]any{}
	}
	c.App.Metadata[inCurrentEra] = true
}

// knownLookup reports whether with_NAME has a lookup, by its short or full name.
func (s *session) knownLookup(name string) bool {
	if slices.Contains(lookup.Names(), name[strings.LastIndexByte(name, '.')+1:]) {
		return true
	}
	found, err := s.foreign.Find(foreign.Lookup, name, nil)
	return found != nil || err != nil
}

// openHosts makes the connections' keeper: on a terminal it asks about unknown
// host keys and for passphrases as ssh does.
func (s *session) openHosts() transport.Hosts {
	opts := []transport.Option{transport.WithLog(s.cb.Verbose)}
	if term.IsTerminal(int(s.stdin.Fd())) && isTerminal(s.out) {
		opts = append(opts, transport.WithAsk(func(ctx context.Context, question string, secret bool) (string, error) {
			return s.ask(ctx, s.out, engine.Prompt{Text: question, Private: secret})
		}))
	}
	return transport.NewHosts(opts...)
}

// isCurrent reports whether today's Ansible is asked for.
func (s *session) isCurrent() bool { return s.era == templates.Current }

// warn tells the user once.
func (s *session) warn(msg string) {
	if s.cb != nil {
		s.cb.Warning(msg)
	} else if !s.warned[msg] {
		s.warned[msg] = true
		fmt.Fprintln(s.err, "[WARNING]: "+msg)
	}
}

func (s *session) deprecate(msg string) { s.cb.Deprecated(msg) }

// open loads vault secrets, extra variables, and the inventory, and joins the
// parts that a run is made of. dirs are the folders of the playbooks.
func (s *session) open(c *cli.Context, dirs []string) error {
	if err := s.loadSecrets(c); err != nil {
		return err
	}
	s.findForeign(c, dirs)
	opts := engine.TemplateOptions(s.era, engine.TemplateHooks{
		Warn:       s.warn,
		Extensions: s.cfg.List("DEFAULT_JINJA2_EXTENSIONS"),
		ReadFile:   s.readFile,
		Secrets:    func() []vault.Secret { return s.secrets },
		Redact:     s.redact,
		Match:      s.hostNames,
		Config:     s.setting,
		Plugins:    s.plugins,
	})
	opts.Globals[pyyaml.OpenVault] = templates.NewFunc(pyyaml.OpenVault, s.openVault)
	opts.BrokenConditionals = s.cfg.Bool("ALLOW_BROKEN_CONDITIONALS")
	opts.EmbeddedTemplates = s.era < templates.Current || s.cfg.Bool("ALLOW_EMBEDDED_TEMPLATES")
	opts.WarnAt = func(pos templates.Pos, msg, help string) {
		s.warn((&callback.Event{Msg: msg, Help: help, Context: callback.TextContext(pos)}).String())
	}
	opts.Deprecate = func(pos templates.Pos, msg, help string) {
		s.deprecate(engine.BrokenConditional(pos, msg, help).String())
	}
	s.tmpl = templates.New(opts)
	s.loader = playbook.NewLoader(playbook.Options{
		Era: s.era, RolesPath: s.cfg.PathList("DEFAULT_ROLES_PATH"),
		CollectionsPath: s.cfg.PathList("COLLECTIONS_PATHS"), InstalledCollections: s.foreign.InstalledCollections,
		ReadFile: s.readYAML, DecryptInline: s.decryptInline, Seal: true,
		StaticVars: s.static, Duplicate: s.duplicateKeys(),
		KnownAction: engine.KnownAction(s.foreign), KnownLookup: s.knownLookup, RoleFound: s.foreign.AddRole,
		Warn: s.warn, Deprecate: s.deprecate,
		DeprecateAt: func(pos templates.Pos, msg, help string) {
			s.deprecate((&callback.Event{Msg: msg, Help: help, Context: callback.SourceContext(pos)}).String())
		},
	})
	var err error
	if s.extra, err = s.extraVars(c.StringSlice("extra-vars")); err != nil {
		return err
	}
	if err := s.loadInventory(c); err != nil {
		return err
	}
	loadVars := s.loader.LoadVarsFile
	if enabled := s.cfg.List("VARIABLE_PLUGINS_ENABLED"); !slices.Contains(enabled, "host_group_vars") && !slices.Contains(enabled, "ansible.builtin.host_group_vars") {
		loadVars = nil // group_vars and host_vars are switched off
	}
	s.vars = vars.New(vars.Options{
		Inventory: s.inv, LoadVars: loadVars,
		Plugins: s.plugins.Vars(engine.VarsOptions{
			Enabled: s.cfg.List("VARIABLE_PLUGINS_ENABLED"), Stage: s.cfg.Str("RUN_VARS_PLUGINS"),
			Inventory: func() *inventory.Inventory { return s.inv },
		}),
		InventoryDirs: s.inv.VarsDirs(), PlaybookDirs: dirs,
		Extra: s.extra, MergeHashes: s.cfg.Str("DEFAULT_HASH_BEHAVIOUR") == "merge",
		InjectFacts: s.cfg.Bool("INJECT_FACTS_AS_VARS"), Era: s.era, Engine: s.tmpl,
		FactCache: s.factCache(), Warn: s.warn,
	})
	return nil
}

func (s *session) loadInventory(c *cli.Context) error {
	s.sources = c.StringSlice("inventory")
	if len(s.sources) == 0 {
		for _, p := range s.cfg.PathList("DEFAULT_HOST_LIST") {
			if _, err := os.Stat(p); err == nil {
				s.sources = append(s.sources, p)
			}
		}
	}
	cfg := s.cfg
	inv, err := inventory.Load(s.sources, inventory.Options{
		ReadFile: s.readFile,
		ParseYAML: func(data []byte, file string) (templates.Value, error) {
			v, err := pyyaml.Parse(data, file, pyyaml.Options{Trusted: true, Vault: s.decryptInline, Seal: true, Warn: s.warn, Duplicate: s.duplicateKeys()})
			if _, closed := s.vaults.Load(file); closed && err == nil {
				s.redactAll(v)
			}
			return v, err
		},
		Warn: s.warn, Deprecate: s.deprecate, Verbose: func(level int, msg string) { s.cb.Verbose(level, "", msg) }, Engine: s.tmpl, Era: s.era,
		EnabledPlugins: cfg.List("INVENTORY_ENABLED"), IgnoredExtensions: cfg.List("INVENTORY_IGNORE_EXTS"),
		IgnoredPatterns: cfg.List("INVENTORY_IGNORE_PATTERNS"), AnyUnparsedFails: cfg.Bool("INVENTORY_ANY_UNPARSED_IS_FAILED"),
		UnparsedFails: cfg.Bool("INVENTORY_UNPARSED_IS_FAILED"), NoUnparsedWarning: !cfg.Bool("INVENTORY_UNPARSED_WARNING"),
		GroupChars: cfg.Str("TRANSFORM_INVALID_GROUP_CHARS"), PatternMismatch: cfg.Str("HOST_PATTERN_MISMATCH"),
		Plugins: cloudinventory.Plugins(s.ctx), Foreign: s.plugins.Inventory,
		FileVars: vars.FileVars(s.loader.LoadVarsFile), ExtraVars: s.extra, RefreshCache: c.Bool("flush-cache"),
		Cache: inventory.CacheOptions{
			Enabled: cfg.Bool("INVENTORY_CACHE_ENABLED"), Dir: cfg.Str("INVENTORY_CACHE_PLUGIN_CONNECTION"),
			Timeout: cfg.Int("INVENTORY_CACHE_TIMEOUT"), Prefix: cfg.Str("INVENTORY_CACHE_PLUGIN_PREFIX"),
		},
	})
	if err != nil {
		return err
	}
	s.inv = inv
	return nil
}

// factCache opens the cache that fact_caching names; nil keeps facts for the run.
func (s *session) factCache() vars.FactCache {
	switch kind := s.cfg.Str("CACHE_PLUGIN"); kind {
	case "", "memory", "ansible.builtin.memory":
		return nil
	case "jsonfile", "ansible.builtin.jsonfile", "community.general.jsonfile":
		return &vars.FileFacts{Dir: s.cfg.Path("CACHE_PLUGIN_CONNECTION"), Prefix: s.cfg.Str("CACHE_PLUGIN_PREFIX"),
			Timeout: time.Duration(s.cfg.Int("CACHE_PLUGIN_TIMEOUT")) * time.Second}
	case "yaml", "community.general.yaml":
		return &vars.FileFacts{Dir: s.cfg.Path("CACHE_PLUGIN_CONNECTION"), Prefix: s.cfg.Str("CACHE_PLUGIN_PREFIX"), YAML: true,
			Timeout: time.Duration(s.cfg.Int("CACHE_PLUGIN_TIMEOUT")) * time.Second}
	case "redis", "community.general.redis":
		// A prefix of its own has only one who sets it: redis has another default than files.
		c, err := vars.NewRedisFacts(s.cfg.Str("CACHE_PLUGIN_CONNECTION"), s.cfg.Str("CACHE_PLUGIN_PREFIX"), os.Getenv("ANSIBLE_CACHE_REDIS_KEYSET_NAME"),
			time.Duration(s.cfg.Int("CACHE_PLUGIN_TIMEOUT"))*time.Second)
		if err != nil {
			s.warn(err.Error() + ": facts last as long as the run")
			return nil
		}
		return c
	default:
		s.warn("fact_caching = " + kind + " is not known to gorun (known: memory, jsonfile, yaml, redis): facts last as long as the run")
		return nil
	}
}

// static resolves names of static imports with the variables around them,
// lowest precedence first, and the extra variables.
func (s *session) static(v templates.Value, known []*templates.Dict) (templates.Value, error) {
	return s.tmpl.Resolve(s.ctx, v, layeredScope(append(slices.Clone(known), s.extra)))
}

// layeredScope is a scope of several dicts, of which a later one wins.
type layeredScope []*templates.Dict

func (l layeredScope) Lookup(name string) (templates.Value, bool, error) {
	for _, d := range slices.Backward(l) {
		if v, ok := d.GetStr(name); ok {
			return v, true, nil
		}
	}
	return nil, false, nil
}

// dictScope is a scope of one dict.
type dictScope struct{ d *templates.Dict }

func (d dictScope) Lookup(name string) (templates.Value, bool, error) {
	v, ok := d.d.GetStr(name)
	return v, ok, nil
}

// readFile reads a file and decrypts it where it is a vault.
func (s *session) readFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil || !vault.IsEncrypted(data) {
		return data, err
	}
	plain, _, err := vault.Decrypt(data, s.secrets)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.vaults.Store(path, true)
	return plain, nil
}

// openVault opens a value that [pyyaml.Options.Seal] left closed; once, however
// often it is used.
func (s *session) openVault(c *templates.Call) (templates.Value, error) {
	text, err := hex.DecodeString(templates.StrOf(c.Args[0], s.era))
	if err != nil {
		return nil, err
	}
	if plain, ok := s.opened.Load(string(text)); ok {
		return plain.(templates.Value), nil
	}
	plain, _, err := vault.Decrypt(text, s.secrets)
	if err != nil {
		msg := err.Error()
		if s.isCurrent() {
			msg = "Attempt to use undecryptable variable: " + msg + "."
		}
		return nil, &templates.Error{Kind: templates.AnsibleError, Msg: msg}
	}
	s.redact.Add(string(plain))
	v := templates.Str(plain)
	s.opened.Store(string(text), v)
	return v, nil
}

func (s *session) decryptInline(text string, pos templates.Pos) (string, error) {
	plain, _, err := vault.Decrypt([]byte(text), s.secrets)
	if err != nil {
		return "", &playbook.Error{Pos: pos, Msg: err.Error()}
	}
	s.redact.Add(string(plain))
	return string(plain), nil
}

// extraVars reads -e: key=value words, JSON or YAML, or @file; the last wins.
func (s *session) extraVars(words []string) (*templates.Dict, error) {
	all := templates.NewDict(0)
	for _, w := range words {
		d, err := s.extraVar(w)
		if err != nil {
			return nil, err
		}
		for k, v := range d.All {
			if err := all.Set(k, v); err != nil {
				return nil, err
			}
		}
		all.Lazy = all.Lazy || d.Lazy
	}
	return all, nil
}

func (s *session) extraVar(w string) (*templates.Dict, error) {
	w = strings.TrimLeft(w, " ")
	switch {
	case strings.HasPrefix(w, "@"):
		d, err := s.loader.LoadVarsFile(w[1:])
		if errors.Is(err, os.ErrNotExist) {
			return nil, s.noFile(w[1:])
		}
		if errors.Is(err, playbook.ErrNoVariables) {
			return nil, optionsError(&playbook.Error{
				Msg: fmt.Sprintf("Invalid extra vars data supplied. '@%s' could not be made into a dictionary", s.shownPath(w[1:])), Notes: []string{err.Error()},
			})
		}
		return d, err
	case strings.HasPrefix(w, "/"), strings.HasPrefix(w, "."):
		return nil, fmt.Errorf("Please prepend extra_vars filename '%s' with '@'", w)
	case strings.HasPrefix(w, "{"), strings.HasPrefix(w, "["):
		v, err := pyyaml.Parse([]byte(w), "<CLI option '-e'>", pyyaml.Options{Trusted: true, Vault: s.decryptInline, Seal: true})
		if err != nil {
			return nil, err
		}
		d, ok := v.(*templates.Dict)
		if !ok {
			return nil, optionsError(fmt.Errorf("Invalid extra vars data supplied. '%s' could not be made into a dictionary", w))
		}
		return d, nil
	}
	return playbook.ParseKV(w, false)
}

// duplicateKeys tells of keys that a mapping has twice as today's Ansible
// does; nil leaves it to the older words.
func (s *session) duplicateKeys() func(templates.Pos, string) {
	if !s.isCurrent() {
		return nil
	}
	return func(pos templates.Pos, key string) {
		s.warn((&callback.Event{Msg: "Found duplicate mapping key '" + key + "'.", Context: callback.SourceContext(pos), Help: "Using last defined value only."}).String())
	}
}

// shownPath is a file's name in messages: today's Ansible shows it whole.
func (s *session) shownPath(path string) string {
	if s.isCurrent() {
		return absolutePath(path)
	}
	return path
}

func absolutePath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// noFile is the error about a file of the command line that is not there.
func (s *session) noFile(path string) error {
	shown := s.shownPath(path)
	msg := fmt.Sprintf("Unable to retrieve file contents\nCould not find or access '%s' on the Ansible Controller.", shown)
	if s.isCurrent() {
		msg = fmt.Sprintf("Unable to retrieve file contents. Could not find or access '%s' on the Ansible Controller: [Errno 2] No such file or directory: '%[1]s'", shown)
	}
	return nearFile(msg, path)
}

// nearFile is an error about a file that is not there, with the files beside
// it for a hint.
func nearFile(msg, path string) error {
	e := &playbook.Error{Msg: msg}
	base := filepath.Base(path)
	entries, _ := os.ReadDir(filepath.Dir(path))         // without the folder there is no hint
	stem := strings.TrimSuffix(base, filepath.Ext(base)) // extensions are alike anyway
	best := max(1, len(stem)/3) + 1
	for _, f := range entries {
		other := strings.TrimSuffix(f.Name(), filepath.Ext(f.Name()))
		if d := spell.Distance(stem, other); d < best && !f.IsDir() {
			best = d
			e.Notes = []string{fmt.Sprintf("Did you mean '%s'?", filepath.Join(filepath.Dir(path), f.Name()))}
		}
	}
	return e
}

// setting is a setting of ansible.cfg and where its value is from, for lookups.
func (s *session) setting(name string) (templates.Value, string, bool) {
	if strings.Contains(name, ".") {
		v, ok := s.cfg.InFile(name)
		return templates.Str(v), s.cfg.File, ok
	}
	v, ok := s.cfg.Get(name)
	return templates.FromGo(v.Value), v.Origin, ok
}

// hostNames are the hosts of a pattern, for lookups.
func (s *session) hostNames(pattern string) ([]string, error) {
	hosts, err := s.inv.Match(pattern, "")
	if err != nil {
		return nil, err
	}
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	return names, nil
}
