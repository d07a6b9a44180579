package net

// This file encodes the body of a request.

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

func (u *uriRun) makeBody() error {
	a := u.a
	if a.Src != "" {
		return u.readSource()
	}
	if a.Body == nil && a.BodyFormat == "raw" {
		return nil
	}
	switch a.BodyFormat {
	case "json":
		if s, ok := a.Body.(string); ok {
			u.body = []byte(s) // JSON already
		} else {
			u.body = []byte(modules.JSONText(a.Body))
		}
		u.contentType("application/json")
	case "form-urlencoded":
		text, err := formEncode(a.Body)
		if err != nil {
			return modules.FailWith(map[string]any{"elapsed": 0}, "failed to parse body as form_urlencoded: %v", err)
		}
		u.body = []byte(text)
		u.contentType("application/x-www-form-urlencoded")
	case "form-multipart":
		fields, ok := a.Body.(map[string]any)
		if !ok {
			return modules.Failf("body must be mapping, cannot be type %s", pyTypeName(a.Body))
		}
		text, kind, err := multipartEncode(fields)
		if err != nil {
			return modules.Failf("failed to parse body as form-multipart: %w", err)
		}
		u.body = text
		u.headers["Content-Type"] = kind
	default:
		switch b := a.Body.(type) {
		case string:
			u.body = []byte(b)
		default:
			u.body = []byte(modules.JSONText(b))
		}
	}
	return nil
}

// contentType sets the header unless the task does.
func (u *uriRun) contentType(kind string) {
	for k := range u.headers {
		if strings.EqualFold(k, "Content-Type") {
			return
		}
	}
	u.headers["Content-Type"] = kind
}

// formEncode encodes a dict, or a list of pairs in its order.
func formEncode(body any) (string, error) {
	var pairs []string
	add := func(k, v any) {
		for _, e := range formValues(v) {
			if e != nil {
				pairs = append(pairs, url.QueryEscape(pyText(k))+"="+url.QueryEscape(pyText(e)))
			}
		}
	}
	switch b := body.(type) {
	case nil:
	case string:
		return b, nil
	case map[string]any:
		keys := make([]string, 0, len(b))
		for k := range b {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			add(k, b[k])
		}
	case []any:
		for _, e := range b {
			pair := formValues(e)
			if s, ok := e.(string); ok { // two letters are a pair, too
				pair = nil
				for _, r := range s {
					pair = append(pair, string(r))
				}
			}
			switch {
			case len(pair) > 2:
				return "", errors.New("too many values to unpack (expected 2)")
			case len(pair) < 2:
				return "", fmt.Errorf("not enough values to unpack (expected 2, got %d)", len(pair))
			}
			add(pair[0], pair[1])
		}
	default:
		return "", fmt.Errorf("a dictionary or a list of pairs is needed")
	}
	return strings.Join(pairs, "&"), nil
}

// formValues are the values of one field: a list's elements, a dict's keys, or the value alone.
func formValues(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		keys := make([]any, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			keys = append(keys, k)
		}
		return keys
	}
	return []any{v}
}

// pyText is a value as Python's str() shows it.
func pyText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return modules.PyRepr(v)
}

// multipartEncode encodes fields; a field is text, or a dict of filename,
// content and mime_type.
func multipartEncode(fields map[string]any) (body []byte, kind string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	keys := make([]string, 0, len(fields))
	for k := range fields {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if err := multipartField(w, k, fields[k]); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

func multipartField(w *multipart.Writer, name string, value any) error {
	d, ok := value.(map[string]any)
	if !ok {
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("value must be a string, or mapping, cannot be type %s", pyTypeName(value))
		}
		return w.WriteField(name, text)
	}
	file, _ := d["filename"].(string)
	content, given := d["content"].(string)
	if !given && file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s: %s", name, oserr.Str(err, file))
		}
		content = string(data)
	} else if !given {
		return fmt.Errorf("at least one of filename or content must be provided")
	}
	kind, _ := d["mime_type"].(string)
	if kind == "" {
		if kind = mime.TypeByExtension(filepath.Ext(file)); kind == "" {
			kind = "application/octet-stream"
		}
	}
	h := textproto.MIMEHeader{"Content-Type": {kind}}
	disposition := `form-data; name="` + quoted.Replace(name) + `"`
	if file != "" {
		disposition += `; filename="` + quoted.Replace(filepath.Base(file)) + `"`
	}
	h.Set("Content-Disposition", disposition)
	part, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	_, err = part.Write([]byte(content))
	return err
}

// quoted escapes what may not stand between quotes in a header. Servers do not
// all take values without quotes.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "%0D", "\n", "%0A")

// pyTypeName is the bare name of a value's type in Python.
func pyTypeName(v any) string {
	return strings.TrimSuffix(strings.TrimPrefix(modules.PyType(v), "<class '"), "'>")
}
