// Package cloudinventory holds the inventory plugins that ask a cloud's API
// (https://docs.ansible.com/ansible/latest/collections/openstack/cloud/openstack_inventory.html).
package cloudinventory

// This file finds the clouds: clouds.yaml and its companions, or OS_*, as
// openstacksdk does
// (https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html).

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"gopkg.in/yaml.v3"

	"gorun/engine/spell"
)

// A region is one region of one cloud.
type region struct {
	cloud string         // its name
	conf  map[string]any // what clouds.yaml says; nil: the environment says it
	name  string         // "" where the cloud has but one
}

// configDirs are the folders in which clouds.yaml is looked for, in order.
func configDirs() []string {
	dirs := []string{"."}
	if dir, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(dir, "openstack"))
	}
	return append(dirs, "/etc/openstack")
}

// candidates are the files of a kind (clouds, clouds-public, secure), in order.
func candidates(kind string) []string {
	var files []string
	for _, dir := range configDirs() {
		files = append(files, filepath.Join(dir, kind+".yaml"), filepath.Join(dir, kind+".yml"))
	}
	return files
}

// readFirst reads the first of the files that is there; nil where none is.
func readFirst(files []string) (map[string]any, error) {
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		var doc map[string]any
		if err := yaml.Unmarshal(data, &doc); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		return doc, nil
	}
	return nil, nil
}

// findClouds returns the regions of the clouds called only, or of all.
// first are the files that are looked for before the usual ones.
func findClouds(first, only []string) ([]region, error) {
	if f := os.Getenv("OS_CLIENT_CONFIG_FILE"); f != "" {
		first = append(first, f)
	}
	doc, err := readFirst(append(first, candidates("clouds")...))
	if err != nil {
		return nil, err
	}
	secure, err := readFirst(candidates("secure"))
	if err != nil {
		return nil, err
	}
	public, err := readFirst(candidates("clouds-public"))
	if err != nil {
		return nil, err
	}
	all := section(doc, "clouds")
	merge(all, section(secure, "clouds"))
	vendors := section(public, "public-clouds")
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	if len(only) == 0 {
		only = names
		if os.Getenv("OS_AUTH_URL") != "" {
			only = append(only, "envvars")
		}
	}
	var regions []region
	for _, name := range only {
		if name == "envvars" && all[name] == nil {
			regions = append(regions, region{cloud: name, name: os.Getenv("OS_REGION_NAME")})
			continue
		}
		conf, ok := all[name].(map[string]any)
		if !ok {
			msg := fmt.Sprintf("Cloud %s was not found.", name)
			if best := spell.Nearest(name, names); best != "" {
				msg += fmt.Sprintf(" Did you mean %s?", best)
			}
			return nil, fmt.Errorf("%s", msg)
		}
		if profile, ok := conf["profile"].(string); ok {
			base := map[string]any{}
			merge(base, section(vendors, profile))
			merge(base, conf)
			conf = base
		}
		regions = append(regions, regionsOf(name, conf)...)
	}
	return regions, nil
}

// regionsOf are the regions that a cloud lists, or its one.
func regionsOf(cloud string, conf map[string]any) []region {
	list, _ := conf["regions"].([]any)
	if one, ok := conf["region_name"].(string); ok || len(list) == 0 {
		return []region{{cloud, conf, one}}
	}
	var out []region
	for _, e := range list {
		name, _ := e.(string)
		if m, ok := e.(map[string]any); ok {
			name, _ = m["name"].(string)
		}
		out = append(out, region{cloud, conf, name})
	}
	return out
}

func section(doc map[string]any, key string) map[string]any {
	if m, ok := doc[key].(map[string]any); ok {
		return m
	}
	return map[string]any{}
}

// merge puts what from has into into, dictionaries inside dictionaries.
func merge(into, from map[string]any) {
	for k, v := range from {
		sub, isMap := v.(map[string]any)
		if have, ok := into[k].(map[string]any); ok && isMap {
			merge(have, sub)
			continue
		}
		into[k] = v
	}
}
