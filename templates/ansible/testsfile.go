package ansible

// This file holds the tests of files and of URLs.

import (
	"errors"
	"gorun/templates"
	"gorun/vars/vault"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

var fileTests = table{
	"directory": onFile("isdir", isDir), "is_dir": onFile("isdir", isDir), "file": onFile("isfile", isFile), "is_file": onFile("isfile", isFile),
	"link": onFile("islink", isLink), "is_link": onFile("islink", isLink), "exists": onFile("exists", exists), "link_exists": onFile("lexists", linkExists),
	"mount": onFile("ismount", isMount), "is_mount": onFile("ismount", isMount), "abs": onFile("isabs", isAbs), "is_abs": onFile("isabs", isAbs),
	"same_file": testSameFile, "is_same_file": testSameFile, "vaulted_file": testVaultedFile,
}

var uriTests = table{"uri": testURI, "url": testURL, "urn": testURN}

// onFile makes a test of a path
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/index.html#test-plugins).
func onFile(name string, f func(string) bool) templates.Func {
	return func(c *call) (value, error) {
		var v value
		if err := c.Unpack(name, "path", &v); err != nil {
			return nil, err
		}
		if s, ok := isText(v); ok {
			return templates.Bool(f(s)), nil
		}
		switch name {
		case "isdir", "isfile", "exists": // numbers are open files, which are no playbook's
			if _, ok := integer(v); ok {
				return templates.Bool(false), nil
			}
			return nil, raise(templates.TypeError, "stat: path should be string, bytes, os.PathLike or integer, not %s", v.Type())
		case "islink", "lexists", "ismount":
			return nil, raise(templates.TypeError, "lstat: path should be string, bytes or os.PathLike, not %s", v.Type())
		}
		_, err := pathText(v)
		return nil, err
	}
}

func isDir(p string) bool {
	fi, err := os.Stat(p)
	return err == nil && fi.IsDir()
}

func isFile(p string) bool {
	fi, err := os.Stat(p)
	return err == nil && fi.Mode().IsRegular()
}

func isLink(p string) bool {
	fi, err := os.Lstat(p)
	return err == nil && fi.Mode()&os.ModeSymlink != 0
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

func linkExists(p string) bool {
	_, err := os.Lstat(p)
	return err == nil
}

func isAbs(p string) bool { return strings.HasPrefix(p, "/") }

// isMount compares a folder with the one above it.
func isMount(p string) bool {
	here, err := os.Lstat(p)
	if err != nil || here.Mode()&os.ModeSymlink != 0 {
		return false
	}
	above, err := os.Lstat(filepath.Join(realPath(p), ".."))
	if err != nil {
		return false
	}
	a, ok := here.Sys().(*syscall.Stat_t)
	b, ok2 := above.Sys().(*syscall.Stat_t)
	return ok && ok2 && (a.Dev != b.Dev || a.Ino == b.Ino)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/same_file_test.html
func testSameFile(c *call) (value, error) {
	var a, b string
	if err := c.Unpack("samefile", "f1", &a, "f2", &b); err != nil {
		return nil, err
	}
	x, err := os.Stat(a)
	if err != nil {
		return nil, missingFile(a)
	}
	y, err := os.Stat(b)
	if err != nil {
		return nil, missingFile(b)
	}
	return templates.Bool(os.SameFile(x, y)), nil
}

func missingFile(p string) error {
	return raise("FileNotFoundError", "[Errno 2] No such file or directory: %s", repr(str(p)))
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/vaulted_file_test.html
func testVaultedFile(c *call) (value, error) {
	var p string
	if err := c.Unpack("vaulted_file", "path", &p); err != nil {
		return nil, err
	}
	f, err := os.Open(p)
	if err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			words := errno.Error()
			return nil, fail("Cannot test if the file %s is a vault: [Errno %d] %s: b%s", repr(str(p)), int(errno), strings.ToUpper(words[:1])+words[1:], repr(str(p)))
		}
		return nil, fail("Cannot test if the file %s is a vault: %s", repr(str(p)), err)
	}
	defer f.Close()
	head := make([]byte, 64)
	n, _ := f.Read(head) // an empty file is no vault
	return templates.Bool(vault.IsEncrypted(head[:n])), nil
}

// isURI reports whether v has the parts of a URI; schemes, unless empty, are
// those that it may have.
func isURI(v value, schemes []string) (u splitURL, ok bool) {
	u, err := parseURL(text(v))
	if err != nil {
		return u, false
	}
	for _, s := range schemes {
		if s == u.scheme {
			return u, true
		}
	}
	return u, len(schemes) == 0
}

// uriArgs are the arguments of the tests of URIs.
func uriArgs(c *call) (v value, schemes []string, err error) {
	var s []value
	if err = c.Unpack("uri", "value", &v, "schemes?", &s); err != nil {
		return nil, nil, err
	}
	for _, e := range s {
		schemes = append(schemes, text(e))
	}
	return v, schemes, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/uri_test.html
func testURI(c *call) (value, error) {
	v, schemes, err := uriArgs(c)
	if err != nil {
		return nil, err
	}
	_, ok := isURI(v, schemes)
	_, isStr := isText(v)
	return templates.Bool(ok && isStr), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/url_test.html
func testURL(c *call) (value, error) {
	v, schemes, err := uriArgs(c)
	if err != nil {
		return nil, err
	}
	u, ok := isURI(v, schemes)
	return templates.Bool(ok && (u.netloc != "" || u.scheme == "file")), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/urn_test.html
func testURN(c *call) (value, error) {
	var v value
	if err := c.Unpack("urn", "value", &v); err != nil {
		return nil, err
	}
	_, ok := isURI(v, []string{"urn"})
	return templates.Bool(ok), nil
}
