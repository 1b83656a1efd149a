"""The public door for facts: remembered once, put on the bus as they came; the consumer alone applies them.

Requests that come at the same time share a transaction: while one is being committed the next ones gather, so that a
durable answer costs a share of a commit instead of a whole one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.contracts import CloudEvent, encode
from shared.db.packing import pack, unpacked
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory

TOPIC: Final = "moat.facts.v1"
_MOST: Final = 2000
# A fact that came on Kafka never passed here, yet it is known.
_REMEMBER: Final = f"""
insert into door (source, event_id, received_at)
select came.source, came.event_id, $3 from unnest({unpacked("$1")}, {unpacked("$2")}) as came (source, event_id)
where not exists (select from fact where fact.source = came.source and fact.event_id = came.event_id)
on conflict do nothing returning source, event_id
"""  # noqa: S608 - constants of ours


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of one request's facts."""

    accepted: int
    duplicates: int


class Door:
    """Lets facts in. Answers when they are durable; raises what the transaction raised."""

    def __init__(self, uow: UnitOfWorkFactory) -> None:
        self._uow = uow
        self._waiting: list[tuple[Sequence[CloudEvent], asyncio.Future[Passed]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def let_in(self, events: Sequence[CloudEvent]) -> Passed:
        """Accept those that were never seen; valid facts only."""
        answer: asyncio.Future[Passed] = asyncio.get_running_loop().create_future()
        self._waiting.append((events, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await answer

    async def _write(self) -> None:
        while self._waiting:
            group = self._next_group()
            try:
                passed = await self._commit([events for events, _ in group])
            except BaseException as error:
                for _, answer in group:
                    if not answer.done():
                        answer.set_exception(error if isinstance(error, Exception) else ConnectionError("stopping"))
                if not isinstance(error, Exception):
                    raise
            else:
                for (_, answer), result in zip(group, passed, strict=True):
                    if not answer.done():
                        answer.set_result(result)

    def _next_group(self) -> list[tuple[Sequence[CloudEvent], asyncio.Future[Passed]]]:
        size = 0
        for count, (events, _) in enumerate(self._waiting):
            size += len(events)
            if size > _MOST and count > 0:
                group, self._waiting = self._waiting[:count], self._waiting[count:]
                return group
        group, self._waiting = self._waiting, []
        return group

    async def _commit(self, requests: Sequence[Sequence[CloudEvent]]) -> list[Passed]:
        async with self._uow() as work:
            fresh = await pass_through(work, [event for events in requests for event in events])
            passed, position = [], 0
            for events in requests:
                accepted = sum(fresh[position : position + len(events)])
                passed.append(Passed(accepted, len(events) - accepted))
                position += len(events)
            return passed


async def pass_through(work: UnitOfWork, events: Sequence[CloudEvent]) -> list[bool]:
    """Put those facts on the bus, with this transaction, that were never seen; answers for each whether it was one."""
    pairs = sorted({(event.source, event.id) for event in events})
    rows = await work.raw.fetch(_REMEMBER, pack(source for source, _ in pairs), pack(id_ for _, id_ in pairs), work.now)
    fresh = {(row[0], row[1]) for row in rows}
    answers: list[bool] = []
    for event in events:
        identity = (event.source, event.id)
        answers.append(identity in fresh)
        if identity in fresh:
            fresh.discard(identity)
            key, value, headers = encode(event)
            work.outbox.add_record(TOPIC, key=key, value=value, headers=headers, kind=event.type)
    return answers


async def forget_door(work: UnitOfWork, *, limit: int = 10_000) -> int:
    """Delete up to `limit` rows of facts that have been applied: the fact itself answers `duplicate` from then on."""
    status = await work.raw.execute(
        "delete from door where ctid = any(array(select d.ctid from door d"
        " where exists (select from fact f where f.source = d.source and f.event_id = d.event_id)"
        " order by d.received_at limit $1))",
        limit,
    )
    return int(status.rsplit(" ", 1)[1])
