"""Events of crisis become what notify knows of cases, and intents to tell people: in one transaction, set-based."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from services.notify.domain.happening import Fact, Happening
from services.notify.domain.message import DeliveryState, MessageState, message_state
from services.notify.domain.planning import (
    ALREADY_TOLD,
    MUST_REACH,
    NO_CONTACT_POINT,
    Plan,
    PlannedDelivery,
    PlannedMessage,
    plan,
)
from services.notify.domain.routes import in_order
from services.notify.domain.standing import Standing
from services.notify.domain.urgency import PATIENCE
from services.notify.domain.variables import variables_of
from services.notify.kinds import Books
from services.notify.names import SENDER
from services.notify.publishing import About, suppressed, undeliverable
from services.notify.store.directory import load_directory
from services.notify.store.intents import NewDelivery, NewMessage, write_intents
from services.notify.store.standings import remember
from shared.contracts import format_instant
from shared.db.unit_of_work import UnitOfWork
from shared.ids import new_id


async def tell(
    work: UnitOfWork, happenings: Sequence[Happening], told: Sequence[Standing], *, books: Books, wall: datetime
) -> None:
    """Keep what the events say and write what follows from them."""
    await remember(work.raw, told, work.now)
    routes = in_order((await books.routes.active(work.raw)).values())
    routed = {type_ for route in routes for type_ in route.event_types}
    concerned = [happening for happening in happenings if happening.type in routed | MUST_REACH]
    if not concerned:
        return
    directory = await load_directory(work.raw, concerned, routes)
    versions = {key: template.version for key, template in (await books.templates.active(work.raw)).items()}
    plans = [plan(happening, routes, directory, work.now) for happening in concerned]
    await write_plans(work, plans, versions, wall=wall)


async def write_plans(
    work: UnitOfWork, plans: Sequence[Plan], template_versions: dict[str, int], *, wall: datetime
) -> None:
    """Write the messages and deliveries of `plans` and say what was never to be sent."""
    messages: list[NewMessage] = []
    deliveries: dict[str, list[NewDelivery]] = {}
    for planned in plans:
        for message in planned.messages:
            id_ = new_id()
            mine = [_delivery(planned.happening, message, d, id_, work.now, wall) for d in message.deliveries]
            deliveries[id_] = mine
            version = template_versions.get(message.tell.template)
            messages.append(_message(planned, message, id_, mine, version, work.now, wall))
    written = await write_intents(work.raw, messages, list(chain.from_iterable(deliveries.values())))
    for new in messages:
        if new.id in written:
            _say_what_never_leaves(work, new, deliveries[new.id])
    if any(delivery.state == DeliveryState.PENDING for id_ in written for delivery in deliveries[id_]):
        work.touch(SENDER)


def _message(
    planned: Plan,
    message: PlannedMessage,
    id_: str,
    deliveries: Sequence[NewDelivery],
    template_version: int | None,
    now: datetime,
    wall: datetime,
) -> NewMessage:
    happening, said = planned.happening, message.tell
    state = message_state([delivery.state for delivery in deliveries])
    return NewMessage(
        id=id_,
        event_id=happening.event_id,
        event_type=happening.type,
        rule=message.rule,
        route=message.route,
        route_version=message.route_version,
        subject=happening.subject,
        customer_id=happening.customer_id,
        case_id=happening.case_id,
        matter_id=happening.matter_id,
        clock_id=happening.text("clock_id"),
        escalation_id=happening.text("escalation_id"),
        escalation_step=happening.whole("step") or happening.whole("level"),
        audience=message.audience[:64],
        urgency=said.urgency.value,
        template=said.template,
        template_version=template_version,
        asks_acknowledgement=said.acknowledge,
        conditions=sorted(condition.value for condition in said.conditions),
        variables=_variables(happening, message, id_),
        explanation=_explanation(planned, message),
        state=state.value,
        reason=message.unreachable if state is MessageState.UNDELIVERABLE else None,
        happened_at=happening.at,
        created_at=now,
        created_wall=wall,
        ended_at=None if state is MessageState.PENDING else now,
    )


def _variables(happening: Happening, message: PlannedMessage, id_: str) -> dict[str, Fact]:
    return {
        **variables_of(happening),
        "event_id": happening.event_id,
        "event_type": happening.type,
        "occurred_at": format_instant(happening.at),
        "audience": message.audience,
        "urgency": message.tell.urgency.value,
        "message_id": id_,
    }


def _explanation(planned: Plan, message: PlannedMessage) -> dict[str, Any]:
    """Which routes for this type of event were tried, and how the audience was found."""
    return {
        "routes": [
            {"route": v.route.key, "version": v.route.version, "matched": v.matched, "because": v.because}
            for v in planned.routing.verdicts
            if planned.happening.type in v.route.event_types
        ],
        "audience": list(message.steps),
    }


def _delivery(
    happening: Happening,
    message: PlannedMessage,
    planned: PlannedDelivery,
    message_id: str,
    now: datetime,
    wall: datetime,
) -> NewDelivery:
    state, reason = DeliveryState.PENDING, None
    if planned.suppressed_because is not None:
        state, reason = DeliveryState.SUPPRESSED, ALREADY_TOLD
    elif not planned.channels:
        state, reason = DeliveryState.FAILED, NO_CONTACT_POINT
    why = list(planned.why_channels)
    if planned.suppressed_because is not None:
        why.append(planned.suppressed_because)
    about = happening.case_id or happening.subject
    return NewDelivery(
        id=new_id(),
        message_id=message_id,
        event_id=happening.event_id,
        rule=message.rule,
        recipient=planned.recipient,
        channel=planned.first_channel,
        step=0,
        person=planned.person,
        subject=happening.subject,
        lane=f"{planned.recipient}|{about}",
        rank=message.tell.urgency.rank,
        channels=planned.channels,
        state=state.value,
        reason=reason,
        explanation={"channels": why},
        created_at=now,
        created_wall=wall,
        due_at=now,
        expires_at=now + PATIENCE[message.tell.urgency].max_age,
        ended_at=None if state is DeliveryState.PENDING else now,
    )


def _say_what_never_leaves(work: UnitOfWork, message: NewMessage, deliveries: Sequence[NewDelivery]) -> None:
    about = About.of_new(message)
    for delivery in deliveries:
        if delivery.state == DeliveryState.SUPPRESSED:
            suppressed(
                work,
                about,
                delivery_id=delivery.id,
                person=delivery.person,
                channel=delivery.channel,
                step=delivery.step,
                rule=delivery.reason or ALREADY_TOLD,
                reason=delivery.explanation["channels"][-1],
            )
    if message.state == MessageState.UNDELIVERABLE:
        undeliverable(work, about, reason=message.reason or NO_CONTACT_POINT, routes=())
