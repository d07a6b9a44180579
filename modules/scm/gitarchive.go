package scm

// This file writes archives of the checked-out tree.

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

// archive writes the archive and reports whether it changed.
func (g *gitRun) archive() (bool, error) {
	a := g.a
	if a.Archive == "" {
		return false, nil
	}
	format := ""
	for _, f := range []struct{ suffix, format string }{{".zip", "zip"}, {".tar.gz", "tar.gz"}, {".tgz", "tgz"}, {".tar", "tar"}} {
		if strings.HasSuffix(a.Archive, f.suffix) {
			format = f.format
			break
		}
	}
	if format == "" {
		return false, modules.Failf("Unable to get file extension from archive file name : %s (.zip, .tar, .tar.gz and .tgz are known)", a.Archive)
	}
	if g.m.Check {
		_, err := os.Stat(a.Archive)
		return err != nil, nil
	}
	tmp, err := g.m.TmpDir()
	if err != nil {
		return false, err
	}
	out := filepath.Join(tmp, "archive."+format)
	args := []string{"archive", "--format=" + format, "--output=" + out}
	if a.ArchivePrefix != "" {
		args = append(args, "--prefix", a.ArchivePrefix)
	}
	version := a.Version
	if version != "HEAD" && !a.Bare {
		version = "HEAD" // what is checked out
	}
	if _, err := g.must("Failed to perform archive operation", append(args, version)...); err != nil {
		return false, err
	}
	fresh, err := os.ReadFile(out)
	if err != nil {
		return false, modules.Failf("could not read the archive: %s", oserr.Text(err))
	}
	if have, err := os.ReadFile(a.Archive); err == nil && bytes.Equal(have, fresh) {
		return false, nil
	}
	return true, g.m.MoveFile(g.ctx, out, a.Archive, "", false)
}
