package ansible

// This file holds hashids: numbers as short texts (https://hashids.org,
// https://docs.ansible.com/ansible/latest/collections/community/general/hashids_encode_filter.html).

import (
	"slices"
	"strings"

	"gorun/templates"
)

// A hashids encodes with one salt and alphabet.
type hashids struct {
	salt, alphabet, separators, guards []rune
	minLength                          int
}

const (
	hashidsAlphabet   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890"
	hashidsSeparators = "cfhistuCFHISTU"
	// maxHashid bounds the length that is asked for.
	maxHashid = 1 << 16
)

// newHashids reads the options salt, alphabet and min_length.
func newHashids(salt, alphabet, minLength value) (*hashids, error) {
	letters := hashidsAlphabet
	if truth(alphabet) {
		letters = text(alphabet)
	}
	h := &hashids{}
	if truth(salt) {
		h.salt = []rune(text(salt))
	}
	if truth(minLength) {
		n, ok := integer(minLength)
		if !ok {
			return nil, raise(templates.TypeError, "'<' not supported between instances of 'int' and '%s'", minLength.Type())
		}
		h.minLength = int(max(0, min(n, maxHashid)))
	}
	for _, r := range hashidsSeparators {
		if strings.ContainsRune(letters, r) {
			h.separators = append(h.separators, r)
		}
	}
	for _, r := range letters {
		if !slices.Contains(h.alphabet, r) && !slices.Contains(h.separators, r) {
			h.alphabet = append(h.alphabet, r)
		}
	}
	if len(h.alphabet)+len(h.separators) < 16 {
		return nil, raise(templates.ValueError, "Alphabet must contain at least 16 unique characters.")
	}
	h.separators = reordered(h.separators, h.salt)
	// One separator for 3.5 letters, one guard for 12.
	if lack := (len(h.alphabet)*2+6)/7 - len(h.separators); lack > 0 {
		h.separators = append(h.separators, h.alphabet[:lack]...)
		h.alphabet = h.alphabet[lack:]
	}
	h.alphabet = reordered(h.alphabet, h.salt)
	guards := (len(h.alphabet) + 11) / 12
	from := &h.alphabet
	if len(h.alphabet) < 3 {
		from = &h.separators
	}
	h.guards, *from = (*from)[:guards], (*from)[guards:]
	return h, nil
}

// reordered shuffles letters by a salt.
func reordered(letters, salt []rune) []rune {
	out := slices.Clone(letters)
	if len(salt) == 0 {
		return out
	}
	sum := 0
	for i, at := len(out)-1, 0; i > 0; i, at = i-1, at+1 {
		at %= len(salt)
		n := int(salt[at])
		sum += n
		j := (n + at + sum) % i
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// next is the alphabet for the next number.
func (h *hashids) next(lottery rune, alphabet []rune) []rune {
	salt := append(append([]rune{lottery}, h.salt...), alphabet...)
	return reordered(alphabet, salt[:len(alphabet)])
}

func (h *hashids) encode(nums []int64) string {
	if len(nums) == 0 {
		return ""
	}
	sum := int64(0)
	for i, n := range nums {
		if n < 0 {
			return ""
		}
		sum += n % int64(i+100)
	}
	alphabet := h.alphabet
	lottery := alphabet[sum%int64(len(alphabet))]
	out := []rune{lottery}
	for i, n := range nums {
		alphabet = h.next(lottery, alphabet)
		var digits []rune
		for x := n; len(digits) == 0 || x > 0; x /= int64(len(alphabet)) {
			digits = append(digits, alphabet[x%int64(len(alphabet))])
		}
		slices.Reverse(digits)
		out = append(out, digits...)
		if i+1 < len(nums) {
			out = append(out, h.separators[n%(int64(digits[0])+int64(i))%int64(len(h.separators))])
		}
	}
	return string(h.padded(out, alphabet, sum))
}

// padded brings a text to the length that was asked for.
func (h *hashids) padded(out, alphabet []rune, sum int64) []rune {
	if len(out) >= h.minLength {
		return out
	}
	guard := func(r rune) rune { return h.guards[(sum+int64(r))%int64(len(h.guards))] }
	out = append([]rune{guard(out[0])}, out...)
	if len(out) < h.minLength {
		out = append(out, guard(out[2]))
	}
	for half := len(alphabet) / 2; len(out) < h.minLength; {
		alphabet = reordered(alphabet, alphabet)
		out = slices.Concat(alphabet[half:], out, alphabet[:half])
		if excess := len(out) - h.minLength; excess > 0 {
			out = out[excess/2 : excess/2+h.minLength]
		}
	}
	return out
}

// splitAny splits at each of some letters.
func splitAny(s, at []rune) [][]rune {
	out := [][]rune{nil}
	for _, r := range s {
		if slices.Contains(at, r) {
			out = append(out, nil)
			continue
		}
		out[len(out)-1] = append(out[len(out)-1], r)
	}
	return out
}

// decode is the numbers of a text; none where it is not of this salt and alphabet.
func (h *hashids) decode(s string) []int64 {
	parts := splitAny([]rune(s), h.guards)
	part := parts[0]
	if len(parts) == 2 || len(parts) == 3 {
		part = parts[1]
	}
	if len(part) == 0 {
		return nil
	}
	alphabet := h.alphabet
	var nums []int64
	for _, digits := range splitAny(part[1:], h.separators) {
		alphabet = h.next(part[0], alphabet)
		n := int64(0)
		for _, r := range digits {
			d := slices.Index(alphabet, r)
			if d < 0 || n > (1<<62)/int64(len(alphabet)) {
				return nil
			}
			n = n*int64(len(alphabet)) + int64(d)
		}
		nums = append(nums, n)
	}
	if h.encode(nums) != s {
		return nil
	}
	return nums
}

func filterHashidsEncode(c *call) (value, error) {
	var nums, salt, alphabet, minLength value
	if err := c.Unpack("hashids_encode", "nums", &nums, "salt?", &salt, "alphabet?", &alphabet, "min_length?", &minLength); err != nil {
		return nil, err
	}
	h, err := newHashids(salt, alphabet, minLength)
	if err != nil {
		return nil, err
	}
	elems := []value{nums}
	if isSequence(nums) {
		elems = elemsOf(nums)
	}
	ints := make([]int64, len(elems))
	for i, e := range elems {
		n, ok := integer(e)
		if !ok {
			n = -1 // what is no number gives the empty text
		}
		ints[i] = n
	}
	return str(h.encode(ints)), nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/hashids_decode_filter.html
func filterHashidsDecode(c *call) (value, error) {
	var salt, alphabet, minLength value
	var s string
	if err := c.Unpack("hashids_decode", "hashid", &s, "salt?", &salt, "alphabet?", &alphabet, "min_length?", &minLength); err != nil {
		return nil, err
	}
	h, err := newHashids(salt, alphabet, minLength)
	if err != nil {
		return nil, err
	}
	var out []value
	for _, n := range h.decode(s) {
		out = append(out, templates.Int(n))
	}
	return list(out), nil
}
