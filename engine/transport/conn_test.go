package transport_test

import (
	"os"
	"os/exec"
	"testing"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
	"gorun/internal/needs"
	"gorun/modules/agent"
)

// TestMain makes the test program an agent where it is started as one: it is
// what these tests send to hosts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "__agent" {
		os.Exit(agent.Main())
	}
	os.Setenv("GORUN_AGENT", "self")
	os.Exit(m.Run())
}

func dialer(target transport.Target) func(t *testing.T) transport.Conn {
	return func(t *testing.T) transport.Conn {
		c, err := transport.Dial(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func TestLocalConn(t *testing.T) {
	transporttest.Run(t, transporttest.Factory{Dial: dialer(transport.Target{Name: "localhost", Connection: "local"}), Dir: t.TempDir()})
}

func TestSSHConn(t *testing.T) {
	s := transporttest.StartSSHD(t)
	transporttest.Run(t, transporttest.Factory{Dial: dialer(s.Target()), Dir: t.TempDir(), TTY: true})
}

func TestOpenSSHConn(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		needs.Missing(t, "ssh", "OpenSSH's ssh is not installed")
	}
	s := transporttest.StartSSHD(t)
	target := s.Target()
	target.Connection = "openssh"
	transporttest.Run(t, transporttest.Factory{Dial: dialer(target), Dir: t.TempDir(), TTY: true})
}

func TestChrootConn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	transporttest.Run(t, transporttest.Factory{
		Dial: dialer(transport.Target{Name: "rootdir", Address: "/", Connection: "chroot"}), Dir: t.TempDir(),
	})
}
