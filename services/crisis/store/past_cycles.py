"""Results of the cycles before a clock's present one, as the fold gives them: what reports count beside `clock`."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from services.crisis.domain.clocks import ClockResult
from services.crisis.domain.sla.clock import Clock

_COLUMNS: Final = {
    "clock_id": "text",
    "cycle": "integer",
    "policy": "text",
    "result": "text",
    "has_breached": "boolean",
    "breached_at": "timestamptz",
    "started_at": "timestamptz",
    "due_at": "timestamptz",
    "stopped_at": "timestamptz",
    "elapsed_seconds": "float8",
    "paused_seconds": "float8",
    "closed_seconds": "float8",
    "statutory": "boolean",
    "department": "text",
}
_NAMES: Final = ", ".join(_COLUMNS)
_ARRAYS: Final = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_COLUMNS.values(), start=1))
_REST: Final = [name for name in _COLUMNS if name not in {"clock_id", "cycle"}]
_UPSERT: Final = f"""
insert into past_cycle as p ({_NAMES}) select * from unnest({_ARRAYS})
on conflict (clock_id, cycle) do update set {", ".join(f"{name} = excluded.{name}" for name in _REST)}
where ({", ".join(f"p.{name}" for name in _REST)}) is distinct from ({", ".join(f"excluded.{name}" for name in _REST)})
"""
_DELETE: Final = """
delete from past_cycle using unnest($1::text[], $2::integer[]) as present (clock_id, cycle)
where past_cycle.clock_id = present.clock_id and past_cycle.cycle >= present.cycle
"""


async def save_past_cycles(raw: "asyncpg.Connection[asyncpg.Record]", clocks: Sequence[Clock]) -> None:
    """Write what the fold says now of the past cycles of these clocks; one that an earlier event took back goes."""
    if not clocks:
        return
    present = {clock.id: clock.state.cycle for clock in clocks if clock.state is not None}
    await raw.execute(_DELETE, list(present), list(present.values()))
    rows = [
        _row(clock, cycle, policy)
        for clock in clocks
        for cycle, policy in zip(clock.past or (), clock.policies_of(clock.past or ()), strict=True)
    ]
    if rows:
        await raw.execute(_UPSERT, *map(list, zip(*rows, strict=True)))


def _row(clock: Clock, cycle: ClockResult, policy: str) -> tuple[Any, ...]:
    return (
        clock.id,
        cycle.cycle,
        policy,
        cycle.result.value,
        cycle.has_breached,
        cycle.breached_at,
        cycle.started_at,
        cycle.due_at or cycle.due_if_resumed_now,
        cycle.stopped_at,
        cycle.elapsed_seconds,
        cycle.paused_seconds,
        cycle.closed_seconds,
        cycle.statutory,
        cycle.department,
    )
