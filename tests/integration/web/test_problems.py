"""Every refusal is a problem that names field and rule, changes nothing, and tells nothing of our insides."""

import httpx
import pytest

from tests.support.web import a_service, keyed

JSON = {"Content-Type": "application/json"}


async def test_wrong_fields_are_named_by_pointer_and_rule_all_at_once_and_nothing_is_stored(things):
    answer = await things.client.post("/v1/things", json={"name": "", "wheels": 4}, headers=keyed())

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "/problems/invalid"
    assert problem["instance"] == "/v1/things"
    assert {(e["pointer"], e["rule"]) for e in problem["errors"]} == {("/name", "length"), ("/wheels", "unknown-field")}
    assert await things.rows("select * from thing") == []


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        (b'{"name": "a", "name": "b"}', "/name", "duplicate-key"),
        (b'{"name": "a", "grams": NaN}', "/grams", "number"),
        (b'{"name": "a\\u0000"}', "/name", "nul"),
        (b'{"name": "\\ud800"}', "/name", "surrogate"),
        (b'{"name": ', "", "json"),
        (b'{"name": "\xff"}', "", "utf-8"),
    ],
)
async def test_json_that_could_be_read_in_two_ways_is_refused_with_its_place(things, body, pointer, rule):
    answer = await things.client.post("/v1/things", content=body, headers={**JSON, **keyed()})

    assert answer.status_code == 400
    assert [(e["pointer"], e["rule"]) for e in answer.json()["errors"]] == [(pointer, rule)]


async def test_a_body_of_another_media_type_is_415(things):
    answer = await things.client.post("/v1/things", content=b"name=lamp", headers=keyed())

    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_413_whether_it_says_its_length_or_not(things, declared):
    async def pieces():
        for _ in range(40):
            yield b" " * 50_000

    body = b" " * 2_000_000 if declared else pieces()
    answer = await things.client.post("/v1/things", content=body, headers={**JSON, **keyed()})

    assert answer.status_code == 413
    assert answer.json()["limit_bytes"] == 1 << 20


async def test_a_route_may_take_larger_bodies_than_the_others(things):
    body = {str(n): "x" * 1000 for n in range(2000)}

    taken = await things.client.post("/v1/things/large", json=body)
    refused = await things.client.post("/v1/things/large", json={**body, "more": "x" * 1_000_000})

    assert (taken.status_code, taken.json()) == (200, {"names": 2000})
    assert refused.status_code == 413


async def test_an_answer_that_takes_too_long_is_504(things):
    answer = await things.client.get("/v1/things/slow")

    assert (answer.status_code, answer.json()["type"]) == (504, "/problems/timed-out")


async def test_a_fault_of_ours_says_nothing_of_our_insides_and_rolls_back(things):
    answer = await things.client.post("/v1/things", json={"name": "broken"}, headers=keyed())

    assert answer.status_code == 500
    assert "wheel" not in answer.text
    assert "RuntimeError" not in answer.text
    assert len(answer.json()["trace_id"]) == 32
    assert await things.rows("select * from thing") == []


async def test_a_named_fact_of_a_service_is_told_with_the_current_state_and_version(things):
    made = (await things.client.post("/v1/things", json={"name": "sold"}, headers=keyed())).json()

    answer = await things.client.put(f"/v1/things/{made['id']}", json={"name": "x"}, headers={"If-Match": '"1"'})

    problem = answer.json()
    assert answer.status_code == 409
    assert problem["type"] == "/problems/thing-sold"
    assert problem["title"] == "The thing was sold and cannot change."
    assert problem["current"] == {"state": "sold", "version": 1}


async def test_a_chinese_reader_gets_the_title_in_chinese(things):
    answer = await things.client.get("/v1/jobs/none", headers={"Accept-Language": "zh-CN,zh;q=0.9"})

    assert (answer.status_code, answer.json()["title"]) == (404, "没有该编号的对象。")


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(things):
    nowhere = await things.client.get("/v1/nothing")
    wrong = await things.client.delete("/v1/things")

    assert (nowhere.status_code, nowhere.json()["type"]) == (404, "/problems/not-found")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "/problems/method-not-allowed")
    assert wrong.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("query", ["?page_size=-1", "?page_size=many"])
async def test_a_wrong_parameter_is_named_with_its_place(things, query):
    answer = await things.client.get(f"/v1/things{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/page_size"


async def test_the_database_away_is_503_with_a_time_to_come_back():
    service = a_service("postgresql://moat:secret@127.0.0.1:9/moat", "postgresql://moat@127.0.0.1:9/bus")
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://things") as client:
        answer = await client.get("/v1/things", headers={"X-API-Key": "moat_12345678_a-key"})

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["retry-after"] == "2"
    assert "secret" not in answer.text


async def test_every_type_that_a_problem_names_has_its_page_in_both_languages(things):
    catalogue = await things.client.get("/problems")
    page = await things.client.get("/problems/thing-sold")
    unknown = await things.client.get("/problems/nonsense")

    assert "thing-sold" in catalogue.text
    assert "precondition-failed" in catalogue.text
    assert "The thing was sold and cannot change." in page.text
    assert "物品已售出" in page.text
    assert unknown.status_code == 404


async def test_every_answer_carries_safe_headers_a_request_id_and_joins_the_callers_trace(things):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await things.client.get("/v1/nothing", headers={"traceparent": trace, "X-Request-ID": "call-12345678"})

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == "call-12345678"
    assert answer.json()["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
