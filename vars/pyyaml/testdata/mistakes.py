#!/usr/bin/python3
"""Records in mistakes.jsonl what PyYAML says of mutated documents with its C library."""
import json
import os
import random

import yaml

SEEDS = ["a: b: c", "a: [1", "'x", "\"x\\q\"", "- a\nb", "a: *x", "%x", "a: |x\n b", "? a\n: b\n- c", "- [a\n- b", "x: 'it's'", "--- a\n--- b", "!<x", "a:\n  - b\n c", "- - a\n -b", "a: \"x\ny: 2",
         "key: value\nlist:\n  - a\n  - b: c\n    d: e\nmap: {x: 1, y: [2, 3]}\ntext: |\n  l1\n   l2\nq: \"a\\n b\"\ns: 'it''s'\n", "- &x {a: 1}\n- *x\n- !!str 5\n- ? k\n  : v\n",
         "%YAML 1.1\n---\na: b\n...\n", "[a, b: c, ? d : e, {f: g}]", "%TAG ! tag:x,2000:\n--- !foo bar", "- - - x\n    - y\n  - z"]
CHARS = list("abc:-?[]{},&*!|>'\"%@`#\\ \n\n  \t0+.~/<") + [": ", "- ", "\n  ", "---\n", "\u00e9", "!!str "]


def mutated(r, t):
    for _ in range(r.choice([1, 1, 2, 3])):
        i, how = r.randrange(len(t) + 1), r.random()
        if how < .4:
            t = t[:i] + r.choice(CHARS) + t[i:]
        elif how < .7:
            t = t[:i] + t[i + r.choice([1, 2, 5]):]
        else:
            t = t[:i] + r.choice(CHARS) + t[i + 1:]
    return t


def message(t):
    loader = yaml.CSafeLoader(t)
    try:
        loader.get_single_node()
    except yaml.YAMLError as e:
        return str(e)
    finally:
        loader.dispose()
    return ""


r = random.Random(7)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "mistakes.jsonl"), "w") as f:
    f.write(json.dumps({"recorded_with": "PyYAML " + yaml.__version__ + ", libyaml " + ".".join(map(str, yaml._yaml.get_version()))}) + "\n")
    for i in range(700):
        t = SEEDS[i] if i < len(SEEDS) else mutated(r, r.choice(SEEDS))
        f.write(json.dumps({"in": t, "message": message(t)}) + "\n")
