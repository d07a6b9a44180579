#!/usr/bin/python3
"""Writes what the modules named on standard input, one a line, accept with the
ansible-core that is installed: record.py <names.txt >2.14.json

Two sources are asked: the argument spec that the module gives to AnsibleModule
(it is stopped there: nothing runs), and its documentation, for version_added
and for options that an action plugin takes out. A name that this ansible does
not have is left out.
"""
import importlib
import json
import os
import subprocess
import sys
import warnings

warnings.simplefilter('ignore')
import ansible.module_utils.basic as basic
from ansible.release import __version__

RULES = ('mutually_exclusive', 'required_together', 'required_one_of', 'required_if', 'required_by', 'supports_check_mode',
         'add_file_common_args')


class Stop(BaseException):
    pass


def plain(value):
    """A value as JSON has it: tuples and sets become lists, callables nothing."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(v) for v in value)
    if callable(value):
        return 'callable'
    return value


def options(spec):
    out = {}
    for name, o in sorted(spec.items()):
        one = {'type': o.get('type') or 'str'}
        if callable(one['type']):
            one['type'] = o['type'].__name__
        for key in ('default', 'choices', 'aliases', 'required', 'elements', 'no_log', 'apply_defaults', 'removed_in_version'):
            if o.get(key) not in (None, False, [], ()) or key == 'default' and o.get(key) is not None:
                one[key] = plain(o[key])
        if o.get('fallback'):
            one['env'] = plain(o['fallback'][1:])
        if o.get('options'):
            one['options'] = options(o['options'])
        rules_of(o, one)
        out[name] = one
    return out


def rules_of(source, into):
    for key in RULES:
        if source.get(key):
            into[key] = plain(source[key])


def python_name(filename):
    """The module's name for import; a module may have moved to another collection."""
    parts = filename[:-len('.py')].split('/')
    for top in ('ansible_collections', 'ansible'):
        if top in parts:
            return '.'.join(parts[parts.index(top):])
    raise ValueError(filename)


def argument_spec(filename):
    caught = {}

    def init(self, argument_spec, **kwargs):
        spec = dict(argument_spec)
        if kwargs.get('add_file_common_args'):
            spec = dict(basic.FILE_COMMON_ARGUMENTS, **spec)
        caught['options'] = options(spec)
        rules_of(kwargs, caught)
        raise Stop()

    basic.AnsibleModule.__init__ = init
    basic._ANSIBLE_ARGS = b'{"ANSIBLE_MODULE_ARGS": {}}'
    try:
        importlib.import_module(python_name(filename)).main()
    except Stop:
        pass
    except BaseException as e:
        print('%s: no argument spec: %r' % (filename, e), file=sys.stderr)
    return caught


def doc_options(given):
    out = {}
    for name, o in sorted((given or {}).items()):
        one = {'type': o.get('type') or 'str'}
        for key in ('default', 'choices', 'aliases', 'required', 'elements', 'version_added'):
            if o.get(key) not in (None, False, []) or key == 'default' and o.get(key) is not None:
                one[key] = o[key]
        if isinstance(one.get('choices'), dict):
            one['choices'] = sorted(one['choices'])
        if o.get('suboptions'):
            one['options'] = doc_options(o['suboptions'])
        out[name] = one
    return out


def main():
    names = [n.split()[0] for n in sys.stdin if n.split()]
    found = {}
    for name in names:
        r = subprocess.run(['ansible-doc', '-j', name], capture_output=True, text=True, check=False)
        doc = json.loads(r.stdout or '{}').get(name, {}).get('doc')
        if not doc:
            print('%s: not here' % name, file=sys.stderr)
            continue
        found[name] = {'doc': doc_options(doc.get('options')), 'attributes': {
            k: v.get('support') for k, v in (doc.get('attributes') or {}).items() if k in ('check_mode', 'diff_mode')}}
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(r)
            with os.fdopen(w, 'w') as f:
                json.dump(argument_spec(doc['filename']), f)
            os._exit(0)
        os.close(w)
        with os.fdopen(r) as f:
            found[name].update(json.load(f))
        os.waitpid(pid, 0)
    print('{"recorded with": "ansible-core %s",' % __version__)
    print('"modules": {')
    print(',\n'.join('%s: {\n%s\n}' % (json.dumps(n), ',\n'.join(lines(m))) for n, m in sorted(found.items())))
    print('}}')


def lines(m):
    """A module as lines of JSON: one an option."""
    out = []
    for key in sorted(m):
        if key in ('options', 'doc'):
            inner = ',\n'.join('  %s: %s' % (json.dumps(k), json.dumps(v, sort_keys=True)) for k, v in sorted(m[key].items()))
            out.append(' %s: {\n%s}' % (json.dumps(key), inner))
        else:
            out.append(' %s: %s' % (json.dumps(key), json.dumps(m[key], sort_keys=True)))
    return out


main()
