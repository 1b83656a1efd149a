"""Writing down what became of tries: many at a time, each once, and only by whoever still holds the lease."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notify.domain.aftermath import Again, Ended, Tried, aftermath
from services.notify.domain.message import DeliveryState
from services.notify.domain.outcome import Outcome, Verdict
from services.notify.domain.urgency import PATIENCE, Urgency
from services.notify.store.endings import Attempt, Retry, mark_contact_points, postpone
from services.notify.store.queue import any_waiting, still_leased
from services.notify.store.rows import DeliveryRow, load_deliveries
from services.notify.usecases.settle import Settled, settle, write_attempts
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Tries:
    """A try that is over. `number` counts from 1; instants are real time. `jitter` in [0, 1) spreads retries."""

    row: DeliveryRow
    number: int
    lease: str | None
    contact_point: str | None
    outcome: Outcome
    started: datetime
    ended: datetime
    jitter: float
    idempotent: bool
    defect: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Whether deliveries wait for what was recorded (a free lane, a next channel), and the earliest real retry."""

    waiting: bool
    next_retry: datetime | None


async def record(work: UnitOfWork, tries: Sequence[Tries], *, wall: datetime, haste: float) -> Recorded:
    """Write tries and what follows from them. A try whose lease was lost leaves only its line in the attempts."""
    await work.lock({entry.row.subject for entry in tries})
    by_token: dict[str | None, list[Tries]] = {}
    for entry in tries:
        by_token.setdefault(entry.lease, []).append(entry)
    ours: list[Tries] = []
    for token, group in by_token.items():
        held = await still_leased(work.raw, [entry.row.id for entry in group], token, wall)
        ours.extend(entry for entry in group if entry.row.id in held)
    # Without a lease of its own it speaks for a sender that died: others may have done so at the same moment.
    known = {entry.row.id for entry in ours}
    await write_attempts(work, [_attempt(entry) for entry in tries if entry.lease or entry.row.id in known])
    await mark_contact_points(work.raw, _judged(ours), work.now)
    settled: list[Settled] = []
    retries: list[Retry] = []
    for entry in ours:
        follows = _aftermath(entry, work.now, wall, haste)
        match follows:
            case Again(at=at):
                retries.append(Retry(entry.row.id, at, entry.outcome.verdict.value, entry.outcome.detail))
            case Ended(state=state, fails_over=fails_over):
                settled.append(
                    Settled(
                        entry.row,
                        DeliveryState(state),
                        entry.number,
                        outcome=entry.outcome,
                        fails_over=fails_over,
                    )
                )
    await postpone(work.raw, retries)
    waiting = await settle(work, settled, wall=wall)
    freed = await any_waiting(work.raw, sorted({entry.row.lane for entry in ours}))
    return Recorded(waiting > 0 or freed, min((retry.at for retry in retries), default=None))


async def load_dead(work: UnitOfWork, ids: Sequence[str]) -> dict[str, DeliveryRow]:
    """Deliveries whose sender died, as they stand."""
    return await load_deliveries(work.raw, ids)


def died(row: DeliveryRow, *, wall: datetime, jitter: float, idempotent: bool) -> Tries:
    """What is known of a try whose sender died: nothing."""
    outcome = Outcome(Verdict.UNKNOWN, "the sender stopped before it could say what became of it")
    return Tries(row, row.attempts, None, row.contact_point, outcome, wall, wall, jitter, idempotent)


def _aftermath(entry: Tries, now: datetime, wall: datetime, haste: float) -> Again | Ended:
    row = entry.row
    tried = Tried(entry.number, row.step, row.channels, row.expires_at, entry.idempotent)
    patience = PATIENCE[Urgency(row.urgency)]
    return aftermath(tried, entry.outcome, patience, now=now, wall=wall, jitter=entry.jitter, haste=haste)


def _attempt(entry: Tries) -> Attempt:
    detail = entry.outcome.detail
    if entry.defect is not None:
        detail = f"{detail}; plain words were sent, for the template failed: {entry.defect}".removeprefix("; ")
    return Attempt(
        delivery_id=entry.row.id,
        number=entry.number,
        contact_point=entry.contact_point,
        started=entry.started,
        ended=entry.ended,
        outcome=entry.outcome.verdict.value,
        detail=detail[:1000],
        reference=entry.outcome.reference,
    )


def _judged(tries: Sequence[Tries]) -> dict[str, str | None]:
    judged: dict[str, str | None] = {}
    for entry in tries:
        if entry.contact_point is None:
            continue
        if entry.outcome.address_is_bad:
            judged[entry.contact_point] = entry.outcome.detail[:300]
        elif entry.outcome.succeeded:
            judged.setdefault(entry.contact_point, None)
    return judged
