"""What is told of a complaint before the complaint itself: kept, and put to its matter once that is there."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from services.crisis.domain.amending import AMENDABLE, NO_OPEN_MATTER, Amendment, amend
from services.crisis.domain.books import Books
from services.crisis.domain.casefile import Tools
from services.crisis.domain.intake import Desk, Taken
from services.crisis.domain.rules import Trigger
from services.crisis.store.aliases import kin_of
from services.crisis.store.rows import read, text_of
from services.crisis.store.tables import EARLY_AMENDMENT
from services.crisis.store.triggers import trigger_json, trigger_of
from shared.db.unit_of_work import UnitOfWork

UNKNOWN_COMPLAINT: Final = "complaint_unknown"
"""Why such an event is muted for now."""
_COMPLAINT: Final = "customer.complaint.received.v1"
_KEPT: Final = """
select wanted.customer as asked, e.* from unnest($1::text[], $2::text[]) as wanted (customer, complaint)
join early_amendment e on e.complaint_id = wanted.complaint
left join customer_alias mine on mine.id = wanted.customer left join customer_alias its on its.id = e.customer_id
where coalesce(mine.into_id, wanted.customer) = coalesce(its.into_id, e.customer_id)
"""
_HEARD: Final = """
with done as (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
              as n (source, event_id, customer_id, case_id, matter_id)),
gone as (delete from early_amendment e using done where (e.source, e.event_id) = (done.source, done.event_id))
update trigger_event t set outcome = 'amended', reason = null, customer_id = done.customer_id,
    case_id = done.case_id, matter_id = done.matter_id
from done where (t.source, t.event_id) = (done.source, done.event_id)
"""

_Key = tuple[str, str]
"""Customer and complaint."""


class EarlyAmendments:
    """Amendments that found no matter: those kept by earlier transactions (`stored`), and those of this one."""

    def __init__(self, stored: Mapping[_Key, Iterable[Amendment]]) -> None:
        self._waiting: dict[_Key, list[Amendment]] = defaultdict(list)
        for key, amendments in stored.items():
            self._waiting[key] += amendments
        self._stored = {_id(one.trigger) for known in self._waiting.values() for one in known}
        self._heard: list[Taken] = []

    @property
    def customers(self) -> set[str]:
        """Whose clocks they may end or begin."""
        return {customer for customer, _ in self._waiting}

    def keep(self, amendment: Amendment) -> None:
        """Let one of this transaction wait."""
        self._waiting[amendment.trigger.customer_id, amendment.complaint_id].append(amendment)

    def put(self, desk: Desk, complaint: Trigger, *, books: Books, tools: Tools) -> list[Taken]:
        """Change the matter of a complaint that came just now, in order of time.

        Answers what became of those of this transaction; of the others `save` takes care.
        """
        if complaint.type != _COMPLAINT:
            return []
        key = (complaint.customer_id, _complaint_of(complaint))
        known = sorted(self._waiting.pop(key, ()), key=lambda one: one.trigger.at)
        taken = [(one, amend(desk, one, books=books, tools=tools)) for one in known]
        self._waiting[key] += [one for one, what in taken if what.reason == NO_OPEN_MATTER]
        heard = [what for _, what in taken if what.reason != NO_OPEN_MATTER]
        self._heard += [what for what in heard if _id(what.trigger) in self._stored]
        return [what for what in heard if _id(what.trigger) not in self._stored]

    async def save(self, work: UnitOfWork) -> list[Taken]:
        """Write down what became of stored ones, and keep those of this transaction whose complaint nobody knows.

        Answers what became of all of those that still found no matter.
        """
        if self._heard:
            rows = [(*_id(t.trigger), t.trigger.customer_id, t.case_id, t.matter_id) for t in self._heard]
            await work.raw.execute(_HEARD, *map(list, zip(*rows, strict=True)))
        fresh = [one for known in self._waiting.values() for one in known if _id(one.trigger) not in self._stored]
        known = await _known(work, fresh)
        early = [one for one in fresh if (one.trigger.customer_id, one.complaint_id) not in known]
        await EARLY_AMENDMENT.insert(work.raw, [_row(one) for one in early])
        reasons = {_id(one.trigger): UNKNOWN_COMPLAINT for one in early}
        return [Taken(o.trigger, "muted", reason=reasons.get(_id(o.trigger), NO_OPEN_MATTER)) for o in fresh]


async def load_early(work: UnitOfWork, news: Iterable[Trigger | Amendment]) -> EarlyAmendments:
    """What is kept about the complaints among this news."""
    keys = {(t.customer_id, _complaint_of(t)) for t in news if isinstance(t, Trigger) and t.type == _COMPLAINT}
    found: dict[_Key, list[Amendment]] = defaultdict(list)
    if keys:
        for row in await work.raw.fetch(_KEPT, [customer for customer, _ in keys], [one for _, one in keys]):
            trigger = trigger_of({**read(row["event"]), "customer_id": row["asked"]})
            amendment = Amendment(row["kind"], trigger, row["complaint_id"], read(row["changes"]), row["reason"])
            found[row["asked"], row["complaint_id"]].append(amendment)
    return EarlyAmendments(found)


async def _known(work: UnitOfWork, amendments: Collection[Amendment]) -> set[_Key]:
    """Complaints of which there is or was a matter, under whichever id of the customer."""
    if not amendments:
        return set()
    asked = {one.trigger.customer_id for one in amendments}
    kin = await kin_of(work.raw, asked)
    rows = await work.raw.fetch(
        "select customer_id, reference from matter"
        " where type = 'complaint' and customer_id = any($1::text[]) and reference = any($2::text[])",
        list({*asked, *(one for group in kin.values() for one in group)}),
        [one.complaint_id for one in amendments],
    )
    stood = {(row["customer_id"], row["reference"]) for row in rows}
    return {
        (id_, one.complaint_id)
        for one in amendments
        for id_ in [one.trigger.customer_id]
        if any((alias, one.complaint_id) in stood for alias in {id_, *kin.get(id_, ())})
    }


def _row(one: Amendment) -> tuple[object, ...]:
    trigger = one.trigger
    changes = {name: value for name, value in one.changes.items() if name in AMENDABLE}
    kept = (text_of(trigger_json(trigger)), text_of(changes))
    return (*_id(trigger), trigger.customer_id, one.complaint_id, one.kind, *kept, one.reason, trigger.at)


def _id(trigger: Trigger) -> tuple[str, str]:
    return trigger.source, trigger.event_id


def _complaint_of(trigger: Trigger) -> str:
    return str(trigger.fields.get("complaint_id"))
