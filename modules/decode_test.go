package modules

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// decodeSpec has an option of every kind. The messages in decodeErrors were
// recorded with ansible-core 2.14.18 and a module of the same argument spec.
var decodeSpec = Spec{
	Name: "test.unit.tmod",
	Options: []Option{
		{Name: "i", Type: Int}, {Name: "f", Type: Float}, {Name: "b", Type: Bool}, {Name: "l", Type: List},
		{Name: "li", Type: List, Elements: Int}, {Name: "d", Type: Dict}, {Name: "p", Type: Path}, {Name: "s"},
		{Name: "raw", Type: Raw}, {Name: "j", Type: JSON}, {Name: "ja", Type: JSONArg}, {Name: "by", Type: Bytes},
		{Name: "bi", Type: Bits}, {Name: "state", Choices: []string{"absent", "present"}},
		{Name: "lc", Type: List, Elements: Str, Choices: []string{"a", "b"}}, {Name: "pw", NoLog: true},
		{Name: "al", Aliases: []string{"alias1", "alias2"}}, {Name: "me1"}, {Name: "me2"}, {Name: "rt1"}, {Name: "rt2"},
		{Name: "ri"}, {Name: "ri2"}, {Name: "rb"}, {Name: "rba"}, {Name: "rbc"}, {Name: "old", RemovedIn: "9.0"},
		{Name: "bc", Type: Bool, Choices: []string{"True"}}, {Name: "ic", Type: Int, Choices: []string{"1", "2"}},
		{Name: "sub", Type: Dict, Options: []Option{
			{Name: "a", Type: Int, Required: true}, {Name: "b", Default: "x", Choices: []string{"x", "y"}}, {Name: "pw", NoLog: true},
		}, Rules: Rules{MutuallyExclusive: [][]string{{"a", "pw"}}}},
		{Name: "subl", Type: List, Elements: Dict, Options: []Option{{Name: "a", Type: Int, Required: true}, {Name: "b", NoLog: true}}},
		{Name: "onoff", Choices: []string{"on", "off"}}, {Name: "def", Type: Int, Default: "7"},
		{Name: "env", Env: []string{"GORUN_TEST_NO_SUCH", "GORUN_TEST_ENV"}},
	},
	Rules: Rules{
		MutuallyExclusive: [][]string{{"me1", "me2"}}, RequiredTogether: [][]string{{"rt1", "rt2"}},
		RequiredIf: []RequiredIf{{Key: "state", Value: "present", Need: []string{"ri", "ri2"}}, {Key: "state", Value: "absent", Need: []string{"ri", "ri2"}, OneOf: true}},
		RequiredBy: map[string][]string{"rb": {"rba", "rbc"}},
	},
	FileArgs: true,
}

var decodeErrors = []struct{ in, want string }{
	{`{"i":"x"}`, "argument 'i' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
	{`{"i":1.5}`, "argument 'i' is of type <class 'float'> and we were unable to convert to int: <class 'float'> cannot be converted to an int"},
	{`{"i":[1]}`, "argument 'i' is of type <class 'list'> and we were unable to convert to int: <class 'list'> cannot be converted to an int"},
	{`{"i":"0x10"}`, "argument 'i' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
	{`{"i":""}`, "argument 'i' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
	{`{"f":"x"}`, "argument 'f' is of type <class 'str'> and we were unable to convert to float: <class 'str'> cannot be converted to a float"},
	// Python prints the set of valid words in any order.
	{`{"b":"x"}`, "argument 'b' is of type <class 'str'> and we were unable to convert to bool: The value 'x' is not a valid boolean.  " + validBooleans},
	{`{"b":[1]}`, "argument 'b' is of type <class 'list'> and we were unable to convert to bool: <class 'list'> cannot be converted to a bool"},
	{`{"l":{"a":1}}`, "argument 'l' is of type <class 'dict'> and we were unable to convert to list: <class 'dict'> cannot be converted to a list"},
	{`{"li":["1","x"]}`, "Elements value for option 'li' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
	{`{"d":"x"}`, "argument 'd' is of type <class 'str'> and we were unable to convert to dict: dictionary requested, could not parse JSON or key=value"},
	{`{"d":5}`, "argument 'd' is of type <class 'int'> and we were unable to convert to dict: <class 'int'> cannot be converted to a dict"},
	{`{"d":"{bad"}`, "argument 'd' is of type <class 'str'> and we were unable to convert to dict: unable to evaluate string as dictionary"},
	{`{"by":"1x"}`, "argument 'by' is of type <class 'str'> and we were unable to convert to bytes: <class 'str'> cannot be converted to a Byte value"},
	{`{"state":"x"}`, "value of state must be one of: absent, present, got: x"},
	{`{"state":["x"]}`, "value of state must be one of: absent, present, got: ['x']"},
	{`{"state":null}`, "value of state must be one of: absent, present, got: None"},
	{`{"lc":["a","c"]}`, "value of lc must be one or more of: a, b. Got no match for: c"},
	{`{"state":"present"}`, "state is present but all of the following are missing: ri, ri2"},
	{`{"state":"absent"}`, "state is absent but any of the following are missing: ri, ri2"},
	{`{"state":"present","ri":"1"}`, "state is present but all of the following are missing: ri2"},
	{`{"me1":"1","me2":"2"}`, "parameters are mutually exclusive: me1|me2"},
	{`{"me1":"","me2":"2"}`, "parameters are mutually exclusive: me1|me2"},
	{`{"me1":"1","me2":"2","i":"x"}`, "parameters are mutually exclusive: me1|me2"},
	{`{"state":"present","i":"x"}`, "argument 'i' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
	{`{"i":"x","nope":1}`, "argument 'i' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
	{`{"rt1":"1"}`, "parameters are required together: rt1, rt2"},
	{`{"rb":"1"}`, "missing parameter(s) required by 'rb': rba, rbc"},
	{`{"bc":false}`, "value of bc must be one of: True, got: False"},
	{`{"ic":3}`, "value of ic must be one of: 1, 2, got: 3"},
	{`{"sub":{"b":"x"}}`, "missing required arguments: a found in sub"},
	{`{"sub":{"a":"x"}}`, "argument 'a' is of type <class 'str'> found in 'sub'. and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
	{`{"sub":{"a":"1","b":"z"}}`, "value of b must be one of: x, y, got: z found in sub"},
	{`{"sub":{"a":"1","pw":"z"}}`, "parameters are mutually exclusive: a|pw found in sub"},
	{`{"sub":{"a":1,"c":1}}`, "Unsupported parameters for (tmod) module: sub.c. Supported parameters include: a, b, pw."},
	{`{"subl":[{"a":1},{"b":"secretb"}]}`, "missing required arguments: a found in subl"},
	{`{"subl":"x"}`, "dictionary requested, could not parse JSON or key=value"},
	{`{"sub":"x"}`, "dictionary requested, could not parse JSON or key=value"},
	{`{"subl":{"a":1}}`, "argument 'subl' is of type <class 'dict'> and we were unable to convert to list: <class 'dict'> cannot be converted to a list"},
	{`{"nope":"1","zope":2}`, "Unsupported parameters for (tmod) module: nope, zope. Supported parameters include: al, attributes, b, bc, bi, by, d, def, env, f, group, i, ic, j, ja, l, lc, li, me1, me2, mode, old, onoff, owner, p, pw, raw, rb, rba, rbc, ri, ri2, rt1, rt2, s, selevel, serole, setype, seuser, state, sub, subl, unsafe_writes (alias1, alias2, attr)."},
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range decodeErrors {
		_, _, err := decodeSpec.Decode(jsonMap(t, c.in))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.in, err, c.want)
		}
	}
}

// decodeValues give an option's value as JSON shows it, recorded likewise.
var decodeValues = []struct{ in, option, want string }{
	{`{"l":"a,b , c"}`, "l", `["a","b "," c"]`},
	{`{"l":5}`, "l", `["5"]`},
	{`{"l":true}`, "l", `["True"]`},
	{`{"l":""}`, "l", `[""]`},
	{`{"li":["1",2]}`, "li", `[1,2]`},
	{`{"d":"a=b c=d"}`, "d", `{"a":"b","c":"d"}`},
	{`{"d":"a='x y', c=d"}`, "d", `{"a":"x y","c":"d"}`},
	{`{"d":"{\"a\":1}"}`, "d", `{"a":1}`},
	{`{"d":"{'a': [1, None, True, (2,)]}"}`, "d", `{"a":[1,null,true,[2]]}`},
	{`{"s":[1,2]}`, "s", `"[1, 2]"`},
	{`{"s":true}`, "s", `"True"`},
	{`{"s":{"a":[1,null,"x"]}}`, "s", `"{'a': [1, None, 'x']}"`},
	{`{"s":5.0}`, "s", `"5.0"`},
	{`{"s":null}`, "s", `null`},
	{`{"j":{"a":1}}`, "j", `"{\"a\": 1}"`},
	{`{"j":"nope"}`, "j", `"nope"`},
	{`{"ja":{"a":1}}`, "ja", `"{\"a\": 1}"`},
	{`{"by":"1M"}`, "by", `1048576`},
	{`{"by":"1.5KB"}`, "by", `1536`},
	{`{"bi":"1Mb"}`, "bi", `1048576`},
	{`{"alias1":"2","alias2":"3"}`, "al", `"3"`},
	{`{"al":"1","alias1":"2"}`, "al", `"2"`},
	{`{"b":1}`, "b", `true`},
	{`{"b":1.0}`, "b", `true`},
	{`{"b":"Off"}`, "b", `false`},
	{`{"i":" 5 "}`, "i", `5`},
	{`{"onoff":true}`, "onoff", `"on"`},
	{`{}`, "def", `7`},
	{`{}`, "env", `"from the environment"`},
	{`{}`, "i", `null`},
	{`{"p":"~/x${GORUN_TEST_ENV}$GORUN_TEST_NO_SUCH/y"}`, "p", `"/home/tester/xfrom the environment$GORUN_TEST_NO_SUCH/y"`},
	{`{"sub":{"a":"1"}}`, "sub", `{"a":1,"b":"x","pw":null}`},
	{`{"subl":[{"a":"1"},{"a":2,"b":"q"}]}`, "subl", `[{"a":1,"b":null},{"a":2,"b":"q"}]`},
	{`{"attr":"+i"}`, "attributes", `"+i"`},
}

func TestDecodeValues(t *testing.T) {
	t.Setenv("GORUN_TEST_ENV", "from the environment")
	t.Setenv("HOME", "/home/tester")
	for _, c := range decodeValues {
		params, _, err := decodeSpec.Decode(jsonMap(t, c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		got, err := json.Marshal(params[c.option])
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s = %s, want %s (%v)", c.in, c.option, got, c.want, err)
		}
	}
}

func TestDecodeSecrets(t *testing.T) {
	_, secrets, err := decodeSpec.Decode(jsonMap(t, `{"pw":"sekrit","subl":[{"a":1,"b":"inner"}],"s":"open"}`))
	if want := []string{"inner", "sekrit"}; err != nil || !reflect.DeepEqual(secrets, want) {
		t.Errorf("secrets %q, want %q (%v)", secrets, want, err)
	}
	// A secret is known also where decoding fails: the message may hold it.
	_, secrets, err = decodeSpec.Decode(jsonMap(t, `{"pw":"sekrit","i":"x"}`))
	if err == nil || !reflect.DeepEqual(secrets, []string{"sekrit"}) {
		t.Errorf("secrets of a failed decoding: %q (%v)", secrets, err)
	}
}

func TestAssign(t *testing.T) {
	type sub struct {
		A int    `arg:"a"`
		B string `arg:"b"`
	}
	type args struct {
		I    *int           `arg:"i"`
		F    float64        `arg:"f"`
		LI   []int          `arg:"li"`
		L    []string       `arg:"l"`
		D    map[string]any `arg:"d"`
		Raw  any            `arg:"raw"`
		Sub  *sub           `arg:"sub"`
		SubL []sub          `arg:"subl"`
		FileArgs
	}
	params, _, err := decodeSpec.Decode(jsonMap(t, `{"f":"1.5","li":"1,2","l":[1,"x"],"d":{"k":1},"raw":[1],"subl":[{"a":"3","b":"z"}],"mode":420}`))
	if err != nil {
		t.Fatal(err)
	}
	var got args
	if err := assign(reflect.ValueOf(&got).Elem(), params); err != nil {
		t.Fatal(err)
	}
	want := args{F: 1.5, LI: []int{1, 2}, L: []string{"1", "x"}, D: map[string]any{"k": int64(1)}, Raw: []any{int64(1)},
		SubL: []sub{{3, "z"}}, FileArgs: FileArgs{Mode: int64(420)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v\nwant %#v", got, want)
	}
}

func TestCheckTagsPanics(t *testing.T) {
	spec := Spec{Name: "x.y.z", Options: []Option{{Name: "a"}, {Name: "gone", Ignored: "no effect"}}}
	for name, typ := range map[string]reflect.Type{
		"unknown tag": reflect.TypeFor[struct {
			B string `arg:"b"`
		}](),
		"missing field": reflect.TypeFor[struct {
			A string `arg:"c"`
		}](),
		"no struct": reflect.TypeFor[int](),
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			checkTags(&spec, typ)
		}()
	}
	checkTags(&spec, reflect.TypeFor[struct {
		A string `arg:"a"`
	}]())
}

func FuzzDecode(f *testing.F) {
	for _, c := range decodeErrors {
		f.Add(c.in)
	}
	for _, c := range decodeValues {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		v, err := decodeJSON(in)
		raw, ok := v.(map[string]any)
		if err != nil || !ok {
			return
		}
		params, _, err := decodeSpec.Decode(raw)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("empty message")
			}
			return
		}
		for _, o := range decodeSpec.AllOptions() {
			if _, ok := params[o.Name]; !ok {
				t.Errorf("%s: no value for option %s", in, o.Name)
			}
		}
		if _, isInt := params["i"].(int64); params["i"] != nil && !isInt {
			t.Errorf("%s: i is %T", in, params["i"])
		}
	})
}

func jsonMap(t *testing.T, s string) map[string]any {
	t.Helper()
	v, err := decodeJSON(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v.(map[string]any)
}
