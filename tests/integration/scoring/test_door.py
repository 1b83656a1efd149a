"""`POST /v1/facts`: each fact once, all or part of many, and a pointer to everything that is wrong."""

import asyncio
import json
from copy import deepcopy
from datetime import timedelta

import pytest

from shared.contracts import decode, format_instant, to_structured
from tests.support.facts import MONDAY, an_order

FACTS = "/v1/facts"
GOOD = to_structured(an_order("C-1", order="SO-1", event_id="good-1"))


def fact(number: int, customer: str = "C-1") -> dict:
    return to_structured(an_order(customer, order=f"SO-{number}", event_id=f"fact-{number}"))


async def tell(scoring, body, *, status: int = 202) -> dict:
    answer = await scoring.client.post(FACTS, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_one_event_is_accepted_and_sent_again_is_a_duplicate(scoring):
    assert await tell(scoring, GOOD) == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert await tell(scoring, GOOD) == {"accepted": 0, "duplicates": 1, "rejected": []}

    assert await scoring.let_in() == 1
    assert (await scoring.tier("C-1"))["tier"] == "general"


async def test_what_leaves_the_door_is_the_event_that_came(scoring):
    event = {**deepcopy(GOOD), "traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "partition": "7"}
    await tell(scoring, event)

    (row,) = await scoring.rows("select aggregateid, payload, header_names, header_values from outbox")
    sent = decode(row[0], row[1], tuple(zip(row[2], row[3], strict=True)))
    assert to_structured(sent) == event


async def test_a_fact_that_came_on_kafka_is_a_duplicate_at_the_door(scoring):
    await scoring.deliver(an_order("C-1", order="SO-1", event_id="good-1"))

    assert (await tell(scoring, GOOD))["duplicates"] == 1


async def test_five_hundred_at_once_some_repeated_some_wrong(scoring):
    facts = [fact(number) for number in range(497)]
    wrong = fact(900)
    wrong["data"]["amount"] = "-1.00"
    body = {"facts": [*facts, facts[3], facts[3], wrong]}

    told = await tell(scoring, body)

    assert (told["accepted"], told["duplicates"]) == (497, 2)
    (rejected,) = told["rejected"]
    assert rejected["index"] == 499
    assert rejected["problem"]["status"] == 422
    assert rejected["problem"]["errors"][0]["pointer"] == "/data/amount"
    assert await scoring.let_in() == 497
    assert (await scoring.metrics("C-1"))["purchases_90d"] == 497


async def test_requests_that_come_together_share_a_commit_and_each_hears_its_own(scoring):
    bodies = [{"facts": [fact(number), fact(number + 1)]} for number in range(0, 60, 1)]

    answers = await asyncio.gather(*(scoring.client.post(FACTS, json=body) for body in bodies))

    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["accepted"] for answer in answers) == 61
    assert sum(answer.json()["duplicates"] for answer in answers) == 59
    assert await scoring.value("select count(*) from outbox") == 61


async def test_422_only_when_every_one_was_rejected(scoring):
    bad = {**fact(1), "type": "customer.danced.v1"}

    told = await tell(scoring, {"facts": [bad, bad]}, status=422)
    assert [item["index"] for item in told["rejected"]] == [0, 1]
    assert await tell(scoring, {"facts": [bad, fact(2)]})
    assert await tell(scoring, {"facts": [bad, fact(2)]}), "a duplicate is not a rejection"


@pytest.mark.parametrize(
    ("change", "pointer", "rule"),
    [
        ({"data": {"amount": "-5.00"}}, "/data/amount", "amount"),
        ({"data": {"amount": 5}}, "/data/amount", "amount"),
        ({"data": {"amount": "5.001"}}, "/data/amount", "amount"),
        ({"data": {"currency": "XXX"}}, "/data/currency", "currency"),
        ({"data": {"placed_at": "2026-03-02"}}, "/data/placed_at", "instant"),
        ({"data": {"order_id": None}}, "/data/order_id", "type"),
        ({"subject": ""}, "/subject", "length"),
        ({"subject": "C" * 129}, "/subject", "length"),
        ({"id": "a\nb"}, "/id", "characters"),
        ({"specversion": "0.3"}, "/specversion", "specversion"),
        ({"time": "yesterday"}, "/time", "instant"),
        ({"type": "customer.danced.v1"}, "/type", "unknown-type"),
        ({"type": "scoring.tier.changed.v1"}, "/type", "choice"),
        ({"time": format_instant(MONDAY + timedelta(minutes=6))}, "/time", "future"),
        ({"data": {"placed_at": format_instant(MONDAY + timedelta(minutes=6))}}, "/data/placed_at", "future"),
    ],
)
async def test_each_wrong_field_is_named_with_its_rule_and_changes_nothing(scoring, change, pointer, rule):
    event = deepcopy(GOOD)
    event["data"].update(change.pop("data", {}))
    event.update(change)

    told = await tell(scoring, event, status=422)

    found = [(error["pointer"], error["rule"]) for error in told["errors"]]
    assert (pointer, rule) in found
    assert await scoring.value("select count(*) from outbox") == 0
    assert await scoring.value("select count(*) from door") == 0


@pytest.mark.parametrize(("text", "rule"), [("a\\u0000b", "nul"), ("a\\ud800b", "surrogate")])
async def test_text_that_no_database_holds_is_named(scoring, text, rule):
    body = json.dumps(GOOD).replace('"SO-1"', f'"{text}"')
    answer = await scoring.client.post(FACTS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert [(e["pointer"], e["rule"]) for e in answer.json()["errors"]] == [("/data/order_id", rule)]


async def test_a_fact_four_minutes_ahead_is_accepted(scoring):
    told = await tell(scoring, to_structured(an_order("C-1", MONDAY + timedelta(minutes=4))))
    assert told["accepted"] == 1


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"id": "a", "id": "b"}', 400),
        (b'{"facts": NaN}', 400),
        (b"not json", 400),
        (b'"\\ud800"', 400),
        (b'{"facts": []}', 422),
        (b'{"facts": [], "more": 1}', 422),
        (b"[]", 422),
        (b'{"facts": "many"}', 422),
    ],
)
async def test_a_body_that_cannot_be_meant_is_refused(scoring, content, status):
    answer = await scoring.client.post(FACTS, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_501_facts_and_5_megabytes_are_too_many(scoring):
    await tell(scoring, {"facts": [fact(n) for n in range(501)]}, status=422)
    answer = await scoring.client.post(FACTS, content=b" " * 5_000_001, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


async def test_junk_on_the_topic_goes_to_the_dead_letters_and_stops_nobody(scoring):
    from tests.support.scoring import a_record

    good = a_record(an_order("C-1", order="SO-1"))
    future = a_record(an_order("C-1", MONDAY + timedelta(minutes=6)), 1)
    negative = a_record(an_order("C-1", order="SO-2"), 2)
    negative = type(negative)(*[getattr(negative, f) for f in ["topic", "partition", "offset", "timestamp_ms", "key"]],
                              negative.value.replace(b"1000.00", b"-100.00"), negative.headers)  # fmt: skip
    stranger = type(good)(good.topic, 0, 3, 0, b"C-2", good.value, good.headers)
    rubbish = type(good)(good.topic, 0, 4, 0, b"C-1", b"\xff\xfe", good.headers)
    unknown = type(good)(
        good.topic,
        0,
        5,
        0,
        good.key,
        good.value,
        tuple((n, b"customer.danced.v1" if n == "ce_type" else v) for n, v in good.headers),
    )

    await scoring.deliver_records([future, negative, stranger, rubbish, unknown, good])

    marks = [(m["original-offset"], m.get("error-pointer"), m.get("error-rule")) for m in await scoring.dead_letters()]
    assert marks == [
        ("1", "/time", "future"),
        ("2", "/data/amount", "amount"),
        ("3", "/subject", "key"),
        ("4", "/data", "utf-8"),
        ("5", "/type", "unknown-type"),
    ]
    assert await scoring.value("select count(*) from fact") == 1
    assert (await scoring.tier("C-1"))["tier"] == "general"


async def test_the_door_forgets_what_the_facts_remember(scoring):
    from services.scoring.usecases.door import forget_door

    await tell(scoring, GOOD)
    await tell(scoring, fact(7))
    await scoring.rows("delete from outbox where payload like '%SO-7%'::bytea")
    await scoring.let_in()

    async with scoring.service.base.uow() as work:
        assert await forget_door(work) == 1

    assert await scoring.value("select event_id from door") == "fact-7", "not applied yet: the door remembers it"
    assert (await tell(scoring, GOOD))["duplicates"] == 1


async def test_the_door_keeper_forgets_all_that_was_applied_and_nothing_else(scoring):
    from services.scoring.workers import DoorKeeper

    await tell(scoring, {"facts": [fact(1), fact(2)]})
    await scoring.let_in()
    await tell(scoring, fact(3))

    await DoorKeeper(scoring.service.base.uow).turn()

    assert [row["event_id"] for row in await scoring.rows("select event_id from door")] == [fact(3)["id"]]
    assert (await tell(scoring, fact(1)))["duplicates"] == 1
    assert (await tell(scoring, fact(3)))["duplicates"] == 1
