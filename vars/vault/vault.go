// Package vault reads and writes Ansible Vault 1.1 and 1.2
// (https://docs.ansible.com/ansible/latest/vault_guide/vault_using_encrypted_content.html#ansible-vault-payload-format-1-1-1-2).
package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// What the format fixes.
const (
	magic       = "$ANSIBLE_VAULT"
	cipherName  = "AES256"
	lineLength  = 80
	saltLength  = 32
	iterations  = 10000
	keyLength   = 32
	defaultID   = "default"
	maxEnvelope = 1 << 30 // bytes
)

// A Secret is a password with the id that it was given for ("default").
type Secret struct {
	ID       string
	Password []byte
}

// The ways in which decryption fails; [Error.Err] is one of them.
var (
	// ErrNoSecrets says that no password was given at all.
	ErrNoSecrets = errors.New("Attempting to decrypt but no vault secrets found")
	// ErrNoMatch says that no password fits.
	ErrNoMatch = errors.New("Decryption failed (no vault secrets were found that could decrypt)")
	// ErrFormat says that the data is no vault, or a damaged one.
	ErrFormat = errors.New("Vault format error")
)

// An Error is a failure with its cause in Err.
type Error struct {
	Msg string
	Err error
}

func (e *Error) Error() string { return e.Msg }
func (e *Error) Unwrap() error { return e.Err }

func formatError(msg string) error { return &Error{Msg: msg, Err: ErrFormat} }

// A Header is the first line of a vault.
type Header struct {
	Version string // "1.1" or "1.2"
	Cipher  string // "AES256"
	ID      string // "default" where the header has none
}

// IsEncrypted reports whether data begins with a vault header.
func IsEncrypted(data []byte) bool {
	return bytes.HasPrefix(data, []byte(magic+";")) || string(bytes.TrimSpace(data)) == magic
}

// ParseHeader splits a vault into its header and the hexadecimal text below it.
func ParseHeader(data []byte) (Header, []byte, error) {
	if !bytes.HasPrefix(data, []byte(magic)) {
		return Header{}, nil, formatError("input is not vault encrypted data")
	}
	line, body, _ := bytes.Cut(data, []byte("\n"))
	parts := strings.Split(strings.TrimSpace(string(line)), ";")
	if len(parts) < 3 || parts[0] != magic {
		return Header{}, nil, formatError("Vault envelope format error: the header is not " + magic + ";VERSION;CIPHER")
	}
	h := Header{Version: strings.TrimSpace(parts[1]), Cipher: strings.TrimSpace(parts[2]), ID: defaultID}
	switch h.Version {
	case "1.1":
	case "1.2":
		if len(parts) >= 4 {
			h.ID = strings.TrimSpace(parts[3])
		}
	default:
		return h, nil, formatError(fmt.Sprintf("Vault envelope format error: version %q is not known (1.1 and 1.2 are)", h.Version))
	}
	if h.Cipher != cipherName {
		return h, nil, formatError(h.Cipher + " cipher could not be found")
	}
	return h, body, nil
}

// envelope is what stands below a header, decoded.
type envelope struct{ salt, mac, text []byte }

func parseBody(body []byte) (envelope, error) {
	if len(body) > maxEnvelope {
		return envelope{}, formatError("Vault vaulttext format error: the text is too long")
	}
	inner, err := unhex(bytes.Join(bytes.Fields(body), nil))
	if err != nil {
		return envelope{}, err
	}
	parts := bytes.SplitN(inner, []byte("\n"), 3)
	if len(parts) != 3 {
		return envelope{}, formatError(fmt.Sprintf("Vault vaulttext format error: not enough values to unpack (expected 3, got %d)", len(parts)))
	}
	var e envelope
	for i, dst := range []*[]byte{&e.salt, &e.mac, &e.text} {
		if *dst, err = unhex(parts[i]); err != nil {
			return envelope{}, err
		}
	}
	return e, nil
}

func unhex(b []byte) ([]byte, error) {
	out := make([]byte, hex.DecodedLen(len(b)))
	if _, err := hex.Decode(out, b); err != nil {
		msg := "Odd-length string"
		if !errors.Is(err, hex.ErrLength) {
			msg = "Non-hexadecimal digit found"
		}
		return nil, formatError("Vault format unhexlify error: " + msg)
	}
	return out, nil
}

// Decrypt decrypts with the first secret that fits, those of the header's id
// first. The id is that of the secret.
func Decrypt(data []byte, secrets []Secret) (plain []byte, id string, err error) {
	h, body, err := ParseHeader(data)
	if err != nil {
		return nil, "", err
	}
	if len(secrets) == 0 {
		return nil, "", &Error{Msg: ErrNoSecrets.Error(), Err: ErrNoSecrets}
	}
	e, err := parseBody(body)
	if err != nil {
		return nil, "", err
	}
	for _, s := range order(secrets, h.ID) {
		k, err := deriveKeys(s.Password, e.salt)
		if err != nil {
			return nil, "", err
		}
		if !hmac.Equal(k.sum(e.text), e.mac) {
			continue
		}
		plain, err := k.decrypt(e.text)
		return plain, s.ID, err
	}
	return nil, "", &Error{Msg: ErrNoMatch.Error(), Err: ErrNoMatch}
}

// order puts the secrets of an id before the others.
func order(secrets []Secret, id string) []Secret {
	sorted := make([]Secret, 0, len(secrets))
	for _, s := range secrets {
		if s.ID == id {
			sorted = append(sorted, s)
		}
	}
	for _, s := range secrets {
		if s.ID != id {
			sorted = append(sorted, s)
		}
	}
	return sorted
}

// Encrypt encrypts under one secret; an id other than "" and "default" gives
// format 1.2. The text ends with a newline.
func Encrypt(plain []byte, s Secret) ([]byte, error) {
	salt := make([]byte, saltLength)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	return encrypt(plain, s, salt)
}

func encrypt(plain []byte, s Secret, salt []byte) ([]byte, error) {
	if strings.ContainsAny(s.ID, ";\n\r") {
		return nil, fmt.Errorf("a vault id holds no ';' and is one line: %q", s.ID)
	}
	k, err := deriveKeys(s.Password, salt)
	if err != nil {
		return nil, err
	}
	text := k.encrypt(plain)
	inner := hex.EncodeToString(salt) + "\n" + hex.EncodeToString(k.sum(text)) + "\n" + hex.EncodeToString(text)
	outer := hex.EncodeToString([]byte(inner))

	var b bytes.Buffer
	if s.ID == "" || s.ID == defaultID {
		b.WriteString(magic + ";1.1;" + cipherName + "\n")
	} else {
		b.WriteString(magic + ";1.2;" + cipherName + ";" + s.ID + "\n")
	}
	for len(outer) > 0 {
		n := min(lineLength, len(outer))
		b.WriteString(outer[:n] + "\n")
		outer = outer[n:]
	}
	return b.Bytes(), nil
}

// keys are what a password and a salt give.
type keys struct {
	block    cipher.Block
	mac, ctr []byte
}

func deriveKeys(password, salt []byte) (*keys, error) {
	derived, err := pbkdf2.Key(sha256.New, string(password), salt, iterations, 2*keyLength+aes.BlockSize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived[:keyLength])
	if err != nil {
		return nil, err
	}
	return &keys{block: block, mac: derived[keyLength : 2*keyLength], ctr: derived[2*keyLength:]}, nil
}

func (k *keys) sum(text []byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	h.Write(text)
	return h.Sum(nil)
}

// encrypt pads as PKCS #7 does and encrypts.
func (k *keys) encrypt(plain []byte) []byte {
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	text := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCTR(k.block, k.ctr).XORKeyStream(text, text)
	return text
}

func (k *keys) decrypt(text []byte) ([]byte, error) {
	plain := make([]byte, len(text))
	cipher.NewCTR(k.block, k.ctr).XORKeyStream(plain, text)
	if len(plain) == 0 {
		return nil, formatError("Vault vaulttext format error: the text is empty")
	}
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > aes.BlockSize || pad > len(plain) {
		return nil, formatError("Vault vaulttext format error: the padding is wrong")
	}
	return plain[:len(plain)-pad], nil
}
