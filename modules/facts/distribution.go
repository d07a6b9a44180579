package facts

// This file is the collectors for the distribution and its release.

import (
	"regexp"
	"runtime"
	"strings"
)

// osFamilies maps the names of distributions to their family.
var osFamilies = func() map[string]string {
	families := map[string]string{
		"RedHat":     "RedHat RHEL Fedora CentOS Scientific SLC Ascendos CloudLinux PSBM OracleLinux OVS OEL Amazon Virtuozzo XenServer Alibaba EulerOS openEuler AlmaLinux Rocky TencentOS EuroLinux Kylin_Linux_Advanced_Server MIRACLE",
		"Debian":     "Debian Ubuntu Raspbian Neon KDE_neon Linux_Mint SteamOS Devuan Kali Cumulus_Linux Pop!_OS Parrot Pardus_GNU/Linux Uos Deepin OSMC Linuxmint",
		"Suse":       "SuSE SLES SLED openSUSE openSUSE_Tumbleweed SLES_SAP SUSE_LINUX openSUSE_Leap ALP-Dolomite SL-Micro openSUSE_MicroOS",
		"Archlinux":  "Archlinux Antergos Manjaro",
		"Mandrake":   "Mandrake Mandriva",
		"Solaris":    "Solaris Nexenta OmniOS OpenIndiana SmartOS",
		"Slackware":  "Slackware",
		"Altlinux":   "Altlinux",
		"SMGL":       "SMGL",
		"Gentoo":     "Gentoo Funtoo",
		"Alpine":     "Alpine",
		"AIX":        "AIX",
		"HP-UX":      "HPUX",
		"Darwin":     "MacOSX",
		"FreeBSD":    "FreeBSD TrueOS",
		"ClearLinux": "Clear_Linux_OS Clear_Linux_Mix",
		"DragonFly":  "DragonFlyBSD DragonFly_BSD Gentoo/DragonflyBSD",
		"NetBSD":     "NetBSD",
		"Flatcar":    "Flatcar CoreOS",
		"NixOS":      "NixOS",
	}
	out := map[string]string{}
	for family, members := range families {
		for _, m := range strings.Fields(members) {
			out[strings.ReplaceAll(m, "_", " ")] = family
		}
	}
	return out
}()

// A release is what a distribution's files say of it.
type release struct {
	name, version, major, minor, codename string
	file, variety                         string
}

// distribution reports the distribution under Ansible's names; h is not used.
func distribution(*host) map[string]any {
	if runtime.GOOS != "linux" {
		return foreignDistribution()
	}
	osRelease := shellVars(osReleaseFile())
	r := detectRelease(osRelease)
	facts := map[string]any{
		// A fact of ansible-core 2.20 and later.
		"distribution_cpe_name": orNil(osRelease["CPE_NAME"]),
		"distribution":          r.name,
		"distribution_version":  r.version,
		"distribution_release":  r.codename,
		"os_family":             family(r.name),
	}
	if r.major == "" {
		r.major, _, _ = strings.Cut(r.version, ".")
	}
	facts["distribution_major_version"] = r.major
	if r.minor != "" {
		facts["distribution_minor_version"] = r.minor
	}
	if r.file != "" {
		facts["distribution_file_parsed"] = true
		facts["distribution_file_path"] = r.file
		facts["distribution_file_variety"] = r.variety
	}
	return facts
}

func osReleaseFile() string {
	if exists("/etc/os-release") {
		return "/etc/os-release"
	}
	return "/usr/lib/os-release"
}

func family(name string) string {
	if f, ok := osFamilies[name]; ok {
		return f
	}
	return name
}

// foreignDistribution names the systems that are not Linux.
func foreignDistribution() map[string]any {
	name := map[string]string{"darwin": "MacOSX", "freebsd": "FreeBSD"}[runtime.GOOS]
	facts := map[string]any{"distribution": name, "os_family": family(name)}
	if v := kernelRelease(); v != "" {
		major, _, _ := strings.Cut(v, ".")
		version, _, _ := strings.Cut(v, "-")
		facts["distribution_release"], facts["distribution_version"], facts["distribution_major_version"] = v, version, major
	}
	return facts
}

// redHatIDs maps os-release's ID to Ansible's name for those that have
// /etc/redhat-release.
var redHatIDs = map[string]string{
	"rhel": "RedHat", "centos": "CentOS", "fedora": "Fedora", "rocky": "Rocky", "almalinux": "AlmaLinux",
	"ol": "OracleLinux", "scientific": "Scientific", "cloudlinux": "CloudLinux", "virtuozzo": "Virtuozzo",
	"eurolinux": "EuroLinux", "miraclelinux": "MIRACLE",
}

var debianIDs = map[string]string{
	"debian": "Debian", "ubuntu": "Ubuntu", "raspbian": "Debian", "linuxmint": "Linux Mint", "kali": "Kali",
	"devuan": "Devuan", "pop": "Pop!_OS", "neon": "KDE neon", "steamos": "SteamOS", "parrot": "Parrot",
	"cumulus-linux": "Cumulus Linux", "pardus": "Pardus GNU/Linux", "deepin": "Deepin", "uos": "Uos", "osmc": "OSMC",
}

var parens = regexp.MustCompile(`\(([^)]*)\)`)

func detectRelease(o map[string]string) release {
	id := strings.ToLower(o["ID"])
	r := release{version: o["VERSION_ID"], codename: o["VERSION_CODENAME"], file: osReleaseFile()}
	if r.codename == "" {
		r.codename = "NA"
	}
	switch {
	case debianIDs[id] != "":
		return debianRelease(r, id, o)
	case redHatIDs[id] != "":
		return redHatRelease(r, redHatIDs[id])
	case id == "amzn":
		r.name, r.variety = "Amazon", "Amazon"
		if exists("/etc/system-release") {
			r.file = "/etc/system-release"
		}
		return r
	case id == "alpine":
		r.name, r.variety, r.file = "Alpine", "Alpine", "/etc/alpine-release"
		r.version = content(r.file)
		return r
	case id == "arch":
		r.name, r.variety, r.version, r.file = "Archlinux", "Archlinux", "rolling", "/etc/arch-release"
		return r
	case strings.HasPrefix(id, "opensuse") || id == "sles" || id == "sled" || id == "sles_sap" || id == "sl-micro":
		return suseRelease(r, id, o)
	case id == "":
		return release{name: "Linux", version: kernelRelease(), codename: "NA"}
	}
	r.variety = "NA"
	r.name = map[string]string{
		"gentoo": "Gentoo", "slackware": "Slackware", "mageia": "Mandriva", "altlinux": "Altlinux", "nixos": "NixOS",
		"flatcar": "Flatcar", "coreos": "CoreOS", "clear-linux-os": "Clear Linux OS", "openeuler": "openEuler",
		"manjaro": "Manjaro", "openwrt": "OpenWrt",
	}[id]
	if r.name == "" {
		r.name, _, _ = strings.Cut(o["NAME"], " ")
	}
	return r
}

var versionInText = regexp.MustCompile(`\d+(\.\d+)*`)

func debianRelease(r release, id string, o map[string]string) release {
	r.name, r.variety = debianIDs[id], "Debian"
	if r.codename == "NA" {
		// "VERSION=10 (buster)" on releases before VERSION_CODENAME.
		if g := parens.FindStringSubmatch(o["VERSION"]); g != nil {
			r.codename = g[1]
		} else if _, unstable, ok := strings.Cut(content("/etc/debian_version"), "/"); ok {
			r.codename = unstable
		}
	}
	if r.name != "Debian" {
		return r
	}
	if v := versionInText.FindString(content("/etc/debian_version")); v != "" {
		r.version = v
		r.major, r.minor, _ = strings.Cut(v, ".")
	}
	if r.version == "" {
		// testing and unstable have no number: debian_version is a word.
		r.version = content("/etc/debian_version")
		r.major = r.version
	}
	return r
}

func redHatRelease(r release, name string) release {
	r.name = name
	file := "/etc/redhat-release"
	if name == "OracleLinux" && exists("/etc/oracle-release") {
		file = "/etc/oracle-release"
	}
	text := content(file)
	if text == "" {
		return r
	}
	r.file, r.variety = file, "RedHat"
	if name == "OracleLinux" {
		r.variety = "OracleLinux"
	}
	if v := versionInText.FindString(text); v != "" {
		r.version = v
	}
	r.codename = "NA"
	if g := parens.FindStringSubmatch(text); g != nil {
		r.codename = g[1]
	}
	if strings.Contains(text, "CentOS Stream") {
		r.codename = "Stream"
	}
	if name == "Fedora" {
		r.codename = ""
	}
	return r
}

func suseRelease(r release, id string, o map[string]string) release {
	r.variety = "SUSE"
	switch id {
	case "opensuse-leap":
		r.name = "openSUSE Leap"
	case "opensuse-tumbleweed":
		r.name = "openSUSE Tumbleweed"
	case "opensuse-microos":
		r.name = "openSUSE MicroOS"
	case "sles", "sled":
		r.name = strings.ToUpper(id)
	case "sles_sap":
		r.name = "SLES_SAP"
	case "sl-micro":
		r.name = "SL-Micro"
	default:
		r.name = "openSUSE"
	}
	r.codename = ""
	if _, minor, ok := strings.Cut(r.version, "."); ok {
		r.codename = minor
	}
	return r
}

// lsb reports what /etc/lsb-release or the lsb_release program would say. The
// program prints os-release's words, so it need not be run.
func lsb(h *host) map[string]any {
	l := shellVars("/etc/lsb-release")
	d := map[string]any{}
	put := func(key, value string) {
		if value != "" {
			d[key] = strings.Trim(value, `'"\`)
		}
	}
	switch {
	case l["DISTRIB_ID"] != "":
		put("id", l["DISTRIB_ID"])
		put("release", l["DISTRIB_RELEASE"])
		put("description", l["DISTRIB_DESCRIPTION"])
		put("codename", l["DISTRIB_CODENAME"])
	case onPath("lsb_release") != "":
		o := shellVars(osReleaseFile())
		if o["ID"] == "" {
			break
		}
		put("id", strings.ToUpper(o["ID"][:1])+o["ID"][1:])
		put("release", o["VERSION_ID"])
		put("description", o["PRETTY_NAME"])
		put("codename", o["VERSION_CODENAME"])
	}
	if rel, ok := d["release"].(string); ok {
		d["major_release"], _, _ = strings.Cut(rel, ".")
	}
	return map[string]any{"lsb": d}
}

// Release is the code name of the host's release ("bookworm"), "" where it has
// none.
func Release() string {
	if r := detectRelease(shellVars(osReleaseFile())); r.codename != "NA" {
		return r.codename
	}
	return ""
}
