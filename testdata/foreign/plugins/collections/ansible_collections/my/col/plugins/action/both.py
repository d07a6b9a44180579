from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        args = dict(self._task.args, y=41)
        result.update(self._execute_module(module_name='my.col.both', module_args=args, task_vars=task_vars))
        return result
