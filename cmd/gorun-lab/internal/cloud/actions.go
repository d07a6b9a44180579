package cloud

// This file is what can be done to a server: power, size, security groups,
// interfaces and volumes.

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// An action is one kind of POST /servers/ID/action.
type action struct {
	// from lists the states the server has to be in; nil is any.
	from []string
	run  func(*Cloud, *call, *server, object) (*reply, error)
}

var accepted = &reply{202, nil}

// actions are by the key of the body. resetNetwork and the like, which need a
// hypervisor's agent, are not there.
var actions = map[string]action{
	"os-start":            {from: []string{"SHUTOFF"}, run: powerAction("powering-on", "ACTIVE", func(m Machine, ctx context.Context) error { return startReady(m, ctx) })},
	"os-stop":             {from: []string{"ACTIVE", "ERROR"}, run: powerAction("powering-off", "SHUTOFF", func(m Machine, ctx context.Context) error { return m.Stop(ctx, false) })},
	"reboot":              {from: []string{"ACTIVE", "SHUTOFF", "ERROR"}, run: reboot},
	"pause":               {from: []string{"ACTIVE"}, run: setStatus("PAUSED")},
	"unpause":             {from: []string{"PAUSED"}, run: setStatus("ACTIVE")},
	"suspend":             {from: []string{"ACTIVE"}, run: setStatus("SUSPENDED")},
	"resume":              {from: []string{"SUSPENDED"}, run: setStatus("ACTIVE")},
	"resize":              {from: []string{"ACTIVE", "SHUTOFF"}, run: resize},
	"confirmResize":       {from: []string{"VERIFY_RESIZE"}, run: confirmResize},
	"revertResize":        {from: []string{"VERIFY_RESIZE"}, run: revertResize},
	"lock":                {run: setLock(true)},
	"unlock":              {run: setLock(false)},
	"rebuild":             {from: []string{"ACTIVE", "SHUTOFF", "ERROR"}, run: rebuild},
	"changePassword":      {run: func(*Cloud, *call, *server, object) (*reply, error) { return accepted, nil }},
	"os-resetState":       {run: resetState},
	"os-getConsoleOutput": {run: consoleOutput},
	"addSecurityGroup":    {run: addSecurityGroup},
	"removeSecurityGroup": {run: removeSecurityGroup},
	"createImage":         {from: []string{"ACTIVE", "SHUTOFF"}, run: createImage},
	"addFloatingIp":       {run: addFloatingIP},
	"removeFloatingIp":    {run: removeFloatingIP},
	"shelve":              {from: []string{"ACTIVE", "SHUTOFF"}, run: powerAction("shelving", "SHELVED_OFFLOADED", func(m Machine, ctx context.Context) error { return m.Stop(ctx, false) })},
	"unshelve":            {from: []string{"SHELVED_OFFLOADED"}, run: powerAction("unshelving", "ACTIVE", startReady)},
	"trigger_crash_dump": {run: func(*Cloud, *call, *server, object) (*reply, error) {
		return nil, errorf(501, "This host has no crash dumps.")
	}},
	"forceDelete": {run: func(c *Cloud, k *call, s *server, _ object) (*reply, error) { return c.serverDelete(k, s) }},
}

func (c *Cloud) serverAction(k *call, s *server) (*reply, error) {
	for name, value := range k.body {
		a, known := actions[name]
		if !known {
			continue
		}
		status, _ := s.state()
		if a.from != nil && !slices.Contains(a.from, status) {
			return nil, errorf(409, "Cannot '%s' instance %s while it is in vm_state %s", name, s.id, vmState(status))
		}
		if s.task != nil && a.from != nil {
			return nil, errorf(409, "Cannot '%s' instance %s while it is in task_state %v", name, s.id, s.task)
		}
		if s.locked && !k.token.admin() && name != "unlock" && name != "os-getConsoleOutput" {
			return nil, errorf(409, "Instance %s is locked", s.id)
		}
		return a.run(c, k, s, asObject(value))
	}
	return nil, errorf(400, "There is no such action: %v", keys(k.body))
}

func keys(o object) []string {
	var out []string
	for key := range o {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// startReady powers a machine on and waits until it can be logged in to.
func startReady(m Machine, ctx context.Context) error {
	if err := m.Start(ctx); err != nil {
		return err
	}
	return m.WaitReady(ctx)
}

// powerAction works on the machine in the background; the server has the task
// until then and the status after.
func powerAction(task, status string, work func(Machine, context.Context) error) func(*Cloud, *call, *server, object) (*reply, error) {
	return func(c *Cloud, k *call, s *server, _ object) (*reply, error) {
		c.workOn(s, task, status, work)
		return accepted, nil
	}
}

// workOn does one thing to the machine of a server.
func (c *Cloud) workOn(s *server, task, status string, work func(Machine, context.Context) error) {
	s.task = task
	machine := s.machine
	c.background(func(ctx context.Context) {
		var err error
		if machine != nil {
			err = work(machine, ctx)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if s.task == "deleting" {
			return
		}
		s.task, s.updated, s.status = nil, time.Now(), status
		if err != nil {
			s.status, s.fault = "ERROR", err.Error()
			c.cfg.Logf("cloud: %s: %s: %v", s.name, task, err)
		}
	})
}

func reboot(c *Cloud, k *call, s *server, in object) (*reply, error) {
	hard := in.str("type") == "HARD"
	if !hard && in.str("type") != "SOFT" {
		return nil, errorf(400, "Invalid input for field/attribute type. Value: %v.", in["type"])
	}
	s.status = "REBOOT"
	if hard {
		s.status = "HARD_REBOOT"
	}
	c.workOn(s, "rebooting", "ACTIVE", func(m Machine, ctx context.Context) error {
		if err := m.Stop(ctx, hard); err != nil {
			return err
		}
		return startReady(m, ctx)
	})
	return accepted, nil
}

func setStatus(status string) func(*Cloud, *call, *server, object) (*reply, error) {
	return func(c *Cloud, k *call, s *server, _ object) (*reply, error) {
		s.status, s.updated = status, time.Now()
		return accepted, nil
	}
}

func setLock(locked bool) func(*Cloud, *call, *server, object) (*reply, error) {
	return func(c *Cloud, k *call, s *server, _ object) (*reply, error) {
		s.locked = locked
		return accepted, nil
	}
}

func resize(c *Cloud, k *call, s *server, in object) (*reply, error) {
	flavor := c.flavors.get(lastPart(fmt.Sprint(in["flavorRef"])))
	if flavor == nil {
		return nil, errorf(400, "Flavor %v could not be found.", in["flavorRef"])
	}
	if flavor.str("id") == s.flavor.str("id") {
		return nil, errorf(400, "When resizing, instances must change flavor!")
	}
	s.resizeFrom, s.flavor = s.flavor, clone(flavor)
	s.status, s.updated = "VERIFY_RESIZE", time.Now()
	return accepted, nil
}

func confirmResize(c *Cloud, k *call, s *server, _ object) (*reply, error) {
	s.resizeFrom, s.status, s.updated = nil, "ACTIVE", time.Now()
	return &reply{204, nil}, nil
}

func revertResize(c *Cloud, k *call, s *server, _ object) (*reply, error) {
	s.flavor, s.resizeFrom, s.status, s.updated = s.resizeFrom, nil, "ACTIVE", time.Now()
	return accepted, nil
}

// rebuild makes the server anew on a fresh machine with the same addresses.
func rebuild(c *Cloud, k *call, s *server, in object) (*reply, error) {
	image := lastPart(in.str("imageRef"))
	if c.images.get(image) == nil {
		return nil, errorf(400, "Can not find requested image")
	}
	s.image, s.status, s.task = image, "REBUILD", "rebuilding"
	if name := in.str("name"); name != "" {
		s.name = name
	}
	var userKeys []string
	if key := c.keypairs.get(s.user + " " + s.keyName); key != nil {
		userKeys = []string{key.str("public_key")}
	}
	spec := c.machineSpec(s, userKeys)
	old := s.machine
	s.built = make(chan struct{})
	ctx, cancel := context.WithCancel(c.cfg.Context)
	s.cancel, s.machine = cancel, nil
	c.background(func(context.Context) {
		if old != nil {
			if err := old.Remove(ctx); err != nil {
				c.cfg.Logf("cloud: rebuilding %s: %v", s.name, err)
			}
		}
		c.build(ctx, s, spec)
	})
	return &reply{202, object{"server": c.serverBody(k, s)}}, nil
}

func resetState(c *Cloud, k *call, s *server, in object) (*reply, error) {
	if !k.token.admin() {
		return nil, errorf(403, "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.")
	}
	s.status = map[string]string{"active": "ACTIVE", "error": "ERROR"}[in.str("state")]
	if s.status == "" {
		return nil, errorf(400, "Invalid input for field/attribute state. Value: %v.", in["state"])
	}
	s.task = nil
	return accepted, nil
}

func consoleOutput(c *Cloud, k *call, s *server, _ object) (*reply, error) {
	text := ""
	if s.machine != nil {
		text = s.machine.Console()
	}
	return ok("output", text)
}

func addSecurityGroup(c *Cloud, k *call, s *server, in object) (*reply, error) {
	group := c.findGroup(in.str("name"), s.project)
	if group == nil {
		return nil, errorf(404, "Security group %s not found.", in.str("name"))
	}
	if !slices.Contains(s.groups, group.str("name")) {
		s.groups = append(slices.Clone(s.groups), group.str("name"))
	}
	for _, id := range s.ports {
		if p := c.net("ports").get(id); p != nil && !slices.Contains(p.list("security_groups"), any(group.str("id"))) {
			p["security_groups"] = append(p.list("security_groups"), group.str("id"))
		}
	}
	return accepted, nil
}

func removeSecurityGroup(c *Cloud, k *call, s *server, in object) (*reply, error) {
	group := c.findGroup(in.str("name"), s.project)
	if group == nil || !slices.Contains(s.groups, group.str("name")) {
		return nil, errorf(404, "Security group %s not associated with the instance %s", in.str("name"), s.id)
	}
	s.groups = slices.DeleteFunc(slices.Clone(s.groups), func(g string) bool { return g == group.str("name") })
	for _, id := range s.ports {
		if p := c.net("ports").get(id); p != nil {
			p["security_groups"] = slices.DeleteFunc(slices.Clone(p.list("security_groups")), func(g any) bool { return g == group.str("id") })
		}
	}
	return accepted, nil
}

// serverGroups lists the security groups of a server.
func (c *Cloud) serverGroups(k *call, s *server) (*reply, error) {
	out := []object{}
	for _, name := range s.groups {
		if g := c.findGroup(name, s.project); g != nil {
			out = append(out, object{"id": g["id"], "name": name, "description": g["description"], "tenant_id": s.project, "rules": []any{}})
		}
	}
	return ok("security_groups", out)
}

func createImage(c *Cloud, k *call, s *server, in object) (*reply, error) {
	image := newImage(k.base(), newID(), in.str("name"), s.project)
	image["instance_uuid"] = s.id
	c.images.add(image)
	k.header.Set("Location", k.base()+"/image/v2/images/"+image.str("id"))
	if k.minor >= 45 {
		return &reply{202, object{"image_id": image["id"]}}, nil
	}
	return accepted, nil
}

// addFloatingIP is how clients did it before 2.44.
func addFloatingIP(c *Cloud, k *call, s *server, in object) (*reply, error) {
	if k.minor >= 44 {
		return nil, errorf(404, "The resource could not be found.")
	}
	f := c.net("floatingips").first("floating_ip_address", in.str("address"))
	if f == nil {
		return nil, errorf(404, "floating IP not found")
	}
	if len(s.ports) == 0 {
		return nil, errorf(400, "No nw_info cache associated with instance")
	}
	c.floatingAttach(f, s.ports[0], in.str("fixed_address"))
	return accepted, nil
}

func removeFloatingIP(c *Cloud, k *call, s *server, in object) (*reply, error) {
	f := c.net("floatingips").first("floating_ip_address", in.str("address"))
	if k.minor >= 44 || f == nil {
		return nil, errorf(404, "floating IP not found")
	}
	c.floatingAttach(f, "", "")
	return accepted, nil
}

// interfaceBody is a port as Nova shows it.
func interfaceBody(p object) object {
	return object{"port_id": p["id"], "net_id": p["network_id"], "mac_addr": p["mac_address"], "port_state": p["status"], "fixed_ips": p["fixed_ips"]}
}

func (c *Cloud) interfaceList(k *call, s *server) (*reply, error) {
	out := []object{}
	for _, id := range s.ports {
		if p := c.net("ports").get(id); p != nil {
			out = append(out, interfaceBody(p))
		}
	}
	return ok("interfaceAttachments", out)
}

// interfaceAttach gives a server one more port. Its machine has it from its
// next rebuild on: a running one takes no new interfaces.
func (c *Cloud) interfaceAttach(k *call, s *server) (*reply, error) {
	in := k.body.sub("interfaceAttachment")
	want := object{"port": in.str("port_id"), "uuid": in.str("net_id")}
	if ips := in.list("fixed_ips"); len(ips) > 0 {
		want["fixed_ip"] = asObject(ips[0]).str("ip_address")
	}
	if want.str("port") == "" && want.str("uuid") == "" {
		return nil, errorf(400, "Either net_id or port_id must be given.")
	}
	if want.str("port") != "" && c.net("ports").get(want.str("port")) == nil {
		return nil, errorf(404, "Port id %s could not be found.", want.str("port"))
	}
	id, err := c.serverPort(k, s, want)
	if err != nil {
		return nil, err
	}
	s.ports = append(s.ports, id)
	port := c.net("ports").get(id)
	port["status"] = "ACTIVE"
	return ok("interfaceAttachment", interfaceBody(port))
}

func (c *Cloud) interfaceDetach(k *call, s *server) (*reply, error) {
	i := slices.Index(s.ports, k.id("port"))
	if i < 0 {
		return nil, errorf(404, "Port %s is not attached to instance %s", k.id("port"), s.id)
	}
	if port := c.net("ports").get(k.id("port")); port != nil {
		c.freePort(port)
	}
	s.ports = slices.Delete(slices.Clone(s.ports), i, i+1)
	return accepted, nil
}
