package main

// This file lets the collector of garbage rest while the heap is small: most
// of what a run makes is short-lived, and a few dozen MiB are no matter on a
// controller. A large heap, that of thousands of hosts, is collected as usual.

import (
	"os"
	"runtime"
	"runtime/debug"
)

// lazyHeap is the heap, in bytes, up to which the collector may let it grow
// without regard to what is alive.
const lazyHeap = 192 << 20

// A gcSentinel is found to be garbage at every collection; its finalizer sets
// the pace of the next.
type gcSentinel struct{ _ [16]byte }

// tuneGC starts it, unless the user has set GOGC.
func tuneGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	setGCPace()
	runtime.SetFinalizer(&gcSentinel{}, paceAgain)
}

func paceAgain(*gcSentinel) {
	setGCPace()
	runtime.SetFinalizer(&gcSentinel{}, paceAgain)
}

// setGCPace chooses the percentage that lets the heap reach lazyHeap; 100 is
// Go's own.
func setGCPace() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	live := max(m.HeapAlloc, 4<<20)
	percent := 100
	if live < lazyHeap/2 {
		percent = min(int((lazyHeap-live)*100/live), 800)
	}
	debug.SetGCPercent(percent)
}
