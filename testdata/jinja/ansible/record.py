#!/usr/bin/env python3
"""Records what Ansible's Templar makes of templates: prints JSON lines.

Run it once with ansible-core 2.14 > native-2.14.jsonl and once with a current
one > native-current.jsonl. The first line names the version and holds the
variables; every other line is {"template"} with "type" and "value" (as Python's
repr), or "error" and "message".
"""
import json
import warnings

import ansible.release
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

warnings.simplefilter("ignore")

try:
    from ansible._internal._datatag._tags import TrustedAsTemplate

    tag = TrustedAsTemplate().tag
except ImportError:
    def tag(v):
        return v

VARS = {
    "n": None, "i": 5, "f": 1.5, "t": True, "s": "str", "l": [1, "a"], "d": {"k": "v", "x": None}, "liststr": "[1, 2]", "dictstr": "{'a': 1}",
    "jsonlist": "[true, null]", "boolstr": "True", "intstr": "5", "nested": "{{ i }}", "nl": "{{ l }}", "nn": "{{ n }}", "bad": "{{ nope }}",
    "lst2": ["{{ i }}", "{{ s }}"], "empty": "", "tup": "(1, 2)", "ustr": "[u'a']", "badlist": "[1, foo]", "mixed": [1, 2.5, None, True, {"z": []}],
    "dl": {"a": 1, "b": "{{ nope }}"}, "deep": {"x": {"y": ["{{ nested }}", {"z": "{{ s }}!"}]}}, "chain": "{{ nested }}{{ s }}", "jsontext": "{{ l | string }}",
    "cyc": "{{ cyc }}", "c1": "{{ c2 }}", "c2": "{{ c1 }}", "condtext": "i == 5",
}

TEMPLATES = r"""
{{ n }}|{{ i }}|{{ f }}|{{ t }}|{{ s }}|{{ l }}|{{ d }}| {{ i }}|{{ i }}\n|{{ i }}\n\n|x {{ i }}\n|x {{ i }}\n\n|{{ s }}\n|{{ l }}\n|\n{{ i }}|{{ i + 1 }}\n|x{{ n }}y|{{ i + 1 }}|{{ i ~ '' }}|{{ t and t }}
{{ n or none }}|{{ none }}|{{ [1, 2] }}|{{ [1, none, true] }}|{{ {'a': 1} }}|{{ (1, 2) }}|{{ 1.5 * 2 }}|{{ liststr }}|{{ dictstr }}|{{ jsonlist }}|{{ boolstr }}|{{ intstr }}|{{ tup }}|{{ ustr }}|{{ badlist }}
[{{ i }}, {{ s }}]|[{{ i }}, '{{ s }}']|{"a": {{ i }}}|{{ '[' }}1{{ ']' }}|{{ d.keys() }}|{{ d.items() }}|{{ d.values() }}|{{ nested }}|{{ nl }}|{{ nn }}|{{ lst2 }}|{{ lst2[0] }}|{{ bad is defined }}|{{ nope }}|{{ nope.x.y }}
{{ d.zz }}|{{ d.zz.q }}|{{ d['zz'] }}|{{ l[9] }}|{{ d[5] }}|{{ l.x }}|{{ s.x }}|{{ i.x }}|{{ n.x }}|{{ nope.a is defined }}|{{ bad.x is defined }}|{{ dl.b is defined }}|{{ dl['b'] is defined }}|x{{ nope }}
{% if nope %}a{% endif %}|{% if nope is defined %}a{% endif %}|{% for x in nope %}a{% endfor %}|{{ nope == 1 }}|{{ nope or 5 }}|{{ 5 or nope }}|{{ nope ~ 'x' }}|{{ 1 in nope }}|{{ [nope] }}|{{ {'a': nope} }}
{% set x = nope %}5|{% set x = none %}{{ x }}|{% set ns = namespace(v=[]) %}{% for i in [1,2] %}{% set ns.v = ns.v + [i] %}{% endfor %}{{ ns.v }}|{{ true }}{{ none }}|{{ none }}{{ none }}|a{{ [] }}|{{ '' }}|{{ {} }}|{{ [] }}|{{ '[]' }}|{{ '{}' }}
{{ "[1+2]" }}|{{ "[1, 2" }}|{{ "[foo]" }}|{{ "[true, false, null]" }}|{{ "{'a': true}" }}|{{ '{"a": true}' }}|{{ "[1, 2]abc" }}|{{ " [1]" }}|{{ "False" }}|{{ "['a' 'b']" }}|{{ "[range(3)]" }}|{{ "[None, True]" }}|{{ "[-1, +2, 1.5e3]" }}
{{ i }} |{{i}}|{{i}} {{i}}|{{ not t }}|{{ i == 5 }}|{{ l == [1, 'a'] }}|{{ d.k }}|{{ l.0 }}|{{ l[0] }}|{{ d.x }}|{{ d.x }}z|{% if true %}{{ none }}{% endif %}|{% raw %}{{ x }}{% endraw %}|a{# c #}|{# c #}|{# c #}{{ i }}|{{ i }}{# c #}|{{ i -}} \n
{% if true %}{{ l }}{% endif %}|{% if true %}{{ i }}{% endif %}|{% set x = 5 %}{{ x }}|{% set x = 5 %}\n{{ x }}|{% if true %}\nyes\n{% endif %}\n|{{ empty }}|{{ i }}{{ i }}|{{ l }}{{ l }}|{{ 'True' }}|{{ 'true' }}|{{ 'None' }}|{{ "[1, 2]" }}|{{ "{{ i }}" }}
{{ 'a' ~ n ~ 'b' }}|{{ mixed }}|x {{ mixed }}|{{ 1e3 }}|{{ 12345678901234567890123 }}|{{ -5 }}|{{ '-5' }}|{{ deep }}|{{ deep.x.y }}|{{ deep.x.y[1].z }}|{{ chain }}|{{ chain }}!|{{ (l) }}|{{ l[:1] }}|{{ d.get('k') }}|{{ d.get('q') }}|{{ d.get('q', 1) }}
{{ 'a' if false }}|x{{ 'a' if false }}y|{{ 1 / 0 }}|{{ 'a' + 1 }}|{{ l + 1 }}|{{ foo( }}|{{ 1 +}}|{% if %}|{{ 'x' is divisibleby 2 }}|{{ range(3) }}|{{ condtext }}|{{ jsontext }}|{{ dl.a }}|{{ cyc }}|{{ c1 }}
{{ l|length }}|{{ l|first }}|{{ l|last }}|{{ l|join(',') }}|{{ l|map('string') }}|{{ l|map('string')|list }}|{{ l|select('string') }}|{{ l|string }}|{{ l|string|string }}|{{ i|string }}|{{ s|upper }}|{{ l|reverse }}|{{ l|batch(1) }}|{{ [3,1]|sort|first }}
{{ nope|default('D') }}|{{ nope.x.y|default('D') }}|{{ bad|default('D') }}|{{ bad.x|default(3) }}|{{ dl.b|default(3) }}|{{ n|default('D') }}|{{ n|default('D', true) }}|{{ nope|upper }}|{{ nope|int }}|{{ nope|length }}|{{ [nope]|length }}|{{ [1, nope]|first }}
{{ d|dictsort }}|{{ '5'|int }}|{{ '5'|int + 1 }}|{{ l|sum(start=0) }}|{{ [1,2]|sum }}|{{ [{'a': 1}]|map(attribute='a') }}|{{ [{'a': 1}]|selectattr('a') }}|{{ [{'a': 1}]|groupby('a') }}|{{ d.items()|first }}|{{ d.items()|list }}
"""


def split(line):
    """Splits at | outside {{ }}."""
    out, depth, cur = [], 0, ""
    for i, c in enumerate(line):
        if c in "{":
            depth += 1
        elif c == "}":
            depth -= 1
        if c == "|" and depth <= 0:
            out.append(cur)
            cur, depth = "", 0
        else:
            cur += c
    return out + [cur]


def trust(v):
    if isinstance(v, str):
        return tag(v)
    if isinstance(v, list):
        return [trust(x) for x in v]
    if isinstance(v, dict):
        return {k: trust(x) for k, x in v.items()}
    return v


def plain(v):
    """v in plain Python types, so that reprs say nothing of Ansible's."""
    for t in (bool, int, float, str):
        if isinstance(v, t):
            return t(v)
    if isinstance(v, dict):
        return {plain(k): plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return type(v)(plain(x) for x in v)
    return v


print(json.dumps({"recorded_with": "ansible-core " + ansible.release.__version__, "vars": VARS}))
for line in TEMPLATES.strip("\n").split("\n"):
    for t in split(line):
        t = t.replace("\\n", "\n")
        case = {"template": t}
        try:
            v = plain(Templar(loader=DataLoader(), variables=trust(VARS)).template(trust(t)))
            case.update(type=type(v).__name__, value=repr(v))
        except Exception as e:
            msg = str(e)
            half = msg[:len(msg) // 2 - 1]
            case.update(error=type(e).__name__, message=half if msg == half + ". " + half else msg)
        print(json.dumps(case))
