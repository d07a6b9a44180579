// Package playbook turns playbooks, task files and roles into a typed tree
// with positions. It knows Ansible's keywords and their static rules; it
// templates nothing and runs nothing.
package playbook

// This file defines the tree.

import (
	"gorun/templates"
)

// Pos is a place in a file.
type Pos = templates.Pos

// A Value is a keyword's value as YAML gave it: scalars resolved as PyYAML
// does, *templates.Text where a text holds template markers, with where it
// stands. A nil V says that the keyword was not given.
type Value struct {
	V   templates.Value
	Pos Pos
}

// IsSet reports whether the keyword was given.
func (v Value) IsSet() bool { return v.V != nil }

// Vars are variables in the order they were written.
type Vars struct {
	Dict *templates.Dict // may be nil
	Pos  Pos
}

// A Playbook is the plays of one file, imports expanded.
type Playbook struct {
	File  string
	Plays []*Play
	// Files are all files that were read, in order: playbooks, task files, roles' parts.
	Files []string
}

// Base holds the keywords that plays, roles, blocks and tasks share. Unset
// values inherit from what stands around.
type Base struct {
	Name                                            Value
	Connection, Port, RemoteUser                    Value
	Vars                                            Vars
	ModuleDefaults                                  []Value // each a dict, or a list of dicts, outermost first
	Environment                                     []Value // outermost first
	NoLog, RunOnce, IgnoreErrors, IgnoreUnreachable Value
	CheckMode, Diff, AnyErrorsFatal, Throttle       Value
	Timeout, Debugger                               Value
	Become, BecomeMethod, BecomeUser                Value
	BecomeFlags, BecomeExe                          Value
	Collections                                     []string
	Tags                                            []Value // own tags, as written; inherited ones are added by the loader in AllTags
}

// A Play is one play.
type Play struct {
	Base
	Pos                                                       Pos
	File                                                      string // the playbook's file; its folder is playbook_dir
	Hosts                                                     Value
	Gather                                                    Value // gather_facts
	GatherSubset, GatherTimeout, FactPath                     Value
	VarsFiles                                                 Value
	VarsPrompt                                                []VarsPrompt
	Serial, MaxFailPercentage, Strategy, Order, ForceHandlers Value
	Roles                                                     []*RoleUse // as listed under roles:, dependencies inside
	// Imported are the roles that import_role brought, in the order they were
	// met. Their tasks stand where the import stood.
	Imported                             []*RoleUse
	PreTasks, Tasks, PostTasks, Handlers []Item
	// When is the condition of the import_playbook that brought the play.
	When []Value
	// ImportVars are the vars of the import_playbook that brought the play;
	// they win over the play's own.
	ImportVars Vars
}

// VarsPrompt is one entry of vars_prompt.
type VarsPrompt struct {
	Name, Prompt, Encrypt, Salt string
	Default                     Value
	Private, Confirm, Unsafe    bool
	SaltSize                    int
	Pos                         Pos
}

// An Item is what a list of tasks holds: *Task or *Block.
type Item interface {
	Position() Pos
	item()
}

// A Block is a block with its rescue and always parts. The loader also makes
// one, with Implicit set, of each imported file, role and play section that
// needs common keywords.
type Block struct {
	Base
	Pos                       Pos
	Implicit                  bool
	When                      []Value
	Notify                    []Value
	DelegateTo, DelegateFacts Value
	Body, Rescue, Always      []Item
	// Role is the role whose tasks these are, nil outside roles.
	Role *Role
	// ImportVars are the vars of a static import (include params), which have
	// a precedence of their own.
	ImportVars Vars
	// Parent is what stands around: nil at the top of a play.
	Parent *Block
	Play   *Play
	// File is the file that an implicit block was made of ("" for sections of a play).
	File string
}

// A Task is a task or a handler.
type Task struct {
	Base
	Pos Pos
	// Action is the action's name as written ("copy", "ansible.builtin.copy"), ActionPos where it stands.
	Action    string
	ActionPos Pos
	// KVPos is where key=value arguments begin; the zero place without such.
	KVPos Pos
	// RegisterPos is where the name of register stands.
	RegisterPos Pos
	// Args are the action's arguments as a dict, key=value forms parsed,
	// args: merged in. A text that is nothing but arguments to be templated
	// first ("{{ args }}") is ArgsText. Free-form text is under "_raw_params".
	Args                      *templates.Dict
	ArgsText                  Value
	ArgsPos                   map[string]Pos
	When                      []Value
	Loop                      Value
	LoopWith                  string // "" for loop:, else the name behind with_
	LoopControl               LoopControl
	Register                  string
	Notify                    []Value
	Listen                    []Value
	Until                     []Value
	Retries, Delay            Value
	ChangedWhen, FailedWhen   []Value // nil: not given
	Async, Poll               Value
	DelegateTo, DelegateFacts Value
	Role                      *Role
	Parent                    *Block // what stands around; nil at the top
	Play                      *Play
	IsHandler                 bool
	// File is the file the task stands in; its folder is searched for files.
	File string
	// Local is set by local_action.
	Local bool
	// Include is set for include_tasks, include_role and the dynamic form of
	// include: what the engine loads when the task runs.
	Include *Include
	// ID numbers the tasks of a run from 1 in the order they were loaded.
	ID int
	// Legacy holds keywords of Ansible 1.x that have no heir.
	Legacy Legacy
}

// Legacy are keywords of Ansible 1.x, given only under [templates.Era19].
type Legacy struct {
	// OnlyIf is a Python expression with variables as $var, evaluated after
	// they were put in; WhenKind is "integer", "string", "float", "set",
	// "unset", "changed" or "failed" and When what stood behind it.
	OnlyIf   Value
	WhenKind string
	When     Value
}

// LoopControl is the keyword of that name.
type LoopControl struct {
	LoopVar, IndexVar, Label, Pause Value
	Extended, ExtendedAllitems      Value
	BreakWhen                       []Value
	Parallel                        Value // gorun's extension
	Pos                             Pos
}

// An Include is a dynamic include.
type Include struct {
	// Kind is "include_tasks", "include_role" or "include".
	Kind string
	// File is the file or the role's name as written; it may be a template.
	File Value
	// Apply is the dict of include_tasks/include_role apply, nil without;
	// ApplyBlock holds the same keywords decoded (it has no Body and no Parent).
	Apply      *templates.Dict
	ApplyBlock *Block
	// Params are the key=value behind a legacy include's file.
	Params Vars
}

// A RoleUse is an entry under roles:.
type RoleUse struct {
	Base
	Pos  Pos
	Role *Role
	When []Value
	// Params are the keys that are no keywords.
	Params                    Vars
	DelegateTo, DelegateFacts Value
	// Private says that the play does not see the role's variables: import_role
	// with public: false.
	Private bool
	// Dependencies come before the role's own tasks.
	Dependencies []*RoleUse
	// Tasks and Handlers are the role's, one implicit block each.
	Tasks, Handlers []Item
	// Block holds the keywords of the entry; it is an ancestor of the role's
	// items and of those of its dependencies.
	Block *Block
}

// A Role is a role as found on disk and used with one set of parameters.
type Role struct {
	// Name is as written, FQCN is namespace.collection.name where it came from a collection.
	Name, FQCN             string
	Path                   string
	Defaults, Vars         *templates.Dict // of defaults/main and vars/main (or *_from); nil: none
	DefaultsFile, VarsFile string
	Params                 Vars
	// Given are the vars: of what brought the role: its entry under roles: or in
	// meta/main, import_role, include_role.
	Given Vars
	// Key is the same for equal uses of a role; unless AllowDuplicates, a host
	// goes through one of them.
	Key             string
	AllowDuplicates bool
	// ArgumentSpecs is what stands under argument_specs in
	// meta/argument_specs or meta/main, nil without.
	ArgumentSpecs *templates.Dict
	// Entry is the name of the tasks file ("main"): the argument spec's entry point.
	Entry    string
	Metadata *templates.Dict
	// Parents are the roles that depend on this one here, nearest first.
	Parents []*Role
	// DependsOn are its direct dependencies.
	DependsOn []*Role
	// Collections are to be searched for unqualified names inside the role.
	Collections []string
}

// Dependencies are all roles that r depends on, in the order they run.
func (r *Role) Dependencies() []*Role {
	var all []*Role
	for _, d := range r.DependsOn {
		all = append(append(all, d.Dependencies()...), d)
	}
	return all
}

func (t *Task) Position() Pos  { return t.Pos }
func (b *Block) Position() Pos { return b.Pos }
func (*Task) item()            {}
func (*Block) item()           {}
