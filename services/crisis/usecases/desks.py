"""What a customer's past says to a new case: cases that are over, and events that rules count; of all his ids."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.crisis.domain.intake import ClosedCase, Desk, windows
from services.crisis.domain.rules import Rule, Trigger
from services.crisis.store.aliases import kin_of
from shared.db.unit_of_work import UnitOfWork

_YEAR: Final = timedelta(days=365)
_PAST: Final = """
with asked as (
    select wanted.id, coalesce(a.into_id, wanted.id) as root
    from unnest($1::text[]) as wanted (id) left join customer_alias a on a.id = wanted.id
), known as (
    select id, id as alias from asked union select id, root from asked
    union select asked.id, k.id from asked join customer_alias k on k.into_id = asked.root
)
select known.id as customer_id, count(*) filter (where c.opened_at > $2) as lately,
       (array_agg(c.id order by c.closed_at desc nulls last))[1] as last_id, max(c.closed_at) as last_closed_at
from known join crisis_case c on c.customer_id = known.alias
where c.status = 'closed' and not c.drill group by known.id
"""


async def add_past(work: UnitOfWork, desks: Iterable[Desk]) -> None:
    """Cases of the year before, and the last one that is over, for customers who have none open."""
    by_customer = {desk.customer.id: desk for desk in desks if desk.file is None}
    if not by_customer:
        return
    for row in await work.raw.fetch(_PAST, list(by_customer), work.now - _YEAR):
        desk = by_customer[row["customer_id"]]
        desk.earlier_cases = row["lately"]
        if row["last_closed_at"] is not None:
            desk.last_closed = ClosedCase(row["last_id"], row["last_closed_at"])


async def add_seen(
    work: UnitOfWork, triggers: Sequence[Trigger], desks: Mapping[str, Desk], rules: Sequence[Rule]
) -> None:
    """Instants of earlier events, where a rule counts them."""
    spans = windows(rules)
    counted = [one for one in triggers if one.type in spans]
    if not counted:
        return
    oldest: datetime = min(one.at for one in counted) - timedelta(seconds=max(spans.values()))
    ids = {one.customer_id for one in counted}
    kin = await kin_of(work.raw, ids)
    desks_of: dict[str, list[Desk]] = {}
    for id_ in ids:
        for alias in {id_, *kin.get(id_, ())}:
            desks_of.setdefault(alias, []).append(desks[id_])
    rows = await work.raw.fetch(
        "select customer_id, type, at from trigger_event"
        " where customer_id = any($1::text[]) and at > $2 and type = any($3::text[])",
        list(desks_of),
        oldest,
        list(spans),
    )
    for row in rows:
        for desk in desks_of[row["customer_id"]]:
            desk.seen.setdefault(row["type"], []).append(row["at"])
