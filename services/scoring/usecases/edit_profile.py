"""Editing a profile by hand: an edit is a fact like any other, and goes through the same door."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.scoring.domain.profile import COLUMNS, DETAILS
from services.scoring.store import customers
from services.scoring.usecases.apply_facts import EDITED
from services.scoring.usecases.door import pass_through
from shared.contracts import CloudEvent
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound, PreconditionFailed, PreconditionRequired
from shared.ids import new_id
from shared.web.etags import Precondition

TYPE: Final = "customer.profile.updated.v1"


@dataclass(frozen=True, slots=True)
class Edited:
    """The fact that the edit became, and the revision that the profile has with it."""

    customer_id: str
    event_id: str
    revision: int


async def change_profile(
    work: UnitOfWork, customer_id: str, fields: Mapping[str, Any], expected: Precondition | None
) -> Edited:
    """Tell these fields of a known customer; an absent field is unchanged, None clears it. Raises NotFound."""
    await work.lock([customer_id])
    if await customers.revision(work.raw, customer_id) is None:
        raise NotFound(f"there is no customer {customer_id!r}")
    return await _edit(work, customer_id, fields, expected)


async def put_profile(
    work: UnitOfWork, customer_id: str, fields: Mapping[str, Any], expected: Precondition | None
) -> Edited:
    """Tell the whole profile: fields that are absent are cleared. A customer who was never heard of is made."""
    await work.lock([customer_id])
    known = (await customers.profiles(work.raw, [customer_id])).get(customer_id)
    if known is None:
        return await _edit(work, customer_id, fields, expected)
    cleared = {name: None for name in (*COLUMNS, *DETAILS) if known.get(name) is not None}
    attributes = dict.fromkeys(known.details().get("attributes", {})) | dict(fields.get("attributes") or {})
    whole = {**cleared, **fields, **({"attributes": attributes} if attributes else {})}
    return await _edit(work, customer_id, whole, expected)


async def _edit(work: UnitOfWork, customer_id: str, fields: Mapping[str, Any], expected: Precondition | None) -> Edited:
    """The customer is locked: of two edits of one revision the second is refused, before either is applied."""
    current = await customers.revision(work.raw, customer_id)
    if current is None:
        if expected is not None:
            raise PreconditionFailed("nobody was ever told of this customer; send it without If-Match")
        revision = 1
    else:
        if expected is None:
            raise PreconditionRequired('send the ETag that you read as If-Match, for example If-Match: "7"')
        expected.check(current)
        revision = await customers.count_edit(work.raw, customer_id)
    event = CloudEvent(id=new_id(), source=EDITED, type=TYPE, subject=customer_id, time=work.now, data=dict(fields))
    await pass_through(work, [event])
    return Edited(customer_id, event.id, revision)
