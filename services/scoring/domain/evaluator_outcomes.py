"""The decisions of one model under one profile as a table: a combination's number in, its outcome's columns out.

Filled as combinations occur: each is decided once, in exact fractions, by `Decider`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import polars as pl

from services.scoring.domain.models.decision import Combination, Decider, Outcome
from services.scoring.domain.models.metrics import STAGES
from services.scoring.domain.models.model import Model

DENSE: Final = 1 << 20
"""Up to this many possible combinations the place of each is a direct index; beyond, a hash join."""
MOST_KEPT: Final = 250_000
"""Decisions kept; a table that outgrows this starts afresh, so that a rich model cannot fill the memory."""
STATES: Final = ("graded", "insufficient_data")
SERVICE_CLASSES: Final = ("strategic", "key", "standard", "basic")


@dataclass(frozen=True, slots=True)
class _Decided:
    """An immutable snapshot: readers never see a half-filled table."""

    places: dict[int, int]
    rows: pl.DataFrame
    index: pl.Series | None
    """Place by number (dense models only); -1 = not decided yet."""


class OutcomeTable:
    """Decisions by combination number."""

    def __init__(self, model: Model, profile: str, radixes: Sequence[int]) -> None:
        self._model, self._decider, self._radixes = model, Decider(model, profile), tuple(radixes)
        self._size = 1
        for radix in radixes:
            self._size *= radix
        self._schema = _schema(model)
        self._decided = self._index({}, pl.DataFrame(schema=self._schema))

    def look_up(self, combinations: pl.Series) -> pl.DataFrame:
        """The outcome's columns for each number, and the numbers themselves as `combination` (Int64)."""
        decided = self._with(combinations.unique().to_list())
        if decided.index is not None:
            places = decided.index.gather(combinations)
        else:
            known = pl.Series(list(decided.places), dtype=combinations.dtype)
            places = combinations.replace_strict(known, pl.Series(list(decided.places.values()), dtype=pl.Int32))
        return decided.rows[places].with_columns(combinations.cast(pl.Int64))

    def outcome(self, number: int) -> Outcome:
        """The whole decision of one combination."""
        return self._decider.decide(self.combination(number))

    def combination(self, number: int) -> Combination:
        """What a number stands for."""
        digits: list[int] = []
        for radix in reversed(self._radixes):
            number, digit = divmod(number, radix)
            digits.append(digit)
        digits.reverse()
        stage = None
        if self._model.stages is not None:
            first = digits.pop(0)
            stage = STAGES[first - 1] if first else None
        bands, fired = digits[: len(self._model.indicators)], digits[len(self._model.indicators) :]
        return Combination(
            tuple(digit - 1 if digit else None for digit in bands),
            stage,
            tuple(rule for rule, fires in zip(self._model.rules, fired, strict=True) if fires),
        )

    def _with(self, numbers: Iterable[int]) -> _Decided:
        decided = self._decided
        fresh = [number for number in numbers if number not in decided.places]
        if not fresh:
            return decided
        if len(decided.places) + len(fresh) > MOST_KEPT:
            decided, fresh = self._index({}, pl.DataFrame(schema=self._schema)), sorted(numbers)
        start = len(decided.places)
        places = decided.places | {number: start + i for i, number in enumerate(fresh)}
        rows = pl.DataFrame([self._row(number) for number in fresh], schema=self._schema, orient="row")
        self._decided = self._index(places, pl.concat([decided.rows, rows], rechunk=True))
        return self._decided

    def _index(self, places: dict[int, int], rows: pl.DataFrame) -> _Decided:
        if self._size > DENSE:
            return _Decided(places, rows, None)
        dense = [-1] * self._size
        for number, place in places.items():
            dense[number] = place
        return _Decided(places, rows, pl.Series(dense, dtype=pl.Int32))

    def _row(self, number: int) -> tuple[Any, ...]:
        combination = self.combination(number)
        outcome = self._decider.decide(combination)
        tier = outcome.tier
        row: list[Any] = [
            outcome.state,
            tier.key if tier else None,
            tier.rank if tier else None,
            tier.service_class if tier else None,
            *_parts(outcome.score),
            *_parts(outcome.max_score),
            *_parts(outcome.coverage),
            combination.stage,
        ]
        for indicator, band, points in zip(self._model.indicators, combination.bands, outcome.points, strict=True):
            row += [None if band is None else indicator.bands[band].key, *_parts(points)]
        return (*row, ",".join(rule.key for rule in combination.rules))


def _schema(model: Model) -> dict[str, Any]:
    fraction = {"num": pl.Int64, "den": pl.Int64}
    schema: dict[str, Any] = {
        "state": pl.Enum(STATES),
        "tier": pl.Enum([tier.key for tier in model.tiers]),
        "rank": pl.Int8,
        "service_class": pl.Enum(SERVICE_CLASSES),
        **{f"{name}.{part}": dtype for name in ("score", "max_score", "coverage") for part, dtype in fraction.items()},
        "stage": pl.Enum(STAGES),
    }
    for indicator in model.indicators:
        schema[f"band.{indicator.key}"] = pl.Enum([band.key for band in indicator.bands])
        schema |= {f"points.{indicator.key}.{part}": dtype for part, dtype in fraction.items()}
    return schema | {"rules": pl.String}


def _parts(value: Fraction | None) -> tuple[int | None, int | None]:
    return (None, None) if value is None else (value.numerator, value.denominator)
