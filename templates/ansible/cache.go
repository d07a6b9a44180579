package ansible

// This file keeps what is costly to make.

import "sync"

// A cache keeps up to max values by their keys; it is safe for concurrent use.
type cache[T any] struct {
	mu  sync.Mutex
	max int
	m   map[string]T
}

func newCache[T any](max int) *cache[T] { return &cache[T]{max: max, m: map[string]T{}} }

// get returns the value of key, made where it is not there. Errors are not kept.
func (c *cache[T]) get(key string, make func() (T, error)) (T, error) {
	c.mu.Lock()
	v, ok := c.m[key]
	c.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := make()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= c.max {
		clear(c.m)
	}
	c.m[key] = v
	return v, nil
}
