package engine

// This file sets a play up and runs its sections on one batch of hosts after
// the other.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/vars"
)

// A playRun is one play while it runs.
type playRun struct {
	r    *Run
	play *playbook.Play
	book *playbook.Playbook
	name string
	// shownHosts is the pattern of hosts as the screen shows it.
	shownHosts string

	allHosts []string // ansible_play_hosts_all
	batch    []*hostRun
	strategy string
	forks    chan struct{}

	// What layOut makes of a batch's play: the tasks that nobody wrote, and what
	// the roles' blocks and entries are.
	gatherer, flusher *playbook.Task
	roleBlocks        map[*playbook.Block]bool

	earlier map[string]bool // failed before this batch
	base    []vars.Layer    // play vars and prompts
	prompt  *templates.Dict

	mu        sync.Mutex // guards what follows
	roles     []*playbook.Role
	public    []*playbook.Role // roles that include_role made public
	layers    map[*playbook.Task][]vars.Layer
	handlers  []*handler
	throttle  map[*playbook.Task]chan struct{}
	batchEnd  bool
	playEnd   bool
	broken    bool // any_errors_fatal or max_fail_percentage ended the play
	tags      map[*playbook.Task][]string
	looked    map[*playbook.Task]bool // for names that are to go
	included  []*playbook.Role        // by include_role
	byName    map[string]*hostRun
	specTasks map[*playbook.Block]*playbook.Task
	bodies    map[*playbook.Block][]playbook.Item // of roles
	// sharedFiles are the layers of vars_files where they are the same for every host.
	sharedFiles []vars.Layer
}

// newPlay prepares a play.
func (r *Run) newPlay(ctx context.Context, book *playbook.Playbook, play *playbook.Play) (*playRun, error) {
	p := &playRun{
		r: r, play: play, book: book,
		layers: map[*playbook.Task][]vars.Layer{}, throttle: map[*playbook.Task]chan struct{}{},
		tags: map[*playbook.Task][]string{},
	}
	if play.Vars.Dict != nil {
		p.base = append(p.base, vars.Layer{Kind: vars.PlayVars, Source: play.Vars.Pos.File, Dict: play.Vars.Dict})
	}
	if play.ImportVars.Dict != nil {
		p.base = append(p.base, vars.Layer{Kind: vars.PlayVars, Source: play.ImportVars.Pos.File, Dict: play.ImportVars.Dict})
	}
	p.roles = playRoles(play)
	p.warnReservedVars()
	s := p.scope("", nil)
	name, err := r.text(ctx, play.Name.V, s)
	if err != nil {
		if r.o.Era >= templates.Current {
			return nil, playbook.Errors{{Pos: play.Name.Pos, Msg: "Error processing keyword 'name': " + err.Error()}}
		}
		name = condText(play.Name.V)
	}
	p.name = name
	p.strategy, err = r.text(ctx, play.Strategy.V, s)
	if err != nil {
		return nil, &KeywordError{play.Strategy.Pos, err}
	}
	if p.strategy == "" {
		p.strategy = r.o.Strategy
	}
	written, known := p.strategy, false
	if p.strategy, known = r.strategy(written); !known {
		return nil, &KeywordError{play.Strategy.Pos, fmt.Errorf("Invalid play strategy specified: %s", written)}
	}
	return p, nil
}

// shortName is the last part of a dotted name.
func shortName(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// playRoles are the roles of a play whose variables the whole play sees: those
// under roles:, their dependencies before them, and those of import_role.
func playRoles(play *playbook.Play) []*playbook.Role {
	var roles []*playbook.Role
	uses := play.RoleOrder()
	for _, u := range play.Imported {
		if u.Private {
			uses = append(uses, u.Order()[:len(u.Order())-1]...)
		} else {
			uses = append(uses, u.Order()...)
		}
	}
	for _, u := range uses {
		if u.Role != nil {
			roles = append(roles, u.Role)
		}
	}
	return roles
}

// isEntryVars reports whether vars are those of an entry under roles: and no
// block's to the tasks of role. In ansible-core 2.14 they are that to nobody:
// all of the play sees them, as if they stood before the role's own. Since
// 2.19 they are to the role itself, while its dependencies see them so.
func (p *playRun) isEntryVars(v playbook.Vars, role *playbook.Role) bool {
	if v.Dict == nil || p.r.o.Era >= templates.Current && role != nil && role.Given.Dict == v.Dict {
		return false
	}
	return slices.ContainsFunc(p.play.RoleOrder(), func(u *playbook.RoleUse) bool { return u.Vars.Dict == v.Dict })
}

// shown is the play for the screen.
func (p *playRun) shown() callback.Play {
	return callback.Play{
		Name: p.name, Hosts: p.shownHosts,
		Strategy: p.strategy, CheckMode: p.r.o.Check, Path: placeText(p.play.Pos), UUID: "play-" + strconv.Itoa(p.play.Pos.Line), Source: p.play,
	}
}

func patternText(v templates.Value, era templates.Era) string {
	if l, ok := v.(templates.Sequence); ok {
		parts := make([]string, l.Len())
		for i := range parts {
			parts[i] = patternText(l.Index(i), era)
		}
		return strings.Join(parts, ",")
	}
	if t, ok := v.(*templates.Text); ok {
		return t.Src
	}
	if v == nil {
		return ""
	}
	return templates.StrOf(v, era)
}

// pattern is the play's hosts pattern, templated with what is known before
// hosts are chosen.
func (p *playRun) pattern(ctx context.Context) (string, error) {
	v, err := p.r.resolve(ctx, p.play.Hosts.V, p.scope("", nil))
	if err != nil {
		return "", &KeywordError{p.play.Hosts.Pos, err}
	}
	return patternText(v, p.r.o.Era), nil
}

// hosts are the play's hosts in the play's order.
func (p *playRun) hosts(ctx context.Context) ([]string, error) {
	pattern, err := p.pattern(ctx)
	if err != nil {
		return nil, err
	}
	matched, err := p.r.o.Inventory.Match(pattern, p.r.o.Limit)
	if err != nil {
		return nil, err
	}
	p.shownHosts = pattern
	if p.name == "" {
		p.name = pattern
	}
	names := make([]string, len(matched))
	for i, h := range matched {
		names[i] = h.Name
	}
	p.allHosts = slices.Clone(names) // in the inventory's order, whatever the play's
	order, err := p.r.text(ctx, p.play.Order.V, p.scope("", nil))
	if err != nil {
		return nil, &KeywordError{p.play.Order.Pos, err}
	}
	switch order {
	case "", "inventory":
	case "reverse_inventory":
		slices.Reverse(names)
	case "sorted":
		sort.Strings(names)
	case "reverse_sorted":
		sort.Sort(sort.Reverse(sort.StringSlice(names)))
	case "shuffle":
		rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	default:
		return nil, &KeywordError{p.play.Order.Pos, fmt.Errorf("Invalid order specified for inventory hosts: %s", order)}
	}
	return names, nil
}

// batches cuts hosts by serial: numbers, percentages, or a list of them.
func (p *playRun) batches(ctx context.Context, hosts []string) ([][]string, error) {
	v, err := p.r.resolve(ctx, p.play.Serial.V, p.scope("", nil))
	if err != nil {
		return nil, &KeywordError{p.play.Serial.Pos, err}
	}
	steps := []templates.Value{v}
	if l, ok := v.(templates.Sequence); ok {
		steps = nil
		for i := range l.Len() {
			steps = append(steps, l.Index(i))
		}
	}
	if v == templates.None || len(steps) == 0 {
		return [][]string{hosts}, nil
	}
	var out [][]string
	for i, rest := 0, hosts; len(rest) > 0; i++ {
		n, err := serialSize(steps[min(i, len(steps)-1)], len(hosts), p.r.o.Era)
		if err != nil {
			return nil, &KeywordError{p.play.Serial.Pos, err}
		}
		if n <= 0 || n > len(rest) {
			n = len(rest)
		}
		out = append(out, rest[:n])
		rest = rest[n:]
	}
	return out, nil
}

// serialSize is the size of a batch out of n hosts; a percentage gives at least one.
func serialSize(v templates.Value, n int, era templates.Era) (int, error) {
	text := strings.TrimSpace(templates.StrOf(v, era))
	if pct, ok := strings.CutSuffix(text, "%"); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(pct), 64)
		if err != nil {
			return 0, fmt.Errorf("serial: '%s' is not a percentage", text)
		}
		return max(1, int(f/100*float64(n))), nil
	}
	f, ok := toNumber(v)
	if !ok {
		return 0, fmt.Errorf("serial: '%s' is not a number", text)
	}
	return int(f), nil
}

// runBatch runs the play on one batch. broken says that an error that is fatal
// for all ended it; the code is what it came to otherwise.
func (p *playRun) runBatch(ctx context.Context, names []string) (code int, broken bool, err error) {
	p.batchEnd, p.broken = false, false
	p.sharedFiles = nil
	p.earlier = p.r.takeFailed()
	course := p.layOut(ctx)
	p.batch = make([]*hostRun, len(names))
	p.byName = make(map[string]*hostRun, len(names))
	for i, n := range names {
		p.batch[i] = p.newHost(n, course)
		p.byName[n] = p.batch[i]
	}
	if err := p.loadVarsFiles(ctx); err != nil {
		return CodeError, false, err
	}
	p.collectHandlers()
	p.startAt(ctx, those(p.batch, func(h *hostRun) bool { return !h.cursor.over() }))
	p.forks = make(chan struct{}, p.r.forks(len(names)))
	if p.free() {
		p.walkFree(ctx)
	} else {
		w := &walk{p: p}
		w.linear(ctx, course)
		broken = w.broken
	}
	return p.keepFailed(ctx), broken, p.r.stopped()
}

// newHost sets a host at the beginning of the play; one that failed in an
// earlier play is through with it.
func (p *playRun) newHost(name string, course []playbook.Item) *hostRun {
	h := &hostRun{name: name, notified: map[*handler]bool{}}
	h.cursor.reset(course)
	if p.earlier[name] {
		p.mark(h)
	}
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if p.r.unreachable[name] {
		h.unreachable.Store(true)
		h.leave()
	}
	return h
}

// keepFailed notes for the plays to come which hosts failed. The code is that
// of the hosts that nothing rescued: a host that an error of others took out of
// the run counts only from the next play on.
func (p *playRun) keepFailed(ctx context.Context) (code int) {
	for _, h := range p.batch {
		delete(p.earlier, h.name)
		if p.batchEnd && !h.unreachable.Load() {
			p.endHost(h)
		} else if !p.broken && !h.unreachable.Load() && ctx.Err() == nil {
			p.next(ctx, h, &h.cursor)
		}
		if h.cursor.failed(p.topBlock(&h.cursor)) {
			p.r.loseHost(h.name, false)
			code = CodeFailed
		}
	}
	for name := range p.earlier {
		p.r.loseHost(name, false)
		code = CodeFailed
	}
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if len(p.r.unreachable) > 0 {
		code = CodeUnreachable
	}
	return code
}

func (p *playRun) free() bool { return p.strategy == "free" || p.strategy == "host_pinned" }

// walkFree lets every host go through the play on its own; host_pinned keeps
// its fork from the first task to the last. Hosts that another one takes back
// after they were unreachable go on where they were.
func (p *playRun) walkFree(ctx context.Context) {
	if p.play.MaxFailPercentage.IsSet() {
		p.r.warn("Using max_fail_percentage with the free strategy is not supported, as tasks are executed independently on each host")
	}
	forks := p.forks
	if p.strategy == "host_pinned" {
		p.forks = make(chan struct{}, max(1, len(p.batch))) // tasks take none
	}
	w := &walk{p: p}
	for {
		due := those(p.batch, func(h *hostRun) bool { return !h.unreachable.Load() && !h.cursor.over() })
		if len(due) == 0 || w.over(ctx) {
			break
		}
		var wg sync.WaitGroup
		for _, h := range due {
			if p.strategy == "host_pinned" {
				forks <- struct{}{}
			}
			wg.Go(func() {
				(&walk{p: p}).alone(ctx, h)
				if p.strategy == "host_pinned" {
					<-forks
				}
			})
		}
		wg.Wait()
		for _, h := range due {
			if !h.unreachable.Load() && !w.over(ctx) {
				p.next(ctx, h, &h.cursor)
			}
		}
	}
	if !slices.ContainsFunc(p.batch, func(h *hostRun) bool { return !h.unreachable.Load() }) {
		p.noMoreHosts()
	}
}

// scope is the scope of a host ("": none) for a task (nil: the play's own).
func (p *playRun) scope(host string, t *playbook.Task) *vars.Scope {
	return p.scopeAs(host, host, t)
}

// scopeAs is scope with the variables of one host and the vars_files of
// another: for delegation, whose connection variables are the delegate's.
func (p *playRun) scopeAs(host, files string, t *playbook.Task) *vars.Scope {
	layers := p.taskLayers(t)
	if h := p.byName[files]; h != nil && len(h.files) > 0 {
		layers = slices.Concat(layers, h.files)
	} else if h == nil && len(p.batch) > 0 && p.sharedFiles != nil {
		layers = slices.Concat(layers, p.sharedFiles)
	}
	return p.r.o.Vars.Scope(vars.Query{
		Host: host, Layers: layers,
		Magic: func(name string) (templates.Value, bool) { return p.magic(name, t) },
	})
}

// taskLayers are the layers of the play and of a task (nil: none): roles,
// blocks, the task's own vars. They are the same for every host, so they are
// made once, in ascending order.
func (p *playRun) taskLayers(t *playbook.Task) []vars.Layer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l, ok := p.layers[t]; ok {
		return l
	}
	l := slices.Clone(p.base)
	var role *playbook.Role
	if t != nil {
		role = t.Role
	}
	l = p.roleLayers(l, role)
	add := func(kind vars.Kind, chain []playbook.Vars) {
		for _, v := range chain {
			if v.Dict != nil && v.Dict.Len() > 0 {
				l = append(l, vars.Layer{Kind: kind, Source: v.Pos.File, Dict: v.Dict})
			}
		}
	}
	if t != nil {
		chain := t.VarsChain()
		if t.Vars.Dict != nil {
			chain = chain[:len(chain)-1]
			add(vars.TaskVars, []playbook.Vars{t.Vars})
		}
		chain = slices.DeleteFunc(slices.Clone(chain), func(v playbook.Vars) bool { return p.isEntryVars(v, role) })
		add(vars.BlockVars, chain)
		add(vars.IncludeParams, t.ImportChain())
		if t.Include != nil {
			add(vars.IncludeParams, []playbook.Vars{t.Vars})
		}
	}
	slices.SortStableFunc(l, func(a, b vars.Layer) int { return int(a.Kind) - int(b.Kind) })
	p.layers[t] = l
	return l
}

// roleLayers are the defaults and vars of the play's roles, those of a task's
// own role, of those that it depends on and of those that depend on it. The
// nearest wins, but defaults of those that depend on it go before those of its
// own dependencies, vars behind.
func (p *playRun) roleLayers(l []vars.Layer, role *playbook.Role) []vars.Layer {
	add := func(kind vars.Kind, source string, d *templates.Dict) {
		if d != nil && d.Len() > 0 {
			l = append(l, vars.Layer{Kind: kind, Source: source, Dict: d})
		}
	}
	defaults := func(roles []*playbook.Role) {
		for _, r := range roles {
			add(vars.RoleDefaults, r.DefaultsFile, r.Defaults)
		}
	}
	own := func(roles []*playbook.Role, given bool) {
		for _, r := range roles {
			if given {
				add(vars.RoleVars, r.Given.Pos.File, r.Given.Dict)
			}
			add(vars.RoleVars, r.VarsFile, r.Vars)
		}
	}
	before := p.r.o.Era < templates.Current
	shared := slices.Concat(p.roles, p.public)
	defaults(shared)
	own(shared, before)
	if role == nil {
		return l
	}
	parents := slices.Clone(role.Parents)
	slices.Reverse(parents)
	deps := role.Dependencies()
	defaults(slices.Concat(deps, parents, []*playbook.Role{role}))
	own(parents, true)
	own(append(deps, role), before)
	for _, r := range append(parents, role) {
		add(vars.RoleParams, r.Params.Pos.File, r.Params.Dict)
	}
	return l
}

// publish makes a role's variables seen by the rest of the play (include_role public).
func (p *playRun) publish(role *playbook.Role) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.public, role) {
		p.public = append(append(p.public, role.Dependencies()...), role)
		clear(p.layers)
	}
}

// loadVarsFiles loads vars_files for each host of the batch: a list inside the
// list gives alternatives, of which the first that exists is taken.
func (p *playRun) loadVarsFiles(ctx context.Context) error {
	if !p.play.VarsFiles.IsSet() {
		return nil
	}
	entries := conditionList(p.play.VarsFiles.V)
	if p.play.VarsFiles.V == templates.None {
		return nil
	}
	shared := !hasText(p.play.VarsFiles.V)
	loaded := map[string]*templates.Dict{}
	for i, h := range p.batch {
		if shared && i > 0 {
			h.files = p.batch[0].files
			continue
		}
		if err := p.varsFilesOf(ctx, h, entries, loaded); err != nil {
			return err
		}
		if shared {
			p.sharedFiles = h.files
		}
	}
	return nil
}

func (p *playRun) varsFilesOf(ctx context.Context, h *hostRun, entries []templates.Value, loaded map[string]*templates.Dict) error {
	for _, e := range entries {
		names := conditionList(e)
		var missing []string
		found := false
		for _, n := range names {
			name, err := p.r.text(ctx, n, p.scope(h.name, nil))
			if err != nil {
				missing = append(missing, condText(n))
				continue
			}
			path := findVarsFile(p.play.File, name)
			if path == "" {
				missing = append(missing, name)
				continue
			}
			d := loaded[path]
			if d == nil {
				if d, err = p.r.o.Loader.LoadVarsFile(path); err != nil {
					return err
				}
				loaded[path] = d
			}
			h.files = append(slices.Clip(h.files), vars.Layer{Kind: vars.PlayVarsFiles, Source: path, Dict: d})
			found = true
			break
		}
		if !found {
			return p.missingVarsFile(missing, e)
		}
	}
	return nil
}

// missingVarsFile is the error about a vars_files entry that no file answers.
func (p *playRun) missingVarsFile(names []string, e templates.Value) error {
	pos := p.play.VarsFiles.Pos
	if t, ok := e.(*templates.Text); ok {
		pos = t.Pos
	}
	if p.r.o.Era >= templates.Current {
		return nil // since 2.19 it is passed over
	}
	return &KeywordError{pos, fmt.Errorf("vars file %s was not found", strings.Join(names, ", "))}
}

// hasText reports whether a *templates.Text is anywhere in v.
func hasText(v templates.Value) bool {
	switch v := v.(type) {
	case *templates.Text:
		return true
	case *templates.List:
		return slices.ContainsFunc(v.Elems, hasText)
	case *templates.Dict:
		for k, e := range v.All {
			if hasText(k) || hasText(e) {
				return true
			}
		}
	}
	return false
}

// askVars asks for vars_prompt, unless -e has given the variable.
func (p *playRun) askVars(ctx context.Context) error {
	if len(p.play.VarsPrompt) == 0 {
		return nil
	}
	p.prompt = templates.NewDict(len(p.play.VarsPrompt))
	for _, vp := range p.play.VarsPrompt {
		if p.r.o.ExtraVars != nil {
			if _, given := p.r.o.ExtraVars.GetStr(vp.Name); given {
				continue
			}
		}
		v, err := p.askVar(ctx, vp)
		if err != nil {
			return err
		}
		p.prompt.SetStr(vp.Name, v)
	}
	clear(p.layers)
	p.base = append(slices.Clip(p.base), vars.Layer{Kind: vars.PlayPrompts, Source: p.play.File, Dict: p.prompt})
	return nil
}

func (p *playRun) askVar(ctx context.Context, vp playbook.VarsPrompt) (templates.Value, error) {
	def, err := p.r.resolve(ctx, vp.Default.V, p.scope("", nil))
	if err != nil {
		return nil, &KeywordError{vp.Default.Pos, err}
	}
	text := vp.Prompt
	if text == "" {
		text = vp.Name
	}
	if def != templates.None {
		text += " [" + templates.StrOf(def, p.r.o.Era) + "]"
	}
	if p.r.o.Prompt == nil {
		return def, nil
	}
	in, err := p.r.o.Prompt(ctx, Prompt{Text: text + ": ", Private: vp.Private, Confirm: vp.Confirm, TerminalOnly: true})
	if err != nil {
		return nil, err
	}
	var v templates.Value = templates.Str(in)
	switch {
	case in == "" && def != templates.None:
		v = templates.Str(templates.StrOf(def, p.r.o.Era))
	case in == "" && !p.r.o.Interactive:
		v = templates.Str("None") // Python's, as nobody was asked
		vp.Private = false
	}
	if vp.Private {
		p.r.o.Secrets.Add(templates.StrOf(v, p.r.o.Era))
	}
	if vp.Encrypt != "" {
		return p.encrypt(ctx, vp, v)
	}
	if s, ok := v.(templates.Str); ok && !vp.Unsafe {
		return templates.NewText(string(s), vp.Pos), nil
	}
	return v, nil
}

// encrypt hashes a prompted password by the filter password_hash.
func (p *playRun) encrypt(ctx context.Context, vp playbook.VarsPrompt, v templates.Value) (templates.Value, error) {
	args := []string{strconv.Quote(strings.TrimSuffix(vp.Encrypt, "_crypt"))}
	if vp.Salt != "" {
		args = append(args, "salt="+strconv.Quote(vp.Salt))
	}
	if vp.SaltSize > 0 {
		args = append(args, "salt_size="+strconv.Itoa(vp.SaltSize))
	}
	locals := templates.NewDict(1)
	locals.SetStr("_prompted", v)
	src := "{{ _prompted | password_hash(" + strings.Join(args, ", ") + ") }}"
	out, err := p.r.resolve(ctx, templates.NewText(src, vp.Pos), p.scope("", nil).With(locals))
	if err != nil {
		return nil, &KeywordError{vp.Pos, err}
	}
	return out, nil
}

// end ends the batch or the whole play where its hosts stand (meta). Hosts
// that each go their own way see it before their next task.
func (p *playRun) end(play bool) {
	p.mu.Lock()
	p.batchEnd = p.free()
	p.playEnd = p.playEnd || play
	p.mu.Unlock()
	if p.free() {
		return
	}
	for _, h := range p.batch {
		if !h.unreachable.Load() {
			p.endHost(h)
		}
	}
}

// endHost ends the play for a host where it stands.
func (p *playRun) endHost(h *hostRun) {
	h.cursor.end(p.r.o.Era >= templates.Current)
	h.leave()
}

func (p *playRun) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.batchEnd || p.broken
}

// breakPlay ends the play at once: every host has failed.
func (p *playRun) breakPlay() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
}

// mergeDicts returns a dict with b's items over a's.
func mergeDicts(a, b *templates.Dict) *templates.Dict {
	if a == nil {
		return b
	}
	out := a.Copy()
	if b != nil {
		for k, v := range b.All {
			_ = out.Set(k, v) // k is in a dict, so it has a hash
		}
	}
	return out
}

// throttled returns the semaphore of a task with throttle.
func (p *playRun) throttled(t *playbook.Task, n int) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.throttle[t]
	if c == nil {
		c = make(chan struct{}, n)
		p.throttle[t] = c
	}
	return c
}
