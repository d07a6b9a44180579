package transport

// This file defines connections by programs of the controller: the user's ssh,
// docker, podman, kubectl, chroot.

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
)

// newExecConn returns the connection of a target whose Connection is a program.
func newExecConn(t *Target) (Conn, error) {
	kind := t.Connection[strings.LastIndexByte(t.Connection, '.')+1:]
	switch kind {
	case "openssh":
		return newOpenSSH(t)
	case "docker", "podman", "buildah":
		return newContainer(t, kind)
	case "kubectl":
		return newKubectl(t)
	case "chroot":
		return newChroot(t)
	}
	return nil, UnknownConnection(t.Connection)
}

// connections are the kinds of connections that there are.
var connections = []string{"ssh", "openssh", "local", "docker", "podman", "buildah", "kubectl", "chroot"}

// UnknownConnection is the error about a kind of connection that gorun does
// not have, nil where it has it.
func UnknownConnection(name string) error {
	kind := name[strings.LastIndexByte(name, '.')+1:]
	if slices.Contains(connections, kind) || kind == "smart" || kind == "paramiko" || kind == "" {
		return nil
	}
	return fmt.Errorf("the connection plugin '%s' was not found (there are %s)", name, strings.Join(connections, ", "))
}

// words splits a setting with further arguments.
func words(t *Target, name string) ([]string, error) {
	w, err := modules.ShellSplit(t.Vars[name])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

// varOr is the first of the settings that is there, else fallback.
func varOr(t *Target, fallback string, names ...string) string {
	for _, name := range names {
		if v := t.Vars[name]; v != "" {
			return v
		}
	}
	return fallback
}

// address is what to connect to.
func (t *Target) address() string {
	if t.Address != "" {
		return t.Address
	}
	return t.Name
}

// newOpenSSH uses the user's ssh: for GSSAPI, hardware keys, and what else it can.
func newOpenSSH(t *Target) (Conn, error) {
	args := []string{firstOf(t.SSHExecutable, "ssh")}
	args = append(args, t.SSHArgs...)
	if !t.HostKeyChecking {
		args = append(args, "-o", "StrictHostKeyChecking=no")
	}
	if t.Port != 0 {
		args = append(args, "-p", strconv.Itoa(t.Port))
	}
	if t.KeyFile != "" {
		args = append(args, "-i", modules.ExpandPath(t.KeyFile, nil))
	}
	// It has no terminal to ask at.
	args = append(args, "-o", "BatchMode=yes")
	if t.User != "" {
		args = append(args, "-l", t.User)
	}
	if t.ConnectTimeout > 0 {
		args = append(args, "-o", fmt.Sprintf("ConnectTimeout=%d", max(1, int(t.ConnectTimeout.Seconds()))))
	}
	args = append(args, t.SSHExtraArgs...)
	if t.Password != "" || t.Key != "" {
		return nil, &UnreachableError{Msg: "the openssh connection takes no password and no key but those of files: use the ssh connection for " + t.Name}
	}
	return &programConn{
		hasTTY: true,
		argv: func(cmd string, tty bool) []string {
			all := append([]string(nil), args...)
			if tty {
				all = append(all, "-tt")
			}
			return append(all, "--", t.address(), cmd)
		},
		unreachable: func(rc int, stderr string) error {
			// ssh's own code; a command may end with it too, but not with ssh's silence or words.
			if rc != 255 {
				return nil
			}
			return &UnreachableError{Msg: "Failed to connect to the host via ssh: " + strings.TrimSpace(stderr)}
		},
	}, nil
}

// newContainer runs commands in a container.
func newContainer(t *Target, kind string) (Conn, error) {
	extra, err := words(t, "ansible_"+kind+"_extra_args")
	if err != nil {
		return nil, err
	}
	base := append([]string{varOr(t, kind, "ansible_"+kind+"_executable")}, extra...)
	verb := "exec"
	if kind == "buildah" {
		verb = "run"
	}
	return &programConn{
		// docker refuses -t where it has no terminal itself.
		hasTTY: kind != "docker",
		argv: func(cmd string, tty bool) []string {
			all := append(append([]string(nil), base...), verb)
			if kind != "buildah" {
				all = append(all, "-i")
			}
			if tty {
				all = append(all, "-t")
			}
			if t.User != "" {
				all = append(all, "--user", t.User)
			}
			if kind == "buildah" {
				all = append(all, "--")
			}
			return append(all, t.address(), "/bin/sh", "-c", cmd)
		},
		unreachable: containerGone(kind, t.Name),
	}, nil
}

// containerGone knows the words with which container programs say that there
// is no such container.
func containerGone(kind, name string) func(int, string) error {
	signs := []string{"No such container", "no such container", "is not running", "container state improper", "no container with name or ID",
		"Cannot connect to the Docker daemon", "docker daemon", "Cannot connect to Podman"}
	return func(rc int, stderr string) error {
		if rc == 0 {
			return nil
		}
		for _, sign := range signs {
			if strings.Contains(stderr, sign) {
				return &UnreachableError{Msg: fmt.Sprintf("Failed to run a command in %s with %s: %s", name, kind, strings.TrimSpace(stderr))}
			}
		}
		return nil
	}
}

// newChroot runs commands in a folder that is a system's root.
func newChroot(t *Target) (Conn, error) {
	exe, err := modules.ShellSplit(varOr(t, "chroot", "ansible_chroot_exe"))
	if err != nil || len(exe) == 0 {
		return nil, fmt.Errorf("ansible_chroot_exe: no program: %w", err)
	}
	root := t.address()
	return &programConn{
		argv: func(cmd string, _ bool) []string {
			return append(append([]string(nil), exe...), root, "/bin/sh", "-c", cmd)
		},
		// Its environment is the controller's, which names folders that may not be there.
		env: []string{"HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=", "XDG_CACHE_HOME="},
		unreachable: func(rc int, stderr string) error {
			if (rc == 125 || rc == 1) && strings.Contains(stderr, "chroot: ") {
				return &UnreachableError{Msg: fmt.Sprintf("Failed to enter %s: %s", root, strings.TrimSpace(stderr))}
			}
			return nil
		},
	}, nil
}
