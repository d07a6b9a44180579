package cloud

// This file is Cinder v3 (https://docs.openstack.org/api-ref/block-storage/v3/)
// and Nova's side of volumes. Volumes are records: hosts get no disks.

import (
	"fmt"
	"slices"
	"time"
)

var volumeService = service{name: "volumev3", wrap: wrapFault}

const volumeRoot = "/volume/v3/{project}"

func (c *Cloud) routeVolumes() {
	open := service{name: "volumev3", wrap: wrapFault, open: true}
	version := func(k *call) (*reply, error) {
		return &reply{300, object{"versions": []object{{
			"id": "v3.0", "status": "CURRENT", "version": "3.59", "min_version": "3.0", "updated": "2018-07-17T00:00:00Z",
			"links": []object{{"rel": "self", "href": k.base() + "/volume/v3/"}}, "media-types": []any{},
		}}}}, nil
	}
	c.handle(open, "GET /volume", version)
	c.handle(open, "GET /volume/v3", version)
	h := func(pattern string, f handler) {
		c.handle(volumeService, prefixPattern(pattern, volumeRoot), func(k *call) (*reply, error) {
			if asked := k.r.Header.Get("OpenStack-API-Version"); asked != "" {
				k.header.Set("OpenStack-API-Version", asked)
			}
			if k.id("project") != k.project() && !k.token.admin() {
				return nil, errorf(403, "Policy doesn't allow this to be performed.")
			}
			return f(k)
		})
	}
	c.routeStore(h, "volumes", "volume", c.volumes, c.volumeCreate, c.volumeDelete)
	c.routeStore(h, "snapshots", "snapshot", c.snaps, c.snapshotCreate, nil)
	c.routeStore(h, "attachments", "attachment", c.attached, nil, nil)
	h("POST /volumes/{id}/action", c.volumeAction)
	h("GET /types", func(k *call) (*reply, error) { return ok("volume_types", []object{volumeType()}) })
	h("GET /types/default", func(k *call) (*reply, error) { return ok("volume_type", volumeType()) })
	h("GET /types/{id}", func(k *call) (*reply, error) {
		if t := volumeType(); t.str("id") == k.id("id") || t.str("name") == k.id("id") {
			return ok("volume_type", t)
		}
		return nil, errorf(404, "Volume type %s could not be found.", k.id("id"))
	})
	h("GET /os-availability-zone", func(k *call) (*reply, error) {
		out := []object{}
		for _, z := range c.cfg.Zones {
			out = append(out, object{"zoneName": z, "zoneState": object{"available": true}})
		}
		return ok("availabilityZoneInfo", out)
	})
	h("GET /limits", c.volumeLimits)
	h("GET /os-quota-sets/{id}", c.volumeQuota)
	h("GET /os-quota-sets/{id}/defaults", func(k *call) (*reply, error) {
		return ok("quota_set", with(clone(volumeQuotas), object{"id": k.id("id")}))
	})
	h("PUT /os-quota-sets/{id}", func(k *call) (*reply, error) {
		c.setQuota("volume", k.id("id"), k.body.sub("quota_set"))
		return ok("quota_set", c.quotaOf("volume", k.id("id"), volumeQuotas))
	})
	h("GET /extensions", func(k *call) (*reply, error) { return ok("extensions", []any{}) })
	h("GET /os-services", func(k *call) (*reply, error) { return ok("services", []any{}) })
	h("GET /backups/detail", func(k *call) (*reply, error) { return ok("backups", []any{}) })
}

func volumeType() object {
	return object{
		"id": FixedID("volume type"), "name": "lab", "description": "records only", "is_public": true, "extra_specs": object{},
		"qos_specs_id": nil, "os-volume-type-access:is_public": true,
	}
}

// routeStore serves the plain calls of one kind of Cinder's records.
func (c *Cloud) routeStore(h func(string, handler), plural, single string, t *table, create func(*call, object) (object, error), remove func(object) error) {
	find := func(k *call) (object, error) {
		o := t.get(k.id("id"))
		if o == nil || o.str("project_id") != k.project() && !k.token.admin() {
			return nil, errorf(404, "%s %s could not be found.", title(single), k.id("id"))
		}
		return o, nil
	}
	list := func(k *call, detail bool) (*reply, error) {
		query := k.r.URL.Query()
		rows := filter(t.all(func(o object) bool { return o.str("project_id") == k.project() || k.token.admin() }), query, "with_count")
		rows, more, err := page(sortRows(rows, query), query, 1000)
		if err != nil {
			return nil, err
		}
		body := object{}
		if more {
			body[plural+"_links"] = []object{{"rel": "next", "href": nextLink(k, rows)}}
		}
		if !detail {
			for i := range rows {
				rows[i] = pick(rows[i], []string{"id", "name", "links", "status"})
			}
		}
		body[plural] = rows
		return &reply{200, body}, nil
	}
	h("GET /"+plural, func(k *call) (*reply, error) { return list(k, false) })
	h("GET /"+plural+"/detail", func(k *call) (*reply, error) { return list(k, true) })
	h("GET /"+plural+"/{id}", func(k *call) (*reply, error) {
		o, err := find(k)
		if err != nil {
			return nil, err
		}
		return ok(single, o)
	})
	h("PUT /"+plural+"/{id}", func(k *call) (*reply, error) {
		o, err := find(k)
		if err != nil {
			return nil, err
		}
		return ok(single, with(o, pick(k.body.sub(single), []string{"name", "description", "metadata"})))
	})
	h("DELETE /"+plural+"/{id}", func(k *call) (*reply, error) {
		o, err := find(k)
		if err != nil {
			return nil, err
		}
		if remove != nil {
			if err := remove(o); err != nil {
				return nil, err
			}
		}
		t.remove(o.str("id"))
		return &reply{202, nil}, nil
	})
	if create == nil {
		return
	}
	h("POST /"+plural, func(k *call) (*reply, error) {
		o, err := create(k, k.body.sub(single))
		if err != nil {
			return nil, err
		}
		o["links"] = links(k.base() + k.r.URL.Path + "/" + o.str("id"))
		return &reply{202, object{single: o}}, nil
	})
}

func title(s string) string { return string(s[0]-'a'+'A') + s[1:] }

func (c *Cloud) volumeCreate(k *call, in object) (object, error) {
	size := in.integer("size", 0)
	if source := c.volumes.get(in.str("source_volid")); source != nil && size == 0 {
		size = source.integer("size", 1)
	}
	if snap := c.snaps.get(in.str("snapshot_id")); snap != nil && size == 0 {
		size = snap.integer("size", 1)
	}
	if size < 1 {
		return nil, errorf(400, "Invalid input received: Volume size '%v' must be an integer and greater than 0", in["size"])
	}
	quota := c.quotaOf("volume", k.project(), volumeQuotas)
	if n := quota.integer("volumes", -1); n >= 0 && c.owned(c.volumes, k.project()) >= n {
		return nil, errorf(413, "VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota 'volumes'.", n)
	}
	zone := in.str("availability_zone")
	if zone == "" && len(c.cfg.Zones) > 0 {
		zone = c.cfg.Zones[0]
	}
	if !slices.Contains(c.cfg.Zones, zone) {
		return nil, errorf(400, "Availability zone '%s' is invalid.", zone)
	}
	bootable := "false"
	if in.str("imageRef") != "" {
		if c.images.get(in.str("imageRef")) == nil {
			return nil, errorf(400, "Invalid image identifier or unable to access requested image.")
		}
		bootable = "true"
	}
	metadata := in.sub("metadata")
	if metadata == nil {
		metadata = object{}
	}
	return c.volumes.add(object{
		"name": in["name"], "description": in["description"], "size": size, "status": "available", "availability_zone": zone,
		"bootable": bootable, "encrypted": false, "multiattach": in.truth("multiattach", false), "volume_type": "lab", "metadata": metadata,
		"attachments": []any{}, "snapshot_id": in["snapshot_id"], "source_volid": in["source_volid"], "consistencygroup_id": nil,
		"replication_status": nil, "user_id": k.token.user.str("id"), "project_id": k.project(), "os-vol-tenant-attr:tenant_id": k.project(),
		"created_at": cinderTime(), "updated_at": nil, "migration_status": nil,
	}), nil
}

func cinderTime() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000000") }

func (c *Cloud) volumeDelete(o object) error {
	if s := o.str("status"); s != "available" && s != "error" {
		return errorf(400, "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.")
	}
	for _, s := range c.snaps.all(nil) {
		if s.str("volume_id") == o.str("id") {
			return errorf(400, "Invalid volume: Volume still has 1 dependent snapshots.")
		}
	}
	return nil
}

func (c *Cloud) snapshotCreate(k *call, in object) (object, error) {
	volume := c.volumes.get(in.str("volume_id"))
	if volume == nil {
		return nil, errorf(404, "Volume %s could not be found.", in.str("volume_id"))
	}
	if volume.str("status") == "in-use" && !in.truth("force", false) {
		return nil, errorf(400, "Invalid volume: Volume %s status must be available, but current status is: in-use.", volume.str("id"))
	}
	return c.snaps.add(object{
		"name": in["name"], "description": in["description"], "volume_id": volume.str("id"), "size": volume["size"], "status": "available",
		"metadata": object{}, "project_id": k.project(), "os-extended-snapshot-attributes:project_id": k.project(),
		"os-extended-snapshot-attributes:progress": "100%", "created_at": cinderTime(), "updated_at": nil,
	}), nil
}

func (c *Cloud) volumeAction(k *call) (*reply, error) {
	o := c.volumes.get(k.id("id"))
	if o == nil {
		return nil, errorf(404, "Volume %s could not be found.", k.id("id"))
	}
	for name, v := range k.body {
		in := asObject(v)
		switch name {
		case "os-extend":
			if in.integer("new_size", 0) <= o.integer("size", 0) {
				return nil, errorf(400, "Invalid input received: New size for extend must be greater than current size. (current: %v, extended: %v).", o["size"], in["new_size"])
			}
			o["size"] = in.integer("new_size", 0)
		case "os-reset_status":
			o["status"] = in.str("status")
		case "os-set_bootable":
			o["bootable"] = fmt.Sprint(in.truth("bootable", false))
		case "os-update_readonly_flag":
			asObject(o["metadata"])["readonly"] = fmt.Sprint(in.truth("readonly", false))
		default:
			return nil, errorf(400, "There is no such action: %s", name)
		}
	}
	return accepted, nil
}

func (c *Cloud) volumeLimits(k *call) (*reply, error) {
	q := c.quotaOf("volume", k.project(), volumeQuotas)
	return ok("limits", object{"rate": []any{}, "absolute": object{
		"maxTotalVolumes": q["volumes"], "maxTotalSnapshots": q["snapshots"], "maxTotalVolumeGigabytes": q["gigabytes"],
		"maxTotalBackups": q["backups"], "maxTotalBackupGigabytes": q["backup_gigabytes"],
		"totalVolumesUsed": c.owned(c.volumes, k.project()), "totalGigabytesUsed": c.gigabytes(k.project()),
		"totalSnapshotsUsed": c.owned(c.snaps, k.project()), "totalBackupsUsed": 0, "totalBackupGigabytesUsed": 0,
	}})
}

func (c *Cloud) gigabytes(project string) int {
	n := 0
	for _, v := range c.volumes.all(nil) {
		if v.str("project_id") == project {
			n += v.integer("size", 0)
		}
	}
	return n
}

func (c *Cloud) volumeQuota(k *call) (*reply, error) {
	q := c.quotaOf("volume", k.id("id"), volumeQuotas)
	if k.r.URL.Query().Get("usage") == "True" || k.r.URL.Query().Get("usage") == "true" {
		used := object{"volumes": c.owned(c.volumes, k.id("id")), "snapshots": c.owned(c.snaps, k.id("id")), "gigabytes": c.gigabytes(k.id("id"))}
		for name, limit := range q {
			q[name] = object{"limit": limit, "in_use": used.integer(name, 0), "reserved": 0}
		}
	}
	q["id"] = k.id("id")
	return ok("quota_set", q)
}

// attachmentBody is an attached volume as Nova shows it.
func attachmentBody(k *call, s *server, o object) object {
	device := "/dev/vdb"
	if list := o.list("attachments"); len(list) > 0 {
		device = asObject(list[0]).str("device")
	}
	out := object{"id": o["id"], "volumeId": o["id"], "serverId": s.id, "device": device}
	if k.minor >= 70 {
		out["tag"] = nil
	}
	if k.minor >= 79 {
		out["delete_on_termination"] = false
	}
	return out
}

func (c *Cloud) volumeAttachments(k *call, s *server) (*reply, error) {
	out := []object{}
	for _, id := range s.volumes {
		if o := c.volumes.get(id); o != nil {
			out = append(out, attachmentBody(k, s, o))
		}
	}
	return ok("volumeAttachments", out)
}

func (c *Cloud) volumeAttach(k *call, s *server) (*reply, error) {
	in := k.body.sub("volumeAttachment")
	o := c.volumes.get(in.str("volumeId"))
	if o == nil || o.str("project_id") != s.project {
		return nil, errorf(404, "Volume %s could not be found.", in.str("volumeId"))
	}
	if o.str("status") != "available" {
		return nil, errorf(400, "Invalid volume: volume %s status must be 'available'. Currently in '%s'", o.str("id"), o.str("status"))
	}
	device := in.str("device")
	if device == "" {
		device = "/dev/vd" + string(rune('b'+len(s.volumes)))
	}
	o["status"] = "in-use"
	o["attachments"] = []any{object{
		"id": o["id"], "volume_id": o["id"], "server_id": s.id, "device": device, "attachment_id": newID(), "host_name": nil, "attached_at": cinderTime(),
	}}
	s.volumes = append(slices.Clone(s.volumes), o.str("id"))
	return ok("volumeAttachment", attachmentBody(k, s, o))
}

func (c *Cloud) volumeDetach(k *call, s *server) (*reply, error) {
	i := slices.Index(s.volumes, k.id("volume"))
	if i < 0 {
		return nil, errorf(404, "volume_id not found: %s", k.id("volume"))
	}
	s.volumes = slices.Delete(slices.Clone(s.volumes), i, i+1)
	c.volumeFree(k.id("volume"))
	return accepted, nil
}

func (c *Cloud) volumeFree(id string) {
	if o := c.volumes.get(id); o != nil {
		o["status"], o["attachments"] = "available", []any{}
	}
}
