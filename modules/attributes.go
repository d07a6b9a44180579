package modules

// This file reads and sets file attributes (chattr).

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// fileAttributes are the letters that lsattr shows; ok is false where the file
// system or the target has none.
func (m *Run) fileAttributes(path string) (letters string, ok bool) {
	bin := m.BinPath("lsattr")
	if bin == "" {
		return "", false
	}
	res, err := m.Command(context.Background(), CommandOptions{}, bin, "-d", path)
	if err != nil || res.RC != 0 {
		return "", false
	}
	flags, _, _ := strings.Cut(strings.TrimSpace(res.Stdout), " ")
	return strings.ReplaceAll(flags, "-", ""), true
}

func attributesDiffer(have string, op byte, letters string) bool {
	switch op {
	case '+':
		return strings.ContainsFunc(letters, func(r rune) bool { return !strings.ContainsRune(have, r) })
	case '-':
		return strings.ContainsAny(letters, have)
	}
	return sortLetters(have) != sortLetters(letters)
}

func sortLetters(s string) string {
	b := []byte(s)
	slices.Sort(b)
	return string(b)
}

func (c *fileChange) chattr(change string) error {
	bin := c.m.BinPath("chattr")
	if bin == "" {
		return nil
	}
	res, err := c.m.Command(context.Background(), CommandOptions{}, bin, change, c.real)
	if err == nil && (res.RC != 0 || res.Stderr != "") {
		err = errors.New("Error while setting attributes: " + res.Stdout + res.Stderr)
	}
	if err != nil {
		return c.fail(withDetails(err), "chattr failed")
	}
	return nil
}
