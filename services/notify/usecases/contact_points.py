"""Contact points: addresses of people and teams, checked before they are kept."""

from collections.abc import Mapping
from typing import Any

from services.notify.channels.mail_message import checked_address
from services.notify.channels.outbound import Allowance, checked_url
from services.notify.channels.port import InvalidAddress
from services.notify.channels.signature import new_secret
from services.notify.store.records import missing
from shared.contracts import FieldError
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound, Unprocessable
from shared.ids import new_id
from shared.web.etags import Precondition

Row = dict[str, Any]


class ContactPointExists(Conflict):
    """The person or team already has this address on this channel."""

    slug = "contact-point-exists"
    zh = "该人员或团队在此渠道上已有相同地址。"


def check_address(channel: str, address: str, allowance: Allowance) -> str:
    """The address as it is kept. Raises Unprocessable when it cannot be one of the channel."""
    try:
        return checked_address(address) if channel == "smtp" else checked_url(address, allowance)
    except InvalidAddress as error:
        raise Unprocessable(errors=[FieldError("/address", "address", f"must be {error}")]) from None


async def create(
    work: UnitOfWork, *, owner: str, channel: str, address: str, secret: bytes | None, position: int
) -> tuple[Row, bytes | None]:
    """Make a contact point; answers it and, for a webhook, the secret that signs its calls, shown this once."""
    kind, _, id_ = owner.partition(":")
    if await missing(work, kind, [id_]):
        raise Unprocessable(errors=[FieldError(f"/{kind}", "known", f"there is no {kind} {id_!r} in the directory")])
    signing = (secret or new_secret()) if channel == "webhook" else None
    row = await work.raw.fetchrow(
        """
        insert into contact_point (id, owner, channel, address, secret, position, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict on constraint contact_point_once do nothing returning *
        """,
        new_id(),
        owner,
        channel,
        address,
        signing,
        position,
        work.now,
    )
    if row is None:
        raise ContactPointExists
    return dict(row), signing


async def change(
    work: UnitOfWork, id_: str, fields: Mapping[str, Any], expected: Precondition, allowance: Allowance
) -> Row:
    """Change address, position or health. A new address is healthy until it proves otherwise."""
    row = await for_update(work, id_, expected)
    address = check_address(row["channel"], fields.get("address") or row["address"], allowance)
    healthy = fields.get("healthy")
    if healthy is None:
        healthy = row["healthy"] or address != row["address"]
    position = fields.get("position")
    changed = await work.raw.fetchrow(
        """
        update contact_point set address = $2, position = $3, healthy = $4,
            unhealthy_since = case when $4 then null else coalesce(unhealthy_since, $5) end,
            last_problem = case when $4 then null else coalesce(last_problem, 'marked by hand') end,
            revision = revision + 1, updated_at = $5
        where id = $1 returning *
        """,
        id_,
        address,
        row["position"] if position is None else position,
        healthy,
        work.now,
    )
    assert changed is not None
    return dict(changed)


async def rotate_secret(work: UnitOfWork, id_: str, expected: Precondition) -> tuple[Row, bytes]:
    """A new secret; the one before goes on signing beside it until the next rotation."""
    row = await for_update(work, id_, expected)
    if row["channel"] != "webhook":
        raise Conflict("only webhooks are signed with a secret")
    secret = new_secret()
    changed = await work.raw.fetchrow(
        """
        update contact_point set secret = $2, previous_secret = secret, revision = revision + 1, updated_at = $3
        where id = $1 returning *
        """,
        id_,
        secret,
        work.now,
    )
    assert changed is not None
    return dict(changed), secret


async def for_update(work: UnitOfWork, id_: str, expected: Precondition) -> Row:
    """The contact point, held; raises NotFound and PreconditionFailed."""
    row = await work.raw.fetchrow("select * from contact_point where id = $1 for update", id_)
    if row is None:
        raise NotFound
    expected.check(row["revision"])
    return dict(row)
