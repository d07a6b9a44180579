package transport_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
)

// BenchmarkLoop is a loop of 100 items of the file module over SSH on the
// loopback device: one operation is the whole loop.
func BenchmarkLoop(b *testing.B) {
	s := transporttest.StartSSHD(b)
	target := s.Target()
	target.AgentDir = b.TempDir()
	h := newHosts(b).Host(target, transport.Become{})
	dir := b.TempDir()
	args := make([]json.RawMessage, 100)
	for i := range args {
		args[i], _ = json.Marshal(map[string]string{"path": filepath.Join(dir, fmt.Sprint(i)), "state": "directory", "mode": "0750"})
	}
	call(b, h, "ansible.builtin.ping", `{}`)
	for b.Loop() {
		for _, a := range args {
			if _, err := h.Run(b.Context(), transport.ModuleRequest{Name: "ansible.builtin.file", Args: a}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkConnect is a first contact with a host where the agent is cached.
func BenchmarkConnect(b *testing.B) {
	s := transporttest.StartSSHD(b)
	target := s.Target()
	target.AgentDir = b.TempDir()
	for b.Loop() {
		h := transport.NewHosts()
		call(b, h.Host(target, transport.Become{}), "ansible.builtin.ping", `{}`)
		h.Close()
	}
}
