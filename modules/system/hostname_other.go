//go:build !linux

package system

import "errors"

func setHostname(string) error { return errors.New("only Linux is supported") }
