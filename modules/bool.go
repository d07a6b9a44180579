package modules

// This file converts to booleans by Ansible's rules.

import (
	"fmt"
	"strings"
)

// validBooleans is the end of the message for what is no boolean.
const validBooleans = "Valid booleans include: 0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'"

// ToBool converts by Ansible's rules: yes/on/1/true/t/y and their opposites in
// any case, and the numbers 0 and 1.
func ToBool(v any) (bool, error) {
	switch v := normalise(v).(type) {
	case bool:
		return v, nil
	case int64:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
		return false, notBool(v)
	case float64:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
		return false, notBool(v)
	case string:
		if b, ok := boolWord(v); ok {
			return b, nil
		}
		return false, notBool(v)
	default:
		return false, fmt.Errorf("%s cannot be converted to a bool", pyType(v))
	}
}

func notBool(v any) error {
	return fmt.Errorf("The value '%s' is not a valid boolean.  %s", pyStr(v), validBooleans)
}

func boolWord(s string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "yes", "on", "1", "true", "t", "y", "1.0":
		return true, true
	case "no", "off", "0", "false", "f", "n", "0.0":
		return false, true
	}
	return false, false
}
