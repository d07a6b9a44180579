package inventory

// This file takes host patterns of sources apart: "web[01:10].x:2222".

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

const (
	rangeNum   = `\[(?:[0-9]*:[0-9]+)(?::[0-9]+)?\]`
	rangeAlpha = `\[(?:[a-zA-Z]:[a-zA-Z])(?::[0-9]+)?\]`
	anyRange   = `(?:` + rangeNum + `|` + rangeAlpha + `)`
	labelStart = `(?:[\pL\pN_]|` + anyRange + `)`
	labelEnd   = `(?:[\pL\pN]|` + anyRange + `)`
	label      = labelStart + `(?:(?:[\pL\pN_-]|` + anyRange + `)*` + labelEnd + `)?`
)

var (
	hostnameRE   = regexp.MustCompile(`^` + label + `(?:\.` + label + `)*$`)
	bracketedRE  = regexp.MustCompile(`^\[(.+)\]:([0-9]+)$`)
	hostPortRE   = regexp.MustCompile(`^((?:[^:\[\]]|` + anyRange + `)+):([0-9]+)$`)
	hexRangeRE   = regexp.MustCompile(`\[[0-9a-f]*:[0-9a-f]+(?::[0-9]+)?\]`)
	lowerOrUpper = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// parseAddress splits an address into a host, in which ranges may stand, and a
// port, -1 where there is none; false where it is no valid address.
func parseAddress(addr string) (host string, port int, ok bool) {
	host, port = addr, -1
	m := bracketedRE.FindStringSubmatch(addr)
	if m == nil {
		m = hostPortRE.FindStringSubmatch(addr)
	}
	if m != nil {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			return "", -1, false
		}
		host, port = m[1], n
	}
	if hostnameRE.MatchString(host) {
		return host, port, true
	}
	plain := hexRangeRE.ReplaceAllString(host, "1")
	if !strings.ContainsRune(plain, ':') {
		return "", -1, false
	}
	if _, err := netip.ParseAddr(plain); err != nil {
		return "", -1, false
	}
	return host, port, true
}

// expandPattern returns the host names of a pattern and its port, -1 where
// there is none.
func expandPattern(pattern string) (names []string, port int, err error) {
	host, port, ok := parseAddress(pattern)
	if !ok {
		host, port = pattern, -1
	}
	if !strings.Contains(host, "[") {
		return []string{host}, port, nil
	}
	names, err = expandRange(host, nil)
	return names, port, err
}

// maxHosts bounds what one pattern gives, so that a slip of the finger does not fill the memory.
const maxHosts = 1 << 20

// expandRange appends the names of pattern, whose first range is replaced by
// each of its values, to names.
func expandRange(pattern string, names []string) ([]string, error) {
	head, rest, _ := strings.Cut(pattern, "[")
	body, tail, found := strings.Cut(rest, "]")
	if !found {
		return nil, fmt.Errorf("host range must be begin:end or begin:end:step")
	}
	values, err := rangeValues(body)
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		name := head + v + tail
		if strings.Contains(name, "[") {
			if names, err = expandRange(name, names); err != nil {
				return nil, err
			}
			continue
		}
		if len(names) >= maxHosts {
			return nil, fmt.Errorf("host range '%s' gives more than %d hosts", pattern, maxHosts)
		}
		names = append(names, name)
	}
	return names, nil
}

// rangeValues returns the values of begin:end or begin:end:step.
func rangeValues(body string) ([]string, error) {
	parts := strings.Split(body, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return nil, fmt.Errorf("host range must be begin:end or begin:end:step")
	}
	step := 1
	if len(parts) == 3 {
		n, err := strconv.Atoi(parts[2])
		if err != nil || n < 1 {
			return nil, fmt.Errorf("host range must be begin:end or begin:end:step")
		}
		step = n
	}
	beg, end := parts[0], parts[1]
	if beg == "" {
		beg = "0"
	}
	if end == "" {
		return nil, fmt.Errorf("host range must specify end value")
	}
	if b, e := strings.Index(lowerOrUpper, beg), strings.Index(lowerOrUpper, end); len(beg) == 1 && len(end) == 1 && b >= 0 && e >= 0 {
		if b > e {
			return nil, fmt.Errorf("host range must have begin <= end")
		}
		var values []string
		for ; b <= e; b += step {
			values = append(values, lowerOrUpper[b:b+1])
		}
		return values, nil
	}
	return numberRange(beg, end, step)
}

func numberRange(beg, end string, step int) ([]string, error) {
	width := 0
	if beg[0] == '0' && len(beg) > 1 {
		width = len(beg)
		if len(beg) != len(end) {
			return nil, fmt.Errorf("host range must specify equal-length begin and end formats")
		}
	}
	b, err1 := strconv.Atoi(beg)
	e, err2 := strconv.Atoi(end)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("host range must be begin:end or begin:end:step")
	}
	if b > e {
		return nil, nil // as Ansible: no hosts
	}
	if (e-b)/step >= maxHosts {
		return nil, fmt.Errorf("host range '[%s:%s]' gives more than %d hosts", beg, end, maxHosts)
	}
	values := make([]string, 0, (e-b)/step+1)
	for ; b <= e; b += step {
		values = append(values, fmt.Sprintf("%0*d", width, b))
	}
	return values, nil
}
