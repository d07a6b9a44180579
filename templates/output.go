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

// appendInt appends a number in decimal digits.
func appendInt(b []byte, i Int) []byte {
	if uint64(i) >= 10000 {
		return strconv.AppendInt(b, int64(i), 10)
	}
	n := uint32(i)
	if n < 10 {
		return append(b, byte('0'+n))
	}
	low := n % 100 * 2
	if n < 100 {
		return append(b, twoDigits[low], twoDigits[low+1])
	}
	high := n / 100 * 2
	if n < 1000 {
		return append(b, twoDigits[high+1], twoDigits[low], twoDigits[low+1])
	}
	return append(b, twoDigits[high], twoDigits[high+1], twoDigits[low], twoDigits[low+1])
}
