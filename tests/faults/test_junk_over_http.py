"""Junk at the doors of the running platform: a problem names field and rule, nothing changes, the next is served."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from uuid import uuid4

import aiohttp
import asyncpg
import orjson
import pytest

from services.commands.names import ServiceName
from shared.auth.keys import create_key
from tests.support.faults.junk import an_order_fact, row_counts

pytestmark = pytest.mark.timeout(400)
SOUND = an_order_fact("C-1", "J-http")
TEXT = orjson.dumps(SOUND)


def with_data(**changes):
    return orjson.dumps(an_order_fact("C-1", "J-http", **changes))


def inside(text):
    """The sound fact with something more inside its data."""
    return TEXT[:-2] + text + b"}}"


JUNK = {
    "not JSON": (b'{"id": ', 400, "", "json"),
    "nothing": (b"", 400, "", "json"),
    "not UTF-8": (inside(b',"channel":"\xff"'), 400, "", "utf-8"),
    "a name twice": (inside(b',"amount":"1.00"'), 400, "/data/amount", "duplicate-key"),
    "NUL in text": (inside(b',"channel":"a\\u0000b"'), 400, "/data/channel", "nul"),
    "a lone surrogate": (inside(b',"channel":"\\ud800"'), 400, "/data/channel", "surrogate"),
    "a list": (b"[1]", 422, "/facts", "length"),
    "no facts": (b'{"facts": []}', 422, "/facts", "length"),
    "501 facts": (orjson.dumps({"facts": [SOUND] * 501}), 422, "/facts", "length"),
    "a field missing": (with_data(amount=None), 422, "/data/amount", "required"),
    "a negative amount": (with_data(amount="-1.00"), 422, "/data/amount", "amount"),
    "an unknown currency": (with_data(currency="XXQ"), 422, "/data/currency", "currency"),
    "the future": (with_data(placed_at="2099-03-02T09:00:00Z"), 422, "/data/placed_at", "future"),
    "an unknown type": (orjson.dumps({**SOUND, "type": "customer.moved.v1"}), 422, "/type", "unknown-type"),
    "an event that is no fact": (orjson.dumps({**SOUND, "type": "crisis.case.opened.v1"}), 422, "/type", "choice"),
    "no subject": (orjson.dumps({**SOUND, "subject": None}), 422, "/subject", "required"),
    "a control character": (orjson.dumps({**SOUND, "id": "a\nb"}), 422, "/id", "characters"),
}


@pytest.fixture
def running(platforms):
    """Doors do not know which bus there is."""
    return platforms.on(None)


@pytest.fixture
async def http(running):
    async with aiohttp.ClientSession(headers={"X-API-Key": running.platform.admin_key}) as session:
        yield session


@pytest.fixture
async def unchanged(running, world):
    """Nothing that the test sends may leave a row behind, and a good fact is handled afterwards."""
    before = await row_counts(running.platform)
    yield
    await world.settle()
    assert await row_counts(running.platform) == before
    customer = f"C-{uuid4().hex[:8]}"
    await world.tell(an_order_fact(customer, customer))
    found = await world.client.get(ServiceName.SCORING, f"/v1/customers/{customer}/timeline")
    assert [entry["kind"] for entry in found["items"]][-1:] == ["customer.order.placed.v1"]


async def test_each_kind_of_junk_is_answered_with_field_and_rule(running, http, unchanged):
    url = f"{running.platform.url(ServiceName.SCORING)}/v1/facts"
    found = {}
    for name, (body, *_) in JUNK.items():
        async with http.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            problem = await answer.json(content_type="application/problem+json")
            assert problem["detail"], name
            first = problem.get("errors", [{"pointer": "?", "rule": "?"}])[0]
            found[name] = (answer.status, first["pointer"], first["rule"])

    assert found == {name: expected for name, (_, *rest) in JUNK.items() for expected in [tuple(rest)]}


async def test_five_megabytes_are_refused_with_the_limit(running, http, unchanged):
    url = f"{running.platform.url(ServiceName.SCORING)}/v1/facts"
    body = BytesIO(with_data(channel="x" * 5_000_000))
    async with http.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        problem = await answer.json(content_type=None)

    assert (answer.status, problem["type"], problem["limit_bytes"]) == (413, "/problems/too-large", 4 * 2**20)


async def test_a_body_of_another_media_type_is_refused(running, http, unchanged):
    url = f"{running.platform.url(ServiceName.SCORING)}/v1/facts"
    async with http.post(url, data=TEXT, headers={"Content-Type": "text/plain"}) as answer:
        problem = await answer.json(content_type=None)

    assert (answer.status, problem["type"]) == (415, "/problems/unsupported-media-type")


async def test_one_bad_fact_among_good_ones_is_told_by_its_place_and_the_others_count(running, world, http):
    customer = f"C-{uuid4().hex[:8]}"
    facts = [an_order_fact(customer, f"{customer}-{n}") for n in range(3)]
    facts[1]["data"]["amount"] = "-1.00"

    answer = await world.client.post(ServiceName.SCORING, "/v1/facts", {"facts": facts})
    await world.settle()

    assert (answer["accepted"], [one["index"] for one in answer["rejected"]]) == (2, [1])
    assert answer["rejected"][0]["problem"]["errors"][0]["pointer"] == "/data/amount"
    found = await world.client.get(ServiceName.SCORING, f"/v1/customers/{customer}/timeline")
    assert len([entry for entry in found["items"] if entry["kind"] == "customer.order.placed.v1"]) == 2


async def test_no_key_an_unknown_one_an_expired_one_and_one_without_the_scope_are_refused(running, unchanged):
    expired = await _a_key(running, scopes=("facts:write",), expires_at=datetime.now(UTC) - timedelta(hours=1))
    reader = await _a_key(running, scopes=("scoring:read",), expires_at=None)
    url = f"{running.platform.url(ServiceName.SCORING)}/v1/facts"
    answers = []
    async with aiohttp.ClientSession() as session:
        for key in (None, "moat_nobody", expired, reader):
            headers = {} if key is None else {"X-API-Key": key}
            async with session.post(url, json=SOUND, headers=headers) as answer:
                answers.append((answer.status, await answer.json(content_type=None)))

    assert [status for status, _ in answers] == [401, 401, 401, 403]
    assert "facts:write" in str(answers[-1][1])


async def test_a_stale_or_missing_etag_changes_nothing(running, world, http):
    customer = f"C-{uuid4().hex[:8]}"
    fact = an_order_fact(customer, uuid4().hex)
    data = {"complaint_id": fact["id"], "received_at": fact["time"], "channel": "mail", "subject": "Late"}
    await world.tell({**fact, "type": "customer.complaint.received.v1", "data": data})
    case = await world.case_of(customer)
    before = await row_counts(running.platform)
    url = f"{running.platform.url(ServiceName.CRISIS)}/v1/cases/{case['id']}/respond"
    body = {"by": "E-1", "text": "we are on it", "means": "call"}

    async with http.post(url, json=body, headers={"If-Match": '"999"'}) as stale:
        assert (stale.status, (await stale.json(content_type=None))["type"]) == (412, "/problems/precondition-failed")
    async with http.post(url, json=body) as missing:
        assert (missing.status, (await missing.json(content_type=None))["type"]) == (
            428,
            "/problems/precondition-required",
        )
    await world.settle()

    assert await row_counts(running.platform) == before


async def test_an_idempotency_key_used_again_for_another_body_changes_nothing(running, world, http):
    url = f"{running.platform.url(ServiceName.CRISIS)}/v1/cases"
    body = {"customer_id": f"C-{uuid4().hex[:8]}", "type": "manual", "title": "by hand", "impact": "low"}
    headers = {"Idempotency-Key": uuid4().hex}
    async with http.post(url, json=body, headers=headers) as first:
        assert first.status == 201, await first.text()
    await world.settle()
    before = await row_counts(running.platform)

    async with http.post(url, json={**body, "title": "another"}, headers=headers) as again:
        problem = await again.json(content_type=None)
    await world.settle()

    assert (again.status, problem["type"]) == (422, "/problems/idempotency-key-reused")
    assert await row_counts(running.platform) == before


async def _a_key(running, *, scopes, expires_at):
    connection = await asyncpg.connect(running.platform.postgres.url("moat_scoring"))
    try:
        made = await create_key(
            connection, name="junk", scopes=scopes, now=datetime.now(UTC) - timedelta(days=1), expires_at=expires_at
        )
        return made.plain
    finally:
        await connection.close()
