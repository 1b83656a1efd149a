"""Planning timers: rows of the transaction that made them necessary."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import orjson

_UPSERT = """
insert into timer as t (kind, key, subject, due_at, generation, payload)
select kind, key, subject, due_at, 1, payload::jsonb
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
  as new (kind, key, subject, due_at, payload)
on conflict (kind, key) do update
set subject = excluded.subject, due_at = excluded.due_at, payload = excluded.payload, generation = t.generation + 1,
    attempts = 0, retry_at = null, last_error = null
"""
_DELETE = "delete from timer where (kind, key) in (select * from unnest($1::text[], $2::text[]))"


@dataclass(frozen=True, slots=True)
class Timer:
    """Something due at an instant. (kind, key) names it: planning it again replaces it and voids the earlier plan."""

    kind: str
    key: str
    subject: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CancelTimer:
    kind: str
    key: str


class TimerPlan:
    """What one transaction plans and cancels; of several steps for one timer the last wins."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], Timer | CancelTimer] = {}
        self.earliest: datetime | None = None

    @property
    def subjects(self) -> set[str]:
        """The subjects of the timers planned so far."""
        return {step.subject for step in self._steps.values() if isinstance(step, Timer)}

    def plan(self, timer: Timer) -> None:
        self._steps[timer.kind, timer.key] = timer

    def cancel(self, timer: CancelTimer) -> None:
        self._steps[timer.kind, timer.key] = timer

    async def write(self, raw: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Write all steps, set-based; `earliest` then tells the worker when it is wanted first."""
        planned = sorted((s for s in self._steps.values() if isinstance(s, Timer)), key=lambda t: (t.kind, t.key))
        cancelled = sorted((s.kind, s.key) for s in self._steps.values() if isinstance(s, CancelTimer))
        self._steps = {}
        if cancelled:
            await raw.execute(_DELETE, [kind for kind, _ in cancelled], [key for _, key in cancelled])
        if planned:
            self.earliest = min(timer.due_at for timer in planned)
            await raw.execute(
                _UPSERT,
                [timer.kind for timer in planned],
                [timer.key for timer in planned],
                [timer.subject for timer in planned],
                [timer.due_at for timer in planned],
                [orjson.dumps(timer.payload).decode() for timer in planned],
            )
