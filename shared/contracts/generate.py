"""Writes what is generated from the models and committed: JSON Schemas, the AsyncAPI document, the event pages.

python -m shared.contracts.generate                    write
python -m shared.contracts.generate --check            only say what is stale or incompatible; 1 if anything is
python -m shared.contracts.generate --release 0.2.0    keep what readers demand now, for all later checks
python -m shared.contracts.generate --sample TYPE      print the example of a type, to begin a golden sample with
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.asyncapi import document
from shared.contracts.catalogue import registry
from shared.contracts.compat import RELEASED, incompatibilities, released_versions, unreleased
from shared.contracts.examples import structured_example
from shared.contracts.json_schemas import published_schema, reader_schema
from shared.contracts.pages import index_page, type_page

ROOT = Path(__file__).parents[2]
SCHEMAS = "shared/contracts/schemas"
ASYNCAPI = "shared/contracts/asyncapi.yaml"
PAGES = "docs/events"


def generated() -> dict[str, str]:
    """Every generated file: its text by its path from the root of the repository."""
    version = released_versions()[-1] if released_versions() else "0.0.0"
    files = {ASYNCAPI: _yaml(document(registry, version=version)), f"{PAGES}/README.md": index_page(registry)}
    for entry in registry.values():
        files[f"{SCHEMAS}/{entry.type}.json"] = _json(published_schema(entry))
        files[f"{PAGES}/{entry.type}.md"] = type_page(entry, registry.topics[entry.topic])
    return files


def stale(files: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """Paths that differ from what would be generated now, and leftovers of types that are gone."""
    wrong = [path for path, text in files.items() if _text_of(root / path) != text]
    present = [path for folder in (SCHEMAS, PAGES) for path in (root / folder).glob("*") if path.is_file()]
    return sorted(wrong + [name for path in present if (name := path.relative_to(root).as_posix()) not in files])


def write(files: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """Write what is stale, remove leftovers; returns the paths that were touched."""
    touched = stale(files, root)
    for path in touched:
        target = root / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8")
        else:
            target.unlink()
    return touched


def release(version: str, root: Path = RELEASED) -> int:
    """Keep the frozen types as this release demands them; how many. Raises `FileExistsError` for a known release."""
    folder = root / version
    folder.mkdir(parents=True)
    for entry in registry.frozen:
        kept = {"topic": entry.topic, "schema": reader_schema(entry.model)}
        (folder / f"{entry.type}.json").write_text(_json(kept), encoding="utf-8")
    return len(registry.frozen)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="moat contracts", description="Generate and check the event contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when files are stale or a type broke")
    parser.add_argument("--release", metavar="VERSION", help="keep the frozen types as a released version")
    parser.add_argument("--sample", metavar="TYPE", help="print the example of a type in structured mode")
    options = parser.parse_args(arguments)
    if options.sample:
        return _print(_json(structured_example(registry[options.sample])).rstrip("\n"))
    if options.release:
        return _print(f"{release(options.release)} frozen types kept as release {options.release}")
    if options.check:
        return _check()
    touched = write(generated())
    return _print(*touched, f"{len(touched)} files written" if touched else "everything is up to date")


def _check() -> int:
    problems = [f"stale: {path} (run: moat contracts)" for path in stale(generated())]
    problems += [f"incompatible: {line}" for line in incompatibilities(registry)]
    problems += [f"never released: {type_} (run: moat contracts --release VERSION)" for type_ in unreleased(registry)]
    _print(
        *problems, f"{len(problems)} problems" if problems else f"{len(registry)} event types, everything is up to date"
    )
    return 1 if problems else 0


def _print(*lines: str) -> int:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return "# Generated by `moat contracts`; change the models in shared/contracts instead.\n" + text


class _Dumper(yaml.SafeDumper):
    """Writes repeated parts out in full: anchors would hide what a reader looks for."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is given
        return True


if __name__ == "__main__":
    raise SystemExit(main())
