package action

// This file holds the actions that wait: pause, wait_for_connection, reboot.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"gorun/engine/transport"
	"gorun/templates"
)

// sleep waits; the error is ctx's.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// stamp is how Ansible prints a time in results.
const stamp = "2006-01-02 15:04:05.000000"

// pause waits for a time or a person
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/pause_module.html).
func pause(ctx context.Context, t *Task) (*templates.Dict, error) {
	if err := t.unknown("echo", "minutes", "prompt", "seconds"); err != nil {
		return nil, err
	}
	echo, err := t.bool("echo", true)
	if err != nil {
		return nil, err
	}
	length, unit, err := t.pauseLength()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	input := ""
	timed := t.has("minutes") || t.has("seconds")
	keys := ""
	if timed {
		t.Services.Display(fmt.Sprintf("Pausing for %d seconds", int(length/time.Second)))
		keys = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r"
		switch {
		case t.Services.Interactive:
			keys += "\n" // said when ctrl-C is listened for
		case t.Era < templates.Current:
			t.Services.Display(keys)
			keys = ""
		default:
			keys = ""
		}
	}
	switch {
	case !timed || t.has("prompt"):
		input, err = t.ask(ctx, keys, echo, length)
	case t.Services.Interactive && t.Services.Prompt != nil && length > 0:
		_, err = t.Services.Prompt(ctx, PromptRequest{Text: keys, Hide: true, Timeout: length})
	default:
		err = sleep(ctx, length)
	}
	if errors.Is(err, ErrAborted) && t.Era < templates.Current {
		return nil, &Failure{Msg: err.Error(), Bare: true}
	}
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	stdout := fmt.Sprintf("Paused for %s minutes", round(took.Minutes()))
	if unit == "seconds" {
		stdout = fmt.Sprintf("Paused for %s seconds", round(took.Seconds()))
	}
	if !echo {
		t.Services.Secrets.Add(input)
	}
	return Result("changed", false, "rc", 0, "stderr", "", "stdout", stdout,
		"start", start.Format(stamp), "stop", time.Now().Format(stamp), "delta", int(took.Seconds()),
		"echo", echo, "user_input", input), nil
}

func (t *Task) pauseLength() (time.Duration, string, error) {
	if t.has("minutes") && t.has("seconds") {
		return 0, "", failf("parameters are mutually exclusive: minutes|seconds")
	}
	name, unit := "minutes", time.Minute
	if t.has("seconds") {
		name, unit = "seconds", time.Second
	}
	n, err := t.float(name, 0)
	if err != nil {
		return 0, "", failf("non-integer value given for prompt duration:\n%s", err)
	}
	return max(0, time.Duration(n*float64(unit))), name, nil
}

// round is a number as Python prints round(x, 2).
func round(f float64) string {
	s := strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// ErrAborted is what a person gives who ends a pause with ctrl-C and A.
var ErrAborted = errors.New("user requested abort!")

// ask shows pause's prompt, behind what it says of keys, and waits for Enter.
func (t *Task) ask(ctx context.Context, keys string, echo bool, timeout time.Duration) (string, error) {
	text := t.str("prompt", "Press enter to continue, Ctrl+C to interrupt")
	if !echo {
		text += " (output is hidden)"
	}
	text = fmt.Sprintf("%s[%s]\n%s:\n", keys, t.Name, text)
	if t.Services.Prompt == nil {
		t.Services.Display(text)
		return "", nil
	}
	return t.Services.Prompt(ctx, PromptRequest{Text: text, Hide: !echo, Timeout: timeout})
}

// waitForConnection waits until the target answers
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/wait_for_connection_module.html).
func waitForConnection(ctx context.Context, t *Task) (*templates.Dict, error) {
	if t.Check {
		return Result("changed", false, "elapsed", 0, "skipped", true), nil
	}
	one, err1 := t.float("connect_timeout", 5)
	delay, err2 := t.float("delay", 0)
	pauseFor, err3 := t.float("sleep", 1)
	limit, err4 := t.float("timeout", 600)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := sleep(ctx, seconds(delay)); err != nil {
		return nil, err
	}
	err := t.until(ctx, seconds(limit), seconds(pauseFor), seconds(one), func(ctx context.Context) error {
		if err := t.Host.Reset(ctx); err != nil {
			return err
		}
		_, err := t.runAlways(ctx, "ansible.builtin.ping", templates.NewDict(0))
		return err
	})
	elapsed := int(time.Since(start).Seconds())
	if err != nil {
		return nil, &Failure{Msg: "timed out waiting for ping module test: " + err.Error(), Data: Result("elapsed", elapsed)}
	}
	return Result("changed", false, "elapsed", elapsed), nil
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }

// until repeats try until it gives no error or the time is over; one try may
// take at most each (0: no bound).
func (t *Task) until(ctx context.Context, limit, pauseFor, each time.Duration, try func(ctx context.Context) error) error {
	end := time.Now().Add(limit)
	for {
		tctx, cancel := ctx, context.CancelFunc(func() {})
		if each > 0 {
			tctx, cancel = context.WithTimeout(ctx, each)
		}
		err := try(tctx)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().Add(pauseFor).After(end) {
			return err
		}
		if err := sleep(ctx, pauseFor); err != nil {
			return err
		}
	}
}

// reboot restarts the target and waits until it is back
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/reboot_module.html).
func reboot(ctx context.Context, t *Task) (*templates.Dict, error) {
	if t.Host.Local() {
		return nil, failf("Running %s with local connection would reboot the control node.", t.Name)
	}
	if t.Check {
		return Result("changed", true, "elapsed", 0, "rebooted", true), nil
	}
	limit, err1 := t.float("reboot_timeout", 600)
	pre, err2 := t.float("pre_reboot_delay", 0)
	post, err3 := t.float("post_reboot_delay", 0)
	one, err4 := t.float("connect_timeout", 10)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	bootTime := t.str("boot_time_command", "cat /proc/sys/kernel/random/boot_id")
	before, err := t.output(ctx, bootTime)
	if err != nil {
		return nil, failf("reboot: failed to get host boot time info: %s", err)
	}
	start := time.Now()
	if r, err := t.Host.Exec(ctx, t.rebootCommand(pre), transport.ExecOptions{}); err == nil && r.RC != 0 {
		return nil, &Failure{Msg: fmt.Sprintf("Reboot command failed. Error was: '%s, %s'", trim(r.Stdout), trim(r.Stderr)), Data: Result("rebooted", false, "start", start.Format(stamp))}
	}
	if err := sleep(ctx, seconds(post)); err != nil {
		return nil, err
	}
	err = t.until(ctx, seconds(limit), time.Second, seconds(one), func(ctx context.Context) error {
		if err := t.Host.Reset(ctx); err != nil {
			return err
		}
		now, err := t.output(ctx, bootTime)
		if err == nil && now == before {
			err = errors.New("boot time has not changed")
		}
		if err != nil {
			return err
		}
		_, err = t.output(ctx, t.str("test_command", "whoami"))
		return err
	})
	elapsed := int(time.Since(start).Seconds())
	if err != nil {
		return nil, &Failure{Msg: fmt.Sprintf("Timed out waiting for last boot time check (timeout=%v)", limit), Data: Result("rebooted", true, "elapsed", elapsed, "changed", true)}
	}
	return Result("changed", true, "elapsed", elapsed, "rebooted", true), nil
}

// rebootCommand is the command line that reboots, a moment later so that the
// connection can end in order.
func (t *Task) rebootCommand(pre float64) string {
	if c := t.str("reboot_command", ""); c != "" {
		return c
	}
	msg := quote(t.str("msg", "Reboot initiated by Ansible"))
	minutes := int(pre) / 60
	when := "now"
	if minutes > 0 {
		when = "+" + strconv.Itoa(minutes)
	}
	return "PATH=$PATH:/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin shutdown -r " + when + " " + msg
}

func trim(b []byte) string { return strings.TrimSpace(string(b)) }

// output is what a command prints; an exit code other than 0 is an error.
func (t *Task) output(ctx context.Context, cmd string) (string, error) {
	r, err := t.Host.Exec(ctx, cmd, transport.ExecOptions{})
	if err != nil {
		return "", err
	}
	if r.RC != 0 {
		return "", fmt.Errorf("%s: rc %d, %s", cmd, r.RC, trim(r.Stderr))
	}
	return trim(r.Stdout), nil
}
