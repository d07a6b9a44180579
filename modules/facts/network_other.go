//go:build !linux

package facts

// This file is the network for systems without netlink, as far as the standard
// library knows it.

import (
	"net"
	"net/netip"
)

func addresses() ([]address, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []address
	for _, i := range list {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			scope := "global"
			switch {
			case p.Addr().IsLinkLocalUnicast():
				scope = "link"
			case p.Addr().IsLoopback():
				scope = "host"
			}
			out = append(out, address{device: i.Name, label: i.Name, ip: p.Addr().WithZone(""), prefix: p.Bits(), scope: scope})
		}
	}
	return out, nil
}

// defaultRoute finds the source address by a socket that sends nothing; the
// gateway is not known.
func defaultRoute(to netip.Addr) (route, bool) {
	c, err := net.Dial("udp", netip.AddrPortFrom(to, 53).String())
	if err != nil {
		return route{}, false
	}
	defer c.Close()
	local, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return route{}, false
	}
	source := local.AddrPort().Addr().Unmap()
	addrs, _ := addresses()
	for _, a := range addrs {
		if a.ip == source {
			return route{device: a.device, source: source.String()}, true
		}
	}
	return route{}, false
}
