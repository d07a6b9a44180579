package posix

import (
	"context"
	"os"
	"strings"

	"gorun/modules"
)

type aclArgs struct {
	Default         bool   `arg:"default"`
	Entity          string `arg:"entity"`
	Entry           string `arg:"entry"`
	Etype           string `arg:"etype"`
	Follow          bool   `arg:"follow"`
	Path            string `arg:"path"`
	Permissions     string `arg:"permissions"`
	RecalculateMask string `arg:"recalculate_mask"`
	Recursive       bool   `arg:"recursive"`
	State           string `arg:"state"`
	UseNfsv4ACLs    bool   `arg:"use_nfsv4_acls"`
}

// ACL is ansible.posix.acl.
var ACL = modules.Define(modules.Spec{
	Name: "ansible.posix.acl",
	Doc:  "Set and tell access control lists, by setfacl and getfacl.",
	Options: []modules.Option{
		{Name: "default", Type: modules.Bool, Default: false, Doc: "Mean the default list of a folder, which new files in it get."},
		{Name: "entity", Default: "", Doc: "The user or group of the entry."},
		{Name: "entry", Doc: "The whole entry as setfacl takes it, in place of etype, entity and permissions."},
		{Name: "etype", Choices: []string{"group", "mask", "other", "user"}, Doc: "Whom the entry is for."},
		{Name: "follow", Type: modules.Bool, Default: true, Doc: "Mean what a link points to."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"name"}, Doc: "The file or folder."},
		{Name: "permissions", Doc: "The rights: some of r, w, x and X."},
		{Name: "recalculate_mask", Default: "default", Choices: []string{"default", "mask", "no_mask"}, Doc: "Whether the mask is made to fit."},
		{Name: "recursive", Type: modules.Bool, Default: false, Aliases: []string{"recurse"}, Doc: "Mean all that is in the folder too."},
		{Name: "state", Default: "query", Choices: []string{"absent", "present", "query"}, Doc: "Whether the entry is to be there, or only to tell the list."},
		{Name: "use_nfsv4_acls", Type: modules.Bool, Default: false, Doc: "Use the lists of NFSv4; not supported."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *aclArgs) (*modules.Result, error) {
	if a.UseNfsv4ACLs {
		return nil, modules.Failf("use_nfsv4_acls is not supported")
	}
	if _, err := os.Stat(a.Path); err != nil {
		return nil, modules.Failf("Path not found or not accessible.")
	}
	if err := completeEntry(a); err != nil {
		return nil, err
	}
	t := tool{ctx, m}
	changed, msg := false, "current acl"
	if a.State != "query" {
		entry := a.Etype + ":" + a.Entity
		op := "-x"
		if a.State == "present" {
			entry, op = entry+":"+a.Permissions, "-m"
		}
		msg = entry + " is " + a.State
		var err error
		if changed, err = aclDiffers(t, a, op, entry); err != nil {
			return nil, err
		}
		if changed {
			if err := t.change("setfacl", setfaclOptions(a, op, entry)...); err != nil {
				return nil, err
			}
		}
	}
	res, err := t.must("getfacl", getfaclOptions(a)...)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for line := range strings.Lines(strings.TrimRight(res.Stdout, "\n")) {
		if !strings.HasPrefix(line, "#") {
			list = append(list, strings.TrimSpace(line)) // an empty line parts two files
		}
	}
	return &modules.Result{Changed: changed, Msg: msg, Data: map[string]any{"acl": list}}, nil
})

// completeEntry takes the option entry apart.
func completeEntry(a *aclArgs) error {
	switch {
	case a.State == "query" && a.Recursive:
		return modules.Failf("'recursive' MUST NOT be set when 'state=query'.")
	case a.Entry == "":
		if a.State != "query" && a.Etype == "" {
			return modules.Failf("'entry' MUST NOT be empty: etype (or entry) is needed with state=%s", a.State)
		}
		if a.State == "present" && a.Permissions == "" {
			return modules.Failf("permissions (or entry) is needed with state=present")
		}
		return nil
	case a.State == "query" || a.Etype != "" || a.Entity != "" || a.Permissions != "":
		return modules.Failf("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set, or with state=query")
	}
	f := strings.Split(a.Entry, ":")
	if f[0] == "d" || f[0] == "default" {
		a.Default = true
		f = f[1:]
	}
	want := 3
	if a.State == "absent" {
		want = 2
	}
	if len(f) != want {
		return modules.Failf("'entry' MUST have %d sections divided by ':' when 'state=%s'.", want, a.State)
	}
	kinds := map[string]string{"u": "user", "user": "user", "g": "group", "group": "group", "m": "mask", "mask": "mask", "o": "other", "other": "other"}
	kind, ok := kinds[f[0]]
	if !ok {
		return modules.Failf("'entry' begins with %q: user, group, mask and other are known", f[0])
	}
	a.Etype, a.Entity = kind, f[1]
	if want == 3 {
		a.Permissions = f[2]
	}
	return nil
}

func setfaclOptions(a *aclArgs, op, entry string, more ...string) []string {
	opts := more
	if a.Recursive {
		opts = append(opts, "--recursive")
	}
	switch a.RecalculateMask {
	case "mask":
		opts = append(opts, "--mask")
	case "no_mask":
		opts = append(opts, "--no-mask")
	}
	if !a.Follow {
		opts = append(opts, "--physical")
	}
	if a.Default {
		opts = append(opts, "--default")
	}
	return append(opts, op, entry, a.Path)
}

func getfaclOptions(a *aclArgs) []string {
	opts := []string{"--omit-header", "--absolute-names"}
	if !a.Follow {
		opts = append(opts, "--physical")
	}
	if a.Recursive {
		opts = append(opts, "--recursive")
	}
	if a.Default {
		opts = append(opts, "--default")
	}
	return append(opts, a.Path)
}

// aclDiffers asks setfacl what it would do: its test output marks what would
// not change by *,*.
func aclDiffers(t tool, a *aclArgs, op, entry string) (bool, error) {
	res, err := t.must("setfacl", setfaclOptions(a, op, entry, "--test")...)
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(res.Stdout) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasSuffix(line, "*,*") {
			return true, nil
		}
	}
	return false, nil
}
