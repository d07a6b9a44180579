DOCUMENTATION = '''
name: mine
version_added: "1.0"
short_description: from secret
description: x
options:
  stage:
    ini: [{key: stage, section: vars_mine}]
    env: [{name: GORUN_TEST_STAGE}]
    choices: [all, inventory, task]
    type: str
'''
import os, json
from ansible.plugins.vars import BaseVarsPlugin
from ansible.inventory.host import Host


class VarsModule(BaseVarsPlugin):
    def get_vars(self, loader, path, entities, cache=True):
        super(VarsModule, self).get_vars(loader, path, entities)
        data = {}
        if not isinstance(entities, list):
            entities = [entities]
        for e in entities:
            f = os.path.join(path, 'secret', ('host-' if isinstance(e, Host) else 'group-') + e.name + '.yml')
            if os.path.exists(f):
                data.update(loader.load_from_file(f))
            data['seen_' + e.name.replace('-', '_')] = type(e).__name__ + ' ' + ('playbook' if os.path.exists(os.path.join(path, 'site.yml')) else os.path.basename(path))
        return data
