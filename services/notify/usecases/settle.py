"""Deliveries end: rows, attempts, the next channel, the message's state and the events that tell of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notify import publishing
from services.notify.domain.message import DeliveryState
from services.notify.domain.outcome import Outcome
from services.notify.names import SENDER
from services.notify.publishing import About
from services.notify.store import endings
from services.notify.store.endings import Attempt, Ending
from services.notify.store.intents import NewDelivery, write_deliveries
from services.notify.store.rows import DeliveryRow
from shared.contracts.notify import RouteOutcome
from shared.db.unit_of_work import UnitOfWork
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Settled:
    """A delivery that has ended, and how. `attempts` counts all its tries; `fails_over` opens the next channel."""

    row: DeliveryRow
    state: DeliveryState
    attempts: int
    reason: str | None = None
    outcome: Outcome | None = None
    fails_over: bool = False
    superseded_by: str | None = None


async def settle(work: UnitOfWork, settled: Sequence[Settled], *, wall: datetime) -> int:
    """Write how deliveries ended, inside the transaction that holds their subjects; answers how many now wait anew."""
    if not settled:
        return 0
    await endings.end(work.raw, [_ending(entry) for entry in settled], work.now, wall)
    onward = [_onward(entry.row, work.now, wall) for entry in settled if entry.fails_over]
    await write_deliveries(work.raw, onward)
    if onward:
        work.touch(SENDER)
    for entry in settled:
        _say(work, entry)
    await refresh_messages(work, {entry.row.message_id: entry.row for entry in settled})
    return len(onward)


async def refresh_messages(work: UnitOfWork, messages: dict[str, DeliveryRow]) -> None:
    """Bring messages up to date with their deliveries; one that nobody can receive any more is said to be so."""
    for message_id in await endings.refresh_messages(work.raw, sorted(messages), work.now):
        row = messages[message_id]
        routes = [
            RouteOutcome(delivery_id=id_, person=person, channel=channel, outcome=outcome)
            for id_, person, channel, outcome in await endings.routes_tried(work.raw, message_id)
        ]
        publishing.undeliverable(work, About.of_row(row), reason="all_failed", routes=routes)


async def write_attempts(work: UnitOfWork, attempts: Iterable[Attempt]) -> None:
    """Write down tries."""
    await endings.write_attempts(work.raw, list(attempts))


def _ending(entry: Settled) -> Ending:
    outcome = entry.outcome
    return Ending(
        id=entry.row.id,
        state=entry.state.value,
        reason=entry.reason if entry.superseded_by is None else f"{entry.reason} by {entry.superseded_by}",
        outcome=None if outcome is None else outcome.verdict.value,
        detail=None if outcome is None else outcome.detail,
        reference=None if outcome is None else outcome.reference,
    )


def _onward(row: DeliveryRow, now: datetime, wall: datetime) -> NewDelivery:
    """The delivery on the next channel; it keeps the age of the one before."""
    step = row.step + 1
    return NewDelivery(
        id=new_id(),
        message_id=row.message_id,
        event_id=row.event_id,
        rule=row.rule,
        recipient=row.recipient,
        channel=row.channels[step],
        step=step,
        person=row.person,
        subject=row.subject,
        lane=row.lane,
        rank=row.rank,
        channels=tuple(row.channels),
        state=DeliveryState.PENDING.value,
        reason=None,
        explanation={"channels": [f"{row.channel} failed: {row.channels[step]} is next"], "after": row.id},
        created_at=row.created_at,
        created_wall=wall,
        due_at=now,
        expires_at=row.expires_at,
        ended_at=None,
    )


def _say(work: UnitOfWork, entry: Settled) -> None:
    outcome = entry.outcome
    match entry.state:
        case DeliveryState.ACCEPTED:
            reference = None if outcome is None else outcome.reference
            publishing.accepted(work, entry.row, attempts=entry.attempts, reference=reference)
        case DeliveryState.DELIVERED | DeliveryState.READ:
            reference = None if outcome is None else outcome.reference
            publishing.delivered(work, entry.row, attempts=entry.attempts, reference=reference)
        case DeliveryState.FAILED | DeliveryState.UNKNOWN:
            word = entry.reason or ("unknown" if outcome is None else outcome.verdict.value)
            detail = None if outcome is None else outcome.detail
            publishing.failed(work, entry.row, attempts=entry.attempts, outcome=word, detail=detail)
        case DeliveryState.OBSOLETE:
            publishing.obsolete(work, entry.row, attempts=entry.attempts, reason=entry.reason or "step_over")
        case _:
            raise AssertionError(f"{entry.state} is no way to end here")
