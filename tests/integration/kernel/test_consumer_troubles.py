"""What the consumer runtime meets besides bad events: handlers that fail like a database, releases cut short, races."""

import asyncio

import pytest

from shared.bus.consumer import Rejected
from shared.bus.dead_letters import NoSuchLetter, listed, replay
from shared.bus.handling import ConsumerSpec, Handling
from shared.bus.parking import parked_keys, request_release
from shared.bus.port import Record
from shared.observability.metrics import ConsumerMetrics
from tests.support.kernel import FACTS, a_consumer, a_fact, record_effect, running, until


async def test_a_handler_whose_failure_looks_like_a_lost_connection_parks_its_key_only(kernel, monkeypatch):
    monkeypatch.setattr("shared.bus.consumer.backoff", lambda _: 0.001)

    async def fail_for_one(work, deliveries):
        if any(d.event.subject == "C-3" for d in deliveries):
            raise ConnectionResetError("by some peer")
        await record_effect(work, deliveries)

    await kernel.publish_facts(*(a_fact(f"C-{n}", id=f"e-{n}") for n in range(8)))
    async with running(a_consumer(kernel, fail_for_one).run):
        await until(lambda: _count(kernel, "effect", 7))
        await until(lambda: _count(kernel, "parked", 1))

    (key,) = await parked_keys(kernel.database)
    assert key.subject == "C-3"


async def test_retries_because_of_the_database_do_not_use_up_the_attempts_of_an_event(kernel, monkeypatch):
    monkeypatch.setattr("shared.bus.consumer.backoff", lambda _: 0.001)
    fails = iter([ConnectionResetError(), ConnectionResetError(), RuntimeError("mine"), RuntimeError("mine")])

    async def fail_at_first(work, deliveries):
        for failure in fails:
            raise failure
        await record_effect(work, deliveries)

    await kernel.publish_facts(a_fact(id="once"))
    async with running(a_consumer(kernel, fail_at_first, attempts=3).run):
        await until(lambda: _count(kernel, "effect", 1))
    assert await kernel.count("parked") == 0


class Unforeseen(BaseException):
    """Nothing that the runtime expects."""


async def test_a_lane_that_fails_does_not_leave_the_others_running_alone(kernel):
    """Something unforeseen ends the consumer; nothing of its batch may go on behind its back."""
    inside = 0

    async def slowly(work, deliveries):
        nonlocal inside
        inside += 1
        try:
            if deliveries[0].record.partition % 2:
                raise Unforeseen
            await asyncio.sleep(1)
        finally:
            inside -= 1

    await kernel.publish_facts(*(a_fact(f"C-{n}", id=f"e-{n}") for n in range(400)))
    with pytest.raises(Unforeseen):
        await a_consumer(kernel, slowly, lanes=2).run()
    assert inside == 0


async def test_an_event_that_another_member_has_handled_meanwhile_does_not_park_its_key(kernel):
    """A member that has lost the partition without knowing is still failing with an event; the new owner was lucky."""
    await kernel.publish_facts(a_fact("C-1", id="e-1"))
    async with running(a_consumer(kernel).run):
        await until(lambda: _count(kernel, "effect", 1))
    (record,) = await kernel.records(FACTS)

    spec = ConsumerSpec(group="tests", topics=(FACTS,), handle=record_effect)
    await Handling(kernel.uow, spec, ConsumerMetrics("tests")).park(record, RuntimeError("too late"))

    assert await kernel.count("parked") == 0


async def test_what_queues_behind_a_release_under_way_is_released_with_it(kernel):
    """Else it would stay behind when the release is cut short after the last event that was asked for."""
    await _park(kernel, "b1")
    await request_release(kernel.database, "tests", "C-bad")
    await kernel.publish_facts(a_fact("C-bad", id="b2"))
    (late,) = [record for record in await kernel.records(FACTS) if dict(record.headers)["ce_id"] == b"b2"]

    spec = ConsumerSpec(group="tests", topics=(FACTS,), handle=record_effect)
    handling = Handling(kernel.uow, spec, ConsumerMetrics("tests"))
    await handling.transact([late])
    assert await handling.release_first("C-bad")

    async with running(a_consumer(kernel).run):
        await until(lambda: _count(kernel, "effect", 2))
    assert await kernel.effects("C-bad") == ["b1", "b2"]


async def test_a_parked_event_that_turns_out_to_be_impossible_is_buried_when_it_is_released(kernel):
    await _park(kernel, "b1", "b2")
    await request_release(kernel.database, "tests", "C-bad")

    async def refuse_the_first(work, deliveries):
        if deliveries[0].event.id == "b1":
            raise Rejected("the amount is impossible")
        await record_effect(work, deliveries)

    async with running(a_consumer(kernel, refuse_the_first).run, kernel.relay.run):
        await until(lambda: _count(kernel, "effect", 1))
        await until(lambda: _dead(kernel, 1))
    assert (await kernel.effects(), await kernel.count("parked")) == (["b2"], 0)


async def test_a_reason_that_the_database_cannot_hold_does_not_keep_a_key_from_being_parked(kernel):
    async def fail(work, deliveries):
        raise RuntimeError("nul \0 and surrogate \ud800")

    await kernel.publish_facts(a_fact("C-1", id="e-1"))
    async with running(a_consumer(kernel, fail, attempts=1).run):
        await until(lambda: _count(kernel, "parked", 1))
    (key,) = await parked_keys(kernel.database)
    assert key.reason == "RuntimeError: nul  and surrogate ?"


async def test_junk_with_a_nul_in_a_header_name_is_a_dead_letter_and_stops_nobody(kernel):
    await kernel.bus.publish([Record(FACTS, b"C-1", b"junk", (("odd\0name", b"v"), ("ce_type", b"x")))])
    await kernel.publish_facts(a_fact("C-1", id="good"))

    async with running(a_consumer(kernel).run, kernel.relay.run):
        await until(lambda: _count(kernel, "effect", 1))
        await until(lambda: _dead(kernel, 1))

    (letter,) = await kernel.records("moat.dead.tests")
    assert letter.headers[0] == ("odd\N{REPLACEMENT CHARACTER}name", b"v")


async def test_junk_as_large_as_a_record_may_be_is_a_dead_letter_that_was_cut_and_cannot_be_replayed(kernel):
    junk = Record(FACTS, b"C-1", b"j" * 999_950)
    await kernel.bus.publish([junk])

    async with running(a_consumer(kernel).run, kernel.relay.run):
        await until(lambda: _dead(kernel, 1))

    (letter,) = await listed(kernel.bus, "tests")
    assert junk.value.startswith(letter.record.value)
    assert dict(letter.record.headers)["dlq-cut-from-bytes"] == b"999950"
    with pytest.raises(NoSuchLetter, match="was cut to fit"):
        await replay(kernel.bus, "tests", letter)


async def test_a_statement_that_takes_too_long_is_tried_in_smaller_parts(kernel):
    async def slow_together(work, deliveries):
        if len(deliveries) > 4:
            await work.raw.execute("set local statement_timeout = 100")
            await work.raw.execute("select pg_sleep(60)")
        await record_effect(work, deliveries)

    await kernel.publish_facts(*(a_fact(f"C-{n}", id=f"e-{n}") for n in range(16)))
    async with running(a_consumer(kernel, slow_together).run):
        await until(lambda: _count(kernel, "effect", 16))


async def _park(kernel, *ids):
    async def fail(work, deliveries):
        raise RuntimeError("broken")

    await kernel.publish_facts(*(a_fact("C-bad", id=identity) for identity in ids))
    async with running(a_consumer(kernel, fail, attempts=1).run):
        await until(lambda: _count(kernel, "parked", len(ids)))


async def _count(kernel, table, expected):
    return await kernel.count(table) == expected


async def _dead(kernel, expected):
    return len(await kernel.records("moat.dead.tests")) == expected
