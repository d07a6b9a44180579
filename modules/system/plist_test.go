package system

import (
	"encoding/base64"
	"testing"
)

// The same property list in both forms, as Python's plistlib writes it.
const (
	binaryPlistSample = "YnBsaXN0MDDdAQIDBAUGBwgJCgsMDQ4PEBESExQYGRobHB1RQlNCaWdRRFFFVEh1Z2VZS2VlcEFsaXZlUUxVTGFiZWxUTG9uZ1FOU09mZlFSUVVFaGVsbG8SAAERcDNBxfRcrIAAANAUAAAAAAAAAACAAAAAAAAAAQmjFRYXEAFTdHdvoF8QD2NvbS5leGFtcGxlLmpvYl8QFHh4eHh4eHh4eHh4eHh4eHh4eHh4E//////////7CCM/4AAAAAAAAGUARwByAPYA3wBlCCMlKSstMjw+RElLT1FTWV5naHl6foCEhZeut7jBAAAAAAAAAQEAAAAAAAAAHgAAAAAAAAAAAAAAAAAAAMw="
	xmlPlistSample    = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>B</key>
	<data>
	aGVsbG8=
	</data>
	<key>Big</key>
	<integer>70000</integer>
	<key>D</key>
	<date>2024-05-06T07:08:09Z</date>
	<key>E</key>
	<dict/>
	<key>Huge</key>
	<integer>9223372036854775809</integer>
	<key>KeepAlive</key>
	<true/>
	<key>L</key>
	<array>
		<integer>1</integer>
		<string>two</string>
		<array/>
	</array>
	<key>Label</key>
	<string>com.example.job</string>
	<key>Long</key>
	<string>xxxxxxxxxxxxxxxxxxxx</string>
	<key>N</key>
	<integer>-5</integer>
	<key>Off</key>
	<false/>
	<key>R</key>
	<real>0.5</real>
	<key>U</key>
	<string>Größe</string>
</dict>
</plist>
`
)

func TestPlist(t *testing.T) {
	data, err := base64.StdEncoding.DecodeString(binaryPlistSample)
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string][]byte{"binary": data, "XML": []byte(xmlPlistSample)} {
		dict, err := parsePlist(text)
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		out, err := writePlist(dict)
		if err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if string(out) != xmlPlistSample {
			t.Errorf("%s: is written as\n%s\nwant\n%s", form, out, xmlPlistSample)
		}
	}
	for _, bad := range []string{"", "nothing", "bplist00", "<plist/>", "<plist><string>x</string></plist>", "<plist><dict><key>x</key></dict></plist>",
		"<plist><dict><key>x</key><integer>y</integer></dict></plist>", "<plist><dict><key>x</key><odd/></dict></plist>", string(data[:len(data)-9]),
		"bplist00" + string(data[40:])} {
		if _, err := parsePlist([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a property list", bad)
		}
	}
}

func FuzzPlist(f *testing.F) {
	data, err := base64.StdEncoding.DecodeString(binaryPlistSample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(xmlPlistSample))
	f.Fuzz(func(t *testing.T, data []byte) {
		dict, err := parsePlist(data)
		if err != nil {
			return
		}
		if _, err := writePlist(dict); err != nil {
			t.Log(err) // Apple's references have no form in XML
		}
	})
}
