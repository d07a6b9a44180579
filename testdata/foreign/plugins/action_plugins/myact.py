from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    TRANSFERS_FILES = True
    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        what = self._task.args.get('what')
        result['templated'] = self._templar.template(self._task.args.get('raw_name', 'x')) 
        result['host'] = task_vars['inventory_hostname']
        result['avar'] = task_vars.get('avar')
        result['has'] = 'nosuchvar' in task_vars
        m = self._execute_module(module_name='ansible.legacy.stat', module_args={'path': '/etc/hostname'}, task_vars=task_vars)
        result['stat_exists'] = m['stat']['exists']
        c = self._low_level_execute_command('echo low; echo err >&2; exit 3')
        result['low'] = [c['rc'], c['stdout'], c['stderr']]
        f = self._execute_module(module_name='nocheck', module_args={'data': [1]}, task_vars=task_vars)
        result['foreign'] = f['hello']
        tmpdir = self._make_tmp_path()
        p = self._connection._shell.join_path(tmpdir, 'f')
        self._transfer_data(p, 'content of it')
        c = self._low_level_execute_command('cat ' + p)
        result['moved'] = c['stdout']
        result['home'] = self._remote_expand_user('~').startswith('/')
        result['sum'] = self._execute_remote_stat(p, all_vars=task_vars, follow=False)['checksum']
        result['needle'] = self._find_needle('files', 'needle.txt').endswith('files/needle.txt')
        result['changed'] = True
        return result
