package templates

// This file appends texts and numbers to an output. Most pieces of a template
// are a few bytes long, where a copy of a fixed size is sooner done than one
// whose size has to be looked at.

import "strconv"

// shortText is up to how many bytes a piece is copied as a whole.
const shortText = 16

// A piece is a text of the template.
type piece struct {
	text  string
	short [shortText]byte // the text, where it fits, with zeros behind it
}

func newPiece(text string) piece {
	l := piece{text: text}
	if len(text) <= shortText {
		copy(l.short[:], text)
	}
	return l
}

func (l *piece) appendTo(b []byte) []byte {
	n := len(b)
	if len(l.text) > shortText || cap(b)-n < shortText {
		return append(b, l.text...)
	}
	*(*[shortText]byte)(b[n : n+shortText]) = l.short
	return b[:n+len(l.text)]
}

// twoDigits are the numbers below 100.
const twoDigits = "00010203040506070809" + "10111213141516171819" + "20212223242526272829" + "30313233343536373839" + "40414243444546474849" +
	"50515253545556575859" + "60616263646566676869" + "70717273747576777879" + "80818283848586878889" + "90919293949596979899"

// smallInts is below which numbers have their digits in a table.
const smallInts = 1000

// intText are the digits of a number, n of them, with zeros behind.
type intText struct {
	text [4]byte
	n    uint8
}

var intTexts = func() (texts [smallInts]intText) {
	for i := range texts {
		texts[i].n = uint8(copy(texts[i].text[:], strconv.Itoa(i)))
	}
	return texts
}()

// appendInt appends a number in decimal digits.
func appendInt(b []byte, i Int) []byte {
	n := len(b)
	if uint64(i) >= smallInts || cap(b)-n < 4 {
		return appendLargeInt(b, i)
	}
	d := &intTexts[i]
	*(*[4]byte)(b[n : n+4]) = d.text
	return b[:n+int(d.n)]
}

func appendLargeInt(b []byte, i Int) []byte {
	if i < 1000 || i >= 10000 {
		return strconv.AppendInt(b, int64(i), 10)
	}
	high, low := uint(i)/100*2, uint(i)%100*2
	return append(b, twoDigits[high], twoDigits[high+1], twoDigits[low], twoDigits[low+1])
}

// asciiTexts are the texts of one character of ASCII, which need no memory of
// their own.
var asciiTexts = func() (texts [0x80]Value) {
	for i := range texts {
		texts[i] = Str(string(rune(i)))
	}
	return texts
}()

// strValue is Str(s).
func strValue(s string) Value {
	if len(s) == 1 && s[0] < 0x80 {
		return asciiTexts[s[0]]
	}
	return Str(s)
}
