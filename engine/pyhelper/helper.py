# The helper process of gorun: it runs plugins that are written in Python, with
# the Ansible that is installed. It is part of gorun.
#
# Frames are a size (4 bytes, big-endian) and JSON. gorun asks
# {"id": n, "op": ..., "a": {...}}; the answer is {"id": n, "v": value} or
# {"id": n, "err": {...}}. In between a plugin may ask gorun:
# {"cb": m, "id": n, "what": ..., "a": {...}}, answered by {"re": m, "v": ...}.
# {"ev": ..., "msg": ...} tells the user something.
import base64
import collections.abc
import datetime
import io
import json
import math
import os
import struct
import sys
import threading
import traceback

IN = os.fdopen(os.dup(0), 'rb')
OUT = os.fdopen(os.dup(1), 'wb')
# Whatever a plugin reads or prints must not get between the frames.
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)

write_lock = threading.Lock()
call_lock = threading.RLock()
waiting = {}
counter = [0]
local = threading.local()
SETUP = {}


def send(frame):
    data = json.dumps(frame).encode('utf-8', 'surrogateescape')
    with write_lock:
        OUT.write(struct.pack('>I', len(data)) + data)
        OUT.flush()


def receive():
    head = IN.read(4)
    if len(head) < 4:
        return None
    size = struct.unpack('>I', head)[0]
    return json.loads(IN.read(size).decode('utf-8'))


class GorunError(Exception):
    pass


def ask(what, **args):
    """Asks gorun in the name of the request that this thread works for."""
    with write_lock:
        counter[0] += 1
        number = counter[0]
    slot = {'done': threading.Event()}
    waiting[number] = slot
    send({'cb': number, 'id': local.request, 'what': what, 'a': encode(args)})
    slot['done'].wait()
    answer = slot['frame']
    if 'err' in answer:
        error = answer['err']
        if error.get('kind') == 'KeyError':
            raise KeyError(error.get('msg'))
        from ansible.errors import AnsibleError, AnsibleConnectionFailure
        if error.get('kind') == 'unreachable':
            raise AnsibleConnectionFailure(error.get('msg'))
        raise AnsibleError(error.get('msg'))
    return decode(answer.get('v'), True)


# Values. What JSON has no word for is {"$": kind, "v": ...}.

def encode(v):
    if v is None or v is True or v is False:
        return v
    if isinstance(v, bool):
        return bool(v)
    if isinstance(v, str):
        if type(v).__name__ == 'Markup':
            return {'$': 'markup', 'v': str(v)}
        if isinstance(v, Templated):
            return {'$': 'template', 'v': str(v)}
        if isinstance(v, Sealed):
            return {'$': 'vault', 'v': str(v)}
        return str(v).encode('utf-8', 'surrogatepass').decode('utf-8', 'replace')
    if isinstance(v, int):
        return int(v)
    if isinstance(v, float):
        if math.isnan(v) or math.isinf(v):
            return {'$': 'float', 'v': str(float(v))}
        return float(v)
    if isinstance(v, (bytes, bytearray)):
        return {'$': 'bytes', 'v': base64.b64encode(bytes(v)).decode('ascii')}
    if isinstance(v, datetime.datetime):
        return {'$': 'datetime', 'v': v.isoformat()}
    if isinstance(v, datetime.date):
        return {'$': 'date', 'v': v.isoformat()}
    if isinstance(v, datetime.timedelta):
        return {'$': 'timedelta', 'v': v.total_seconds()}
    if is_undefined(v):
        return {'$': 'undefined', 'v': undefined_name(v)}
    if isinstance(v, tuple):
        return {'$': 'tuple', 'v': [encode(e) for e in v]}
    if isinstance(v, (set, frozenset)):
        return {'$': 'set', 'v': [encode(e) for e in v]}
    if isinstance(v, collections.abc.Mapping):
        items = [(k, v[k]) for k in v]
        if all(isinstance(k, str) and k != '$' for k, e in items):
            return dict((str(k), encode(e)) for k, e in items)
        return {'$': 'dict', 'v': [[encode(k), encode(e)] for k, e in items]}
    if isinstance(v, collections.abc.Iterable):
        return [encode(e) for e in v]
    return str(v)


def decode(v, data=False):
    """data says that text without a mark is never to be templated."""
    if isinstance(v, str):
        return wrap(v) if data and ('{{' in v or '{%' in v) else v
    if isinstance(v, list):
        return [decode(e, data) for e in v]
    if not isinstance(v, dict):
        return v
    kind = v.get('$')
    if kind is None:
        return dict((k, decode(e, data)) for k, e in v.items())
    x = v.get('v')
    if kind == 'tuple':
        return tuple(decode(e, data) for e in x)
    if kind == 'set':
        return set(decode(e, data) for e in x)
    if kind == 'dict':
        return dict((decode(k, data), decode(e, data)) for k, e in x)
    if kind == 'bytes':
        return base64.b64decode(x)
    if kind == 'float':
        return float(x)
    if kind == 'datetime':
        return datetime.datetime.fromisoformat(x)
    if kind == 'date':
        return datetime.date.fromisoformat(x)
    if kind == 'timedelta':
        return datetime.timedelta(seconds=x)
    if kind == 'markup':
        from markupsafe import Markup
        return Markup(x)
    if kind == 'lazy':
        return LazyMap(decode(x, data))
    if kind == 'template':
        return trusted(x)
    if kind == 'vault':
        return unsealed(x)
    if kind == 'undefined':
        from jinja2 import StrictUndefined
        return StrictUndefined(name=x or None)
    return x


def trusted(text):
    """A text of the playbook, which may be templated."""
    try:
        from ansible.template import trust_as_template
    except ImportError:
        return text
    return trust_as_template(text)


def wrap(text):
    from ansible.utils.unsafe_proxy import wrap_var
    return wrap_var(text)


def is_undefined(v):
    from jinja2 import Undefined
    return isinstance(v, Undefined)


def undefined_name(v):
    return getattr(v, '_undefined_name', None) or ''


class LazyMap(collections.abc.MutableMapping):
    """Variables, or a view of them: each is fetched when somebody asks for it."""

    def __init__(self, path, raw=True):
        self.path = list(path)
        self.raw = raw  # templates are handed out as they are written
        self.own = {}
        self.gone = set()
        self.cache = {}
        self.names = None

    def __getitem__(self, key):
        if key in self.own:
            return self.own[key]
        if key in self.gone or not isinstance(key, str):
            raise KeyError(key)
        if key not in self.cache:
            self.cache[key] = ask('get', path=self.path + [key], raw=self.raw)
        return self.cache[key]

    def __setitem__(self, key, value):
        self.own[key] = value
        self.gone.discard(key)

    def __delitem__(self, key):
        self.own.pop(key, None)
        self.gone.add(key)

    def keys_there(self):
        if self.names is None:
            self.names = ask('keys', path=self.path)
        return [k for k in self.names if k not in self.own and k not in self.gone] + list(self.own)

    def __iter__(self):
        return iter(self.keys_there())

    def __len__(self):
        return len(self.keys_there())

    def __contains__(self, key):
        try:
            self[key]
        except KeyError:
            return False
        return True

    def copy(self):
        other = LazyMap(self.path, self.raw)
        other.own, other.gone, other.cache = dict(self.own), set(self.gone), dict(self.cache)
        return other

    def __deepcopy__(self, memo):
        return self.copy()


# What gorun asks for.

def op_setup(a):
    SETUP.update(a)
    import ansible.constants
    import ansible.utils.display
    import ansible.plugins.loader as loaders
    if hasattr(loaders, 'init_plugin_loader'):
        loaders.init_plugin_loader(a['collections'])
    quiet(ansible.utils.display.Display)
    display = ansible.utils.display.Display()
    display.verbosity, display.columns = a['verbosity'], a['columns']
    import ansible.utils.color
    ansible.utils.color.ANSIBLE_COLOR = a['color']
    sys.stdout, sys.stderr = Printer(False), Printer(True)
    from ansible import context
    from ansible.module_utils.common.collections import ImmutableDict
    context.CLIARGS = ImmutableDict(a['cli'])
    add_dirs(a['dirs'])
    patch_actions()
    from ansible.release import __version__
    return __version__


def quiet(display):
    """Messages go to gorun, which shows them."""
    def warning(self, msg, formatted=False, help_text=None, **more):
        send({'ev': 'warning', 'msg': str(msg) + (' ' + help_text if help_text else '')})

    def deprecated(self, msg, version=None, removed=False, date=None, collection_name=None, help_text=None, **more):
        when = {'version': version, 'date': date, 'removed': removed, 'collection_name': collection_name}
        try:
            text = self.get_deprecation_message(msg, **when)
        except Exception:
            text = str(msg)
        text = text.partition('DEPRECATION WARNING]: ')[2] or text
        text = text.partition(' Deprecation warnings can be disabled')[0].strip()
        send({'ev': 'deprecated', 'msg': text})

    def show(self, msg, color=None, stderr=False, screen_only=False, log_only=False, newline=True, **more):
        if not log_only:
            send({'ev': 'display', 'msg': str(msg), 'color': color or '', 'stderr': bool(stderr), 'nl': bool(newline)})

    def verbose(self, msg, host=None, caplevel=2, **more):
        send({'ev': 'verbose', 'msg': str(msg), 'level': caplevel + 1, 'host': host or ''})

    # Of a result's own messages gorun has sent the texts.
    for name, kind in (('_error', 'error'), ('_warning', 'warning'), ('_deprecated', 'deprecated')):
        if hasattr(display, name):
            setattr(display, name, of_result(getattr(display, name), kind))
    display.warning, display.deprecated, display.display = warning, deprecated, show
    display.verbose = verbose


def of_result(method, kind):
    shown = set()  # each error is shown once

    def tell(self, message, *args, **more):
        if isinstance(message, str) and kind == 'error':
            from ansible import constants
            if message in shown:
                return
            shown.add(message)
            self.display('[ERROR]: ' + message, color=constants.COLOR_ERROR, stderr=more.get('stderr', True))
        elif isinstance(message, str):
            send({'ev': kind, 'msg': message})
        else:
            method(self, message, *args, **more)
    return tell


class Printer(io.TextIOBase):
    """What plugins print, in order with what they tell otherwise."""

    def __init__(self, stderr):
        self.stderr = stderr

    def write(self, text):
        if text:
            send({'ev': 'print', 'msg': text, 'stderr': self.stderr})
        return len(text)

    def writable(self):
        return True

    def fileno(self):
        return 2


def add_dirs(dirs):
    import ansible.plugins.loader as loaders
    for kind, paths in dirs.items():
        loader = getattr(loaders, ('fragment' if kind == 'doc_fragments' else kind) + '_loader')
        for path in paths:
            loader.add_directory(path)


def op_dirs(a):
    add_dirs(a['dirs'])


def jinja_plugin(kind, name):
    import ansible.plugins.loader as loaders
    loader = loaders.filter_loader if kind == 'filter' else loaders.test_loader
    try:
        return loader.get(name)
    except KeyError:
        return None


def op_find(a):
    with call_lock:
        plugin = jinja_plugin(a['kind'], a['name'])
        if plugin is None:
            return None
        return os.path.realpath(getattr(plugin, '_original_path', None) or '')


def op_call(a):
    with call_lock:
        plugin = jinja_plugin(a['kind'], a['name'])
        function = getattr(plugin, 'j2_function', plugin)
        args = list(a['args'])
        wants = str(getattr(function, 'jinja_pass_arg', ''))
        if wants:
            variables = LazyMap([], raw=False)
            templar = templar_of(variables)
            env = getattr(templar, '_engine', templar).environment
            if wants.endswith('environment'):
                args.insert(0, env)
            elif wants.endswith('eval_context'):
                from jinja2.nodes import EvalContext
                args.insert(0, EvalContext(env))
            else:
                args.insert(0, env.context_class(env, variables, 'gorun', {}))
        return function(*args, **a['kwargs'])


def data_loader(basedir):
    from ansible.parsing.dataloader import DataLoader
    loader = DataLoader()
    loader.set_basedir(basedir)
    set_secrets(loader)
    return loader


def templar_of(variables, loader=None):
    from ansible.template import Templar
    return Templar(loader=loader or data_loader(SETUP['basedir']), variables=variables)


def op_lookup(a):
    from ansible.errors import AnsibleError
    from ansible.plugins.loader import lookup_loader
    loader = data_loader(a['basedir'])
    variables = LazyMap([])
    plugin = lookup_loader.get(a['name'], loader=loader, templar=templar_of(variables, loader))
    if plugin is None:
        raise AnsibleError("lookup plugin (%s) not found" % a['name'])
    found = plugin.run(a['terms'], variables=variables, **a['kwargs'])
    return list(found) if found is not None else None


# Action plugins.

def patch_actions():
    from ansible.plugins.action import ActionBase

    def execute_module(self, module_name=None, module_args=None, tmp=None, task_vars=None, persist_files=False,
                       delete_remote_tmp=None, wrap_async=False, ignore_unknown_opts=False):
        name = module_name or self._task.action
        args = self._task.args if module_args is None else module_args
        args = dict((k, v) for k, v in args.items() if not str(k).startswith('_ansible_'))
        if self._task.check_mode and not self._supports_check_mode:
            from ansible.errors import AnsibleError
            raise AnsibleError("check mode is not supported for this operation")
        result = ask('module', name=name, args=args, check=bool(self._task.check_mode), diff=bool(self._task.diff),
                   wrap_async=bool(wrap_async), ignore_unknown_opts=bool(ignore_unknown_opts))
        for stream in ('stdout', 'stderr'):
            if stream in result and stream + '_lines' not in result:
                result[stream + '_lines'] = (result[stream] or '').splitlines()
        return result

    ActionBase._execute_module = execute_module


def connection(play_context):
    from ansible.plugins.connection import ConnectionBase

    class Connection(ConnectionBase):
        """Runs commands and moves files through gorun's connection."""
        transport = play_context.connection
        has_pipelining = True
        _connected = True

        def _connect(self):
            return self

        def exec_command(self, cmd, in_data=None, sudoable=True):
            data = in_data.encode('utf-8') if isinstance(in_data, str) else in_data
            answer = ask('exec', cmd=cmd if isinstance(cmd, str) else cmd.decode('utf-8'), stdin=data, sudoable=sudoable)
            return answer['rc'], answer['stdout'], answer['stderr']

        def put_file(self, in_path, out_path):
            ask('put', src=text_of(in_path), dest=text_of(out_path))

        def fetch_file(self, in_path, out_path):
            ask('fetch', src=text_of(in_path), dest=text_of(out_path))

        def close(self):
            pass

        def reset(self):
            ask('reset')

    conn = Connection(play_context, None)
    conn._load_name = 'gorun'
    for name, value in SETUP.get('connection', {}).items():
        setattr(conn, name, value)
    return conn


def text_of(path):
    return path.decode('utf-8') if isinstance(path, bytes) else str(path)


def op_action(a):
    import ansible.plugins.loader as loaders
    from ansible.errors import AnsibleError
    from ansible.playbook.play_context import PlayContext
    from ansible.playbook.task import Task

    task = Task()
    for name in ('action', 'args', 'check_mode', 'diff', 'no_log', 'environment', 'async_val'):
        setattr(task, name, a[name])
    keywords = dict(a['keywords'])
    path, role = keywords.pop('path', None), keywords.pop('role', None)
    for name, value in keywords.items():
        put(task, name, value)
    task.get_path = lambda: path
    task._role = Role(role) if role else None
    task.get_search_path = lambda: list(a['search_path'])
    try:
        task.resolved_action = a['action']
    except AttributeError:
        pass  # derived from the action there
    loader = data_loader(a['basedir'])
    variables = LazyMap([])
    context = PlayContext()
    for name, value in a['context'].items():
        try:
            setattr(context, name, value)
        except AttributeError:
            pass
    conn = connection(context)
    if getattr(conn, '_shell', None) is not None:
        try:
            conn._shell.set_options(var_options={}, direct={'remote_tmp': a['remote_tmp'], 'environment': []})
        except Exception:
            conn._shell.set_options(var_options={})
    action = loaders.action_loader.get(
        a['plugin'], task=task, connection=conn, play_context=context, loader=loader,
        templar=templar_of(variables, loader), shared_loader_obj=loaders, collection_list=a['collections'] or None)
    if action is None:
        raise AnsibleError("couldn't resolve module/action '%s'." % a['plugin'])
    try:
        result = action.run(task_vars=variables)
    except Exception as e:
        own = getattr(e, 'result', None)
        if type(e).__name__ not in ('AnsibleActionFail', 'AnsibleActionSkip', 'AnsibleAction', '_AnsibleActionDone', 'AnsibleModuleFail'):
            raise
        result = dict(own() if callable(own) else own or {})
        result.setdefault('msg', str(e))
        result.setdefault('skipped' if type(e).__name__ == 'AnsibleActionSkip' else 'failed', True)
    finally:
        try:
            action.cleanup()
        except Exception:
            pass
    marks = [k for k in ('_ansible_no_log', '_ansible_verbose_always') if result.get(k)]
    result = dict((k, v) for k, v in result.items() if not str(k).startswith('_ansible_'))
    return {'result': result, 'marks': marks}


OPS = {'setup': op_setup, 'dirs': op_dirs, 'find': op_find, 'call': op_call, 'lookup': op_lookup, 'action': op_action}


def serve(frame):
    local.request = frame['id']
    try:
        value = encode(OPS[frame['op']](decode(frame.get('a') or {})))
        send({'id': frame['id'], 'v': value})
    except BaseException as e:
        names = [c.__name__ for c in type(e).__mro__]
        send({'id': frame['id'], 'err': {
            'kind': type(e).__name__, 'ansible': 'AnsibleError' in names, 'unreachable': 'AnsibleConnectionFailure' in names,
            'class': type(e).__module__ + '.' + type(e).__qualname__ if type(e).__module__ != 'builtins' else type(e).__qualname__,
            'msg': str(getattr(e, 'message', None) or e), 'trace': traceback.format_exc()}})


def main():
    while True:
        frame = receive()
        if frame is None:
            os._exit(0)
        if 're' in frame:
            slot = waiting.pop(frame['re'], None)
            if slot is not None:
                slot['frame'] = frame
                slot['done'].set()
            continue
        threading.Thread(target=serve, args=(frame,), daemon=True).start()
