from ansible.plugins.action import ActionBase
from ansible.errors import AnsibleActionFail, AnsibleActionSkip, AnsibleError
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super(ActionModule, self).run(tmp, task_vars)
        how = self._task.args['how']
        if how == 'fail': raise AnsibleActionFail('failing')
        if how == 'skip': raise AnsibleActionSkip('skipping')
        if how == 'error': raise AnsibleError('an error')
        raise ValueError('some value')
