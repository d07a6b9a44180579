package ansible

// This file is Python's random.Random, the Mersenne twister MT19937, so that a
// seed gives the same choices as in Ansible
// (https://docs.python.org/3/library/random.html).

import (
	crand "crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	mrand "math/rand/v2"

	"gorun/templates"
)

var randomFilters = table{"random": filterRandom, "shuffle": filterShuffle}

const (
	mtSize  = 624
	mtShift = 397
)

// source gives 32 random bits.
type source interface{ next() uint32 }

type mersenne struct {
	state [mtSize]uint32
	at    int
}

type system struct{ *mrand.ChaCha8 }

func (s system) next() uint32 { return uint32(s.Uint64() >> 32) }

// newSystem is a source that nobody can foresee.
func newSystem() source {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	return system{mrand.NewChaCha8(seed)}
}

// newRandom is random.Random(seed).
func newRandom(seed value) (source, error) {
	switch s := seed.(type) {
	case nil, templates.NoneType:
		return newSystem(), nil
	case templates.Int:
		return newMersenne(big.NewInt(int64(s))), nil
	case templates.Bool:
		n, _ := integer(s)
		return newMersenne(big.NewInt(n)), nil
	case *templates.BigInt:
		return newMersenne(s.V), nil
	case templates.Float:
		return newMersenne(new(big.Int).SetUint64(uint64(floatHash(float64(s))))), nil
	}
	s, ok := isText(seed)
	if b, isBytes := seed.(templates.Bytes); isBytes {
		s, ok = string(b), true
	}
	if !ok {
		return nil, raise(templates.TypeError, "The only supported seed types are: None,\nint, float, str, bytes, and bytearray.")
	}
	sum := sha512.Sum512([]byte(s))
	return newMersenne(new(big.Int).SetBytes(append([]byte(s), sum[:]...))), nil
}

// floatHash is Python's hash of a float.
func floatHash(f float64) int64 {
	const width, mod = 61, 1<<61 - 1
	switch {
	case math.IsInf(f, 1):
		return 314159
	case math.IsInf(f, -1):
		return -314159
	case math.IsNaN(f):
		return 0
	}
	m, e := math.Frexp(math.Abs(f))
	var x uint64
	for m != 0 {
		x = x<<28&mod | x>>(width-28)
		m *= 1 << 28
		e -= 28
		y := uint64(m)
		m -= float64(y)
		if x += y; x >= mod {
			x -= mod
		}
	}
	if e >= 0 {
		e %= width
	} else {
		e = width - 1 - (-1-e)%width
	}
	x = x<<e&mod | x>>(width-e)
	h := int64(x)
	if f < 0 {
		h = -h
	}
	if h == -1 {
		h = -2
	}
	return h
}

// newMersenne seeds by an int as Python does: its absolute value in words of
// 32 bits, the lowest first.
func newMersenne(n *big.Int) *mersenne {
	raw := new(big.Int).Abs(n).Bytes()
	for len(raw)%4 != 0 || len(raw) == 0 {
		raw = append([]byte{0}, raw...)
	}
	key := make([]uint32, len(raw)/4)
	for i := range key {
		key[len(key)-1-i] = binary.BigEndian.Uint32(raw[4*i:])
	}
	m := &mersenne{at: mtSize}
	m.init(key)
	return m
}

func (m *mersenne) init(key []uint32) {
	s := &m.state
	s[0] = 19650218
	for i := 1; i < mtSize; i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + uint32(i)
	}
	i, j := 1, 0
	step := func(mul, add uint32) {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*mul) + add
		if i++; i >= mtSize {
			s[0] = s[mtSize-1]
			i = 1
		}
	}
	for range max(mtSize, len(key)) {
		step(1664525, key[j]+uint32(j))
		if j++; j >= len(key) {
			j = 0
		}
	}
	for range mtSize - 1 {
		step(1566083941, -uint32(i))
	}
	s[0] = 0x80000000
}

func (m *mersenne) next() uint32 {
	s := &m.state
	if m.at >= mtSize {
		for i := range mtSize {
			y := s[i]&0x80000000 | s[(i+1)%mtSize]&0x7fffffff
			s[i] = s[(i+mtShift)%mtSize] ^ y>>1 ^ y&1*0x9908b0df
		}
		m.at = 0
	}
	y := s[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// A Chooser is a generator of random choices: random.Random of a seed, or one
// that nobody can foresee.
type Chooser struct{ s source }

// NewChooser returns the generator of a seed; nil and None are no seed.
func NewChooser(seed templates.Value) (*Chooser, error) {
	s, err := newRandom(seed)
	return &Chooser{s}, err
}

// Choices are n of some characters, as random.choice gives them one after another.
func (c *Chooser) Choices(chars []rune, n int) string {
	out := make([]rune, n)
	for i := range out {
		out[i] = chars[below(c.s, uint64(len(chars)))]
	}
	return string(out)
}

// Shuffle brings characters in another order.
func (c *Chooser) Shuffle(chars []rune) {
	for i := len(chars) - 1; i > 0; i-- {
		j := below(c.s, uint64(i+1))
		chars[i], chars[j] = chars[j], chars[i]
	}
}

// below is Python's _randbelow: a number from 0 up to n, without n.
func below(s source, n uint64) uint64 {
	k := bits.Len64(n)
	for {
		var r uint64
		if k <= 32 {
			r = uint64(s.next() >> (32 - k))
		} else {
			low := uint64(s.next())
			r = low | uint64(s.next()>>(64-k))<<32
		}
		if r < n {
			return r
		}
	}
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/random_filter.html
func filterRandom(c *call) (value, error) {
	var end, start, step, seed value
	if err := c.Unpack("rand", "end", &end, "start?", &start, "step?", &step, "seed?", &seed); err != nil {
		return nil, err
	}
	r, err := newRandom(seed)
	if err != nil {
		return nil, err
	}
	if stop, ok := integer(end); ok {
		return randrange(c, r, stop, start, step)
	}
	elems, err := c.State.Iterate(end)
	if err != nil {
		return nil, fail("random can only be used on sequences and integers")
	}
	if truth(start) || truth(step) {
		return nil, fail("start and step can only be used with integer values")
	}
	switch end.(type) {
	case templates.Mapping, *templates.Set:
		return nil, fail("random can only be used on sequences and integers")
	}
	if len(elems) == 0 {
		return nil, raise(templates.IndexError, "Cannot choose from an empty sequence")
	}
	return elems[below(r, uint64(len(elems)))], nil
}

func randrange(c *call, r source, stop int64, start, step value) (value, error) {
	from, by := int64(0), int64(1)
	for _, p := range []struct {
		v  value
		to *int64
	}{{start, &from}, {step, &by}} {
		if truth(p.v) {
			n, err := toInt(p.v)
			if err != nil {
				return nil, err
			}
			*p.to = n
		}
	}
	width := stop - from
	n := width
	switch {
	case by == 1 && width <= 0:
		if c.State.Era() == templates.Current {
			return nil, raise(templates.ValueError, "empty range in randrange(%d, %d)", from, stop)
		}
		return nil, raise(templates.ValueError, "empty range for randrange() (%d, %d, %d)", from, stop, width)
	case by > 1:
		n = (width + by - 1) / by
	case by < 0:
		n = (width + by + 1) / by
	}
	if n <= 0 {
		if c.State.Era() == templates.Current {
			return nil, raise(templates.ValueError, "empty range in randrange(%d, %d, %d)", from, stop, by)
		}
		return nil, raise(templates.ValueError, "empty range for randrange()")
	}
	return templates.Int(from + by*int64(below(r, uint64(n)))), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/shuffle_filter.html
func filterShuffle(c *call) (value, error) {
	var v, seed value
	if err := c.Unpack("randomize_list", "mylist", &v, "seed?", &seed); err != nil {
		return nil, err
	}
	elems, err := c.State.Iterate(v)
	if err != nil {
		return v, nil // what is no list stays as it is
	}
	out := append([]value{}, elems...)
	if !truth(seed) {
		seed = nil
	}
	r, err := newRandom(seed)
	if err != nil {
		return list(out), nil
	}
	for i := len(out) - 1; i > 0; i-- {
		j := below(r, uint64(i+1))
		out[i], out[j] = out[j], out[i]
	}
	return list(out), nil
}
