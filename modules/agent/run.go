package agent

// This file runs modules.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"gorun/modules"
	"gorun/modules/wire"
)

// run answers a Run.
func (s *server) run(ctx context.Context, _ *request, f wire.Frame) error {
	var msg wire.RunMessage
	err := json.Unmarshal(f.Payload, &msg)
	f.Release()
	if err != nil {
		return fmt.Errorf("the run request is no valid JSON: %w", err)
	}
	if msg.After != 0 {
		if err := s.await(ctx, f.ID, msg.After); err != nil {
			return err
		}
	}
	if msg.AsyncSeconds > 0 {
		data, err := StartJob(ctx, &msg)
		if err != nil {
			return err
		}
		return s.out.Send(wire.Result, f.ID, data)
	}
	stream := func(line string) { s.out.Send(wire.Line, f.ID, []byte(line)) }
	data, err := Execute(ctx, s.lookup, &msg, stream)
	if err != nil {
		return err
	}
	return s.out.Send(wire.Result, f.ID, data)
}

// stopGrace is how long a cancelled module may clean up before it is left alone.
const stopGrace = 5 * time.Second

// Execute runs the module that msg names in this process and returns its
// result as JSON. stream takes lines of output where msg asks for them. An
// error means that the module could not be run at all; its failure is a result.
func Execute(ctx context.Context, lookup Lookup, msg *wire.RunMessage, stream func(string)) (json.RawMessage, error) {
	mod := lookup(msg.Module)
	if mod == nil {
		return nil, &wire.ErrorMessage{Kind: wire.KindModule, Msg: fmt.Sprintf("the agent has no module %s", msg.Module)}
	}
	args, err := object(msg.Args)
	if err != nil {
		return nil, fmt.Errorf("arguments of %s: %w", msg.Module, err)
	}
	facts, err := object(msg.Facts)
	if err != nil {
		return nil, fmt.Errorf("facts for %s: %w", msg.Module, err)
	}
	m := &modules.Run{
		Name: msg.Action, Check: msg.Check, Diff: msg.Diff, Verbosity: msg.Verbosity, NoLog: msg.NoLog,
		Env: maps.Clone(msg.Env), RemoteTmp: msg.RemoteTmp, CommandShell: msg.Shell, Facts: facts, TellSecrets: msg.TellSecrets,
	}
	if msg.Stream {
		m.Stream = stream
	}
	done := make(chan map[string]any, 1)
	go func() { done <- mod.Execute(ctx, m, args) }()
	var out map[string]any
	select {
	case out = <-done:
	case <-ctx.Done():
		// A module ends by itself and cleans up, unless it is in a call that
		// nothing interrupts, such as opening a FIFO that nobody writes to.
		select {
		case out = <-done:
		case <-time.After(stopGrace):
			return nil, ctx.Err()
		}
	}
	if err := ctx.Err(); context.Cause(ctx) == context.Canceled {
		return nil, err
	}
	return encode(out)
}

// object decodes a JSON object; nothing is nil.
func object(data json.RawMessage) (map[string]any, error) {
	if len(data) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	return m, nil
}

// encode is JSON without HTML's escapes; a result that no message can hold
// becomes a failure that says so.
func encode(out map[string]any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return nil, err
	}
	if b.Len() > wire.MaxMessage {
		return json.Marshal(map[string]any{
			"failed": true, "changed": out["changed"],
			"msg": fmt.Sprintf("the module's result has %d bytes, more than the %d that can be sent", b.Len(), wire.MaxMessage),
		})
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
