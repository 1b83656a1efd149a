"""The public door for facts: remembered once, put on the bus as they came; the consumer alone applies them.

Requests that come at the same time share a transaction: while one is being committed the next ones gather, so that a
durable answer costs a share of a commit instead of a whole one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts import CloudEvent, encode
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory

TOPIC = "moat.facts.v1"
_MOST = 2000
_REMEMBER = """
insert into door (source, event_id, received_at)
select source, event_id, $3 from unnest($1::text[], $2::text[]) as came (source, event_id)
on conflict do nothing returning source, event_id
"""


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
            except BaseException as error:  # noqa: BLE001 - every caller is told what happened to the shared transaction
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
            fresh = await _remember(work, [event for events in requests for event in events])
            passed = []
            for events in requests:
                accepted = 0
                for event in events:
                    if (event.source, event.id) in fresh:
                        fresh.discard((event.source, event.id))
                        accepted += 1
                        key, value, headers = encode(event)
                        work.outbox.add_record(TOPIC, key=key, value=value, headers=headers, kind=event.type)
                passed.append(Passed(accepted, len(events) - accepted))
            return passed


async def _remember(work: UnitOfWork, events: Sequence[CloudEvent]) -> set[tuple[str, str]]:
    pairs = sorted({(event.source, event.id) for event in events})
    rows = await work.raw.fetch(_REMEMBER, [source for source, _ in pairs], [id_ for _, id_ in pairs], work.now)
    return {(row["source"], row["event_id"]) for row in rows}
