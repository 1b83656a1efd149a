"""Junk on the running platform's topics: a dead letter that says why, nothing changed, nobody else stopped."""

from uuid import uuid4

import orjson
import pytest

from services.commands.names import ServiceName
from shared.bus.dead_letters import DeadLetter, listed
from shared.bus.open import open_bus
from shared.bus.port import MAX_RECORD_BYTES, Record, RecordTooLarge
from tests.support.faults.doors import FACTS, record_of
from tests.support.faults.junk import an_order_fact, junk_facts, row_counts

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
async def bus(running):
    opened = await open_bus(running.bus, client_id="junk")
    yield opened
    await opened.close()


async def test_each_kind_of_junk_becomes_a_dead_letter_that_names_field_and_rule_and_nothing_changes(
    running, world, bus
):
    before = await row_counts(running.platform)
    known = {letter.position for letter in await listed(bus, "scoring", limit=1000)}
    junk = junk_facts(f"C-{uuid4().hex[:8]}")

    await bus.publish([one.record for one in junk])
    await world.settle()

    letters = [letter for letter in await listed(bus, "scoring", limit=1000) if letter.position not in known]
    told = {(letter.record.value, *_own(letter)): _mark(letter, "pointer", "rule") for letter in letters}
    assert len(letters) == len(junk)
    found = {one.name: told[one.record.value, one.record.key, tuple(one.record.headers)] for one in junk}
    assert found == {one.name: (one.pointer, one.rule) for one in junk}
    assert await row_counts(running.platform) == before


async def test_good_facts_between_junk_of_the_same_customer_are_all_handled(running, world, bus):
    customer = f"C-{uuid4().hex[:8]}"
    records = []
    for number, one in enumerate(junk_facts(customer)):
        records += [record_of(an_order_fact(customer, f"{customer}-{number}")), one.record]

    await bus.publish([*records, record_of(an_order_fact(customer, f"{customer}-last"))])
    await world.settle()

    timeline = await world.client.get(ServiceName.SCORING, f"/v1/customers/{customer}/timeline?page_size=1000")
    assert (
        len([entry for entry in timeline["items"] if entry["kind"] == "customer.order.placed.v1"])
        == len(records) // 2 + 1
    )


async def test_junk_on_our_own_topics_stops_no_consumer(running, world, bus):
    before = await row_counts(running.platform)
    topics = ("moat.customers.v1", "moat.scoring.v1", "moat.crisis.v1", "moat.notify.v1")

    await bus.publish([Record(topic, b"C-1", b"junk", (("ce_id", b"1"),)) for topic in topics])
    await world.settle()

    assert await row_counts(running.platform) == before
    for group in ("crisis-customers", "notify-customers", "crisis-scoring", "crisis-notify", "notify-crisis"):
        assert any(letter.record.value == b"junk" for letter in await listed(bus, group)), group
    customer = f"C-{uuid4().hex[:8]}"
    await world.tell(_a_complaint(customer))
    assert (await world.case_of(customer))["status"] == "open"


async def test_a_record_of_five_megabytes_is_refused_before_it_is_sent(running, world, bus):
    before = await row_counts(running.platform)
    fact = an_order_fact("C-1", "huge", channel="x" * 5_000_000)
    huge = Record(FACTS, b"C-1", orjson.dumps(fact["data"]), ())
    assert len(huge.value) > MAX_RECORD_BYTES

    with pytest.raises(RecordTooLarge):
        await bus.publish([huge])
    await world.settle()

    assert await row_counts(running.platform) == before


def _own(letter: DeadLetter):
    """Key and headers as the record had them."""
    headers = letter.record.headers
    return letter.record.key, tuple((name, value) for name, value in headers if not name.startswith("dlq-"))


def _mark(letter: DeadLetter, *names: str) -> tuple[str, ...]:
    marks = dict(letter.record.headers)
    return tuple(marks.get(f"dlq-error-{name}", b"?").decode() for name in names)


def _a_complaint(customer):
    fact = an_order_fact(customer, uuid4().hex)
    data = {"complaint_id": fact["id"], "received_at": fact["time"], "channel": "mail", "subject": "Late"}
    return {**fact, "type": "customer.complaint.received.v1", "data": data}
