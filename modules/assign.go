package modules

// This file fills a module's argument struct from decoded parameters.

import (
	"fmt"
	"math"
	"reflect"
	"slices"
)

// checkTags panics where the tags of t and the options of s differ.
func checkTags(s *Spec, t reflect.Type) {
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("modules: %s: arguments must be a struct, not %s", s.Name, t))
	}
	checkFields(s.Name, s.AllOptions(), t)
}

func checkFields(name string, options []Option, t reflect.Type) {
	tags := make(map[string]reflect.StructField)
	collectTags(t, tags)
	if len(tags) == 0 {
		return // the module reads Run.Params
	}
	for tag, field := range tags {
		i := slices.IndexFunc(options, func(o Option) bool { return o.Name == tag })
		if i < 0 {
			panic(fmt.Sprintf("modules: %s: field %s.%s: there is no option %q", name, t, field.Name, tag))
		}
		if sub := structType(field.Type); sub != nil && len(options[i].Options) > 0 {
			checkFields(name+"."+tag, options[i].Options, sub)
		}
	}
	for _, o := range options {
		common := slices.ContainsFunc(fileOptions, func(f Option) bool { return f.Name == o.Name })
		if _, ok := tags[o.Name]; !ok && o.Ignored == "" && !common {
			panic(fmt.Sprintf("modules: %s: option %q has no field in %s", name, o.Name, t))
		}
	}
}

// structType is the struct in T, *T, []T or []*T, nil where there is none.
func structType(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

func collectTags(t reflect.Type, into map[string]reflect.StructField) {
	for i := range t.NumField() {
		f := t.Field(i)
		if tag, ok := f.Tag.Lookup("arg"); ok {
			into[tag] = f
		} else if f.Anonymous && f.Type.Kind() == reflect.Struct {
			collectTags(f.Type, into)
		}
	}
}

// assign fills the struct v from params.
func assign(v reflect.Value, params map[string]any) error {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("arg")
		if !ok {
			if f.Anonymous && f.Type.Kind() == reflect.Struct {
				if err := assign(v.Field(i), params); err != nil {
					return err
				}
			}
			continue
		}
		if err := set(v.Field(i), params[tag]); err != nil {
			return fmt.Errorf("argument '%s': %w", tag, err)
		}
	}
	return nil
}

// set converts x to the type of v; nil leaves the zero value.
func set(v reflect.Value, x any) error {
	if x == nil {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return set(v.Elem(), x)
	case reflect.Interface:
		v.Set(reflect.ValueOf(x))
		return nil
	case reflect.String:
		v.SetString(pyStr(x))
		return nil
	case reflect.Bool:
		b, err := ToBool(x)
		v.SetBool(b)
		return err
	case reflect.Float32, reflect.Float64:
		f, err := toFloat(normalise(x))
		if err != nil {
			return err
		}
		v.SetFloat(f.(float64))
		return nil
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return setInt(v, x)
	}
	return setTree(v, x)
}

func setInt(v reflect.Value, x any) error {
	n, err := toInt(normalise(x))
	if err != nil {
		return err
	}
	i := n.(int64)
	if v.CanUint() {
		if i < 0 || v.OverflowUint(uint64(i)) {
			return fmt.Errorf("%d is out of range", i)
		}
		v.SetUint(uint64(i))
		return nil
	}
	if v.OverflowInt(i) {
		return fmt.Errorf("%d is out of range (at most %d)", i, math.MaxInt32)
	}
	v.SetInt(i)
	return nil
}

// setTree fills slices, maps and structs.
func setTree(v reflect.Value, x any) error {
	x = normalise(x)
	switch v.Kind() {
	case reflect.Slice:
		list, ok := x.([]any)
		if !ok {
			return fmt.Errorf("%s cannot be converted to a list", pyType(x))
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, e := range list {
			if err := set(v.Index(i), e); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		m, ok := x.(map[string]any)
		if !ok {
			return fmt.Errorf("%s cannot be converted to a dict", pyType(x))
		}
		v.Set(reflect.MakeMapWithSize(v.Type(), len(m)))
		for k, e := range m {
			elem := reflect.New(v.Type().Elem()).Elem()
			if err := set(elem, e); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(k), elem)
		}
		return nil
	case reflect.Struct:
		m, ok := x.(map[string]any)
		if !ok {
			return fmt.Errorf("%s cannot be converted to a dict", pyType(x))
		}
		return assign(v, m)
	}
	return fmt.Errorf("field of type %s cannot hold %s", v.Type(), pyType(x))
}
