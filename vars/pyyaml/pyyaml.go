// Package pyyaml reads YAML as PyYAML does (YAML 1.1 scalars, merges, last
// duplicate wins) into template values that know where they stand.
package pyyaml

// This file defines what other packages call.

import (
	"gopkg.in/yaml.v3"

	"gorun/templates"
)

// Options configure parsing.
type Options struct {
	// Trusted makes texts with template markers *templates.Text; else all are Str.
	Trusted bool
	// Vault decrypts !vault scalars. Without it one is an error.
	Vault func(text string, pos templates.Pos) (string, error)
	// Seal, with Vault, makes of a !vault scalar a text that opens it where it
	// is used, by the global [OpenVault].
	Seal bool
	// Warn is told of duplicate keys.
	Warn func(msg string)
	// Duplicate is told of duplicate keys instead, where it is set.
	Duplicate func(pos templates.Pos, key string)
}

// A Doc is one document of a file. Root is nil where the document is empty.
type Doc struct {
	Root  *yaml.Node
	File  string
	lines []string // of the whole file, with their ends
}

// Parse parses one document; an empty one gives None. Errors are *Error.
func Parse(data []byte, file string, o Options) (templates.Value, error) {
	d, err := Read(data, file)
	if err != nil {
		return nil, err
	}
	return d.Value(d.Root, o)
}

// ParseAll parses every document.
func ParseAll(data []byte, file string, o Options) ([]templates.Value, error) {
	docs, err := ReadAll(data, file)
	if err != nil {
		return nil, err
	}
	vals := make([]templates.Value, 0, len(docs))
	for _, d := range docs {
		v, err := d.Value(d.Root, o)
		if err != nil {
			return nil, err
		}
		vals = append(vals, v)
	}
	return vals, nil
}

// Nodes parses one document into yaml.v3 nodes with the checks of Parse; an
// empty one gives nil.
func Nodes(data []byte, file string) (*yaml.Node, error) {
	d, err := Read(data, file)
	if err != nil {
		return nil, err
	}
	return d.Root, nil
}

// Value converts a node of file. [Doc.Value] knows the places of texts better.
func Value(n *yaml.Node, file string, o Options) (templates.Value, error) {
	return (&Doc{Root: n, File: file}).Value(n, o)
}
