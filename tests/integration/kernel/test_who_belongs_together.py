"""Subjects that turn out to belong together at the very moment in which one of them is about to be locked."""

import asyncio

import pytest

from shared.bus.handling import ConsumerSpec, Handling
from shared.bus.parking import park
from shared.db.database import Overtaken, raw_connection
from shared.observability.metrics import ConsumerMetrics
from tests.support.kernel import FACTS, a_consumer, a_fact, record_effect, running, until


async def kin(work, subjects):
    """Whom the table `kin` names for these."""
    rows = await work.raw.fetch("select other from kin where id = any($1::text[])", list(subjects))
    return [row["other"] for row in rows]


@pytest.fixture(autouse=True)
async def _table(kernel):
    async with kernel.database.begin() as connection:
        await connection.exec_driver_sql("create table kin (id text, other text)")


async def test_who_turns_out_to_belong_to_a_subject_while_its_lock_is_waited_for_is_locked_with_it(kernel):
    free = []

    async def look(work, deliveries):
        async with kernel.uow() as other:
            free.append(await other.lock(["C-1", "C-2"], skip_locked=True))
        await record_effect(work, deliveries)

    await kernel.publish_facts(a_fact("C-1", id="told"))
    async with running(a_consumer(kernel, look, follow=kin).run):
        async with kernel.uow() as merging:
            await merging.lock(["C-1", "C-2"])
            await _belong_together(merging, "C-1", "C-2")
            await until(lambda: _waits_for(merging, kernel))
        await until(lambda: _count(kernel, 1))

    assert free == [frozenset()]


async def test_who_waits_for_those_that_turned_out_to_belong_together_holds_none_of_them_meanwhile(kernel):
    """The new one comes first in order: to wait for it with the old one in hand could close a circle."""
    await kernel.publish_facts(a_fact("C-1", id="told"))
    async with running(a_consumer(kernel, follow=kin).run):
        async with kernel.uow() as other:
            await other.lock(["A-0"])
            async with kernel.uow() as merging:
                await merging.lock(["C-1"])
                await _belong_together(merging, "C-1", "A-0")
                await until(lambda: _waits_for(merging, kernel))
            await until(lambda: _waits_for(other, kernel))
            assert await other.lock(["C-1"], skip_locked=True) == {"C-1"}
        await until(lambda: _count(kernel, 1))


async def test_a_release_waits_for_those_who_belong_to_its_key_before_it_holds_the_key(kernel):
    handling = await _with_a_parked_event(kernel)
    async with kernel.uow() as other:
        await _belong_together(other, "C-1", "A-0")
    async with kernel.uow() as other:
        await other.lock(["A-0"])
        release = asyncio.create_task(handling.release_first("C-1"))
        await until(lambda: _waits_for(other, kernel))
        assert await other.lock(["C-1"], skip_locked=True) == {"C-1"}

    assert await release
    assert await kernel.effects() == ["parked"]


async def test_a_release_that_another_replica_was_faster_with_does_nothing(kernel):
    handling = await _with_a_parked_event(kernel)
    async with kernel.uow() as other:
        await other.lock(["C-1"])
        release = asyncio.create_task(handling.release_first("C-1"))
        await until(lambda: _waits_for(other, kernel))
        await other.raw.execute("delete from parked")

    with pytest.raises(Overtaken):
        await release
    assert await kernel.effects() == []


async def _with_a_parked_event(kernel):
    await kernel.publish_facts(a_fact("C-1", id="parked"))
    (record,) = await kernel.records(FACTS)
    async with kernel.uow() as work:
        await work.lock(["C-1"])
        await park(work.raw, "tests", "C-1", record, "a test", work.now)
    spec = ConsumerSpec(group="tests", topics=(FACTS,), handle=record_effect, follow=kin)
    return Handling(kernel.uow, spec, ConsumerMetrics("tests"))


async def _belong_together(work, one, other):
    await work.raw.execute("insert into kin (id, other) values ($1, $2)", one, other)


async def _waits_for(holder, kernel):
    """Whether a session waits for a lock of this unit of work."""
    async with kernel.database.begin() as connection:
        raw = await raw_connection(connection)
        pid = await holder.raw.fetchval("select pg_backend_pid()")
        return await raw.fetchval(
            "select exists (select from pg_stat_activity where $1::int = any(pg_blocking_pids(pid)))", pid
        )


async def _count(kernel, effects):
    return await kernel.count("effect") == effects
