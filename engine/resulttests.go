package engine

// This file holds the template tests about results of tasks
// (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_tests.html#testing-task-results).

import (
	"fmt"

	"gorun/templates"
)

// resultTests are the tests that look at a registered result.
var resultTests = map[string]templates.Func{
	"changed": resultTest("changed", resultChanged), "change": resultTest("change", resultChanged),
	"failed": resultTest("failed", resultFailed), "failure": resultTest("failure", resultFailed),
	"succeeded": resultTest("succeeded", resultSucceeded), "success": resultTest("success", resultSucceeded),
	"successful":  resultTest("successful", resultSucceeded),
	"skipped":     resultTest("skipped", resultFlag("skipped")),
	"skip":        resultTest("skip", resultFlag("skipped")),
	"unreachable": resultTest("unreachable", resultFlag("unreachable")),
	"reachable":   resultTest("reachable", func(d templates.Mapping) (bool, error) { b, err := flagOf(d, "unreachable"); return !b, err }),
	"started":     resultTest("started", resultFlag("started")),
	"finished":    resultTest("finished", resultFinished),
	"timedout":    resultTest("timedout", resultTimedOut),
}

// resultTest makes a test of a function over a result.
func resultTest(name string, f func(d templates.Mapping) (bool, error)) templates.Func {
	return func(c *templates.Call) (templates.Value, error) {
		d, ok := c.Args[0].(templates.Mapping)
		if !ok {
			return nil, &templates.Error{Kind: templates.AnsibleFilterError, Msg: fmt.Sprintf("The '%s' test expects a dictionary", name)}
		}
		b, err := f(d)
		return templates.Bool(b), err
	}
}

func flagOf(d templates.Mapping, key string) (bool, error) {
	v, ok, err := d.Get(templates.Str(key))
	return ok && v.Truth(), err
}

func resultFlag(key string) func(d templates.Mapping) (bool, error) {
	return func(d templates.Mapping) (bool, error) { return flagOf(d, key) }
}

func resultFailed(d templates.Mapping) (bool, error) { return flagOf(d, "failed") }

func resultSucceeded(d templates.Mapping) (bool, error) {
	b, err := flagOf(d, "failed")
	return !b, err
}

// resultChanged also holds where an item of a loop changed something.
func resultChanged(d templates.Mapping) (bool, error) {
	if _, has, err := d.Get(templates.Str("changed")); has || err != nil {
		return flagOf(d, "changed")
	}
	v, _, err := d.Get(templates.Str("results"))
	items, ok := v.(templates.Sequence)
	if err != nil || !ok {
		return false, err
	}
	for i := range items.Len() {
		if item, ok := items.Index(i).(templates.Mapping); ok {
			if b, err := flagOf(item, "changed"); b || err != nil {
				return b, err
			}
		}
	}
	return false, nil
}

// resultFinished holds too for what was never a job.
func resultFinished(d templates.Mapping) (bool, error) {
	if _, has, err := d.Get(templates.Str("finished")); !has || err != nil {
		return true, err
	}
	return flagOf(d, "finished")
}

func resultTimedOut(d templates.Mapping) (bool, error) {
	v, ok, err := d.Get(templates.Str("timedout"))
	if err != nil || !ok {
		return false, err
	}
	if m, isDict := v.(templates.Mapping); isDict {
		return flagOf(m, "period")
	}
	return v.Truth(), nil
}
