#!/usr/bin/python
from __future__ import absolute_import
from ansible.module_utils.basic import AnsibleModule
from ..module_utils.greet import greet
from ..module_utils.deep.inner import DEEP
from ansible_collections.my.col.plugins.module_utils import other
try:
    from ansible_collections.no.such.plugins.module_utils.thing import x
except ImportError:
    x = None
from ansible_collections.my.col.plugins.module_utils.oldname import NEW
def main():
    m = AnsibleModule(argument_spec=dict(name=dict(required=True)))
    m.exit_json(changed=False, hello=greet(m.params['name']), o=other.O, x=x, deep=DEEP, new=NEW, ansible_facts={'my_fact': '{{ 1 + 1 }}'})
if __name__ == '__main__': main()
