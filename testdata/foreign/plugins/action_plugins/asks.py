from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Asks for something in the keys of its result."""

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        what = self._task.args['what']
        if what == 'host':
            return {'changed': True, 'add_host': {'host_name': 'late', 'groups': ['new'], 'host_vars': {'v': 1}}}
        if what == 'secret':
            return {'changed': True, 'token': 'abc123', '_ansible_no_log': True}
        return {'warnings': ['careful with ' + what], 'deprecations': [{'msg': 'old ' + what, 'version': '9.9'}]}
