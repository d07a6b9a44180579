package main

// This file loads templates for pongo2.

import (
	"fmt"
	"io"
	"strings"
)

// pongoLoader holds templates by name.
type pongoLoader map[string]string

// Abs implements pongo2.TemplateLoader.
func (l pongoLoader) Abs(_, name string) string { return name }

// Get implements pongo2.TemplateLoader.
func (l pongoLoader) Get(path string) (io.Reader, error) {
	text, ok := l[path]
	if !ok {
		return nil, fmt.Errorf("no template %s", path)
	}
	return strings.NewReader(text), nil
}
