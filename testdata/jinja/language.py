"""The statements of the corpus: templates written by hand, and variations of them."""

LOOPS = """
{% for x in SEQ %}{{ x }},{% endfor %}
{% for x in SEQ %}{{ x }},{% else %}empty{% endfor %}
{% for x in SEQ if x %}{{ x }},{% else %}empty{% endfor %}
{% for x in SEQ %}{{ loop.index }}/{{ loop.length }}:{{ x }};{% endfor %}
{% for x in SEQ %}{{ loop.index0 }} {{ loop.revindex }} {{ loop.revindex0 }} {{ loop.first }} {{ loop.last }};{% endfor %}
{% for x in SEQ %}{{ loop.previtem|default('-') }}<{{ x }}>{{ loop.nextitem|default('-') }};{% endfor %}
{% for x in SEQ %}{{ loop.cycle('a', 'b', 'c') }}{% endfor %}
{% for x in SEQ %}{{ loop.changed(x) }}{% endfor %}
{% for x in SEQ %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}
{% for x in SEQ %}{{ loop }}{% endfor %}
{% for a, b in SEQ %}{{ a }}={{ b }};{% endfor %}
{% for x in SEQ %}{% for y in SEQ %}{{ loop.index }}{% endfor %}.{{ loop.index }};{% endfor %}
{% for x in SEQ|reverse %}{{ x }},{% endfor %}
{% for x in SEQ|sort %}{{ x }},{% endfor %}
{% for x in SEQ recursive %}{{ x }}{% endfor %}
{% set n = namespace(t=0) %}{% for x in SEQ %}{% set n.t = n.t + 1 %}{% endfor %}{{ n.t }}
{% set y = 0 %}{% for x in SEQ %}{% set y = y + 1 %}{{ y }}{% endfor %}{{ y }}
{% for x in SEQ %}{% if loop.first %}[{% endif %}{{ x }}{% if not loop.last %}, {% else %}]{% endif %}{% endfor %}
{% for x in SEQ -%}   {{ x }}   {%- endfor %}
{% for x in SEQ %}{{ loop.nope }}{% endfor %}
{% for x in SEQ %}{{ loop(x) }}{% endfor %}
{% for x in SEQ %}{{ loop.cycle() }}{% endfor %}
{{ x }}{% for x in SEQ %}{{ x }}{% endfor %}{{ x }}
""".strip().split("\n")

SEQS = ["[]", "[1, 2, 3]", "'abc'", "{'a': 1, 'b': 2}", "(1, 2)", "range(4)", "[[1, 2], [3, 4]]", "{'k': 'v'}.items()", "nope", "5", "none", "[0, 1, 0, 1]", "['x', 'x', 'y']"]

STATEMENTS = r"""
{% if a %}A{% elif b %}B{% else %}C{% endif %}
{% if a and b or not c %}T{% endif %}
{% set x = 1 %}{{ x }}
{% set x, y = 1, 2 %}{{ x }}{{ y }}
{% set x, y = [1] %}{{ x }}
{% set x, y = [1, 2, 3] %}{{ x }}
{% set x, y = 5 %}{{ x }}
{% set (x, y) = (1, 2) %}{{ x }}{{ y }}
{% set x %}block {{ 1 + 1 }}{% endset %}{{ x }}
{% set x | upper %}block{% endset %}{{ x }}
{% set x | replace('b', 'c') | upper %}block{% endset %}{{ x }}
{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}
{% set d = {} %}{% set d.a = 1 %}{{ d }}
{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}
{% if false %}{% set x = 2 %}{% endif %}{{ x }}
{% if true %}{% set x = 2 %}{% endif %}{{ x }}
{% if false %}{% set a = 2 %}{% endif %}{{ a }}
{{ a }}{% set a = 5 %}{{ a }}
{% for i in [1] %}{% set a = 5 %}{{ a }}{% endfor %}{{ a }}
{% for i in [1, 2] %}{{ a }}{% set a = 5 %}{% endfor %}
{% for i in [1, 2] %}{% if i == 2 %}{% set q = i %}{% endif %}{{ q }}.{% endfor %}
{% with %}{% set x = 1 %}{{ x }}{% endwith %}{{ x }}
{% with x = 1, y = 2 %}{{ x }}{{ y }}{% endwith %}{{ x }}
{% with x = 1, y = x %}{{ y }}{% endwith %}
{% with a = 7 %}{{ a }}{% endwith %}{{ a }}
{% with x, y = (1, 2) %}{{ x }}{{ y }}{% endwith %}
{% macro m() %}M{% endmacro %}{{ m() }}
{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(1) }}{{ m('a') }}{{ m() }}
{% macro m(x, y=2, z='q') %}{{ x }}-{{ y }}-{{ z }}{% endmacro %}{{ m(1) }}|{{ m(1, 3) }}|{{ m(1, z=5) }}|{{ m(y=4, x=2) }}
{% macro m(x, y=x) %}{{ x }}{{ y }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}
{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, a=3) }}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1, 2) }}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m(y=2) }}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1, x=2) }}
{% macro m(x) %}{{ caller(x) }}{% endmacro %}{% call(y) m(5) %}<{{ y }}>{% endcall %}
{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}body{% endcall %}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro m() %}x{% endmacro %}{% call m() %}body{% endcall %}
{% macro m() %}{% if caller %}{{ caller() }}{% else %}none{% endif %}{% endmacro %}{{ m() }}{% call m() %}y{% endcall %}
{% macro m(caller=none) %}{{ caller }}{% endmacro %}{{ m() }}
{% macro m(a, b=1) %}{{ kwargs }}{{ varargs }}{{ caller }}{% endmacro %}{{ m.name }} {{ m.arguments }} {{ m.catch_kwargs }} {{ m.catch_varargs }} {{ m.caller }}
{% macro m() %}{% endmacro %}{{ m }}
{% macro outer() %}{% macro inner() %}I{% endmacro %}[{{ inner() }}]{% endmacro %}{{ outer() }}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}
{% macro m() %}{{ x }}{% endmacro %}{% set x = 3 %}{{ m() }}
{% macro m() %}{{ a }}{% endmacro %}{{ m() }}
{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
{% macro m() %}<b>{{ a }}</b>{% endmacro %}{{ m() }}
{% macro m(x, x) %}{% endmacro %}
{% macro m(x=1, y) %}{% endmacro %}
{% macro m(true) %}{% endmacro %}
{% macro m(x %}{% endmacro %}
{% macro %}{% endmacro %}
{% call 5 %}{% endcall %}
{% call nope() %}{% endcall %}
{% filter upper %}abc{{ a }}{% endfilter %}
{% filter replace('a', 'b')|upper %}abc{% endfilter %}
{% filter nosuch %}x{% endfilter %}
{% raw %}{{ a }}{% if %}{% endraw %}
{% raw -%}   x   {%- endraw %}
a {%- raw -%} x {%- endraw -%} b
{% raw %}unclosed
{# comment #}x{# another
line #}y
{# unclosed
a{#- c -#}   b
{%- if true -%}  x  {%- endif -%}
  {%- if true %} x {% endif -%}  y
{{- a -}}   z
 {{ a -}} z
{%+ if true %}x{%+ endif %}
{% autoescape true %}{{ '<' }}{{ '<'|safe }}{% endautoescape %}{{ '<' }}
{% autoescape false %}{{ '<' }}{% endautoescape %}
{% autoescape a %}{{ '<' }}{% endautoescape %}
{% block b %}B{% endblock %}
{% block b %}B{% endblock b %}
{% block b %}B{% endblock c %}
{% block b %}1{% endblock %}{% block b %}2{% endblock %}
{% block b %}{{ super() }}{% endblock %}
{% block b %}x{% endblock %}{{ self.b() }}{{ self.c }}
{% block a-b %}{% endblock %}
{% set x = 1 %}{% block b %}{{ x }}{% endblock %}
{% for i in [1, 2] %}{% block b scoped %}{{ i }}{% endblock %}{% endfor %}
{% for i in [1, 2] %}{% block b %}{{ i }}{% endblock %}{% endfor %}
{% block b required %}{% endblock %}
{% block b required %}x{% endblock %}
{% print 1, 2 %}
{% print 'a' %}
{% do [].append(1) %}
{% break %}
{% nosuch %}
{% endif %}
{% if %}{% endif %}
{% if a %}
{% if a %}{% endfor %}
{% for %}{% endfor %}
{% for x %}{% endfor %}
{% for x in %}{% endfor %}
{% for x in a b %}{% endfor %}
{% for 1 in a %}{% endfor %}
{% for x.y in a %}{% endfor %}
{% for x in [1] %}{% endif %}
{% for x in [1] %}{% else %}{% else %}{% endfor %}
{% if a %}{% else %}{% elif b %}{% endif %}
{% set %}
{% set x %}
{% set x = %}
{% set 1 = 2 %}
{% set x.y = 1 %}
{% set x[0] = 1 %}
{% set loop = 1 %}{{ loop }}
{% with x %}{% endwith %}
{% with x = %}{% endwith %}
{% include %}
{% include 'nope' %}
{% include 'nope' ignore missing %}
{% extends 'nope' %}
{% import 'nope' as x %}
{% from 'nope' import x %}
{% import 'x' %}
{% from 'x' import %}
{% from 'x' import _y %}
{% extends %}
{%
{{
{{ a
{% if a
{{ a }
{{ }}
{{ a }}}
{{{ a }}}
{{ {'a': 1} }}
{{ {'a': {'b': 2}}}}
{{ "}}" }}
{{ '{{' }}
{ { a } }
{% % }
%} }} #}
{{ a
}}
{{
a
+ 1
}}
{{ a }}{{ b }}
x{{ nope }}y
{{ a if b }}
{% if nope %}x{% endif %}
{% if nope.x %}x{% endif %}
{{ range(3)|list }}
{% for i in range(3) %}{{ i }}{% endfor %}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}
{% set j = joiner('|') %}{{ j() }}a{{ j() }}b{{ j() }}c
{% set l = [] %}{{ l.append(1) }}{{ l }}
{% set x = 1 if true else 2 %}{{ x }}
{% set x = 1, 2 %}{{ x }}
{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}
{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [[1]] %}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for i in [1, 2, 3] if i is odd %}{{ loop.index }}{{ i }}{% endfor %}
{% for x in [{'n': 1, 'c': [{'n': 2, 'c': []}]}] recursive %}{{ loop.depth }}{{ x.n }}{{ loop(x.c) }}{% endfor %}
{% for x in [1, [2, [3]]] recursive %}{% if x is sequence %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}
{% for x in [1] recursive %}{{ loop(5) }}{% endfor %}
{% for x in loop %}{% endfor %}
{% for x in [1, 2, 3] %}{% for y in loop %}{{ y }}{% endfor %}{{ x }}{% endfor %}
""".strip("\n").split("\n")

TEMPLATES = {
    "base": "<{% block title %}base{% endblock %}|{% block body %}{% endblock %}>",
    "child": "{% extends 'base' %}{% block title %}child of {{ super() }}{% endblock %}",
    "grand": "{% extends 'child' %}{% block title %}[{{ super() }}]{% endblock %}{% block body %}B{{ self.title() }}{% endblock %}",
    "inc": "inc:{{ x }}{{ a }}",
    "mac": "{% macro m(v) %}({{ v }}{{ a }}){% endmacro %}{% set exported = 5 %}{% set _hidden = 6 %}text",
    "req": "{% block r required %}{% endblock %}",
    "scoped": "{% for i in [1, 2] %}{% block item scoped %}{{ i }}{% endblock %}{% endfor %}",
    "broken": "{% if %}",
    "fails": "{{ 1 / 0 }}",
    "selfinc": "{% include 'selfinc' %}",
}

INHERIT = r"""
{% extends 'base' %}
{% extends 'child' %}
{% extends 'grand' %}
{% extends 'base' %}{% block title %}T{% endblock %}ignored{{ 1 / 0 }}
{% extends 'base' %}{% set a = 9 %}{% block body %}{{ a }}{% endblock %}
{% extends 'base' %}{% block body %}{{ super() }}{{ super.super() }}{% endblock %}
{% extends 'child' %}{% block title %}{{ super.super() }}{% endblock %}
{% extends 'grand' %}{% block title %}{{ super() }}+{{ super.super() }}{% endblock %}
{% extends name %}{% block title %}dyn{% endblock %}
{% if true %}{% extends 'base' %}{% endif %}{% block title %}cond{% endblock %}x
{% if false %}{% extends 'base' %}{% endif %}{% block title %}cond{% endblock %}x
{% extends 'base' %}{% extends 'child' %}
{% if true %}{% extends 'base' %}{% endif %}{% extends 'base' %}
{% for i in [1] %}{% extends 'base' %}{% endfor %}
{% extends 'req' %}
{% extends 'req' %}{% block r %}R{% endblock %}
{% extends 'scoped' %}{% block item %}<{{ i }}>{% endblock %}
{% extends nope %}
{% extends 5 %}
{% extends 'broken' %}
{% include 'inc' %}
{% set x = 1 %}{% include 'inc' %}
{% set x = 1 %}{% include 'inc' without context %}
{% set x = 1 %}{% include 'inc' with context %}
{% for x in [1, 2] %}{% include 'inc' %}{% endfor %}
{% with x = 3 %}{% include 'inc' %}{% endwith %}
{% macro m(x) %}{% include 'inc' %}{% endmacro %}{{ m(4) }}
{% include ['nope', 'inc'] %}
{% include ['nope', 'nope2'] %}
{% include [] %}
{% include ['nope'] ignore missing %}
{% include nope %}
{% include nope ignore missing %}
{% include 5 %}
{% include 'broken' %}
{% include 'broken' ignore missing %}
{% include 'fails' %}
{% include 'grand' %}
{% include name %}
{% import 'mac' as mod %}{{ mod.m(1) }}{{ mod.exported }}
{% import 'mac' as mod with context %}{{ mod.m(1) }}
{% import 'mac' as mod %}{{ mod }}
{% import 'mac' as mod %}{{ mod._hidden }}
{% import 'mac' as mod %}{{ mod.nope }}
{% import 'mac' as mod %}{{ mod.nope() }}
{% from 'mac' import m %}{{ m(2) }}
{% from 'mac' import m as mm, exported %}{{ mm(2) }}{{ exported }}
{% from 'mac' import m with context %}{{ m(2) }}
{% from 'mac' import nope %}{{ nope }}
{% from 'mac' import nope %}{{ nope() }}
{% from 'mac' import nope, m %}{{ m(1) }}
{% from 'mac' import m, %}{{ m(1) }}
{% from 'mac' import m,, exported %}
{% from 'mac' import m as %}
{% set a = 3 %}{% from 'mac' import m with context %}{{ m(1) }}
{% block b %}{% include 'inc' %}{% endblock %}
{% block b %}{% import 'mac' as mod %}{{ mod.m(3) }}{% endblock %}
{% block x %}{% set y = 5 %}{{ y }}{% endblock %}{{ y }}
{% extends 'base' %}{% macro q() %}Q{% endmacro %}{% block body %}{{ q() }}{% endblock %}
{% extends 'base' %}{% import 'mac' as mod %}{% block body %}{{ mod.m(1) }}{% endblock %}
{% extends 'base' %}{% block body %}{% block nested %}N{% endblock %}{% endblock %}
{% extends 'base' %}{% block other %}O{% endblock %}
""".strip("\n").split("\n")

WHITESPACE = ["  {% if true %}  \n  x\n  {% endif %}\n", "a\n  {% if true %}\n b\n  {% endif %}\nc\n", "{% if true %}\n{% endif %}\n\n", "  {# c #}\n  x {# d #}  \n",
              "  {%- if true %}\n  x\n  {%- endif +%}\ny", "  {%+ if true %}\n x{% endif %}", "{{ a }}\n{{ b }}\n", "x{% raw %}\n {{ a }}\n{% endraw %}\ny", "  {% raw %}  x  {% endraw %}  \n",
              "\n\n{% for i in [1, 2] %}\n  {{ i }}\n{% endfor %}\n\n", "{% set x = 1 %}\n{{ x }}\n", "a\r\nb\rc\n{{ '\\n' }}", "{% if true -%}\n\n x \n\n{%- endif %}", "\t{% if true %}\n\tx{% endif %}\t", "x {% if true %}y{% endif %}",
              "{% for i in [1] %}\n  {% if i %}\n    {{ i }}\n  {% endif %}\n{% endfor %}\nend\n", "{{ a -}}  \n\n {{- b }}", "\n", "", "x\n\n"]

LINES = ["# for i in [1, 2]\n{{ i }}\n# endfor\n", "  # if true:\nyes\n  # endif\n", "a\n# set x = 5\n{{ x }}", "# for i in [1,\n#  2]\n{{ i }}\n# endfor", "a ## comment\nb\n## all\nc", "# if true ## why\nx\n# endif\n", "x # if true\n", "# nosuch\n", "# raw\n{{ a }}\n# endraw\n"]


def cases(pairs):
    ctx = {"a": 1, "b": "two", "c": None, "name": "child", "items": [1, 2]}
    for loop in LOOPS:
        for seq in SEQS:
            yield from pairs("loop", [loop.replace("SEQ", seq)], ctx)
    yield from pairs("statement", STATEMENTS, ctx)
    yield from pairs("statement, strict", STATEMENTS, ctx, undefined="StrictUndefined")
    yield from pairs("statement, autoescape", STATEMENTS, ctx, autoescape=True)
    ext = ["jinja2.ext.do", "jinja2.ext.loopcontrols"]
    yield from pairs("extensions", ["{% do [].append(1) %}x", "{% set l = [] %}{% do l.append(1) %}{{ l }}", "{% do 5 %}", "{% do %}", "{% do nope.x() %}",
                                    "{% for i in [1, 2, 3] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{% for i in [1, 2, 3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
                                    "{% for i in [1, 2] %}{% for j in [1, 2] %}{% break %}{% endfor %}{{ i }}{% else %}E{% endfor %}", "{% for i in [1, 2, 3] recursive %}{% break %}{% endfor %}",
                                    "{% for i in [1] %}{% break %}{% else %}e{% endfor %}", "{% for i in [1, 2, 3] %}{{ loop.index }}{% continue %}x{% endfor %}"], ctx, extensions=ext)
    yield from pairs("inheritance", INHERIT, ctx, templates=TEMPLATES)
    yield from pairs("inheritance, strict", INHERIT, ctx, templates=TEMPLATES, undefined="StrictUndefined")
    for trim in (False, True):
        for lstrip in (False, True):
            for keep in (False, True):
                yield from pairs("whitespace", WHITESPACE, ctx, trim_blocks=trim, lstrip_blocks=lstrip, keep_trailing_newline=keep)
    yield from pairs("newlines", WHITESPACE, ctx, newline_sequence="\r\n", keep_trailing_newline=True)
    yield from pairs("line statements", LINES, ctx, line_statement_prefix="#", line_comment_prefix="##")
    yield from pairs("line statements", LINES, ctx, line_statement_prefix="#", trim_blocks=True, lstrip_blocks=True)
    for start, end, vs, ve, cs, ce in (("<%", "%>", "<%=", "%>", "<%#", "%>"), ("[%", "%]", "[[", "]]", "[#", "#]"), ("<!--", "-->", "${", "}", "<!--#", "-->"), ("{", "}", "{{", "}}", "{#", "#}"), ("$$", "$$", "$(", ")", "$#", "#$")):
        for t in STATEMENTS[:40]:
            t = t.replace("{%", "\0").replace("%}", "\1").replace("{{", "\2").replace("}}", "\3")
            t = t.replace("\0", start).replace("\1", end).replace("\2", vs).replace("\3", ve)
            yield from pairs("delimiters", [t], ctx, block_start_string=start, block_end_string=end, variable_start_string=vs, variable_end_string=ve, comment_start_string=cs, comment_end_string=ce)
