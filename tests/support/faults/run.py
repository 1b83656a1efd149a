"""One crash run from start to verdict."""

import asyncio
import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from deploy.kafka.broker import LocalKafka
from services.commands.demo.client import Client
from services.commands.names import ServiceName
from tests.support.faults.chaos import Chaos
from tests.support.faults.doors import Ledger, Tellers
from tests.support.faults.evidence import Verdict, gather
from tests.support.faults.judge_bus import judge_bus
from tests.support.faults.judge_crisis import judge_crisis
from tests.support.faults.judge_notify import judge_notify
from tests.support.faults.judge_scoring import judge_scoring
from tests.support.faults.people import People
from tests.support.faults.replicas import Replicas
from tests.support.faults.report import Report
from tests.support.faults.story import tell_story
from tests.support.platform import RunningPlatform, a_platform
from tests.support.postgres import server_directory

_QUICK_TARGETS = {
    "acknowledge": {"elapsed": "PT6S", "warn": ["50%"]},
    "first_response": {"elapsed": "PT10S", "warn": ["50%", "90%"]},
    "initial_resolution": {"elapsed": "PT8H", "warn": ["50%"]},
    "resolution": {"elapsed": "PT72H", "warn": ["50%"]},
}
_QUICK_LEVELS = [
    {"role": "account_manager", "acknowledge_within": {"elapsed": "PT4S"}},
    {"role": "team_lead", "acknowledge_within": {"elapsed": "PT4S"}},
    {"role": "department_head"},
]
_ENVIRONMENT = {
    "MOAT_LOG_LEVEL": "WARNING",
    "MOAT_NOTIFY_LEASE_SECONDS": "8",
    "MOAT_NOTIFY_SEND_TIMEOUT": "5",
    "MOAT_NOTIFY_RETRY_HASTE": "10",
}
_FAR = timedelta(minutes=10)
"""Clocks of the story end within seconds; what lies beyond this is none of the run's business."""


@dataclass(frozen=True)
class Pace:
    """How much is told in how many seconds, and what crashes meanwhile."""

    facts: int
    seconds: float
    kills: Sequence[ServiceName]
    postgres: int
    broker: int
    freezes: Sequence[ServiceName] = ()
    freeze_seconds: float = 20.0
    """Longer than the session of a group's member."""
    replicas: bool = False
    """Whether each service has two processes, of which either may be the victim."""
    patience: float = 180.0


async def crash_run(*, seed: int, pace: Pace, broker: LocalKafka | None, logs: Path) -> Report:
    """Start a platform of its own, tell a story under crashes, wait for quiet, and judge.

    A run that does not come to its end is wrong, too. Verdict and logs stay in `logs`.
    """
    report = Report(seed)
    bus = None if broker is None else f"kafka://{broker.bootstrap}?session_timeout_ms=6000"
    with server_directory() as directory:
        platform = a_platform(directory, bus=bus, clock="system", **_ENVIRONMENT)
        running = await asyncio.to_thread(platform.__enter__)
        try:
            await _play(running, report, pace, broker)
        except Exception:  # whatever it was, it is told with what the services logged
            report.wrong = {**report.wrong, "run that did not come to its end": [traceback.format_exc()]}
        finally:
            await asyncio.to_thread(platform.__exit__, None, None, None)
            report.keep(directory, logs)
    return report


async def _play(running: RunningPlatform, report: Report, pace: Pace, broker: LocalKafka | None) -> None:
    random = Random(report.seed)
    story = tell_story(random, facts=pace.facts, now=datetime.now(UTC), name=f"R{report.seed}")
    client = Client(running.urls(), running.platform.admin_key)
    replicas = Replicas(running.platform)
    chaos = Chaos(running.platform, Random(report.seed + 1), broker=broker, replicas=replicas)
    people = People(client, running.mailbox, Random(report.seed + 2))
    try:
        await _quicken(client)
        tellers = Tellers(
            url=running.platform.url(ServiceName.SCORING),
            key=running.platform.admin_key,
            bus_url=running.bus,
            random=Random(report.seed + 3),
            seconds=pace.seconds,
        )
        if pace.replicas:
            replicas.start()
        began = time.monotonic()
        async with chaos.supervised():
            working = asyncio.create_task(people.work())
            faults = [
                *chaos.kills(pace.kills),
                *[chaos.crash_postgres] * pace.postgres,
                *[chaos.crash_broker] * (pace.broker if broker is not None else 0),
                *chaos.freezes(pace.freezes, seconds=pace.freeze_seconds),
            ]
            await asyncio.gather(tellers.tell(story), chaos.run(faults, seconds=pace.seconds))
            told_after = time.monotonic() - began
            people.stopping = True
            await working
            await _quiet(client, patience=pace.patience)
        report.told.update(
            {"seconds until told": round(told_after), "seconds until quiet": round(time.monotonic() - began)}
        )
        await _judge(running, report, tellers.ledger, people, chaos)
    finally:
        await client.close()


async def _judge(running: RunningPlatform, report: Report, ledger: Ledger, people: People, chaos: Chaos) -> None:
    verdict = Verdict()
    report.wrong = verdict.wrong
    verdict.none("unexpected answer of the door", ledger.unexpected)
    verdict.none("unexpected answer to people", people.unexpected)
    verdict.none("defect in a log", _defects(running.platform.options.directory))
    async with gather(running.platform, running.bus, ledger, running.mailbox.mails) as evidence:
        await judge_bus(evidence, verdict)
        await judge_scoring(evidence, running.platform, verdict, random=Random(report.seed))
        await judge_crisis(evidence, verdict, written=people.written)
        await judge_notify(evidence, verdict, links=people.links)
        report.told.update(chaos.done)
        report.told.update(
            {
                "facts sent": len(ledger.sent),
                "facts acknowledged": len(ledger.acknowledged),
                "facts in doubt": len(ledger.unknown),
                "calls in doubt": ledger.in_doubt,
                "facts told twice": ledger.repeated,
                "events": len(evidence.events),
                "repeats on the bus": evidence.deliveries - len(evidence.events),
                "mails": len(evidence.mails),
                "links followed": len(people.links),
                "texts written": len(people.written),
            }
        )


async def _quicken(client: Client) -> None:
    """Give every class promises of seconds, so that timers fire all through the run."""
    for kind, key, changes in (
        *(("sla-policies", key, {"targets": _QUICK_TARGETS}) for key in ("strategic", "key", "standard", "basic")),
        *(("escalation-policies", key, {"levels": _QUICK_LEVELS}) for key in ("strategic", "key", "default")),
    ):
        body = (await client.get(ServiceName.CRISIS, f"/v1/{kind}/{key}"))["body"] | changes
        draft = await client.call(
            ServiceName.CRISIS, "POST", f"/v1/{kind}/{key}/versions", body, headers={"Idempotency-Key": f"{kind}-{key}"}
        )
        path = f"/v1/{kind}/{key}/versions/{draft.body['version']}/activate"
        await client.post(ServiceName.CRISIS, path, None, etag=draft.etag)


async def _quiet(client: Client, *, patience: float) -> None:
    """Return when nothing is left to do and nothing of the story will fall due; raises TimeoutError with the states."""
    until = time.monotonic() + patience
    before: tuple[int, ...] | None = None
    states: list[Any] = []
    while time.monotonic() < until:
        await asyncio.sleep(0.3)
        try:
            states = [await client.get(service, "/v1/admin/quiescence") for service in ServiceName]
        except Exception as error:
            states, before = [repr(error)], None
            continue
        activity = tuple(state["activity"] for state in states)
        soon = datetime.now(UTC) + _FAR
        due = [datetime.fromisoformat(state["next_due_at"]) for state in states if state["next_due_at"]]
        still = all(state["quiet"] for state in states) and all(at > soon for at in due)
        if still and before == activity:
            return
        before = activity if still else None
    raise TimeoutError(f"not quiet after {patience} s: {json.dumps(states, default=str)}")


def _defects(directory: Path) -> list[str]:
    """What the services themselves call an error. Being away is a warning."""
    found = []
    for log in sorted(directory.glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()
        found += [f"{log.stem}: {line[:1500]}" for line in lines if _tells_of_a_defect(line)]
    return found


_WEATHER = '"logger":"aiokafka'
"""Whose client calls it an error when its broker is away."""


def _tells_of_a_defect(line: str) -> bool:
    return ('"level":"error"' in line and _WEATHER not in line) or line.startswith("Traceback")
