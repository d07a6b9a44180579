from __future__ import annotations
DOCUMENTATION = '''
name: audit
type: notification
short_description: writes all down
description: x
options:
  audit_prefix:
    description: p
    default: AUDIT
    ini: [{section: callback_audit, key: prefix}]
'''
import json
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'audit'

    def __init__(self):
        super().__init__()
        self.lines = []

    def out(self, *a):
        with open('events.txt', 'a') as f:
            f.write(' '.join([self.get_option('audit_prefix')] + [str(x) for x in a]) + '\n')

    def v2_playbook_on_start(self, playbook):
        self.out('start', playbook._file_name.rsplit('/', 1)[-1], len(playbook.get_plays()))

    def v2_playbook_on_play_start(self, play):
        self.play = play
        self.out('play', play.get_name(), play.hosts, sorted(play.get_variable_manager().extra_vars.items()), play.vars)

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.out('task', task.get_name(), task.name, task.action, json.dumps(task.args, sort_keys=True, default=str), task._role, sorted(task.tags), is_conditional, task.no_log, task.check_mode, task.get_path().rsplit('/', 1)[-1], type(task).__name__, task.when)

    def v2_playbook_on_handler_task_start(self, task):
        self.out('handler', task.get_name())

    def v2_runner_on_start(self, host, task):
        self.out('begin', host.get_name(), task.name)

    def res(self, what, r, **kw):
        d = {k: v for k, v in r._result.items() if k not in ('start', 'end', 'delta', 'invocation', 'ansible_facts', 'exception', '_ansible_delegated_vars')}
        self.out(what, r._host.get_name(), r._host.name, sorted(g.name for g in r._host.get_groups()), r._host.vars.get('color'), r.task_name, r._task.get_name(), r._task.action, r._task._role.get_name() if r._task._role else None,
                 r.is_changed(), r.is_failed(), r.is_skipped(), r.is_unreachable(), json.dumps(d, sort_keys=True), sorted(kw.items()))

    def v2_runner_on_ok(self, result):
        self.res('ok', result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.res('failed', result, ignore_errors=ignore_errors)

    def v2_runner_on_skipped(self, result):
        self.res('skipped', result)

    def v2_runner_on_unreachable(self, result):
        self.res('unreachable', result)

    def v2_runner_item_on_ok(self, result):
        self.res('item_ok', result)

    def v2_runner_item_on_failed(self, result):
        self.res('item_failed', result)

    def v2_runner_item_on_skipped(self, result):
        self.res('item_skipped', result)

    def v2_runner_retry(self, result):
        self.res('retry', result)

    def v2_playbook_on_include(self, inc):
        self.out('include', inc._filename.rsplit('/', 1)[-1], [h.name for h in inc._hosts])

    def v2_playbook_on_no_hosts_matched(self):
        self.out('nohosts')

    def v2_playbook_on_no_hosts_remaining(self):
        self.out('noremaining')

    def v2_playbook_on_stats(self, stats):
        pass
