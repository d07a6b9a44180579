from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'unchosen'
    CALLBACK_NEEDS_ENABLED = True
    REFUSED = True
    count = 0

    def v2_on_any(self, *args, **kwargs):
        self.count += 1

    def v2_playbook_on_play_start(self, play):
        with open('events.txt', 'a') as f:
            f.write('unchosen heard of events: %s\n' % (self.count > 0))
        raise ValueError('a callback that fails does no harm')
