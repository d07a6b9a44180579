package commands

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"gorun/modules"
	"gorun/modules/oserr"
)

type asyncStatusArgs struct {
	JID      string `arg:"jid"`
	Mode     string `arg:"mode"`
	AsyncDir string `arg:"_async_dir"`
}

// AsyncStatus is ansible.builtin.async_status: what became of an async job.
var AsyncStatus = modules.Define(modules.Spec{
	Name: "ansible.builtin.async_status",
	Doc:  "Tell whether an async job is done and what it gave.",
	Options: []modules.Option{
		{Name: "jid", Required: true, Doc: "The job's id: ansible_job_id of the task that started it."},
		{Name: "mode", Default: "status", Choices: []string{"cleanup", "status"}, Doc: "status tells of the job, cleanup removes its file."},
		{Name: "_async_dir", Internal: true, Type: modules.Path, Default: "~/.ansible_async", Doc: "The folder of the jobs' files; set by the action."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(_ context.Context, m *modules.Run, a *asyncStatusArgs) (*modules.Result, error) {
	path := filepath.Join(a.AsyncDir, filepath.Base(a.JID))
	data := map[string]any{"ansible_job_id": a.JID, "results_file": path, "started": 1, "finished": 0}
	raw, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		data["finished"] = 1
		return nil, modules.FailWith(data, "could not find job")
	}
	if err != nil {
		return nil, modules.FailWith(data, "could not read the job's file: %s", oserr.Text(err))
	}
	if a.Mode == "cleanup" {
		if err := os.Remove(path); err != nil {
			return nil, modules.FailWith(data, "could not remove the job's file: %s", oserr.Text(err))
		}
		return &modules.Result{Data: map[string]any{"ansible_job_id": a.JID, "erased": path}}, nil
	}
	var result map[string]any
	if len(raw) == 0 || json.Unmarshal(raw, &result) != nil {
		return &modules.Result{Data: data}, nil // it is being written
	}
	return finished(result, data)
})

// finished makes a result of what the job wrote.
func finished(result, data map[string]any) (*modules.Result, error) {
	changed, _ := result["changed"].(bool)
	failed, _ := result["failed"].(bool)
	msg, _ := result["msg"].(string)
	if _, says := result["started"]; !says {
		data["finished"] = 1
	}
	for k, v := range result {
		switch k {
		case "changed", "failed", "msg", "invocation":
		case "started", "finished":
			if b, isBool := v.(bool); isBool {
				v = 0
				if b {
					v = 1
				}
			}
			data[k] = v
		default:
			data[k] = v
		}
	}
	if failed {
		return nil, &modules.Failure{Msg: msg, Changed: changed, Data: data}
	}
	return &modules.Result{Changed: changed, Msg: msg, Data: data}, nil
}
