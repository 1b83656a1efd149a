"""`python -m deploy.lock`: pin what is installed here, split into what the product and what its development needs.

No addresses: the files name packages and versions only, so that any mirror serves.
"""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write requirements/runtime.txt and requirements/dev.txt."""
    installed = {_name(found.metadata["Name"]): found for found in distributions()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime = _closure(project["dependencies"], installed)
    wanted = (ROOT / "requirements/dev.in").read_text().split()
    development = _closure(wanted, installed) - runtime
    _write("runtime.txt", runtime, installed, "What the product runs on, exactly as tested.")
    _write("dev.txt", development, installed, "What tests, checks and benchmarks need besides.")


def _closure(roots: Iterable[str], installed: dict[str, Distribution]) -> set[str]:
    """The packages that `roots` need here, with the extras they ask for."""
    seen: dict[str, set[str]] = {}
    todo = [Requirement(root) for root in roots]
    while todo:
        wanted = todo.pop()
        name, extras = _name(wanted.name), set(wanted.extras)
        if name not in installed or (name in seen and extras <= seen[name]):
            continue
        seen[name] = seen.get(name, set()) | extras
        needs = [Requirement(need) for need in installed[name].requires or []]
        todo += [need for need in needs if _applies(need, extras)]
    return set(seen)


def _applies(need: Requirement, extras: set[str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _write(file: str, names: set[str], installed: dict[str, Distribution], head: str) -> None:
    lines = [f"{installed[name].metadata['Name']}=={installed[name].version}" for name in sorted(names)]
    text = "\n".join([f"# {head} Written by `python -m deploy.lock`.", *lines, ""])
    (ROOT / "requirements" / file).write_text(text)


if __name__ == "__main__":
    main()
