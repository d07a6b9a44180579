package cloud

// This file is Glance v2 (https://docs.openstack.org/api-ref/image/v2/).

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

var imageService = service{name: "image", wrap: func(e *apiError) object {
	return object{"code": http.StatusText(e.status), "title": http.StatusText(e.status), "message": e.message}
}}

func newImage(base, id, name, project string) object {
	now := timestamp(time.Now())
	return object{
		"id": id, "name": name, "status": "active", "visibility": "private", "protected": false, "owner": project, "tags": []any{},
		"container_format": "bare", "disk_format": "raw", "size": 0, "virtual_size": nil, "min_disk": 0, "min_ram": 0,
		"checksum": nil, "os_hash_algo": "sha512", "os_hash_value": nil, "os_hidden": false, "created_at": now, "updated_at": now,
		"self": "/v2/images/" + id, "file": "/v2/images/" + id + "/file", "schema": "/v2/schemas/image",
	}
}

func (c *Cloud) seedImages() {
	c.images.add(with(newImage("", FixedID("debian-12"), "debian-12", hexID("project admin")), object{
		"visibility": "public", "size": 550 << 20, "os_distro": "debian", "os_version": "12",
		"checksum": strings.Repeat("0", 32),
	}))
}

// visibleImage says whether the caller may use the image.
func visibleImage(k *call, o object) bool {
	return k.token.admin() || o.str("visibility") == "public" || o.str("visibility") == "community" || o.str("owner") == k.project()
}

func (c *Cloud) routeImages() {
	const root = "/image/v2"
	open := service{name: "image", wrap: imageService.wrap, open: true}
	versions := func(k *call) (*reply, error) {
		return &reply{300, object{"versions": []object{{"id": "v2.9", "status": "CURRENT", "links": []object{{"rel": "self", "href": k.base() + "/image/v2/"}}}}}}, nil
	}
	c.handle(open, "GET /image", versions)
	c.handle(open, "GET /image/versions", versions)
	c.handle(open, "GET "+root, versions)
	h := func(pattern string, f handler) { c.handle(imageService, prefixPattern(pattern, root), f) }
	h("GET /images", c.imageList)
	h("POST /images", c.imageCreate)
	h("GET /images/{id}", c.withImage(func(k *call, o object) (*reply, error) { return &reply{200, o}, nil }))
	h("PATCH /images/{id}", c.withImage(c.imagePatch))
	h("DELETE /images/{id}", c.withImage(func(k *call, o object) (*reply, error) {
		if o.truth("protected", false) {
			return nil, errorf(403, "Image %s is protected and cannot be deleted.", o.str("id"))
		}
		c.images.remove(o.str("id"))
		return &reply{204, nil}, nil
	}))
	h("PUT /images/{id}/file", c.withImage(c.imageUpload))
	h("PUT /images/{id}/tags/{tag}", c.withImage(func(k *call, o object) (*reply, error) {
		o["tags"] = append(o.list("tags"), k.id("tag"))
		return &reply{204, nil}, nil
	}))
	h("GET /images/{id}/members", c.withImage(func(k *call, o object) (*reply, error) { return ok("members", []any{}) }))
	h("GET /schemas/image", func(k *call) (*reply, error) {
		return &reply{200, object{"name": "image", "properties": object{}, "additionalProperties": object{"type": "string"}}}, nil
	})
}

func (c *Cloud) withImage(h func(*call, object) (*reply, error)) handler {
	return func(k *call) (*reply, error) {
		o := c.images.get(k.id("id"))
		if o == nil || !visibleImage(k, o) {
			return nil, errorf(404, "No image found with ID %s", k.id("id"))
		}
		return h(k, o)
	}
}

func (c *Cloud) imageList(k *call) (*reply, error) {
	query := k.r.URL.Query()
	for key, values := range query { // status=in:active,queued
		if list, found := strings.CutPrefix(values[0], "in:"); found {
			query[key] = strings.Split(list, ",")
		}
	}
	query.Del("member_status")
	if query.Get("visibility") == "all" {
		query.Del("visibility")
	}
	tags := query["tag"]
	rows := filter(c.images.all(func(o object) bool { return visibleImage(k, o) }), query, "tag", "os_hidden", "size_min", "size_max")
	rows = filterTags(rows, strings.Join(tags, ","))
	rows, more, err := page(sortRows(rows, query), query, 1000)
	if err != nil {
		return nil, err
	}
	body := object{"images": rows, "schema": "/v2/schemas/images", "first": "/v2/images"}
	if more {
		body["next"] = strings.TrimPrefix(nextLink(k, rows), k.base()+"/image")
	}
	return &reply{200, body}, nil
}

func (c *Cloud) imageCreate(k *call) (*reply, error) {
	id := k.body.str("id")
	if id == "" {
		id = newID()
	}
	if c.images.get(id) != nil {
		return nil, errorf(409, "Image ID %s already exists!", id)
	}
	o := with(newImage("", id, "", k.project()), object{"status": "queued", "size": nil, "container_format": nil, "disk_format": nil})
	c.images.add(with(o, k.body))
	k.header.Set("Location", k.base()+"/image/v2/images/"+id)
	return &reply{201, o}, nil
}

// imageUpload takes the data and keeps its size: servers boot from the lab's
// own base, whatever image they name.
func (c *Cloud) imageUpload(k *call, o object) (*reply, error) {
	if o.str("status") != "queued" {
		return nil, errorf(409, "Image status transition from %s to saving is not allowed", o.str("status"))
	}
	o["status"], o["size"] = "active", int(max(k.r.ContentLength, 0))
	return &reply{204, nil}, nil
}

// imagePatch applies a JSON patch; paths have one level.
func (c *Cloud) imagePatch(k *call, o object) (*reply, error) {
	var ops []object
	if err := json.Unmarshal(k.raw, &ops); err != nil {
		return nil, errorf(400, "Malformed request body")
	}
	for _, op := range ops {
		field := strings.TrimPrefix(op.str("path"), "/")
		switch op.str("op") {
		case "add", "replace":
			o[field] = op["value"]
		case "remove":
			delete(o, field)
		default:
			return nil, errorf(400, "Operation %s is not supported.", op.str("op"))
		}
	}
	o["updated_at"] = timestamp(time.Now())
	return &reply{200, o}, nil
}
