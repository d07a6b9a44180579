package pyhelper

// This file carries values between gorun and Python. What JSON has no word for
// is {"$": kind, "v": ...}; helper.py has the other half.

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

const timeForm = "2006-01-02T15:04:05.999999"

// encode makes of a value what encoding/json takes.
func encode(v templates.Value) (any, error) {
	switch v := v.(type) {
	case nil, templates.NoneType:
		return nil, nil
	case templates.Bool:
		return bool(v), nil
	case templates.Int:
		return int64(v), nil
	case *templates.BigInt:
		return json.RawMessage(v.V.String()), nil
	case templates.Float:
		f := float64(v)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return marked("float", strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64))), nil
		}
		// Python's repr, so that 1.0 stays a float.
		return json.RawMessage(templates.Repr(v, templates.Current)), nil
	case templates.Str:
		return string(v), nil
	case templates.Markup:
		return marked("markup", string(v)), nil
	case templates.Bytes:
		return marked("bytes", base64.StdEncoding.EncodeToString(v)), nil
	case *templates.Text:
		if cipher, ok := pyyaml.Sealed(v); ok {
			return marked("vault", cipher), nil
		}
		return marked("template", v.Src), nil
	case *templates.DateTime:
		return encodeTime(v), nil
	case templates.TimeDelta:
		return marked("timedelta", time.Duration(v).Seconds()), nil
	case *templates.Undefined:
		return marked("undefined", v.Name), nil
	case templates.OmitType:
		return nil, nil
	case templates.Tuple:
		list, err := encodeList(v)
		return marked("tuple", list), err
	case *templates.Set:
		list, err := encodeList(v.Elems())
		return marked("set", list), err
	case *Lazy:
		return marked("lazy", v.Path), nil
	case *templates.Dict:
		return encodeDict(v)
	case templates.Mapping:
		return encodeDict(v)
	case *templates.List:
		return encodeList(v.Elems)
	case templates.Sequence:
		return encodeSequence(v)
	}
	return nil, fmt.Errorf("a value of type %s cannot go to a plugin in Python", v.Type())
}

func marked(kind string, v any) map[string]any { return map[string]any{"$": kind, "v": v} }

func encodeTime(v *templates.DateTime) any {
	switch {
	case v.DateOnly:
		return marked("date", v.T.Format(time.DateOnly))
	case v.Naive:
		return marked("datetime", v.T.Format(timeForm))
	}
	return marked("datetime", v.T.Format(timeForm+"-07:00"))
}

func encodeList(elems []templates.Value) ([]any, error) {
	out := make([]any, len(elems))
	for i, e := range elems {
		var err error
		if out[i], err = encode(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func encodeSequence(s templates.Sequence) ([]any, error) {
	elems := make([]templates.Value, s.Len())
	for i := range elems {
		elems[i] = s.Index(i)
	}
	return encodeList(elems)
}

// An object is a dict whose keys are all strings, in order.
type object struct {
	keys []string
	vals []any
}

func (o *object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, k := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		key, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		val, err := json.Marshal(o.vals[i])
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, key...), ':'), val...)
	}
	return append(b, '}'), nil
}

func encodeDict(m templates.Mapping) (any, error) {
	o := &object{}
	plain := true
	var pairs []any
	for _, k := range m.Keys() {
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		key, err := encode(k)
		if err != nil {
			return nil, err
		}
		val, err := encode(v)
		if err != nil {
			return nil, err
		}
		s, isStr := k.(templates.Str)
		plain = plain && isStr && s != "$"
		o.keys, o.vals = append(o.keys, string(s)), append(o.vals, val)
		pairs = append(pairs, []any{key, val})
	}
	if plain {
		return o, nil
	}
	return marked("dict", pairs), nil
}

// decode makes values of what Python sent. Its text is data, never a template.
func decode(v templates.Value) (templates.Value, error) {
	switch v := v.(type) {
	case *templates.List:
		for i, e := range v.Elems {
			d, err := decode(e)
			if err != nil {
				return nil, err
			}
			v.Elems[i] = d
			v.Lazy = v.Lazy || templates.IsLazy(d)
		}
		return v, nil
	case *templates.Dict:
		if kind, ok := v.GetStr("$"); ok {
			x, _ := v.GetStr("v")
			return decodeMarked(templates.StrOf(kind, templates.Current), x)
		}
		out := templates.NewDict(v.Len())
		for k, e := range v.All {
			d, err := decode(e)
			if err != nil {
				return nil, err
			}
			if err := out.Set(k, d); err != nil {
				return nil, err
			}
			out.Lazy = out.Lazy || templates.IsLazy(d)
		}
		return out, nil
	}
	return v, nil
}

func decodeMarked(kind string, x templates.Value) (templates.Value, error) {
	text := ""
	if s, ok := x.(templates.Str); ok {
		text = string(s)
	}
	switch kind {
	case "float":
		f, err := strconv.ParseFloat(text, 64)
		return templates.Float(f), err
	case "markup":
		return templates.Markup(text), nil
	case "bytes":
		b, err := base64.StdEncoding.DecodeString(text)
		return templates.Bytes(b), err
	case "template":
		return templates.NewText(text, templates.Pos{}), nil
	case "vault":
		return pyyaml.Seal(text, templates.Pos{}), nil
	case "undefined":
		return templates.NewUndefined(templates.AnsibleUndefined, text), nil
	case "timedelta":
		return decodeDelta(x), nil
	case "date":
		t, err := time.Parse(time.DateOnly, text)
		return &templates.DateTime{T: t, Naive: true, DateOnly: true}, err
	case "datetime":
		return decodeTime(text)
	case "tuple", "set":
		return decodeGroup(kind, x)
	case "dict":
		return decodePairs(x)
	}
	return nil, fmt.Errorf("the plugin's helper sent a value of the kind %q", kind)
}

func decodeDelta(x templates.Value) templates.Value {
	switch n := x.(type) {
	case templates.Float:
		return templates.TimeDelta(float64(n) * float64(time.Second))
	case templates.Int:
		return templates.TimeDelta(time.Duration(n) * time.Second)
	case *templates.BigInt:
		f, _ := new(big.Float).SetInt(n.V).Float64()
		return templates.TimeDelta(f * float64(time.Second))
	}
	return templates.TimeDelta(0)
}

func decodeTime(text string) (templates.Value, error) {
	if t, err := time.Parse(timeForm, text); err == nil {
		return &templates.DateTime{T: t, Naive: true}, nil
	}
	t, err := time.Parse(timeForm+"-07:00", text)
	return &templates.DateTime{T: t}, err
}

func decodeGroup(kind string, x templates.Value) (templates.Value, error) {
	v, err := decode(x)
	if err != nil {
		return nil, err
	}
	l, ok := v.(*templates.List)
	if !ok {
		return nil, fmt.Errorf("the plugin's helper sent a %s without elements", kind)
	}
	if kind == "tuple" {
		return templates.Tuple(l.Elems), nil
	}
	return templates.NewSet(l.Elems...)
}

func decodePairs(x templates.Value) (templates.Value, error) {
	l, _ := x.(*templates.List)
	if l == nil {
		return templates.NewDict(0), nil
	}
	out := templates.NewDict(len(l.Elems))
	for _, p := range l.Elems {
		pair, ok := p.(*templates.List)
		if !ok || len(pair.Elems) != 2 {
			return nil, fmt.Errorf("the plugin's helper sent a dict that is none")
		}
		k, err := decode(pair.Elems[0])
		if err != nil {
			return nil, err
		}
		v, err := decode(pair.Elems[1])
		if err != nil {
			return nil, err
		}
		if err := out.Set(k, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}
