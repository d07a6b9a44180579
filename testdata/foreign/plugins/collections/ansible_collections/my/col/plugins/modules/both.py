#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
m = AnsibleModule(argument_spec=dict(x=dict(type='int'), y=dict(type='int')))
m.exit_json(changed=True, sum=m.params['x'] + (m.params['y'] or 0))
