package hosts

// This file drives ip(8), which is in Debian's base system.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// ipBatch runs commands of ip(8), one a line; the first that fails ends it.
func ipBatch(commands string) error { return runBatch(exec.Command("ip", "-batch", "-"), commands) }

func runBatch(cmd *exec.Cmd, commands string) error {
	cmd.Stdin = strings.NewReader(commands)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("ip: %s", strings.Join(strings.Fields(out.String()), " "))
	}
	return nil
}

// An iface is an interface of the machine, as ip -j addr tells it.
type iface struct {
	Name  string `json:"ifname"`
	Addrs []struct {
		Local  string `json:"local"`
		Length int    `json:"prefixlen"`
	} `json:"addr_info"`
}

func interfaces() ([]iface, error) {
	out, err := exec.Command("ip", "-j", "addr").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("ip: %s", bytes.TrimSpace(exit.Stderr))
		}
		return nil, err
	}
	var list []iface
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("reading what ip -j addr wrote: %w", err)
	}
	return list, nil
}

// networkInUse returns the interface, other than except, with an address that
// overlaps network.
func networkInUse(network netip.Prefix, except string) (string, error) {
	list, err := interfaces()
	if err != nil {
		return "", err
	}
	for _, i := range list {
		for _, a := range i.Addrs {
			addr, err := netip.ParseAddr(a.Local)
			if err != nil || i.Name == except {
				continue
			}
			if prefix, err := addr.Prefix(a.Length); err == nil && prefix.Overlaps(network) {
				return i.Name, nil
			}
		}
	}
	return "", nil
}

// bridgeUp makes the bridge with its addresses.
func bridgeUp(name string, addrs ...netip.Prefix) error {
	batch := fmt.Sprintf("link add %s type bridge\nlink set %s up\n", name, name)
	for _, a := range addrs {
		batch += fmt.Sprintf("addr add %s dev %s\n", a, name)
	}
	return ipBatch(batch)
}

// ipBatchIn is [ipBatch] in the network namespace of a process.
func ipBatchIn(pid int, commands string) error {
	return runBatch(exec.Command("nsenter", "-t", fmt.Sprint(pid), "-n", "ip", "-batch", "-"), commands)
}
