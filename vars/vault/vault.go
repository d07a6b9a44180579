// Package vault reads and writes Ansible Vault 1.1 and 1.2
// (https://docs.ansible.com/ansible/latest/vault_guide/vault_using_encrypted_content.html#ansible-vault-payload-format-1-1-1-2).
package vault

// TO BE REPLACED by the author of vault in the first commit.

// A Secret is a password with the id that it was given for ("default").
type Secret struct {
	ID       string
	Password []byte
}

// IsEncrypted reports whether data begins with a vault header.
func IsEncrypted(data []byte) bool { panic("vault: not built yet") }

// Decrypt decrypts with the first secret that fits, those of the header's id first.
func Decrypt(data []byte, secrets []Secret) (plain []byte, id string, err error) {
	panic("vault: not built yet")
}

// Encrypt encrypts under one secret; an id other than "" and "default" gives format 1.2.
func Encrypt(plain []byte, s Secret) ([]byte, error) { panic("vault: not built yet") }
