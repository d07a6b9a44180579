package packaging

// This file is what the apt module does: install, remove, upgrade, .deb files.

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/net"
	"gorun/modules/oserr"
)

func (a *apt) install(ctx context.Context, words []string) (*modules.Result, error) {
	if len(words) == 0 {
		return &modules.Result{}, nil
	}
	if a.State == "build-dep" {
		return a.aptGet(ctx, []string{"build-dep"}, "build-dep", words)
	}
	return a.aptGet(ctx, []string{"install"}, "install", words)
}

func (a *apt) remove(ctx context.Context, p *aptPlan) (*modules.Result, error) {
	if len(p.remove) == 0 {
		return &modules.Result{}, nil
	}
	res, err := a.aptGet(ctx, []string{"remove"}, "remove", p.remove)
	if err != nil {
		return nil, err
	}
	res.Changed = true
	return res, nil
}

// upgrade brings every installed package up to date: "safe" and "yes" remove
// nothing, "full" and "dist" may.
func (a *apt) upgrade(ctx context.Context, mode string) (*modules.Result, error) {
	verb := []string{"upgrade", "--with-new-pkgs"}
	if mode == "full" || mode == "dist" {
		verb = []string{"dist-upgrade"}
	}
	res, err := a.aptGet(ctx, verb, "upgrade", nil)
	if err != nil {
		return nil, err
	}
	res.Data["msg"] = res.Data["stdout"]
	return res, nil
}

// installDebs installs .deb files with what they depend on.
func (a *apt) installDebs(ctx context.Context) (*modules.Result, error) {
	if a.State != "present" {
		return nil, modules.Failf("deb only supports state=present")
	}
	status, err := readDpkgStatus(a.paths.status)
	if err != nil {
		return nil, modules.Failf("cannot read dpkg's status: %w", err)
	}
	var files []string
	for _, name := range strings.Split(a.Deb, ",") {
		file, err := a.debFile(ctx, strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		needed, err := a.debNeeded(ctx, status, file)
		if err != nil {
			return nil, err
		}
		if needed {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return &modules.Result{Data: map[string]any{"stdout": "", "stderr": ""}}, nil
	}
	// A file in a private folder cannot be read by the user _apt.
	return a.aptGet(ctx, []string{"-o", "APT::Sandbox::User=root", "install"}, "install", files)
}

// debFile returns the path of a .deb, which it downloads where it is a URL.
func (a *apt) debFile(ctx context.Context, name string) (string, error) {
	if !strings.Contains(name, "://") {
		abs, err := filepath.Abs(name)
		if err != nil {
			return "", modules.Failf("Unable to install package: %w", err)
		}
		if _, err := os.Stat(abs); err != nil {
			return "", modules.Failf("Unable to install package: E:Could not open file %s - open (2: No such file or directory)", name)
		}
		return abs, nil
	}
	file, err := net.Download(ctx, a.Run, name, true)
	if err != nil || strings.HasSuffix(file, ".deb") {
		return file, err
	}
	// apt-get takes what has another ending for a package's name.
	if err := os.Rename(file, file+".deb"); err != nil {
		return "", modules.Failf("Failure downloading %s, %s", name, oserr.Text(err))
	}
	return file + ".deb", nil
}

// fetch opens a URL; an answer other than 200 is an error.
func fetch(ctx context.Context, client *http.Client, from string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "gorun")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("HTTP Error %s", resp.Status)
	}
	return resp.Body, nil
}

// debNeeded compares a file with what is installed.
func (a *apt) debNeeded(ctx context.Context, status dpkgStatus, file string) (bool, error) {
	r, err := a.Command(ctx, modules.CommandOptions{}, "dpkg-deb", "-f", file, "Package", "Version", "Architecture")
	if err != nil {
		return false, err
	}
	if r.RC != 0 {
		return false, modules.FailWith(map[string]any{"rc": r.RC, "stderr": r.Stderr}, "Unable to install package: %s", strings.TrimSpace(r.Stderr))
	}
	field := map[string]string{}
	for line := range strings.Lines(r.Stdout) {
		k, v, _ := strings.Cut(line, ":")
		field[k] = strings.TrimSpace(v)
	}
	name := field["Package"]
	if arch := field["Architecture"]; arch != "all" && arch != "" {
		name += ":" + arch
	}
	have := status.find(name)
	if !have.installed() {
		return true, nil
	}
	switch c := compareVersions(field["Version"], have.version); {
	case c == 0:
		return false, nil
	case c < 0 && !a.AllowDowngrade && !a.Force:
		return false, modules.Failf("A later version is already installed")
	}
	return true, nil
}
