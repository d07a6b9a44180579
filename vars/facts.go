package vars

// This file keeps facts.

import (
	"regexp"
	"sort"
	"strings"

	"gorun/templates"
)

// SetFacts merges facts of a host at the level of facts: ansible_facts of
// setup and of other modules, and cacheable set_facts. Keys are as modules
// give them ("ansible_distribution", "packages"): a key is the name under
// which the fact is injected, and without its "ansible_" the one under which
// ansible_facts has it. The facts must not be changed afterwards.
func (m *Manager) SetFacts(host string, facts *templates.Dict) {
	st := m.state(host)
	m.loadFacts(st)
	st.mu.Lock()
	merged := templates.NewDict(facts.Len())
	if st.facts != nil {
		merged = st.facts.Copy()
	}
	for k, v := range facts.All {
		merged.Set(k, v) // k was a key: it has a hash
	}
	st.setFrozenFacts(merged)
	st.mu.Unlock()
	if m.o.FactCache != nil {
		m.cacheFailed(m.o.FactCache.Set(host, merged))
	}
}

// ClearFacts forgets the facts of a host (meta: clear_facts).
func (m *Manager) ClearFacts(host string) {
	st := m.state(host)
	st.mu.Lock()
	st.facts, st.injected, st.namespaced, st.factsLoaded = nil, nil, nil, true
	st.mu.Unlock()
	if m.o.FactCache != nil {
		m.cacheFailed(m.o.FactCache.Delete(host))
	}
}

// Facts returns the facts of a host as ansible_facts shows them; never nil.
func (m *Manager) Facts(host string) *templates.Dict {
	st := m.state(host)
	m.loadFacts(st)
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.factsView()
}

// factsView returns ansible_facts; the caller holds mu.
func (st *hostState) factsView() *templates.Dict {
	if st.namespaced == nil {
		return &templates.Dict{}
	}
	return st.namespaced
}

// loadFacts reads the facts of former runs once.
func (m *Manager) loadFacts(st *hostState) {
	if m.o.FactCache == nil {
		return
	}
	st.mu.RLock()
	loaded := st.factsLoaded
	st.mu.RUnlock()
	if loaded {
		return
	}
	facts, ok, err := m.o.FactCache.Get(st.name)
	m.cacheFailed(err)
	st.mu.Lock()
	defer st.mu.Unlock()
	if ok && !st.factsLoaded && st.facts == nil {
		st.setFrozenFacts(facts)
	}
	st.factsLoaded = true
}

func (m *Manager) cacheFailed(err error) {
	if err != nil && m.o.Warn != nil {
		m.o.Warn("fact cache: " + err.Error())
	}
}

// setFrozenFacts sets facts and what is derived from them; the caller holds mu.
func (st *hostState) setFrozenFacts(facts *templates.Dict) {
	injected, namespaced := templates.NewDict(facts.Len()), templates.NewDict(facts.Len())
	for k, v := range facts.All {
		name, ok := k.(templates.Str)
		if !ok {
			continue
		}
		if !isConnectionVar(string(name)) && !strings.HasPrefix(string(name), "_ansible_") {
			injected.SetStr(string(name), v)
		}
		short := string(name)
		if short != "ansible_local" {
			short = strings.TrimPrefix(short, "ansible_")
		}
		namespaced.SetStr(short, v)
	}
	st.facts, st.injected, st.namespaced = facts, injected, namespaced
}

var (
	interpreterVar = regexp.MustCompile(`^ansible_.+_interpreter$`)
	connectionVar  = regexp.MustCompile(`^ansible_(?:connection|host|port|user|password|remote_user|remote_tmp|shell_.*|timeout|private_key_file|` +
		`executable|pipelining|module_compression|scp_.*|sftp_.*|transfer_method|become|become_.*|su|su_.*|sudo|sudo_.*|ssh_.*|docker_.*|paramiko_.*|winrm_.*|psrp_.*|` +
		`podman_.*|kubectl_.*|lxc_.*|lxd_.*|rsync_path|playbook_python|facts)$`)
)

// isConnectionVar reports whether a target that could set the variable would
// gain control of how the controller talks to hosts: such facts are never
// injected.
func isConnectionVar(name string) bool {
	if !strings.HasPrefix(name, "ansible_") || strings.HasPrefix(name, "ansible_ssh_host_key_") {
		return false
	}
	if interpreterVar.MatchString(name) {
		return true
	}
	return connectionVar.MatchString(name)
}

func sortedList(names []string) *templates.List {
	sort.Strings(names)
	elems := make([]templates.Value, len(names))
	for i, n := range names {
		elems[i] = templates.Str(n)
	}
	return templates.NewList(elems...)
}
