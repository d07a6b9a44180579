package inventory

// This file matches host patterns
// (https://docs.ansible.com/ansible/latest/inventory_guide/intro_patterns.html).

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/dlclark/regexp2"
)

// Match returns the hosts of a pattern ("lbs:app", "all:!x", "~re", "g[0]"),
// cut to limit where it is not "". warn-worthy patterns that match nothing go
// to Options.Warn with Ansible's text. The slice is shared: it must not be changed.
func (inv *Inventory) Match(pattern, limit string) ([]*Host, error) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.freshen()
	key := pattern + "\x00" + limit
	if hosts, ok := inv.matches[key]; ok {
		return hosts, nil
	}
	hosts, err := inv.evaluate(SplitPattern(pattern))
	if err != nil {
		return nil, err
	}
	if limit != "" {
		if hosts, err = inv.cut(hosts, limit); err != nil {
			return nil, err
		}
	}
	inv.freshen() // an implicit localhost may have come into being
	inv.matches[key] = hosts
	return hosts, nil
}

// cut returns those of hosts that the limit names.
func (inv *Inventory) cut(hosts []*Host, limit string) ([]*Host, error) {
	patterns, err := limitPatterns(limit)
	if err != nil {
		return nil, err
	}
	within, err := inv.evaluate(patterns)
	if err != nil {
		return nil, err
	}
	return filter(hosts, setOf(within), true), nil
}

// limitPatterns are the patterns of a limit, those of @files included.
func limitPatterns(limit string) ([]string, error) {
	var patterns []string
	for _, p := range SplitPattern(limit) {
		if !strings.HasPrefix(p, "@") {
			patterns = append(patterns, p)
			continue
		}
		path := p[1:]
		st, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("Unable to find limit file %s", path)
		}
		if st.IsDir() {
			return nil, fmt.Errorf("Limit starting with \"@\" must be a file, not a directory: %s", path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for _, line := range strings.Split(string(data), "\n") {
			if line = strings.TrimSpace(line); line != "" {
				patterns = append(patterns, line)
			}
		}
	}
	return patterns, nil
}

var commaRE = regexp.MustCompile(`\s*,\s*`)

// SplitPattern takes a pattern apart: at commas where there is one, else at
// colons outside brackets, unless the whole is an address such as ::1.
func SplitPattern(pattern string) []string {
	var parts []string
	if strings.Contains(pattern, ",") {
		parts = commaRE.Split(pattern, -1)
	} else if _, _, ok := parseAddress(pattern); ok {
		parts = []string{pattern}
	} else {
		parts = splitColons(pattern)
	}
	kept := parts[:0]
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			kept = append(kept, p)
		}
	}
	return kept
}

// splitColons returns the runs of characters and of complete bracketed
// expressions; colons, blanks and other brackets stand between them.
func splitColons(s string) []string {
	var parts []string
	start := -1
	end := func(i int) {
		if start >= 0 {
			parts = append(parts, s[start:i])
			start = -1
		}
	}
	for i := 0; i < len(s); i++ {
		n := 1
		switch c := s[i]; c {
		case '[':
			if n = strings.IndexByte(s[i:], ']') + 1; n == 0 {
				end(i)
				continue
			}
		case ']', ':', ' ', '\t', '\n', '\r', '\v', '\f':
			end(i)
			continue
		}
		if start < 0 {
			start = i
		}
		i += n - 1
	}
	end(len(s))
	return parts
}

// evaluate returns the hosts of patterns: first what they name, then only what
// "&" keeps, last without what "!" takes out.
func (inv *Inventory) evaluate(patterns []string) ([]*Host, error) {
	var regular, and, not []string
	for _, p := range patterns {
		switch {
		case p == "":
		case p[0] == '!':
			not = append(not, p)
		case p[0] == '&':
			and = append(and, p)
		default:
			regular = append(regular, p)
		}
	}
	if len(regular) == 0 {
		regular = []string{"all"}
	}
	var hosts []*Host
	seen := map[*Host]bool{}
	for _, p := range regular {
		matched, err := inv.one(p)
		if err != nil {
			return nil, err
		}
		for _, h := range matched {
			if !seen[h] {
				seen[h] = true
				hosts = append(hosts, h)
			}
		}
	}
	for _, p := range append(and, not...) {
		matched, err := inv.one(p[1:])
		if err != nil {
			return nil, err
		}
		hosts = filter(hosts, setOf(matched), p[0] == '&')
	}
	return hosts, nil
}

func setOf(hosts []*Host) map[*Host]bool {
	set := make(map[*Host]bool, len(hosts))
	for _, h := range hosts {
		set[h] = true
	}
	return set
}

// filter returns those of hosts that are in set, or are not.
func filter(hosts []*Host, set map[*Host]bool, in bool) []*Host {
	kept := make([]*Host, 0, len(hosts))
	for _, h := range hosts {
		if set[h] == in {
			kept = append(kept, h)
		}
	}
	return kept
}

// one returns the hosts of one pattern without its "!" or "&".
func (inv *Inventory) one(p string) ([]*Host, error) {
	if h := inv.hosts[p]; h != nil {
		return []*Host{h}, nil
	}
	if strings.HasPrefix(p, "~") {
		return inv.enumerate(p)
	}
	expr, sub := inv.subscript(p)
	hosts, err := inv.enumerate(expr)
	if err != nil || sub == nil || len(hosts) == 0 {
		return hosts, err
	}
	return sub.of(hosts, p)
}

// A span is [2], or [2:5] with both ends.
type span struct {
	start, end int
	single     bool
}

var subscriptRE = regexp.MustCompile(`^(.+)\[(?:(-?[0-9]+)|([0-9]+)([:-])([0-9]*))\]$`)

// subscript splits "g[1:3]".
func (inv *Inventory) subscript(p string) (expr string, s *span) {
	m := subscriptRE.FindStringSubmatch(p)
	if m == nil {
		return p, nil
	}
	if m[2] != "" {
		return m[1], &span{start: atoi(m[2]), single: true}
	}
	if m[4] == "-" {
		inv.warnOnce("Use [x:y] inclusive subscripts instead of [x-y] which has been removed")
	}
	s = &span{start: atoi(m[3]), end: -1}
	if m[5] != "" {
		s.end = atoi(m[5])
	}
	// Ansible takes [n:0] for [n].
	s.single = s.end == 0
	return m[1], s
}

// atoi reads digits; a number that no list has the length of is a large one.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		n = 1 << 30
	}
	return n
}

func (s *span) of(hosts []*Host, pattern string) ([]*Host, error) {
	n := len(hosts)
	if s.single {
		i := s.start
		if i < 0 {
			i += n
		}
		if i < 0 || i >= n {
			return nil, fmt.Errorf("No hosts matched the subscripted pattern '%s'", pattern)
		}
		return hosts[i : i+1 : i+1], nil
	}
	end := s.end
	if end < 0 || end >= n {
		end = n - 1
	}
	if s.start > end {
		return nil, nil
	}
	return hosts[s.start : end+1 : end+1], nil
}

// enumerate returns the hosts of the groups that match p, and the hosts that
// match it where no group does or it is a wildcard or expression.
func (inv *Inventory) enumerate(p string) ([]*Host, error) {
	match, literal, err := matcher(p)
	if err != nil {
		return nil, err
	}
	var hosts []*Host
	groups := 0
	if literal {
		if g := inv.groups[p]; g != nil {
			groups++
			hosts = inv.groupHosts(g)
		}
	} else {
		for _, g := range inv.gorder {
			if match(g.Name) {
				groups++
				hosts = append(hosts[:len(hosts):len(hosts)], inv.groupHosts(g)...)
			}
		}
	}
	if literal {
		if h := inv.hosts[p]; h != nil && (groups == 0 || strings.ContainsAny(p, ".")) {
			hosts = append(hosts[:len(hosts):len(hosts)], h)
		}
	} else {
		hosts = hosts[:len(hosts):len(hosts)]
		for _, h := range inv.order {
			if match(h.Name) {
				hosts = append(hosts, h)
			}
		}
	}
	if len(hosts) == 0 && isLocalName(p) {
		return []*Host{inv.localhost(p)}, nil
	}
	if len(hosts) == 0 && groups == 0 && p != "all" {
		return nil, inv.mismatch(p)
	}
	return hosts, nil
}

// mismatch tells of a pattern that nothing matched, as host_pattern_mismatch wants it.
func (inv *Inventory) mismatch(p string) error {
	msg := "Could not match supplied host pattern, ignoring: " + p
	switch inv.o.PatternMismatch {
	case "error":
		return errors.New(msg)
	case "ignore":
		inv.verbose(2, msg)
	default:
		inv.warnOnce(msg)
	}
	return nil
}

// matcher returns how names match a pattern; literal where it has nothing special.
func matcher(p string) (match func(string) bool, literal bool, err error) {
	src := ""
	switch {
	case strings.HasPrefix(p, "~"):
		src = p[1:]
	case !strings.ContainsAny(p, "*?["):
		return nil, true, nil
	default:
		src = translateGlob(p)
	}
	if re, err := regexp.Compile(`^(?:` + src + `)`); err == nil {
		return re.MatchString, false, nil
	}
	// Look-around and back-references: Python's re has them.
	re, err := regexp2.Compile(`^(?:`+src+`)`, regexp2.None)
	if err != nil {
		return nil, false, fmt.Errorf("Invalid host list pattern: %s", p)
	}
	return func(s string) bool {
		ok, err := re.MatchString(s)
		return ok && err == nil
	}, false, nil
}

// translateGlob turns a wildcard pattern into a regular expression, as
// Python's fnmatch does.
func translateGlob(p string) string {
	var b strings.Builder
	b.WriteString(`(?s:`)
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteString(`.`)
		case '[':
			set, n := globSet(p[i:])
			b.WriteString(set)
			i += n - 1
		default:
			j := i + 1
			for j < len(p) && !strings.ContainsRune("*?[", rune(p[j])) {
				j++
			}
			b.WriteString(regexp.QuoteMeta(p[i:j]))
			i = j - 1
		}
	}
	b.WriteString(`)\z`)
	return b.String()
}

// globSet translates the set at the start of s and returns its length.
func globSet(s string) (re string, n int) {
	j := 1
	if j < len(s) && s[j] == '!' {
		j++
	}
	if j < len(s) && s[j] == ']' {
		j++
	}
	end := strings.IndexByte(s[min(j, len(s)):], ']')
	if end < 0 {
		return `\[`, 1
	}
	end += j
	body := s[1:end]
	not := ""
	if strings.HasPrefix(body, "!") {
		not, body = "^", body[1:]
	}
	return "(?:" + setExpr(body, not) + ")", end + 1
}

// setExpr is the regular expression of a set's characters and ranges; one whose
// ends are in the wrong order holds nothing.
func setExpr(body, not string) string {
	var b strings.Builder
	rs := []rune(body)
	for i := 0; i < len(rs); i++ {
		lo, hi := rs[i], rs[i]
		if i+2 < len(rs) && rs[i+1] == '-' {
			hi = rs[i+2]
			i += 2
		}
		if lo <= hi {
			fmt.Fprintf(&b, `\x{%x}-\x{%x}`, lo, hi)
		}
	}
	switch {
	case b.Len() > 0:
		return "[" + not + b.String() + "]"
	case not != "":
		return "."
	}
	return `[^\x{0}-\x{10ffff}]`
}
