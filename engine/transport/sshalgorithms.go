package transport

// This file turns lists of algorithms as ssh_config(5) has them into those of
// golang.org/x/crypto/ssh.

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// algorithmList applies a list to the defaults: it replaces them, or behind +
// is added to them, behind - taken out of them, behind ^ put before them.
// all are those that can be used; others on the list are passed over.
func algorithmList(option, list string, defaults, all []string) ([]string, error) {
	if list == "" {
		return defaults, nil
	}
	how := byte(0)
	if strings.IndexByte("+-^", list[0]) >= 0 {
		how, list = list[0], list[1:]
	}
	patterns := strings.Split(list, ",")
	if how == '-' {
		return slices.DeleteFunc(slices.Clone(defaults), func(name string) bool { return matchNames(patterns, name) }), nil
	}
	var named []string
	for _, p := range patterns {
		for _, name := range all {
			if wildcard(p, name) && !slices.Contains(named, name) {
				named = append(named, name)
			}
		}
	}
	rest := slices.DeleteFunc(slices.Clone(defaults), func(name string) bool { return slices.Contains(named, name) })
	switch how {
	case '+':
		return append(rest, named...), nil
	case '^':
		return append(named, rest...), nil
	}
	if len(named) == 0 {
		return nil, fmt.Errorf("%s %s: none of them can be used here; these can: %s (or use the openssh connection)", option, list, strings.Join(all, ","))
	}
	return named, nil
}

// choose sets the algorithms that the configuration asks for. known are the
// kinds of keys that known_hosts has of the host: they are asked for first, so
// that it does not show another one.
func (c *sshConfig) choose(cc *ssh.ClientConfig, known []string) error {
	good, old := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	var defaults ssh.Config
	defaults.SetDefaults()
	for _, o := range []struct {
		name                string
		out                 *[]string
		defaults, good, old []string
	}{
		{"KexAlgorithms", &cc.KeyExchanges, defaults.KeyExchanges, good.KeyExchanges, old.KeyExchanges},
		{"Ciphers", &cc.Ciphers, defaults.Ciphers, good.Ciphers, old.Ciphers},
		{"MACs", &cc.MACs, defaults.MACs, good.MACs, old.MACs},
		{"HostKeyAlgorithms", &cc.HostKeyAlgorithms, good.HostKeys, good.HostKeys, old.HostKeys},
	} {
		list := c.get(o.name)
		names, err := algorithmList(o.name, list, o.defaults, append(slices.Clone(o.good), o.old...))
		if err != nil {
			return err
		}
		*o.out = names
	}
	if list := c.get("HostKeyAlgorithms"); list == "" || strings.IndexByte("+-^", list[0]) >= 0 {
		slices.SortStableFunc(cc.HostKeyAlgorithms, func(a, b string) int { return rank(known, a) - rank(known, b) })
	}
	return nil
}

// rank puts algorithms whose keys are known first.
func rank(known []string, algorithm string) int {
	if slices.Contains(known, keyType(algorithm)) {
		return 0
	}
	return 1
}

// keyType is the type of the keys that an algorithm signs with.
func keyType(algorithm string) string {
	switch algorithm {
	case ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512:
		return ssh.KeyAlgoRSA
	case ssh.CertAlgoRSASHA256v01, ssh.CertAlgoRSASHA512v01:
		return ssh.CertAlgoRSAv01
	}
	return algorithm
}
