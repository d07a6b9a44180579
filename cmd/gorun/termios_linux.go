package main

import "golang.org/x/sys/unix"

// The requests that read and set the modes of a terminal.
const (
	ioctlGetTermios = unix.TCGETS
	ioctlSetTermios = unix.TCSETS
)
