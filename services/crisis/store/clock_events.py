"""The recorded events of clocks, from their rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.crisis.domain.clocks import (
    Behaviour,
    Cancel,
    Extend,
    Pause,
    Reopen,
    ReopenMode,
    Resume,
    Retarget,
    Start,
    Stop,
    parse_period,
)
from services.crisis.domain.sla.clock import Clock
from services.crisis.domain.sla.records import Record
from services.crisis.domain.sla.repins import Recorded, Repin
from services.crisis.store.rows import read


class UnknownClockEvent(Exception):  # noqa: N818 - a named fact
    """A row holds a type of clock event that this version does not know."""


async def load_records(raw: "asyncpg.Connection[asyncpg.Record]", clocks: Sequence[Clock]) -> None:
    """Give these clocks their recorded events, in the order in which they were recorded."""
    if not clocks:
        return
    by_id: dict[str, list[Record]] = {}
    for clock in clocks:
        clock.records = by_id[clock.id] = []
    rows = await raw.fetch(
        "select clock_id, seq, recorded_at, actor, cause, pin, type, at, detail from clock_event"
        " where clock_id = any($1::text[]) order by clock_id, seq",
        list(by_id),
    )
    for clock_id, seq, recorded_at, actor, cause, pin, kind, at, detail in rows:
        event = Start(at=at) if kind == "start" else _event(kind, at, pin, read(detail) or {})
        by_id[clock_id].append(Record(seq, event, recorded_at, actor, cause, pin))


def _event(kind: str, at: datetime, pin: str | None, detail: dict[str, Any]) -> Recorded:
    match kind:
        case "pause":
            return Pause(at=at, reason=detail["reason"])
        case "resume":
            return Resume(at=at, reason=detail["reason"])
        case "stop":
            return Stop(at=at)
        case "cancel":
            return Cancel(at=at)
        case "retarget":
            return Retarget(at=at, policy=pin, behaviour=Behaviour(detail["behaviour"]))
        case "reopen":
            return Reopen(at=at, mode=None if detail["mode"] is None else ReopenMode(detail["mode"]))
        case "extend":
            by, until = detail["by"], detail["until"]
            return Extend(
                at=at,
                by=None if by is None else parse_period(by),
                until=None if until is None else datetime.fromisoformat(until),
            )
        case "repin":
            return Repin(at=at, pins=detail["pins"])
        case _:
            raise UnknownClockEvent(kind)
