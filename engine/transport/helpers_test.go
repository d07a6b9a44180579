package transport_test

import (
	"io"
	"net"

	"golang.org/x/crypto/ssh"
)

// keyLine is a key as authorized_keys and known_hosts have it.
func keyLine(key ssh.PublicKey) string { return string(ssh.MarshalAuthorizedKey(key)) }

func copyAndClose(dst, src net.Conn) {
	io.Copy(dst, src) // either end may close
	dst.Close()
}
