"""Writing the narrow tables that metrics read. Whatever order facts arrive in, the rows come out the same.

A thing of business (an order, a contact, a mention) is told by facts that name it. Of two tellings of one thing the
later event wins; of two at the same instant the one with the greater values, so that arrival never decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.scoring.store.raw import Raw
from shared.db.packing import pack, unpacked

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows are keyed by customer and business id; `told_at` leads the `values` that decide who wins."""

    name: str
    key: tuple[str, str]
    values: Mapping[str, str]

    @property
    def upsert(self) -> str:
        """One statement for any number of rows, no two with the same key; answers whose rows were told anew."""
        columns = [*self.key, *self.values]
        types = ["text", "text", *self.values.values()]
        arrays = ", ".join(f"${at}::{type_}[]" for at, type_ in enumerate(types, start=1))
        given = ", ".join(f"excluded.{column}" for column in self.values)
        later = f"({self._ordered('excluded')}) > ({self._ordered('t')})"
        return (
            f"with written as (insert into {self.name} as t ({', '.join(columns)}) select * from unnest({arrays})"
            f" on conflict ({', '.join(self.key)}) do update set ({', '.join(self.values)}) = row({given})"
            f" where {later} returning t.customer_id, t.xmax) select distinct customer_id from written where xmax <> 0"
        )

    @property
    def known(self) -> str:
        """Which of the given keys have a row, by their positions: one look at the index for each."""
        return (
            f"select n.at from unnest({unpacked('$1')}, {unpacked('$2')}) with ordinality as n (customer_id, id, at)"
            f" cross join lateral (select from {self.name} t where t.customer_id = n.customer_id"
            f" and t.{self.key[1]} = n.id limit 1) as known"
        )

    def _ordered(self, row: str) -> str:
        """The values of a row as they are compared: an unknown number is less than any."""
        return ", ".join(
            f"coalesce({row}.{column}, -1)" if type_ == "bigint" else f"{row}.{column}"
            for column, type_ in self.values.items()
        )


_INSTANT: Final = "timestamptz"
PURCHASE: Final = Table(
    "purchase",
    ("customer_id", "order_id"),
    {
        "told_at": _INSTANT,
        "placed_at": _INSTANT,
        "currency": "text",
        "amount": "bigint",
        "cost": "bigint",
        "net_cost": "bigint",
        "quantity": "bigint",
    },
)
INTERACTION: Final = Table(
    "interaction", ("customer_id", "interaction_id"), {"told_at": _INSTANT, "at": _INSTANT, "kind": "text"}
)
MENTION: Final = Table(
    "mention",
    ("customer_id", "mention_id"),
    {"told_at": _INSTANT, "published_at": _INSTANT, "sentiment": "integer", "reach": "bigint"},
)
SURVEY_ANSWER: Final = Table(
    "survey_answer",
    ("customer_id", "survey_id"),
    {"told_at": _INSTANT, "answered_at": _INSTANT, "satisfaction": "integer"},
)

_COMPLAINTS = """
insert into complaint as t (customer_id, complaint_id, told_at, received_at, withdrawn_at)
select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
on conflict (customer_id, complaint_id) do update set
    told_at = greatest(t.told_at, excluded.told_at),
    received_at = case
        when excluded.told_at is null then t.received_at
        when t.told_at is null or (excluded.told_at, excluded.received_at) > (t.told_at, t.received_at)
        then excluded.received_at else t.received_at end,
    withdrawn_at = least(t.withdrawn_at, excluded.withdrawn_at)
"""


@dataclass(slots=True)
class Observations:
    """What one batch of facts says of its customers."""

    latest: dict[str, dict[tuple[str, str], Row]] = field(default_factory=dict)
    refunds: list[Row] = field(default_factory=list)
    ratings: list[Row] = field(default_factory=list)
    complaints: dict[tuple[str, str], tuple[datetime | None, datetime | None, datetime | None]] = field(
        default_factory=dict
    )

    def tell(self, table: Table, customer_id: str, business_id: str, values: Row) -> None:
        """Note one telling; `values` are those of the table, `told_at` first."""
        rows = self.latest.get(table.name)
        if rows is None:
            rows = self.latest[table.name] = {}
        key = (customer_id, business_id)
        known = rows.get(key)
        if known is None or _comparable(values) > _comparable(known):
            rows[key] = values

    def complain(self, customer_id: str, complaint_id: str, *, told_at: datetime, received_at: datetime) -> None:
        """Note that a complaint was received."""
        told, received, withdrawn = self.complaints.get((customer_id, complaint_id), (None, None, None))
        if told is None or received is None or (told_at, received_at) > (told, received):
            told, received = told_at, received_at
        self.complaints[customer_id, complaint_id] = (told, received, withdrawn)

    def withdraw(self, customer_id: str, complaint_id: str, at: datetime) -> None:
        """Note that a complaint was taken back; the earliest withdrawal counts."""
        told, received, withdrawn = self.complaints.get((customer_id, complaint_id), (None, None, None))
        self.complaints[customer_id, complaint_id] = (told, received, at if withdrawn is None else min(at, withdrawn))


def _comparable(values: Row) -> Row:
    """The same order as in the table: an unknown number is less than any."""
    return tuple(-1 if value is None else value for value in values)


async def write(raw: Raw, seen: Observations) -> frozenset[str]:
    """Write all of it, one statement per table; answers the customers of whom something known was changed by it."""
    told_anew: set[str] = set()
    for table in (PURCHASE, INTERACTION, MENTION, SURVEY_ANSWER):
        rows = seen.latest.get(table.name)
        if rows:
            told_anew.update(await _write_table(raw, table, rows))
    if seen.complaints:
        await raw.execute(_COMPLAINTS, *_columns((*key, *seen.complaints[key]) for key in sorted(seen.complaints)))
    if seen.refunds:
        await raw.copy_records_to_table(
            "refund",
            columns=("customer_id", "order_id", "refunded_at", "currency", "amount"),
            records=seen.refunds,
        )
    if seen.ratings:
        await raw.copy_records_to_table(
            "rating",
            columns=("customer_id", "dimension", "rated_at", "score", "valid_until", "source", "event_id"),
            records=seen.ratings,
        )
    return frozenset(told_anew)


async def _write_table(raw: Raw, table: Table, rows: Mapping[tuple[str, str], Row]) -> list[str]:
    """Copy the rows that are new and merge the others; answers the customers of those that were changed.

    To look first and copy then costs half of an insert that may conflict. The customers are locked: nothing comes
    in between.
    """
    keys = sorted(rows)
    found = await raw.fetch(table.known, pack(key[0] for key in keys), pack(key[1] for key in keys))
    known = {keys[row[0] - 1] for row in found}
    fresh = [key for key in keys if key not in known] if known else keys
    if fresh:
        columns = (*table.key, *table.values)
        await raw.copy_records_to_table(table.name, columns=columns, records=[(*key, *rows[key]) for key in fresh])
    if not known:
        return []
    again = await raw.fetch(table.upsert, *_columns((*key, *rows[key]) for key in sorted(known)))
    return [row[0] for row in again]


def _columns(rows: Iterable[Row]) -> Sequence[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
