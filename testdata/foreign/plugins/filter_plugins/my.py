import datetime
from ansible.errors import AnsibleFilterError
from jinja2 import pass_environment, pass_context
def twice(x, sep='-'): return sep.join([str(x), str(x)])
def boom(x): raise AnsibleFilterError('it went boom: %s' % x)
def boom2(x): raise ValueError('plain boom')
def kinds(x): return type(x).__name__
def give(x): return {'set': sorted({3,1}), 'tuple': (1, 2), 'none': None, 'big': 2**70, 'f': 1.0, 'nested': [{'a': x}], 'date': datetime.date(2020,1,2).isoformat()}
@pass_environment
def envf(env, x): return type(env).__name__.endswith('Environment') and x
@pass_context
def ctxf(ctx, name): return ctx.resolve(name)
def gen(x): return (i * 2 for i in x)
def to_nice_yaml(x): return 'MINE %s' % x
class FilterModule(object):
    def filters(self):
        return {'twice': twice, 'boom': boom, 'boom2': boom2, 'kinds': kinds, 'give': give, 'envf': envf, 'ctxf': ctxf, 'gen': gen, 'to_nice_yaml': to_nice_yaml}
