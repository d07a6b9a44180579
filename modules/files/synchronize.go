package files

import (
	"context"
	"fmt"
	"strings"

	"gorun/modules"
)

type synchronizeArgs struct {
	Archive                   bool     `arg:"archive"`
	Checksum                  bool     `arg:"checksum"`
	Compress                  bool     `arg:"compress"`
	CopyLinks                 bool     `arg:"copy_links"`
	DelayUpdates              bool     `arg:"delay_updates"`
	Delete                    bool     `arg:"delete"`
	Dest                      string   `arg:"dest"`
	DestPort                  *int     `arg:"dest_port"`
	Dirs                      bool     `arg:"dirs"`
	ExistingOnly              bool     `arg:"existing_only"`
	Group                     *bool    `arg:"group"`
	LinkDest                  []string `arg:"link_dest"`
	Links                     *bool    `arg:"links"`
	Mode                      string   `arg:"mode"`
	Owner                     *bool    `arg:"owner"`
	Partial                   bool     `arg:"partial"`
	Perms                     *bool    `arg:"perms"`
	PrivateKey                string   `arg:"private_key"`
	Recursive                 *bool    `arg:"recursive"`
	RsyncOpts                 []string `arg:"rsync_opts"`
	RsyncPath                 string   `arg:"rsync_path"`
	RsyncTimeout              int      `arg:"rsync_timeout"`
	SetRemoteUser             bool     `arg:"set_remote_user"`
	Src                       string   `arg:"src"`
	SSHConnectionMultiplexing bool     `arg:"ssh_connection_multiplexing"`
	Times                     *bool    `arg:"times"`
	UseSSHArgs                bool     `arg:"use_ssh_args"`
	VerifyHost                bool     `arg:"verify_host"`
	Password                  string   `arg:"_local_rsync_password"`
	Rsync                     string   `arg:"_local_rsync_path"`
	SSHArgs                   string   `arg:"ssh_args"`
	Local                     bool     `arg:"_substitute_controller"`
}

// Synchronize is ansible.posix.synchronize: rsync, with src and dest as the
// action has made them (user@host:path).
var Synchronize = modules.Define(modules.Spec{
	Name: "ansible.posix.synchronize",
	Doc:  "Copy trees by rsync.",
	Options: []modules.Option{
		{Name: "archive", Type: modules.Bool, Default: true, Doc: "Keep links, modes, times, owners and devices, and recurse."},
		{Name: "checksum", Type: modules.Bool, Default: false, Doc: "Compare by checksum in place of time and size."},
		{Name: "compress", Type: modules.Bool, Default: true, Doc: "Compress what is sent."},
		{Name: "copy_links", Type: modules.Bool, Default: false, Doc: "Copy what links point to."},
		{Name: "delay_updates", Type: modules.Bool, Default: true, Doc: "Put files in place at the end."},
		{Name: "delete", Type: modules.Bool, Default: false, Doc: "Remove from dest what src has not."},
		{Name: "dest", Type: modules.Path, Required: true, Doc: "Where to."},
		{Name: "dest_port", Type: modules.Int, Doc: "The port of SSH."},
		{Name: "dirs", Type: modules.Bool, Default: false, Doc: "Make folders without what is in them."},
		{Name: "existing_only", Type: modules.Bool, Default: false, Doc: "Make no new files."},
		{Name: "group", Type: modules.Bool, Doc: "Keep groups."},
		{Name: "link_dest", Type: modules.List, Elements: modules.Path, Doc: "Folders to make hard links to."},
		{Name: "links", Type: modules.Bool, Doc: "Keep links."},
		{Name: "mode", Default: "push", Choices: []string{"pull", "push"}, Doc: "Whether files are sent or fetched."},
		{Name: "owner", Type: modules.Bool, Doc: "Keep owners."},
		{Name: "partial", Type: modules.Bool, Default: false, Doc: "Keep files that came in part."},
		{Name: "perms", Type: modules.Bool, Doc: "Keep modes."},
		{Name: "private_key", Type: modules.Path, Doc: "The private key for SSH."},
		{Name: "recursive", Type: modules.Bool, Doc: "Copy folders with what is in them."},
		{Name: "rsync_opts", Type: modules.List, Elements: modules.Str, Doc: "More options for rsync."},
		{Name: "rsync_path", Doc: "The rsync of the other side."},
		{Name: "rsync_timeout", Type: modules.Int, Default: 0, Doc: "Seconds without data after which it fails."},
		{Name: "set_remote_user", Type: modules.Bool, Default: true, Doc: "Put the user before the host; the action does it."},
		{Name: "src", Type: modules.Path, Required: true, Doc: "Where from."},
		{Name: "ssh_connection_multiplexing", Type: modules.Bool, Default: false, Doc: "Share SSH connections."},
		{Name: "times", Type: modules.Bool, Doc: "Keep times."},
		{Name: "use_ssh_args", Type: modules.Bool, Default: false, Doc: "Use the settings of the SSH connection; the action does it."},
		{Name: "verify_host", Type: modules.Bool, Default: false, Doc: "Check the host's key."},
		{Name: "_local_rsync_password", NoLog: true, Doc: "The password for SSH, by sshpass; set by the action."},
		{Name: "_local_rsync_path", Type: modules.Path, Default: "rsync", Doc: "The rsync program; set by the action."},
		{Name: "ssh_args", Doc: "More options for ssh; set by the action."},
		{Name: "_substitute_controller", Type: modules.Bool, Default: false, Doc: "Accepted from the action.", Ignored: "src and dest are taken as they are"},
	},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *synchronizeArgs) (*modules.Result, error) {
	bin := a.Rsync
	if !strings.Contains(bin, "/") {
		var err error
		if bin, err = m.RequireBin(bin); err != nil {
			return nil, err
		}
	}
	argv := append([]string{bin}, rsyncOptions(m, a)...)
	env := map[string]string{}
	if a.Password != "" {
		sshpass, err := m.RequireBin("sshpass")
		if err != nil {
			return nil, err
		}
		// By the environment: what is in argv everybody can read.
		argv = append([]string{sshpass, "-e"}, argv...)
		env["SSHPASS"] = a.Password
	}
	argv = append(argv, a.Src, a.Dest)
	res, err := m.Command(ctx, modules.CommandOptions{Env: env}, argv...)
	if err != nil {
		return nil, err
	}
	cmd := commandText(argv)
	if res.RC != 0 {
		return nil, modules.FailWith(map[string]any{"rc": res.RC, "cmd": cmd}, "%s", res.Stderr)
	}
	changed := strings.Contains(res.Stdout, changedMark)
	text := strings.ReplaceAll(res.Stdout, changedMark, "")
	out := &modules.Result{Changed: changed, Msg: text, Data: map[string]any{"rc": res.RC, "cmd": cmd, "stdout_lines": splitLines(text)}}
	if m.Diff {
		out.Diff = []modules.Diff{{Prepared: text}}
	}
	return out, nil
})

// changedMark stands before every item that rsync says it changed.
const changedMark = "<<CHANGED>>"

func splitLines(text string) []any {
	var out []any
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func commandText(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = modules.ShellQuote(w)
	}
	return strings.Join(words, " ")
}

func rsyncOptions(m *modules.Run, a *synchronizeArgs) []string {
	var opts []string
	add := func(on bool, text ...string) {
		if on {
			opts = append(opts, text...)
		}
	}
	add(a.DelayUpdates, "--delay-updates", "-F")
	add(a.Compress, "--compress")
	add(a.RsyncTimeout > 0, fmt.Sprintf("--timeout=%d", a.RsyncTimeout))
	add(m.Check, "--dry-run")
	add(a.Delete, "--delete-after")
	add(a.ExistingOnly, "--existing")
	add(a.Checksum, "--checksum")
	add(a.CopyLinks, "--copy-links")
	add(a.Archive, "--archive")
	// What archive implies can be taken back, and the rest added.
	for _, o := range []struct {
		value *bool
		name  string
	}{{a.Recursive, "recursive"}, {a.Links, "links"}, {a.Perms, "perms"}, {a.Times, "times"}, {a.Group, "group"}, {a.Owner, "owner"}} {
		if o.value == nil || *o.value == a.Archive {
			continue
		}
		if *o.value {
			opts = append(opts, "--"+o.name)
		} else {
			opts = append(opts, "--no-"+o.name)
		}
	}
	add(a.Dirs, "--dirs")
	add(a.Partial, "--partial")
	add(a.RsyncPath != "", "--rsync-path="+a.RsyncPath)
	for _, d := range a.LinkDest {
		opts = append(opts, "--link-dest="+d)
	}
	if strings.Contains(a.Src, ":") || strings.Contains(a.Dest, ":") {
		add(!strings.HasPrefix(a.Src, "rsync://") && !strings.HasPrefix(a.Dest, "rsync://"), "--rsh="+rsyncShell(a))
	}
	opts = append(opts, a.RsyncOpts...)
	return append(opts, "--out-format="+changedMark+"%i %n%L")
}

// rsyncShell is the ssh that rsync uses.
func rsyncShell(a *synchronizeArgs) string {
	words := []string{"ssh"}
	if !a.SSHConnectionMultiplexing {
		words = append(words, "-S", "none")
	}
	if a.PrivateKey != "" {
		words = append(words, "-i", modules.ShellQuote(a.PrivateKey))
	}
	if a.DestPort != nil {
		words = append(words, "-o", fmt.Sprintf("Port=%d", *a.DestPort))
	}
	if !a.VerifyHost {
		words = append(words, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
	}
	if a.SSHArgs != "" {
		words = append(words, a.SSHArgs)
	}
	return strings.Join(words, " ")
}
