"""A recipient takes notice: written once, told to crisis, and remembered at once so that later alarms do not leave."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.notify.domain.standing import Key
from services.notify.domain.tokens import read
from services.notify.publishing import About, acknowledged
from services.notify.store import acknowledgements
from services.notify.store.acknowledgements import Acknowledgement
from services.notify.store.directory import load_people
from services.notify.store.rows import DeliveryRow, load_deliveries
from services.notify.store.standings import acknowledge as remember_acknowledged
from services.notify.store.standings import load_standings
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Gone, NotFound, Unprocessable


class LinkUnknown(NotFound):
    """The link is not one of ours."""

    slug = "ack-link-unknown"
    zh = "该链接无效。"


class LinkExpired(Gone):
    """The link has expired."""

    slug = "ack-link-expired"
    zh = "该链接已过期。"


Standing = Literal["open", "acknowledged", "closed"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that waits for somebody's notice. `standing` is `acknowledged` once this person has given it.

    `goes_on_as` is the case that goes on where the message's own was merged: id and number.
    """

    row: DeliveryRow
    person: str
    locale: str
    standing: Standing
    given: Acknowledgement | None
    fresh: bool = False
    goes_on_as: tuple[str, str] | None = None


async def look_up(work: UnitOfWork, token: str, *, keys: tuple[bytes, ...], wall: datetime) -> Notice:
    """What a link stands for, changing nothing. Raises ForgedToken, LinkUnknown or LinkExpired."""
    said = read(token, keys)
    row = (await load_deliveries(work.raw, [said.delivery_id])).get(said.delivery_id)
    if row is None or row.person is None:
        raise LinkUnknown
    if wall >= said.expires_at:
        raise LinkExpired("ask for the message to be sent again, or acknowledge in the case itself")
    return await _notice(work, row, row.person)


async def acknowledge_by_link(work: UnitOfWork, token: str, *, keys: tuple[bytes, ...], wall: datetime) -> Notice:
    """Take the notice that a link gives: the first time only. Raises as `look_up`."""
    seen = await look_up(work, token, keys=keys, wall=wall)
    await work.lock([seen.row.subject])
    return await _acknowledge(work, seen.row, seen.person, means="link", wall=wall)


async def acknowledge_message(work: UnitOfWork, message_id: str, person: str, *, means: str, wall: datetime) -> Notice:
    """Take notice of a message in somebody's name. Raises NotFound, and Unprocessable for a person we do not know."""
    delivery_id = await acknowledgements.delivery_to(work.raw, message_id, person)
    delivery_id = delivery_id or await acknowledgements.any_delivery(work.raw, message_id)
    if delivery_id is None:
        raise NotFound(f"there is no message {message_id} that was sent to anybody")
    if not await load_people(work.raw, [person]):
        raise Unprocessable(f"there is no person {person} in the directory")
    row = (await load_deliveries(work.raw, [delivery_id]))[delivery_id]
    await work.lock([row.subject])
    return await _acknowledge(work, row, person, means=means, wall=wall)


async def _notice(work: UnitOfWork, row: DeliveryRow, person: str) -> Notice:
    given = await acknowledgements.find(work.raw, row.message_id, person)
    people = await load_people(work.raw, [person])
    key: Key = ("case", row.case_id or "")
    case = (await load_standings(work.raw, [key])).get(key)
    standing: Standing = "closed" if case is not None and case.ended else "open"
    if given is not None:
        standing = "acknowledged"
    locale = people[person].locale if person in people else "zh-CN"
    into = None if case is None or case.into_case_id is None else (case.into_case_id, case.into_number or "")
    return Notice(row, person, locale, standing, given, goes_on_as=into)


async def _acknowledge(work: UnitOfWork, row: DeliveryRow, person: str, *, means: str, wall: datetime) -> Notice:
    notice = await _notice(work, row, person)
    if notice.standing != "open":
        return notice
    given = Acknowledgement(person, means, work.now)
    delivery_id = row.id if row.person == person else None
    await acknowledgements.write(work.raw, row.message_id, delivery_id, given, wall)
    if means == "link":
        await acknowledgements.verify_contact_point(work.raw, row.id, work.now)
    if row.case_id is not None:
        await remember_acknowledged(work.raw, case_id=row.case_id, matter_id=row.matter_id, now=work.now)
    acknowledged(work, About.of_row(row), delivery_id=delivery_id, person=person, means=means)
    return replace(notice, standing="acknowledged", given=given, fresh=True)
