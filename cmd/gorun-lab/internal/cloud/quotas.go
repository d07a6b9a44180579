package cloud

// This file holds the quotas of all services.

// The quotas of a project unless they are set.
var (
	networkQuotas = object{
		"network": 100, "subnet": 100, "port": 500, "router": 10, "floatingip": 50, "security_group": 100,
		"security_group_rule": 500, "subnetpool": -1, "rbac_policy": 10,
	}
	computeQuotas = object{
		"instances": 50, "cores": 200, "ram": 512000, "key_pairs": 100, "metadata_items": 128, "server_groups": 10,
		"server_group_members": 10, "injected_files": 5, "injected_file_content_bytes": 10240, "injected_file_path_bytes": 255,
		"fixed_ips": -1, "floating_ips": -1, "security_groups": -1, "security_group_rules": -1,
	}
	volumeQuotas = object{
		"volumes": 50, "snapshots": 50, "gigabytes": 1000, "backups": 10, "backup_gigabytes": 1000, "per_volume_gigabytes": -1, "groups": 10,
	}
)

// quotaOf returns the quotas of a service for a project, as they are now.
func (c *Cloud) quotaOf(service, project string, defaults object) object {
	return with(clone(defaults), c.quotas[service+" "+project])
}

// setQuota changes some quotas of a project.
func (c *Cloud) setQuota(service, project string, in object) {
	key := service + " " + project
	if c.quotas[key] == nil {
		c.quotas[key] = object{}
	}
	for name, v := range in {
		if name != "tenant_id" && name != "id" && name != "force" {
			c.quotas[key][name] = v
		}
	}
}

func (c *Cloud) networkQuota(project string) object {
	return c.quotaOf("network", project, networkQuotas)
}

// owned counts the records of a table that the project has.
func (c *Cloud) owned(t *table, project string) int {
	return len(t.all(func(o object) bool { return o.str("project_id") == project }))
}

func (c *Cloud) checkNetworkQuota(kd kind, project string) error {
	limit := c.networkQuota(project).integer(kd.single, -1)
	if limit >= 0 && c.owned(c.net(kd.plural), project) >= limit {
		return neutronError(409, "OverQuota", "Quota exceeded for resources: ['%s'].", kd.single)
	}
	return nil
}

func (c *Cloud) quotaDetails(k *call) (*reply, error) {
	out := object{}
	limits := c.networkQuota(k.id("id"))
	for _, kd := range c.kinds() {
		if limit, known := limits[kd.single]; known {
			out[kd.single] = object{"limit": limit, "used": c.owned(c.net(kd.plural), k.id("id")), "reserved": 0}
		}
	}
	return ok("quota", out)
}
