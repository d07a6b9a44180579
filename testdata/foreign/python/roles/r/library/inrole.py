#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.rutil.deep import value
def main():
    module = AnsibleModule(argument_spec=dict(x=dict(type='str', required=True), y=dict(type='list', elements='int')))
    module.exit_json(changed=False, x=module.params['x'], y=module.params['y'], value=value)
main()
