from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Returns what it sees of its task, and what a module returned."""

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        task, play = self._task, self._play_context
        answer = self._execute_module(module_name='command', module_args={'_raw_params': 'echo one'}, task_vars=task_vars)
        return {
            'changed': False,
            'task': {
                'name': task.name, 'tags': task.tags, 'delegate_to': task.delegate_to, 'become': bool(task.become),
                'loop': task.loop, 'ignore_errors': bool(task.ignore_errors),
                'file': task.get_path().split('/')[-1], 'role': task._role.get_name() if task._role else None,
            },
            'play': {'connection': play.connection, 'remote_addr': play.remote_addr, 'become': bool(play.become)},
            'transport': self._connection.transport,
            'hostvars': task_vars['hostvars'][task_vars['inventory_hostname']]['inventory_hostname'],
            'groups': task_vars['groups'],
            'lines': answer['stdout_lines'],
        }
