package facts

// This file is the small collectors: the user, time, security frameworks, the
// resolver, host keys, and facts.d.

import (
	"bytes"
	"encoding/json"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gorun/modules"

	"golang.org/x/sys/unix"
)

func apparmor(*host) map[string]any {
	status := "disabled"
	if exists("/sys/kernel/security/apparmor") {
		status = "enabled"
	}
	return map[string]any{"apparmor": map[string]any{"status": status}}
}

// isChroot compares / with the root of process 1.
func isChroot(*host) map[string]any {
	if os.Getenv("debian_chroot") != "" {
		return map[string]any{"is_chroot": true}
	}
	var mine, init unix.Stat_t
	if unix.Stat("/", &mine) != nil {
		return nil
	}
	if unix.Stat("/proc/1/root/.", &init) == nil {
		return map[string]any{"is_chroot": mine.Ino != init.Ino || mine.Dev != init.Dev}
	}
	// Not readable: the root of the usual file systems has inode 2 (btrfs 256, xfs 128).
	return map[string]any{"is_chroot": mine.Ino != 2 && mine.Ino != 256 && mine.Ino != 128}
}

func cmdline(*host) map[string]any {
	text := content("/proc/cmdline")
	if text == "" {
		return nil
	}
	single, multi := map[string]any{}, map[string]any{}
	for _, word := range shellSplit(text) {
		k, v, ok := strings.Cut(word, "=")
		if !ok {
			single[k], multi[k] = true, true
			continue
		}
		single[k] = v
		switch old := multi[k].(type) {
		case nil:
			multi[k] = v
		case []any:
			multi[k] = append(old, v)
		default:
			multi[k] = []any{old, v}
		}
	}
	return map[string]any{"cmdline": single, "proc_cmdline": multi}
}

// shellSplit splits at white space outside quotes, which it keeps.
func shellSplit(s string) []string {
	quote := rune(0)
	return strings.FieldsFunc(s, func(r rune) bool {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		default:
			return unicode.IsSpace(r)
		}
		return false
	})
}

func dateTime(*host) map[string]any {
	now := time.Now()
	utc := now.UTC()
	zone, _ := now.Zone()
	// Monday is the first day of a week, as in strftime's %W.
	week := (now.YearDay() + 6 - (int(now.Weekday())+6)%7) / 7
	epoch := strconv.FormatInt(now.Unix(), 10)
	return map[string]any{"date_time": map[string]any{
		"year":                now.Format("2006"),
		"month":               now.Format("01"),
		"weekday":             now.Weekday().String(),
		"weekday_number":      strconv.Itoa(int(now.Weekday())),
		"weeknumber":          pad2(week),
		"day":                 now.Format("02"),
		"hour":                now.Format("15"),
		"minute":              now.Format("04"),
		"second":              now.Format("05"),
		"epoch":               epoch,
		"epoch_int":           epoch,
		"date":                now.Format("2006-01-02"),
		"time":                now.Format("15:04:05"),
		"iso8601_micro":       utc.Format("2006-01-02T15:04:05.000000Z"),
		"iso8601":             utc.Format("2006-01-02T15:04:05Z"),
		"iso8601_basic":       strings.Replace(now.Format("20060102T150405.000000"), ".", "", 1),
		"iso8601_basic_short": now.Format("20060102T150405"),
		"tz":                  zone,
		"tz_dst":              otherZone(now, zone),
		"tz_offset":           now.Format("-0700"),
	}}
}

func pad2(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// otherZone names the zone's summer time, or the zone itself where it has none.
func otherZone(now time.Time, zone string) string {
	for month := 1; month <= 12; month++ {
		t := time.Date(now.Year(), time.Month(month), 1, 12, 0, 0, 0, now.Location())
		if t.IsDST() {
			name, _ := t.Zone()
			return name
		}
	}
	return zone
}

func dns(*host) map[string]any {
	d := map[string]any{}
	for _, l := range lines("/etc/resolv.conf") {
		f := strings.Fields(l)
		if len(f) < 2 || strings.HasPrefix(f[0], "#") || strings.HasPrefix(f[0], ";") {
			continue
		}
		switch f[0] {
		case "nameserver":
			old, _ := d["nameservers"].([]string)
			d["nameservers"] = append(old, f[1:]...)
		case "domain":
			d["domain"] = f[1]
		case "search":
			d["search"] = f[1:]
		case "sortlist":
			d["sortlist"] = f[1:]
		case "options":
			options := map[string]any{}
			for _, o := range f[1:] {
				if k, v, ok := strings.Cut(o, ":"); ok {
					options[k] = v
				} else {
					options[k] = true
				}
			}
			d["options"] = options
		}
	}
	return map[string]any{"dns": d}
}

func environment(h *host) map[string]any {
	env := map[string]any{}
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	for k, v := range h.run.Env {
		env[k] = v
	}
	return map[string]any{"env": env}
}

func fips(*host) map[string]any {
	return map[string]any{"fips": content("/proc/sys/crypto/fips_enabled") == "1"}
}

func fibreChannel(*host) map[string]any {
	ports := []string{}
	for _, n := range names("/sys/class/fc_host") {
		if p := content("/sys/class/fc_host", n, "port_name"); p != "" {
			ports = append(ports, strings.TrimPrefix(p, "0x"))
		}
	}
	return map[string]any{"fibre_channel_wwn": ports}
}

func iscsi(*host) map[string]any {
	iqn := ""
	for _, l := range lines("/etc/iscsi/initiatorname.iscsi") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(l), "InitiatorName="); ok {
			iqn = v
			break
		}
	}
	return map[string]any{"iscsi_iqn": iqn}
}

func nvme(*host) map[string]any {
	nqn := ""
	for _, l := range lines("/etc/nvme/hostnqn") {
		if strings.HasPrefix(l, "nqn.") {
			nqn = strings.TrimSpace(l)
		}
	}
	return map[string]any{"hostnqn": nqn}
}

func selinux(*host) map[string]any {
	facts := map[string]any{"selinux_python_present": true}
	if !exists("/sys/fs/selinux/enforce") {
		facts["selinux"] = map[string]any{"status": "disabled"}
		return facts
	}
	config := shellVars("/etc/selinux/config")
	s := map[string]any{"status": "enabled", "mode": "permissive", "policyvers": "unknown", "config_mode": "unknown", "type": "unknown"}
	if content("/sys/fs/selinux/enforce") == "1" {
		s["mode"] = "enforcing"
	}
	if v, err := strconv.Atoi(content("/sys/fs/selinux/policyvers")); err == nil {
		s["policyvers"] = v
	}
	if v := config["SELINUX"]; v != "" {
		s["config_mode"] = v
	}
	if v := config["SELINUXTYPE"]; v != "" {
		s["type"] = v
	}
	facts["selinux"] = s
	return facts
}

func sshHostKeys(*host) map[string]any {
	facts := map[string]any{}
	for _, dir := range []string{"/etc/ssh", "/etc/openssh", "/etc"} {
		for _, algo := range []string{"dsa", "rsa", "ecdsa", "ed25519"} {
			if f := strings.Fields(content(dir, "ssh_host_"+algo+"_key.pub")); len(f) > 1 {
				facts["ssh_host_key_"+algo+"_public"] = f[1]
				facts["ssh_host_key_"+algo+"_public_keytype"] = f[0]
			}
		}
		if len(facts) > 0 {
			break
		}
	}
	return facts
}

func userFacts(*host) map[string]any {
	uid, euid := os.Getuid(), os.Geteuid()
	facts := map[string]any{
		"user_uid": uid, "real_user_id": uid, "effective_user_id": euid,
		"user_gid": os.Getgid(), "real_group_id": os.Getgid(), "effective_group_id": os.Getegid(),
	}
	if entry := passwdEntry(strconv.Itoa(uid)); entry != nil {
		facts["user_id"], facts["user_gecos"], facts["user_dir"], facts["user_shell"] = entry[0], entry[4], entry[5], entry[6]
		if gid, err := strconv.Atoi(entry[3]); err == nil {
			facts["user_gid"] = gid
		}
		return facts
	}
	if u, err := user.Current(); err == nil {
		facts["user_id"], facts["user_gecos"], facts["user_dir"] = u.Username, u.Name, u.HomeDir
		facts["user_shell"] = os.Getenv("SHELL")
	}
	return facts
}

func passwdEntry(uid string) []string {
	for _, l := range lines("/etc/passwd") {
		if f := strings.Split(l, ":"); len(f) == 7 && f[2] == uid {
			return f
		}
	}
	return nil
}

// facter and ohai pass on what those programs say, where they are installed.
func facter(h *host) map[string]any {
	for _, name := range []string{"/opt/puppetlabs/bin/facter", "cfacter", "facter"} {
		if facts := jsonFrom(h, name, "--puppet", "--json"); facts != nil {
			return map[string]any{"facter": facts}
		}
	}
	return nil
}

func ohai(h *host) map[string]any {
	if facts := jsonFrom(h, "ohai"); facts != nil {
		return map[string]any{"ohai": facts}
	}
	return nil
}

func jsonFrom(h *host, name string, args ...string) any {
	exe := name
	if !filepath.IsAbs(name) {
		exe = onPath(name)
	}
	if exe == "" || !exists(exe) {
		return nil
	}
	r, err := h.run.Command(h.ctx, modules.CommandOptions{Timeout: h.timeout}, append([]string{exe}, args...)...)
	var v any
	if err != nil || r.RC != 0 || json.Unmarshal([]byte(r.Stdout), &v) != nil {
		return nil
	}
	return v
}

// localFacts reads facts.d: *.fact files that are JSON or INI, or programs
// that print either.
func localFacts(h *host) map[string]any {
	local := map[string]any{}
	files, _ := filepath.Glob(filepath.Join(h.path, "*.fact"))
	for _, file := range files {
		local[strings.TrimSuffix(filepath.Base(file), ".fact")] = localFact(h, file)
	}
	return map[string]any{"local": local}
}

// localFact returns one file's facts, or the error as a text, as Ansible does.
func localFact(h *host, file string) any {
	problem := func(msg string) any {
		h.warn("%s", strings.TrimSpace(msg))
		return msg
	}
	st, err := os.Stat(file)
	if err != nil {
		return problem("Could not stat fact (" + file + "): " + err.Error())
	}
	text := ""
	if st.Mode()&0o100 != 0 {
		r, err := h.run.Command(h.ctx, modules.CommandOptions{Timeout: h.timeout}, file)
		if err != nil {
			return problem("Could not execute fact script (" + file + "): " + err.Error())
		}
		if r.RC != 0 {
			return problem("Failure executing fact script (" + file + "), rc: " + strconv.Itoa(r.RC) + ", err: " + r.Stderr)
		}
		text = r.Stdout
	} else {
		b, err := os.ReadFile(file)
		if err != nil {
			return problem("Could not read fact (" + file + "): " + err.Error())
		}
		text = string(b)
	}
	if v, ok := parseJSON(text); ok {
		return v
	}
	if v, ok := parseINI(text); ok {
		return v
	}
	return problem("error loading facts as JSON or ini - please check content: " + file)
}

func parseJSON(text string) (any, bool) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil || dec.More() {
		return nil, false
	}
	return modules.Numbers(v), true
}

// parseINI reads what Python's configparser reads: sections of key = value or
// key: value, indented continuation lines, whole-line comments; keys in lower
// case, defaults from [DEFAULT].
func parseINI(text string) (map[string]any, bool) {
	out, defaults := map[string]any{}, map[string]any{}
	var section map[string]any
	last := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
			name := trimmed[1 : len(trimmed)-1]
			last = ""
			if name == "DEFAULT" {
				section = defaults
				continue
			}
			if out[name] != nil {
				return nil, false
			}
			section = map[string]any{}
			out[name] = section
		case section == nil:
			return nil, false
		case (line[0] == ' ' || line[0] == '\t') && last != "":
			section[last] = section[last].(string) + "\n" + trimmed
		default:
			i := strings.IndexAny(trimmed, "=:")
			if i < 1 {
				return nil, false
			}
			last = strings.ToLower(strings.TrimSpace(trimmed[:i]))
			section[last] = strings.TrimSpace(trimmed[i+1:])
		}
	}
	for _, s := range out {
		for k, v := range defaults {
			if _, ok := s.(map[string]any)[k]; !ok {
				s.(map[string]any)[k] = v
			}
		}
	}
	return out, true
}
