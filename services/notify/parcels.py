"""What a channel is handed: the words filled in for one reader, the link to acknowledge, facts for machines."""

from datetime import datetime, timedelta
from typing import Final

from services.notify.channels.port import Parcel
from services.notify.domain.tokens import sign
from services.notify.rendering import render_or_fall_back
from services.notify.usecases.claim import Outgoing
from shared.contracts import format_instant

_FACTS: Final = (
    "customer_id",
    "customer_name",
    "case_id",
    "case_number",
    "matter_id",
    "severity",
    "service_class",
    "event_id",
    "event_type",
    "occurred_at",
    "level",
    "role",
    "reason",
    "target",
    "due_at",
    "audience",
)
_TEAM_LOCALE: Final = "zh-CN"
_TEAM_ZONE: Final = "Asia/Shanghai"


def parcel_of(outgoing: Outgoing, *, public_url: str, ack_days: int, key: bytes, wall: datetime) -> Parcel:
    """The parcel of a delivery. The link, signed with `key`, is good for `ack_days` from real time `wall`."""
    row, person = outgoing.row, outgoing.person
    variables = {**row.variables, "recipient_name": None if person is None else person.name}
    ack_url = None
    if row.asks_acknowledgement and person is not None:
        expires_at = wall.replace(microsecond=0) + timedelta(days=ack_days)
        ack_url = f"{public_url}/v1/acks/{sign(row.id, expires_at, key)}"
        variables.update(ack_url=ack_url, ack_expires_at=format_instant(expires_at))
    content = render_or_fall_back(
        outgoing.template,
        variables,
        channel=row.channel,
        locale=_TEAM_LOCALE if person is None else person.locale,
        zone=_TEAM_ZONE if person is None else person.zone,
    )
    return Parcel(
        id=row.id,
        message_id=row.message_id,
        address=outgoing.point.address,
        content=content,
        urgency=row.urgency,
        ack_url=ack_url,
        secrets=outgoing.secrets,
        facts={name: row.variables.get(name) for name in _FACTS},
    )
