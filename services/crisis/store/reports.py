"""Reports over all cases, one statement each, counted from what the fold said when it was stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal

import asyncpg

Dimension = Literal["service_class", "policy", "target", "type", "severity", "owner", "statutory", "department"]
Cohort = Literal["day", "week", "month"]


def policy_key(pin: str) -> str:
    """The expression for the policy of a pin, which is `key@3;cn-office@2`; keys may themselves hold an `@`."""
    named = f"split_part({pin}, ';', 1)"
    return f"left({named}, -strpos(reverse({named}), '@'))"


_DIMENSIONS: Final[dict[Dimension, str]] = {
    "service_class": "k.service_class",
    "policy": policy_key("e.policy"),
    "target": "e.target",
    "type": "k.type",
    "severity": "k.severity",
    "owner": "k.owner",
    "statutory": "e.statutory",
    "department": "e.department",
}
_CURRENT_DUE: Final = "coalesce(c.due_at, c.due_if_resumed_now)"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which clocks to count, and how to group them; None does not bound.

    What is due after `since` and at the latest at `until` is in the period, so that a limit at 24:00 is of the day that
    ends there; what happened in it (was resolved, began) happened from `since` on and before `until`.
    """

    as_of: datetime
    since: datetime | None = None
    until: datetime | None = None
    service_classes: Sequence[str] | None = None
    targets: Sequence[str] | None = None
    policies: Sequence[str] | None = None
    departments: Sequence[str] | None = None
    by: Sequence[Dimension] = ()
    cohort: Cohort | None = None
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Counted:
    """Clocks of one group; every clock and cycle is in exactly one of the seven states.

    `is_total` tells the row over all groups. Overruns are real seconds from the breach to the end, or to `as_of`.
    """

    is_total: bool
    met: int
    breached_closed: int
    breached_open: int
    running: int
    running_paused: int
    cancelled: int
    void: int
    excluded: int
    overrun_p50: float | None
    overrun_p90: float | None
    open_overrun_p50: float | None
    open_overrun_p90: float | None
    ended_elapsed: float
    ended_paused: float
    keys: dict[str, Any] = field(default_factory=dict)


_STATE: Final = """
    case when k.drill or k.status = 'dismissed' then 'excluded'
         when e.result in ('void', 'cancelled', 'met') then e.result
         when e.result = 'missed' then 'breached_closed'
         when e.has_breached or e.known_due <= $1 then 'breached_open'
         else 'running' end as state,
    extract(epoch from coalesce(e.stopped_at, $1) - coalesce(e.breached_at, e.due))::float8 as overrun
"""
_ENTRIES: Final = """
    select c.case_id, c.target, c.policy, c.result, c.has_breached, c.breached_at, {due} as due, c.due_at as known_due,
           c.stopped_at, c.stage = 'paused' as paused, c.elapsed_seconds, c.paused_seconds, c.statutory, c.department
    from clock c where {in_period}
    union all
    select c.case_id, c.target, p.policy, p.result, p.has_breached, p.breached_at, p.due_at, p.due_at,
           p.stopped_at, false, p.elapsed_seconds, p.paused_seconds, p.statutory, p.department
    from past_cycle p join clock c on c.id = p.clock_id where {past_in_period}
"""
_COUNTS: Final = (
    "count(*) filter (where state = 'met')",
    "count(*) filter (where state = 'breached_closed')",
    "count(*) filter (where state = 'breached_open')",
    "count(*) filter (where state = 'running')",
    "count(*) filter (where state = 'running' and paused)",
    "count(*) filter (where state = 'cancelled')",
    "count(*) filter (where state = 'void')",
    "count(*) filter (where state = 'excluded')",
    "coalesce(sum(elapsed_seconds) filter (where state in ('met', 'breached_closed')), 0)",
    "coalesce(sum(paused_seconds) filter (where state in ('met', 'breached_closed')), 0)",
)
_OVERRUNS: Final = (
    "percentile_disc(array[0.5, 0.9]) within group (order by overrun) filter (where state = 'breached_closed')",
    "percentile_disc(array[0.5, 0.9]) within group (order by overrun) filter (where state = 'breached_open')",
)
_LATE: Final = "state in ('breached_closed', 'breached_open')"


async def attainment(raw: "asyncpg.Connection[asyncpg.Record]", asked: Asked, *, most: int) -> list[Counted]:
    """The row over all clocks asked for, then the groups in the order of their keys, at most `most` of them.

    One statement, so that groups and total are of one moment. Clocks of drills and of dismissed cases are excluded,
    whatever became of them.
    """
    statement, values = _statement(asked)
    keys = [*asked.by, *(["cohort"] if asked.cohort else [])]
    rows = await raw.fetch(f"{statement} limit {int(most) + 1}", *values)
    return [_counted(row, keys) for row in rows]


def _statement(asked: Asked) -> tuple[str, list[Any]]:
    values: list[Any] = [asked.as_of]

    def bound(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    lower = None if asked.since is None else bound(asked.since)
    upper = None if asked.until is None else bound(asked.until)
    entries = _ENTRIES.format(
        due=_CURRENT_DUE,
        in_period=_due_within(_CURRENT_DUE, lower, upper),
        past_in_period=_due_within("p.due_at", lower, upper),
    )
    named = {
        "service_class": asked.service_classes,
        "target": asked.targets,
        "policy": asked.policies,
        "department": asked.departments,
    }
    where = [f"{_DIMENSIONS[name]} = any({bound(list(wanted))}::text[])" for name, wanted in named.items() if wanted]  # type: ignore[index]
    columns: dict[str, str] = {name: _DIMENSIONS[name] for name in asked.by}
    if asked.cohort is not None:
        # A limit at 24:00 is of the day that ends there.
        due = f"(e.due - interval '1 microsecond') at time zone {bound(asked.zone)}"
        columns["cohort"] = f"date_trunc('{asked.cohort}', {due})::date"
    judged = f"""
        select {listed(columns)} {_STATE.strip()}, e.paused, e.elapsed_seconds, e.paused_seconds
        from entry e join crisis_case k on k.id = e.case_id where {" and ".join(where) or "true"}
    """
    summed = total_and_groups(judged, list(columns), counts=_COUNTS, lengths=_OVERRUNS, of=_LATE)
    return f"with entry as ({entries}), {summed}", values


def listed(columns: Mapping[str, str]) -> str:
    """The columns by which is grouped, before others."""
    return "".join(f"{expression} as {name}, " for name, expression in columns.items())


def total_and_groups(
    judged: str, names: Sequence[str], *, counts: Sequence[str], lengths: Sequence[str], of: str
) -> str:
    """The end of a statement: figures over all rows of `judged`, then over those of each group, in order of the keys.

    `lengths` have to sort their rows, so they are asked of those alone where `of` holds; the counts need no order.
    """
    keys = "".join(name + ", " for name in names)
    sets = f"grouping sets ((), ({', '.join(names)}))" if names else "grouping sets (())"
    head = f"select {f'grouping({names[0]}) = 1' if names else 'true'} as is_total, {keys}"
    named = [f"{expression} as figure_{number}" for number, expression in enumerate((*counts, *lengths))]
    counted = ", ".join([*named[: len(counts)], *["null::float8[]"] * len(lengths)])
    sorted_ = ", ".join([*["null"] * len(counts), *named[len(counts) :]])
    parts = f"{head} {counted} from judged group by {sets}"
    parts += f" union all {head} {sorted_} from judged where {of} group by {sets}"
    figures = ", ".join(f"max(figure_{number})" for number in range(len(named)))
    order = ", ".join(["1 desc", *(f"{place + 2} nulls first" for place in range(len(names)))])
    listed_ = ", ".join(["is_total", *names])
    return f"""
        judged as materialized ({judged}), part ({listed_}, {", ".join(f"figure_{n}" for n in range(len(named)))})
            as ({parts})
        select is_total, {keys} {figures} from part group by {listed_} order by {order}
    """


def _due_within(column: str, lower: str | None, upper: str | None) -> str:
    conditions = [f"{column} > {lower}"] if lower else []
    conditions += [f"{column} <= {upper}"] if upper else []
    return " and ".join(conditions) or "true"


def between(column: str, lower: str | None, upper: str | None) -> str:
    conditions = [f"{column} >= {lower}"] if lower else []
    conditions += [f"{column} < {upper}"] if upper else []
    return " and ".join(conditions) or "true"


def _counted(row: asyncpg.Record, keys: Sequence[str]) -> Counted:
    is_total, *rest = tuple(row)
    found = {} if is_total else dict(zip(keys, rest, strict=False))
    *counts, elapsed, paused, closed, still_open = rest[len(keys) :]
    none = (None, None)
    figures: list[Any] = [is_total, *counts, *(closed or none), *(still_open or none), elapsed, paused, found]
    return Counted(*figures)


@dataclass(frozen=True, slots=True)
class Handled:
    """How long matters of one class took, in real seconds from receipt to resolution; None is all classes."""

    service_class: str | None
    cohort: date | None
    matters: int
    mean: float
    p50: float
    p90: float


_HANDLING: Final = """
with handled as (
    select k.service_class, {cohort} as cohort, extract(epoch from m.resolved_at - m.received_at)::float8 as seconds
    from matter m join crisis_case k on k.id = m.case_id
    where m.resolved_at is not null and m.status = 'resolved' and not k.drill and k.status <> 'dismissed' {filters}
)
select service_class, cohort, count(*), avg(seconds), percentile_disc(0.5) within group (order by seconds),
       percentile_disc(0.9) within group (order by seconds)
from handled group by grouping sets ((), (service_class, cohort)) having count(*) > 0
order by grouping(service_class) desc, cohort, service_class
limit {most}
"""


async def handling_time(
    raw: "asyncpg.Connection[asyncpg.Record]", asked: Asked, *, matter_type: str | None, most: int
) -> list[Handled]:
    """From receipt to resolution of matters resolved in the period: all of them first, then by class and cohort."""
    values: list[Any] = []
    filters = ""
    for condition, value in (
        ("m.resolved_at >=", asked.since),
        ("m.resolved_at <", asked.until),
        ("m.type =", matter_type),
        ("k.service_class = any", list(asked.service_classes) if asked.service_classes else None),
    ):
        if value is not None:
            values.append(value)
            filters += f" and {condition} (${len(values)})"
    cohort = "null::date"
    if asked.cohort is not None:
        values.append(asked.zone)
        cohort = f"date_trunc('{asked.cohort}', m.resolved_at at time zone ${len(values)})::date"
    rows = await raw.fetch(_HANDLING.format(cohort=cohort, filters=filters, most=int(most) + 1), *values)
    return [Handled(*row) for row in rows]
