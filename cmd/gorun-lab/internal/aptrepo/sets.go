package aptrepo

// This file lists the packages that hosts may install.

// Sets are the package lists by role: what the cluster's playbook installs on
// balancers, databases and application servers. Each set is resolved by
// itself, as a host of that role would, and lands in the one repository.
var Sets = map[string][]string{
	"lbs": {"nginx", "keepalived", "vim", "git", "ntp"},
	"dbs": {"mariadb-server", "python3-pymysql", "python3-mysqldb", "keepalived", "vim", "git", "ntp"},
	"app": {
		"apache2", "php", "php-mysql", "libapache2-mod-php", "php-gd", "php-xml",
		"glusterfs-server", "glusterfs-client", "python3-pip", "vim", "git", "ntp",
	},
	// What playbooks under test commonly reach for beside the cluster.
	"tools": {
		"acl", "cron", "gnupg", "htop", "jq", "nano", "nftables", "openssl", "rsync",
		"rsyslog", "tree", "unzip", "wget", "xz-utils", "zip", "zstd",
	},
}

// WordPress are the packages its tree is put together from; they are unpacked
// on the machine and not offered to hosts.
var WordPress = []string{
	"wordpress", "wordpress-theme-twentytwentythree", "libjs-underscore", "libjs-cropper", "php-getid3", "ca-certificates",
}
