#!/usr/bin/python3
"""Records what Ansible's Templar answers for Ansible's filters and tests.

record_ansible.py writes ansible/*.jsonl beside itself; record_ansible.py --live
reads cases from standard input and answers them in the same form. What a case
says about a divergence ("diverges") is kept when it is recorded again.

Run by ansible-core 2.19 or later it writes ansible/current.jsonl instead: the
cases that this release answers in another way than the recorded 2.14 did, and
those of MORE. An error is then what the user is told, without the words about
rendering that stand before it.
"""
import json
import os
import re
import sys

import ansible.release
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

CURRENT = tuple(int(n) for n in ansible.release.__version__.split(".")[:2]) >= (2, 19)
if CURRENT:
    from ansible._internal._datatag._tags import TrustedAsTemplate
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ansible")
NAMES = {"AnsibleUndefinedVariable": "UndefinedError", "AnsibleFilterTypeError": "TypeError"}
WRAPPED = [
    (re.compile(r"^Unexpected templating type error occurred on \(.*?\}\}\): (.*)$", re.S), lambda m: ("TypeError", m.group(1))),
    (re.compile(r"^An unhandled exception occurred while templating '.*?'\. Error was a <class '([\w.]+)'>, original message: (.*)$", re.S),
     lambda m: (m.group(1).rsplit(".", 1)[-1], m.group(2))),
    (re.compile(r"^Unexpected templating type error occurred on .*?: (.*)$", re.S), lambda m: ("TypeError", m.group(1))),
]


def plain(v):
    """Makes JSON of a result; what JSON lacks becomes its text."""
    if isinstance(v, dict):
        return {str(k): plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    if v is None or isinstance(v, (bool, int, str)):
        return v
    if isinstance(v, float) and v == v and abs(v) != float("inf"):
        return v
    return str(v)


def kind(v):
    for t, n in ((bool, "bool"), (int, "int"), (float, "float"), (str, "str"), (list, "list"), (tuple, "tuple"), (dict, "dict")):
        if isinstance(v, t):
            return n
    return type(v).__name__


def answer_now(case):
    """Answers a case with a current release."""
    try:
        template = TrustedAsTemplate().tag(case["template"])
        v = Templar(loader=DataLoader(), variables={}).template(template, escape_backslashes=False)
        return {"output": plain(v), "type": kind(v)}
    except Exception as e:
        message = re.sub(r"^(Error rendering template|Syntax error in template): ", "", str(e))
        return {"error": type(e).__name__, "message": message}


def answer(case):
    if CURRENT:
        return answer_now(case)
    try:
        v = Templar(loader=DataLoader(), variables={}).template(case["template"], escape_backslashes=False)
        return {"output": plain(v), "type": kind(v)}
    except Exception as e:
        name, message = type(e).__name__, str(getattr(e, "_message", None) or getattr(e, "message", None) or e)
        name = NAMES.get(name, name)
        for pattern, unwrap in WRAPPED:
            m = pattern.match(message)
            if m:
                name, message = unwrap(m)
        return {"error": name, "message": message}


S = ["''", "'a'", "'Hello World'", "'a,b,c'", "'/etc/hosts.d/a.conf'", "'line1\\nline2\\n'", "'\\u00e4\\u20ac \\U0001f600'", "'yes'", "'3.14'"]
V = S + ["0", "1", "-7", "3.5", "true", "false", "none", "[]", "[1, 2, 3]", "['b', 'a', 'B', 'a']", "[1, 'a', none, [2, [3]]]", "{}",
         "{'b': 1, 'a': [1, 2]}", "[{'k': 'x', 'v': 1}, {'k': 'y', 'v': 2}]", "12345678901234567890", "nope"]
L = ["[]", "[1, 2, 3]", "[3, 1, 2, 3, 1]", "['a', 'B', 'b', 'A', 'a']", "[1, 'a', none, 1.0, true]", "[[1], [2], [1]]", "[{'a': 1}, {'a': 1}, {'b': 2}]", "'abca'", "{'x': 1}", "none", "5"]
P = ["''", "'/'", "'a'", "'a/'", "'/a/b/c.tar.gz'", "'//x//y'", "'../a/./b/..'", "'.bashrc'", "'a.'", "'x/.y.z'", "'/a/b/'", "7", "none", "['a']"]
PATHS = ["[]", "['/etc', 'a', 'b']", "['/a/b', '/a/c']", "['a/b/c', 'a/b/d', 'a/b']", "['/a', '/b']", "['a', '/b']", "'/x/y'", "['']", "['a/', 'b']", "[1, 'a']", "3"]
D = ["{}", "{'a': 1}", "{'a': {'x': 1, 'y': [1, 2]}, 'b': 2}"]
SIZES = ["0", "1", "1023", "1024", "1536", "10485760", "123456789012", "-2048", "'2048'", "'x'", "none", "[]", "1.5", "true"]
BYTES = ["'1'", "'10M'", "'10 MB'", "'1.5K'", "'10Mb'", "'5 B'", "'5 b'", "'2 KiB'", "'7 kilobyte'", "'1XB'", "''", "'abc'", "5", "'10G '", "'3.'", "'.5M'", "'-5K'", "'1 Megabits'"]
TEXTS = ["'foo bar'", "'a=1, b=22'", "'x\\nFoo\\nfoo'", "''", "'aaa'", "'\\u00e4bc'", "42", "none", "'a.b*c'"]
YAMLS = ["''", "'a'", "' lead'", "'trail '", "'true'", "'yes'", "'null'", "'~'", "'1'", "'1.5'", "'1e3'", "'0x1f'", "'0o7'", "'1_000'", "'2024-01-02'", "'2024-01-02 03:04:05'", "'12:30:45'", "'='", "'<<'",
         "'- a'", "'-'", "'--- x'", "'a: b'", "'a:b'", "'a #b'", "'a#b'", "'#b'", "'x, y'", "'[x'", "'{x'", "'*x'", "'&x'", "'!x'", "'%x'", "'@x'", "'`x'", "'|x'", "'>x'", "'?x'", "'? x'", "': x'", "\"it's\"", "'say \"hi\"'",
         "'a\\nb'", "'a\\nb\\n'", "'a\\n\\nb'", "'\\na'", "'a \\n b'", "'a\\tb'", "'a\\\\b'", "'\\u00e4\\u20ac'", "'\\U0001f600'", "'\\x07bell'", "'\\u2028x'", "'\\xa0'", "'\\x85'", "'\\ufeffx'", "'{{ x }}'",
         "'word ' * 40", "'x' * 200", "'a b  c   ' * 20", "\"it's \" * 30", "'tab\\t' * 30", "'line of text here\\n' * 5", "'key with ' * 20 ~ ': colon'", "('y' * 90) ~ ' ' ~ ('z' * 30)", "1.0", "1e20", "1e-7", "123456789012345678901234567890", "true", "none",
         "[]", "{}", "[[]]", "[{}]", "[1, [2, [3, [4]]]]", "{'a': []}", "{'a': {}}", "{'a': [1, 2]}", "{'a': {'b': {'c': 1}}}", "[{'a': 1, 'b': 2}, {'c': [3]}]", "[[1, 2], [3, 4]]", "{'b': 1, 'a': 2, 'C': 3}", "{1: 'x', 2: 'y'}",
         "{true: 1, 'x': 2}", "{'': 1}", "{'k: x': 1}", "{'a\\nb': 1}", "{('k' * 130): 1}", "{'k': 'multi\\nline\\ntext\\n'}", "{'l': ['a\\nb', 'c']}", "(1, 2)", "{'a': (1, 2)}", "{'x': none, 'y': true, 'z': 1.5}", "range(3) | list",
         "['long string ' * 10, 'b']", "{'key': 'long value ' * 12}", "{'outer': {'key': 'deep long value ' * 8}}", "[range(60) | list]", "['a', 'b'] * 30", "{'a': 'yes', 'b': 'no', 'c': 'on', 'd': 'y', 'e': 'n'}", "{'null': 'null', 'no': 'no'}"]

# filter: (inputs, what stands behind the filter's name)
FILTERS = {
    "lists": {
        "unique": (L, ["", "(true)", "(case_sensitive=true)", "(attribute='a')"]), "union": (L, ["([1, 9])", "(['a', 'z'])", "('ab')"]), "intersect": (L, ["([1, 9, 3])", "(['a', 'z'])"]),
        "difference": (L, ["([1, 9])", "(['a'])", "(none)"]), "symmetric_difference": (L, ["([1, 9, 3])", "([[1], 5])"]),
        "flatten": (["[]", "[1, [2, [3, [4, none]]]]", "[[none, 'null', 'None'], ['a']]", "'abc'", "5", "none", "{'a': [1]}", "[(1, 2), [3]]"], ["", "(1)", "(levels=2)", "(0)", "(skip_nulls=false)", "('x')"]),
        "zip": (["[1, 2, 3]", "'ab'", "[]", "5"], ["(['x', 'y'])", "", "('xyz', [7, 8, 9])", "(4)"]), "zip_longest": (["[1, 2, 3]", "[]"], ["(['x'])", "(['x'], fillvalue='-')", "(bad=1)"]),
        "product": (["[1, 2]", "'ab'", "[]", "3"], ["(['x', 'y'])", "", "(repeat=2)", "([1], [2, 3])"]), "permutations": (["[1, 2, 3]", "'ab'", "[]"], ["", "(2)", "(0)", "(5)", "('x')"]),
        "combinations": (["[1, 2, 3]", "'abc'", "[]"], ["(2)", "(0)", "(5)", ""]),
        "extract": (["'a'", "0", "'zz'"], ["({'a': {'b': 5}, 0: [7]})", "({'a': {'b': [1, 2]}}, 'b')", "({'a': {'b': [1, 2]}}, ['b', 1])", "(['x', 'y'])"]),
        "subelements": (["[{'n': 'a', 'k': [1, 2], 'd': {'e': ['x']}}, {'n': 'b'}]", "[{'k': [1], 'd': {'e': [2]}}]", "{'u': {'k': ['p']}}", "'x'", "[{'k': 5}]", "[{'k': [3], 'd': 1}]"], ["('k')", "('k', skip_missing=true)", "('d.e')", "(['d', 'e'], true)", "(5)"]),
        "batch": (["[1, 2, 3]"], ["(2)"]),
    },
    "dicts": {
        "combine": (D + ["[{'a': 1}, {'a': 2, 'b': 3}]", "'x'", "none", "[1]"], ["", "({'a': 5})", "({'a': {'x': 2, 'y': [2, 3]}, 'z': 0}, recursive=true)", "({'a': {'y': [2, 3]}}, recursive=true, list_merge='append')", "({'a': {'y': [2, 3]}}, recursive=true, list_merge='prepend')",
                     "({'a': {'y': [2, 3]}}, recursive=true, list_merge='append_rp')", "({'a': {'y': [3, 2]}}, recursive=true, list_merge='prepend_rp')", "({'a': {'y': [3]}}, recursive=true, list_merge='keep')", "(list_merge='nope')", "(bad=1)", "({'b': 1}, {'c': 2})", "([{'b': 1}, {'c': 2}])", "(5)"]),
        "dict2items": (D + ["[]", "'x'", "none"], ["", "(key_name='k', value_name='v')"]), "items2dict": (["[]", "[{'key': 'a', 'value': 1}]", "[{'key': 'a', 'value': 1}, {'key': 'a', 'value': 2}]", "[{'k': 'a', 'v': 1}]", "{'a': 1}", "'x'", "[1]"], ["", "(key_name='k', value_name='v')"]),
        "rekey_on_member": (["[{'n': 'a', 'v': 1}, {'n': 'b'}]", "{'x': {'n': 'a'}}", "[{'n': 'a'}, {'n': 'a', 'v': 2}]", "[{'m': 1}]", "'x'", "[1]", "5"], ["('n')", "('n', duplicates='overwrite')", "('n', 'bad')"]),
    },
    "data": {
        "to_json": (V + ["{'z': 1, 'a': {'y': '\\u00e4', 'x': none}}", "{1: 2, none: 3}", "'\\x00\\x1f\\x7f\"\\\\/'"], ["", "(indent=2)", "(sort_keys=true)", "(ensure_ascii=false)", "(separators=(',', ':'))"]), "to_nice_json": (V + ["{'z': 1, 'a': {'y': '\\u00e4', 'x': none}}", "{1: 2, 'a': 3}"], ["", "(indent=2)", "(sort_keys=false)", "(ensure_ascii=false)"]),
        "from_json": (["'{\"b\": [1, 2.5, null, true], \"a\": \"x\"}'", "''", "'nope'", "'[1,]'", "'{\"a\" 1}'", "'\"\\\\u00e4\\\\ud83d\\\\ude00\"'", "'NaN'", "'1e5'", "'-0'", "'012'", "'[1] x'", "'{\"a\": 1, \"a\": 2}'", "5", "'\"abc'", "'[1, 2'", "'{a: 1}'", "'\"\\t\"'"], [""]),
        "from_yaml": (["'a: 1\\nb: [x, yes, ~]'", "'- 1\\n- 2.5'", "''", "'x'", "'yes'", "'012'", "'a: !!str 5'", "'{a: 1, b: {c: 2}}'", "5", "[1]", "'1:30'", "'a: |\\n  t\\n  u'"], [""]), "from_yaml_all": (["'a: 1\\n---\\nb: 2'", "'x'", "''", "[1]"], ["|list", ""]),
        "b64encode": (S + ["5", "none"], ["", "(encoding='utf-16-le')", "('latin-1')"]), "b64decode": (["'YQ=='", "'aGVsbG8='", "'YQ'", "''", "'w6Q='", "'aGVs bG8='", "'a'", "5"], ["", "(encoding='utf-16-le')"]),
        "bool": (V + ["'on'", "'True'", "'1'", "'y'", "'no'", "'FALSE'", "1.0", "2"], [""]), "ternary": (["true", "false", "none", "''", "'x'", "0", "[]", "nope"], ["('Y', 'N')", "('Y', 'N', 'U')", "('Y')", "(false_val=1, true_val=2)"]),
        "mandatory": (["1", "none", "nope", "''", "{}.x"], ["", "('give it')"]), "type_debug": (V + ["(1, 2)", "range(2)"], [""]), "string": (V, [""]),
    },
    "texts": {
        "regex_search": (TEXTS, ["('o+')", "('(\\\\w)(\\\\w)', '\\\\1', '\\\\2')", "('(?P<n>[a-z])', '\\\\g<n>')", "('FOO', ignorecase=true)", "('^foo$', multiline=true)", "('(')", "('x', 'bad')", "('(a)', '\\\\5')", "('b|(z)', '\\\\1')"]),
        "regex_replace": (TEXTS, ["('o', '0')", "('(\\\\w)', '<\\\\1>')", "('^', '> ')", "('(?P<x>a)', '\\\\g<x>\\\\g<x>')", "('FOO', 'x', ignorecase=true)", "('^foo$', 'X', multiline=true)", "('a')", "()", "('(', 'x')", "('b*', '-')", "('a', '\\\\9')"]),
        "regex_findall": (TEXTS, ["('[a-z]')", "('(\\\\w)=(\\\\d+)')", "('^f.*$', multiline=true)", "('FOO', ignorecase=true)", "('(o)')", "(')')"]), "regex_escape": (TEXTS + ["'^a.*b$[x]{1}(y)|z+?\\\\-/ \\n#&~'"], ["", "('posix_basic')", "('posix_extended')", "('x')"]),
        "quote": (V + ["'a b'", "\"it's\"", "'$x'", "'a;b'", "'safe-1.2/x@y'"], [""]), "split": (["'a b  c'", "'a,b,c'", "''", "5", "['a']"], ["", "(',')", "(',', 1)", "('')"]),
        "comment": (["'one'", "'one\\ntwo'", "'one\\n\\ntwo'", "'one\\n'", "''", "5"], ["", "('c')", "('cblock')", "('erlang')", "('xml')", "('plain', decoration='; ')", "(prefix='#######\\n#', postfix='#\\n#######')", "(decoration='! ')", "(prefix_count=2, postfix_count=0)", "('nope')",
                     "(decoration='# ', prefix='##', prefix_count=3, postfix='', end='END')", "(beginning='/**', newline='\\n')", "('plain', prefix='')"]),
        "urlsplit": (["'http://user:pass@Www.Example.com:9000/dir/index.html?query=term#fragment'", "'https://[::1]:8080/x'", "'mailto:a@b.c'", "'/only/path'", "''", "'http://h:port/'", "'http://h:99999/'", "'HTTP://h'", "'//h/p'", "'a:b'", "'http://u@h'", "'ftp://h/a;b?c=d&e=f'"],
                     ["", "('hostname')", "('port')", "('nope')", "('netloc')", "('username')"]), "urldecode": (["'a%20b+c'", "'%'", "'%zz'", "'%C3%A4'", "'%ff'", "''", "5"], [""]), "urlencode": (["'a b/c?'", "{'a': 'x y'}"], [""]),
        "hash": (S + ["5", "none"], ["", "('md5')", "('sha256')", "('sha512')", "('nope')", "('sha3_256')", "('blake2b')"]), "md5": (["'x'", "5"], [""]), "sha1": (["'x'", "none"], [""]), "checksum": (["'x'", "'\\u00e4'"], [""]),
        "to_uuid": (["'a'", "''", "5", "'\\u00e4'"], ["", "('11111111-2222-3333-4444-555555555555')", "(namespace='x')"]),
        "to_datetime": (["'2024-02-29 12:34:56'", "'2024-02-30 00:00:00'", "'x'", "5"], ["", "('%Y')"]), "strftime": (["'%Y-%m-%d %H:%M:%S'", "'%j %U %a %b %y %e %%'", "'%s'", "'%q x'"], ["(0, utc=true)", "(1700000000.5, true)", "('86400', utc=true)", "('x')", "([])"]),
    },
    "passwords": {
        "password_hash": (["'secret'", "''", "'\\u00e4\\u20ac'", "'x' * 80"], ["('sha512', 'mysalt', rounds=5000)", "('sha512', 'mysalt', rounds=1000)", "('sha256', 'mysalt', rounds=5000)", "('sha256', 'abcdefgh12345678', rounds=1234)", "('md5', 'mysalt')", "('bcrypt', 'abcdefghijklmnopqrstuu', rounds=4)",
                           "('blowfish', 'abcdefghijklmnopqrstuu', rounds=5, ident='2a')", "('md5', 'muchtoolongsalt')", "('sha512', 'a!b')", "('nope', 'x')", "('bcrypt', 'short')", "('sha512', 'x', rounds=10)", "('bcrypt', 'abcdefghijklmnopqrstuu', rounds=40)", "('sha512', 'mysalt')[:30]", "('sha256', 'mysalt')", "('bcrypt', 'abcdefghijklmnopqrstuv', rounds=4)"]),
    },
    "paths": {
        "basename": (P, [""]), "dirname": (P, [""]), "splitext": (P, [""]), "expanduser": (["'~/x'", "'/a/~'", "'~nosuchuser/x'", "5"], ["|replace('/nonexistent', '')|regex_replace('^/[^~]*', '/')"]), "expandvars": (["'$NOSUCHVAR/x'", "'a'"], [""]),
        "relpath": (P, ["('/a')", "('/a/b/c')|length > 0", "('a/x')"]), "path_join": (PATHS, [""]), "realpath": (["'/'", "'/nosuchdir/../x'", "'/proc/./nosuch'"], [""]),
        "win_basename": (["'C:\\\\a\\\\b.txt'", "'a/b'", "'\\\\\\\\srv\\\\share\\\\x'", "''"], [""]), "win_dirname": (["'C:\\\\a\\\\b.txt'", "'C:\\\\'", "'a/b'", "'\\\\\\\\srv\\\\share\\\\x\\\\y'", "''"], [""]), "win_splitdrive": (["'C:\\\\a'", "'a'", "'\\\\\\\\srv\\\\share\\\\x'", "'c:'", "'\\\\\\\\a'", "''"], [""]),
        "fileglob": (["'/nosuch/*'"], [""]),
    },
    "numbers": {
        "log": (["1", "10", "8", "0", "-1", "'x'", "2.5", "none"], ["", "(2)", "(10)", "(1)", "('y')"]), "pow": (["2", "0", "-8", "2.5", "'x'"], ["(3)", "(0.5)", "(-1)", "('y')", "(10000)"]), "root": (["9", "27", "-4", "0", "'x'"], ["", "(3)", "(0)", "('y')"]),
        "human_readable": (SIZES, ["", "(true)", "(unit='M')", "(isbits=true, unit='K')", "(unit='B')"]), "human_to_bytes": (BYTES, ["", "('M')", "(isbits=true)", "(default_unit='K', isbits=false)"]),
        "random": (["10", "60", "1000000", "1", "5000000000", "['a', 'b', 'c', 'd']", "'xyz'", "0", "-5", "{'a': 1}", "none", "2.5", "[]"], ["(seed='host1')", "(seed='web01.example.com')", "(seed=42)", "(start=5, seed='x')", "(1, 3, seed='y')", "(seed=1.5)", "(seed='\\u00e4')", "(seed=-3)"]),
        "shuffle": (["[1, 2, 3, 4, 5, 6, 7]", "'abc'", "[]", "5", "{'a': 1, 'b': 2}"], ["(seed='host1')", "(seed=7)", "(seed='web01.example.com')"]),
    },
    "yaml": {"to_yaml": (YAMLS, ["", "(default_flow_style=false)", "(width=30)"]), "to_nice_yaml": (YAMLS, ["", "(indent=2)", "(width=50, sort_keys=false)", "(explicit_start=true)", "(default_style='|')", "(default_style='\"')"])},
}
RESULTS = ["{}", "{'changed': true}", "{'failed': true}", "{'failed': false, 'changed': false}", "{'skipped': true}", "{'unreachable': true}", "{'results': [{'changed': true}]}", "{'results': [{'failed': true}]}", "{'finished': 0, 'started': 1}", "{'finished': 1}", "{'rc': 1}", "'x'", "none", "nope"]
VERSIONS = ["'1.2.3'", "'1.10'", "'1.2.3-rc1'", "'2'", "2.5", "''", "'1.2.3.4'", "'v1.2'", "'1.0a1'"]
TESTS = {
    "results": {t: (RESULTS, [""]) for t in ("changed", "change", "failed", "failure", "succeeded", "success", "successful", "skipped", "skip", "reachable", "unreachable", "started", "finished")},
    "values": {
        "match": (TEXTS, ["('fo+')", "('FOO', ignorecase=true)", "('(')"]), "search": (TEXTS, ["('o b')", "('^foo', multiline=true)"]), "regex": (TEXTS, ["('a')", "('aaa', match_type='fullmatch')", "('b', match_type='match')", "('b', match_type='zz')"]),
        "version": (VERSIONS, ["('1.2.3')", "('1.2.4', '<')", "('1.9', 'gt')", "('1.2', '>=')", "('1.2.3', '!=')", "('1.2', 'zz')", "('', '>')", "('1.2.3', '>=', strict=true)", "('1.2.3', '>=', version_type='semver')", "('1.2.3', '<', version_type='pep440')", "('1.2', version_type='zz')", "('1.2.3', 'eq', strict=true, version_type='loose')", "('1.2.x', '<')"]),
        "version_compare": (VERSIONS[:2], ["('1.2.3', 'le')"]), "any": (["[]", "[0, 1]", "[0, '']", "'x'", "5", "{'a': 0}"], [""]), "all": (["[]", "[0, 1]", "[1, 'x']", "5"], [""]),
        "truthy": (V + ["'no'", "'off'", "'n'"], ["", "(convert_bool=true)"]), "falsy": (V + ["'no'", "'off'"], ["", "(convert_bool=true)"]), "vault_encrypted": (["'x'", "'$ANSIBLE_VAULT;1.1;AES256\\n3031'", "5"], [""]),
        "contains": (["[1, 'a']", "'abc'", "{'a': 1}", "none", "5", "[[1]]"], ["('a')", "(1)", "([1])"]), "subset": (["[1]", "[]", "[1, 9]", "'ab'", "5"], ["([1, 2])", "('abc')"]), "superset": (["[1, 2]", "[]", "'abc'"], ["([1])", "('ab')"]), "issubset": (["[1]"], ["([1, 2])"]), "issuperset": (["[1]"], ["([1, 2])"]),
        "nan": (["'NaN'|float", "1.5", "'x'", "1", "none"], [""]), "isnan": (["'nan'|float", "1"], [""]),
        "uri": (["'http://a/b'", "'urn:x:y'", "'a'", "''", "'mailto:x@y'", "5", "'x:'"], ["", "(['http', 'urn'])"]), "url": (["'http://a/b'", "'urn:x:y'", "'file:///x'", "'ftp://h'"], ["", "(schemes=['ftp'])"]), "urn": (["'urn:x:y'", "'http://a'", "'URN:a:b'"], [""]),
    },
    "files": {t: (["'/'", "'/etc/passwd'", "'/nosuch'", "'/proc'", "'/proc/self'", "'rel'", "''", "5", "none"], [""]) for t in ("directory", "is_dir", "file", "is_file", "link", "is_link", "exists", "link_exists", "mount", "is_mount", "abs", "is_abs")},
}
TESTS["files"]["same_file"] = (["'/'"], ["('/')", "('/etc')", "('/nosuch')"])

IPS = ["'192.168.1.5'", "'192.168.1.5/24'", "'192.168.1.0/24'", "'10.0.0.0/8'", "'255.255.255.255'", "'0.0.0.0/0'", "'192.168.1.1/255.255.255.0'", "'127.0.0.1'", "'169.254.0.7'", "'224.0.0.1'", "'8.8.8.8/32'", "'10.0.0.6/31'", "'::1'", "'fe80::1/64'", "'2001:db8::/32'", "'2001:db8:32c:faad::5/64'",
       "'::ffff:1.2.3.4'", "'example.com'", "''", "true", "5", "3232235777", "none", "['10.1.1.1', 'x', '::1', '10.2.0.0/16']", "'192.168.1.5/33'", "'1.2.3'", "'2002:c000:0204::'"]
QUERIES = ["", "('address')", "('network')", "('netmask')", "('broadcast')", "('prefix')", "('size')", "('subnet')", "('host')", "('cidr')", "('hostmask')", "('int')", "('revdns')", "('gateway')", "('type')", "('version')", "('ipv4')", "('ipv6')", "('public')", "('private')", "('loopback')", "('multicast')", "('unicast')",
           "('link-local')", "('address/prefix')", "('ip/prefix')", "('host/prefix')", "('network/prefix')", "('network_id')", "('network_netmask')", "('network_wildcard')", "('first_usable')", "('last_usable')", "('range_usable')", "('next_usable')", "('previous_usable')", "('size_usable')", "('peer')", "('wrap')", "('6to4')", "('bool')", "('net')",
           "(1)", "(-2)", "('5')", "(300)", "('192.168.0.0/16')", "('nosuch')", "('lo')", "('v4')", "('ip_netmask')", "('ip_wildcard')", "('ip/prefix', true)", "('netmask', version=6)", "('reserved')", "('unspecified')", "('global')", "('0')", "('prefix', 4)", "('wildcard')"]
COLLECTIONS = {
    "ipaddr": {"ansible.utils.ipaddr": (IPS, QUERIES), "ansible.utils.ipv4": (IPS, ["", "('address')", "('prefix')"]), "ansible.utils.ipv6": (IPS, ["", "('prefix')"])},
    "network": {
        "ansible.utils.ipwrap": (IPS[:4] + IPS[12:24] + ["'fe80::1/64'", "['::1', '1.2.3.4', 'host']"], ["", "('address')"]),
        "ansible.utils.ipsubnet": (["'192.168.144.5'", "'192.168.0.0/16'", "'192.168.144.16/30'", "'::1'", "'2001:db8::/32'", "'x'", "''"], ["", "(20)", "(20, 0)", "(20, -1)", "(20, 5)", "(18, '192.168.144.0/21')", "('192.168.0.0/16')", "('192.168.144.0/30')", "(8)", "(48, 1)", "(33)", "('x')", "('192.168.144.16/30', '192.168.0.0/16')"]),
        "ansible.utils.nthhost": (["'10.0.0.0/8'", "'192.168.1.5/24'", "'x'", "''", "'::/64'"], ["(305)", "(-1)", "('x')", "(1)", "", "(0)"]),
        "ansible.utils.network_in_network": (["'192.168.0.0/24'", "'x'", "'10.0.0.0/8'"], ["('192.168.0.1')", "('10.0.0.0/9')", "('10.0.0.0/7')", "('zz')"]), "ansible.utils.network_in_usable": (["'192.168.0.0/24'", "'10.0.0.0/8'"], ["('192.168.0.1')", "('192.168.0.0')", "('192.168.0.255')", "('10.0.0.0/9')"]),
        "ansible.utils.reduce_on_network": (["['192.168.0.34', '10.3.0.3', '192.168.2.34']", "[]"], ["('192.168.0.0/24')", "('10.0.0.0/8')"]),
        "ansible.utils.cidr_merge": (["['192.168.0.0/17', '192.168.128.0/17', '192.168.128.1']", "['10.0.0.0/24', '10.0.1.0/24', '10.0.3.0/24']", "['1.2.3.4', '1.2.3.7']", "[]", "'x'", "['x']", "['::1', '::']"], ["", "('span')", "('merge')", "('zz')"]),
        "ansible.utils.ipmath": (["'192.168.1.5'", "'192.168.1.1/24'", "'2001::1'", "'x'", "'0.0.0.1'"], ["(5)", "(-10)", "('x')", "(256)", "(0)"]),
        "ansible.utils.next_nth_usable": (["'192.168.122.1/24'", "'192.168.122.254/24'", "'x'"], ["(2)", "(1)", "('x')"]), "ansible.utils.previous_nth_usable": (["'192.168.122.10/24'", "'192.168.122.1/24'", "'x'"], ["(2)", "(1)"]),
        "ansible.utils.hwaddr": (["'1a:2b:3c:4d:5e:6f'", "'1a2b.3c4d.5e6f'", "'1A-2B-3C-4D-5E-6F'", "'x'", "''", "'1a2b3c4d5e6f'", "5"], ["", "('linux')", "('cisco')", "('unix')", "('bare')", "('bool')", "('int')", "('eui48')", "('pgsql')", "('win')", "('psql')", "('zz')"]), "ansible.utils.macaddr": (["'1a:2b:3c:4d:5e:6f'", "'x'"], ["", "('linux')"]),
        "ansible.utils.slaac": (["'fdcf:1894:23b5:d38c:0000:0000:0000:0000'", "'2001:db8::/64'", "'x'", "'1.2.3.4'"], ["('c2:31:b3:83:bf:2b')", "('x')"]), "ansible.utils.ip4_hex": (["'192.168.1.5'", "'x'", "'10.0.0.0'"], ["", "(':')"]), "ansible.utils.usable_range": (["'192.168.0.0/29'", "'x'", "'10.0.0.0/30'", "'2001:db8::/126'", "'1.2.3.4/32'"], [""]),
    },
    "utils": {
        "ansible.utils.to_paths": (["{'a': {'b': [1, {'c.d': 2}]}, 'e': []}", "[1, [2]]", "{}"], ["", "(prepend='x')", "(wantlist=true)"]), "ansible.utils.get_path": (["{'a': {'b': [1, {'c': 2}]}}"], ["('a.b')", "('a.b[1].c')", "(\"a['b'][0]\")", "('a.b[0]', wantlist=true)"]),
        "ansible.utils.keep_keys": (["[{'a': 1, 'bb': {'a': 2, 'c': 3}}, {'c': 1}]", "{'a': 1, 'b': 2}"], ["(target=['a'])", "(target=['^b'], matching_parameter='regex')", "(target=['b'], matching_parameter='starts_with')", "(target=['c'], matching_parameter='ends_with')"]),
        "ansible.utils.remove_keys": (["[{'a': 1, 'bb': {'a': 2, 'c': 3}}, {'c': 1}]", "{'a': 1, 'b': 2}"], ["(target=['a'])", "(target=['^b'], matching_parameter='regex')", "(target=['b'], matching_parameter='starts_with')"]),
        "ansible.utils.replace_keys": (["[{'a': 1, 'bb': {'a': 2, 'c': 3}}, {'c': 1}]"], ["(target=[{'before': 'a', 'after': 'z'}])", "(target=[{'before': 'b', 'after': 'z'}], matching_parameter='starts_with')"]),
        "ansible.utils.index_of": (["[2, 4, 6, 8]", "[{'k': 'a'}, {'k': 'b'}]"], ["('eq', 4)", "('gt', 4)", "('eq', 'b', 'k')", "('eq', 9)", "('eq', 4, wantlist=true)"]),
    },
    "general": {
        "community.general.json_query": (["{'a': [{'n': 'x', 'v': 1}, {'n': 'y', 'v': 2}]}", "[1, 2]", "'x'", "none"], ["('a[*].n')", "(\"a[?v > `1`].n\")", "('a[0]')", "('length(@)')", "('a[')", "('sort_by(a, &v)[-1].n')", "('nope')"]),
        "community.general.dict": (["[['a', 1], ['b', 2]]", "[(1, 2)]", "[]", "[1]", "[['a', 1, 2]]"], [""]), "community.general.dict_kv": (["1", "'x'", "[1]"], ["('k')"]), "community.general.groupby_as_dict": (["[{'n': 'a', 'v': 1}, {'n': 'b'}]", "[{'n': 'a'}, {'n': 'a'}]", "'x'", "[1]", "[{'m': 1}]"], ["('n')"]),
        "community.general.counter": (["['a', 'b', 'a', 1]", "'abca'", "5", "[]", "[[1]]"], [""]), "community.general.version_sort": (["['1.10', '1.2', '1.9.1', '1.2b']", "[]"], ["", "(reverse=true)"]), "community.general.crc32": (["'x'", "''", "5"], [""]),
        "community.general.lists_mergeby": (["[[{'n': 'a', 'x': 1}, {'n': 'b'}], [{'n': 'a', 'y': [2]}, {'n': 'c'}]]", "[{'n': 'a', 'l': [1]}]"], ["('n')", "([{'n': 'a', 'l': [2]}], 'n')", "([{'n': 'a', 'l': [2]}], 'n', list_merge='append')", "([{'n': 'a', 'l': {'q': 1}}], 'n', recursive=true)", "([{'m': 1}], 'n')"]),
        "community.general.from_csv": (["'a,b\\n1,2\\n3,4\\n'", "'a;b\\n\"x;y\";2'", "''", "'a\\n1,2'"], ["", "(delimiter=';')", "(fieldnames=['x', 'y'])", "(dialect='unix')", "(dialect='zz')", "(strict=true)"]),
        "community.general.unicode_normalize": (["'\\u00e4'", "'a\\u0308'", "'\\ufb01'", "5"], ["", "('NFKD')", "('NFD')", "('zz')"]),
        "community.general.random_mac": (["'52:54:00'", "'ff'", "'x'", "'52:54:00:11:22:33'", "5", "''"], ["(seed='host')", "(seed='web01')"]),
        "community.general.hashids_encode": (["1"], [""]),
        **{"community.general.to_" + u: (["'1h 30m'", "'2 weeks'", "'1y 2mo'", "'5'", "'x'", "5", "'1d 1d'", "'1500ms'", "'-1h'", "'1 day 12 hours'"], [""] + (["(year=360)", "(month=31)"] if u in ("years", "months", "days") else [])) for u in ("seconds", "minutes", "hours", "days", "weeks", "months", "years", "milliseconds")},
        "community.general.to_time_unit": (["'1h'", "'90s'"], ["('m')", "('hours')", "('zz')"]),
    },
}
ADDRS = ["'10.1.1.1'", "'10.0.0.0/8'", "'::1'", "'2001:db8::1'", "'x'", "'127.0.0.1'", "'224.0.0.1'", "'8.8.8.8'", "'240.0.0.1'", "'0.0.0.0'", "'::ffff:1.2.3.4'", "'2002::1'", "'2001::1'", "'1a:2b:3c:4d:5e:6f'", "'255.255.0.0'", "'0.0.255.255'"]
ADDRTESTS = {"ansible.utils." + t: (ADDRS, [""]) for t in ("ip", "ip_address", "ipv4", "ipv4_address", "ipv4_hostmask", "ipv4_netmask", "ipv6", "ipv6_address", "ipv6_ipv4_mapped", "ipv6_sixtofour", "ipv6_teredo", "loopback", "mac", "multicast", "private", "public", "reserved", "unspecified")}
ADDRTESTS.update({"ansible.utils.in_network": (ADDRS[:5], ["('10.0.0.0/8')", "('x')"]), "ansible.utils.in_any_network": (ADDRS[:5], ["(['10.0.0.0/8', '::/0'])"]), "ansible.utils.in_one_network": (ADDRS[:5], ["(['10.0.0.0/8', '10.1.0.0/16'])"]), "ansible.utils.subnet_of": (ADDRS[:4], ["('10.0.0.0/8')"]), "ansible.utils.supernet_of": (ADDRS[:4], ["('10.1.0.0/16')"])})


MORE = r"""
{{ {'a':1}|community.general.json_patch('add','/b',2) }}
{{ {'a':[1]}|community.general.json_patch('add','/a/-',2) }}
{{ {'a':1}|community.general.json_patch('remove','/b') }}
{{ {'a':1}|community.general.json_patch('test','/a',2) }}
{{ {'a':1}|community.general.json_patch('test','/a',2, fail_test=true) }}
{{ {'a':1}|community.general.json_patch('move','/b', from='/a') }}
{{ {'a':1}|community.general.json_patch('copy','/b', from='/a') }}
{{ {'a':1}|community.general.json_patch('zz','/b') }}
{{ {'a':1}|community.general.json_patch('add','b', 1) }}
{{ '{"a": 1}'|community.general.json_patch('replace','/a', {'x': 1}) }}
{{ 'x'|community.general.json_patch('replace','/a', 1) }}
{{ {'a':1}|community.general.json_patch('add','/b') }}
{{ {'a':1,'b':2}|community.general.json_patch_recipe([{'op':'add','path':'/c','value':3},{'op':'remove','path':'/a'}]) }}
{{ {'a':1,'b':2}|community.general.json_patch_recipe([{'op':'add','path':'/c','value':3},{'op':'test','path':'/a','value':5}]) }}
{{ {'a':1,'b':2}|community.general.json_patch_recipe([{'op':'add','path':'/c'}]) }}
{{ {'a':1,'b':2}|community.general.json_patch_recipe('x') }}
{{ {'a':[1,{'b':2}]}|community.general.to_yaml }}
{{ {'a':[1,{'b':2}]}|community.general.to_nice_yaml }}
{{ nope|ansible.builtin.default('x') }}
{{ '5'|ansible.builtin.int + 1 }}
{{ 5 is ansible.builtin.defined }}
{{ [1]|map('ansible.builtin.string')|list }}
{{ [1]|select('ansible.builtin.odd')|list }}
{{ [{'a':1}]|ansible.builtin.map(attribute='a')|ansible.builtin.list }}
{{ nope is ansible.builtin.undefined }}
{{ {9:1,10:2}|to_json(sort_keys=true) }}
{{ {9:1,10:2, true: 3}|to_nice_json }}
{{ {9:1,10:2}|to_json }}
{{ [{'a':1}]|ansible.utils.keep_keys }}
{{ [{'a':1}]|ansible.utils.keep_keys(target='a') }}
{{ [{'a':1}]|ansible.utils.keep_keys(target=['a'], matching_parameter='zz') }}
{{ 'x'|ansible.utils.keep_keys(target=['a']) }}
{{ 'x'|ansible.utils.remove_keys(target=['a']) }}
{{ [{'a':1}]|ansible.utils.keep_keys(target=['a'], bad=1) }}
{{ [1,2]|ansible.utils.index_of('nosuch', 1) }}
{{ [1,2]|ansible.utils.index_of('odd') }}
{{ [1,2]|ansible.utils.index_of('!=', 1) }}
{{ [1,2]|ansible.utils.index_of('not in', [1]) }}
{{ [{'a':1},{'b':2}]|ansible.utils.index_of('eq', 1, 'a', fail_on_missing=true) }}
{{ ['1','2','3']|ansible.utils.param_list_compare(['!all','2','7']) }}
{{ ['1','2','3']|ansible.utils.param_list_compare(['all','!2','7']) }}
{{ '<a x="1"><b>t</b><b/><c>u</c></a>'|ansible.utils.from_xml }}
{{ '<a>'|ansible.utils.from_xml }}
{{ '<a><b>1</b>mixed<b>2</b></a>'|ansible.utils.from_xml }}
{{ '<a xmlns="urn:x" xmlns:y="urn:y"><y:b y:k="v">1 &amp; 2</y:b><!-- c --><![CDATA[q]]></a>'|ansible.utils.from_xml }}
{{ {'a': {'@x': '1', 'b': ['t', none], 'c': {'#text': 'u', '@k': 5}}}|ansible.utils.to_xml }}
{{ {'a': {'b': [], 'c': {}, 'd': true, 'e': '<&>"', 'f': 1.5}}|ansible.utils.to_xml(indent='spaces', indent_width=2) }}
{{ {'a': 1}|ansible.utils.to_xml(full_document=false) }}
{{ {'a': 1, 'b': 2}|ansible.utils.to_xml }}
{{ 'x'|ansible.utils.to_xml }}
{{ [{'data':[{'n':'x','v':1},{'n':'y'}],'match_key':'n','name':'one'},{'data':[{'n':'x','w':1}],'match_key':'n','name':'two'}]|ansible.utils.consolidate(fail_missing_match_value=false) }}
{{ [{'data':[{'n':'x','v':1},{'n':'y'}],'match_key':'n','name':'one'},{'data':[{'n':'x','w':1}],'match_key':'n','name':'two'}]|ansible.utils.consolidate }}
{{ [{'data':[{'n':'x','v':1},{'m':'y'}],'match_key':'n','name':'one'},{'data':[{'n':'x','w':1},{'n':'x'}],'match_key':'n','name':'two'}]|ansible.utils.consolidate }}
{{ [1,2,3,5,7,8,4094]|ansible.netcommon.vlan_parser }}
{{ [4095]|ansible.netcommon.vlan_parser }}
{{ range(1,200,2)|list|ansible.netcommon.vlan_parser }}
{{ range(1,200,2)|list|ansible.netcommon.vlan_parser(20, 10) }}
{{ '1-3,7,5'|ansible.netcommon.vlan_expander }}
{{ 'x'|ansible.netcommon.vlan_expander }}
{{ '$1$abcd$xyz'|ansible.netcommon.hash_salt }}
{{ 'secret'|ansible.netcommon.type5_pw('abcd') }}
{{ 'secret'|ansible.netcommon.comp_type5('$1$abcd$xyz') }}
{{ 'fe80::1'|ansible.utils.slaac }}
{{ '10.0.0.0/22'|ansible.utils.usable_range|length }}
{{ '10.0.0.1/30'|ansible.utils.usable_range }}
{{ '10.0.0.1'|ansible.utils.usable_range }}
{{ {'a': 1}|ansible.utils.get_path('b') }}
{{ {'a': 1}|ansible.utils.get_path }}
{{ [1]|ansible.utils.get_path('a') }}
{{ 5|ansible.utils.to_paths }}
{{ '1'|ansible.utils.hwaddr }}
{{ 112233|ansible.utils.hwaddr }}
{{ '112233'|ansible.utils.hwaddr }}
{{ 'aabb.ccdd.eeff'|ansible.utils.hwaddr('int') }}
{{ 'aa:bb:cc:dd:ee:ff:00:11'|ansible.utils.hwaddr('linux') }}
{{ 'aa:bb:cc:dd:ee:ff:00:11'|ansible.utils.hwaddr('cisco') }}
{{ 'aabb:ccdd:eeff'|ansible.utils.hwaddr('bare') }}
{{ 'a:b:c:d:e:f'|ansible.utils.hwaddr('win') }}
{{ 'aabbcc-ddeeff'|ansible.utils.hwaddr('unix') }}
{{ 'a:b:c:d:e:0'|ansible.utils.hwaddr('unix') }}
{{ 20015998343868|ansible.utils.hwaddr('unix') }}
{{ '20015998343868'|ansible.utils.hwaddr('unix') }}
{{ 'x'|ansible.utils.hwaddr('bool') }}
{{ ['a']|ansible.utils.hwaddr }}
{{ 'a'|ansible.utils.hwaddr('linux', 'myalias') }}
{{ [1,2,3]|community.general.hashids_encode }}
{{ 1234|community.general.hashids_encode(salt='s') }}
{{ [1234,5,6,7,8]|community.general.hashids_encode(salt='s', alphabet='0123456789abcdef') }}
{{ [1234,5]|community.general.hashids_encode(salt='some salt', min_length=20) }}
{{ [1234,5]|community.general.hashids_encode(alphabet='abc') }}
{{ 'x'|community.general.hashids_encode }}
{{ [-1]|community.general.hashids_encode }}
{{ 'o2fXhV'|community.general.hashids_decode }}
{{ 'zzz'|community.general.hashids_decode }}
{{ ([1234,5]|community.general.hashids_encode(salt='some salt', min_length=20))|community.general.hashids_decode(salt='some salt', min_length=20) }}
{{ range(0,3)|map('community.general.hashids_encode', 'x')|list }}
{{ 99999999999999|community.general.hashids_encode('salt') }}
{{ '192.168.144.5'|ansible.utils.ipsubnet(18, '192.168.144.0/21') }}
{{ '192.168.1.5'|ansible.utils.ipmath('x') }}
{{ [1]|ansible.utils.to_paths(wantlist='zz') }}
{{ {'a': 1}|ansible.utils.to_xml(indent_width='zz') }}
{{ 5|ansible.utils.index_of('eq', 4) }}
{{ [1]|ansible.utils.consolidate() }}
{{ [{'data':1}]|ansible.utils.consolidate() }}
{{ [1]|ansible.utils.replace_keys(target=[{'x': 1}]) }}
{{ [{'a':1}]|ansible.utils.replace_keys(target=['x']) }}
{{ [{'a':1}]|ansible.utils.replace_keys(target={'before':'a','after':'b'}) }}
{{ 'zz'|community.general.from_ini }}
{{ '[a]\nb=c\nd: e ; x\n  more\nF\n'|community.general.from_ini }}
{{ '[a]\nb=c\nd: e ; x\n  more\n\n#c\n[DEFAULT]\nz=1\n[q]\nZ=%(x)s\n'|community.general.from_ini }}
{{ '[a]\nb=c\nb=d\n'|community.general.from_ini }}
{{ '[a]\nb=c\n[a]\nb=d\n'|community.general.from_ini }}
{{ 5|community.general.from_ini }}
{{ '[a]\nb=c:d\n'|community.general.from_ini(delimiters=[':']) }}
{{ {'a': {'b': 1, 'C': none, 'd': 'x\ny'}, 'DEFAULT': {'k': 'v'}}|community.general.to_ini }}
{{ {'a': {'b': 1}}|community.general.to_ini(no_extra_spaces=true) }}
{{ {}|community.general.to_ini }}
{{ 5|community.general.to_ini }}
{{ {'a': 5}|community.general.to_ini }}
{{ {'a': {}}|community.general.to_ini }}
{{ {'a': {'b': [1, true]}, 'e': {'x y': ''}}|community.general.to_ini }}
{{ [1,2,3]|community.general.accumulate|list }}
{{ 'abc'|community.general.accumulate }}
{{ 5|community.general.accumulate }}
{{ [[1],[2]]|community.general.accumulate }}
{{ ['a',1]|community.general.accumulate }}
{{ 'x'|community.general.reveal_ansible_type }}
{{ [1,'x',{}]|community.general.reveal_ansible_type }}
{{ {'a':1,'b':[2]}|community.general.reveal_ansible_type }}
{{ {'a':1}|community.general.reveal_ansible_type({'dict': 'D', 'str': 'S'}) }}
{{ {'a':1}|community.general.reveal_ansible_type(5) }}
{{ {'a':1} is community.general.ansible_type('dict[str, int]') }}
{{ {'a':1} is community.general.ansible_type(['dict[str, int]', 'x']) }}
{{ 1 is community.general.ansible_type('str') }}
{{ 1 is community.general.ansible_type(5) }}
{{ [{'k0_x0':1,'k1':2}]|community.general.keep_keys(target='k1') }}
{{ [{'k0_x0':1,'k1':2}]|community.general.remove_keys(target=['k0'], matching_parameter='starts_with') }}
{{ [{'k0_x0':1,'k1':2}]|community.general.replace_keys(target=[{'before':'k','after':'z'}], matching_parameter='starts_with') }}
{{ [{'k0_x0':1,'k1':2}]|community.general.keep_keys(target=['a','b'], matching_parameter='regex') }}
{{ 5|community.general.keep_keys(target=['a']) }}
{{ [5]|community.general.keep_keys(target=['a']) }}
{{ [{}]|community.general.keep_keys(target=5) }}
{{ [{}]|community.general.keep_keys(target=['a'], matching_parameter='q') }}
{{ 'x'|community.general.unicode_normalize('zz') }}
{{ '192.168.1.5'|ansible.utils.ipcut(8) }}
{{ '192.168.1.5'|ansible.utils.ipcut(-16) }}
{{ '2001:db8::1'|ansible.utils.ipcut(40) }}
{{ 'x'|ansible.utils.ipcut(40) }}
{{ '2001:db8::1'|ansible.utils.ipv6form('expand') }}
{{ '2001:db8:0::1'|ansible.utils.ipv6form('compress') }}
{{ '2001:db8::1'|ansible.utils.ipv6form('x509') }}
{{ 'zz'|ansible.utils.ipv6form('x509') }}
{{ nope is changed }}
{{ nope is failed }}
{{ nope is succeeded }}
{{ nope is skipped }}
{{ nope is reachable }}
{{ nope is finished }}
{{ {}.x is failed }}
{{ [80,443]|union([22]) }}
{{ [80,443,8080,22,25]|union([22,9000,9001,53]) }}
{{ range(0,100,7)|list|difference(range(0,50)|list) }}
{{ range(1000,1100,3)|list|symmetric_difference(range(1010,1100,7)|list) }}
{{ range(1000,1100,3)|list|intersect(range(1010,1100,7)|list) }}
{{ [-1,-2,5,true,65536,4294967296,2305843009213693951]|union([0,1]) }}
{{ [1,2,3]|difference([]) }}
{{ [9,8,7,6,5,4,3,2,1,10,11,12]|union([]) }}
{{ [100,200,300,400,500,600,700]|difference([300]) }}
{{ [100,200,300,400,500,600,700]|intersect([300,700,100]) }}
{{ '10Mb'|human_to_bytes }}
{{ '1XB'|human_to_bytes }}
{{ ''|human_to_bytes }}
{{ '10q'|human_to_bytes }}
{{ '10 KB'|human_to_bytes(isbits=true) }}
{{ 'x'|password_hash('md5','muchtoolongsalt') }}
{{ 'x'|password_hash('sha512','a!b') }}
{{ 'x'|password_hash('sha512','x', rounds=10) }}
{{ 'x'|password_hash('bcrypt','x') }}
{{ 'x'|password_hash('nope') }}
{{ 'x'|password_hash('sha512', salt='abcdefgh', salt_size=4) }}
{{ 'x'|password_hash('sha256', '12345678', ident='zz') }}
{{ 5|password_hash('sha256', '12345678') }}
{{ 'x'|combine('y') }}
{{ {}|combine({'a':1}, recursive='x', list_merge='zz') }}
{{ 'zz'|from_yaml }}
{{ 'a: b: c'|from_yaml }}
{{ none|from_yaml }}
{{ none|from_json }}
{{ 'a'|bool }}
{{ none|bool }}
{{ 5|bool }}
{{ [1]|bool }}
{{ 'Y'|bool }}
{{ ''|bool }}
{{ 1.0|bool }}
{{ 'on'|bool }}
{{ 'x'|regex_replace('x','y',count=1) }}
{{ 'x'|regex_replace('x','y',mandatory_count=2) }}
{{ 'a,b'|split(',', maxsplit=0) }}
{{ {'b':1,'a':2}|to_yaml(sort_keys=false) }}
{{ {'b':1,'a':2}|to_nice_yaml(indent=2, width=20, explicit_start=true, explicit_end=true) }}
{{ {'b':'x'*100}|to_yaml(width=9999) }}
{{ '%Y'|strftime('zz') }}
{{ '%Y-%m-%dT%H:%M:%SZ'|strftime(0, utc=true) }}
{{ ('2024-01-02 03:04:05'|to_datetime - '2024-01-01 00:00:00'|to_datetime).total_seconds() }}
{{ '2024-01-02'|to_datetime('%Y-%m-%d') }}
{{ {'a':1,'b':2}|dict2items|selectattr('value','gt',1)|items2dict }}
{{ ['a','b']|zip([1,2])|items2dict }}
{{ {'a':1}|dict2items(key_name='k') }}
{{ '/a/b/../c'|normpath }}
{{ ['/a/b','/a/c']|commonpath }}
{{ 'http://u:p@h:1/x?q=1#f'|urlsplit('query') }}
{{ 'x'|mandatory }}
{{ nope|mandatory }}
{{ nope|mandatory(msg='give it') }}
{{ 'abc'|type_debug }}
{{ [1]|type_debug }}
{{ none|type_debug }}
{{ 'a'|ternary(1,2,3) }}
{{ [3,1,2]|shuffle(seed='x') }}
{{ 100|random(start=10, step=7, seed='x') }}
{{ [1,2,3]|permutations(2)|list }}
{{ [1,2]|product(['a'])|list }}
{{ [1,2,3]|combinations(2)|list }}
{{ 'C:\\a\\b'|win_splitdrive }}
{{ 'abc'|hash('sha3_256') }}
{{ 'abc'|checksum }}
{{ 'a'|to_uuid }}
{{ '1 2'|quote }}
{{ ['a b','c']|map('quote')|join(' ') }}
{{ 1|to_json ~ 'x' }}
{{ {'a': nope}|to_json }}
{{ 'x'|b64decode }}
{{ 'a_b'|regex_findall('(a)_(b)') }}
{{ 'abc'|regex_search('b', '\\g<0>') }}
{{ 'abc'|regex_search('(?P<x>b)', '\\g<x>', '\\g<nope>') }}
{{ '1.2.3' is version('1.2', '>=', strict=true) }}
{{ 'a' is version('1.2', '>=') }}
{{ '5' is timedout }}
{{ {'timedout': {'period': 5}} is timedout }}
{{ '/x' is vaulted_file }}
{{ ['y','t','n','f','1.0','True','ON',' yes', 1.0, 0.0, 2, -1, '0', 'no', '1', 'x', none, [], {}]|map('bool')|list }}
{{ '1.5G'|human_to_bytes }}
{{ '10Mb'|human_to_bytes(isbits=true) }}
{{ '10Megabytes'|human_to_bytes }}
{{ '10Mbit'|human_to_bytes }}
{{ '10foo'|human_to_bytes }}
{{ '10'|human_to_bytes('Mb') }}
{{ '10 M B'|human_to_bytes }}
{{ '10MB foo'|human_to_bytes }}
{{ 'x10MB'|human_to_bytes }}
{{ '1,5G'|human_to_bytes }}
{{ 10|human_to_bytes('M') }}
{{ ({}) | community.general.to_toml }}
{{ ({'a':1,'b':'x"y\n\t\\é\x07\x7f\x85','c':1.5,'d':true}) | community.general.to_toml }}
{{ ({'t':{'x':1},'a':1,'u':{}}) | community.general.to_toml }}
{{ ({'a':[1,2,'x']}) | community.general.to_toml }}
{{ ({'a':[]}) | community.general.to_toml }}
{{ ({'a':[{'b':1},{'c':{'d':2}}]}) | community.general.to_toml }}
{{ ({'a':{'b':{'c':1},'d':2,'e':[{'f':1}]}}) | community.general.to_toml }}
{{ ({'a b':1,'':2,'x.y':{'z':1},'é':3}) | community.general.to_toml }}
{{ ({'a':[[1],[2,{'q':1}]]}) | community.general.to_toml }}
{{ ({'a':[{'b':1},2]}) | community.general.to_toml }}
{{ ({'a':1e20,'b':1e-7,'c':100000000000000000000,'d':-0.0}) | community.general.to_toml }}
{{ ({'a':{'b':{'c':{'d':1}}}}) | community.general.to_toml }}
{{ ({'a':{'x':{}}}) | community.general.to_toml }}
{{ ({'a':[{}]}) | community.general.to_toml }}
{{ ({'a':[{'b':[{'c':1}]}]}) | community.general.to_toml }}
{{ ({'a':{'l':[{'z':{'y':1}}],'k':2},'b':3}) | community.general.to_toml }}
{{ ({'a':[{'x':{'y':[{'z':1}]}}]}) | community.general.to_toml }}
{{ ({'a':none}) | community.general.to_toml }}
{{ ({'a':[none]}) | community.general.to_toml }}
{{ ({'a':[[{'b':{'c':[1]},'d':1}]]}) | community.general.to_toml }}
{{ ({'a"b':{'c':1}}) | community.general.to_toml }}
{{ ({'a\nb':1}) | community.general.to_toml }}
{{ ({'b':{'q':1},'a':[{'x':1}],'c':2}) | community.general.to_toml }}
{{ ({'a':{'b':{'c':1},'d':{'e':2}},'z':1}) | community.general.to_toml }}
{{ ({'a':[{'p':1,'q':{'r':1}},{'p':2}],'b':{'s':1}}) | community.general.to_toml }}
{{ ({1:2,true:{'x':(1,2)}}) | community.general.to_toml }}
{{ ([1]) | community.general.to_toml }}
{{ ('x') | community.general.to_toml }}
{{ (none) | community.general.to_toml }}
{{ ({'a':nope}) | community.general.to_toml }}
{{ ({'d':'2024-01-02'|to_datetime('%Y-%m-%d')}) | community.general.to_toml }}
{{ ({'l':[{'a':1},{'b':[{'c':1},{'d':{'e':{'f':1}}}]}],'m':{'n':[{'o':{}}]}}) | community.general.to_toml }}
{{ ({'x':{'y':{'z':{'w':1},'v':2}},'p':[[{'a':1,'b':{'q':1}}]]}) | community.general.to_toml }}
{{ ({'a':[{'x':{'k':{'r':1}},'y':1,'w':{'t':[1]}}]}) | community.general.to_toml }}
{{ ({'a':{'b':[{'c':1},{'c':2}],'d':{'e':1}},'f':[{'g':1}],'h':{}}) | community.general.to_toml }}
{{ ({'a':range(3)}) | community.general.to_toml }}
{{ ({'t': {'s': [{'b': 1}]}, 'a': [{}, {}]}) | community.general.to_toml }}
{{ ({'a': [{'s': [{'b': 1}], 'p': 1}]}) | community.general.to_toml }}
{{ ({'a': {'s': [{'b': 1}], 'p': {}, 'q': 2}}) | community.general.to_toml }}
{{ {'a':1} | community.general.to_toml(redact_sensitive_values=true) }}
{{ {'a':1} | community.general.to_toml(true) }}
{{ ([]) | community.general.to_prettytable }}
{{ ([]) | community.general.to_prettytable(column_order=['b','a']) }}
{{ ([]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{'a':1,'b':'xx'}]) | community.general.to_prettytable }}
{{ ([{'a':1,'b':'xx'}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{'a':1,'b':'xx'}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{'name':'Alice','age':25,'role':'admin'},{'name':'Bob','age':30,'role':'user'}]) | community.general.to_prettytable }}
{{ ([{'name':'Alice','age':25,'role':'admin'},{'name':'Bob','age':30,'role':'user'}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{'name':'Alice','age':25,'role':'admin'},{'name':'Bob','age':30,'role':'user'}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{'a':none,'b':[1,'x'],'c':1.50,'d':true}]) | community.general.to_prettytable }}
{{ ([{'a':none,'b':[1,'x'],'c':1.50,'d':true}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{'a':none,'b':[1,'x'],'c':1.50,'d':true}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{'a':'l1\nline2','b':'x'},{'a':'y','b':'p\nq\nr'}]) | community.general.to_prettytable }}
{{ ([{'a':'l1\nline2','b':'x'},{'a':'y','b':'p\nq\nr'}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{'a':'l1\nline2','b':'x'},{'a':'y','b':'p\nq\nr'}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{'a':'日本','b':'é'}]) | community.general.to_prettytable }}
{{ ([{'a':'日本','b':'é'}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{'a':'日本','b':'é'}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{1:'x',true:'y'},{1:'z'}]) | community.general.to_prettytable }}
{{ ([{1:'x',true:'y'},{1:'z'}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{1:'x',true:'y'},{1:'z'}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{'A':1},{'a':2}]) | community.general.to_prettytable }}
{{ ([{'A':1},{'a':2}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{'A':1},{'a':2}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{}]) | community.general.to_prettytable }}
{{ ([{}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{'a':1},{}]) | community.general.to_prettytable }}
{{ ([{'a':1},{}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{'a':1},{}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ('x') | community.general.to_prettytable }}
{{ ('x') | community.general.to_prettytable(column_order=['a']) }}
{{ ('x') | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([1]) | community.general.to_prettytable }}
{{ ([1]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([1]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ({'a':1}) | community.general.to_prettytable }}
{{ ({'a':1}) | community.general.to_prettytable(column_order=['a']) }}
{{ ({'a':1}) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ (none) | community.general.to_prettytable }}
{{ (none) | community.general.to_prettytable(column_order=['a']) }}
{{ (none) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{'a':''}]) | community.general.to_prettytable }}
{{ ([{'a':''}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{'a':''}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ ([{'ab':'x'},{'ab':'xx'},{'ab':'xxx'},{'ab':'xxxx'},{'ab':'xxxxx'}]) | community.general.to_prettytable }}
{{ ([{'ab':'x'},{'ab':'xx'},{'ab':'xxx'},{'ab':'xxxx'},{'ab':'xxxxx'}]) | community.general.to_prettytable(column_order=['a']) }}
{{ ([{'ab':'x'},{'ab':'xx'},{'ab':'xxx'},{'ab':'xxxx'},{'ab':'xxxxx'}]) | community.general.to_prettytable(column_alignments={'a':'left'}) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(header_names=['X','Yy']) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(header_names=['X']) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(header_names=['X','X']) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(header_names='X') }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(header_names=[1,2]) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_order=['b'],header_names=['B']) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_order=['b'],header_names=['B','C']) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_order=[1]) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_order='a') }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_order=['a','b','c']) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(header_names=['a','b','c']) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable('b','a') }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable('b',column_order=['a']) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(bad=1) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_alignments=1) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_alignments={1:'l'}) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_alignments={'a':1}) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_alignments={'a':'zz'}) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_alignments={'a':'l','b':'r','c':'c'}) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_order=['A','zz']) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_order=[]) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(header_names=[]) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_order=none) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(header_names=['P','Q'],column_alignments={'P':'r','Q':'center'}) }}
{{ [{'a':1,'b':'long text'}] | community.general.to_prettytable(column_alignments=none) }}
{{ ({'a':{'b':[0,1]},'z':'é'}) | ansible.utils.fact_diff({'a':{'b':[0,1]},'z':'é'}) }}
{{ ({'a':{'b':[0,1]},'z':'é'}) | ansible.utils.fact_diff('a\nb\nc\n') }}
{{ ({'a':{'b':[0,1]},'z':'é'}) | ansible.utils.fact_diff(['a','b',1]) }}
{{ ({'a':{'b':[0,1]},'z':'é'}) | ansible.utils.fact_diff({}) }}
{{ ({'a':{'b':[0,1]},'z':'é'}) | ansible.utils.fact_diff('') }}
{{ ({'a':{'b':[0,1]},'z':'é'}) | ansible.utils.fact_diff(5) }}
{{ ({'a':{'b':[0,1]},'z':'é'}) | ansible.utils.fact_diff('\x1b[31mred\x1b[0m\n') }}
{{ ({'a':{'b':[2,3]},'y':none}) | ansible.utils.fact_diff({'a':{'b':[2,3]},'y':none}) }}
{{ ({'a':{'b':[2,3]},'y':none}) | ansible.utils.fact_diff('a\nx\nc') }}
{{ ({'a':{'b':[2,3]},'y':none}) | ansible.utils.fact_diff(['a',{'k':1}]) }}
{{ ({'a':{'b':[2,3]},'y':none}) | ansible.utils.fact_diff([]) }}
{{ ({'a':{'b':[2,3]},'y':none}) | ansible.utils.fact_diff(none) }}
{{ ({'a':{'b':[2,3]},'y':none}) | ansible.utils.fact_diff({'a':nope}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff({'a':{'b':[0,1]},'z':'é'}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nb\nc\n') }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff(['a','b',1]) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff({}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('') }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff(5) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('\x1b[31mred\x1b[0m\n') }}
{{ ('a\nx\nc') | ansible.utils.fact_diff({'a':{'b':[2,3]},'y':none}) }}
{{ ('a\nx\nc') | ansible.utils.fact_diff('a\nx\nc') }}
{{ ('a\nx\nc') | ansible.utils.fact_diff(['a',{'k':1}]) }}
{{ ('a\nx\nc') | ansible.utils.fact_diff([]) }}
{{ ('a\nx\nc') | ansible.utils.fact_diff(none) }}
{{ ('a\nx\nc') | ansible.utils.fact_diff({'a':nope}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff({'a':{'b':[0,1]},'z':'é'}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff('a\nb\nc\n') }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['a','b',1]) }}
{{ (['a','b',1]) | ansible.utils.fact_diff({}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff('') }}
{{ (['a','b',1]) | ansible.utils.fact_diff(5) }}
{{ (['a','b',1]) | ansible.utils.fact_diff('\x1b[31mred\x1b[0m\n') }}
{{ (['a',{'k':1}]) | ansible.utils.fact_diff({'a':{'b':[2,3]},'y':none}) }}
{{ (['a',{'k':1}]) | ansible.utils.fact_diff('a\nx\nc') }}
{{ (['a',{'k':1}]) | ansible.utils.fact_diff(['a',{'k':1}]) }}
{{ (['a',{'k':1}]) | ansible.utils.fact_diff([]) }}
{{ (['a',{'k':1}]) | ansible.utils.fact_diff(none) }}
{{ (['a',{'k':1}]) | ansible.utils.fact_diff({'a':nope}) }}
{{ ({}) | ansible.utils.fact_diff({'a':{'b':[0,1]},'z':'é'}) }}
{{ ({}) | ansible.utils.fact_diff('a\nb\nc\n') }}
{{ ({}) | ansible.utils.fact_diff(['a','b',1]) }}
{{ ({}) | ansible.utils.fact_diff({}) }}
{{ ({}) | ansible.utils.fact_diff('') }}
{{ ({}) | ansible.utils.fact_diff(5) }}
{{ ({}) | ansible.utils.fact_diff('\x1b[31mred\x1b[0m\n') }}
{{ ([]) | ansible.utils.fact_diff({'a':{'b':[2,3]},'y':none}) }}
{{ ([]) | ansible.utils.fact_diff('a\nx\nc') }}
{{ ([]) | ansible.utils.fact_diff(['a',{'k':1}]) }}
{{ ([]) | ansible.utils.fact_diff([]) }}
{{ ([]) | ansible.utils.fact_diff(none) }}
{{ ([]) | ansible.utils.fact_diff({'a':nope}) }}
{{ ('') | ansible.utils.fact_diff({'a':{'b':[0,1]},'z':'é'}) }}
{{ ('') | ansible.utils.fact_diff('a\nb\nc\n') }}
{{ ('') | ansible.utils.fact_diff(['a','b',1]) }}
{{ ('') | ansible.utils.fact_diff({}) }}
{{ ('') | ansible.utils.fact_diff('') }}
{{ ('') | ansible.utils.fact_diff(5) }}
{{ ('') | ansible.utils.fact_diff('\x1b[31mred\x1b[0m\n') }}
{{ (none) | ansible.utils.fact_diff({'a':{'b':[2,3]},'y':none}) }}
{{ (none) | ansible.utils.fact_diff('a\nx\nc') }}
{{ (none) | ansible.utils.fact_diff(['a',{'k':1}]) }}
{{ (none) | ansible.utils.fact_diff([]) }}
{{ (none) | ansible.utils.fact_diff(none) }}
{{ (none) | ansible.utils.fact_diff({'a':nope}) }}
{{ (5) | ansible.utils.fact_diff({'a':{'b':[0,1]},'z':'é'}) }}
{{ (5) | ansible.utils.fact_diff('a\nb\nc\n') }}
{{ (5) | ansible.utils.fact_diff(['a','b',1]) }}
{{ (5) | ansible.utils.fact_diff({}) }}
{{ (5) | ansible.utils.fact_diff('') }}
{{ (5) | ansible.utils.fact_diff(5) }}
{{ ({'a':nope}) | ansible.utils.fact_diff({'a':{'b':[0,1]},'z':'é'}) }}
{{ ({'a':nope}) | ansible.utils.fact_diff('a\nb\nc\n') }}
{{ ({'a':nope}) | ansible.utils.fact_diff(['a','b',1]) }}
{{ ({'a':nope}) | ansible.utils.fact_diff({}) }}
{{ ({'a':nope}) | ansible.utils.fact_diff('') }}
{{ ({'a':nope}) | ansible.utils.fact_diff(5) }}
{{ ({'a':nope}) | ansible.utils.fact_diff('\x1b[31mred\x1b[0m\n') }}
{{ ('\x1b[31mred\x1b[0m\n') | ansible.utils.fact_diff({'a':{'b':[2,3]},'y':none}) }}
{{ ('\x1b[31mred\x1b[0m\n') | ansible.utils.fact_diff('a\nx\nc') }}
{{ ('\x1b[31mred\x1b[0m\n') | ansible.utils.fact_diff(['a',{'k':1}]) }}
{{ ('\x1b[31mred\x1b[0m\n') | ansible.utils.fact_diff([]) }}
{{ ('\x1b[31mred\x1b[0m\n') | ansible.utils.fact_diff(none) }}
{{ ('\x1b[31mred\x1b[0m\n') | ansible.utils.fact_diff({'a':nope}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', common=true) }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['b','q'], common=true) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, common=true) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', plugin={'vars':{'skip_lines':['b']}}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['b','q'], plugin={'vars':{'skip_lines':['b']}}) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, plugin={'vars':{'skip_lines':['b']}}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', plugin={'vars':{'skip_lines':'^a'}}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['b','q'], plugin={'vars':{'skip_lines':'^a'}}) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, plugin={'vars':{'skip_lines':'^a'}}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', plugin={'vars':{'skip_lines':['[']}}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['b','q'], plugin={'vars':{'skip_lines':['[']}}) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, plugin={'vars':{'skip_lines':['[']}}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', plugin={'name':'ansible.utils.native'}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['b','q'], plugin={'name':'ansible.utils.native'}) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, plugin={'name':'ansible.utils.native'}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', plugin={}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['b','q'], plugin={}) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, plugin={}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', plugin={'vars':{}}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['b','q'], plugin={'vars':{}}) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, plugin={'vars':{}}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', plugin={'bad':1}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['b','q'], plugin={'bad':1}) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, plugin={'bad':1}) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', bad=1) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, bad=1) }}
{{ ('a\nb\nc\n') | ansible.utils.fact_diff('a\nx\nb1\n', plugin={'vars':{'skip_lines':[]}}) }}
{{ (['a','b',1]) | ansible.utils.fact_diff(['b','q'], plugin={'vars':{'skip_lines':[]}}) }}
{{ ({'a':1,'b':2}) | ansible.utils.fact_diff({'a':2}, plugin={'vars':{'skip_lines':[]}}) }}
{{ 'x' | ansible.utils.fact_diff }}
"""


def groups():
    for tables, form, word in ((FILTERS, "{{ (%s)|%s%s }}", "filter"), (COLLECTIONS, "{{ (%s)|%s%s }}", "filter"), (TESTS, "{{ (%s) is %s%s }}", "test"), ({"addresses": ADDRTESTS}, "{{ (%s) is %s%s }}", "test")):
        for group, functions in tables.items():
            cases = []
            for name, (inputs, tails) in functions.items():
                for tail in tails:
                    for value in inputs:
                        cases.append({"test": "%s %s/%d" % (word, name, len(cases)), "template": form % (value, name, tail)})
            yield word + "s_" + group, cases
    yield "filters_found", found()


def found():
    """The cases of filters_found.jsonl: calls with random arguments, which stand only there."""
    with open(os.path.join(HERE, "filters_found.jsonl")) as f:
        next(f)
        return [{"test": "found/%d" % i, "template": json.loads(line)["template"]} for i, line in enumerate(f)]


def header():
    return {"recorded_with": "ansible-core " + ansible.release.__version__, "python": sys.version.split()[0]}


def old_notes(path):
    notes = {}
    if os.path.exists(path):
        with open(path) as f:
            for line in f:
                case = json.loads(line)
                if "diverges" in case:
                    notes[case["template"]] = case["diverges"]
    return notes


def kept(old, new):
    """Says whether a case belongs to current.jsonl: what differs in more than that numbers and None stay what they are."""
    if "output" not in old or "output" not in new:
        return "output" in old or "output" in new or old["message"] not in new["message"]
    return str(old["output"]) != str(new["output"]) and not (old["output"] == "" and new["output"] is None)


def record_current():
    path = os.path.join(HERE, "current.jsonl")
    notes = old_notes(path)
    cases = []
    for name in sorted(os.listdir(HERE)):
        if re.match(r".*s_.*\.jsonl$", name):
            with open(os.path.join(HERE, name)) as f:
                next(f)
                cases += [json.loads(line) for line in f]
    out = []
    for old in cases:
        new = answer(old)
        if kept(old, new):
            out.append(dict(test=old["test"], template=old["template"], **new))
    for template in MORE.strip("\n").split("\n"):
        out.append(dict(test="more/%d" % len(out), template=template, **answer({"template": template})))
    with open(path, "w") as f:
        f.write(json.dumps(header()) + "\n")
        for case in out:
            if case["template"] in notes:
                case["diverges"] = notes[case["template"]]
            f.write(json.dumps(case) + "\n")


def main():
    os.chdir("/")
    if CURRENT and not sys.argv[1:]:
        record_current()
        return
    if sys.argv[1:] == ["--live"]:
        print(json.dumps(header()), flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))))
        return
    os.makedirs(HERE, exist_ok=True)
    for group, cases in groups():
        path = os.path.join(HERE, group + ".jsonl")
        notes = old_notes(path)
        with open(path, "w") as f:
            f.write(json.dumps(header()) + "\n")
            for case in cases:
                case.update(answer(case))
                if case["template"] in notes:
                    case["diverges"] = notes[case["template"]]
                f.write(json.dumps(case) + "\n")


main()
