package aptrepo

// This file builds stand-ins: empty packages under names that the cluster's
// article of 2014 installs and Debian 12 no longer has, each pulling in what
// took its place.

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A standIn is one empty package.
type standIn struct {
	Name     string
	Depends  string
	Postinst string
	Why      string
}

var standIns = []standIn{
	{
		Name: "mysql-server", Depends: "mariadb-server",
		// The names a configuration written for MySQL 5 counts on. A packaged
		// link would be taken for mariadb's former conffile and moved away.
		Postinst: `install -d -o mysql -g adm -m 2750 /var/log/mysql
[ -e /etc/init.d/mysql ] || ln -s mariadb /etc/init.d/mysql
`,
		Why: "MySQL's place in Debian is taken by MariaDB",
	},
	{Name: "python-mysqldb", Depends: "python3-mysqldb", Why: "Python 2 is gone"},
	{Name: "php5", Depends: "libapache2-mod-php5, php", Why: "PHP 8 took its place"},
	{
		// apache2 has to be configured before the module, or it is not enabled.
		Name: "libapache2-mod-php5", Depends: "apache2, libapache2-mod-php", Why: "PHP 8 took its place",
	},
	{Name: "php5-mysql", Depends: "php-mysql", Why: "PHP 8 took its place"},
	{Name: "php5-mcrypt", Depends: "php-gd, php-xml", Why: "mcrypt is gone; WordPress wants these"},
	// python3-pip breaks the name, so this one can depend on nothing.
	{Name: "python-pip", Why: "Python 2 is gone"},
}

// buildStandIns writes the stand-ins' archives into dir.
func buildStandIns(ctx context.Context, dir string) error {
	tmp, err := os.MkdirTemp("", "gorun-lab-standin")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for _, s := range standIns {
		root := filepath.Join(tmp, s.Name)
		if err := os.MkdirAll(filepath.Join(root, "DEBIAN"), 0o755); err != nil {
			return err
		}
		control := fmt.Sprintf("Package: %s\nVersion: 2014.1\nArchitecture: all\nMaintainer: gorun-lab <root@localhost>\n"+
			"Section: metapackages\nPriority: optional\n", s.Name)
		if s.Depends != "" {
			control += "Depends: " + s.Depends + "\n"
		}
		control += fmt.Sprintf("Description: stand-in for %s\n %s.\n", s.Name, s.Why)
		if err := os.WriteFile(filepath.Join(root, "DEBIAN/control"), []byte(control), 0o644); err != nil {
			return err
		}
		if s.Postinst != "" {
			script := "#!/bin/sh\nset -e\n" + s.Postinst
			if err := os.WriteFile(filepath.Join(root, "DEBIAN/postinst"), []byte(script), 0o755); err != nil {
				return err
			}
		}
		deb := filepath.Join(dir, s.Name+"_2014.1_all.deb")
		if _, err := output(exec.CommandContext(ctx, "dpkg-deb", "--root-owner-group", "-b", root, deb)); err != nil {
			return fmt.Errorf("building the stand-in %s: %w", s.Name, err)
		}
	}
	return nil
}
