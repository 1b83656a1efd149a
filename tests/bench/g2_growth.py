"""G2: ten times the running clocks: what firing on time and reading the clocks of a case cost then."""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from services.crisis.library import Library
from services.crisis.store.save import CLOCKS_TIMER
from services.crisis.usecases.fire import Fire
from shared.clock import SystemClock
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.db.unit_of_work import UnitOfWork, unit_of_work_factory
from shared.timers.worker import DueTimer, TimerWorker
from tests.bench.bench import Bench
from tests.bench.table import Row
from tests.support.crisis import Crisis, a_complaint, a_crisis, a_snapshot

STEPS = (100_000, 1_000_000)
FIRED, EVERY, READS, MOST_GROWTH = 1000, timedelta(milliseconds=5), 600, 1.3
_SPREAD = timedelta(hours=90)
_WARNS_AFTER = timedelta(hours=120)
_TARGETS = {
    name: {"elapsed": f"PT{hours}H", "warn": ["50%"]}
    for name, hours in (("first_response", 240), ("initial_resolution", 260), ("resolution", 280))
}
"""Promises of real time that are kept running for days: a case may be copied to any other opening."""
_IDS = {
    "subject": ("id",),
    "customer": ("id",),
    "crisis_case": ("id", "number", "customer_id"),
    "matter": ("id", "case_id", "customer_id", "reference", "dedup"),
    "clock": ("id", "case_id", "matter_id", "customer_id"),
    "clock_event": ("clock_id",),
    "timeline": ("case_id",),
    "trigger_event": ("event_id", "customer_id", "case_id", "matter_id"),
    "timer": ("key", "subject"),
}
"""The tables of a case, and what of them is another for every copy."""


async def run(bench: Bench) -> list[Row]:
    """Copies of one case that the service made, opened over the last days; timers are fired by the machine's clock."""
    url = bench.database("growth")
    await migrate(url, "crisis")
    raw = await asyncpg.connect(url)
    async with a_crisis(url, now=datetime.now(UTC)) as crisis:
        case_id, clocks = await _a_case(crisis)
        copies = Copies(raw)
        late: list[list[float]] = []
        reading: list[list[float]] = []
        for step in STEPS:
            await copies.make(step // clocks - copies.made)
            assert await raw.fetchval("select count(*) from clock where next_at > $1", datetime.now(UTC)) >= step * 0.99
            late.append(await _lateness(url, crisis, copies))
            reading.append(await _reading(crisis, case_id, copies.made))
    await raw.close()
    return [
        _row("due → event committed in the outbox, p99", late),
        _row("GET /v1/cases/{id}/clocks, p99", reading),
    ]


def _row(what: str, found: Sequence[Sequence[float]]) -> Row:
    few, many = (_p99(values) for values in found)
    few_typical, many_typical = (sorted(values)[len(values) // 2] for values in found)
    return Row(
        id="G2",
        what=f"{what}: growth from {STEPS[0]:,} to {STEPS[1]:,} running clocks",
        ours=many / few,
        unit="×",
        beside={f"ms at {STEPS[0]:,}": few, f"ms at {STEPS[1]:,}": many},
        goal=MOST_GROWTH,
        less=True,
        note=f"p50 {few_typical:.1f} and {many_typical:.1f} ms; {len(found[0]):,} times each",
    )


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[round(len(values) * 0.99) - 1]


async def _a_case(crisis: Crisis) -> tuple[str, int]:
    """A case of which notice was taken, and how many of its clocks run."""
    body = (await crisis.client.get("/v1/sla-policies/key")).json()["body"] | {"targets": _TARGETS}
    draft = await crisis.client.post("/v1/sla-policies/key/versions", json=body, headers={"Idempotency-Key": "slow"})
    version, etag = draft.raise_for_status().json()["version"], draft.headers["etag"]
    path = f"/v1/sla-policies/key/versions/{version}/activate"
    (await crisis.client.post(path, headers={"If-Match": etag})).raise_for_status()
    await crisis.deliver(a_snapshot("T", "key"))
    await crisis.deliver(a_complaint("T", at=crisis.clock.now()))
    case_id = str((await crisis.case_of("T"))["id"])
    (await crisis.act(case_id, "acknowledge")).raise_for_status()
    running = await crisis.value("select count(*) from clock where next_at is not null")
    assert running == len(_TARGETS), running
    return case_id, running


class Copies:
    """Copies of the one case, each with its own customer, opened at an instant of its own."""

    def __init__(self, raw: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._raw = raw
        self.made = 0

    async def make(self, count: int) -> None:
        """So many more, opened at any time of the last days, so that nothing is due yet."""
        seconds = int(_SPREAD.total_seconds())
        await self._copy(count, f"-(n::bigint * 7919 % {seconds}) * interval '1 second'")

    async def make_due(self, first: datetime) -> None:
        """Copies whose first warnings fall due one after another from `first` on."""
        opened = await self._raw.fetchval("select min(opened_at) from crisis_case where customer_id = 'T'")
        shift = (first - _WARNS_AFTER - opened) / timedelta(microseconds=1)
        each = EVERY / timedelta(microseconds=1)
        await self._copy(FIRED, f"({shift:.0f} + (n - {self.made}) * {each:.0f}) * interval '1 microsecond'")

    async def _copy(self, count: int, shift: str) -> None:
        since, self.made = self.made, self.made + count
        async with self._raw.transaction():
            for table, ids in _IDS.items():
                await self._raw.execute(await self._statement(table, ids, shift), since, self.made - 1)
        for table in _IDS:
            await self._raw.execute(f"vacuum analyze {table}")
        await self._raw.execute("checkpoint")

    async def _statement(self, table: str, ids: Sequence[str], shift: str) -> str:
        columns = await self._raw.fetch(
            "select attname as name, atttypid::regtype::text as type from pg_attribute where attrelid = $1::regclass"
            " and attnum > 0 and not attisdropped and attidentity = '' and attgenerated = ''",
            table,
        )
        values = []
        for name, type_ in columns:
            if name in ids:
                values.append(f"t.{name} || '-' || n")
            elif type_ == "timestamp with time zone":
                values.append(f"t.{name} + {shift}")
            else:
                values.append(f"t.{name}")
        names = ", ".join(name for name, _ in columns)
        return (
            f"insert into {table} ({names}) select {', '.join(values)} from {table} t,"
            f" generate_series($1::int, $2::int) n where {_OF_THE_CASE[table]}"
        )


_CASES = "(select id from crisis_case where customer_id = 'T')"
_OF_THE_CASE = {
    **dict.fromkeys(("subject", "customer"), "t.id = 'T'"),
    **dict.fromkeys(("crisis_case", "matter", "clock", "trigger_event"), "t.customer_id = 'T'"),
    "clock_event": f"t.clock_id in (select id from clock where case_id in {_CASES})",
    "timeline": f"t.case_id in {_CASES}",
    "timer": f"t.subject = 'T' and t.kind = '{CLOCKS_TIMER}'",
}


async def _lateness(url: str, crisis: Crisis, copies: Copies) -> list[float]:
    """Milliseconds from each due instant until what it led to is committed, fired as the service does."""
    found: list[float] = []
    clock = SystemClock()
    fire = Fire(crisis.service.app.state.kernel.parts[Library])

    async def fire_and_note(work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
        due = [timer.due_at for timer in timers]
        work.after_commit(lambda: found.extend((clock.now() - at) / timedelta(milliseconds=1) for at in due))
        await fire.clocks(work, timers)

    begins = clock.now() + timedelta(seconds=20)
    await copies.make_due(begins)
    assert clock.now() < begins, "the copies were made too late"
    database = Database(url, pool_size=6)
    worker = TimerWorker(database, unit_of_work_factory(database, clock), clock, {CLOCKS_TIMER: fire_and_note})
    before = await crisis.value("select count(*) from outbox")
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout((begins - clock.now() + FIRED * EVERY).total_seconds() + 30):
            while len(found) < FIRED:
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await database.close()
    told = await crisis.value("select count(*) from outbox") - before
    assert told >= FIRED, f"{told} events of {FIRED} timers"
    return found


async def _reading(crisis: Crisis, case_id: str, copies: int) -> list[float]:
    """Milliseconds of a request each, of cases anywhere."""
    chance = random.Random(copies)
    found = []
    for number in range(READS + 50):
        path = f"/v1/cases/{case_id}-{chance.randrange(copies)}/clocks"
        started = time.perf_counter()
        (await crisis.client.get(path)).raise_for_status()
        if number >= 50:
            found.append((time.perf_counter() - started) * 1000)
    return found
