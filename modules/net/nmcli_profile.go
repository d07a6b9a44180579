package net

// This file reads profiles as nmcli shows them and compares them with what a
// task asks for.

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An nmProfile is what `nmcli con show NAME` tells: a property without a value is nil.
type nmProfile map[string]any

// Lists compare in order or as sets.
const (
	nmOrdered = iota + 1
	nmUnordered
)

// nmLists are the properties that are lists.
var nmLists = map[string]int{
	"ipv4.addresses": nmOrdered, "ipv4.dns": nmOrdered, "ipv4.dns-search": nmOrdered, "ipv4.dns-options": nmUnordered,
	"ipv4.routes": nmUnordered, "ipv4.routing-rules": nmUnordered,
	"ipv6.addresses": nmOrdered, "ipv6.dns": nmOrdered, "ipv6.dns-search": nmOrdered, "ipv6.dns-options": nmUnordered,
	"ipv6.routes": nmUnordered, "ipv6.routing-rules": nmUnordered,
	"802-11-wireless.mac-address-blacklist": nmUnordered,
	"802-11-wireless-security.proto":        nmUnordered,
	"802-11-wireless-security.pairwise":     nmUnordered,
	"802-11-wireless-security.group":        nmUnordered,
	"vpn.data":                              nmUnordered,
}

// nmAddresses are the properties that are hardware addresses, which nmcli shows in upper case.
var nmAddresses = []string{"802-3-ethernet.cloned-mac-address", "bridge.mac-address", "infiniband.mac-address",
	"802-11-wireless.bssid", "802-11-wireless.mac-address", "802-11-wireless.cloned-mac-address"}

// nmNamed is a number that is shown with its meaning.
var nmNamed = regexp.MustCompile(`^(-?\d+|0x[0-9a-f]+) \(\w+\)$`)

// parseProfile reads the output of `nmcli con show NAME`.
func parseProfile(text string) nmProfile {
	p := make(nmProfile)
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), ":")
		if !ok {
			continue
		}
		value = strings.TrimLeft(value, " ")
		if key == "bond.options" {
			p.bondOptions(value)
		}
		p[key] = propertyValue(key, value)
	}
	return p
}

// bondOptions puts the members of bond.options beside the other properties. A
// target of ARP may itself hold commas.
func (p nmProfile) bondOptions(text string) {
	last := ""
	for _, member := range splitList(text) {
		if name, value, ok := strings.Cut(member, "="); ok {
			p[name], last = value, name
		} else if old, ok := p[last].(string); ok {
			p[last] = old + "," + member
		}
	}
}

func propertyValue(key, value string) any {
	isList := nmLists[key] != 0
	switch {
	case value == "--" && isList:
		return []string{}
	case value == "--":
		return nil
	case strings.HasSuffix(key, ".routes"):
		return shownRoutes(value)
	case key == "vpn.data":
		pairs := splitList(value)
		for i, pair := range pairs {
			name, v, _ := strings.Cut(pair, "=")
			pairs[i] = strings.TrimSpace(name) + "=" + strings.TrimSpace(v)
		}
		slices.Sort(pairs)
		return pairs
	case isList:
		return splitList(value)
	case strings.HasPrefix(key, "gsm."):
		return strings.Trim(value, `"`)
	}
	if f := nmNamed.FindStringSubmatch(value); f != nil {
		if n, err := strconv.ParseInt(f[1], 0, 64); err == nil {
			return strconv.FormatInt(n, 10)
		}
	}
	return value
}

var nmComma = regexp.MustCompile(`\s*,\s*`)

func splitList(s string) []string {
	if strings.TrimSpace(s) == "" {
		return []string{}
	}
	return nmComma.Split(strings.TrimSpace(s), -1)
}

// shownRoutes makes of "{ ip = 10.0.0.0/8, nh = 10.1.1.1, mt = 5 table=7 }; { ... }"
// the form in which routes are given.
func shownRoutes(text string) []string {
	var out []string
	for route := range strings.SplitSeq(text, ";") {
		var words, attributes []string
		for part := range strings.SplitSeq(strings.Trim(route, " {}"), ",") {
			name, value, _ := strings.Cut(part, "=")
			fields := strings.Fields(value)
			switch strings.TrimSpace(name) {
			case "ip", "nh", "mt":
				if len(fields) > 0 {
					words, attributes = append(words, fields[0]), append(attributes, fields[1:]...)
				}
			default: // another form than the one known: as it is
				words = append(words, strings.Fields(part)...)
			}
		}
		slices.Sort(attributes)
		out = append(out, strings.Join(append(words, attributes...), " "))
	}
	return out
}

// sameRoute brings the spellings of a route together: spaces, the order of
// attributes, and numbers in hexadecimal.
func sameRoute(route string) string {
	fields := strings.Fields(route)
	i := slices.IndexFunc(fields, func(f string) bool { return strings.Contains(f, "=") })
	if i < 0 {
		return strings.Join(fields, " ")
	}
	for j, f := range fields[i:] {
		name, value, _ := strings.Cut(f, "=")
		if n, err := strconv.ParseInt(value, 0, 64); err == nil {
			fields[i+j] = name + "=" + strconv.FormatInt(n, 10)
		}
	}
	slices.Sort(fields[i:])
	return strings.Join(fields, " ")
}

// nmPrivacy is how nmcli shows ipv6.ip6-privacy.
var nmPrivacy = map[string]string{
	"unknown": "-1", "disabled": "0", "prefer-public-addr": "1 (enabled, prefer public IP)", "prefer-temp-addr": "2 (enabled, prefer temporary IP)",
}

// wanted is a setting's value as nmcli would show it; ok is false where it is
// not compared.
func (p nmProfile) wanted(s *nmSetting) (value any, ok bool) {
	switch v := s.value.(type) {
	case nil:
		return nil, false
	case []string:
		if s.key == "vpn.data" && len(v) == 0 {
			return nil, false
		}
		if s.key == "vpn.data" {
			v = slices.Sorted(slices.Values(v))
		}
		return v, true
	case bool:
		if strings.HasSuffix(s.key, "-auto-default-route") {
			return map[bool]string{true: "1", false: "0"}[v], true
		}
	}
	text := s.text()
	_, shown := p[s.shownKey()]
	switch {
	case text == "":
		return nil, false
	case s.key == "ipv6.ip6-privacy":
		return nmPrivacy[text], true
	case strings.HasSuffix(s.key, ".mtu") && text == "0" && p[s.key] != "0":
		return "auto", true
	case shown && slices.Contains(nmAddresses, s.key):
		return strings.ToUpper(text), true
	}
	return text, true
}

// same reports whether the value that is there is the one wanted.
func (p nmProfile) same(s *nmSetting, have, want any) bool {
	haveList, _ := have.([]string)
	wantList, isList := want.([]string)
	if !isList {
		text, _ := have.(string)
		return have != nil && sameText(s.key, text) == sameText(s.key, want.(string))
	}
	if have == nil {
		return false
	}
	haveList, wantList = slices.Clone(haveList), slices.Clone(wantList)
	if strings.HasSuffix(s.key, ".routes") {
		for _, l := range [][]string{haveList, wantList} {
			for i, route := range l {
				l[i] = sameRoute(route)
			}
		}
	}
	if nmLists[s.key] == nmUnordered {
		slices.Sort(haveList)
		slices.Sort(wantList)
	}
	return slices.Equal(haveList, wantList)
}

// sameText brings together the spellings of a property: of several values in
// one text nmcli takes commas and shows spaces; of marks it shows hexadecimal.
func sameText(key, text string) string {
	switch key {
	case "vlan.ingress", "vlan.egress", "arp_ip_target":
		return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }), ",")
	}
	if slices.Contains(nmAddresses, key) {
		return strings.ToUpper(text)
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil && strings.HasPrefix(text, "0x") {
		return strconv.FormatInt(n, 10)
	}
	return text
}
