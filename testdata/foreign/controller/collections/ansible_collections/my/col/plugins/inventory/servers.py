from __future__ import annotations
DOCUMENTATION = '''
name: servers
short_description: servers of acme
description: Servers.
extends_documentation_fragment:
  - constructed
  - inventory_cache
  - my.col.region
options:
  plugin:
    description: this
    required: true
    choices: [my.col.servers]
  count:
    description: how many
    type: int
    default: 2
'''
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable, Cacheable


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "my.col.servers"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith('.acme.yml')

    def fetch(self):
        self.display.vvv('fetching')
        return [{'title': 'web%d' % i, 'role': 'web' if i % 2 else 'db', 'labels': {'env': 'prod', 'odd': bool(i % 2)}, 'disks': ['a', 'b'], 'tmpl': '{{ title }}-x'} for i in range(self.get_option('count'))]

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        if self.get_option('count') > 100:
            raise AnsibleParserError('too many: %d' % self.get_option('count'))
        key = self.get_cache_key(path)
        servers = None
        if cache and self.get_option('cache'):
            servers = self._cache.get(key)
        if servers is None:
            servers = self.fetch()
            if self.get_option('cache'):
                self._cache[key] = servers
        self.inventory.add_group('acme')
        self.inventory.set_variable('acme', 'region', self.get_option('region'))
        self.inventory.set_variable('acme', 'ansible_group_priority', 7)
        self.inventory.add_group('parent of-all')
        for s in servers:
            h = self.inventory.add_host(s['title'], group='acme', port=2222)
            for k, v in s.items():
                self.inventory.set_variable(h, k, v)
            strict = self.get_option('strict')
            self._set_composite_vars(self.get_option('compose'), s, h, strict=strict)
            self._add_host_to_composed_groups(self.get_option('groups'), s, h, strict=strict)
            self._add_host_to_keyed_groups(self.get_option('keyed_groups'), s, h, strict=strict)
