"""Metrics of customers, as a frame for the evaluator or one by one with the evidence behind them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import polars as pl

from services.scoring.store.metric_query import metric_query
from services.scoring.store.metric_terms import HAVING_REFUNDS, parameters
from services.scoring.store.raw import Raw
from shared.db.packing import pack


async def metric_frame(
    raw: Raw, ids: Sequence[str], keys: Iterable[str], *, as_of: datetime, zone: str, currency: str
) -> pl.DataFrame:
    """One row per known customer of `ids`: `customer_id` and the Int64 columns of the metrics, null = not known."""
    rows: list[Sequence[object]] = []
    query = metric_query(keys)
    having = {row[0] for row in await raw.fetch(HAVING_REFUNDS, pack(ids))}
    for refunds, members in ((True, having), (False, [id_ for id_ in ids if id_ not in having] if having else ids)):
        if members:
            query = metric_query(keys, refunds=refunds)
            rows += await raw.fetch(query.sql, *parameters(members, as_of, zone, currency, query.lags))
    names = ("customer_id", *query.columns)
    columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) if rows else [[] for _ in names]
    return pl.DataFrame(
        [
            pl.Series(name, values, dtype=pl.String if name == "customer_id" else pl.Int64)
            for name, values in zip(names, columns, strict=True)
        ]
    )


async def metric_evidence(
    raw: Raw, customer_id: str, keys: Iterable[str], *, as_of: datetime, zone: str, currency: str
) -> dict[str, int | None]:
    """One customer's columns with `<key>#facts` and `<key>#gaps` beside them; empty for an unknown customer."""
    query = metric_query(keys, evidence=True)
    row = await raw.fetchrow(query.sql, *parameters([customer_id], as_of, zone, currency, query.lags))
    return {} if row is None else {name: row[name] for name in query.columns}
