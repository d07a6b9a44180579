#!/usr/bin/env python3
"""Records what Python's re answers for the cases below: record.py > cases.json"""
import json, re, sys

PATTERNS = r'''
a|b
x*
|a
^
$
(?m)^
(?m)$
\b
(a)|(b)
(?P<k>\w+)=(?P<v>\w+)
(?P<q>['"]).*?(?P=q)
(\w)\1
(?<=a)b
(?<!a)b
a(?=b)
a(?!b)
(?i)ABC
(?i:A)b
(?s)a.b
a.b
\Aa
a\Z
[^]a]+
[]a]+
[a-]+
[[a]+
[a-z-[ae]]+
[\w.-]+
[^\W\d]+
\d{2}
\d{,2}
\d{1,}
a{x}
{a}
a++b
(?>a+)b
a*+
(?x) a b # comment (
[#] \# (?x: a b)
(?a)\w+
(?a)[\W]+
(?a)[^\w]+
\x41\u0042\103
\07
[\b]
a\.b
a\-b
(a)?b
(a)?(?(1)b|c)
(?P<n>a)?(?(n)b|c)
((a)(b))\2
(?#note)a
^\s*#?\s*PermitRootLogin\s+(\S+)
^(.*)Xms(\d+)m(.*)$
(?:a|ab)(?:c|bcd)(d*)
.*
.*?
(a*)*
(a+|b)*?c
é+
(?i)É
\s+
\S+
[\s\S]
\W+
a{2}{3}
a**
*a
(a
a)
[a
[b-a]
\q
\
(?P<1>a)
(?P<n>a)(?P<n>b)
(?P=zz)
(?Pz)
(?<n>a)
a(?i)b
\2(a)
(\1a)
(?z)
a{3,2}
(?P<n
[\d-z]
\x4
\u12
\w\b
[^\W_]+
[\W\d]+
\B
^*
$+
\b?
\A*a
a{,}
a{,2}
(?:ab?)*+b
(?<=a+)b
(?<=a|bc)d
(?<!ab|cd)e
(?<=(a))b\1
(?<=(a)\1)b
(a)?(?(1)b|c)
(?(1)a|b|c)(x)
(?(2)a)(b)
(?(zz)a)
(?(0)a)
(?L)a
(?au)a
(?-i:A)b
(?i-i:a)
(?-)
(?i
(?iz)
(?-a:b)
(?#a\)b)c
(?#a
(?P
(?
(?<
a(?#x)*
[--a]+
[a\-z]+
[\--/]
[a
\x4g
\U00110000
(?P<a b>x)
(?P<é>x)\g
(?x) a b # c
(?x: a b )c d
(?a:\w)\w
(?i)\w[^a-c]
'''.strip('\n').split('\n')
TEXTS = ['', 'a', 'b', 'ab', 'abc', 'abxd', 'aabbcc', 'k=v, foo=bar', '''say "it's" 'x' ''', 'a\nb', 'a\n', 'l1\nl2\n\n',
         'ABC abc', '12 345 6', 'a{x}{a}', 'aaab', 'a-b.c_d[e]', 'PermitRootLogin no', '#PermitRootLogin  yes', '-Xms128m -Xmx', 'abcd',
         'éÉ ß', 'tab\there  \x1c', '\x08', 'acb', 'x ١٢', 'AB\x07C', 'x\u0301y e\u200db', '²Ⅷ_a', 'bcd aab aee', '--/.-z']
REPLS = ['-', r'<\g<0>>', r'\1', r'[\g<1>\2]', r'\g<v>:\g<k>', r'\n\t\\', r'\q', r'\.', r'\101', r'\0', r'\10', r'\g<', r'\g<zz>', '\\', r'\g<a-b>', '\\q\\', '\\g<zz>\\']

def attempt(f):
    try:
        return f()
    except re.error as e:
        return {'error': str(e).split(' (line')[0]}
    except IndexError as e:
        return {'error': str(e).strip()}

def spans(m):
    return None if m is None else [list(m.span(i)) for i in range(m.re.groups + 1)]

out = []
for p in PATTERNS:
    c = attempt(lambda: re.compile(p))
    if isinstance(c, dict):
        out.append({'pattern': p, **c})
        continue
    case = {'pattern': p, 'groups': c.groups, 'names': dict(c.groupindex), 'texts': []}
    for t in TEXTS:
        case['texts'].append({'text': t, 'search': spans(c.search(t)), 'match': spans(c.match(t)), 'full': spans(c.fullmatch(t)),
                              'all': [spans(m) for m in c.finditer(t)], 'split': c.split(t), 'split1': c.split(t, 1), 'sub1': c.sub('-', t, count=1)})
    case['subs'] = []
    for r in REPLS:
        t = 'abk=v abc "x"'
        v = attempt(lambda: c.subn(r, t))
        case['subs'].append({'repl': r, 'text': t, **(v if isinstance(v, dict) else {'out': v[0], 'n': v[1]})})
    out.append(case)
json.dump({'recorded_with': 'Python ' + sys.version.split()[0], 'cases': out}, sys.stdout, ensure_ascii=True)
print()
