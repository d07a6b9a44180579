

# Callback plugins: gorun sends each event, and they get Ansible's own hosts,
# tasks, plays and statistics, made of what gorun says.

PLUGINS = []  # the stdout callback first
HOSTS = {}
TASKS = {}
PLAYS = {}
CLASSES = {}


def op_callbacks(a):
    """Loads the callback plugins; answers which events they want."""
    import ansible
    from ansible.errors import AnsibleError
    from ansible.plugins.loader import callback_loader
    from ansible.utils.display import Display
    display = Display()
    shipped = os.path.join(os.path.dirname(ansible.__file__), 'plugins', 'callback') + os.sep
    chosen = []
    if a['stdout']:
        plugin = callback_loader.get(a['stdout'], class_only=True)
        if plugin is None:
            raise AnsibleError('Invalid callback for stdout specified: %s' % a['stdout'])
        chosen.append((a['stdout'], plugin))
    rest = []
    if a['others']:
        rest = [c for c in callback_loader.all(class_only=True) if not str(getattr(c, '_original_path', '')).startswith(shipped)]
        for name in a['enabled']:
            plugin = callback_loader.get(name, class_only=True)
            if plugin is None:
                display.warning("Skipping callback plugin '%s', unable to load" % name)
            elif plugin not in rest:
                rest.append(plugin)
    for plugin in rest:
        names = getattr(plugin, '_redirected_names', [])
        name = names[0] if names else os.path.splitext(os.path.basename(plugin._original_path))[0]
        needs = getattr(plugin, 'CALLBACK_NEEDS_ENABLED', getattr(plugin, 'CALLBACK_NEEDS_WHITELIST', False))
        if any(plugin is c for n, c in chosen):
            continue
        if getattr(plugin, 'CALLBACK_TYPE', '') == 'stdout':
            display.vv("Skipping callback '%s', as we already have a stdout callback." % name)
        elif not needs or name in a['listed']:
            chosen.append((name, plugin))
    for name, plugin in chosen:
        try:
            made = plugin()
            if not is_old():
                made._init_callback_methods()
            made.set_options()
        except Exception as e:
            if name == a['stdout']:
                raise
            display.warning("Skipping callback '%s', unable to load due to: %s" % (name, e))
            continue
        PLUGINS.append(made)
    return {'count': len(PLUGINS), 'stdout': bool(a['stdout']), 'wants': sorted(e for e in EVENTS if any(wants(p, e) for p in PLUGINS))}


EVENTS = (
    'v2_playbook_on_start', 'v2_playbook_on_play_start', 'v2_playbook_on_no_hosts_matched', 'v2_playbook_on_no_hosts_remaining',
    'v2_playbook_on_task_start', 'v2_playbook_on_handler_task_start', 'v2_playbook_on_include', 'v2_playbook_on_notify',
    'v2_playbook_on_stats', 'v2_on_file_diff', 'v2_runner_on_start', 'v2_runner_on_ok', 'v2_runner_on_failed',
    'v2_runner_on_skipped', 'v2_runner_on_unreachable', 'v2_runner_on_async_poll', 'v2_runner_on_async_ok',
    'v2_runner_on_async_failed', 'v2_runner_item_on_ok', 'v2_runner_item_on_failed', 'v2_runner_item_on_skipped', 'v2_runner_retry',
)


def wants(plugin, event):
    """Whether a plugin does anything when an event comes."""
    from ansible.plugins.callback import CallbackBase
    old = event.replace('v2_', '', 1)
    for name in (event, old, 'v2_on_any', 'on_any'):
        mine = getattr(type(plugin), name, None) or plugin.__dict__.get(name)
        if mine is not None and mine is not getattr(CallbackBase, name, None):
            return True
    return False


def class_of(name):
    """Ansible's classes, with what gorun knows of an object instead of where Ansible looks."""
    if name in CLASSES:
        return CLASSES[name]
    from ansible.playbook.handler import Handler
    from ansible.playbook.play import Play
    from ansible.playbook.playbook_include import PlaybookInclude  # noqa: F401 (imports the rest in order)
    from ansible.playbook import Playbook
    from ansible.playbook.task import Task
    from ansible.playbook.task_include import TaskInclude

    def task_class(base):
        class Own(base):
            def get_path(self):
                return self._gorun['path'] or None

            def get_name(self, include_role_fqcn=True):
                return self._gorun['shown']

            def get_search_path(self):
                return [SETUP['basedir']]

            def get_first_parent_include(self):
                return None

            def all_parents_static(self):
                return True

        Own.__name__, Own.__qualname__ = base.__name__, base.__qualname__
        return Own

    class OwnPlay(Play):
        def get_path(self):
            return self._gorun['path'] or None

        def get_variable_manager(self):
            return Variables()

    class OwnPlaybook(Playbook):
        """The plays are read when a plugin asks for them."""
        _read = None

        @property
        def _entries(self):
            if self._read is None:
                from ansible.parsing.dataloader import DataLoader
                from ansible.vars.manager import VariableManager
                loader = data_loader(self._basedir)
                self._read = Playbook.load(self._file_name, variable_manager=VariableManager(loader=loader), loader=loader)._entries
            return self._read

        @_entries.setter
        def _entries(self, value):
            pass

    OwnPlay.__name__, OwnPlaybook.__name__ = 'Play', 'Playbook'
    CLASSES.update(task=task_class(Task), handler=task_class(Handler), include=task_class(TaskInclude), play=OwnPlay, playbook=OwnPlaybook)
    return CLASSES[name]


class Variables:
    """What plugins ask a play's variable manager for."""

    @property
    def extra_vars(self):
        return SETUP.get('extra_vars') or {}

    _extra_vars = extra_vars

    def get_vars(self, play=None, host=None, task=None, **more):
        found = dict(self.extra_vars) if host is None else dict(LazyMap([host.name]))
        if play is not None:
            found.setdefault('ansible_play_name', play.get_name())
        return found


class Role:
    """The role of a task."""

    def __init__(self, role):
        self._role_name, self._role_path, self._fqcn = role['name'], role['path'], role['fqcn']
        self._role_collection = role['collection'] or None
        self._uuid = role['path']
        self._metadata, self._parents = None, []

    def get_name(self, include_role_fqcn=True):
        return self._fqcn if include_role_fqcn else self._role_name

    def __str__(self):
        return self.get_name()

    __repr__ = __str__


def host_of(name):
    if name not in HOSTS:
        from ansible.inventory.host import Host
        HOSTS[name] = Host(name)
    return HOSTS[name]


class Parent:
    """What stands around a task."""

    def __init__(self, play):
        self._play, self._parent = play, None

    def get_play(self):
        return self._play


def put(thing, name, value):
    try:
        setattr(thing, name, value)
    except AttributeError:
        pass  # this release derives it


def task_of(a):
    known = TASKS.get(a['uuid'])
    if known is None:
        spec = a['spec']
        known = TASKS[a['uuid']] = class_of(spec['class'])()
        for name, value in spec['fields'].items():
            put(known, name, value)
        put(known, 'resolved_action', spec['resolved'])
        put(known, '_uuid', a['uuid'])
        known._gorun = spec
        known._role = Role(spec['role']) if spec['role'] else None
        play = PLAYS.get(spec['play'])
        known._parent = Parent(play)
        put(known, 'play', play)
    known.name = a['name']
    known._gorun['shown'] = a['shown']
    known.no_log, known.check_mode = a['no_log'], a['check_mode']
    return known


def result_of(a):
    from ansible.executor import task_result
    host, task = host_of(a['host']), task_of(a['task'])
    fields = dict(a['task']['spec_fields'], name=a['task']['name'], ignore_errors=a['ignore_errors'], ignore_unreachable=a['ignore_unreachable'])
    if a['args'] is not None:
        fields['args'] = a['args']
    data = a['data']
    if not hasattr(task_result, 'CallbackTaskResult'):
        result = task_result.TaskResult(host, task, data, fields)
        short = result.clean_copy()
        return short
    data = shown_now(data)
    if a['error']:
        data.setdefault('exception', '(traceback unavailable)')
    outcome = outcome_class()(host, task, fields, data)
    outcome._problem = a['error']
    return outcome


def is_old():
    """Whether the release is one before 2.19."""
    from ansible.plugins.callback import CallbackBase
    return not hasattr(CallbackBase, '_init_callback_methods')


def shown_now(data):
    """A result without the marks that newer releases leave out."""
    data = dict((k, v) for k, v in data.items() if k not in ('failed', 'skipped') and not (k == '_ansible_no_log' and not v))
    if isinstance(data.get('results'), list):
        data['results'] = [shown_now(r) if isinstance(r, dict) else r for r in data['results']]
    return data


def outcome_class():
    """The result of a task as newer releases have it."""
    if 'outcome' in CLASSES:
        return CLASSES['outcome']
    from ansible.executor.task_result import CallbackTaskResult

    class Outcome(CallbackTaskResult):
        def __init__(self, host, task, fields, data):
            self._own, self._event = (host, task, fields, data), ''

        host = _host = property(lambda self: self._own[0])
        task = _task = property(lambda self: self._own[1])
        task_fields = _task_fields = property(lambda self: self._own[2])
        result = _result = property(lambda self: self._own[3])
        _problem = None
        exception = property(lambda self: self._problem)
        warnings = property(lambda self: self._own[3].get('warnings') or ())
        deprecations = property(lambda self: [d['msg'] for d in self._own[3].get('deprecations') or () if isinstance(d, dict)])
        task_name = property(lambda self: self._own[1].get_name())

        def _has(self, key):
            if key in self._own[3]:
                return bool(self._own[3][key])
            return any(isinstance(r, dict) and r.get(key) for r in self._own[3].get('results') or ())

        def is_changed(self):
            return self._has('changed')

        def is_skipped(self):
            return self._event == 'v2_runner_on_skipped' or self._event == 'v2_runner_item_on_skipped'

        def is_failed(self):
            return self._event in ('v2_runner_on_failed', 'v2_runner_item_on_failed', 'v2_runner_retry')

        def is_unreachable(self):
            return self._event == 'v2_runner_on_unreachable'

    Outcome.__name__ = 'CallbackTaskResult'
    CLASSES['outcome'] = Outcome
    return Outcome


class Included:
    """A file that a dynamic include brings."""

    def __init__(self, a):
        self._filename, self._args, self._vars = a['file'], {}, {}
        self._hosts = [host_of(h) for h in a['hosts']]
        self._task, self._is_role = None, False
        if a['item']:
            self._vars = {'item': a['item']}


def playbook_of(a):
    book = class_of('playbook').__new__(class_of('playbook'))
    book._file_name, book._basedir, book._loader = a['file'], a['basedir'], None
    return book


def play_of(a):
    play = class_of('play')()
    for name, value in a['fields'].items():
        put(play, name, value)
    put(play, '_uuid', a['uuid'])
    play._gorun = a
    PLAYS[a['uuid']] = play
    return play


def stats_of(a):
    from ansible.executor.stats import AggregateStats
    stats = AggregateStats()
    for name in ('processed', 'failures', 'ok', 'dark', 'changed', 'skipped', 'rescued', 'ignored', 'custom'):
        setattr(stats, name, a[name])
    return stats


def arguments(event, a):
    """The arguments of an event's method."""
    if event == 'v2_playbook_on_start':
        return [playbook_of(a)], {}
    if event == 'v2_playbook_on_play_start':
        return [play_of(a)], {}
    if event == 'v2_playbook_on_stats':
        return [stats_of(a)], {}
    if event == 'v2_playbook_on_task_start':
        return [task_of(a['task'])], {'is_conditional': False}
    if event == 'v2_playbook_on_handler_task_start':
        return [task_of(a['task'])], {}
    if event == 'v2_runner_on_start':
        return [host_of(a['host']), task_of(a['task'])], {}
    if event == 'v2_playbook_on_notify':
        handler = class_of('handler')()
        handler.name, handler._gorun = a['handler'], {'path': '', 'shown': a['handler']}
        return [handler, host_of(a['host'])], {}
    if event == 'v2_playbook_on_include':
        return [Included(a)], {}
    if event.startswith('v2_playbook_on_no_hosts'):
        return [], {}
    if event == 'v2_runner_on_failed':
        return [result_of(a)], {'ignore_errors': a['ignore_errors'] or (None if is_old() else False)}
    return [result_of(a)], {}


def op_event(a):
    """Tells the plugins of an event."""
    event = a['event']
    if a.get('state') is not None:
        data, before = inventory_of(a['state'])
        for name, host in data.hosts.items():
            if name in HOSTS:  # those that plugins hold go on
                HOSTS[name].vars, HOSTS[name].groups = host.vars, host.groups
            else:
                HOSTS[name] = host
    if a.get('extra_vars') is not None:
        SETUP['extra_vars'] = a['extra_vars']
    args, more = arguments(event, a['a'])
    if args and hasattr(args[0], '_event'):
        args[0]._event = event
    if event == 'v2_playbook_on_play_start':
        tell_context(a['a'])
    from ansible.utils.display import Display
    for plugin in PLUGINS:
        if getattr(plugin, 'disabled', False):
            continue
        if args and hasattr(args[0], '_event'):
            plugin._current_task_result = args[0]  # where newer releases take its messages from
        for name in (event, 'v2_on_any'):
            method = getattr(plugin, name, None) or getattr(plugin, name.replace('v2_', '', 1), None)
            if method is None:
                continue
            try:
                method(*args, **more)
            except Exception as e:
                if is_old():
                    Display().warning('Failure using method (%s) in callback plugin (%s): %s' % (event, plugin, e))
                else:
                    name = str(getattr(plugin, 'ansible_name', plugin)).replace('ansible.legacy.', '')
                    Display().warning('Callback dispatch %r failed for plugin %r: %s' % (event, name, e))
                Display().vvv('Callback Exception: \n' + ' '.join(traceback.format_tb(sys.exc_info()[2])))


def tell_context(a):
    from ansible.playbook.play_context import PlayContext
    context = PlayContext()
    for name, value in a['context'].items():
        put(context, name, value)
    for plugin in PLUGINS:
        if not getattr(plugin, 'disabled', False) and hasattr(plugin, 'set_play_context'):
            plugin.set_play_context(context)


OPS['callbacks'], OPS['event'] = op_callbacks, op_event
