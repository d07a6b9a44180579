// Package spell finds the known name that was probably meant.
package spell

// Nearest returns the known name that is most like got, "" where none is like it.
func Nearest(got string, known []string) string {
	best, bestDist := "", len(got)/2+1
	for _, k := range known {
		if d := Distance(got, k); d < bestDist {
			best, bestDist = k, d
		}
	}
	return best
}

// Distance is the optimal string alignment distance of two names in bytes: the
// edit distance, a swap of neighbours counted once.
func Distance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
