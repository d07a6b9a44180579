package modules

// This file runs a module: arguments in, a result with Ansible's keys out.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"gorun/modules/pyre"
)

// Execute decodes raw, runs the module, and returns the result as JSON-able
// data with Ansible's keys (changed, failed, msg, diff, invocation, warnings,
// stdout_lines...), secrets masked. It never panics: a module's panic becomes
// a failed result with "exception".
func (mod *Module) Execute(ctx context.Context, m *Run, raw map[string]any) (out map[string]any) {
	ownTmp := m.Tmp == ""
	defer func() {
		if ownTmp && m.Tmp != "" {
			os.RemoveAll(m.Tmp)
		}
	}()
	defer func() {
		p := recover()
		if late, ok := p.(*pyre.TooLong); ok {
			out = mod.finish(m, nil, late)
		} else if p != nil {
			out = mod.finish(m, nil, FailWith(map[string]any{
				"exception": fmt.Sprintf("panic: %v\n%s", p, debug.Stack()),
			}, "MODULE FAILURE: %v", p))
		}
	}()
	name := m.Name
	if name == "" {
		name = mod.Spec.Name[strings.LastIndexByte(mod.Spec.Name, '.')+1:]
	}
	d := decoder{name: name, env: m.Env}
	params, err := d.decode(&mod.Spec, raw)
	m.Params = params
	m.Secrets = append(m.Secrets, d.secretList()...)
	m.Warnings = append(m.Warnings, d.warnings...)
	m.Deprecations = append(m.Deprecations, d.deprecations...)
	if err != nil {
		m.Params = raw
		return mod.finish(m, nil, err)
	}
	if m.Check && mod.Spec.Check == NoSupport {
		return mod.finish(m, &Result{
			Skipped: true,
			Msg:     fmt.Sprintf("remote module (%s) does not support check mode", name),
		}, nil)
	}
	res, err := mod.run(ctx, m, params)
	return mod.finish(m, res, err)
}

// finish makes the result's map of what the module returned.
func (mod *Module) finish(m *Run, res *Result, err error) map[string]any {
	out := make(map[string]any)
	if res != nil {
		maps.Copy(out, res.Data)
		out["changed"] = res.Changed
		if res.Msg != "" {
			out["msg"] = res.Msg
		}
		if res.Skipped {
			out["skipped"] = true
		}
		addDiff(out, res.Diff)
	}
	if err != nil {
		addFailure(out, err)
	}
	if out["invocation"] == nil {
		out["invocation"] = map[string]any{"module_args": m.Params}
	}
	if m.Warnings != nil {
		out["warnings"] = m.Warnings
	}
	if m.Deprecations != nil {
		out["deprecations"] = deprecationList(m.Deprecations)
	}
	for _, k := range []string{"stdout", "stderr"} {
		if s, ok := out[k].(string); ok && out[k+"_lines"] == nil {
			out[k+"_lines"] = SplitLines(s)
		}
	}
	if !mod.Spec.ControllerOnly {
		if path := resultPath(out); path != "" {
			m.AddFileInfo(path, out)
		}
	}
	if m.TellSecrets {
		if len(m.Secrets) > 0 {
			out[SecretsKey] = m.Secrets
		}
	} else {
		out = Mask(out, m.Secrets).(map[string]any)
	}
	if _, err := json.Marshal(out); err != nil {
		return map[string]any{"failed": true, "changed": false, "msg": "the module's result is no JSON: " + err.Error()}
	}
	return out
}

func addDiff(out map[string]any, diff []Diff) {
	switch len(diff) {
	case 0:
	case 1:
		out["diff"] = diff[0].data()
	default:
		list := make([]any, len(diff))
		for i := range diff {
			list[i] = diff[i].data()
		}
		out["diff"] = list
	}
}

// data is the diff as a map, so that secrets in it can be masked.
func (d *Diff) data() map[string]any {
	out := make(map[string]any)
	for k, v := range map[string]any{"before": d.Before, "after": d.After} {
		if v != nil {
			out[k] = v
		}
	}
	for k, v := range map[string]string{"before_header": d.BeforeHeader, "after_header": d.AfterHeader, "prepared": d.Prepared} {
		if v != "" {
			out[k] = v
		}
	}
	for k, v := range map[string]bool{"src_binary": d.SrcBinary, "dst_binary": d.DstBinary} {
		if v {
			out[k] = 1
		}
	}
	for k, v := range map[string]int{"src_larger": d.SrcLarger, "dst_larger": d.DstLarger} {
		if v != 0 {
			out[k] = v
		}
	}
	return out
}

func addFailure(out map[string]any, err error) {
	var f *Failure
	changed, _ := out["changed"].(bool)
	if errors.As(err, &f) {
		maps.Copy(out, f.Data)
		changed = changed || f.Changed
	}
	out["failed"] = true
	out["changed"] = changed
	out["msg"] = err.Error()
}

func deprecationList(in []Deprecation) []any {
	out := make([]any, len(in))
	for i, d := range in {
		entry := map[string]any{"msg": d.Msg}
		if d.Version != "" {
			entry["version"] = d.Version
		}
		out[i] = entry
	}
	return out
}

// resultPath is the file that a result speaks of.
func resultPath(out map[string]any) string {
	for _, k := range []string{"path", "dest"} {
		if s, ok := out[k].(string); ok {
			return s
		}
	}
	return ""
}

// SplitLines cuts text into lines as Python's splitlines, which makes Ansible's
// stdout_lines: no line behind the last end of a line.
func SplitLines(s string) []string {
	lines := []string{}
	for s != "" {
		i := strings.IndexAny(s, lineEnds)
		if i < 0 {
			return append(lines, s)
		}
		lines = append(lines, s[:i])
		_, size := utf8.DecodeRuneInString(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			size = 2
		}
		s = s[i+size:]
	}
	return lines
}

// lineEnds are the characters that end a line in Python.
const lineEnds = "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029"
