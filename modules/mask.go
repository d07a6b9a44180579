package modules

// This file hides secrets in what leaves a module.

import (
	"slices"
	"strings"
)

// What stands for a secret: for a whole value, and for a part of text.
const (
	hiddenValue = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
	hiddenPart  = "********"
)

// SecretsKey is where a result names the secrets that are still in it
// ([Run.TellSecrets]), as modules of ansible-core 2.22 do.
const SecretsKey = "_ansible_new_secrets"

// Mask returns v with every secret in its texts and numbers hidden, as Ansible
// hides the values of no_log parameters. Keys of maps stay. Where there are
// no secrets it is v itself.
func Mask(v any, secrets []string) any {
	if len(secrets) == 0 {
		return v
	}
	// The longest first, so that one that holds another is hidden whole.
	order := slices.Clone(secrets)
	slices.SortFunc(order, func(a, b string) int { return len(b) - len(a) })
	return masker(order).value(v)
}

type masker []string

func (k masker) value(v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		return k.text(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			out[name] = k.value(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = k.value(e)
		}
		return out
	}
	switch n := normalise(v).(type) {
	case int64, float64:
		s := pyStr(n)
		for _, secret := range k {
			if strings.Contains(s, secret) {
				return hiddenValue
			}
		}
		return v
	case []any, map[string]any, string:
		return k.value(n)
	}
	return v
}

func (k masker) text(s string) string {
	for _, secret := range k {
		if s == secret {
			return hiddenValue
		}
	}
	for _, secret := range k {
		s = strings.ReplaceAll(s, secret, hiddenPart)
	}
	return s
}
