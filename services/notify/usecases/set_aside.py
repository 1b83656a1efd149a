"""A delivery that our own code cannot handle is set aside, so that it stops nobody else; in the end it is given up."""

from datetime import datetime
from typing import Final

from services.notify.publishing import About, undeliverable
from services.notify.store.endings import refresh_messages
from shared.db.unit_of_work import UnitOfWork

_MOST: Final = 5
_PAUSE: Final = 2.0
_SET_ASIDE: Final = """
update delivery set attempts = attempts + 1, last_outcome = 'unknown', last_detail = $2, lease = null,
    lease_wall = null,
    retry_wall = $3::timestamptz + make_interval(secs => $4::double precision * power(2, attempts)),
    state = case when attempts + 1 >= $5::integer then 'failed' else 'pending' end,
    reason = case when attempts + 1 >= $5::integer then 'broken' else reason end,
    ended_at = case when attempts + 1 >= $5::integer then $6::timestamptz end,
    ended_wall = case when attempts + 1 >= $5::integer then $3::timestamptz end
where id = $1 and state in ('pending', 'sending') returning message_id, state
"""
_ABOUT: Final = """
select subject, id, event_id, event_type, customer_id, case_id, matter_id, audience, urgency, template
from message where id = $1
"""


async def set_aside(
    work: UnitOfWork, delivery_id: str, subject: str, error: Exception, *, wall: datetime, haste: float
) -> bool:
    """Let a delivery wait, or give it up after a few times and tell crisis; answers whether it was given up."""
    await work.lock([subject])
    detail = f"{type(error).__name__}: {str(error)[:300]}"
    row = await work.raw.fetchrow(_SET_ASIDE, delivery_id, detail, wall, _PAUSE / haste, _MOST, work.now)
    if row is None or row["state"] != "failed":
        return False
    for message_id in await refresh_messages(work.raw, [row["message_id"]], work.now):
        told = await work.raw.fetchrow(_ABOUT, message_id)
        assert told is not None
        undeliverable(work, About(*told), reason="all_failed", routes=())
    return True
