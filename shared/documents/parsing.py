"""Documents as people write them: strict JSON, or YAML read as JSON would be.

YAML 1.1 turns `no` into false, `09:00` into 540 and a date into an object; here a plain word stays a word. Repeated
names are refused, and so are anchors, which can make a short text enormous.
"""

import re
from collections.abc import Hashable
from typing import Any, Final

import orjson
import yaml

from shared.contracts.errors import ContractError
from shared.contracts.strictjson import check_text, loads

YAML_TYPES: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


class _Loader(yaml.SafeLoader):
    """Knows null, true, false, integers and decimals, and no other kind of plain word."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not read here", self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[object] = set()
        for key_node, _ in node.value:
            name = self.construct_object(key_node, deep=True)
            if not isinstance(name, str):
                raise yaml.constructor.ConstructorError(
                    None, None, "names are text: put it in quotes", key_node.start_mark
                )
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the name {name!r} occurs twice", key_node.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"(?:~|null|)\Z", ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", r"(?:true|false)\Z", list("tf")),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9]*)\Z", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def parse_document(raw: bytes, content_type: str = "application/json") -> dict[str, Any]:
    """The object in `raw`. Raises ContractError with a pointer (JSON) or line and column (YAML)."""
    is_yaml = content_type.partition(";")[0].strip().lower() in YAML_TYPES
    found = _parse_yaml(raw) if is_yaml else loads(raw)
    if not isinstance(found, dict):
        raise ContractError.at("", "type", "a document is an object with named fields")
    try:
        orjson.dumps(found)
    except TypeError:
        raise ContractError.at("", "number", "whole numbers have at most 64 bits") from None
    return found


def _parse_yaml(raw: bytes) -> Any:
    try:
        found = yaml.load(raw.decode("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
    except UnicodeDecodeError as error:
        raise ContractError.at("", "utf-8", f"not UTF-8 at byte {error.start}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ContractError.at("", "yaml", f"{where}{error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ContractError.at("", "yaml", str(error).splitlines()[0]) from None
    check_text(found)
    return found
