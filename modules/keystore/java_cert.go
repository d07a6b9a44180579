// Package keystore has the modules about stores of keys and certificates.
package keystore

// This file is the java_cert module.

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type javaCertArgs struct {
	modules.FileArgs
	CertURL        string `arg:"cert_url"`
	CertPath       string `arg:"cert_path"`
	CertContent    string `arg:"cert_content"`
	CertPort       int    `arg:"cert_port"`
	CertAlias      string `arg:"cert_alias"`
	PKCS12Path     string `arg:"pkcs12_path"`
	PKCS12Password string `arg:"pkcs12_password"`
	PKCS12Alias    string `arg:"pkcs12_alias"`
	KeystorePath   string `arg:"keystore_path"`
	KeystorePass   string `arg:"keystore_pass"`
	KeystoreCreate bool   `arg:"keystore_create"`
	KeystoreType   string `arg:"keystore_type"`
	TrustCACert    bool   `arg:"trust_cacert"`
	Executable     string `arg:"executable"`
	State          string `arg:"state"`
}

var sources = []string{"cert_path", "cert_url", "cert_content", "pkcs12_path"}

// JavaCert is community.general.java_cert
// (https://docs.ansible.com/ansible/latest/collections/community/general/java_cert_module.html).
var JavaCert = modules.Define(modules.Spec{
	Name: "community.general.java_cert",
	Doc:  "Puts a certificate into a Java keystore, or takes it out, by keytool.",
	Options: []modules.Option{
		{Name: "cert_url", Doc: "The server whose certificate is fetched."},
		{Name: "cert_port", Type: modules.Int, Default: 443, Doc: "That server's port."},
		{Name: "cert_path", Type: modules.Path, Doc: "A file on the host with the certificate."},
		{Name: "cert_content", Doc: "The certificate itself."},
		{Name: "cert_alias", Doc: "The name in the keystore; cert_url where not given."},
		{Name: "trust_cacert", Type: modules.Bool, Default: false, Doc: "Trusts the certificate as one of an authority."},
		{Name: "pkcs12_path", Type: modules.Path, Doc: "A PKCS12 file on the host with key and certificate."},
		{Name: "pkcs12_password", NoLog: true, Doc: "The PKCS12 file's password."},
		{Name: "pkcs12_alias", Doc: "The name in the PKCS12 file."},
		{Name: "keystore_path", Type: modules.Path, Doc: "The keystore."},
		{Name: "keystore_pass", Required: true, NoLog: true, Doc: "The keystore's password."},
		{Name: "keystore_create", Type: modules.Bool, Default: false, Doc: "Makes the keystore where there is none."},
		{Name: "keystore_type", Doc: "The keystore's type: JKS, PKCS12..."},
		{Name: "executable", Default: "keytool", Doc: "The program keytool."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the certificate is to be there."},
	},
	FileArgs: true,
	Rules: modules.Rules{
		RequiredIf: []modules.RequiredIf{
			{Key: "state", Value: "present", Need: sources, OneOf: true},
			{Key: "state", Value: "absent", Need: []string{"cert_url", "cert_alias"}, OneOf: true},
		},
		RequiredTogether:  [][]string{{"keystore_path", "keystore_pass"}},
		MutuallyExclusive: [][]string{{"cert_url", "cert_path", "cert_content", "pkcs12_path"}},
	},
}, runJavaCert)

// A javaRun is one run of the module.
type javaRun struct {
	ctx   context.Context
	m     *modules.Run
	a     *javaCertArgs
	alias string
}

func runJavaCert(ctx context.Context, m *modules.Run, a *javaCertArgs) (*modules.Result, error) {
	r := &javaRun{ctx: ctx, m: m, a: a, alias: a.CertAlias}
	if r.alias == "" {
		r.alias = a.CertURL
	}
	if a.CertPath != "" && a.CertAlias == "" {
		return nil, modules.Failf("Using local path import from %s requires alias argument.", a.KeystorePath)
	}
	if _, err := os.Stat(a.KeystorePath); err != nil && !a.KeystoreCreate {
		return nil, modules.Failf("Module require existing keystore at keystore_path '%s'", a.KeystorePath)
	}
	have, err := r.find(r.checkedAlias())
	if err != nil {
		return nil, err
	}
	out := &modules.Result{}
	if a.State == "absent" {
		if have != nil {
			out, err = r.remove()
		}
	} else {
		out, err = r.present(have)
	}
	if err != nil || m.Check && out.Changed {
		return out, err
	}
	return out, r.attributes(out)
}

// checkedAlias is the name under which the certificate is looked for: entries of a PKCS12
// file keep their own where the task gives none.
func (r *javaRun) checkedAlias() string {
	if r.alias == "" {
		return r.a.PKCS12Alias
	}
	return r.alias
}

// attributes brings owner, group and mode of the keystore to what is asked for.
func (r *javaRun) attributes(out *modules.Result) error {
	if _, err := os.Stat(r.a.KeystorePath); err != nil {
		return nil
	}
	changed, err := r.m.ApplyFileArgs(r.a.KeystorePath, &r.a.FileArgs, false, nil)
	out.Changed = out.Changed || changed
	return err
}

// keytool runs a program with passwords, one a line, on its standard input.
func (r *javaRun) keytool(stdin string, argv ...string) (modules.CommandResult, error) {
	if stdin != "" {
		stdin += "\n"
	}
	return r.m.Command(r.ctx, modules.CommandOptions{Stdin: strings.NewReader(stdin), Env: map[string]string{"LANGUAGE": "C"}}, argv...)
}

// typed adds the keystore's type to a command.
func (r *javaRun) typed(words ...string) []string {
	argv := append([]string{r.a.Executable}, words...)
	if r.a.KeystoreType != "" {
		argv = append(argv, "-storetype", r.a.KeystoreType)
	}
	return argv
}

// find returns what the keystore has under a name, in PEM; nil where it has nothing.
func (r *javaRun) find(alias string) ([]byte, error) {
	if alias == "" {
		return nil, nil
	}
	res, err := r.keytool(r.a.KeystorePass, r.typed("-list", "-keystore", r.a.KeystorePath, "-alias", alias, "-rfc")...)
	if err != nil || res.RC != 0 {
		return nil, err
	}
	return []byte(res.Stdout), nil
}

// done is the result of a command that changed the keystore.
func done(res modules.CommandResult, argv []string, before, after string) *modules.Result {
	diff := modules.Diff{Before: before}
	if after != "" {
		diff.After = after
	}
	return &modules.Result{Changed: true, Diff: []modules.Diff{diff}, Data: map[string]any{
		"msg": res.Stdout, "stdout": res.Stdout, "rc": res.RC, "cmd": argv, "error": res.Stderr}}
}

// refused is the failure of a command that should have.
func refused(res modules.CommandResult, argv []string) error {
	return modules.FailWith(map[string]any{"rc": res.RC, "cmd": argv, "error": res.Stderr}, "%s", res.Stdout)
}

func (r *javaRun) remove() (*modules.Result, error) {
	diff := modules.Diff{Before: r.alias + "\n"}
	if r.m.Check {
		return &modules.Result{Changed: true, Diff: []modules.Diff{diff}}, nil
	}
	argv := r.typed("-delete", "-noprompt", "-keystore", r.a.KeystorePath, "-alias", r.checkedAlias())
	res, err := r.keytool(r.a.KeystorePass, argv...)
	if err == nil && res.RC != 0 {
		err = refused(res, argv)
	}
	if err != nil {
		return nil, err
	}
	return done(res, argv, r.alias+"\n", ""), nil
}

// present brings the certificate in where the keystore has none, or another, under the
// name. A keystore that an import leaves without the old certificate is put back.
func (r *javaRun) present(have []byte) (*modules.Result, error) {
	file, err := r.wanted()
	if err != nil {
		return nil, err
	}
	want, err := firstCertificate(file)
	if err != nil {
		return nil, err
	}
	if have != nil {
		old, err := parseCertificate(have)
		if err != nil {
			return nil, modules.Failf("Internal module failure, cannot extract certificate, error: %w", err)
		}
		if bytes.Equal(old, want) {
			return &modules.Result{}, nil
		}
	}
	if r.m.Check {
		return &modules.Result{Changed: true, Diff: []modules.Diff{{Before: "\n", After: r.alias + "\n"}}}, nil
	}
	var kept []byte
	if have != nil {
		if kept, err = os.ReadFile(r.a.KeystorePath); err != nil {
			return nil, modules.Failf("%s", oserr.Str(err, r.a.KeystorePath))
		}
		if _, err := r.remove(); err != nil {
			return nil, err
		}
	}
	out, err := r.importFrom(file)
	if err != nil && kept != nil {
		if back := os.WriteFile(r.a.KeystorePath, kept, 0o600); back != nil {
			err = errors.Join(err, back)
		}
	}
	return out, err
}

// wanted returns a file with the certificate that is asked for.
func (r *javaRun) wanted() (string, error) {
	a := r.a
	var text []byte
	switch {
	case a.CertPath != "":
		return a.CertPath, nil
	case a.PKCS12Path != "":
		argv := []string{a.Executable, "-list", "-keystore", a.PKCS12Path, "-storetype", "pkcs12", "-rfc"}
		if a.PKCS12Alias != "" {
			argv = append(argv, "-alias", a.PKCS12Alias)
		}
		res, err := r.keytool(a.PKCS12Password, argv...)
		if err == nil && res.RC != 0 {
			err = modules.FailWith(map[string]any{"rc": res.RC, "stderr": res.Stderr},
				"Internal module failure, cannot extract public certificate from PKCS12, message: %s", res.Stdout)
		}
		if err != nil {
			return "", err
		}
		text = []byte(res.Stdout)
	case a.CertContent != "":
		text = []byte(a.CertContent)
	default:
		chain, err := serverChain(r.ctx, r.m, a.CertURL, a.CertPort)
		if err != nil {
			return "", modules.FailWith(map[string]any{"rc": 1}, "Internal module failure, cannot download certificate, error: %w", err)
		}
		text = chain
	}
	dir, err := r.m.TmpDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "certificate")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", modules.Failf("could not write the certificate: %s", oserr.Text(err))
	}
	return file, nil
}

// firstCertificate reads the first certificate of a file, in PEM or DER.
func firstCertificate(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err == nil {
		data, err = parseCertificate(data)
	}
	var pe *fs.PathError
	switch {
	case errors.As(err, &pe):
		return nil, modules.FailWith(map[string]any{"rc": 1}, "Internal module failure, cannot extract certificate, error: %s", oserr.Str(err, file))
	case err != nil:
		return nil, modules.FailWith(map[string]any{"rc": 1}, "Internal module failure, cannot extract certificate, error: %w", err)
	}
	return data, nil
}

func parseCertificate(data []byte) ([]byte, error) {
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if strings.HasSuffix(block.Type, "CERTIFICATE") {
			data = block.Bytes
			break
		}
	}
	c, err := x509.ParseCertificate(data)
	if err != nil {
		return nil, errors.New("there is no certificate in PEM or DER form")
	}
	return c.Raw, nil
}

// importFrom imports the certificate of a file, or the entry of the PKCS12 file.
func (r *javaRun) importFrom(file string) (*modules.Result, error) {
	a := r.a
	var argv []string
	stdin := a.KeystorePass + "\n" + a.KeystorePass
	if a.PKCS12Path == "" {
		argv = r.typed("-importcert", "-noprompt", "-keystore", a.KeystorePath, "-file", file, "-alias", r.alias)
		if a.TrustCACert {
			argv = append(argv, "-trustcacerts")
		}
	} else {
		words := []string{"-importkeystore", "-noprompt", "-srcstoretype", "pkcs12", "-srckeystore", a.PKCS12Path,
			"-destkeystore", a.KeystorePath}
		if r.alias != "" {
			words = append(words, "-destalias", r.alias)
		}
		if a.PKCS12Alias != "" {
			words = append(words, "-srcalias", a.PKCS12Alias)
		}
		argv = r.typed(words...)
		stdin = a.KeystorePass + "\n" + a.PKCS12Password
		if _, err := os.Stat(a.KeystorePath); err != nil {
			stdin = a.KeystorePass + "\n" + stdin // a new one is asked for twice
		}
	}
	res, err := r.keytool(stdin, argv...)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(a.KeystorePath); err != nil || res.RC != 0 {
		return nil, refused(res, argv)
	}
	if alias := r.checkedAlias(); alias != "" {
		there, err := r.find(alias)
		if err != nil {
			return nil, err
		}
		if there == nil {
			return nil, refused(res, argv)
		}
	}
	return done(res, argv, "\n", r.alias+"\n"), nil
}
