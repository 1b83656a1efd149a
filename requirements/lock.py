"""Write the pinned requirements from what is installed in this environment."""

import re, subprocess, sys, tomllib
from importlib.metadata import distributions
from packaging.requirements import Requirement
norm=lambda n: re.sub(r"[-_.]+","-",n).lower()
dists={norm(d.metadata["Name"]): d for d in distributions()}
def closure(roots):
    seen={}; todo=[Requirement(r) for r in roots]
    while todo:
        r=todo.pop(); n=norm(r.name)
        extras=set(r.extras)
        if n in seen and extras<=seen[n]: continue
        seen[n]=seen.get(n,set())|extras
        d=dists.get(n)
        if d is None: print("missing",n,file=sys.stderr); continue
        for q in d.requires or []:
            q=Requirement(q)
            if q.marker is None or any(q.marker.evaluate({"extra":e}) for e in ({""}|extras)): todo.append(q)
    return {n for n in seen if n in dists}
project=tomllib.load(open("pyproject.toml","rb"))
runtime=closure(project["project"]["dependencies"])
dev_roots=open("requirements/dev.in").read().split()
dev=closure(dev_roots)-runtime
def write(path,names,head):
    with open(path,"w") as f:
        f.write(head)
        for n in sorted(names): f.write(f"{dists[n].metadata['Name']}=={dists[n].version}\n")
write("requirements/runtime.txt",runtime,"# What the product runs on, exactly as tested. Written by `python requirements/lock.py`.\n")
write("requirements/dev.txt",dev,"# What tests, checks and benchmarks need besides. Written by `python requirements/lock.py`.\n")
