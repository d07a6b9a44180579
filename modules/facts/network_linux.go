package facts

// This file asks the kernel for addresses and routes by netlink.

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addresses lists the addresses of all interfaces in the kernel's order.
func addresses() ([]address, error) {
	rib, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseNetlinkMessage(rib)
	if err != nil {
		return nil, err
	}
	devices := map[int]string{}
	if list, err := net.Interfaces(); err == nil {
		for _, i := range list {
			devices[i.Index] = i.Name
		}
	}
	var out []address
	for _, m := range messages {
		if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
			continue
		}
		if a, ok := parseAddress(&m, devices); ok {
			out = append(out, a)
		}
	}
	return out, nil
}

func parseAddress(m *syscall.NetlinkMessage, devices map[int]string) (address, bool) {
	head := (*syscall.IfAddrmsg)(unsafe.Pointer(&m.Data[0]))
	attrs, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return address{}, false
	}
	a := address{device: devices[int(head.Index)], prefix: int(head.Prefixlen), scope: scopeName(head.Scope)}
	a.label = a.device
	a.secondary = head.Flags&unix.IFA_F_SECONDARY != 0
	for _, at := range attrs {
		switch at.Attr.Type {
		case unix.IFA_ADDRESS:
			// A point-to-point link has its own address in IFA_LOCAL.
			if ip, ok := netip.AddrFromSlice(at.Value); ok && !a.ip.IsValid() {
				a.ip = ip
			}
		case unix.IFA_LOCAL:
			if ip, ok := netip.AddrFromSlice(at.Value); ok {
				a.ip = ip
			}
		case unix.IFA_BROADCAST:
			if ip, ok := netip.AddrFromSlice(at.Value); ok {
				a.broadcast = ip.String()
			}
		case unix.IFA_LABEL:
			a.label = unix.ByteSliceToString(at.Value)
		}
	}
	return a, a.ip.IsValid() && a.device != ""
}

func scopeName(scope uint8) string {
	switch scope {
	case unix.RT_SCOPE_UNIVERSE:
		return "global"
	case unix.RT_SCOPE_SITE:
		return "site"
	case unix.RT_SCOPE_LINK:
		return "link"
	case unix.RT_SCOPE_HOST:
		return "host"
	}
	return fmt.Sprint(scope)
}

// defaultRoute asks by which way the kernel would send to a far address.
func defaultRoute(to netip.Addr) (route, bool) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return route{}, false
	}
	defer unix.Close(fd)
	family, ip := byte(unix.AF_INET6), to.AsSlice()
	if to.Is4() {
		family = unix.AF_INET
	}
	size := unix.SizeofNlMsghdr + unix.SizeofRtMsg + unix.SizeofRtAttr + len(ip)
	b := make([]byte, size)
	ne := binary.NativeEndian
	ne.PutUint32(b[0:], uint32(size))
	ne.PutUint16(b[4:], unix.RTM_GETROUTE)
	ne.PutUint16(b[6:], unix.NLM_F_REQUEST)
	ne.PutUint32(b[8:], 1)
	b[16], b[17] = family, byte(len(ip)*8)
	ne.PutUint16(b[28:], uint16(unix.SizeofRtAttr+len(ip)))
	ne.PutUint16(b[30:], unix.RTA_DST)
	copy(b[32:], ip)
	if unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return route{}, false
	}
	answer := make([]byte, 8192)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return route{}, false
	}
	messages, err := syscall.ParseNetlinkMessage(answer[:n])
	if err != nil || len(messages) == 0 || messages[0].Header.Type != unix.RTM_NEWROUTE {
		return route{}, false
	}
	return parseRoute(&messages[0], ne)
}

func parseRoute(m *syscall.NetlinkMessage, ne binary.ByteOrder) (route, bool) {
	attrs, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return route{}, false
	}
	var r route
	for _, at := range attrs {
		switch at.Attr.Type {
		case unix.RTA_OIF:
			if i, err := net.InterfaceByIndex(int(ne.Uint32(at.Value))); err == nil {
				r.device = i.Name
			}
		case unix.RTA_PREFSRC:
			if ip, ok := netip.AddrFromSlice(at.Value); ok {
				r.source = ip.String()
			}
		case unix.RTA_GATEWAY:
			if ip, ok := netip.AddrFromSlice(at.Value); ok {
				r.gateway = ip.String()
			}
		}
	}
	return r, r.device != ""
}
