#!/usr/bin/python3
"""Runs the cases of NAME/cases.yml under real Ansible and records what it
answered and left as NAME/CASE.txtar: record.py [NAME | NAME/CASE...]

It needs ansible-core and root. Every case runs in its own folder: once in
check mode, once for real, and once more. See modules/moduletest for the form.
"""
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings

import yaml

warnings.simplefilter('ignore')
import ansible.module_utils.basic as basic
from ansible.release import __version__

HERE = os.path.dirname(os.path.abspath(__file__))
BACKUP = re.compile(r'\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~')


def python_name(name):
    for prefix in ('ansible.modules', 'ansible_collections.ansible.posix.plugins.modules',
                   'ansible_collections.community.general.plugins.modules'):
        full = prefix + '.' + name
        try:
            if importlib.util.find_spec(full):
                return full
        except ModuleNotFoundError:
            pass
    raise SystemExit('no module ' + name)


def run(name, args, check, env=None):
    """Runs a module in a child process and returns its result."""
    args = dict(args, _ansible_check_mode=check, _ansible_diff=True, _ansible_module_name=name)
    if name == 'shell':
        args['_uses_shell'] = True
        name = 'command'
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(w, 1)
        os.environ.update(env or {})
        devnull = os.open(os.devnull, os.O_RDWR)
        os.dup2(devnull, 0)
        basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': args}).encode()
        basic._ANSIBLE_PROFILE = 'legacy'  # today's ansible-core asks for it
        sys.argv = ['ansible-module']
        try:
            importlib.import_module(python_name(name)).main()
        except SystemExit:
            pass
        except BaseException as e:
            if sys.excepthook is not sys.__excepthook__:
                try:
                    sys.excepthook(type(e), e, e.__traceback__)
                except SystemExit:
                    pass
            else:
                print(json.dumps({'failed': True, 'EXC': repr(e)}))
        sys.stdout.flush()
        os._exit(0)
    os.close(w)
    data = b''
    while True:
        part = os.read(r, 65536)
        if not part:
            break
        data += part
    os.close(r)
    os.waitpid(pid, 0)
    result = json.loads(data)
    for key in ('invocation', 'exception', '_ansible_new_secrets'):
        result.pop(key, None)
    return result


def tree(top):
    lines, after = [], {}
    for folder, dirs, files in os.walk(top):
        for n in dirs + files:
            path = os.path.join(folder, n)
            rel = os.path.relpath(path, top)
            st = os.lstat(path)
            mode = '%04o' % (st.st_mode & 0o7777)
            if n.endswith('.git') and os.path.isdir(path):
                lines.append('d .... ' + rel)
                continue
            if os.path.islink(path):
                lines.append('l .... %s -> %s' % (rel, os.readlink(path).replace(top, '$DIR')))
            elif os.path.isdir(path):
                lines.append('d %s %s' % (mode, rel))
            elif os.path.isfile(path):
                lines.append(BACKUP.sub('.BACKUP~', 'f %s %s' % (mode, rel)))
                try:
                    text = open(path, newline='').read().replace(top, '$DIR')
                    if st.st_size < 4096 and text.isascii() and text.replace('\n', '').isprintable() and '\n-- ' not in '\n' + text \
                            and (text == '' or text.endswith('\n')):
                        after[BACKUP.sub('.BACKUP~', rel)] = text
                except (UnicodeDecodeError, OSError):
                    pass
            else:
                lines.append('o %s %s' % (mode, rel))
        dirs[:] = [d for d in dirs if not d.endswith('.git') and not os.path.islink(os.path.join(folder, d))]
    return ''.join(sorted(l + '\n' for l in lines)), after


def record(name, case):
    base = tempfile.mkdtemp(prefix='record')
    top = os.path.join(base, 'case')
    os.mkdir(top)
    os.chdir(top)
    env = dict(os.environ, DIR=top, GIT_CONFIG_GLOBAL='/dev/null', LC_ALL='C', TZ='UTC')
    os.environ['GIT_CONFIG_GLOBAL'] = '/dev/null'
    own = {k: v.replace('$DIR', top).replace('$PATH', os.environ['PATH']) for k, v in (case.get('env') or {}).items()}
    env.update(own)
    subprocess.run(['/bin/sh', '-e'], input='umask 022\n' + (case.get('setup') or ''), text=True, env=env, check=True, cwd=top)
    args_text = json.dumps(case.get('args') or {}, indent=1)
    args = json.loads(args_text.replace('$DIR', top))
    flags = set((case.get('flags') or '').split())

    def show(result):
        text = json.dumps(result, indent=1, sort_keys=True).replace(top, '$DIR')
        return BACKUP.sub('.BACKUP~', text) + '\n'

    parts = [('args', args_text + '\n')]
    if case.get('setup'):
        parts.append(('setup', case['setup'].rstrip('\n') + '\n'))
    if case.get('env'):
        parts.append(('env', ''.join('%s=%s\n' % kv for kv in case['env'].items())))
    if flags:
        parts.append(('flags', ' '.join(sorted(flags)) + '\n'))
    if case.get('differs'):
        parts.append(('differs', ''.join('%s: %s\n' % kv for kv in case['differs'].items())))
    checked = {}
    if 'nocheck' not in flags:
        checked = run(name, args, True, own)
        parts.append(('check', show(checked)))
    result = run(name, args, False, own)
    if 'EXC' in result or 'EXC' in checked:
        # What Ansible crashes on is no model for anybody.
        os.chdir('/')
        shutil.rmtree(base)
        print('%s: %s: left out, Ansible crashes: %s' % (name, case['name'], result.get('EXC') or checked['EXC']))
        return
    parts.append(('result', show(result)))
    if case.get('probe'):
        seen = subprocess.run(['/bin/sh', '-e'], input=case['probe'], text=True, env=env, cwd=top, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        parts += [('probe', case['probe'].rstrip('\n') + '\n'), ('probed', seen.stdout.replace(top, '$DIR'))]
    lines, after = tree(top)
    if 'notree' not in flags:
        parts.append(('tree', lines))
    if 'noagain' not in flags and not result.get('failed'):
        parts.append(('again', show(run(name, args, False, own))))
    if 'notree' not in flags:
        parts += [('after/' + n, t) for n, t in sorted(after.items()) if not n.startswith('src/') and '\n' not in n]
    os.chdir('/')
    shutil.rmtree(base)
    out = 'recorded with ansible-core %s\n' % __version__
    for n, t in parts:
        out += '-- %s --\n%s' % (n, t)
    with open(os.path.join(HERE, name, case['name'] + '.txtar'), 'w') as f:
        f.write(out)


def main():
    names = sys.argv[1:] or sorted(n for n in os.listdir(HERE) if os.path.exists(os.path.join(HERE, n, 'cases.yml')))
    count = 0
    for name in names:
        name, _, only = name.partition('/')
        os.umask(0o022)
        with open(os.path.join(HERE, name, 'cases.yml')) as f:
            for i, case in enumerate(yaml.safe_load(f)):
                if only and case['name'] != only:
                    continue
                try:
                    record(name, case)
                except Exception as e:
                    print('%s: case %s (%s): %r' % (name, i, case.get('name'), e))
                count += 1
    print('%d cases recorded with ansible-core %s' % (count, __version__))


main()
