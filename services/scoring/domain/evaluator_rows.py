"""Values of single customers laid out as the evaluator's frame."""

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

import polars as pl

from services.scoring.domain.models.metrics import METRICS, STAGE, Kind

MetricValue = int | Fraction | str | None


class WrongValue(TypeError):  # noqa: N818 - the domain's own word
    """A metric's value is not of the kind that the catalogue gives it; `metric` names it."""

    def __init__(self, metric: str, detail: str) -> None:
        self.metric, self.detail = metric, detail
        super().__init__(f"{metric}: {detail}")


def frame_of(keys: Collection[str], rows: Sequence[Mapping[str, MetricValue]]) -> pl.DataFrame:
    """A frame with these metrics of each row; what a row does not name is null. Raises `WrongValue`.

    `customer_id` is the row's place. The stage is a column only where a row states one.
    """
    columns: dict[str, pl.Series] = {"customer_id": pl.Series([str(place) for place in range(len(rows))])}
    for key in sorted(keys):
        values = [row.get(key) for row in rows]
        if key == STAGE and not any(values):
            continue
        columns |= _columns(key, values)
    return pl.DataFrame(columns)


def _columns(key: str, values: Sequence[MetricValue]) -> dict[str, pl.Series]:
    metric = METRICS[key]
    checked = [None if value is None else _checked(key, value) for value in values]
    match metric.kind:
        case Kind.CATEGORY:
            return {key: pl.Series(checked, dtype=pl.String)}
        case Kind.RATIO:
            over, under = metric.columns
            ratios = [None if value is None else Fraction(value) for value in checked]
            return {
                over: pl.Series([None if ratio is None else ratio.numerator for ratio in ratios], dtype=pl.Int64),
                under: pl.Series([None if ratio is None else ratio.denominator for ratio in ratios], dtype=pl.Int64),
            }
        case _:
            return {key: pl.Series(checked, dtype=pl.Int64)}


def _checked(key: str, value: Any) -> Any:
    metric = METRICS[key]
    if metric.kind is Kind.CATEGORY:
        if value not in metric.categories:
            raise WrongValue(key, f"one of {', '.join(metric.categories)}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise WrongValue(key, "a number")
    if metric.kind is not Kind.RATIO and Fraction(value).denominator != 1:
        raise WrongValue(key, "a whole number")
    if max(abs(Fraction(value).numerator), Fraction(value).denominator) >= 1 << 63:
        raise WrongValue(key, "beyond what can be counted exactly")
    return int(value) if metric.kind is not Kind.RATIO else value
