package ansible

// This file holds filters of community.general that read CSV, times and MAC
// addresses (https://docs.ansible.com/ansible/latest/collections/community/general/index.html#filter-plugins).

import (
	"strconv"
	"strings"

	"gorun/templates"
)

// https://docs.ansible.com/ansible/latest/collections/community/general/from_csv_filter.html
func filterFromCSV(c *call) (value, error) {
	var data, dialect string
	var names, delimiter, initial, strict value
	dialect = "excel"
	if err := c.Unpack("from_csv", "data", &data, "dialect?", &dialect, "fieldnames?", &names, "delimiter?", &delimiter, "skipinitialspace?", &initial, "strict?", &strict); err != nil {
		return nil, err
	}
	o := CSVOptions{Delimiter: ',', SkipInitial: truth(initial), Strict: truth(strict)}
	switch dialect {
	case "excel", "unix":
	case "excel-tab":
		o.Delimiter = '\t'
	default:
		return nil, fail("Dialect '%s' is not supported by your version of python.", dialect)
	}
	if given(delimiter) {
		s, isStr := isText(delimiter)
		rs := []rune(s)
		if !isStr || len(rs) != 1 {
			return nil, fail("Unable to create custom dialect: \"delimiter\" must be %s", badDelimiter(c, delimiter, isStr, len(rs)))
		}
		o.Delimiter = rs[0]
	}
	var header []string
	if given(names) {
		for _, n := range elemsOf(names) {
			header = append(header, text(n))
		}
	}
	rows, err := ReadCSV(data, o)
	if err != nil {
		return nil, fail("Unable to process file: %s", err)
	}
	var out []value
	for _, row := range rows {
		if header == nil {
			header = row
			continue
		}
		d, err := csvRow(header, row)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return list(out), nil
}

// badDelimiter says what a delimiter must be, in the words of the era's Python.
func badDelimiter(c *call, v value, isStr bool, n int) string {
	switch current := c.State.Era() == templates.Current; {
	case current && isStr:
		return "a unicode character, not a string of length " + strconv.Itoa(n)
	case current:
		return "a unicode character, not " + v.Type()
	case isStr:
		return "a 1-character string"
	}
	return "string, not " + v.Type()
}

// csvRow is a row as Python's DictReader gives it: what is too much stands
// under the key None, what lacks is None.
func csvRow(header, row []string) (*templates.Dict, error) {
	d := templates.NewDict(len(header))
	for i, h := range header {
		var v value = templates.None
		if i < len(row) {
			v = str(row[i])
		}
		d.SetStr(h, v)
	}
	if len(row) > len(header) {
		return d, d.Set(templates.None, templates.FromGo(row[len(header):]))
	}
	return d, nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/random_mac_filter.html
func filterRandomMAC(c *call) (value, error) {
	var v, seed value
	if err := c.Unpack("random_mac", "value", &v, "seed?", &seed); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return nil, fail("Invalid value type (%s) for random_mac (%s)", pyClass(v), text(v))
	}
	s = strings.ToLower(s)
	var parts []string
	for _, p := range strings.Split(s, ":") {
		if p != "" {
			parts = append(parts, p)
		}
	}
	switch {
	case len(parts) > 5:
		return nil, fail("Invalid value (%s) for random_mac: 5 colon(:) separated items max", s)
	case len(parts) == 0:
		return nil, fail("Invalid value (%s) for random_mac: empty item", s)
	}
	for _, p := range parts {
		if n, err := strconv.ParseUint(p, 16, 8); err != nil || len(p) != 2 || n > 255 {
			return nil, fail("Invalid value (%s) for random_mac: %s not hexa byte", s, p)
		}
	}
	r, err := newRandom(seed)
	if err != nil {
		return nil, err
	}
	// Ansible takes the bytes from the digits of a number from 16^9 up to 16^10
	n := 68719476736 + below(r, 1099511627775-68719476736+1)
	digits := strconv.FormatUint(n, 16)
	for len(digits) < 10 {
		digits = "0" + digits
	}
	for i := 0; len(parts) < 6; i += 2 {
		parts = append(parts, digits[i:i+2])
	}
	return str(strings.Join(parts, ":")), nil
}
