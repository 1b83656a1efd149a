"""Metric values as callers write and read them: money in whole units of its currency, ratios as decimals."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pydantic_core import PydanticCustomError

from services.scoring.documents.faults import Faults
from services.scoring.documents.shapes import exact_number
from services.scoring.domain.evaluator_rows import MetricValue
from services.scoring.domain.models.metrics import METRICS, Kind, Metric
from services.scoring.domain.models.model import Model


def read_metrics(model: Model, given: Mapping[str, Any]) -> dict[str, MetricValue]:
    """Values in the evaluator's units. Raises `InvalidDocument` with pointers into `given`; null is *not known*."""
    faults, found = Faults(), dict[str, MetricValue]()
    for key, value in given.items():
        metric = METRICS.get(key)
        if metric is None:
            faults.add("metric", f"there is no metric {key!r}", key)
        elif value is None:
            found[key] = None
        elif metric.kind is Kind.CATEGORY:
            if value not in metric.categories:
                faults.add("choice", f"one of {', '.join(metric.categories)}", key)
            found[key] = str(value)
        else:
            found[key] = _number(faults, metric, value, digits=model.currency_digits, currency=model.currency)
    faults.raise_if_any()
    return found


def _number(faults: Faults, metric: Metric, value: Any, *, digits: int, currency: str) -> int | Fraction | None:
    try:
        number = exact_number(value)
    except PydanticCustomError as error:
        faults.add("number", error.message(), metric.key)
        return None
    if metric.kind is Kind.MONEY:
        number *= 10**digits
    if metric.kind is not Kind.RATIO and number.denominator != 1:
        finest = f"finer than the smallest unit of {currency}" if metric.kind is Kind.MONEY else "a whole number"
        faults.add("amount" if metric.kind is Kind.MONEY else "whole", finest, metric.key)
        return None
    if (metric.least is not None and number < metric.least) or (metric.most is not None and number > metric.most):
        faults.add("range", _range(metric), metric.key)
        return None
    return number if metric.kind is Kind.RATIO else int(number)


def _range(metric: Metric) -> str:
    if metric.most is None:
        return f"{metric.least} or more"
    return f"{metric.least} to {metric.most}"


def show_metric(model: Model, key: str, value: MetricValue) -> int | float | str | None:
    """A value as callers read it: money as decimal text, a ratio as a number, the rest as it is."""
    if value is None or isinstance(value, str):
        return value
    match METRICS[key].kind:
        case Kind.MONEY:
            return format(Decimal(int(value)).scaleb(-model.currency_digits), "f")
        case Kind.RATIO:
            return show_number(Fraction(value))
        case _:
            return int(value)


def show_number(value: Fraction) -> int | float:
    """A number for display: whole where it is whole, else the nearest float. What decides stays exact."""
    return value.numerator if value.denominator == 1 else float(value)
