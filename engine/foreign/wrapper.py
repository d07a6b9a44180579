# Runs the module of this archive: its arguments come as JSON on the standard
# input. It is part of gorun; it has to run under Python 2.7 too.
import os
import sys


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    # The folder that this file is in comes first; the working folder never
    # counts, or a file there could stand in for a library.
    sys.path = [here] + [p for p in sys.path if p not in ('', '.', here)]
    try:
        os.getcwd()
    except OSError:
        try:
            os.chdir(os.path.expanduser('~'))
        except OSError:
            os.chdir('/')
    stdin = getattr(sys.stdin, 'buffer', sys.stdin)
    params = stdin.read()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    if sys.version_info[0] >= 3:
        sys.stdin = open(0, closefd=False)

    from gorun_module import NAME
    try:
        from ansible.module_utils._internal._ansiballz import _loader as loader
    except ImportError:
        try:
            from ansible.module_utils._internal import _ansiballz as loader
        except ImportError:
            loader = None
    if loader is not None:
        run_by_loader(loader, params, NAME, here)
        return

    import runpy
    from ansible.module_utils import basic
    basic._ANSIBLE_ARGS = params
    runpy.run_module(NAME, init_globals={'_module_fqn': NAME, '_modlib_path': here}, run_name='__main__', alter_sys=True)
    print('{"msg": "New-style module did not handle its own exit", "failed": true}')
    sys.exit(1)


def run_by_loader(loader, params, name, here):
    """Runs it as ansible-core 2.19 and later do; what that takes differs between releases."""
    import inspect
    known = {
        'json_params': params, 'profile': 'legacy', 'module_fqn': name, 'modlib_path': here,
        'extensions': {}, 'secrets': frozenset(), 'coverage_config': None, 'coverage_output': None,
    }
    takes = inspect.signature(loader.run_module).parameters
    loader.run_module(**dict((k, v) for k, v in known.items() if k in takes))


if __name__ == '__main__':
    main()
