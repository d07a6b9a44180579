package main

// This file writes the tables.

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// save writes the report where -out says.
func (b *bench) save(list []play) error {
	if b.out == "" {
		return nil
	}
	return os.WriteFile(b.out, []byte(b.report(list)), 0o644)
}

// report is the table of medians with what they were measured on.
func (b *bench) report(list []play) string {
	var s strings.Builder
	fmt.Fprintf(&s, "# gorun beside Ansible\n\nWritten by `make bench`, %s. %s\n\n", b.started.UTC().Format("2006-01-02 15:04 UTC"), machine())
	s.WriteString("Wall and CPU time in seconds, memory of the largest process in MiB, all on the controller; medians of as many runs as stand in brackets. " +
		"Each run connects anew to four hosts in network namespaces of the same machine, pipelining on, 50 forks; gorun's agent is in the hosts' cache. " +
		"The last column is a tool's wall time over gorun's. The delay is made by a relay of the benchmark, 20 ms each way. " +
		"A `-` was not measured or has no script.\n\n")
	s.WriteString("| play | tool | wall | CPU | memory | runs | wall / gorun |\n|---|---|--:|--:|--:|--:|--:|\n")
	for _, p := range list {
		base := b.results[p.name]["gorun"]
		for _, t := range tools {
			got := b.results[p.name][t.name]
			if len(got) == 0 {
				fmt.Fprintf(&s, "| %s | %s | - | - | - | - | - |\n", p.title, t.name)
				continue
			}
			m, ratio := median(got), "-"
			if len(base) > 0 {
				ratio = fmt.Sprintf("%.1f", m.wall.Seconds()/median(base).wall.Seconds())
			}
			fmt.Fprintf(&s, "| %s | %s | %.2f | %.2f | %.0f | (%d) | %s |\n", p.title, t.name, m.wall.Seconds(), m.cpu.Seconds(), float64(m.rss)/(1<<20), len(got), ratio)
		}
	}
	return s.String()
}

// machine describes the machine without naming it.
func machine() string {
	facts := fmt.Sprintf("%d cores", runtime.NumCPU())
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				facts += " of " + strings.TrimSpace(strings.TrimLeft(name, "\t :"))
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kib); err == nil {
			facts += fmt.Sprintf(", %d GiB", (kib+1<<19)>>20)
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		facts += ", load " + strings.Join(strings.Fields(string(text))[:3], " ")
	}
	facts += ", " + runtime.Version()
	if out, err := exec.Command("ansible-playbook", "--version").Output(); err == nil {
		first, _, _ := strings.Cut(string(out), "\n")
		facts += ", " + first
	}
	return facts + "."
}
