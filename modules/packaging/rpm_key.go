package packaging

// This file is the rpm_key module.

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"

	"gorun/modules"
	"gorun/modules/net"
	"gorun/modules/oserr"
)

type rpmKeyArgs struct {
	Key           string   `arg:"key"`
	State         string   `arg:"state"`
	Fingerprint   []string `arg:"fingerprint"`
	ValidateCerts bool     `arg:"validate_certs"`
}

// RPMKey is ansible.builtin.rpm_key
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/rpm_key_module.html).
// It reads keys itself: gpg is not needed.
var RPMKey = modules.Define(modules.Spec{
	Name: "ansible.builtin.rpm_key",
	Doc:  "Adds public keys to rpm's database and takes them away.",
	Options: []modules.Option{
		{Name: "key", Required: true, Doc: "A file or URL of an armored key, or the id of a key that is to be absent."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether it is to be there."},
		{Name: "fingerprint", Type: modules.List, Elements: modules.Str, Doc: "Fingerprints of which the key must have one, or it is not imported."},
		{Name: "validate_certs", Type: modules.Bool, Default: true, Doc: "Whether the server's certificate is checked."},
	},
}, runRPMKey)

// pgpKeyID matches the beginning of a key's id as Ansible knows one.
var pgpKeyID = regexp.MustCompile(`(?i)^(0x)?[0-9a-f]{8}`)

func runRPMKey(ctx context.Context, m *modules.Run, a *rpmKeyArgs) (*modules.Result, error) {
	rpm, err := m.RequireBin("rpm")
	if err != nil {
		return nil, err
	}
	file, keys, err := readRPMKey(ctx, m, a)
	if err != nil {
		return nil, err
	}
	id := strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(a.Key)), "0X"), "0x")
	if file != "" {
		id = keys[0].fingerprint
	}
	// What rpm holds is known by the last 16 digits.
	id = id[max(0, len(id)-16):]
	imported, err := rpmHolds(ctx, m, rpm, id)
	if err != nil {
		return nil, err
	}
	if imported == (a.State == "present") {
		return &modules.Result{}, nil
	}
	argv := []string{rpm, "--erase", "--allmatches", "gpg-pubkey-" + strings.ToLower(id[max(0, len(id)-8):])}
	if a.State == "present" {
		if file == "" {
			return nil, modules.Failf("When importing a key, a valid file must be given")
		}
		if err := checkFingerprint(a.Fingerprint, keys); err != nil {
			return nil, err
		}
		argv = []string{rpm, "--import", file}
	}
	if m.Check {
		return &modules.Result{Changed: true}, nil
	}
	res, err := m.Command(ctx, modules.CommandOptions{}, argv...)
	switch {
	case err != nil:
		return nil, err
	case res.RC != 0:
		return nil, modules.Failf("%s", res.Stderr)
	}
	return &modules.Result{Changed: true}, nil
}

// readRPMKey gives the key's file and what is in it; no file where an id is meant.
func readRPMKey(ctx context.Context, m *modules.Run, a *rpmKeyArgs) (file string, keys []pgpKey, err error) {
	file = a.Key
	switch {
	case strings.Contains(a.Key, "://"):
		if file, err = net.Download(ctx, m, a.Key, a.ValidateCerts); err != nil {
			return "", nil, modules.Failf("failed to fetch key at %s , error was: %w", a.Key, err)
		}
	case pgpKeyID.MatchString(a.Key):
		return "", nil, nil
	default:
		if st, err := os.Stat(a.Key); err != nil || !st.Mode().IsRegular() {
			return "", nil, modules.Failf("Not a valid key %s", a.Key)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", nil, modules.Failf("Not a valid key %s: %s", a.Key, oserr.Text(err))
	}
	ring, err := dearmor(data)
	if err == nil {
		keys, err = parseKeys(ring)
	}
	if err != nil || len(keys) == 0 {
		return "", nil, modules.Failf("Not a public key: %s", a.Key)
	}
	return file, keys, nil
}

// rpmHolds reports whether a key, or one with such a subkey, is imported.
func rpmHolds(ctx context.Context, m *modules.Run, rpm, id string) (bool, error) {
	res, err := m.Command(ctx, modules.CommandOptions{}, rpm, "-q", "gpg-pubkey", "--qf", "%{DESCRIPTION}\n")
	if err != nil || res.RC != 0 {
		return false, err // no key at all
	}
	ring, err := dearmor([]byte(res.Stdout))
	if err != nil {
		return false, modules.Failf("rpm's keys cannot be read: %w", err)
	}
	keys, err := parseKeys(ring)
	if err != nil {
		return false, modules.Failf("rpm's keys cannot be read: %w", err)
	}
	return slices.ContainsFunc(keys, func(k pgpKey) bool {
		return strings.Contains(k.fingerprint[len(k.fingerprint)-16:], id)
	}), nil
}

func checkFingerprint(want []string, keys []pgpKey) error {
	if len(want) == 0 {
		return nil
	}
	for i, f := range want {
		want[i] = strings.ToUpper(strings.ReplaceAll(f, " ", ""))
	}
	for _, k := range keys {
		if slices.Contains(want, k.fingerprint) {
			return nil
		}
	}
	if len(want) == 1 {
		return modules.Failf("The specified fingerprint, '%s', does not match the key fingerprint '%s'", want[0], keys[0].fingerprint)
	}
	return modules.Failf("The specified fingerprint, '['%s']', does not match any key fingerprints in '%s'", strings.Join(want, "', '"), keys[0].fingerprint)
}
