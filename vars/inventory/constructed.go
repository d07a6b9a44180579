package inventory

import "gorun/templates"

// CacheOptions are the defaults of the plugins' own cache options.
type CacheOptions struct {
	Enabled    bool
	Dir        string // cache_connection
	Timeout    int    // seconds; 0: for ever
	FilePrefix string
}

func constructedPlugin(b *Builder, config *templates.Dict) error { return nil }
func generatorPlugin(b *Builder, config *templates.Dict) error   { return nil }
