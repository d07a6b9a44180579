package ansible

// This file reads CSV as Python's csv module does
// (https://docs.python.org/3/library/csv.html#dialects-and-formatting-parameters).

import "errors"

// CSVOptions are how CSV is read.
type CSVOptions struct {
	Delimiter   rune // 0 is a comma
	SkipInitial bool // blanks behind a delimiter do not count
	Strict      bool // text behind a closing quote is an error
}

// A csvState is where a reader is within a row.
type csvState int

const (
	startField csvState = iota
	inField
	inQuoted
	quoteInQuoted
)

// A csvReader collects the fields of a row.
type csvReader struct {
	o     CSVOptions
	state csvState
	row   []string
	field []rune
	any   bool // the row has begun
}

func (r *csvReader) save() {
	r.row = append(r.row, string(r.field))
	r.field, r.state = r.field[:0], startField
}

// put takes a character that ends no row.
func (r *csvReader) put(c rune) error {
	r.any = true
	switch r.state {
	case startField:
		switch {
		case c == '"':
			r.state = inQuoted
		case c == r.o.Delimiter:
			r.save()
		case c == ' ' && r.o.SkipInitial:
		default:
			r.field = append(r.field, c)
			r.state = inField
		}
	case inField:
		if c == r.o.Delimiter {
			r.save()
			break
		}
		r.field = append(r.field, c)
	case inQuoted:
		if c == '"' {
			r.state = quoteInQuoted
			break
		}
		r.field = append(r.field, c)
	case quoteInQuoted:
		switch {
		case c == '"':
			r.field = append(r.field, c)
			r.state = inQuoted
		case c == r.o.Delimiter:
			r.save()
		case r.o.Strict:
			return errors.New("'" + string(r.o.Delimiter) + "' expected after '\"'")
		default:
			r.field = append(r.field, c)
			r.state = inField
		}
	}
	return nil
}

// ReadCSV gives the rows of s; an empty line is none.
func ReadCSV(s string, o CSVOptions) ([][]string, error) {
	if o.Delimiter == 0 {
		o.Delimiter = ','
	}
	r := csvReader{o: o}
	var rows [][]string
	end := func() {
		if r.any {
			r.save()
			rows = append(rows, r.row)
		}
		r.row, r.any = nil, false
	}
	text := []rune(s)
	for i, c := range text {
		if c != '\n' && c != '\r' || r.state == inQuoted {
			if err := r.put(c); err != nil {
				return nil, err
			}
			continue
		}
		if c == '\n' && i > 0 && text[i-1] == '\r' {
			continue
		}
		end()
	}
	if r.state == inQuoted && o.Strict {
		return nil, errors.New("unexpected end of data")
	}
	end()
	return rows, nil
}
