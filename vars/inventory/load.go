package inventory

// This file finds out what a source is and reads it.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// defaultPlugins are the parsers that are tried, in order (enable_plugins).
var defaultPlugins = []string{"host_list", "script", "auto", "yaml", "ini", "toml"}

// defaultIgnored are the endings that a folder's files must not have (inventory_ignore_extensions).
var defaultIgnored = []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"}

var ignoredName = regexp.MustCompile(`^(?:\.|host_vars$|group_vars$|vars_plugins$)`)

// Load reads sources: files, folders, scripts, or "a,b," lists. No source at
// all gives an inventory with the implicit localhost only.
func Load(sources []string, o Options) (*Inventory, error) {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.Engine == nil {
		o.Engine = templates.New(templates.Options{Era: o.Era, Undefined: templates.StrictUndefined})
	}
	inv := newInventory(o)
	l := &loader{inv: inv}
	for _, p := range o.IgnoredPatterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, fmt.Errorf("inventory_ignore_patterns: %w", err)
		}
		l.ignored = append(l.ignored, re)
	}
	parsed := false
	for _, src := range sources {
		if src == "" {
			continue
		}
		if !strings.Contains(src, ",") {
			if abs, err := filepath.Abs(src); err == nil {
				src = abs
			}
		}
		inv.sources = append(inv.sources, src)
		ok, err := l.source(src)
		if err != nil {
			return nil, err
		}
		parsed = parsed || ok
	}
	if parsed {
		return inv, l.finish()
	}
	if o.UnparsedFails {
		return nil, errors.New("No inventory was parsed, please check your configuration and options.")
	}
	if !o.NoUnparsedWarning {
		inv.warn("No inventory was parsed, only implicit localhost is available")
	}
	return inv, nil
}

// Refresh reads the sources again (meta: refresh_inventory), past the plugins'
// caches, and adds anew what add_host and group_by added. On an error the
// inventory stays as it was.
func (inv *Inventory) Refresh() error {
	o := inv.o
	o.RefreshCache = true
	fresh, err := Load(inv.sources, o)
	if err != nil {
		return err
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	for name, old := range inv.hosts { // those who hold a host go on with it
		h := fresh.hosts[name]
		if h == nil {
			continue
		}
		old.Vars, old.File, old.Added, old.groups, old.seq = h.Vars, h.File, false, h.groups, h.seq
		for _, g := range fresh.gorder {
			if g.member[h] {
				delete(g.member, h)
				g.member[old] = true
				g.hosts[slices.Index(g.hosts, h)] = old
			}
		}
		fresh.hosts[name], fresh.order[h.seq] = old, old
		if fresh.local == h {
			fresh.local = old
		}
	}
	inv.hosts, inv.order, inv.groups, inv.gorder, inv.local = fresh.hosts, fresh.order, fresh.groups, fresh.gorder, fresh.local
	inv.version++
	for _, add := range inv.added {
		add()
	}
	return nil
}

// remember keeps what a task adds, for Refresh.
func (inv *Inventory) remember(add func()) { inv.added = append(inv.added, add) }

type loader struct {
	inv     *Inventory
	ignored []*regexp.Regexp
}

// finish sets the groups right and warns of names that are both.
func (l *loader) finish() error {
	inv := l.inv
	if err := inv.reconcile(); err != nil {
		return err
	}
	for _, g := range inv.gorder {
		if inv.hosts[g.Name] != nil {
			inv.warn("Found both group and host with same name: " + g.Name)
		}
	}
	return nil
}

// source reads one source; false where nothing could read it.
func (l *loader) source(src string) (bool, error) {
	if st, err := os.Stat(src); err == nil && st.IsDir() {
		return l.folder(src)
	}
	b := &Builder{inv: l.inv, Source: src}
	var failures []string
	plugins := l.inv.o.EnabledPlugins
	if plugins == nil {
		plugins = defaultPlugins
	}
	for _, name := range plugins {
		var missing *NoPluginError
		p := l.parserOf(name)
		if !p.verify(b) {
			continue
		}
		err := p.parse(b)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, ErrDeclined):
		case errors.As(err, &missing):
			l.inv.warnOnce(fmt.Sprintf("Failed to load inventory plugin, skipping %s%s", name, missing.need()))
		default:
			failures = append(failures, l.failure(src, name, err))
		}
	}
	for _, f := range failures {
		l.inv.warn(f)
	}
	if l.inv.o.AnyUnparsedFails {
		return false, fmt.Errorf("Completely failed to parse inventory source %s", src)
	}
	l.inv.warn(fmt.Sprintf("Unable to parse %s as an inventory source", src))
	return false, nil
}

// failure is how a plugin that could not read a source is reported.
func (l *loader) failure(src, plugin string, err error) string {
	if l.inv.o.Era != templates.Current {
		return fmt.Sprintf(" * Failed to parse %s with %s plugin: %s", src, plugin, err)
	}
	help := ""
	msg, origin := err.Error(), fmt.Sprintf("<inventory plugin '%s' with source '%s'>", shortName(plugin), src)
	var placed *Error
	var y *pyyaml.Error
	switch {
	case errors.As(err, &placed):
		if placed.Help != "" {
			help = "\n" + placed.Help + "\n"
		}
		if msg = placed.Msg; placed.Line > 0 {
			origin = fmt.Sprintf("%s:%d", placed.File, placed.Line)
		}
	case errors.As(err, &y) && y.Pos.IsValid():
		msg, origin = y.Today(), fmt.Sprintf("%s:%d:%d", y.Pos.File, y.Pos.Line, max(y.Pos.Col, 1))
	}
	if shortName(plugin) == "ini" {
		msg = "Failed to parse inventory: " + msg
	}
	head := "Failed to parse inventory with '" + plugin + "' plugin"
	return fmt.Sprintf("%s: %s\n\n%[1]s.\n\n<<< caused by >>>\n\n%[2]s\nOrigin: %s\n%s", head, msg, origin, help)
}

// folder reads the files of a folder in the order of their names.
func (l *loader) folder(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	parsed := false
	for _, e := range entries {
		if l.skips(e.Name()) {
			continue
		}
		ok, err := l.source(filepath.Join(dir, e.Name()))
		if err != nil {
			return false, err
		}
		parsed = parsed || ok
	}
	return parsed, nil
}

func (l *loader) skips(name string) bool {
	exts := l.inv.o.IgnoredExtensions
	if exts == nil {
		exts = defaultIgnored
	}
	for _, ext := range exts {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	for _, re := range l.ignored {
		if re.MatchString(name) {
			return true
		}
	}
	return ignoredName.MatchString(name)
}

// shortName is the last part of a plugin's full name.
func shortName(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// A parser reads one kind of source.
type parser struct {
	// verify tells whether the source may be of this kind.
	verify func(b *Builder) bool
	parse  func(b *Builder) error
}

// parsers are the kinds by their plugin's name.
var parsers map[string]parser

func init() {
	parsers = map[string]parser{ // set here because auto looks into it
		"host_list":          {isHostList, parseHostList},
		"advanced_host_list": {isHostList, parseAdvancedHostList},
		"script":             {isScript, parseScript},
		"auto":               {hasExt(".yml", ".yaml"), parseAuto},
		"yaml":               {hasExt("", ".yaml", ".yml", ".json"), parseYAMLFile},
		"ini":                {isINI, parseINIFile},
		"toml":               {hasExt(".toml"), parseTOMLFile},
		"constructed":        {hasExt("", ".config", ".yaml", ".yml", ".json"), configured("constructed")},
		"generator":          {hasExt("", ".config", ".yaml", ".yml", ".json"), configured("generator")},
	}
}

func isFile(b *Builder) bool {
	st, err := os.Stat(b.Source)
	return err == nil && !st.IsDir()
}

// isINI reports whether a source may be INI: any file, but a TOML file, of
// which Ansible used to read a part before it gave up.
func isINI(b *Builder) bool {
	return isFile(b) && (b.inv.o.Era != templates.Current || pythonExt(b.Source) != ".toml")
}

func hasExt(exts ...string) func(b *Builder) bool {
	return func(b *Builder) bool {
		if !isFile(b) {
			return false
		}
		ext := pythonExt(b.Source)
		for _, e := range exts {
			if e == ext {
				return true
			}
		}
		return false
	}
}

// pythonExt is the ending of a file; a leading dot makes none.
func pythonExt(path string) string {
	return filepath.Ext(strings.TrimLeft(filepath.Base(path), "."))
}

func isHostList(b *Builder) bool {
	_, err := os.Stat(b.Source)
	return err != nil && strings.Contains(b.Source, ",")
}

// parseHostList reads "a,b:22,".
func parseHostList(b *Builder) error {
	for _, name := range strings.Split(b.Source, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		host, port, ok := parseAddress(name)
		if !ok || strings.Contains(host, "[") {
			host, port = name, -1
		}
		if b.HasHost(host) {
			continue
		}
		if err := b.addPattern([]string{host}, port, "ungrouped", &templates.Dict{}); err != nil {
			return err
		}
	}
	return nil
}

// parseAdvancedHostList reads a list with ranges: "web[1:10],".
func parseAdvancedHostList(b *Builder) error {
	for _, name := range strings.Split(b.Source, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		names, port, err := expandPattern(name)
		if err != nil {
			return err
		}
		if err := b.addPattern(names, port, "ungrouped", &templates.Dict{}); err != nil {
			return err
		}
	}
	return nil
}

func parseINIFile(b *Builder) error {
	data, err := b.inv.o.ReadFile(b.Source)
	if err != nil {
		return err
	}
	return parseINI(b, data)
}
