"""The compatibility check: FULL_TRANSITIVE within a major version, against every released version ever.

Rolling deployments put old readers on new data, replays put new readers on old data; both must go on. Allowed is a new
optional field, and other prose. A change that this module finds needs a new major version of the type.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.contracts.json_schemas import reader_schema
from shared.contracts.registry import Registry

RELEASED = Path(__file__).parent / "released"
"""`released/<version>/<type>.json`: what readers of that release demand. Never edited."""

_EXACT = (
    *("type", "enum", "const", "format", "pattern", "default"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems"),
)
_INNER = {"items": "[]", "additionalProperties": ".*", "propertyNames": ".(name)"}
KNOWN = frozenset({*_EXACT, *_INNER, "anyOf", "properties", "required"})
"""The schema vocabulary that is understood here; a test refuses models that need more."""


def breaks(old: Any, new: Any, at: str = "$") -> list[str]:
    """Changes that trip an old reader of new data or a new reader of old data; empty when there are none."""
    if not isinstance(old, dict) or not isinstance(new, dict):  # additionalProperties may be plain true or false
        return [] if old == new else [f"{at}: {old!r} became {new!r}"]
    found = [
        f"{at}: {key} changed from {old.get(key)!r} to {new.get(key)!r}"
        for key in _EXACT
        if old.get(key) != new.get(key)
    ]
    for key, step in _INNER.items():
        if key in old or key in new:
            found += breaks(old.get(key, {}), new.get(key, {}), at + step)
    return found + _branches(old, new, at) + _fields(old, new, at)


def _branches(old: dict[str, Any], new: dict[str, Any], at: str) -> list[str]:
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    if len(before) != len(after):
        return [f"{at}: {len(before)} alternatives became {len(after)}"]
    return [
        line for index, pair in enumerate(zip(before, after, strict=True)) for line in breaks(*pair, f"{at}|{index}")
    ]


def _fields(old: dict[str, Any], new: dict[str, Any], at: str) -> list[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    found: list[str] = []
    for name in before:
        found += breaks(before[name], after[name], f"{at}.{name}") if name in after else [f"{at}.{name}: removed"]
    was, now = set(old.get("required", ())), set(new.get("required", ()))
    found += [f"{at}.{name}: newly required" for name in sorted(now - was)]
    found += [f"{at}.{name}: no longer guaranteed" for name in sorted((was - now) & after.keys())]
    return found


def released_versions(root: Path = RELEASED) -> tuple[str, ...]:
    """The releases whose contracts are kept, the oldest first."""
    names = [path.name for path in root.glob("*") if path.is_dir()]
    return tuple(sorted(names, key=lambda name: [int(part) for part in name.split(".")]))


def incompatibilities(registry: Registry, root: Path = RELEASED) -> Iterator[str]:
    """Every way in which the present types break a released one, as `<release> <type> <place>: <change>`."""
    for release in released_versions(root):
        for path in sorted((root / release).glob("*.json")):
            type_ = path.name.removesuffix(".json")
            if type_ not in registry:
                yield f"{release} {type_} $: no longer published"
                continue
            entry = registry[type_]
            if entry.status != "frozen":
                yield f"{release} {type_} $: a released type cannot be a draft again"
            old = json.loads(path.read_text(encoding="utf-8"))
            yield from (f"{release} {type_} {line}" for line in breaks(old["schema"], reader_schema(entry.model)))
            if old["topic"] != entry.topic:
                yield f"{release} {type_} $: topic changed from {old['topic']} to {entry.topic}"


def unreleased(registry: Registry, root: Path = RELEASED) -> tuple[str, ...]:
    """Frozen types that no release has kept: nothing would notice a change to them."""
    kept = {path.name.removesuffix(".json") for path in root.glob("*/*.json")}
    return tuple(entry.type for entry in registry.frozen if entry.type not in kept)
