package ansible

import (
	"testing"

	"gorun/templates"
)

// FuzzReaders looks for texts that break what reads INI, CSV, XML and hashids.
func FuzzReaders(f *testing.F) {
	for _, s := range []string{"[a]\nb=c\n more\n", "[DEFAULT]\nx=%(y)s\n[a]\ny=%(x)s", "a,\"b\"\"c\",d\r\ne", "\"x\"y,", "<a x='1'><b/>t<b>u</b></a>", "<a", "<a:b/>", "o2fXhV", "1a:2b:3c:4d:5e:6f", "/a/~1b/-", "a = [1,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if ini, err := ParseINI(s, INIOptions{AllowNone: true}); err == nil {
			for _, section := range ini.Sections {
				for _, n := range section.Names {
					if _, _, ok, _ := ini.Interpolated(section, n, func(s string) string { return s }); !ok {
						t.Errorf("%q: the option %q of [%s] is lost", s, n, section.Name)
					}
				}
			}
		}
		for _, strict := range []bool{false, true} {
			_, _ = ReadCSV(s, CSVOptions{Strict: strict})
		}
		if v, err := fromXML(s); err == nil && v.(*templates.Dict).Len() != 1 {
			t.Errorf("%q: %s", s, repr(v))
		}
		h, err := newHashids(str(s), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if nums := h.decode(s); nums != nil && h.encode(nums) != s {
			t.Errorf("%q: %v", s, nums)
		}
		if hw, ok := parseHW(str(s)); ok && !hw.wide {
			if again, ok := parseHW(str(hw.format(hwDialects["linux"]))); !ok || again != hw {
				t.Errorf("%q: %v and %v", s, hw, again)
			}
		}
		_, _ = patch{op: "add", path: s, value: str("x")}.apply(templates.NewDict(0))
	})
}
