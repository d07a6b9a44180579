package wire

// This file defines the payloads that are JSON. Fields may be added; a reader
// ignores those that it does not know.

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// HelloMessage is the first message of either side.
type HelloMessage struct {
	Version int `json:"version"`
	// The agent tells of itself and its host; the controller leaves these out.
	OS   string `json:"os,omitempty"`
	Arch string `json:"arch,omitempty"`
	PID  int    `json:"pid,omitempty"`
	UID  int    `json:"uid,omitempty"`
	User string `json:"user,omitempty"`
	Home string `json:"home,omitempty"`
	// File is the agent's own: another user of the host may copy it.
	File string `json:"file,omitempty"`
	// RemoteTmp is where the controller wants temporary files; "" is the agent's choice.
	RemoteTmp string `json:"remote_tmp,omitempty"`
}

// RunMessage asks for a module.
type RunMessage struct {
	Module    string            `json:"module"`           // full name
	Action    string            `json:"action,omitempty"` // the name that the task used
	Args      json.RawMessage   `json:"args,omitempty"`   // an object
	Check     bool              `json:"check,omitempty"`
	Diff      bool              `json:"diff,omitempty"`
	NoLog     bool              `json:"no_log,omitempty"`
	Verbosity int               `json:"verbosity,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
	RemoteTmp string            `json:"remote_tmp,omitempty"`
	Shell     string            `json:"shell,omitempty"` // of command lines for a shell; "" is /bin/sh
	Facts     json.RawMessage   `json:"facts,omitempty"`
	// TellSecrets asks for a result with its secrets in it and named; jobs mask theirs.
	TellSecrets bool `json:"tell_secrets,omitempty"`
	// Stream asks for Line frames.
	Stream bool `json:"stream,omitempty"`
	// AsyncSeconds, where not 0, makes a job of the run that lives on without
	// the connection; AsyncDir is where its result goes.
	AsyncSeconds float64 `json:"async,omitempty"`
	AsyncDir     string  `json:"async_dir,omitempty"`
	// After, where not 0, is the id of a request behind which this one runs:
	// when it has ended, or not at all where it was cancelled.
	After uint32 `json:"after,omitempty"`
}

// PutMessage begins a file. Either Path or Name is set.
type PutMessage struct {
	Path string `json:"path,omitempty"`
	// Name is that of a file in the agent's temporary folder; the Result tells its path.
	Name string `json:"name,omitempty"`
	Size int64  `json:"size"`
	Mode uint32 `json:"mode,omitempty"` // permission bits; 0 is 0600
	// Beside, together with Name, is the path that the file will replace: where
	// its folder allows it, the file goes there under a name of its own.
	Beside string `json:"beside,omitempty"`
}

// PutResult answers a Put.
type PutResult struct {
	Path string `json:"path"`
	// Beside says that the file stands in the folder of PutMessage.Beside.
	Beside bool `json:"beside,omitempty"`
}

// EndMessage is behind a file's last Chunk.
type EndMessage struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
	// Failed, where not "", says why the sender broke off: the file is not to be used.
	Failed string `json:"failed,omitempty"`
}

// GetMessage names a file.
type GetMessage struct {
	Path string `json:"path"`
}

// StatMessage tells of a file.
type StatMessage struct {
	Exists bool   `json:"exists"`
	Dir    bool   `json:"dir,omitempty"`
	Size   int64  `json:"size,omitempty"`
	Mode   uint32 `json:"mode,omitempty"` // permission bits
}

// The kinds of an ErrorMessage.
const (
	KindFailed    = "failed"
	KindNotFound  = "not_found"
	KindCancelled = "cancelled"
	KindModule    = "no_module" // the agent has no module of that name
)

// ErrorMessage says why a request failed.
type ErrorMessage struct {
	Kind string `json:"kind"`
	Msg  string `json:"msg"`
}

func (e *ErrorMessage) Error() string { return e.Msg }

// Check compares what came with what the sender says; sum is the SHA-256 of it.
func (e *EndMessage) Check(size int64, sum []byte) error {
	if e.Failed != "" {
		return fmt.Errorf("the sender broke off: %s", e.Failed)
	}
	if size != e.Size {
		return fmt.Errorf("%d bytes came, %d were sent", size, e.Size)
	}
	if got := hex.EncodeToString(sum); got != e.SHA256 {
		return fmt.Errorf("the SHA-256 of what came is %s, of what was sent %s", got, e.SHA256)
	}
	return nil
}
