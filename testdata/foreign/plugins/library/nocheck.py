#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mine import hello
def main():
    module = AnsibleModule(argument_spec=dict(data=dict(type='raw')))
    module.warn('a warning'); module.deprecate('old thing', version='9.9', collection_name='a.b')
    module.exit_json(changed=True, data=module.params['data'], hello=hello(), diff={'before': 'a\n', 'after': 'b\n'})
if __name__ == '__main__':
    main()
