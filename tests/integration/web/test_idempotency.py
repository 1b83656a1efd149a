"""A POST that is sent again has its effect once, under concurrency too, and gets the first answer again."""

import asyncio

from tests.support.web import keyed


async def test_the_same_request_again_gets_the_first_answer_and_no_second_effect(things):
    key = keyed()

    first = await things.client.post("/v1/things", json={"name": "lamp"}, headers=key)
    second = await things.client.post("/v1/things", json={"name": "lamp"}, headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotency-replayed"] == "true"
    assert len(await things.rows("select * from thing")) == 1


async def test_many_at_once_have_one_effect_and_the_others_are_told_to_wait_or_get_the_answer(things):
    key = keyed()

    answers = await asyncio.gather(
        *(things.client.post("/v1/things", json={"name": "slow"}, headers=key) for _ in range(12))
    )

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(201) >= 1
    assert set(statuses) <= {201, 409}
    assert {a.json()["type"] for a in answers if a.status_code == 409} <= {"/problems/idempotency-in-progress"}
    assert statuses.count(409) >= 1
    assert len(await things.rows("select * from thing")) == 1


async def test_a_burst_of_many_keys_each_sent_thrice_has_one_effect_per_key(things):
    keys = [keyed() for _ in range(15)]

    async def insist(key):
        while True:
            answer = await things.client.post("/v1/things", json={"name": "lamp"}, headers=key)
            if answer.status_code == 201:
                return answer.json()["id"]
            assert answer.status_code == 409

    ids = await asyncio.gather(*(insist(key) for key in keys * 3))

    assert len(set(ids)) == 15
    assert len(await things.rows("select * from thing")) == 15


async def test_the_same_key_with_another_body_is_422(things):
    key = keyed()
    await things.client.post("/v1/things", json={"name": "lamp"}, headers=key)

    answer = await things.client.post("/v1/things", json={"name": "desk"}, headers=key)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(await things.rows("select * from thing")) == 1


async def test_a_missing_or_unreadable_key_is_400_where_one_is_needed(things):
    missing = await things.client.post("/v1/things", json={"name": "lamp"})
    unreadable = await things.client.post("/v1/things", json={"name": "lamp"}, headers={"Idempotency-Key": "a b"})

    assert (missing.status_code, missing.json()["type"]) == (400, "/problems/idempotency-key-missing")
    assert unreadable.json()["errors"][0]["pointer"] == "/header/idempotency-key"


async def test_a_quoted_key_is_the_same_as_a_bare_one(things):
    await things.client.post("/v1/things", json={"name": "lamp"}, headers={"Idempotency-Key": "abc-1"})

    again = await things.client.post("/v1/things", json={"name": "lamp"}, headers={"Idempotency-Key": '"abc-1"'})

    assert again.headers["idempotency-replayed"] == "true"


async def test_a_request_that_was_refused_may_be_mended_and_sent_again_under_its_key(things):
    key = keyed()
    refused = await things.client.post("/v1/things", json={"name": "broken"}, headers=key)

    mended = await things.client.post("/v1/things", json={"name": "lamp"}, headers=key)

    assert (refused.status_code, mended.status_code) == (500, 201)


async def test_keys_of_different_callers_are_different(things):
    key = keyed()
    other = await things.keys("crisis:read", "crisis:write")
    await things.client.post("/v1/things", json={"name": "lamp"}, headers=key)

    answer = await things.client.post("/v1/things", json={"name": "desk"}, headers={**key, **other})

    assert answer.status_code == 201
    assert len(await things.rows("select * from thing")) == 2


async def test_a_key_is_free_again_after_a_day(things):
    key = keyed()
    await things.client.post("/v1/things", json={"name": "lamp"}, headers=key)
    async with things.service.base.database.begin() as connection:
        await connection.exec_driver_sql("update idempotency set created_at = created_at - interval '25 hours'")

    answer = await things.client.post("/v1/things", json={"name": "desk"}, headers=key)

    assert answer.status_code == 201
    assert answer.json()["name"] == "desk"


async def test_where_a_key_is_optional_a_request_without_one_is_taken(things):
    answer = await things.client.post("/v1/things/large", json={"a": 1})

    assert answer.status_code == 200
