package ansible

// This file holds the filter to_prettytable
// (https://docs.ansible.com/ansible/latest/collections/community/general/to_prettytable_filter.html).

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"gorun/templates"
)

// A prettyTable is a table of texts that is drawn with lines of ASCII.
type prettyTable struct {
	head  []string
	align []byte // l, c or r
	rows  [][]string
}

func filterToPrettyTable(c *call) (value, error) {
	if len(c.Args) == 0 {
		return nil, raise(templates.TypeError, "to_prettytable() missing 1 required positional argument: 'data'")
	}
	rows, first, err := prettyRows(c)
	if err != nil {
		return nil, err
	}
	order, header, aligns, err := prettyOptions(c, len(rows) > 0, len(first))
	if err != nil {
		return nil, err
	}
	fields := order
	if len(order) == 0 {
		for _, k := range first {
			fields = append(fields, text(k))
		}
	}
	t := &prettyTable{head: fields}
	switch {
	case header == nil:
	case len(header) == 0: // the rows say how many there are
		t.head = nil
		for i := range fields {
			t.head = append(t.head, "Field "+strconv.Itoa(i+1))
		}
	default:
		t.head = header
	}
	for i, h := range t.head {
		if slices.Contains(t.head[:i], h) {
			return nil, raise(templates.ValueError, "Field names must be unique")
		}
		a := byte('c')
		if how, ok := aligns.GetStr(h); ok {
			a = strings.ToLower(text(how))[0]
		}
		t.align = append(t.align, a)
	}
	if len(rows) == 0 && len(order) == 0 && len(header) == 0 && aligns.Len() == 0 {
		return str("++\n++"), nil
	}
	if len(rows) > 0 && len(t.head) == 0 {
		return nil, raise(templates.ValueError, "max() iterable argument is empty")
	}
	find := prettyFinder(first, len(order) > 0)
	for _, row := range rows {
		cells := make([]string, len(fields))
		for i, f := range fields {
			v, err := find(row, f)
			if err != nil {
				return nil, err
			}
			if v != nil {
				cells[i] = text(v)
			}
		}
		if len(cells) != len(t.head) {
			return nil, raise(templates.ValueError, "Row has incorrect number of values, (actual) %d!=%d (expected)", len(cells), len(t.head))
		}
		t.rows = append(t.rows, cells)
	}
	return str(t.draw()), nil
}

// wrongType says that v is none of what was expected.
func wrongType(c *call, v value, want string) error {
	is := v.Type()
	switch now := c.State.Era() == templates.Current; {
	case is == "str":
		is = "string"
	case now && is == "dict":
		is = "_AnsibleLazyTemplateDict"
	case now && is == "list":
		is = "_AnsibleLazyTemplateList"
	}
	return fail("Expected %s, got a %s", want, is)
}

// prettyRows are the mappings of the list that is drawn, and the keys of the first.
func prettyRows(c *call) (rows []templates.Mapping, first []value, err error) {
	l, ok := c.Args[0].(*templates.List)
	if !ok {
		return nil, nil, wrongType(c, c.Args[0], "a list of dictionaries")
	}
	for _, e := range l.Elems {
		m, ok := e.(templates.Mapping)
		if !ok {
			return nil, nil, wrongType(c, e, "all items in the list to be dictionaries")
		}
		rows = append(rows, m)
	}
	if len(rows) > 0 {
		first = rows[0].Keys()
	}
	return rows, first, nil
}

// prettyOptions are the options: the columns, their titles (nil: not given) and how
// they are aligned. Where there is data no option has more than max entries.
func prettyOptions(c *call, data bool, max int) (order, header []string, aligns *templates.Dict, err error) {
	opts := map[string]value{"column_alignments": templates.NewDict(0)}
	var unknown []string
	for _, k := range c.Kwargs {
		if !slices.Contains([]string{"column_order", "header_names", "column_alignments"}, k.Name) {
			unknown = append(unknown, k.Name)
			continue
		}
		opts[k.Name] = k.Value
	}
	columns := opts["column_order"]
	if len(c.Args) > 1 {
		if given(columns) {
			return nil, nil, nil, fail("Cannot use both positional arguments and the 'column_order' keyword argument")
		}
		columns = list(c.Args[1:])
	}
	tooMany := func(option string, n int) error {
		if !data || n <= max {
			return nil
		}
		return fail("'%s' has more elements (%d) than available fields in data (%d)", option, n, max)
	}
	if given(columns) {
		if order, err = prettyNames(c, columns, "column"); err == nil {
			err = tooMany("column_order", len(order))
		}
		if err != nil {
			return nil, nil, nil, err
		}
	}
	if titles := opts["header_names"]; given(titles) {
		if header, err = prettyNames(c, titles, "header"); err == nil {
			err = tooMany("header_names", len(header))
		}
		if err == nil && given(columns) && len(order) != len(header) {
			err = fail("'column_order' and 'header_names' must have the same number of elements. Got %d columns and %d headers.", len(order), len(header))
		}
		if err != nil {
			return nil, nil, nil, err
		}
	}
	if aligns, err = prettyAligns(c, opts["column_alignments"]); err == nil {
		err = tooMany("column_alignments", aligns.Len())
	}
	if err == nil && len(unknown) > 0 {
		slices.Sort(unknown)
		err = fail("Unknown parameter(s) for to_prettytable filter: %s", strings.Join(unknown, ", "))
	}
	return order, header, aligns, err
}

// prettyNames is a list of names of columns or headers.
func prettyNames(c *call, v value, of string) ([]string, error) {
	l, ok := v.(*templates.List)
	if !ok {
		return nil, wrongType(c, v, "a list of "+of+" names")
	}
	names := make([]string, len(l.Elems))
	for i, e := range l.Elems {
		if names[i], ok = isText(e); !ok {
			return nil, wrongType(c, e, "a string for "+of+" name")
		}
	}
	return names, nil
}

func prettyAligns(c *call, v value) (*templates.Dict, error) {
	d, ok := v.(*templates.Dict)
	if !ok {
		return nil, wrongType(c, v, "a dictionary for column_alignments")
	}
	for k, how := range d.All {
		if _, ok := isText(k); !ok {
			return nil, wrongType(c, k, "a string for column_alignments key")
		}
		s, ok := isText(how)
		if !ok {
			return nil, wrongType(c, how, "a string for column_alignments value")
		}
		if !slices.Contains([]string{"left", "center", "right", "l", "c", "r"}, strings.ToLower(s)) {
			return nil, fail("Invalid alignment '%s' in 'column_alignments'. Valid alignments are: c, center, l, left, r, right", s)
		}
	}
	return d, nil
}

// prettyFinder gives the cell of a row by the name of its field: the key of the
// first row that has this text, the key itself, the boolean or the number that
// it writes, and last, unless the columns are chosen, a key of the first row in
// other case. nil: there is none.
func prettyFinder(first []value, chosen bool) func(row templates.Mapping, field string) (value, error) {
	keys, lower := map[string]value{}, map[string]value{}
	if !chosen {
		for _, k := range first {
			keys[text(k)], lower[strings.ToLower(text(k))] = k, k
		}
	}
	return func(row templates.Mapping, field string) (value, error) {
		if k, ok := keys[field]; ok {
			v, _, err := row.Get(k)
			return v, err
		}
		tries := []value{str(field)}
		switch n, err := strconv.ParseUint(field, 10, 62); {
		case err == nil:
			tries = append(tries, templates.Int(n))
		case strings.EqualFold(field, "true"), strings.EqualFold(field, "false"):
			tries = append(tries, templates.Bool(strings.EqualFold(field, "true")))
		}
		if k, ok := lower[strings.ToLower(field)]; ok {
			tries = append(tries, k)
		}
		for _, k := range tries {
			if v, ok, err := row.Get(k); ok || err != nil {
				return v, err
			}
		}
		return nil, nil
	}
}

// draw writes the table.
func (t *prettyTable) draw() string {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			for line := range strings.SplitSeq(cell, "\n") {
				widths[i] = max(widths[i], columnsOf(line))
			}
		}
	}
	var rule strings.Builder
	for _, w := range widths {
		rule.WriteString("+" + strings.Repeat("-", w+2))
	}
	if len(widths) == 0 {
		rule.WriteByte('+')
	}
	rule.WriteByte('+')
	lines := []string{rule.String()}
	lines = append(lines, t.row(t.head, widths)...)
	lines = append(lines, rule.String())
	for _, row := range t.rows {
		lines = append(lines, t.row(row, widths)...)
	}
	return strings.Join(append(lines, rule.String()), "\n")
}

// row is the lines of a row.
func (t *prettyTable) row(cells []string, widths []int) []string {
	if len(cells) == 0 {
		return []string{"||"}
	}
	var lines []string
	for i, cell := range cells {
		for n, part := range strings.Split(cell, "\n") {
			if n == len(lines) {
				blank := "|"
				for _, w := range widths[:i] {
					blank += strings.Repeat(" ", w+2) + "|"
				}
				lines = append(lines, blank) // the cells before it have no such line
			}
			lines[n] += " " + justified(part, widths[i], t.align[i]) + " |"
		}
		for n := strings.Count(cell, "\n") + 1; n < len(lines); n++ {
			lines[n] += strings.Repeat(" ", widths[i]+2) + "|"
		}
	}
	return lines
}

// justified fills a text with blanks. In the middle an odd blank goes to the right
// of a text of odd width, and to the left of one of even width.
func justified(s string, w int, align byte) string {
	excess := max(w-columnsOf(s), 0)
	left := 0
	switch align {
	case 'r':
		left = excess
	case 'c':
		left = excess / 2
		if excess%2 == 1 && columnsOf(s)%2 == 0 {
			left++
		}
	}
	return strings.Repeat(" ", left) + s + strings.Repeat(" ", excess-left)
}

// columnsOf is how many columns of a terminal a text takes.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case k == width.EastAsianWide, k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
