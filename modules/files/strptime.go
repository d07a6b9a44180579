package files

// This file reads times by strptime's letters.

import (
	"fmt"
	"strings"
	"time"
)

// goLayouts are the letters of strptime in the terms of package time.
var goLayouts = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'j': "002", 'z': "-0700", 'Z': "MST", 'f': "000000",
	'T': "15:04:05", 'D': "01/02/06", 'F': "2006-01-02", 'R': "15:04", '%': "%",
}

// strptime reads a local time; the error is worded as Python's.
func strptime(s, format string) (time.Time, error) {
	var at time.Time
	var layout strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			layout.WriteByte(format[i])
			continue
		}
		i++
		if i == len(format) {
			return at, fmt.Errorf("stray %% in format '%s'", format)
		}
		part, ok := goLayouts[format[i]]
		if !ok {
			return at, fmt.Errorf("'%c' is a bad directive in format '%s'", format[i], format)
		}
		layout.WriteString(part)
	}
	at, err := time.ParseInLocation(layout.String(), s, time.Local)
	if err != nil {
		return at, fmt.Errorf("time data '%s' does not match format '%s'", s, format)
	}
	return at, nil
}
