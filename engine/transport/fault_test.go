package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
	"gorun/internal/needs"
)

// TestPassphraseAsked has the user asked once a run, and only for a key that
// the server takes.
func TestPassphraseAsked(t *testing.T) {
	s := transporttest.StartSSHD(t)
	dir := t.TempDir()
	key, stranger := filepath.Join(dir, "locked"), filepath.Join(dir, "stranger")
	transporttest.NewKey(t, stranger, "another")
	pub := transporttest.NewKey(t, key, "open sesame")
	transporttest.WriteFile(t, filepath.Join(s.Dir, "authorized_keys"), keyLine(pub), 0o600)
	target := s.Target()
	target.KeyFile = ""
	target = with(target, "-i", stranger, "-i", key)

	var mu sync.Mutex
	run := func(answers ...string) (asked []string, errs []error) {
		hosts := transport.NewHosts(transport.WithAsk(func(_ context.Context, q string, secret bool) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, q)
			if !secret {
				t.Errorf("what is typed is shown: %s", q)
			}
			if len(asked) > len(answers) {
				return "", errors.New("asked too often")
			}
			return answers[len(asked)-1], nil
		}))
		defer hosts.Close()
		errs = make([]error, 3)
		var wg sync.WaitGroup
		for i := range errs {
			to := target
			to.Name = fmt.Sprint("host", i)
			wg.Go(func() {
				_, errs[i] = hosts.Host(to, transport.Become{}).Exec(t.Context(), "true", transport.ExecOptions{})
			})
		}
		wg.Wait()
		return asked, errs
	}
	question := "Enter passphrase for key '" + key + "': "
	asked, errs := run("wrong", "open sesame")
	if strings.Join(asked, "|") != question+"|"+question || errors.Join(errs...) != nil {
		t.Errorf("asked %q: %v", asked, errs)
	}
	asked, errs = run("")
	for _, err := range errs {
		wants(t, err, key+" needs a passphrase")
	}
	if len(asked) != 1 {
		t.Errorf("asked %q", asked)
	}
}

// TestMaxStartups checks that a server that drops connections is one that
// cannot be reached, unless more tries are wanted.
func TestMaxStartups(t *testing.T) {
	s := transporttest.StartSSHD(t)
	config := filepath.Join(s.Dir, "sshd_config")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	transporttest.WriteFile(t, config, strings.Replace(string(text), "MaxStartups 100", "MaxStartups 1", 1), 0o600)
	s.Restart(t)
	silent := greeted(t, s.Port)
	defer silent.Close()
	target := s.Target()
	wants(t, connect(t, target), "Connection closed by")

	target.Retries = 50
	var once sync.Once
	log := transport.WithLog(func(_ int, _, msg string) {
		if strings.Contains(msg, "trying again") {
			once.Do(func() { silent.Close() })
		}
	})
	if err := connect(t, target, log); err != nil {
		t.Error(err)
	}
}

// greeted is a connection that has got the server's first words and says
// nothing. A server that still counts another drops it.
func greeted(t *testing.T, port int) net.Conn {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		words := make([]byte, 4)
		if _, err := io.ReadFull(conn, words); err == nil && string(words) == "SSH-" {
			return conn
		}
		conn.Close()
		if time.Now().After(end) {
			t.Fatalf("not greeted, but %q", words)
		}
	}
}

// TestExpiredCertificates takes and refuses what the real ssh does.
func TestExpiredCertificates(t *testing.T) {
	for _, program := range []string{"ssh", "ssh-keygen"} {
		_, err := exec.LookPath(program)
		needs.Have(t, program, err == nil, program+" is not installed")
	}
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca")
	caKey := transporttest.NewKey(t, ca, "")
	sign := func(valid, pub string, args ...string) {
		t.Helper()
		argv := append([]string{"-q", "-s", ca, "-I", "test", "-V", valid}, args...)
		if out, err := exec.Command("ssh-keygen", append(argv, pub)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	key := filepath.Join(dir, "key")
	transporttest.NewKey(t, key, "")
	s := transporttest.StartSSHD(t, "TrustedUserCAKeys "+ca+".pub", "HostCertificate "+filepath.Join(dir, "host-cert.pub"))
	transporttest.WriteFile(t, filepath.Join(dir, "host.pub"), keyLine(s.HostKey), 0o644)
	name := fmt.Sprintf("[127.0.0.1]:%d", s.Port)
	authority, plain := "@cert-authority "+name+" "+keyLine(caKey), name+" "+keyLine(s.HostKey)
	const now, past, future = "-1h:+1h", "-2h:-1h", "+1h:+2h"
	for _, tt := range []struct{ what, user, host, known string }{
		{"both are good", now, now, authority}, {"the user's is over", past, now, authority}, {"the user's is to come", future, now, authority},
		{"the host's is over", now, past, authority}, {"the host's is to come", now, future, authority},
		{"the host's is over, and its key is known", now, past, authority + plain},
	} {
		sign(tt.user, key+".pub", "-n", s.User)
		sign(tt.host, filepath.Join(dir, "host.pub"), "-h", "-n", "127.0.0.1")
		transporttest.WriteFile(t, s.KnownHosts, tt.known, 0o600)
		s.Restart(t)
		target := s.Target()
		target.KeyFile = key
		args := append(append([]string(nil), target.SSHArgs...), "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-i", key,
			"-p", fmt.Sprint(s.Port), "-l", s.User, "127.0.0.1", "true")
		out, judge := exec.Command("ssh", args...).CombinedOutput()
		err := connect(t, target)
		if (err == nil) != (judge == nil) {
			t.Errorf("%s: %v; ssh: %v: %s", tt.what, err, judge, out)
			continue
		}
		for _, words := range []string{"Permission denied", "Host key verification failed"} {
			if strings.Contains(string(out), words) {
				wants(t, err, words)
			}
		}
	}
}

// TestAgentMemory has the agent need more memory than its host grants: the
// task fails with a message, and the next finds a new agent.
func TestAgentMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("-short goes with the race detector, under which the agent needs all of the address space")
	}
	s := transporttest.StartSSHD(t, `ForceCommand ulimit -v 8000000; eval "$SSH_ORIGINAL_COMMAND"`)
	target := s.Target()
	target.AgentDir = t.TempDir()
	h := newHosts(t).Host(target, transport.Become{})
	large := filepath.Join(t.TempDir(), "large")
	transporttest.WriteFile(t, large, "", 0o600)
	if err := os.Truncate(large, 12<<30); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		testHostFiles(t, h)
		_, err := h.Run(t.Context(), transport.ModuleRequest{Name: "ansible.builtin.slurp", Args: []byte(`{"src":"` + large + `"}`)})
		if err != nil && strings.Contains(err.Error(), "goroutine") {
			t.Errorf("a dump: %v", err)
		}
		wants(t, err, "out of memory")
	}
}
