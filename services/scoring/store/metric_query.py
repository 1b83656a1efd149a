"""One statement for any set of metrics and any number of customers, made from the definitions."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from services.scoring.domain.models.metrics import METRICS, STAGE
from services.scoring.store.metric_definitions import DEFINITIONS, Aggregate
from services.scoring.store.metric_terms import (
    ANSWERS,
    COMPLAINTS,
    CONTACTS,
    GAPS,
    IDS,
    MENTIONS,
    NAMED,
    RATED,
    Windows,
    bought,
)

_ROWS = {
    "bought": "bought",
    "contacts": f"({CONTACTS}) rows",
    "complaints": f"({COMPLAINTS}) rows",
    "mentions": f"({MENTIONS}) rows",
    "answers": f"({ANSWERS}) rows",
    "rated": f"({RATED}) rows",
}
FACTS = "#facts"
"""Suffix of the column with the number of facts behind a metric."""
GAPS_FOUND = "#gaps"
"""Suffix of the column with the number of facts that could not be read."""


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A statement that answers `customer_id` and then `columns`; `lags` are the windows whose beginnings it takes."""

    sql: str
    columns: tuple[str, ...]
    lags: tuple[int, ...]


def metric_query(keys: Iterable[str], *, evidence: bool = False, refunds: bool = True) -> MetricQuery:
    """The statement for these metrics; with `evidence` also how many facts and gaps stand behind each.

    `refunds` may be left out for customers who never had one.

    Keys that are not computed are left out: an absent column is not known. Equal sets give the same text, so that the
    server prepares it once.
    """
    return _query(frozenset(keys), evidence, refunds)


@cache
def _query(keys: frozenset[str], evidence: bool, refunds: bool) -> MetricQuery:  # noqa: FBT001 - a cache key
    windows = Windows()
    found = {key: DEFINITIONS[key](windows) for key in METRICS if key in keys and key in DEFINITIONS}
    inner: dict[str, dict[str, str]] = {}
    outer: dict[str, str] = {}
    for key, metric in found.items():
        wanted = inner.setdefault(metric.source, {})
        wanted.update(metric.columns)
        outer.update(metric.finals or {name: f'{metric.source}."{name}"' for name in metric.columns})
        if evidence:
            _add_evidence(key, metric, wanted, outer)
    joins = [_join(source, columns) for source, columns in inner.items()]
    uses_bought = any(source in inner for source in ("bought", "gaps"))
    sql = "\n".join(
        [
            f"with {NAMED}" + (f", bought as ({bought(refunds=refunds)})" if uses_bought else ""),
            "select c.id" + "".join(f', {expression} as "{name}"' for name, expression in outer.items()),
            "from customer c",
            *joins,
            f"where c.id = any({IDS})",
        ]
    )
    return MetricQuery(sql, tuple(outer), windows.lags)


def _add_evidence(key: str, metric: Aggregate, wanted: dict[str, str], outer: dict[str, str]) -> None:
    if metric.source == "gaps":
        outer[key + FACTS] = f"coalesce({metric.facts}, 0)"
        return
    wanted[key + FACTS] = metric.facts
    outer[key + FACTS] = f'coalesce({metric.source}."{key + FACTS}", 0)'
    if metric.gaps is not None:
        wanted[key + GAPS_FOUND] = metric.gaps
        outer[key + GAPS_FOUND] = f'coalesce({metric.source}."{key + GAPS_FOUND}", 0)'


def _join(source: str, columns: dict[str, str]) -> str:
    if source == "gaps":
        return f"left join ({GAPS}) gaps on gaps.customer_id = c.id"
    selected = "".join(f', {expression} as "{name}"' for name, expression in columns.items())
    grouped = f"select customer_id{selected} from {_ROWS[source]} group by customer_id"
    return f"left join ({grouped}) {source} on {source}.customer_id = c.id"


def computed(keys: Iterable[str]) -> frozenset[str]:
    """Those of `keys` that are computed from facts; the lifecycle stage is a model's own rule."""
    return frozenset(key for key in keys if key in DEFINITIONS and key != STAGE)
