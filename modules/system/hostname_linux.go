package system

import "golang.org/x/sys/unix"

// setHostname sets the running kernel's name.
func setHostname(name string) error { return unix.Sethostname([]byte(name)) }
