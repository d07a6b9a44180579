from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        args = dict(self._task.args); args['data'] = {'wrapped': args.get('data')}
        result.update(self._execute_module(module_args=args, task_vars=task_vars))
        return result
