#!/usr/bin/env python3
"""Records chains.jsonl: filters that follow one another, on lists and on what is none.

The chains are drawn by a generator with a fixed seed and answered once by
python3-jinja2, as in record.py.
"""
import json
import pathlib
import random

from record import answer, header

DICTS = [{"on": i % 3 != 0, "name": "Item%d" % (i * 7 % 11), "n": i * 5 % 7, "in": {"k": "v%d" % (i % 4)}} for i in range(12)]
CONTEXT = {
    "dicts": DICTS,
    "holes": [{"name": "b", "on": 1}, {"on": True}, {"name": None}, {"name": "A", "on": 0}, {"name": 5, "on": "x"}],
    "words": ["pear", "Apple", "apple", "fig", "Fig", "banana", "APPLE", "", "a", "fig"],
    "long": ["common-prefix-" + x for x in ["b", "B", "a", "aa", "A", "", "b\u0000", "b"]] + ["common-p", "common-", "COMMON-PREFIX-C"],
    "letters": ["\u00e4b", "\u00c4B", "z", "Z", "\u00dfx", "ssx", "\u0130", "i", "\u65e5\u672c", "e\u0301"],
    "numbers": [3, 1, 2, 3, 1, 10, -4, 2.5, 3.0],
    "mixed": [1, "a", None, True, "B", 2.5, [1], {"name": "x", "on": True}],
    "lists": [[2, "b"], [1, "a"], [2, "a"], []],
    "empty": [],
    "text": "hello World",
    "dict": {"b": 1, "A": 2},
    "number": 5,
}
SOURCES = list(CONTEXT) + ["nope", "('b', 'A', 'a')", "range(5)", "dict.items()", "[nope, 'a', 'B']", "['<a>'|e, '<B>', 'c&d'|safe]", "words[1:6]", "(words + letters)"]
LINKS = ["selectattr('on')", "rejectattr('on')", "selectattr('name', 'defined')", "selectattr('n', 'gt', 3)", "rejectattr('in.k', 'equalto', 'v1')", "selectattr(0)",
         "select", "select('string')", "select('in', 'apple pie')", "reject('none')", "reject", "reject('odd')", "select('nosuch')",
         "map(attribute='name')", "map(attribute='in.k')", "map(attribute=1)", "map(attribute='name', default='D')", "map('upper')", "map('lower')", "map('string')", "map('length')",
         "map('default', 'x')", "map('replace', 'a', 'o')", "map('first')", "map('nosuch')", "map(attribute='name', x=1)",
         "sort", "sort(reverse=true)", "sort(case_sensitive=true)", "sort(true, true)", "sort(attribute='name')", "sort(attribute='n,name')", "sort(x=1)",
         "unique", "unique(case_sensitive=true)", "unique(attribute='n')", "list", "list(1)"]
ENDS = ["list", "join(',')", "join", "join(', ', 'name')", "join(nope)", "sort", "sort(reverse=true)|first", "length", "sum", "max", "min", "first", "unique|list", "batch(2)|list", "last"]

# What gorun answers otherwise.
TWO_ERRORS = [
    "{% set x = lists|selectattr(0)|select('nosuch')|join %}[{{ x }}]",
    "{{ words|selectattr(0)|selectattr(0)|select|reject('odd')|first }}",
    "{{ words|selectattr(0)|unique(attribute='n')|sort|length }}",
]


def cases():
    draw = random.Random(20)
    seen = set()
    while len(seen) < 1200:
        source = draw.choice(SOURCES)
        links = [draw.choice(LINKS) for _ in range(draw.randint(1, 4))]
        chain = "|".join([source] + links + [draw.choice(ENDS)])
        form = draw.choice(["{{ %s }}"] * 3 + ["{%% set x = %s %%}[{{ x }}]", "{%% for x in %s %%}{{ x }};{%% endfor %%}"])
        env = draw.choice([{}] * 4 + [{"undefined": "StrictUndefined"}, {"autoescape": True}, {"undefined": "ChainableUndefined"}])
        key = (form % chain, json.dumps(env))
        if key in seen:
            continue
        seen.add(key)
        names = [n for n in CONTEXT if n in chain]
        case = {"test": "chains/%d: %s" % (len(seen) - 1, chain), "template": form % chain, "context": {n: CONTEXT[n] for n in names}}
        if env:
            case["env"] = env
        yield case


def main():
    lines = [json.dumps(header())]
    for case in cases():
        answered = answer(case)
        if case["template"] in TWO_ERRORS:
            case["diverges"] = "each filter goes through all elements before the next, which meets the other of two errors first"
        if "0x" not in json.dumps(answered):  # an address of memory
            lines.append(json.dumps({**case, **answered}))
    pathlib.Path(__file__).with_name("chains.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
