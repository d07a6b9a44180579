#!/usr/bin/env python3
"""Records the corpus of the template engine: writes AREA.jsonl beside itself.

Each case is made by the tables below and answered once by python3-jinja2. The
first line of a file names the tool and its version; every other line is
{"test", "template", "context", "env"} with "output", or "error" and "message".
Run it again after adding to the tables; `record.py --live` reads cases from
stdin and answers them on stdout, for a check against the Jinja2 at hand.
"""
import json
import pathlib
import re
import sys
from importlib.metadata import version

import jinja2
from jinja2.sandbox import SandboxedEnvironment

HERE = pathlib.Path(__file__).parent

# Cases that gorun answers otherwise, with the reason. The key is the template.
COMPLEX = "there are no complex numbers"
DIVERGES = {
    "{% macro m(x, x) %}{% endmacro %}": "Jinja2's message shows its internal names",
    "{% autoescape a %}{{ '<' }}{% endautoescape %}": "Jinja2 leaves constants alone where it cannot tell before the run whether to escape",
    "{% for x in [1, 2, 3] %}{% for y in loop %}{{ y }}{% endfor %}{{ x }}{% endfor %}": "iterating loop itself gives the items alone",
    "{{ -7 ** 2.5 }}": COMPLEX,
    "{{ -7 ** -0.5 }}": COMPLEX,
    "{{ -0.5 ** 2.5 }}": COMPLEX,
    "{{ -0.5 ** -0.5 }}": COMPLEX,
}

UNDEFINED = {c.__name__: c for c in (jinja2.Undefined, jinja2.StrictUndefined, jinja2.ChainableUndefined, jinja2.DebugUndefined)}


def answer(case):
    """Renders a case and returns what came of it."""
    env = dict(case.get("env") or {})
    templates = env.pop("templates", None)
    extra = env.pop("globals", {})
    words, newstyle, policies = env.pop("translations", None), env.pop("newstyle_gettext", False), env.pop("policies", {})
    if "undefined" in env:
        env["undefined"] = UNDEFINED[env["undefined"]]
    if templates is not None:
        env["loader"] = jinja2.DictLoader(templates)
    try:
        # the sandbox only where it matters: its str.format words errors in its own way
        sandboxed = "__" in case["template"] or "range(1000000)" in case["template"]
        e = (SandboxedEnvironment if sandboxed else jinja2.Environment)(**env)
        e.globals.update(extra)
        e.policies.update(policies)
        if words is not None:
            one = lambda s: words[s][0] if isinstance(words.get(s), list) else words.get(s, s)
            many = lambda s, p, n: one(s) if n == 1 else words[s][1] if isinstance(words.get(s), list) else words.get(s, p)
            e.install_gettext_callables(one, many, newstyle=newstyle, pgettext=lambda c, s: one(s), npgettext=lambda c, s, p, n: many(s, p, n))
        return {"output": e.from_string(case["template"]).render(case.get("context") or {})}
    except RecursionError as x:
        return {"error": "RecursionError", "message": "maximum recursion depth exceeded"}
    except Exception as x:
        return {"error": type(x).__name__, "message": str(getattr(x, "message", None) or x)}


VALUES = ["0", "1", "-7", "42", "3.14", "-0.5", "1e20", "1.5e-7", "true", "false", "none", "''", "'a'", "'Hello World'",
          "' pad '", "'42'", "'-3.7'", "'x<y&\"z\"'", "'\\u00e4\\u00d6\\u00df'", "'one two  three'", "[]", "[1, 2, 3]", "[3, 1, 2]", "['b', 'A', 'c']",
          "[1, 'a', none]", "[[1, 2], [3]]", "()", "(1, 2)", "{}", "{'a': 1, 'b': 2}", "{'b': [1], 'A': {'c': none}}", "nope", "range(3)",
          "12345678901234567890", "[true, 0, 1.0]", "'a,b,c'", "'line1\\nline2\\n\\nline4'", "'0x1f'", "'1_000'", "{'x': 'y'}.items()", "'<p>Hi</p>'"]

FILTERS = {
    "abs": [""], "attr": ["('upper')", "('nope')", "('x')", "()", "(1)"],
    "batch": ["(2)|list", "(2, 'x')|list", "(0)|list", "(-1)|list", "('a')|list", "()|list"],
    "capitalize": ["", "(1)"], "center": ["(20)", "(5)", "()", "('x')"], "count": [""],
    "default": ["('D')", "('D', true)", "()", "(default_value='D')", "(boolean=true)", "(1, 2, 3)"], "d": ["('D')"],
    "dictsort": ["", "(true)", "(false, 'value')", "(by='x')", "(reverse=true)"],
    "e": [""], "escape": [""], "filesizeformat": ["", "(true)"], "first": [""], "float": ["", "(7)", "(default='x')"],
    "forceescape": [""], "format": ["", "(1)", "('a', 2)", "(a=1)"],
    "groupby": ["(0)", "('a')|list", "('a', default='z')"], "indent": ["", "(2)", "(2, true)", "(2, blank=true)", "('>> ')", "(first=true)"],
    "int": ["", "(5)", "(base=16)", "(0, 0)", "(default='x')", "(9, 36)"], "items": ["|list"], "join": ["", "(', ')", "('-', 'a')", "(d=1)", "(attribute=0)"],
    "last": [""], "length": ["", "(1)"], "list": ["", "(1)"], "lower": [""],
    "map": ["('upper')|list", "('string')|list", "('int')|join(',')", "(attribute='a')|list", "(attribute='a', default=0)|list", "('nosuch')|list", "()|list", "(attribute='a', x=1)|list", "('default', 'q')|list"],
    "max": ["", "(true)", "(attribute='a')"], "min": ["", "(true)", "(attribute=0)"], "pprint": [""],
    "reject": ["|list", "('none')|list", "('odd')|list", "('equalto', 1)|list"], "rejectattr": ["('a')|list", "('a', 'none')|list", "()|list"],
    "replace": ["('a', 'b')", "('o', '0', 1)", "('', '-')", "(1, 2)", "('a')", "('a', 'b', none)"], "reverse": ["|list", ""],
    "round": ["", "(1)", "(1, 'floor')", "(0, 'ceil')", "(-1)", "(method='x')", "(2, 'common')"], "safe": [""],
    "select": ["|list", "('string')|list", "('in', [1, 'a'])|list", "('nosuch')|list"], "selectattr": ["('a')|list", "('a', 'defined')|list", "('0', 'gt', 1)|list", "(0)|list"],
    "slice": ["(2)|list", "(2, 'x')|list", "(0)|list", "(5)|list"], "sort": ["", "(true)", "(case_sensitive=true)", "(attribute='a')", "(attribute='a,b')", "(1, 2, 3, 4, 5)"],
    "string": [""], "striptags": [""], "sum": ["", "(start=10)", "(attribute='a')", "(0, [])", "(start='')"], "title": [""],
    "tojson": ["", "(2)", "(indent=none)"], "trim": ["", "('H')", "(chars='lo ')", "(1)"],
    "truncate": ["(5)", "(5, true)", "(9, false, '..', 0)", "()", "(1)", "(5, leeway=0)"], "unique": ["|list", "(true)|list", "(attribute='a')|list"],
    "upper": ["", "(x=1)"], "urlencode": [""], "urlize": ["", "(5, true)"], "wordcount": [""], "wordwrap": ["(5)", "(5, false)", "(3, wrapstring='|')"],
    "xmlattr": ["", "(false)"],
}

TESTS = ["boolean", "callable", "defined", "divisibleby(3)", "divisibleby 2", "escaped", "even", "false", "filter", "float", "in [1, 'a', 3.14]", "in 'Hello'",
         "integer", "iterable", "lower", "mapping", "none", "number", "odd", "sameas none", "sameas(true)", "sequence", "string", "test", "true", "undefined", "upper",
         "eq 1", "equalto('a')", "ne 1", "gt 0", "greaterthan('a')", "ge 1", "lt 5", "lessthan(5)", "le 'b'", "eq", "divisibleby(0)", "divisibleby", "sameas(1, 2)", "not none"]

METHODS = {
    "str": (["'Hello World'", "''", "'a-b-c'", "'  x y  '", "'ABC'", "'123'", "'\\u00e4\\u00df'", "'a\\tb\\nc'", "'Title Case'", "'-42'", "'aXbXc'"], [
        "capitalize()", "casefold()", "lower()", "upper()", "swapcase()", "title()", "center(15)", "center(16, '*')", "ljust(14, '.')", "rjust(14)", "zfill(6)",
        "expandtabs()", "expandtabs(4)", "strip()", "strip('aHc ')", "lstrip()", "rstrip('c')", "removeprefix('a')", "removesuffix('c')", "replace('a', 'b')", "replace('X', '', 1)",
        "split()", "split('-')", "split('-', 1)", "split(none, 1)", "split(maxsplit=1)", "split('')", "rsplit('-', 1)", "rsplit(none, 1)", "rsplit()", "splitlines()", "splitlines(true)", "partition('-')",
        "rpartition('-')", "join(['1', '2'])", "join([1])", "join(5)", "startswith('a')", "startswith(('a', 'H'))", "startswith('e', 1)", "endswith('c')", "endswith('l', 0, 4)", "endswith(1)",
        "count('a')", "count('')", "count('X', 2)", "find('b')", "find('zz')", "find('c', -2)", "rfind('X')", "index('b')", "index('zz')", "rindex('X')",
        "isalnum()", "isalpha()", "isdecimal()", "isdigit()", "isnumeric()", "isspace()", "islower()", "isupper()", "istitle()", "isascii()", "isidentifier()", "isprintable()",
        "encode()", "encode('ascii', 'replace')", "encode('ascii')", "encode('x')", "translate({97: 'A', 98: none})", "nosuch()", "center()", "center('x')", "zfill()", "upper(1)", "partition('')", "replace('a')", "strip(1)", "format(1)", "__class__", "center(3, 'ab')", "ljust(3, 1)"]),
    "list": (["[1, 2, 3, 2]", "[]", "['a', 'b']"], ["index(2)", "index('zz')", "count(2)", "copy()", "pop()", "pop(0)", "pop(9)", "index(2, 2)", "append(4)", "extend([5, 6])", "extend(1)", "insert(0, 'x')",
        "remove(2)", "remove('q')", "reverse()", "sort()", "sort(reverse=true)", "clear()", "append()", "append(1, 2)", "nosuch", "0", "9", "-1"]),
    "dict": (["{'a': 1, 'b': none}", "{}", "{1: 'x', (1, 2): 'y'}"], ["get('a')", "get('zz')", "get('zz', 'D')", "get(1)", "get([])", "keys()", "values()", "items()", "keys()|list", "items()|list", "pop('a')", "pop('zz')", "pop('zz', 5)",
        "popitem()", "setdefault('c', 3)", "update({'q': 1})", "update(q=1)", "update([['k', 'v']])", "update([1])", "update(['abc'])", "copy()", "clear()", "fromkeys(['x', 'y'])", "fromkeys('ab', 0)", "get()", "a", "zz", "1", "keys(1)", "has_key('a')"]),
    "tuple": (["(1, 2, 1)", "()"], ["index(2)", "index(5)", "count(1)", "0", "5", "append(1)"]),
    "int": (["5", "true", "12345678901234567890123"], ["bit_length()", "real", "imag", "numerator", "denominator", "conjugate()", "as_integer_ratio()", "nosuch"]),
    "float": (["1.5", "2.0", "-0.1"], ["is_integer()", "hex()", "real", "imag", "as_integer_ratio()", "nosuch"]),
}

BINARY = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
OPERANDS = ["0", "1", "-7", "3", "2.5", "-0.5", "true", "none", "'a'", "'ab'", "''", "[1]", "[1, 2]", "(1,)", "(1, 2)", "{}", "{'a': 1}", "nope", "99999999999999999999", "'%s'"]

EXPRESSIONS = """
1_000 + 0x1F + 0o17 + 0b101
1e3 + 1E-2 + 1_0.5_0
0xdead_beef
00
12345678901234567890 * 98765432109876543210
2 ** 100
2 ** -1
2 ** 0.5
-2 ** 2
(-2) ** 2
2 ** 3 ** 2
-7 // 2
-7 % 3
7 % -3
7 // -2
-7.5 // 2
7.5 % -2
1 / 3
10 / 5
1e16
1e15
123456789012345678.0
0.1 + 0.2
1e-4
0.00001
1e22
1.0
-0.0
1e308 * 10
-1e308 * 10
1e308 * 10 - 1e308 * 10
5 if true
5 if false
5 if false else 6
1 if true else 2 if false else 3
not true
not not 0
not nope
1 < 2 < 3
1 < 3 < 2
1 == 1.0 == true
3 > 2 > 1 != 0
1 in [1, 2] == true
'a' in 'abc'
'a' ~ 1 ~ none ~ [1]
1 + 2 ~ 3
1 ~ 2 + 3
2 * 3 ~ 4
'a' 'b' "c"
'\\n\\t\\\\'
'\\x41\\u0042\\U00000043\\101'
'\\q'
"it's"
'say "hi"'
["it's", 'say "hi"', 'both \\' and "']
['\\n', '\\x00', '\\x7f', '\\u00a0', '\\u200b', '\\U0001F600']
[1, 2, 3][1:]
[1, 2, 3][:-1]
[1, 2, 3][::-1]
[1, 2, 3][::2]
[1, 2, 3][5:]
[1, 2, 3][-1]
[1, 2, 3][3]
[1, 2, 3]['a']
[1, 2, 3][1.0]
[1, 2, 3][true]
'hello'[1:3]
'hello'[::-1]
'hello'[-3:]
'hello'[1]
'hello'[10]
(1, 2, 3)[1:]
range(10)[2:8:3]
range(10)[2]
range(5)
range(1, 10, 3)
range(5, 0, -2)|list
range(0)
range()
range(1, 2, 0)
range('a')
range(1000000)
{'a': 1}.a
{'a': 1}['a']
{'a': {'b': [10, 20]}}.a.b[1]
{'a': {'b': [10, 20]}}.a.b.1
{'a': 1}.b
{'a': 1}.b.c
{'items': 5}.items
{'items': 5}['items']
{1: 'x', 1.0: 'y', true: 'z'}
{'a': 1, 'a': 2}
{[1]: 2}
{(1, 2): 3}[(1, 2)]
{(1, 2): 3}[1, 2]
(1,)
()
(1)
1,
1, 2
[]
[1, [2, (3, {'a': none})]]
{'a': [1, 'x', 1.5, true, none]}
dict(a=1, b=2)
dict([('a', 1)])
dict({'a': 1}, b=2)
dict(1)
dict([1])
nope
nope.x
nope.x.y
nope[0]
nope()
nope + 1
nope is defined
nope|default(1)
nope.x is defined
nope == nope
nope != 1
nope in [1]
1 in nope
[nope]
nope|list
nope|length
nope|upper
nope ~ 'x'
-nope
none.x
none + 1
none()
'a'()
1()
[1]()
'a'.b
5.x
(5).real
none == false
none < 1
[1, 2] < [1, 3]
[1] < (1,)
(1, 'a') < (1, 2)
'a' < 1
{} < {}
1 < none
true + true
true == 1
false < true
[1, 2] == [1.0, 2.0]
{'a': 1} == {'a': 1.0}
(1, 2) == [1, 2]
'abc' * 2
2 * 'abc'
[0] * 3
'abc' * -1
'a' * 1.5
[1] + [2]
[1] + (2,)
'a' + 1
1 + 'a'
(1,) + (2,)
'%s and %d' % ('x', 5)
'%s' % 'x'
'%s' % none
'%d' % 3.9
'%5.2f|%-8s|%+d|%05d|%x|%X|%o|%e|%g' % (3.14159, 'ab', 5, 42, 255, 255, 8, 12345.678, 0.0001)
'%(a)s %(b)d' % {'a': 1, 'b': 2}
'%(a)s' % {'b': 1}
'%s %s' % 'x'
'%s' % ('x', 'y')
'%d' % 'x'
'%z' % 1
'%' % 1
'%%' % ()
'%c%c' % (65, 'B')
'%r %a' % ('\\u00e4', '\\u00e4')
'%*d' % (5, 42)
'%.3s' % 'abcdef'
'%#x %#o' % (255, 8)
'% d' % 42
'%s' % [1, 2]
'%s' % {'a': 1}
'x' % 1
'x' % [1]
'x' % {}
'x' % ()
'%i' % true
'%.2f' % 1
'%f' % 'x'
'%5s|%-5s|' % ('\\u00e4', 'b')
1.real
'a' is string and 1 is number
1 is odd and 2 is even
3 is divisibleby 3
not 3 is divisibleby 2
3 is not divisibleby 2
1 is in [1]
1 is sameas 1
'a' is eq 'a'
5|string + '5'
-1|abs
(-1)|abs
'a'|upper ~ 'b'
'a' ~ 'b'|upper
[1, 2]|sum + 3
1 + 2|string|length
[3, 1]|sort|first
'abc'|first|upper
x if x is defined else 'none'
[1, 2, 3]|map('string')|join(',')
[{'a': 1}, {'a': 2}]|map(attribute='a')|list
[{'a': {'b': 1}}, {'a': {'b': 2}}]|map(attribute='a.b')|list
[[1, 2], [3, 4]]|map(attribute=1)|list
[{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]|selectattr('a', 'gt', 1)|list
[{'a': 1}, {'b': 2}]|selectattr('a', 'defined')|list
[{'a': 1}, {'b': 2}]|rejectattr('a', 'defined')|list
[{'k': 'b', 'v': 1}, {'k': 'a', 'v': 2}, {'k': 'b', 'v': 3}]|groupby('k')
[{'k': 'b', 'v': 1}, {'k': 'A', 'v': 2}, {'k': 'B', 'v': 3}]|groupby('k')
[{'k': 'b'}, {'k': 'A'}, {'k': 'B'}]|groupby('k', case_sensitive=true)
[{'k': 'b'}, {}]|groupby('k', default='z')
[{'a': 2, 'b': 1}, {'a': 1, 'b': 2}, {'a': 1, 'b': 1}]|sort(attribute='a,b')
[{'a': 2}, {'a': 1}]|sort(attribute='a', reverse=true)
['b', 'A', 'a', 'B']|sort
['b', 'A', 'a', 'B']|sort(case_sensitive=true)
['b', 'A', 'a', 'B']|unique|list
[1, 'a', 2]|sort
[3, 1, 2]|max
[]|max
[]|first
[]|last
[]|first|default('none')
['b', 'A']|min
[1, 2, 3, 4, 5]|batch(2, 'x')|map('join', '-')|join('|')
[1, 2, 3, 4, 5]|slice(3)|map('join', '-')|join('|')
'a b c'.split()|map('upper')|list
'%s'|format('x')
'%(a)s'|format(a=1)
'%s'|format(1, a=2)
'a'|replace('a', 'b')|upper
'foo bar'|wordwrap(3)
'hello-world foo-bar-baz x--y'|wordwrap(5)
'aaaaaaaaaaaaaaa'|wordwrap(5)
'aaaaaaaaaaaaaaa'|wordwrap(5, false)
'a\\n\\nb'|wordwrap(5)
'The quick brown fox jumps over the lazy dog'|wordwrap(15)
'The quick brown fox jumps over the lazy dog'|truncate(20)
'The quick brown fox'|truncate(10, true, '>>')
'http://example.com/ and www.foo.org, (mail a@b.com)'|urlize
'see https://x.org/a?b=c&d=e.'|urlize(10, target='_blank', rel='me')
'mailto:a@b.com ftp://x.y'|urlize(extra_schemes=['ftp:'])
'a b&c=d/e'|urlencode
{'a b': 'c&d', 'e': 1}|urlencode
[('a', 1), ('b', 'x y')]|urlencode
[1]|urlencode
5|urlencode
{'class': 'a b', 'id': none, 'x': '<'}|xmlattr
{'a b': 1}|xmlattr
{'b': 1, 'a': [1, 'x<y', none, true, 1.5]}|tojson
{'b': 1, 'a': {'c': []}}|tojson(2)
'\\u00e4\\U0001F600<>&\\''|tojson
[1.0, 1e100, 1e-7]|tojson
nope|tojson
range(2)|tojson
'<b>x</b> <!-- c --> y &amp; z'|striptags
'<a'|striptags
1000|filesizeformat
1|filesizeformat
1500000|filesizeformat
1500000|filesizeformat(true)
1e30|filesizeformat
'x'|filesizeformat
2.5|round
3.5|round
2.675|round(2)
42.55|round(1, 'floor')
42.55|round(1, 'ceil')
1234|round(-2)
1250|round(-2)
42|round
42|round|int
'abc'|list
{'b': 1, 'a': 2}|dictsort
{'b': 1, 'a': 2}|dictsort(by='value')
{'b': 1, 'A': 2, 'a': 3}|dictsort(true)
{'b': 1, 'a': 2}|items|list
'3.7'|int
'abc'|int(-1)
'0b11'|int(0, 2)
'0b11'|int(0, 0)
'ff'|int(0, 16)
' 42 '|int
'1e3'|int
1e400|int
'inf'|float
'nan'|float
' 1.5 '|float
'1_0.5'|float
none|int
none|float
[]|int
[1, 2, 3]|random in [1, 2, 3]
[]|random
'hello world'|title
"it's a (test) [of] {title} <case> foo-bar"|title
'HELLO'|capitalize
'\\u00dfx'|capitalize
'a\\nb'|indent
'a\\n\\nb\\n'|indent(2, true, true)
'a\\nb'|indent(width='--')
'x'|center(10) ~ '|'
'x'|center(9) ~ '|'
'xy'|center(9) ~ '|'
'  x '|trim ~ '|'
'xxaxx'|trim('x')
'a b  c'|wordcount
"foo's bar-baz"|wordcount
[1, 2, 3]|join
[1, 2, 3]|join(', ')
[{'n': 'a'}, {'n': 'b'}]|join(',', attribute='n')
{'a': 1, 'b': 2}|join(',')
{'a': 1, 'b': 2}|list
{'a': 1, 'b': 2}|length
'abc'|reverse
[1, 2]|reverse|list
{'a': 1}|reverse|list
5|reverse
'a'|escape ~ '<'
'<'|e
'<'|e|e
'<'|e|forceescape
'<'|safe|e
('<'|e) + '<'
('<'|e) ~ '<'
('%s'|e) % '<'
('{}'|e).format('<')
('<'|e).join(['<', 'a'])
('<'|e)|upper
('<'|e)|replace('l', 'L')
['<'|e, '>']|join('<')
'a'|attr('upper')
'a'|attr('__class__')
'a'.__class__
''.__class__.__mro__
[].__init__
nope.__class__
{}.__class__
'a'['__class__']
'a'['upper']()
cycler('a', 'b').next()
cycler()
joiner(',')() ~ '!'
namespace(a=1).a
namespace(a=1).b
namespace({'a': 2}).a
namespace(a=1)
lipsum(n=1, html=false, min=3, max=4)|length > 3
'{} {}'.format(1, 'a')
'{0} {1} {0}'.format(1, 2)
'{a} {b}'.format(a=1, b=2)
'{0.real} {1[0]} {1[1]}'.format(5, [1, 2])
'{a[x]}'.format(a={'x': 3})
'{}'.format()
'{0}{}'.format(1, 2)
'{}{0}'.format(1, 2)
'{a}'.format(b=1)
'{'.format()
'}'.format()
'{{}}'.format()
'{!r} {!s} {!a}'.format('a', 'b', '\\u00e4')
'{!x}'.format(1)
'{:{}}'.format('a', 5) ~ '|'
'{:{w}.{p}f}'.format(3.14159, w=10, p=2)
'{0.__class__}'.format(1)
'{0.nope}'.format(1)
'{0[9]}'.format([1])
'{a.b}'.format_map({'a': {'b': 1}})
'{a}'.format_map({'a': 1})
[1, 2, 3].__len__()
'abc'.__len__
caller
self
loop
super
varargs
1 +
1 + * 2
(1
1)
[1, 2
{'a': 1
{'a' 1}
'abc
"abc
a..b
a.
.5
5.
1..real
a b
a |
a | | b
a is
a is is
a is string is number
a if
a.b.
a[
a[]
a[1:2:3:4]
f(a=1, 2)
f(*a, *b)
f(**a, *b)
f(a b)
f(,)
[,]
(,)
{,}
not
and
1 and
1 not 2
1 in
a ? b
a $ b
a ! b
a & b
a = b
a == = b
#
@
`a`
\\
true = 1
-
--1
- -1
+1
+-+1
~
1 ~
*a
lambda x: x
a; b
x|nosuchfilter
x is nosuchtest
1 if x|nosuchfilter else 2
'\\N{DASH}'
'\\x4'
'\\u12'
'\\U99999999'
0777
0x
0b2
1__0
1e
1e+
1_
""".strip("\n").split("\n")

SPECS = ["", "5", "<5", ">5", "^5", "=5", "*^7", "05", "+", "-", " ", "+5", "#", ",", "_", ".2", "5.1", "d", "5d", "<5d", "+d", " d", ",d", "_d", "05d", "b", "#b", "o", "#o", "x", "X", "#x", "#X", "_x", ",x", "c", "n",
         "e", "E", "f", "F", "g", "G", "%", ".0f", ".1f", "10.3f", "010.3f", "+.2e", "#.0f", ",.2f", "_.2f", "012,d", "012,.1f", "z", "z.0f", ".3g", "#g", ".0%", "s", "5s", ".2s", "<8.2s", "^8", "q", "5q", "5 5", ".", "{}", ",,", ",_", "\u00e4>6", ">>6", "0=6", "#06x", "#010b", "=+7", "_b", "#_x"]
SPEC_VALUES = ["0", "42", "-1234567", "3.14159", "-0.5", "1e20", "1e-7", "1234567.891", "true", "'abc'", "''", "none", "[1]", "12345678901234567890", "1e400", "65", "-0.0", "100", "nope"]

PERCENTS = ["%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%i", "%u", "%x", "%#x", "%X", "%o", "%#o", "%e", "%.2e", "%E", "%f", "%.0f", "%#.0f", "%10.2f", "%-10.2f|", "%010.2f", "%g", "%.3g", "%G", "%s", "%5s", "%-5s|", "%.2s", "%r", "%a", "%c", "%5c", "%.5d", "%+.3x", "%ld", "%q", "%", "%5"]
PERCENT_VALUES = ["0", "42", "-7", "3.99", "-0.5", "1e20", "true", "'ab'", "'a'", "none", "[1]", "(1,)", "99999999999999999999", "1e400", "'\\u00e4'"]


def pairs(area, sources, context=None, **env):
    for t in sources:
        yield {"test": area, "template": t, "context": context or {}, "env": env}


def of_filters():
    for name, argses in FILTERS.items():
        for args in argses:
            for v in VALUES:
                yield from pairs("filter " + name, ["{{ (%s)|%s%s }}" % (v, name, args)])
    for name in ("escape", "replace('<', '>')", "join('<')", "upper", "xmlattr", "tojson", "urlize", "indent", "truncate(5)", "striptags", "safe", "string", "format('<')", "center(9)", "title", "trim", "reverse", "first", "list", "default('<')"):
        for v in ("'x<y'", "'x<y'|e", "'<b>'|safe", "['<', '<'|e]", "{'a': '<'}", "nope", "5"):
            yield from pairs("autoescape filter", ["{{ (%s)|%s }}" % (v, name)], autoescape=True)
    for kind in ("StrictUndefined", "ChainableUndefined", "DebugUndefined"):
        for name, argses in FILTERS.items():
            yield from pairs("filter of " + kind, ["{{ nope|%s%s }}" % (name, argses[0]), "{{ {}.a|%s%s }}" % (name, argses[0])], undefined=kind)


def of_tests():
    for test in TESTS:
        for v in VALUES:
            yield from pairs("test " + test, ["{{ (%s) is %s }}" % (v, test)])
        for kind in ("StrictUndefined", "ChainableUndefined", "DebugUndefined"):
            yield from pairs("test of " + kind, ["{{ nope is %s }}" % test], undefined=kind)


def of_methods():
    for typ, (values, calls) in METHODS.items():
        for v in values:
            for call in calls:
                t = "{%% set v = %s %%}{{ v.%s }}" % (v, call)
                if typ in ("list", "dict"):
                    t += "|{{ v }}"
                yield from pairs("method of " + typ, [t])


def of_operators():
    for a in OPERANDS:
        for b in OPERANDS:
            for op in BINARY:
                if op == "**" and (len(a) > 10 or len(b) > 10):
                    continue
                yield from pairs("operator " + op, ["{{ %s %s %s }}" % (a, op, b)])
    for a in OPERANDS:
        for op in ("-", "+", "not "):
            yield from pairs("operator " + op, ["{{ %s%s }}" % (op, a)])


def of_expressions():
    for x in EXPRESSIONS:
        yield from pairs("expression", ["{{ %s }}" % x])
        yield from pairs("expression, strict", ["{{ %s }}" % x], undefined="StrictUndefined")
        yield from pairs("condition", ["{%% if %s %%}yes{%% else %%}no{%% endif %%}" % x])
    for x in EXPRESSIONS[:260]:
        yield from pairs("expression, autoescape", ["{{ %s }}" % x], autoescape=True)
        yield from pairs("expression in a list", ["{{ [%s] }}" % x])


def of_formats():
    for spec in SPECS:
        for v in SPEC_VALUES:
            yield from pairs("str.format", ["{{ '{:%s}'.format(%s) }}" % (spec, v)])
    for spec in PERCENTS:
        for v in PERCENT_VALUES:
            yield from pairs("percent", ["{{ '%s' %% %s }}" % (spec, v)])


from language import cases as language_cases  # noqa: E402

def of_found():
    """The cases that found.jsonl holds: random templates and what they led to."""
    with open(HERE / "found.jsonl") as f:
        for line in f.readlines()[1:]:
            c = json.loads(line)
            yield {"test": c["test"].split(": ", 1)[1], "template": c["template"], "context": c.get("context") or {}, "env": c.get("env") or {}}


AREAS = {"filters": of_filters, "tests": of_tests, "methods": of_methods, "operators": of_operators, "expressions": of_expressions, "formats": of_formats, "found": of_found, "language": lambda: language_cases(pairs)}

# What no two runs or machines answer alike.
UNSTABLE = re.compile(r" at 0x[0-9a-f]+|memory:|\{<|random")


def header():
    return {"recorded_with": "python3-jinja2 " + jinja2.__version__, "markupsafe": version("markupsafe"), "python": sys.version.split()[0]}


def main():
    if "--live" in sys.argv:
        print(json.dumps(header()))
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), flush=True)
        return
    for area, cases in AREAS.items():
        seen = set()
        cases = list(cases())
        with open(HERE / f"{area}.jsonl", "w") as f:
            print(json.dumps(header()), file=f)
            for n, case in enumerate(cases):
                key = json.dumps([case["template"], case["context"], case["env"]])
                if key in seen:
                    continue
                seen.add(key)
                case.update(answer(case))
                if case.get("error") == "NameError":
                    continue  # Jinja2 compiles the literal 1e400 to the name inf
                if UNSTABLE.search(case.get("output", "") + str(case.get("message", ""))):
                    continue
                case["test"] = "%s/%d: %s" % (area, n, case["test"])
                if case["template"] in DIVERGES:
                    case["diverges"] = DIVERGES[case["template"]]
                for k in ("context", "env"):
                    if not case[k]:
                        del case[k]
                print(json.dumps(case), file=f)


if __name__ == "__main__":
    main()
