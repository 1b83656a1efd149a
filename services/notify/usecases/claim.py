"""Taking deliveries to be sent: lanes in order, nothing that is no longer true, and a contact point as of now."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from services.notify.domain.aftermath import EXPIRED
from services.notify.domain.directory import ContactPoint, Person
from services.notify.domain.lanes import choose
from services.notify.domain.masking import mask_address
from services.notify.domain.message import DeliveryState
from services.notify.domain.planning import NO_CONTACT_POINT, choose_contact_point
from services.notify.domain.standing import SUPERSEDED, Check, Key, Standing, first_obsolete, still_true
from services.notify.kinds import Books
from services.notify.rendering import TemplateDocument
from services.notify.store.directory import load_contact_points, load_people, load_secrets
from services.notify.store.queue import Taken, due, lease, waiting_in
from services.notify.store.rows import DeliveryRow, load_deliveries
from services.notify.store.standings import load_standings
from services.notify.usecases.settle import Settled, settle
from shared.db.unit_of_work import UnitOfWork

DEPARTED = "departed"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery that is ours to send until the lease ends, with all that sending needs."""

    row: DeliveryRow
    attempt: int
    lease: str
    point: ContactPoint
    secrets: tuple[bytes, ...] = field(repr=False)
    person: Person | None
    template: TemplateDocument | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim took, and whether looking again at once may find more."""

    outgoing: tuple[Outgoing, ...]
    more: bool


async def claim(
    work: UnitOfWork,
    books: Books,
    *,
    limit: int,
    token: str,
    wall: datetime,
    lease_for: timedelta,
    only: Sequence[str] | None = None,
) -> Claimed:
    """Take up to `limit` due deliveries, one per lane; those that are obsolete, expired or without address end here."""
    candidates = await due(work.raw, work.now, wall, limit, only=only)
    if not candidates:
        return Claimed((), more=False)
    locked = await work.lock({candidate.subject for candidate in candidates}, skip_locked=True)
    lanes = sorted({candidate.lane for candidate in candidates if candidate.subject in locked})
    if not lanes:
        return Claimed((), more=True)
    choice = choose(await waiting_in(work.raw, lanes, work.now, wall))
    successors = dict(choice.superseded)
    rows = await load_deliveries(work.raw, [*choice.send, *successors])
    ended = [_superseded(rows[id_], successor) for id_, successor in successors.items()]
    ready, not_true = await _still_true(work, [rows[id_] for id_ in choice.send])
    outgoing, unreachable = await _address(work, books, ready, token)
    waiting = await settle(work, [*ended, *not_true, *unreachable], wall=wall)
    if outgoing:
        await lease(work.raw, [_taken(entry, ready) for entry in outgoing], token=token, until=wall + lease_for)
    passed_over = len(locked) < len({candidate.subject for candidate in candidates})
    return Claimed(tuple(outgoing), more=waiting > 0 or passed_over or len(candidates) >= limit)


def _superseded(row: DeliveryRow, successor: str) -> Settled:
    return Settled(row, DeliveryState.OBSOLETE, row.attempts, reason=SUPERSEDED, superseded_by=successor)


Ready = dict[str, tuple[DeliveryRow, tuple[Check, ...]]]


async def _still_true(work: UnitOfWork, rows: Sequence[DeliveryRow]) -> tuple[Ready, list[Settled]]:
    """Those that may be sent, with the checks made, and the others."""
    keys: list[Key] = [key for row in rows for key in row.basis.hangs_on()]
    standings: Mapping[Key, Standing] = await load_standings(work.raw, keys) if keys else {}
    ready: Ready = {}
    ended: list[Settled] = []
    for row in rows:
        checks = still_true(row.basis, standings)
        reason = first_obsolete(checks)
        if reason is not None:
            ended.append(Settled(row, DeliveryState.OBSOLETE, row.attempts, reason=reason))
        elif work.now > row.expires_at:
            ended.append(Settled(row, DeliveryState.FAILED, row.attempts, reason=EXPIRED))
        else:
            ready[row.id] = (row, checks)
    return ready, ended


async def _address(work: UnitOfWork, books: Books, ready: Ready, token: str) -> tuple[list[Outgoing], list[Settled]]:
    """Find today's contact point of each recipient: never one from when the message was made."""
    rows = [row for row, _ in ready.values()]
    if not rows:
        return [], []
    people = await load_people(work.raw, {row.person for row in rows if row.person is not None})
    points = await load_contact_points(work.raw, {row.recipient for row in rows})
    secrets = await load_secrets(work.raw, {row.recipient for row in rows if row.channel != "smtp"})
    outgoing: list[Outgoing] = []
    ended: list[Settled] = []
    for row in rows:
        person = people.get(row.person) if row.person is not None else None
        if row.person is not None and (person is None or not person.active):
            ended.append(Settled(row, DeliveryState.FAILED, row.attempts, reason=DEPARTED))
            continue
        point = choose_contact_point(points.get(row.recipient, ()), row.channel)
        if point is None:
            onward = row.step + 1 < len(row.channels)
            ended.append(Settled(row, DeliveryState.FAILED, row.attempts, reason=NO_CONTACT_POINT, fails_over=onward))
            continue
        template = None
        if row.template_version is not None:
            template = await books.templates.pinned(work.raw, row.template, row.template_version)
        outgoing.append(Outgoing(row, row.attempts + 1, token, point, secrets.get(point.id, ()), person, template))
    return outgoing, ended


def _taken(entry: Outgoing, ready: Ready) -> Taken:
    _, checks = ready[entry.row.id]
    masked = mask_address(entry.row.channel, entry.point.address)
    return Taken(entry.row.id, entry.point.id, masked, [asdict(check) for check in checks])
