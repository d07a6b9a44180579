package agentbin

// This file unpacks what xz packed in the Makefile: one block, by LZMA2 and at
// most a filter for the machine code before it
// (https://tukaani.org/xz/xz-file-format.txt). The SHA-256 of the whole is
// checked where it is used, so the container's own checks are not read.

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// The filters of a block.
const (
	filterX86   = 0x04
	filterARM   = 0x07
	filterLZMA2 = 0x21
)

// dictionary is the largest that the Makefile lets xz use.
const dictionary = 16 << 20

// unxz unpacks a file of one block.
func unxz(data []byte) ([]byte, error) {
	filters, body, err := blockHeader(data)
	if err != nil {
		return nil, err
	}
	r, err := lzma.Reader2Config{DictCap: dictionary}.NewReader2(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(4 * len(data))
	if _, err := io.Copy(&out, r); err != nil {
		return nil, err
	}
	switch {
	case len(filters) == 1 && filters[0] == filterLZMA2:
	case len(filters) == 2 && filters[0] == filterX86 && filters[1] == filterLZMA2:
		unfilterX86(out.Bytes())
	case len(filters) == 2 && filters[0] == filterARM && filters[1] == filterLZMA2:
		unfilterARM(out.Bytes())
	default:
		return nil, fmt.Errorf("xz: filters %#x", filters)
	}
	return out.Bytes(), nil
}

var errHeader = errors.New("xz: no header of a file with one block")

// blockHeader reads the headers of the file and of its first block.
func blockHeader(data []byte) (filters []byte, body []byte, err error) {
	const fileHeader = 12
	if len(data) < fileHeader+8 || !bytes.HasPrefix(data, []byte("\xfd7zXZ\x00")) || data[fileHeader] == 0 {
		return nil, nil, errHeader
	}
	size := (int(data[fileHeader]) + 1) * 4
	if len(data) < fileHeader+size {
		return nil, nil, errHeader
	}
	head, body := data[fileHeader+1:fileHeader+size-4], data[fileHeader+size:]
	flags := head[0]
	head = head[1:]
	next := func() uint64 {
		v, n := binary.Uvarint(head)
		if n <= 0 {
			err = errHeader
			return 0
		}
		head = head[n:]
		return v
	}
	for _, given := range []byte{0x40, 0x80} { // the sizes, packed and unpacked
		if flags&given != 0 {
			next()
		}
	}
	for range flags&3 + 1 {
		filters = append(filters, byte(next()))
		if n := next(); n <= uint64(len(head)) {
			head = head[n:] // its properties
		} else {
			err = errHeader
		}
	}
	return filters, body, err
}

// unfilterARM makes the targets of BL instructions relative again.
func unfilterARM(b []byte) {
	for i := 0; i+4 <= len(b); i += 4 {
		if b[i+3] != 0xEB {
			continue
		}
		to := uint32(b[i]) | uint32(b[i+1])<<8 | uint32(b[i+2])<<16
		to = (to<<2 - (uint32(i) + 8)) >> 2
		b[i], b[i+1], b[i+2] = byte(to), byte(to>>8), byte(to>>16)
	}
}

// What may precede an address that was made absolute, by which of the three
// bytes before it looked like opcodes; and how many of its bytes those leave.
var (
	plausible = [8]bool{true, true, true, false, true, false, false, false}
	leftOver  = [8]uint32{0, 1, 2, 2, 3, 3, 3, 3}
)

// unfilterX86 makes the targets of CALL and JMP instructions relative again.
// Bytes that only look like such an instruction were told apart by the bytes
// before them: bits 1 to 3 of before say which of those looked so too.
func unfilterX86(b []byte) {
	const length = 5 // of an instruction
	var before uint32
	last := -length
	for i := 0; i+length <= len(b); {
		if b[i]&0xFE != 0xE8 {
			i++
			continue
		}
		if i-last > length {
			before = 0
		} else {
			for range i - last {
				before = before & 0x77 << 1
			}
		}
		last = i
		if !isSign(b[i+4]) || !plausible[before>>1&7] || before>>1 >= 0x10 {
			before |= 1
			if isSign(b[i+4]) {
				before |= 0x10
			}
			i++
			continue
		}
		from := binary.LittleEndian.Uint32(b[i+1:])
		to := from - uint32(i+length)
		for before != 0 {
			n := leftOver[before>>1] * 8
			if !isSign(byte(to >> (24 - n))) {
				break
			}
			from = to ^ (1<<(32-n) - 1)
			to = from - uint32(i+length)
		}
		to &= 1<<25 - 1
		if to&(1<<24) != 0 {
			to |= 0xFF << 24
		}
		binary.LittleEndian.PutUint32(b[i+1:], to)
		i += length
		before = 0
	}
}

// isSign says whether b can be the highest byte of an address nearby.
func isSign(b byte) bool { return b == 0 || b == 0xFF }
