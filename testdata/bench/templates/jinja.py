# Times Jinja2 on the cases that come as JSON on stdin; writes JSON.
import json, sys, time
import jinja2

cases = json.load(sys.stdin)
loader = jinja2.DictLoader(cases["templates"])
env = jinja2.Environment(loader=loader)
out = {"version": jinja2.__version__, "python": sys.version.split()[0], "results": []}


def lazy(variables, name):
    # Without laziness in Jinja2 a variable is rendered for each reference, as
    # Ansible does; compiled templates are reused.
    compiled = {}

    def resolve(n):
        text = variables[n]
        if "{{" not in text:
            return text
        if n not in compiled:
            compiled[n] = env.from_string(text)
        ref = text.strip("{} ")
        return compiled[n].render({ref: resolve(ref)})

    return lambda: resolve(name)


for c in cases["cases"]:
    variables = cases["vars"]
    if c.get("lazy"):
        run = lazy(variables, "v0")
    else:
        t = env.from_string(c["template"])
        run = lambda: t.render(variables)
    text = run()
    n, best = 1, None
    while True:
        began = time.process_time()
        for _ in range(n):
            run()
        took = time.process_time() - began
        if took > 0.3:
            break
        n = max(n + 1, int(n * min(100, 0.4 / max(took, 1e-9))))
    samples = [took / n]
    for _ in range(4):
        began = time.process_time()
        for _ in range(n):
            run()
        samples.append((time.process_time() - began) / n)
    out["results"].append({"ns": sorted(samples)[2] * 1e9, "text": text})
json.dump(out, sys.stdout)
