package agent

// This file runs async jobs: modules in a process of their own that lives on
// without the agent, and writes its result where async_status looks.

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"gorun/modules"
	"gorun/modules/wire"
)

// defaultAsyncDir is Ansible's async_dir.
const defaultAsyncDir = "~/.ansible_async"

// jobStop is for how long a module may take to end after its time is over.
const jobStop = 5 * time.Second

// jobStarted is the line by which a job says that its status file is written.
const jobStarted = "started"

// A jobMessage is what a job reads from its stdin.
type jobMessage struct {
	Run  wire.RunMessage `json:"run"`
	ID   string          `json:"id"`   // of the job, without the process id
	Path string          `json:"path"` // folder of the status file
}

// StartJob starts msg's module as a job and returns the result that says so:
// ansible_job_id, results_file, started, finished.
func StartJob(ctx context.Context, msg *wire.RunMessage) (json.RawMessage, error) {
	dir := msg.AsyncDir
	if dir == "" {
		dir = defaultAsyncDir
	}
	dir = modules.ExpandPath(dir, msg.Env)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("could not make the folder for async jobs: %w", err)
	}
	job := jobMessage{Run: *msg, ID: newJobID(), Path: dir}
	input, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	self, err := executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "__agent", "job")
	cmd.Stdin = strings.NewReader(string(input))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("could not start the async job: %w", err)
	}
	pid := cmd.Process.Pid
	line, err := readLine(ctx, out)
	go cmd.Wait() // or it stays a zombie while the agent lives
	if err != nil || line != jobStarted {
		cmd.Process.Kill()
		return nil, fmt.Errorf("the async job did not start: %w", errors.Join(err, errors.New(line)))
	}
	id := jobName(job.ID, pid)
	return json.Marshal(map[string]any{
		"ansible_job_id": id, "results_file": filepath.Join(dir, id), "started": 1, "finished": 0, "changed": true,
	})
}

func newJobID() string {
	var b [8]byte
	rand.Read(b[:])
	return fmt.Sprintf("j%012d", binary.BigEndian.Uint64(b[:])%1e12)
}

func jobName(id string, pid int) string { return fmt.Sprintf("%s.%d", id, pid) }

// readLine reads the job's first line, or fails when ctx ends.
func readLine(ctx context.Context, r io.ReadCloser) (string, error) {
	type answer struct {
		line string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(r).ReadString('\n')
		if err == io.EOF && line != "" {
			err = nil
		}
		done <- answer{strings.TrimSpace(line), err}
	}()
	select {
	case a := <-done:
		return a.line, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// executable is this program, also where its file is gone.
func executable() (string, error) {
	if runtime.GOOS == "linux" {
		if _, err := os.Stat("/proc/self/exe"); err == nil {
			return "/proc/self/exe", nil
		}
	}
	return os.Executable()
}

// job is the process of a job.
func job(lookup Lookup) error {
	var msg jobMessage
	if err := json.NewDecoder(os.Stdin).Decode(&msg); err != nil {
		return err
	}
	os.Stdin.Close()
	id := jobName(msg.ID, os.Getpid())
	path := filepath.Join(msg.Path, id)
	if err := writeStatus(path, map[string]any{"started": 1, "finished": 0, "ansible_job_id": id}); err != nil {
		fmt.Println(err)
		return err
	}
	fmt.Println(jobStarted)
	os.Stdout.Close()
	limit := time.Duration(msg.Run.AsyncSeconds * float64(time.Second))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	msg.Run.Stream = false
	done := make(chan any, 1)
	go func() {
		out, err := Execute(ctx, lookup, &msg.Run, nil)
		if err != nil {
			done <- map[string]any{"failed": 1, "msg": err.Error(), "ansible_job_id": id}
			return
		}
		done <- out
	}()
	select {
	case out := <-done:
		if ctx.Err() == nil {
			return writeStatus(path, out)
		}
	case <-ctx.Done():
		select {
		case <-done: // what the module started is gone too
		case <-time.After(jobStop):
		}
	}
	return writeStatus(path, map[string]any{
		"failed": 1, "started": 1, "finished": 1, "ansible_job_id": id, "child_pid": os.Getpid(), "msg": "Timeout exceeded",
	})
}

// writeStatus replaces the status file; a reader sees the old or the new.
func writeStatus(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
