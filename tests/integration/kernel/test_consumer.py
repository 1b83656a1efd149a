"""The consumer runtime: once in effect, in order per key, a bad event never stops the others and is never lost."""

import asyncio
import contextlib
from datetime import timedelta

from shared.bus.consumer import Rejected
from shared.bus.parking import drop_parked, parked_keys, request_release
from shared.bus.port import Record
from tests.support.kernel import FACTS, a_consumer, a_fact, record_effect, running, until

DEAD = "moat.dead.tests"


async def test_a_redelivered_event_has_its_effect_once(kernel):
    fact = a_fact(id="once")
    await kernel.publish_facts(fact, fact)
    await kernel.publish_facts(fact, a_fact(id="last"))

    async with running(a_consumer(kernel).run):
        await until(lambda: _done(kernel, "last"))

    assert await kernel.effects() == ["once", "last"]


async def test_a_poisoned_event_in_a_batch_goes_to_the_dead_letters_and_the_others_commit(kernel):
    async def refuse_the_bad(work, deliveries):
        if any(d.event.id == "bad" for d in deliveries):
            raise Rejected("amount is impossible")
        await record_effect(work, deliveries)

    await kernel.publish_facts(*(a_fact(f"C-{n}", id=f"e-{n}") for n in range(10)))
    await kernel.publish_facts(a_fact("C-3", id="bad"), a_fact("C-3", id="after"))

    async with running(a_consumer(kernel, refuse_the_bad).run, kernel.relay.run):
        await until(lambda: _count(kernel, 11))
        await until(lambda: _dead(kernel, 1))

    assert sorted(await kernel.effects()) == sorted(["after", *(f"e-{n}" for n in range(10))])
    assert await kernel.effects("C-3") == ["e-3", "after"]


async def test_junk_is_a_dead_letter_with_its_bytes_unchanged_and_the_reason_as_text(kernel):
    junk = Record(FACTS, b"\xff\x00key", b"\x00\xff not json", (("ce_type", b"\xfe"), ("x", b"y")))
    await kernel.bus.publish([junk])
    await kernel.publish_facts(a_fact(id="good"))

    async with running(a_consumer(kernel).run, kernel.relay.run):
        await until(lambda: _done(kernel, "good"))
        await until(lambda: _dead(kernel, 1))

    (letter,) = await kernel.records(DEAD)
    assert (letter.key, letter.value, letter.headers[:2]) == (junk.key, junk.value, junk.headers)
    marks = dict(letter.headers[2:])
    assert marks["dlq-original-topic"] == FACTS.encode()
    assert marks["dlq-error-message"]


async def test_an_unknown_type_is_skipped_on_our_topics_and_a_dead_letter_at_the_public_door(kernel):
    strange = Record(FACTS, b"C-1", b"{}", _headers("customer.unheard.of.v1"))
    await kernel.bus.publish([strange])
    await kernel.publish_facts(a_fact(id="good"))

    async with running(a_consumer(kernel, public=True).run, kernel.relay.run):
        await until(lambda: _done(kernel, "good"))
        await until(lambda: _dead(kernel, 1))


async def test_beside_the_public_group_what_breaks_its_contract_is_skipped_and_not_buried_twice(kernel):
    ahead = a_fact(id="ahead", at=kernel.clock.now() + timedelta(minutes=6))
    await kernel.bus.publish([Record(FACTS, b"C-1", b"junk", _headers("customer.order.placed.v1"))])
    await kernel.publish_facts(ahead, a_fact(id="good"))

    async with running(a_consumer(kernel, beside_public=True).run, kernel.relay.run):
        await until(lambda: _done(kernel, "good"))

    assert await kernel.effects() == ["good"]
    assert await kernel.records(DEAD) == []


async def test_a_fact_from_the_future_is_a_dead_letter_of_the_public_group(kernel):
    await kernel.publish_facts(a_fact(id="ahead", at=kernel.clock.now() + timedelta(minutes=6)), a_fact(id="good"))

    async with running(a_consumer(kernel, public=True).run, kernel.relay.run):
        await until(lambda: _done(kernel, "good"))
        await until(lambda: _dead(kernel, 1))

    assert await kernel.effects() == ["good"]


async def test_a_key_that_keeps_failing_is_parked_with_what_follows_while_others_flow(kernel):
    async def fail_for_one(work, deliveries):
        if any(d.event.subject == "C-bad" for d in deliveries):
            raise RuntimeError("this customer is broken")
        await record_effect(work, deliveries)

    await kernel.publish_facts(a_fact("C-bad", id="b1"), a_fact("C-good", id="g1"))
    async with running(a_consumer(kernel, fail_for_one, attempts=2).run):
        await until(lambda: _done(kernel, "g1"))
        await until(lambda: _parked(kernel, 1))
        await kernel.publish_facts(a_fact("C-bad", id="b2"), a_fact("C-good", id="g2"))
        await until(lambda: _done(kernel, "g2"))
        await until(lambda: _parked(kernel, 2))

    (key,) = await parked_keys(kernel.database)
    assert (key.subject, key.waiting) == ("C-bad", 2)
    assert "this customer is broken" in key.reason


async def test_a_released_key_is_handled_in_order_before_what_came_later(kernel):
    await _park_two(kernel)
    await request_release(kernel.database, "tests", "C-bad")

    async with running(a_consumer(kernel).run):
        await until(lambda: _done(kernel, "b2"))
        await kernel.publish_facts(a_fact("C-bad", id="b3"))
        await until(lambda: _done(kernel, "b3"))

    assert await kernel.effects("C-bad") == ["b1", "b2", "b3"]
    assert await parked_keys(kernel.database) == []


async def test_a_release_that_fails_again_stays_parked_with_the_new_reason(kernel):
    async def still_broken(work, deliveries):
        raise RuntimeError("still broken")

    await _park_two(kernel)
    await request_release(kernel.database, "tests", "C-bad")

    async with running(a_consumer(kernel, still_broken).run):
        await until(lambda: _reason(kernel, "still broken"))

    (key,) = await parked_keys(kernel.database)
    assert key.waiting == 2


async def test_a_dropped_parked_event_becomes_a_dead_letter(kernel):
    await _park_two(kernel)

    assert await drop_parked(kernel.database, "tests", "C-bad", everything=False, now=kernel.clock.now()) == 1
    async with running(kernel.relay.run):
        await until(lambda: _dead(kernel, 1))

    (key,) = await parked_keys(kernel.database)
    assert key.waiting == 1


async def test_two_consumers_that_come_and_go_handle_each_event_once_and_in_order(kernel):
    facts = [a_fact(f"C-{n % 7}", id=f"e-{n:04}") for n in range(700)]
    first = asyncio.create_task(a_consumer(kernel, max_records=20).run())
    async with running(a_consumer(kernel, max_records=20).run):
        for start in range(0, 700, 100):
            await kernel.publish_facts(*facts[start : start + 100])
            if start == 300:
                first.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await first
        await until(lambda: _count(kernel, 700))

    for customer in range(7):
        effects = await kernel.effects(f"C-{customer}")
        assert effects == sorted(effects)


async def _park_two(kernel):
    async def fail(work, deliveries):
        raise RuntimeError("broken")

    await kernel.publish_facts(a_fact("C-bad", id="b1"), a_fact("C-bad", id="b2"))
    async with running(a_consumer(kernel, fail, attempts=1).run):
        await until(lambda: _parked(kernel, 2))


def _headers(type_):
    return (
        ("ce_id", b"strange"),
        ("ce_source", b"tests"),
        ("ce_type", type_.encode()),
        ("ce_specversion", b"1.0"),
        ("ce_time", b"2026-03-02T12:00:00Z"),
        ("ce_subject", b"C-1"),
        ("content-type", b"application/json"),
    )


async def _done(kernel, identity):
    return identity in await kernel.effects()


async def _count(kernel, expected):
    return len(await kernel.effects()) == expected


async def _dead(kernel, expected):
    return len(await kernel.records(DEAD)) == expected


async def _parked(kernel, expected):
    return await kernel.count("parked") == expected


async def _reason(kernel, text):
    return any(text in key.reason for key in await parked_keys(kernel.database))
