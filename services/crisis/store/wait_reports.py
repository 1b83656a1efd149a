"""Waits over all cases: who waited for whom, how often and how long, one statement from the rows of waits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import asyncpg

from services.crisis.store.reports import Asked, between, listed, policy_key, total_and_groups

WaitDimension = Literal[
    "reason", "who", "for_whom", "service_class", "policy", "type", "severity", "owner", "ended_because"
]
_DIMENSIONS: Final[dict[WaitDimension, str]] = {
    "reason": "w.reason",
    "who": "w.who",
    "for_whom": "w.for_whom",
    "service_class": "k.service_class",
    "policy": policy_key("k.policy"),
    "type": "k.type",
    "severity": "k.severity",
    "owner": "k.owner",
    "ended_because": "coalesce(w.ended_because, case when w.ends_at <= $1 then w.ends_because end)",
}


@dataclass(frozen=True, slots=True)
class AskedWaits:
    """Which waits to count: those that began in the period of `asked`, with its classes, policies and cohorts."""

    asked: Asked
    by: Sequence[WaitDimension]
    reasons: Sequence[str] | None = None
    who: Sequence[str] | None = None
    for_whom: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class CountedWaits:
    """Waits of one group; each is ended, open or excluded. Lengths are real seconds, of open ones up to `as_of`.

    `is_total` tells the row over all groups. `approved` and `beyond_limit` count ended and open ones alike. The names
    are those of the reason where all waits of the group have one; `cases` is how many cases they are of.
    """

    is_total: bool
    name_zh: str | None
    name_en: str | None
    ended: int
    open: int
    excluded: int
    approved: int
    beyond_limit: int
    at_limit: int
    cases: int
    ended_seconds: float
    open_seconds: float
    ended_p50: float | None
    ended_p90: float | None
    open_p50: float | None
    open_p90: float | None
    longest: float | None
    keys: dict[str, Any] = field(default_factory=dict)


# A wait that has come to its end ended then, even where its timer is late.
_JUDGED: Final = """
    case when k.drill or k.status = 'dismissed' then 'excluded'
         when w.ended_at is not null or w.ends_at <= $1 then 'ended' else 'open' end as state,
    extract(epoch from coalesce(w.ended_at, least(w.ends_at, $1)) - w.since)::float8 as seconds,
    w.approved_by is not null as approved, coalesce(w.ended_at, least(w.ends_at, $1)) > w.limit_at as beyond,
    coalesce(w.ended_because, w.ends_because) in ('one_wait', 'reason_in_total', 'in_total') as at_limit,
    w.case_id, w.name->>'zh-CN' as zh, w.name->>'en' as en
"""
_COUNTED: Final = "state <> 'excluded'"
_COUNTS: Final = (
    "case when min(zh) = max(zh) then min(zh) end",
    "case when min(en) = max(en) then min(en) end",
    "count(*) filter (where state = 'ended')",
    "count(*) filter (where state = 'open')",
    "count(*) filter (where state = 'excluded')",
    f"count(*) filter (where {_COUNTED} and approved)",
    f"count(*) filter (where {_COUNTED} and beyond)",
    "count(*) filter (where state = 'ended' and at_limit)",
    f"count(distinct case_id) filter (where {_COUNTED})",
    "coalesce(sum(seconds) filter (where state = 'ended'), 0)",
    "coalesce(sum(seconds) filter (where state = 'open'), 0)",
    f"max(seconds) filter (where {_COUNTED})",
)
_LENGTHS: Final = (
    "percentile_disc(array[0.5, 0.9]) within group (order by seconds) filter (where state = 'ended')",
    "percentile_disc(array[0.5, 0.9]) within group (order by seconds) filter (where state = 'open')",
)


async def count_waits(
    raw: "asyncpg.Connection[asyncpg.Record]", wanted: AskedWaits, *, most: int
) -> list[CountedWaits]:
    """The row over all waits asked for, then the groups in the order of their keys, at most `most` of them."""
    asked = wanted.asked
    statement, values = waits_statement(wanted)
    keys = [*wanted.by, *(["cohort"] if asked.cohort else [])]
    rows = await raw.fetch(f"{statement} limit {int(most) + 1}", *values)
    return [_counted(row, keys) for row in rows]


def waits_statement(wanted: AskedWaits) -> tuple[str, list[Any]]:
    """The statement without its limit, and its values."""
    asked = wanted.asked
    values: list[Any] = [asked.as_of]

    def bound(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    where = [between("w.since", *(None if at is None else bound(at) for at in (asked.since, asked.until)))]
    named: dict[WaitDimension, Sequence[str] | None] = {
        "reason": wanted.reasons,
        "who": wanted.who,
        "for_whom": wanted.for_whom,
        "service_class": asked.service_classes,
        "policy": asked.policies,
    }
    where += [
        f"{_DIMENSIONS[name]} = any({bound(list(listed_))}::text[])" for name, listed_ in named.items() if listed_
    ]
    columns: dict[str, str] = {name: _DIMENSIONS[name] for name in wanted.by}
    if asked.cohort is not None:
        columns["cohort"] = f"date_trunc('{asked.cohort}', w.since at time zone {bound(asked.zone)})::date"
    judged = f"""
        select {listed(columns)} {_JUDGED.strip()}
        from wait w join crisis_case k on k.id = w.case_id where {" and ".join(where)}
    """
    return f"with {total_and_groups(judged, list(columns), counts=_COUNTS, lengths=_LENGTHS, of=_COUNTED)}", values


def _counted(row: asyncpg.Record, keys: Sequence[str]) -> CountedWaits:
    is_total, *rest = tuple(row)
    found = {} if is_total else dict(zip(keys, rest, strict=False))
    *counts, longest, ended, still_open = rest[len(keys) :]
    none = (None, None)
    figures: list[Any] = [is_total, *counts, *(ended or none), *(still_open or none), longest, found]
    return CountedWaits(*figures)
