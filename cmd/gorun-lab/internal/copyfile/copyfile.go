// Package copyfile copies files for the lab's servers.
package copyfile

import (
	"io"
	"os"
)

// Copy writes the bytes of the file from to the file to, which is made with
// mode 0666 less the umask, or emptied.
func Copy(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
