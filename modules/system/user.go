package system

// This file is the user module; userhome.go has homes and SSH keys.

import (
	"context"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
)

type userArgs struct {
	Name             string   `arg:"name"`
	State            string   `arg:"state"`
	UID              *int     `arg:"uid"`
	NonUnique        bool     `arg:"non_unique"`
	Group            string   `arg:"group"`
	Groups           []string `arg:"groups"`
	Append           bool     `arg:"append"`
	Comment          *string  `arg:"comment"`
	Shell            string   `arg:"shell"`
	Home             string   `arg:"home"`
	Skeleton         string   `arg:"skeleton"`
	Umask            string   `arg:"umask"`
	Password         *string  `arg:"password"`
	UpdatePassword   string   `arg:"update_password"`
	PasswordLock     *bool    `arg:"password_lock"`
	ExpireMax        *int     `arg:"password_expire_max"`
	ExpireMin        *int     `arg:"password_expire_min"`
	ExpireWarn       *int     `arg:"password_expire_warn"`
	ExpireDisable    *int     `arg:"password_expire_account_disable"`
	Expires          *float64 `arg:"expires"`
	CreateHome       bool     `arg:"create_home"`
	MoveHome         bool     `arg:"move_home"`
	System           bool     `arg:"system"`
	Force            bool     `arg:"force"`
	Remove           bool     `arg:"remove"`
	Local            bool     `arg:"local"`
	SEUser           string   `arg:"seuser"`
	UIDMin           *int     `arg:"uid_min"`
	UIDMax           *int     `arg:"uid_max"`
	GenerateSSHKey   bool     `arg:"generate_ssh_key"`
	SSHKeyBits       int      `arg:"ssh_key_bits"`
	SSHKeyType       string   `arg:"ssh_key_type"`
	SSHKeyFile       string   `arg:"ssh_key_file"`
	SSHKeyComment    string   `arg:"ssh_key_comment"`
	SSHKeyPassphrase string   `arg:"ssh_key_passphrase"`
	LoginClass       string   `arg:"login_class"`
	Hidden           *bool    `arg:"hidden"`
	Profile          string   `arg:"profile"`
	Authorization    string   `arg:"authorization"`
	Role             string   `arg:"role"`
}

// User is ansible.builtin.user
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/user_module.html).
var User = modules.Define(modules.Spec{
	Name: "ansible.builtin.user",
	Doc:  "Makes, changes and removes user accounts.",
	Diff: modules.NoSupport,
	Options: []modules.Option{
		{Name: "name", Required: true, Aliases: []string{"user"}, Doc: "The account."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether it is to be there."},
		{Name: "uid", Type: modules.Int, Doc: "Its number."},
		{Name: "non_unique", Type: modules.Bool, Default: false, Doc: "Allow a number that another user has."},
		{Name: "group", Doc: "Its primary group, by name or number."},
		{Name: "groups", Type: modules.List, Elements: modules.Str, Doc: "Its other groups; \"\" is none."},
		{Name: "append", Type: modules.Bool, Default: false, Doc: "Add to the groups that it has."},
		{Name: "comment", Doc: "The GECOS field: the person's name."},
		{Name: "shell", Doc: "Its login shell."},
		{Name: "home", Type: modules.Path, Doc: "Its home folder."},
		{Name: "skeleton", Doc: "The folder whose files a new home gets."},
		{Name: "umask", Doc: "The umask with which a home is made."},
		{Name: "password", NoLog: true, Doc: "The hash of its password, as crypt(3) makes it."},
		{Name: "update_password", Default: "always", Choices: []string{"always", "on_create"}, NoLog: false, Doc: "Whether the password of an account that exists is set."},
		{Name: "password_lock", Type: modules.Bool, Doc: "Whether the password is locked."},
		{Name: "password_expire_max", Type: modules.Int, Doc: "Days after which a password must be changed."},
		{Name: "password_expire_min", Type: modules.Int, Doc: "Days before which a password may not be changed."},
		{Name: "password_expire_warn", Type: modules.Int, Doc: "Days of warning before a password expires."},
		{Name: "password_expire_account_disable", Type: modules.Int, Doc: "Days after a password's expiry when the account is disabled."},
		{Name: "expires", Type: modules.Float, Doc: "When the account expires, in seconds since 1970; negative is never."},
		{Name: "create_home", Type: modules.Bool, Default: true, Aliases: []string{"createhome"}, Doc: "Make the home where it is missing."},
		{Name: "move_home", Type: modules.Bool, Default: false, Doc: "Move the old home to a new place."},
		{Name: "system", Type: modules.Bool, Default: false, Doc: "A new account is a system account."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Remove the account even where it is logged in."},
		{Name: "remove", Type: modules.Bool, Default: false, Doc: "Remove home and mail with the account."},
		{Name: "local", Type: modules.Bool, Default: false, Doc: "Look at this host's files only, not at the name service."},
		{Name: "seuser", Doc: "Its SELinux user."},
		{Name: "uid_min", Type: modules.Int, Doc: "The least number for a new account (UID_MIN of login.defs)."},
		{Name: "uid_max", Type: modules.Int, Doc: "The greatest number for a new account (UID_MAX of login.defs)."},
		{Name: "generate_ssh_key", Type: modules.Bool, Default: false, Doc: "Make an SSH key where there is none."},
		{Name: "ssh_key_bits", Type: modules.Int, Default: 0, Doc: "The key's size in bits; not given, the type's usual one."},
		{Name: "ssh_key_type", Default: "rsa", Doc: "The key's type: rsa, ecdsa or ed25519."},
		{Name: "ssh_key_file", Type: modules.Path, Doc: "The key's file, below the home where it is relative."},
		{Name: "ssh_key_comment", Default: "ansible-generated on $HOSTNAME", Doc: "The key's comment."},
		{Name: "ssh_key_passphrase", NoLog: true, Doc: "The key's passphrase."},
		{Name: "login_class", Ignored: "BSD only", Doc: "The login class."},
		{Name: "hidden", Type: modules.Bool, Ignored: "macOS only", Doc: "Whether the login window shows it."},
		{Name: "profile", Ignored: "Solaris only", Doc: "The profile."},
		{Name: "authorization", Ignored: "Solaris only", Doc: "The authorization."},
		{Name: "role", Ignored: "Solaris only", Doc: "The role."},
	},
}, runUser)

// A userRun is one run of the module.
type userRun struct {
	*modules.Run
	*userArgs
	data map[string]any
}

func runUser(ctx context.Context, m *modules.Run, a *userArgs) (*modules.Result, error) {
	u := &userRun{Run: m, userArgs: a, data: map[string]any{"name": a.Name, "state": a.State}}
	if a.Append && m.Params["groups"] == nil {
		// The current Ansible refuses this; what the task asks for is done all the same.
		m.Warn("'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups." +
			"This will change to an error in Ansible 2.14.")
	}
	have, err := findUser(ctx, m, a.Name, a.Local)
	if err != nil {
		return nil, modules.Failf("cannot read the accounts: %w", err)
	}
	if a.State == "absent" {
		return u.delete(ctx, have)
	}
	if err := u.checkPassword(); err != nil {
		return nil, err
	}
	if m.Check && have == nil {
		// Its groups may be made by tasks that check mode did not run.
		return &modules.Result{Changed: true}, nil
	}
	if err := u.checkGroups(ctx); err != nil {
		return nil, err
	}
	changed := false
	if have == nil {
		changed, err = true, u.create(ctx)
	} else {
		changed, err = u.modify(ctx, have)
	}
	if err != nil {
		return nil, err
	}
	return u.finish(ctx, changed, have)
}

// hashLengths are the lengths of crypt(5)'s hashes, by the method's prefix.
var hashLengths = map[string]int{"1": 22, "5": 43, "6": 86, "y": 43}

var hashChars = regexp.MustCompile(`^[a-zA-Z0-9./=]*$`)

// looksHashed reports whether a password may be what crypt(5) made, or one of
// the words that lock an account.
func looksHashed(password string) bool {
	switch password {
	case "", "*", "!", "*************":
		return true
	}
	fields := strings.Split(password, "$")
	if strings.ContainsAny(password, ":*!") || len(fields) < 3 {
		return false
	}
	hash := fields[len(fields)-1]
	want, known := hashLengths[fields[1]]
	return hashChars.MatchString(hash) && (!known || len(hash) == want)
}

// maxExpires is the last second of the year 9999, the greatest that Python's dates have.
const maxExpires = 253402300799

// checkPassword finds what is wrong with the password, its end and the umask.
func (u *userRun) checkPassword() error {
	if u.Umask != "" && u.Local {
		return modules.Failf("'umask' can not be used with 'local'")
	}
	if u.Expires != nil && math.Abs(*u.Expires) > maxExpires {
		return modules.Failf("Invalid value for 'expires' %v: timestamp out of range for platform time_t", *u.Expires)
	}
	if u.Password != nil && !looksHashed(*u.Password) {
		u.Warn("The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.")
	}
	return nil
}

// checkGroups fails for a group that there is not, before half of the work is done.
func (u *userRun) checkGroups(ctx context.Context) error {
	if u.Group != "" {
		g, err := findGroup(ctx, u.Run, u.Group, u.Local)
		if err != nil {
			return modules.Failf("cannot read the groups: %w", err)
		}
		if g == nil {
			return modules.Failf("Group %s does not exist", u.Group)
		}
	}
	names := splitList(u.Groups)
	for i, name := range names {
		g, err := findGroup(ctx, u.Run, name, u.Local)
		if err != nil {
			return modules.Failf("cannot read the groups: %w", err)
		}
		if g == nil {
			return modules.Failf("Group %s does not exist", name)
		}
		names[i] = g.name
	}
	if u.Groups != nil {
		u.Groups = append([]string{}, names...)
	}
	return nil
}

// command runs a tool of the shadow suite.
func (u *userRun) command(ctx context.Context, stdin string, argv ...string) error {
	if u.Check {
		return nil
	}
	o := modules.CommandOptions{}
	if stdin != "" {
		o.Stdin = strings.NewReader(stdin)
	}
	r, err := u.Command(ctx, o, argv...)
	if err != nil {
		return err
	}
	if r.RC != 0 {
		return modules.FailWith(map[string]any{"name": u.userArgs.Name, "rc": r.RC}, "%s", r.Stderr)
	}
	return nil
}

func (u *userRun) delete(ctx context.Context, have *userEntry) (*modules.Result, error) {
	res := &modules.Result{Changed: have != nil, Data: u.data}
	if have == nil {
		return res, nil
	}
	argv := []string{"userdel"}
	if u.Force {
		argv = append(argv, "-f")
	}
	if u.Remove {
		argv = append(argv, "-r")
	}
	if u.Check {
		return &modules.Result{Changed: true}, nil
	}
	u.data["force"], u.data["remove"] = u.Force, u.Remove
	r, err := u.Command(ctx, modules.CommandOptions{}, append(argv, u.userArgs.Name)...)
	if err != nil {
		return nil, err
	}
	if r.RC != 0 {
		return nil, modules.FailWith(map[string]any{"name": u.userArgs.Name, "rc": r.RC}, "%s", r.Stderr)
	}
	if r.Stderr != "" {
		u.data["stderr"] = r.Stderr
	}
	return res, nil
}

// expiry is the date for useradd's and usermod's -e, "" for never.
func (u *userRun) expiry() string {
	if *u.Expires < 0 {
		return ""
	}
	return time.Unix(int64(*u.Expires), 0).UTC().Format("2006-01-02")
}

func (u *userRun) create(ctx context.Context) error {
	argv := []string{"useradd"}
	if u.UID != nil {
		argv = append(argv, "-u", strconv.Itoa(*u.UID))
		if u.NonUnique {
			argv = append(argv, "-o")
		}
	}
	if u.SEUser != "" {
		argv = append(argv, "-Z", u.SEUser)
	}
	if u.Group != "" {
		argv = append(argv, "-g", u.Group)
	} else if g, err := findGroup(ctx, u.Run, u.userArgs.Name, u.Local); err != nil {
		return modules.Failf("cannot read the groups: %w", err)
	} else if g != nil && g.name == u.userArgs.Name {
		argv = append(argv, "-N") // the group of this name stays as it is
	}
	if len(u.Groups) > 0 {
		argv = append(argv, "-G", strings.Join(u.Groups, ","))
	}
	if u.Comment != nil {
		argv = append(argv, "-c", *u.Comment)
	}
	if u.Home != "" {
		argv = append(argv, "-d", u.Home)
	}
	if u.Shell != "" {
		argv = append(argv, "-s", u.Shell)
	}
	if u.Expires != nil {
		argv = append(argv, "-e", u.expiry())
	}
	for key, n := range map[string]*int{"UID_MIN": u.UIDMin, "UID_MAX": u.UIDMax} {
		if n != nil {
			argv = append(argv, "-K", key+"="+strconv.Itoa(*n))
		}
	}
	if u.CreateHome {
		argv = append(argv, "-m")
		if u.Skeleton != "" {
			argv = append(argv, "-k", u.Skeleton)
		}
		if u.Umask != "" {
			argv = append(argv, "-K", "UMASK="+u.Umask)
		}
	} else {
		argv = append(argv, "-M")
	}
	if u.System {
		argv = append(argv, "-r")
	}
	if err := u.command(ctx, "", append(argv, u.userArgs.Name)...); err != nil {
		return err
	}
	if u.Password != nil {
		if err := u.setPassword(ctx); err != nil {
			return err
		}
	}
	if u.PasswordLock != nil && *u.PasswordLock {
		if err := u.command(ctx, "", "usermod", "-L", u.userArgs.Name); err != nil {
			return err
		}
	}
	_, err := u.age(ctx, &userEntry{minDays: math.MinInt, maxDays: math.MinInt, warnDays: math.MinInt, inactiveDays: math.MinInt})
	return err
}

// setPassword hands the hash over by stdin: argv can be read by anybody.
func (u *userRun) setPassword(ctx context.Context) error {
	return u.command(ctx, u.userArgs.Name+":"+*u.Password+"\n", "chpasswd", "-e")
}

// age sets the ages of the password that differ.
func (u *userRun) age(ctx context.Context, have *userEntry) (changed bool, err error) {
	argv := []string{"chage"}
	for _, f := range []struct {
		flag string
		want *int
		have int
	}{{"-M", u.ExpireMax, have.maxDays}, {"-m", u.ExpireMin, have.minDays}, {"-W", u.ExpireWarn, have.warnDays}, {"-I", u.ExpireDisable, have.inactiveDays}} {
		if f.want != nil && *f.want != f.have {
			argv = append(argv, f.flag, strconv.Itoa(*f.want))
		}
	}
	if len(argv) == 1 {
		return false, nil
	}
	return true, u.command(ctx, "", append(argv, u.userArgs.Name)...)
}

// modify changes what differs, by one call of usermod.
func (u *userRun) modify(ctx context.Context, have *userEntry) (changed bool, err error) {
	argv, err := u.differences(ctx, have)
	if err != nil {
		return false, err
	}
	if len(argv) > 0 {
		changed = true
		if err := u.command(ctx, "", append(append([]string{"usermod"}, argv...), u.userArgs.Name)...); err != nil {
			return false, err
		}
	}
	if u.Password != nil && u.UpdatePassword == "always" && strings.TrimLeft(have.password, "!") != strings.TrimLeft(*u.Password, "!") {
		changed = true
		if err := u.setPassword(ctx); err != nil {
			return false, err
		}
		if u.PasswordLock != nil && *u.PasswordLock {
			if err := u.command(ctx, "", "usermod", "-L", u.userArgs.Name); err != nil {
				return false, err
			}
		}
	}
	aged, err := u.age(ctx, have)
	return changed || aged, err
}

// differences are usermod's options for what differs.
func (u *userRun) differences(ctx context.Context, have *userEntry) ([]string, error) {
	var argv []string
	if u.UID != nil && *u.UID != have.uid {
		argv = append(argv, "-u", strconv.Itoa(*u.UID))
		if u.NonUnique {
			argv = append(argv, "-o")
		}
	}
	if u.Group != "" {
		g, err := findGroup(ctx, u.Run, u.Group, u.Local)
		if err != nil {
			return nil, modules.Failf("cannot read the groups: %w", err)
		}
		if g.gid != have.gid {
			argv = append(argv, "-g", g.name)
		}
	}
	groupsArgv, err := u.groupDifferences(have)
	if err != nil {
		return nil, err
	}
	argv = append(argv, groupsArgv...)
	if u.Comment != nil && *u.Comment != have.comment {
		argv = append(argv, "-c", *u.Comment)
	}
	if u.Home != "" && u.Home != have.home {
		argv = append(argv, "-d", u.Home)
		if u.MoveHome {
			argv = append(argv, "-m")
		}
	}
	if u.Shell != "" && u.Shell != have.shell {
		argv = append(argv, "-s", u.Shell)
	}
	if u.Expires != nil {
		want := -1
		if *u.Expires >= 0 {
			want = int(*u.Expires) / (24 * 60 * 60)
		}
		if want != have.expireDay {
			argv = append(argv, "-e", u.expiry())
		}
	}
	locked := strings.HasPrefix(have.password, "!")
	if u.PasswordLock != nil && *u.PasswordLock != locked && (*u.PasswordLock || u.Password == nil || u.UpdatePassword != "always") {
		argv = append(argv, map[bool]string{true: "-L", false: "-U"}[*u.PasswordLock])
	}
	return argv, nil
}

func (u *userRun) groupDifferences(have *userEntry) ([]string, error) {
	if u.Groups == nil {
		return nil, nil
	}
	now, err := memberships(u.userArgs.Name, have.gid)
	if err != nil {
		return nil, modules.Failf("cannot read the groups: %w", err)
	}
	want := slices.Clone(u.Groups)
	if u.Append {
		var missing []string
		for _, g := range want {
			if !slices.Contains(now, g) && !u.isPrimary(g, have) {
				missing = append(missing, g)
			}
		}
		if len(missing) == 0 {
			return nil, nil
		}
		return []string{"-a", "-G", strings.Join(missing, ",")}, nil
	}
	want = slices.DeleteFunc(want, func(g string) bool { return u.isPrimary(g, have) })
	slices.Sort(want)
	want = slices.Compact(want)
	if slices.Equal(now, want) {
		return nil, nil
	}
	return []string{"-G", strings.Join(want, ",")}, nil
}

// isPrimary reports whether a group is the primary one already.
func (u *userRun) isPrimary(group string, have *userEntry) bool {
	list, err := groups()
	return err == nil && slices.ContainsFunc(list, func(g groupEntry) bool { return g.name == group && g.gid == have.gid })
}

// finish makes home and key, and reports what the account is now.
func (u *userRun) finish(ctx context.Context, changed bool, before *userEntry) (*modules.Result, error) {
	res := &modules.Result{Changed: changed, Data: u.data}
	now, err := findUser(ctx, u.Run, u.userArgs.Name, u.Local)
	if err != nil {
		return nil, modules.Failf("cannot read the accounts: %w", err)
	}
	if before == nil {
		u.data["system"], u.data["create_home"] = u.System, u.CreateHome
	} else {
		u.data["append"], u.data["move_home"] = u.Append, u.MoveHome
	}
	if u.Password != nil {
		u.data["password"] = "NOT_LOGGING_PASSWORD"
	}
	if u.Groups != nil {
		u.data["groups"] = strings.Join(u.Groups, ",")
	}
	if now == nil {
		return res, nil // check mode, and the account is new
	}
	u.data["uid"], u.data["group"], u.data["comment"] = now.uid, now.gid, now.comment
	u.data["home"], u.data["shell"] = now.home, now.shell
	if before != nil && u.CreateHome && now.home != "" && !exists(now.home) {
		res.Changed = true
		if err := u.makeHome(now); err != nil {
			return nil, modules.Failf("cannot make the home %s: %w", now.home, err)
		}
	}
	if u.GenerateSSHKey {
		made, err := u.sshKey(now)
		if err != nil {
			return nil, modules.Failf("cannot make the SSH key: %w", err)
		}
		res.Changed = res.Changed || made
	}
	return res, nil
}

// umask is the umask for a home: the task's, or login.defs' UMASK.
func (u *userRun) umask() (os.FileMode, error) {
	text := u.Umask
	if text == "" {
		for line := range strings.Lines(readText("/etc/login.defs")) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "UMASK" {
				text = f[1]
			}
		}
	}
	if text == "" {
		return 0o022, nil
	}
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil {
		return 0, fmt.Errorf("bad umask %q", text)
	}
	return os.FileMode(n), nil
}

func readText(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b)
}
