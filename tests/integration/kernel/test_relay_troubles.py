"""What the relay meets: rows the bus will not take, other replicas, a session that dies, a bus that fails half-way."""

import asyncio
from datetime import timedelta

import pytest

from shared.bus.callorder import CallOrder
from shared.bus.carrier import Carrier
from shared.bus.port import BusUnavailable, Record, TopicSpec
from shared.bus.relay import Relay
from shared.bus.shards import CHANNEL, Shards
from shared.contracts import decode
from tests.support.kernel import FACTS, a_fact, running, until

HUGE = b"x" * 1_000_001


async def test_a_row_that_is_too_large_is_left_behind_and_the_others_keep_their_order(kernel):
    async with kernel.uow() as work:
        for number in range(20):
            value = HUGE if number == 9 else b"%d" % number
            work.outbox.add_record(FACTS, key=b"k", value=value, headers=(), kind="test")

    async with running(kernel.relay.run):
        await until(lambda: _sent(kernel, 19))
        async with kernel.uow() as work:
            work.outbox.add_record(FACTS, key=b"k", value=b"20", headers=(), kind="test")
        await until(lambda: _sent(kernel, 20))
        await until(lambda: _waiting(kernel, 1))  # what was sent goes from the table a moment later

    values = [int(record.value) for record in await kernel.records(FACTS)]
    assert values == [number for number in range(21) if number != 9]


async def test_rows_of_a_missing_topic_wait_in_order_until_somebody_makes_it_while_others_flow(kernel, monkeypatch):
    monkeypatch.setattr("shared.bus.refused._TOPIC_SECONDS", 0.2)
    async with kernel.uow() as work:
        for number in range(3):
            work.outbox.add_record("moat.later.v1", key=b"k", value=b"%d" % number, headers=(), kind="test")
            work.outbox.add_record(FACTS, key=b"k", value=b"%d" % number, headers=(), kind="test")

    async with running(Relay(kernel.database, kernel.bus, kernel.clock, idle_seconds=0.05).run):
        await until(lambda: _sent(kernel, 3))
        await until(lambda: _waiting(kernel, 3))
        await kernel.bus.ensure_topics([TopicSpec("moat.later.v1")])
        await until(lambda: _empty(kernel))

    assert [record.value for record in await kernel.records("moat.later.v1")] == [b"0", b"1", b"2"]


async def test_a_commit_elsewhere_wakes_the_owner_and_a_standby_tells_it(kernel):
    owner = Relay(kernel.database, kernel.bus, kernel.clock, idle_seconds=60)
    standby = Relay(kernel.database, kernel.bus, kernel.clock, idle_seconds=60)
    async with running(owner.run):
        await until(lambda: _owns_all(kernel))
        async with running(standby.run):
            await asyncio.sleep(0.3)  # both sleep now, for a minute if nobody wakes them
            async with kernel.uow() as work:
                work.outbox.add_record(FACTS, key=b"k", value=b"0", headers=(), kind="test")
            standby.wake()
            await until(lambda: _counted(owner, standby), seconds=30)
    assert (owner.sent, standby.sent) == (1, 0)


async def test_a_commit_elsewhere_while_the_relay_looks_is_not_slept_over(kernel, monkeypatch):
    relay = Relay(kernel.database, kernel.bus, kernel.clock, idle_seconds=60)
    look = Carrier.drain

    async def look_and_then_commit(carrier, owned):
        found = await look(carrier, owned)
        if not found and not relay.sent:
            async with kernel.uow() as work:
                work.outbox.add_record(FACTS, key=b"k", value=b"0", headers=(), kind="test")
            await _tell(kernel)
        return found

    monkeypatch.setattr(Carrier, "drain", look_and_then_commit)
    async with running(relay.run):
        await until(lambda: _sent(kernel, 1), seconds=30)


async def test_locks_of_a_relay_that_was_cancelled_are_free_at_once(kernel):
    async with running(kernel.relay.run):
        await until(lambda: _owns_all(kernel))

    async with kernel.database.session() as session:
        shards = Shards(session)
        await until(lambda: _complete(shards))  # once the server has seen that the connection was closed


async def test_a_killed_session_is_replaced_and_nothing_is_lost(kernel):
    async with running(kernel.relay.run):
        for number in range(40):
            async with kernel.uow() as work:
                await work.lock(["C-1"])
                work.publish(FACTS, a_fact("C-1", id=f"e-{number:02}"))
            if number % 10 == 5:
                await _kill_owner(kernel)
        kernel.relay.wake()
        await until(lambda: _empty(kernel))

    await _assert_order(kernel, 40)


@pytest.mark.parametrize("fails_at", [1, 2, 3, 5])
async def test_a_bus_that_fails_with_two_batches_on_their_way_keeps_the_order(kernel, fails_at):
    failing = Failing(kernel.bus, fails_at=fails_at)
    async with kernel.uow() as work:
        await work.lock(["C-1", "C-2"])
        for number in range(60):
            work.publish(FACTS, a_fact(f"C-{1 + number % 2}", id=f"e-{number:02}"))

    async with running(Relay(kernel.database, failing, kernel.clock, batch=10).run):
        await until(lambda: _empty(kernel))

    await _assert_order(kernel, 60)


async def test_a_batch_that_starts_just_after_the_one_before_has_failed_does_not_overtake_it(kernel, monkeypatch):
    failing = Failing(kernel.bus, fails_at=3)
    failing.may_fail.clear()
    read = Carrier._read

    async def let_fail_just_before_the_next_batch(carrier, owned, *, after):
        rows = await read(carrier, owned, after=after)
        if carrier._flight and failing.calls == 3:
            await failing.about_to_fail.wait()
            failing.may_fail.set()
        return rows

    monkeypatch.setattr(Carrier, "_read", let_fail_just_before_the_next_batch)
    async with kernel.uow() as work:
        await work.lock(["C-1"])
        for number in range(60):
            work.publish(FACTS, a_fact("C-1", id=f"e-{number:02}"))

    async with running(Relay(kernel.database, failing, kernel.clock, batch=10).run):
        await until(lambda: _empty(kernel))

    assert failing.may_fail.is_set()
    await _assert_order(kernel, 60)


class Failing:
    """A bus that keeps the order of calls, as the port says; call number `fails_at` fails half-way."""

    def __init__(self, bus, *, fails_at):
        self._bus = bus
        self._fails_at = fails_at
        self._order = CallOrder()
        self.calls = 0
        self.about_to_fail = asyncio.Event()
        self.may_fail = asyncio.Event()
        self.may_fail.set()

    async def publish(self, records: list[Record]) -> None:
        async with self._order.turn():
            self.calls += 1
            if self.calls == self._fails_at:
                await self._bus.publish(records[: len(records) // 2])
                self.about_to_fail.set()
                await self.may_fail.wait()
                raise BusUnavailable("half-way")
            await self._bus.publish(records)


async def test_a_second_process_takes_over_what_a_stopped_one_left(kernel):
    async with kernel.uow() as work:
        work.outbox.add_record(FACTS, key=b"k", value=b"0", headers=(), kind="test")
    first = asyncio.create_task(Relay(kernel.database, Stuck(), kernel.clock).run())
    await until(lambda: _owns_all(kernel))
    async with running(Relay(kernel.database, kernel.bus, kernel.clock).run):
        await asyncio.sleep(0.2)
        assert await kernel.count("outbox") == 1
        first.cancel()
        await until(lambda: _empty(kernel))


class Stuck:
    """A bus that never answers."""

    async def publish(self, records: list[Record]) -> None:
        await asyncio.sleep(timedelta(days=1).total_seconds())


async def _assert_order(kernel, total):
    """Repeats are allowed; the first arrivals of each customer are in order."""
    events = [decode(r.key, r.value, r.headers) for r in await kernel.records(FACTS)]
    assert {event.id for event in events} == {f"e-{number:02}" for number in range(total)}
    for subject in {event.subject for event in events}:
        firsts = list(dict.fromkeys(event.id for event in events if event.subject == subject))
        assert firsts == sorted(firsts)


async def _tell(kernel):
    """As another relay would; returns when it must have been heard."""
    async with kernel.database.glance() as raw:
        await raw.execute(f"notify {CHANNEL}")
    await asyncio.sleep(0.1)


async def _kill_owner(kernel):
    async with kernel.database.glance() as raw:
        await raw.execute("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")


async def _counted(*relays):
    return sum(relay.sent for relay in relays) > 0


async def _complete(shards):
    await shards.take()
    return shards.complete


async def _owns_all(kernel):
    async with kernel.database.glance() as raw:
        return await raw.fetchval("select count(*) from pg_locks where locktype = 'advisory'") == 16


async def _sent(kernel, expected):
    return len(await kernel.records(FACTS)) == expected


async def _waiting(kernel, expected):
    return await kernel.count("outbox") == expected


async def _empty(kernel):
    return await _waiting(kernel, 0)
