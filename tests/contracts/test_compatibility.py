import copy
import json
from typing import Annotated, Literal

import pytest
from pydantic import Field, create_model

from shared.contracts import registry
from shared.contracts.base import Part, Payload
from shared.contracts.compat import RELEASED, breaks, incompatibilities, released_versions, unreleased
from shared.contracts.generate import release
from shared.contracts.json_schemas import reader_schema
from shared.contracts.registry import EventType, Registry


class Line(Part):
    """A line of an order."""

    sku: str
    pieces: int | None = None


class Order(Payload):
    """An order."""

    order_id: Annotated[str, Field(max_length=20, pattern="^[A-Z]")] = Field(description="The order.")
    kind: Literal["new", "repeat"]
    pieces: Annotated[int, Field(ge=1)]
    lines: list[Line]
    gift: Line | None = None
    labels: dict[str, str] = Field({})
    note: str | None = None


def changed(**fields: object) -> dict:
    return reader_schema(create_model("Order", __base__=Order, **fields))


def without(name: str) -> dict:
    """The schema of an order without one of its fields."""
    schema = copy.deepcopy(reader_schema(Order))
    del schema["properties"][name]
    schema["required"] = [each for each in schema["required"] if each != name]
    return schema


class LineWithColour(Part):
    sku: str
    pieces: int | None = None
    colour: str | None = None


class LineWithPrice(Part):
    sku: str
    pieces: int | None = None
    price: str


class LineByName(Part):
    name: str
    pieces: int | None = None


@pytest.mark.parametrize(
    "fields",
    [
        {"colour": (str | None, None)},
        {"note": (str | None, Field(None, description="said otherwise"))},
        {"lines": (list[LineWithColour], ...)},
        {"gift": (LineWithColour | None, None)},
    ],
    ids=["new optional field", "other prose", "new optional field in a list", "new optional field in a part"],
)
def test_growth_by_optional_fields_is_allowed(fields):
    assert breaks(reader_schema(Order), changed(**fields)) == []


@pytest.mark.parametrize(
    ("new", "place"),
    [
        (without("note"), "$.note"),
        (without("order_id"), "$.order_id"),
        (changed(pieces=(str, ...)), "$.pieces"),
        (changed(pieces=(float, ...)), "$.pieces"),
        (changed(note=(str, ...)), "$.note"),
        (changed(note=(str | None, ...)), "$.note"),
        (changed(pieces=(Annotated[int, Field(ge=1)], 1)), "$.pieces"),
        (changed(colour=(str, ...)), "$.colour"),
        (changed(kind=(Literal["new", "repeat", "sample"], ...)), "$.kind"),
        (changed(kind=(Literal["new"], ...)), "$.kind"),
        (changed(pieces=(Annotated[int, Field(ge=0)], ...)), "$.pieces"),
        (changed(order_id=(Annotated[str, Field(max_length=30, pattern="^[A-Z]")], ...)), "$.order_id"),
        (changed(order_id=(Annotated[str, Field(max_length=20, pattern="^[a-z]")], ...)), "$.order_id"),
        (changed(lines=(list[LineWithPrice], ...)), "$.lines[].price"),
        (changed(lines=(list[LineByName], ...)), "$.lines[].sku"),
        (changed(lines=(list[str], ...)), "$.lines[]"),
        (changed(gift=(LineByName | None, None)), "$.gift|0.sku"),
        (changed(gift=(Line | str | None, None)), "$.gift"),
        (changed(labels=(dict[str, int], {})), "$.labels.*"),
        (changed(labels=(dict[Annotated[str, Field(max_length=5)], str], {})), "$.labels.(name)"),
        (changed(note=(str | None, "none")), "$.note"),
    ],
    ids=[
        *("optional field removed", "required field removed", "retyped", "integer made a number", "newly required"),
        *("optional made required but nullable", "no longer guaranteed", "new required field", "enum grown"),
        *("enum shrunk", "bound widened", "length widened", "pattern changed", "required field in a list"),
        *("renamed in a list", "items retyped", "renamed in a part", "alternative added", "map retyped"),
        *("names of a map narrowed", "default changed"),
    ],
)
def test_each_kind_of_break_is_found_in_its_place(new, place):
    found = breaks(reader_schema(Order), new)

    assert found
    assert {line.partition(":")[0] for line in found} >= {place}


def entry_of(model: type[Payload], **more: str) -> EventType:
    fields = {"type": "crisis.order.placed.v1", "topic": "moat.crisis.v1", "status": "frozen"} | more
    return EventType(model=model, producer="crisis", consumers=(), when="Now.", **fields)


@pytest.fixture
def shelf(tmp_path):
    """A shelf of releases that keeps two versions of one type."""
    for version, model in (("0.9.0", create_model("Older", __base__=Order, colour=(str, "red"))), ("0.10.0", Order)):
        folder = tmp_path / version
        folder.mkdir()
        kept = {"topic": "moat.crisis.v1", "schema": reader_schema(model)}
        (folder / "crisis.order.placed.v1.json").write_text(json.dumps(kept))
    return tmp_path


def test_the_check_looks_at_every_release_and_not_only_the_last(shelf):
    assert released_versions(shelf) == ("0.9.0", "0.10.0")
    assert list(incompatibilities(Registry([entry_of(Order)], ()), shelf)) == [
        "0.9.0 crisis.order.placed.v1 $.colour: removed"
    ]


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([], "$: no longer published"),
        ([entry_of(Order, status="draft")], "$: a released type cannot be a draft again"),
        ([entry_of(Order, topic="moat.other.v1")], "$: topic changed from moat.crisis.v1 to moat.other.v1"),
    ],
)
def test_a_released_type_cannot_go_back_move_or_vanish(shelf, entries, complaint):
    found = list(incompatibilities(Registry(entries, ()), shelf))

    assert f"0.10.0 crisis.order.placed.v1 {complaint}" in found


def test_a_frozen_type_that_no_release_keeps_is_noticed(shelf):
    kept, new = entry_of(Order), entry_of(Line, type="crisis.order.shipped.v1")

    assert unreleased(Registry([kept, new], ()), shelf) == ("crisis.order.shipped.v1",)


def test_a_release_is_written_once_and_never_again(tmp_path):
    assert release("1.0.0", tmp_path) == len(registry.frozen)
    assert list(incompatibilities(registry, tmp_path)) == []
    with pytest.raises(FileExistsError):
        release("1.0.0", tmp_path)


def test_the_published_types_break_no_release():
    assert released_versions()
    assert list(incompatibilities(registry)) == []


def test_every_frozen_type_is_kept_by_a_release():
    assert unreleased(registry) == ()
    assert RELEASED.is_dir()
