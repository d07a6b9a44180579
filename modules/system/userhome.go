package system

// This file is a user's home and SSH key.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// makeHome makes a missing home from the skeleton.
func (u *userRun) makeHome(who *userEntry) error {
	if u.Check {
		return nil
	}
	mask, err := u.umask()
	if err != nil {
		return err
	}
	skeleton := u.Skeleton
	if skeleton == "" {
		skeleton = "/etc/skel"
	}
	if err := os.MkdirAll(who.home, 0o777&^mask); err != nil {
		return err
	}
	if exists(skeleton) {
		if err := copySkeleton(skeleton, who.home); err != nil {
			return err
		}
	}
	if err := os.Chmod(who.home, 0o777&^mask); err != nil {
		return err
	}
	return filepath.WalkDir(who.home, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, who.uid, who.gid)
	})
}

func copySkeleton(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			err = os.MkdirAll(target, info.Mode().Perm())
		case d.Type()&fs.ModeSymlink != 0:
			var link string
			if link, err = os.Readlink(path); err == nil {
				err = os.Symlink(link, target)
			}
		case d.Type().IsRegular():
			var text []byte
			if text, err = os.ReadFile(path); err == nil {
				err = os.WriteFile(target, text, info.Mode().Perm())
			}
		}
		return err
	})
}

// keyBits are the sizes that ssh-keygen gives keys.
var keyBits = map[string]int{"rsa": 3072, "ecdsa": 256, "ed25519": 256}

// sshKey makes the key where its file is missing, and reports it.
func (u *userRun) sshKey(who *userEntry) (made bool, err error) {
	file := u.SSHKeyFile
	if file == "" {
		file = ".ssh/id_" + u.SSHKeyType
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(who.home, file)
	}
	u.data["ssh_key_file"] = file
	if !exists(file) || u.Force {
		made = true
		if u.Check {
			return true, nil
		}
		if err := u.makeKey(who, file); err != nil {
			return false, err
		}
	}
	text, err := os.ReadFile(file + ".pub")
	if err != nil {
		return made, err
	}
	u.data["ssh_public_key"] = strings.TrimSpace(string(text))
	key, comment, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return made, err
	}
	u.data["ssh_fingerprint"] = fmt.Sprintf("%d %s %s (%s)", bitsOf(key), ssh.FingerprintSHA256(key), comment, strings.ToUpper(u.SSHKeyType))
	return made, nil
}

// bitsOf is the size of a public key.
func bitsOf(key ssh.PublicKey) int {
	wrapped, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return 0
	}
	switch k := wrapped.CryptoPublicKey().(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize
	}
	return 256
}

func (u *userRun) makeKey(who *userEntry, file string) error {
	private, err := newKey(u.SSHKeyType, u.SSHKeyBits)
	if err != nil {
		return err
	}
	comment := u.SSHKeyComment
	if host, err := os.Hostname(); err == nil {
		comment = strings.ReplaceAll(comment, "$HOSTNAME", host)
	}
	var block *pem.Block
	if u.SSHKeyPassphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, comment, []byte(u.SSHKeyPassphrase))
	} else {
		block, err = ssh.MarshalPrivateKey(private, comment)
	}
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return err
	}
	public := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " " + comment + "\n"
	dir := filepath.Dir(file)
	if !exists(dir) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := os.Lchown(dir, who.uid, who.gid); err != nil {
			return err
		}
	}
	for path, f := range map[string]struct {
		text []byte
		mode os.FileMode
	}{file: {pem.EncodeToMemory(block), 0o600}, file + ".pub": {[]byte(public), 0o644}} {
		if err := os.WriteFile(path, f.text, f.mode); err != nil {
			return err
		}
		if err := os.Lchown(path, who.uid, who.gid); err != nil {
			return err
		}
	}
	return nil
}

func newKey(kind string, bits int) (crypto.PrivateKey, error) {
	if bits == 0 {
		bits = keyBits[kind]
	}
	switch kind {
	case "rsa":
		return rsa.GenerateKey(rand.Reader, bits)
	case "ed25519":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case "ecdsa":
		curves := map[int]elliptic.Curve{256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521()}
		if curves[bits] == nil {
			return nil, errors.New("an ecdsa key has 256, 384 or 521 bits")
		}
		return ecdsa.GenerateKey(curves[bits], rand.Reader)
	}
	return nil, fmt.Errorf("unknown key type %q: rsa, ecdsa and ed25519 are known", kind)
}
