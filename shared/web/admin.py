"""Administration for drills, demos and journeys: moving the stepped clock, and knowing when everything has settled.

The business clock stands in the database (`clock_state`), so that a restart goes on from there and every replica
follows it. None of this is mounted in the production profile.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Body, Query
from pydantic import AwareDatetime, Field

from shared.auth.guard import require
from shared.clock import Clock, SteppedClock
from shared.db.database import Database, raw_connection
from shared.errors import Conflict
from shared.web.kernel import ReadDatabase, TheClock
from shared.web.quiescence import Moving, Quiescence, rest
from shared.web.routing import Router
from shared.web.schema import In, Out

_FOLLOW_SECONDS: Final = 0.25
_MOVE: Final = """
insert into clock_state (stands_at) values ($1)
on conflict ("only") do update set stands_at = greatest(clock_state.stands_at, excluded.stands_at)
returning stands_at
"""


class ClockNotStepped(Conflict):
    """The service runs on the machine's clock, which cannot be moved."""

    slug = "clock-not-stepped"
    zh = "服务使用系统时钟，不能调整。"


class ClockBehind(Conflict):
    """The clock never runs back."""

    slug = "clock-behind"
    zh = "时钟不能回拨。"


class ClockIn(In):
    """Where to move the clock."""

    now: AwareDatetime = Field(description="The new instant, not before the present one.")


class ClockOut(Out):
    """The business clock."""

    now: datetime
    kind: Literal["system", "stepped"]


async def restore_clock(clock: Clock, database: Database) -> None:
    """Bring a stepped clock to where the database says it stands, or write down where it begins."""
    if isinstance(clock, SteppedClock):
        clock.move(max(clock.now(), await _move_stored(database, clock.now())))


async def follow_clock(clock: SteppedClock, database: Database, moved: Callable[[], None]) -> None:
    """Keep this process's clock where another replica has moved it."""
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        async with database.read() as connection:
            stored = await (await raw_connection(connection)).fetchval("select stands_at from clock_state")
        if stored is not None and stored > clock.now():
            clock.move(stored)
            moved()


def admin_router(moving: Callable[[], Moving], moved: Callable[[], None]) -> Router:
    """Clock and quiescence; `moved` is called after the clock has been moved, to wake who waits for it."""
    router = Router(prefix="/v1/admin", tags=["admin"], dependencies=[require("admin")])

    @router.get("/clock", summary="Read the business clock", responses={200: _example("2026-03-01T08:00:00Z")})
    async def read_clock(clock: TheClock) -> ClockOut:
        """All deadlines follow this clock."""
        return _clock(clock)

    @router.post("/clock", summary="Move the stepped clock forward", responses={200: _example("2026-03-02T08:00:00Z")})
    async def move_clock(
        body: Annotated[ClockIn, Body(examples=[{"now": "2026-03-02T08:00:00Z"}])],
        clock: TheClock,
        database: ReadDatabase,
    ) -> ClockOut:
        """Timers that fall due by then fire. Moving it to where it stands is harmless, so it may be repeated."""
        if not isinstance(clock, SteppedClock):
            raise ClockNotStepped("start the service with MOAT_CLOCK=stepped:<instant> for drills")
        if body.now < clock.now():
            raise ClockBehind(f"it stands at {clock.now().isoformat()}", now=clock.now().isoformat())
        stored = await _move_stored(database, body.now)
        clock.move(max(stored, clock.now()))
        moved()
        return _clock(clock)

    @router.get("/quiescence", summary="Is anything left to do?")
    async def quiescence(
        wait: Annotated[
            float, Query(ge=0, le=20, description="Answer when quiet, at the latest after these seconds.")
        ] = 0,
    ) -> Quiescence:
        """For a driver of the stepped clock: move on when every service was quiet twice with the same `activity`."""
        return await rest(moving(), seconds=wait)

    return router


async def _move_stored(database: Database, to: datetime) -> datetime:
    async with database.begin() as connection:
        stored: datetime = await (await raw_connection(connection)).fetchval(_MOVE, to)
        return stored


def _clock(clock: Clock) -> ClockOut:
    return ClockOut(now=clock.now(), kind="stepped" if isinstance(clock, SteppedClock) else "system")


def _example(now: str) -> dict[str, Any]:
    return {"content": {"application/json": {"example": {"now": now, "kind": "stepped"}}}}
