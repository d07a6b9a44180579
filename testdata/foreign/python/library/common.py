#!/usr/bin/python
def main():
    module = AnsibleModule(argument_spec=dict(a=dict(type='int'), secret=dict(no_log=True)), supports_check_mode=True)
    module.exit_json(changed=module.check_mode, a=module.params['a'], leak=module.params['secret'], env=os.environ.get('FOO'))
#<<INCLUDE_ANSIBLE_MODULE_COMMON>>
main()
