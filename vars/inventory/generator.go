package inventory

// This file makes hosts of every combination of values
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/generator_inventory.html).

import (
	"context"
	"fmt"

	"gorun/templates"
)

// dictScope finds names in a dict.
type dictScope struct{ d *templates.Dict }

// Lookup implements templates.Scope.
func (s dictScope) Lookup(name string) (templates.Value, bool, error) {
	v, ok := s.d.GetStr(name)
	return v, ok, nil
}

func generatorPlugin(b *Builder, config *templates.Dict) error {
	layers, err := optionDict(config, "layers")
	if err != nil {
		return err
	}
	hosts, err := optionDict(config, "hosts")
	if err != nil {
		return err
	}
	name, ok := hosts.GetStr("name")
	if !ok {
		return fmt.Errorf("%s: hosts has no 'name'", b.Source)
	}
	var keys []string
	var values [][]templates.Value
	total := 1
	for k, v := range layers.All {
		list, ok := v.(*templates.List)
		if !ok {
			return fmt.Errorf("%s: layer %s is a %s, not a list", b.Source, orText(k), v.Type())
		}
		keys, values = append(keys, orText(k)), append(values, list.Elems)
		if total *= len(list.Elems); total > maxHosts {
			return fmt.Errorf("%s: the layers give more than %d hosts", b.Source, maxHosts)
		}
	}
	for i := range total {
		inputs := templates.NewDict(len(keys))
		rest := total
		for j, k := range keys {
			rest /= len(values[j])
			inputs.SetStr(k, values[j][i/rest%len(values[j])])
		}
		if err := generateHost(b, name, hosts, inputs); err != nil {
			return err
		}
	}
	return nil
}

func generateHost(b *Builder, name templates.Value, hosts, inputs *templates.Dict) error {
	v, err := b.render(name, inputs)
	if err != nil {
		return err
	}
	host := orText(v)
	if err := b.AddHost(host, ""); err != nil {
		return err
	}
	parents, _ := hosts.GetStr("parents")
	return generateParents(b, host, parents, inputs, 0)
}

// render templates a value with the inputs of one host.
func (b *Builder) render(v templates.Value, inputs *templates.Dict) (templates.Value, error) {
	return b.inv.o.Engine.Resolve(context.Background(), v, dictScope{inputs})
}

func generateParents(b *Builder, child string, parents templates.Value, inputs *templates.Dict, depth int) error {
	list, ok := parents.(*templates.List)
	if !ok {
		return nil
	}
	if depth > maxTreeDepth {
		return fmt.Errorf("%s: parents are nested more than %d deep", b.Source, maxTreeDepth)
	}
	for _, e := range list.Elems {
		d, _ := e.(*templates.Dict)
		if d == nil {
			return fmt.Errorf("Element %s has a parent with no name element", child)
		}
		name, ok := d.GetStr("name")
		if !ok {
			return fmt.Errorf("Element %s has a parent with no name element", child)
		}
		v, err := b.render(name, inputs)
		if err != nil {
			return err
		}
		group, err := b.AddGroup(orText(v))
		if err != nil {
			return err
		}
		if err := generateVars(b, group, d, inputs); err != nil {
			return err
		}
		if err := b.AddChild(group, child); err != nil {
			return err
		}
		above, _ := d.GetStr("parents")
		if err := generateParents(b, group, above, inputs, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func generateVars(b *Builder, group string, d, inputs *templates.Dict) error {
	vars, err := optionDict(d, "vars")
	if err != nil {
		return err
	}
	for k, v := range vars.All {
		if v, err = b.render(v, inputs); err != nil {
			return err
		}
		if err := b.SetGroupVar(group, orText(k), v); err != nil {
			return err
		}
	}
	return nil
}
