"""The shape of a tier model document: names, types and limits. `building` checks what the parts mean together."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.contracts.fields import Currency, Text
from shared.documents import Document

MOST_DECIMALS: Final = 6
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6}0*)?").fullmatch


def exact_number(value: Any) -> Fraction:
    """The exact value of a number as it is written: 0.7 is seven tenths, whether it came as text or as a number."""
    if isinstance(value, Fraction):
        return value
    text = value if isinstance(value, str) else _text_of(value)
    if text is None or not _DECIMAL(text):
        raise PydanticCustomError("number", "a number, or its decimal text: at most 15 digits, then at most 6 decimals")
    return Fraction(text)


def _text_of(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    decimal = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return format(decimal.normalize() + 0, "f") if decimal.is_finite() else None


def number_text(value: Fraction) -> str:
    """Decimal text of a number that `exact_number` made."""
    return format((Decimal(value.numerator) / Decimal(value.denominator)).normalize() + 0, "f")


Number = Annotated[
    Fraction,
    PlainValidator(exact_number),
    PlainSerializer(number_text, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "format": "decimal"}]}),
]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
"""A name for programs: letters, digits, `_`, `-`, `.`; begins with a letter."""
ModelKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._\-]{0,99}$")]
"""The name of a model, as it stands in addresses."""
Names = Annotated[
    dict[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")], Text], Field(max_length=10)
]
"""The name people read, by language: `{"zh-CN": "核心客户", "en": "Core"}`."""


class Bounds(Document):
    """A comparison in words; of each side at most one."""

    at_least: Number | None = None
    above: Number | None = None
    at_most: Number | None = None
    below: Number | None = None


class Where(Bounds):
    """A condition: exactly one of `all`, `any`, `not` or `metric`.

    With `metric` stand exactly one of `at_least`, `above`, `at_most`, `below`, `equals` (each optionally times the
    metric `of`), or `in` for categories, or `known`.
    """

    all: Annotated[list["Where"], Field(min_length=1, max_length=20)] | None = None
    any: Annotated[list["Where"], Field(min_length=1, max_length=20)] | None = None
    not_: "Where | None" = Field(default=None, alias="not")
    metric: str | None = None
    equals: Number | None = None
    of: str | None = None
    in_: Annotated[list[str], Field(min_length=1)] | None = Field(default=None, alias="in")
    known: bool | None = None


class BandShape(Bounds):
    """A band and its points. All bands of an indicator are told in one way.

    Along a number line each band but one states one edge: `at_least` or `above` (the lowest band states none), or
    `at_most` or `below` (the highest states none). The word says to which side a value on the edge belongs.
    By category each states `values` (one may state none: all others). By condition each states `when`, the first that
    holds counts, and the last states none.
    """

    key: Key
    points: Number
    name: Names | None = None
    values: Annotated[list[str], Field(min_length=1)] | None = None
    when: Where | None = None


class MissingShape(Document):
    """What happens when the value is not known: it leaves the mean, or nothing can be said, or a stated band counts."""

    policy: Literal["exclude", "require", "assume"]
    band: Key | None = None


class StaleShape(Document):
    """A value older than `after_days`, by the metric `age`, counts as missing."""

    age: str
    after_days: Annotated[int, Field(ge=1, le=36_525)]


class IndicatorShape(Document):
    """One thing that is looked at. `key` is the metric's unless stated."""

    key: Key | None = None
    name: Names | None = None
    metric: str | None = None
    bands: Annotated[list[BandShape], Field(min_length=2, max_length=20)]
    missing: MissingShape | None = None
    stale: StaleShape | None = None
    reason: Text | None = None


class WeightShape(Document):
    """A weight among its siblings: of an `indicator`, or of a `group` of further weights."""

    indicator: str | None = None
    group: Key | None = None
    weight: Number
    of: Annotated[list["WeightShape"], Field(min_length=1, max_length=40)] | None = None


class ProfileShape(Document):
    key: Key
    name: Names | None = None
    weights: Annotated[list[WeightShape], Field(min_length=1, max_length=40)]
    reason: Text | None = None


class StageShape(Document):
    stage: str
    when: Where | None = None
    reason: Text | None = None


class ScoreShape(Document):
    """How points become a score, and the least part of the weight that must be known for a grade."""

    method: Literal["sum", "weighted_mean"]
    coverage_gate: Number = Fraction(0)
    reason: Text | None = None


class CellShape(Document):
    """One way into a tier: scores within bounds, in these stages (left out: whatever the stage)."""

    score: Bounds = Bounds()
    stages: Annotated[list[str], Field(min_length=1)] | None = None
    reason: Text | None = None


class TierShape(Document):
    key: Key
    name: Names | None = None
    rank: Annotated[int, Field(ge=1, le=100)]
    service_class: Literal["strategic", "key", "standard", "basic"]
    when: Annotated[list[CellShape], Field(max_length=50)] = Field(default_factory=list)
    reason: Text | None = None


class RuleShape(Document):
    """A veto, cap or floor. Of two rules that disagree the one with the higher `priority` wins."""

    key: Key
    name: Names | None = None
    priority: Annotated[int, Field(ge=1, le=1000)]
    effect: Literal["veto", "cap", "floor"]
    tier: Key
    when: Where
    reason: Text | None = None


class ModelShape(Document):
    """A tier model document."""

    key: ModelKey
    name: Names
    description: Text | None = None
    segment: str | None = None
    priority: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    currency: Currency
    zone: str
    score: ScoreShape
    indicators: Annotated[list[IndicatorShape], Field(min_length=1, max_length=40)]
    weights: Annotated[list[WeightShape], Field(min_length=1, max_length=40)] | None = None
    profiles: Annotated[list[ProfileShape], Field(max_length=20)] = Field(default_factory=list)
    default_profile: Key | None = None
    lifecycle: Annotated[list[StageShape], Field(min_length=2, max_length=5)] | None = None
    tiers: Annotated[list[TierShape], Field(min_length=2, max_length=20)]
    rules: Annotated[list[RuleShape], Field(max_length=20)] = Field(default_factory=list)
