// Run measures the playbooks of testdata/bench under ansible-playbook,
// ansible-playbook with mitogen, gorun and hand-written shell scripts, on hosts
// that gorun-lab makes, and writes a table with the machine's facts.
//
//	go run ./testdata/bench/run -runs 3 -out testdata/bench/results/NAME.md
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A play is a playbook with what it is run with.
type play struct {
	name, title string
	playbook    string
	args        []string
	script      string // the work by hand; "" where nobody would write it
	delayed     bool   // over links with delay
	first       bool   // on the first host alone
}

var plays = []play{
	{name: "tasks", title: "5 tasks x 20 items", playbook: "tasks.yml", script: "bash -s <tasks.sh"},
	{name: "facts", title: "facts only", playbook: "facts.yml"},
	{name: "plain", title: "200 tasks without loops", playbook: "plain.yml", script: "bash -s <plain.sh"},
	{name: "copy", title: "copy of 50 MiB", playbook: "copy.yml", args: []string{"-e", "big=$WORK/big"}, script: "'cat >/tmp/bench/big.new && mv /tmp/bench/big.new /tmp/bench/big' <$WORK/big"},
	{name: "templates", title: "500 small templates, one host", playbook: "templates.yml", first: true},
	{name: "roles", title: "100 role tasks, 2,000 variables a host", playbook: "roles.yml"},
	{name: "items", title: "with_items over 1,000, one host", playbook: "items.yml", script: "bash -s <items.sh", first: true},
	{name: "become", title: "5 tasks x 20 items, become", playbook: "tasks.yml", args: []string{"--become"}, script: "sudo bash -s <tasks.sh"},
	{name: "delay", title: "5 tasks x 20 items, 20 ms each way", playbook: "tasks.yml", script: "bash -s <tasks.sh", delayed: true},
}

// delay is how long the links of a delayed play take, each way.
const delay = 20 * time.Millisecond

// A tool runs a play; its command lines are words of a shell.
type tool struct {
	name string
	env  []string
	argv func(b *bench, p play) []string // nil: cannot do the play
}

var tools = []tool{
	{name: "gorun", argv: func(b *bench, p play) []string { return append([]string{b.gorun}, b.playbookArgs(p)...) }},
	{name: "shell", argv: (*bench).shell},
	{name: "mitogen", env: []string{"ANSIBLE_STRATEGY=mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS=$MITOGEN"}, argv: ansible},
	{name: "ansible", argv: ansible},
}

func ansible(b *bench, p play) []string {
	return append([]string{"ansible-playbook"}, b.playbookArgs(p)...)
}

func (b *bench) playbookArgs(p play) []string {
	args := []string{"-i", b.inventory(p), p.playbook}
	for _, a := range p.args {
		args = append(args, strings.ReplaceAll(a, "$WORK", b.work))
	}
	return args
}

// shell pipes the script over one ssh a host, all at once.
func (b *bench) shell(p play) []string {
	if p.script == "" {
		return nil
	}
	hosts := b.hosts
	if p.delayed {
		hosts = b.delayed
	}
	if p.first {
		hosts = hosts[:1]
	}
	line := "pids=; "
	for _, h := range hosts {
		line += fmt.Sprintf("ssh %s %s & pids=\"$pids $!\"; ", strings.Join(b.sshArgs(h), " "), strings.ReplaceAll(p.script, "$WORK", b.work))
	}
	return []string{"bash", "-c", line + "for p in $pids; do wait $p || exit 1; done"}
}

// A sample is one run.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // of the largest process, bytes
}

// run measures one run; the hosts' folder is empty before.
func (b *bench) run(ctx context.Context, t tool, p play) (sample, error) {
	if err := b.onHosts("rm -rf /tmp/bench; mkdir -m 755 /tmp/bench"); err != nil {
		return sample{}, err
	}
	sockets, err := os.MkdirTemp("", "gb")
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(sockets)
	argv := t.argv(b, p)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = b.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// A folder of its own for ssh's sockets: no run finds the connection of the one before.
	cmd.Env = append(os.Environ(), "ANSIBLE_PIPELINING=1", "ANSIBLE_FORKS=50", "ANSIBLE_SSH_CONTROL_PATH_DIR="+sockets,
		"ANSIBLE_NOCOLOR=1", "ANSIBLE_DEPRECATION_WARNINGS=0", "LC_ALL=C.UTF-8")
	for _, e := range t.env {
		cmd.Env = append(cmd.Env, strings.ReplaceAll(e, "$MITOGEN", b.mitogen))
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Run(); err != nil {
		text := out.Bytes()
		return sample{}, fmt.Errorf("%s, %s: %w\n%s", t.name, p.name, err, text[max(0, len(text)-2000):])
	}
	wall := time.Since(began)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return sample{}, errors.New("the system does not tell what a process used")
	}
	return sample{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), usage.Maxrss << 10}, nil
}

// median returns the medians of each figure.
func median(list []sample) sample {
	pick := func(less func(a, b sample) int) sample {
		s := slices.Clone(list)
		slices.SortFunc(s, less)
		return s[len(s)/2]
	}
	return sample{
		pick(func(a, b sample) int { return int(a.wall - b.wall) }).wall,
		pick(func(a, b sample) int { return int(a.cpu - b.cpu) }).cpu,
		pick(func(a, b sample) int { return int(a.rss - b.rss) }).rss,
	}
}

func main() {
	b := &bench{results: map[string]map[string][]sample{}}
	runs := flag.Int("runs", 3, "runs of each play under each tool")
	only := flag.String("plays", "", "measure these plays alone (a comma list)")
	with := flag.String("tools", "gorun,shell,mitogen,ansible", "measure these tools")
	limit := flag.Duration("limit", 0, "end after this time, with what has been measured; 0 is no limit")
	flag.DurationVar(&b.once, "once", 0, "do not repeat a run that took longer; 0 repeats all")
	flag.StringVar(&b.gorun, "gorun", "bin/gorun", "gorun")
	flag.StringVar(&b.lab, "lab", "bin/gorun-lab", "gorun-lab")
	flag.StringVar(&b.network, "net", "10.109.0.0/24", "the lab's network")
	flag.StringVar(&b.out, "out", "", "file for the results")
	flag.Parse()
	if err := b.main(*runs, *limit, chosen(plays, *only), strings.Split(*with, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func chosen(all []play, only string) []play {
	if only == "" {
		return all
	}
	names := strings.Split(only, ",")
	return slices.DeleteFunc(slices.Clone(all), func(p play) bool { return !slices.Contains(names, p.name) })
}

func (b *bench) main(runs int, limit time.Duration, list []play, names []string) (err error) {
	for _, name := range []*string{&b.gorun, &b.lab} {
		if *name, err = filepath.Abs(*name); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.open(); err != nil {
		return err
	}
	b.started = time.Now()
	ctx := context.Background()
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	for _, t := range tools {
		if !slices.Contains(names, t.name) || !b.has(t) {
			continue
		}
		for _, p := range list {
			for range runs {
				if t.argv(b, p) == nil || ctx.Err() != nil {
					break
				}
				s, err := b.run(ctx, t, p)
				if err != nil && ctx.Err() == nil {
					return err
				} else if err != nil {
					break
				}
				fmt.Fprintf(os.Stderr, "%-8s %-10s %8.2f s wall %8.2f s CPU %6.0f MiB\n", t.name, p.name, s.wall.Seconds(), s.cpu.Seconds(), float64(s.rss)/(1<<20))
				if b.results[p.name] == nil {
					b.results[p.name] = map[string][]sample{}
				}
				b.results[p.name][t.name] = append(b.results[p.name][t.name], s)
				if err := b.save(list); err != nil {
					return err
				}
				if b.once > 0 && s.wall > b.once {
					break
				}
			}
		}
	}
	fmt.Print(b.report(list))
	return nil
}
