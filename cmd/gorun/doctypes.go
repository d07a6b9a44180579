package main

// This file documents what is no module: keywords, filters, tests, lookups and
// the kinds of plugins, by the tables that they are looked up in.

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/engine/lookup"
	"gorun/engine/playbook"
	"gorun/engine/spell"
	"gorun/internal/redact"
	"gorun/templates/ansible"
)

// An entry is a plugin or keyword: what it is for, and where it may stand.
type entry struct {
	Name string `json:"-"`
	Doc  string `json:"description,omitempty"`
	// Where are a keyword's objects.
	Where []string `json:"applies_to,omitempty"`
}

// docTypes are the kinds that -t takes, module apart.
var docTypes = map[string]func() []entry{
	"keyword": keywordEntries,
	"filter": func() []entry {
		return shortNames(maps.Keys(ansible.Filters(ansible.Options{Redact: new(redact.Registry)})))
	},
	"test":       func() []entry { return shortNames(maps.Keys(ansible.Tests(ansible.Options{}))) },
	"lookup":     func() []entry { return shortNames(slices.Values(lookup.Names())) },
	"callback":   func() []entry { return described(callbackDocs) },
	"connection": func() []entry { return described(connectionDocs) },
	"become":     func() []entry { return described(becomeDocs) },
	"inventory":  func() []entry { return described(inventoryDocs) },
	"strategy":   func() []entry { return described(strategyDocs) },
	"vars":       func() []entry { return described(varsDocs) },
	"cache":      func() []entry { return described(cacheDocs) },
}

var callbackDocs = map[string]string{
	"default": "the screen as ansible-playbook has it", "minimal": "a line or a result a host, as ansible has it", "oneline": "one line a result",
	"json": "one JSON document at the end", "yaml": "the default screen with results as YAML", "debug": "the default screen with output as it is",
	"junit": "a file of JUnit's XML a playbook", "tree": "a file a host with its last result", "timer": "how long the playbook took",
	"profile_tasks": "how long tasks took", "profile_roles": "how long roles took", "log_plays": "a file a host with all its results",
}

var connectionDocs = map[string]string{
	"ssh": "SSH, one connection a host and run", "local": "this machine, without a connection", "paramiko_ssh": "another name of ssh",
	"smart": "another name of ssh",
}

var becomeDocs = map[string]string{
	"sudo": "sudo", "su": "su", "doas": "doas",
}

var inventoryDocs = map[string]string{
	"host_list": "names divided by commas on the command line", "advanced_host_list": "the same, with ranges", "script": "a program that prints JSON",
	"auto": "the plugin that a YAML file names", "yaml": "a tree of groups as YAML", "ini": "an INI file", "toml": "a TOML file",
	"constructed": "variables and groups made of expressions", "generator": "hosts of every combination of values",
	"openstack.cloud.openstack": "the servers of OpenStack clouds",
}

var strategyDocs = map[string]string{
	"linear": "every host finishes a task before the next begins", "free": "each host goes on as fast as it can",
	"host_pinned": "as free, a host's play without a pause", "debug": "linear, with the debugger where a task fails",
}

var varsDocs = map[string]string{"host_group_vars": "group_vars and host_vars beside inventories and playbooks"}

var cacheDocs = map[string]string{"memory": "facts last as long as the run", "jsonfile": "a JSON file a host"}

// keywordEntries are the keywords with the objects that take them.
func keywordEntries() []entry {
	where := map[string][]string{}
	for _, object := range []string{"Play", "Role", "Block", "Task", "Handler"} {
		for _, k := range playbook.Keywords(object) {
			where[k] = append(where[k], object)
		}
	}
	var list []entry
	for _, k := range slices.Sorted(maps.Keys(where)) {
		list = append(list, entry{Name: k, Doc: keywordDocs[k], Where: where[k]})
	}
	return list
}

// shortNames lists each plugin once: a name of ansible.builtin by its last part.
func shortNames(names func(func(string) bool)) []entry {
	seen := map[string]bool{}
	for n := range names {
		if strings.HasPrefix(n, "ansible.legacy.") {
			continue
		}
		seen[strings.TrimPrefix(n, "ansible.builtin.")] = true
	}
	var list []entry
	for _, n := range slices.Sorted(maps.Keys(seen)) {
		if i := strings.LastIndexByte(n, '.'); i < 0 || !seen[n[i+1:]] {
			list = append(list, entry{Name: n})
		}
	}
	return list
}

func described(docs map[string]string) []entry {
	var list []entry
	for _, n := range slices.Sorted(maps.Keys(docs)) {
		list = append(list, entry{Name: n, Doc: docs[n]})
	}
	return list
}

// docPlugins is gorun doc -t with another type than module.
func docPlugins(c *cli.Context, kind string) error {
	list, ok := docTypes[kind]
	if !ok {
		kinds := append(slices.Sorted(maps.Keys(docTypes)), "module")
		msg := "doc: no type is called '" + kind + "' (known: " + strings.Join(kinds, ", ") + ")"
		if best := spell.Nearest(kind, kinds); best != "" {
			msg += "; did you mean " + best + "?"
		}
		return usageError(msg)
	}
	all := list()
	chosen := all
	if !c.Bool("list") {
		if c.Args().Len() == 0 {
			return usageError("doc: name a " + kind + ", or -l for a list")
		}
		chosen = nil
		for _, name := range c.Args().Slice() {
			e, err := findEntry(all, kind, name)
			if err != nil {
				return err
			}
			chosen = append(chosen, e)
		}
	}
	if c.Bool("json") {
		out := map[string]entry{}
		for _, e := range chosen {
			out[e.Name] = e
		}
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "    ")
		return enc.Encode(out)
	}
	for _, e := range chosen {
		writeEntry(c.App.Writer, e, c.Bool("list"))
	}
	return nil
}

func findEntry(all []entry, kind, name string) (entry, error) {
	var names []string
	for _, e := range all {
		if e.Name == name || e.Name == strings.TrimPrefix(name, "ansible.builtin.") {
			return e, nil
		}
		names = append(names, e.Name)
	}
	msg := kind + " " + name + " not found"
	if best := spell.Nearest(name, names); best != "" {
		msg += " (did you mean '" + best + "'?)"
	}
	return entry{}, fmt.Errorf("%s", msg)
}

func writeEntry(w io.Writer, e entry, short bool) {
	if short {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-32s %s", e.Name, e.Doc), " "))
		return
	}
	fmt.Fprintf(w, "%s:\n", e.Name)
	if e.Doc != "" {
		fmt.Fprintf(w, "  description: %s\n", e.Doc)
	}
	if len(e.Where) > 0 {
		fmt.Fprintf(w, "  applies_to: %s\n", strings.Join(e.Where, ", "))
	}
}

// keywordDocs says what each keyword is for
// (https://docs.ansible.com/ansible/latest/reference_appendices/playbooks_keywords.html).
var keywordDocs = map[string]string{
	"action": "the action of a task, with its arguments", "always": "tasks of a block that run whatever happened before", "any_errors_fatal": "a failure on one host ends the play for all",
	"args": "further arguments of the action", "async": "seconds that the action may take in the background", "become": "become another user on the host",
	"become_exe": "the program that becomes another user", "become_flags": "options of that program", "become_method": "how to become: sudo, su, doas",
	"become_user": "whom to become", "block": "the tasks of a block", "changed_when": "when the task has changed something", "check_mode": "only predict what would change",
	"collections": "where unqualified names are searched", "connection": "how the host is reached", "debugger": "when the debugger opens: always, never, on_failed, on_unreachable, on_skipped",
	"delay": "seconds between the tries of until", "delegate_facts": "facts belong to the host that the task is delegated to", "delegate_to": "the host that runs the task in the place of the play's",
	"diff": "show differences", "environment": "variables of the environment for the action", "fact_path": "the folder of local facts", "failed_when": "when the task has failed",
	"force_handlers": "run notified handlers even where a task failed", "gather_facts": "gather facts before the play's tasks", "gather_subset": "which facts", "gather_timeout": "seconds for gathering one fact",
	"handlers": "tasks that run when they are notified", "hosts": "the pattern of hosts", "ignore_errors": "go on after a failure", "ignore_unreachable": "go on with a host that was not reached",
	"listen": "further names that notify a handler", "local_action": "an action on the controller", "loop": "the items that the task runs for", "loop_control": "how the loop names and shows its items",
	"max_fail_percentage": "the share of hosts whose failure ends the play", "module_defaults": "default arguments of modules", "name": "a name for people", "no_log": "show neither arguments nor results",
	"notify": "the handlers that run where the task changed something", "order": "the order of hosts: inventory, reverse_inventory, sorted, reverse_sorted, shuffle", "poll": "seconds between looks at an async task; 0: do not wait",
	"port": "the connection's port", "post_tasks": "tasks after the roles and tasks", "pre_tasks": "tasks before the roles", "register": "the variable that takes the result",
	"remote_user": "the user who logs in", "rescue": "tasks of a block that run where one failed", "retries": "how often until is tried", "roles": "the roles of a play", "run_once": "run on one host, for all of them",
	"serial": "how many hosts at a time", "strategy": "how hosts go through the tasks", "tags": "words by which tasks are chosen", "tasks": "the tasks of a play", "throttle": "how many hosts run the task at once",
	"timeout": "seconds that the task may take", "until": "try again until this holds", "vars": "variables", "vars_files": "files of variables", "vars_prompt": "variables that are asked for", "when": "the condition",
}
