"""Tier models over HTTP: grading given values, versions, activation, and what bad input is told."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from services.scoring.api.models import MODEL_DRAFTS, MODELS, model_kind, model_routers
from shared.auth.keys import create_key
from shared.contracts import decode
from shared.db.database import raw_connection
from shared.ids import new_id
from shared.service import Foundation, Parts, build_service
from shared.settings import ServiceSettings
from shared.web.app import About
from tests.support.tier_models import document, weighted

NOW = "2026-03-02T08:00:00+00:00"
MODELS_URL = "/v1/models"
RFM = f"{MODELS_URL}/rfm-lifecycle"
CORE = {
    "days_since_last_purchase": 12,
    "purchases_90d": 5,
    "spend_365d": "620000.00",
    "spend_90d": "150000.00",
    "spend_90d_prev": 148000,
    "customer_age_days": 900,
}


@pytest.fixture
async def client(postgres, scoring_database) -> AsyncIterator[httpx.AsyncClient]:
    with postgres.empty() as bus_url:
        given = {"profile": "test", "clock": f"stepped:{NOW}", "port": 0, "shutdown_seconds": 5.0}
        base = Foundation.lay("scoring", ServiceSettings(database_url=scoring_database, bus_url=bus_url, **given))
        kind = model_kind()
        parts = Parts(
            about=About("Scoring", "Models."),
            routers=model_routers(),
            documents=[model_kind()],
            presets=[(kind, MODELS)],
            offered=[(kind, MODEL_DRAFTS)],
        )
        service = build_service(base, parts)
        async with base.database.begin() as connection:
            raw = await raw_connection(connection)
            scopes = ("scoring:read", "scoring:model")
            key = await create_key(raw, name="test", scopes=scopes, now=base.clock.now())
        transport = httpx.ASGITransport(service.app, client=("127.0.0.1", 5000))
        headers = {"Authorization": f"Bearer {key.plain}"}
        async with (
            service.app.router.lifespan_context(service.app),
            httpx.AsyncClient(transport=transport, base_url="http://scoring", headers=headers) as made,
        ):
            made.bus = service.bus  # type: ignore[attr-defined]
            yield made


async def announced(client: httpx.AsyncClient, *, count: int) -> list[dict]:
    """The first `count` activations on the bus."""
    async with asyncio.timeout(60):
        while True:
            records = await client.bus.read("moat.scoring.v1", limit=100)  # type: ignore[attr-defined]
            events = [decode(record.key, record.value, record.headers) for record in records]
            found = [event.data for event in events if event.type == "scoring.model.activated.v1"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


def keyed() -> dict[str, str]:
    return {"Idempotency-Key": new_id()}


async def evaluate(client: httpx.AsyncClient, metrics: dict, model: str = "rfm-lifecycle", **more: object) -> dict:
    answer = await client.post(f"{MODELS_URL}/{model}/evaluate", json={"metrics": metrics, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def draft(client: httpx.AsyncClient, body: dict) -> tuple[int, str]:
    made = await client.post(f"{MODELS_URL}/{body['key']}/versions", json=body, headers=keyed())
    assert made.status_code == 201, made.text
    return made.json()["version"], made.headers["ETag"]


async def activate(client: httpx.AsyncClient, key: str, version: int, tag: str) -> httpx.Response:
    url = f"{MODELS_URL}/{key}/versions/{version}/activate"
    return await client.post(url, headers={"If-Match": tag} | keyed())


async def test_given_values_are_graded_and_explained(client):
    grade = await evaluate(client, CORE)

    assert (grade["tier"], grade["service_class"], grade["rank"]) == ("core", "strategic", 1)
    assert (grade["score"], grade["max_score"], grade["state"], grade["coverage"]) == (15, 15, "graded", 1)
    assert (grade["model"], grade["model_version"], grade["lifecycle_stage"]) == ("rfm-lifecycle", 1, "mature")
    assert grade["bands"] == dict.fromkeys(("days_since_last_purchase", "purchases_90d", "spend_365d"), "high")
    spend = grade["contributions"][2]
    told = {"indicator": "spend_365d", "value": "620000.00", "band": "high", "points": 5, "weight": 1}
    assert spend.items() >= (told | {"effective_weight": 1}).items()
    assert sum(part["contribution"] for part in grade["contributions"]) == grade["score"]
    assert (grade["rules"], grade["missing"]) == ([], [])
    assert {change["direction"] for change in grade["smallest_changes"]} == {"down"}


async def test_missing_values_are_told_and_never_become_a_zero(client):
    grade = await evaluate(client, {"days_since_last_purchase": 12, "purchases_90d": None})

    assert (grade["state"], grade["tier"], grade["service_class"], grade["score"]) == ("insufficient_data", *[None] * 3)
    assert {"purchases_90d", "spend_365d", "spend_90d"} <= set(grade["missing"])
    assert set(grade["lacking"]) == {"purchases_90d", "spend_365d", "lifecycle_stage"}


async def test_a_shipped_draft_can_be_tried_under_each_profile(client):
    metrics = {
        "spend_365d": "100000.00",
        "purchases_365d": 21,
        "tenure_years": 6,
        "repurchase_rate": 0.7,
        "rating.influence": 5,
        "rating.willingness_to_pay": 4,
        "rating.personalisation": 4,
    }
    retail = await evaluate(client, metrics, "abcd")
    service = await evaluate(client, metrics, "abcd", profile="service")

    assert (retail["tier"], retail["score"], retail["profile"]) == ("B", 76, "retail")
    assert (service["tier"], service["score"], service["profile"]) == ("A", 88, "service")
    assert service["contributions"][2]["value"] == {"tenure_years": 6, "repurchase_rate": 0.7}


REFUSED = [
    ({"metrics": {"spend": 3}}, "/metrics/spend", "metric"),
    ({"metrics": {"spend_365d": "499999.999"}}, "/metrics/spend_365d", "amount"),
    ({"metrics": {"purchases_90d": 2.5}}, "/metrics/purchases_90d", "whole"),
    ({"metrics": {"purchases_90d": -1}}, "/metrics/purchases_90d", "range"),
    ({"metrics": {"purchases_90d": True}}, "/metrics/purchases_90d", "number"),
    ({"metrics": {"repurchase_rate": "1.01"}}, "/metrics/repurchase_rate", "range"),
    ({"metrics": {"rating.influence": 6}}, "/metrics/rating.influence", "range"),
    ({"metrics": {"lifecycle_stage": "ripe"}}, "/metrics/lifecycle_stage", "choice"),
    ({"metrics": CORE, "profile": "retail"}, "/profile", "reference"),
    ({"metrics": CORE, "colour": "red"}, "/colour", "unknown-field"),
    ({}, "/metrics", "required"),
]


async def test_wrong_values_are_refused_with_their_place_and_rule(client):
    for body, pointer, rule in REFUSED:
        answer = await client.post(f"{RFM}/evaluate", json=body)

        assert answer.status_code == 422, body
        assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [(pointer, rule)]


async def test_an_unknown_model_or_version_is_not_found(client):
    unknown = await client.post(f"{MODELS_URL}/nothing/evaluate", json={"metrics": {}})
    version = await client.post(f"{RFM}/evaluate", json={"metrics": CORE, "version": 9})

    assert (unknown.status_code, version.status_code) == (404, 404)


async def test_an_activated_version_grades_from_then_on_and_is_announced(client):
    body = document("rfm-lifecycle")
    body["indicators"][1]["bands"][0]["at_least"] = 6
    version, tag = await draft(client, body)
    before = await evaluate(client, CORE)
    tried = await evaluate(client, CORE, version=version)
    activated = await activate(client, "rfm-lifecycle", version, tag)
    after = await evaluate(client, CORE)
    old = await evaluate(client, CORE, version=1)

    assert activated.status_code == 200, activated.text
    assert [grade["score"] for grade in (before, tried, after, old)] == [15, 13, 13, 15]
    assert (after["model_version"], old["model_version"]) == (2, 1)
    listed = (await client.get(MODELS_URL)).json()["items"]
    assert [(model["key"], model["version"], model["state"]) for model in listed] == [("rfm-lifecycle", 2, "active")]


async def test_a_draft_with_problems_is_kept_but_neither_activated_nor_graded(client):
    body = weighted(tiers=weighted()["tiers"][:2])
    version, tag = await draft(client, body)
    validation = await client.post(f"{MODELS_URL}/weighted/validate", json=body)
    refused = await activate(client, "weighted", version, tag)
    graded = await client.post(f"{MODELS_URL}/weighted/evaluate", json={"metrics": {}})

    assert validation.json()["valid"] is False
    assert {error["pointer"] for error in validation.json()["errors"]} == {"/tiers"}
    assert refused.status_code == 422
    assert (graded.status_code, graded.json()["type"]) == (409, "/problems/draft-has-problems")


async def test_a_changed_draft_is_graded_as_it_stands_now(client):
    body = weighted()
    version, tag = await draft(client, body)
    first = await evaluate(client, {"spend_365d": 600, "gross_margin_365d": 0}, "weighted")
    body["indicators"][0]["bands"][0]["at_least"] = 600
    url = f"{MODELS_URL}/weighted/versions/{version}"
    changed = await client.put(url, json=body, headers={"If-Match": tag})
    second = await evaluate(client, {"spend_365d": 600, "gross_margin_365d": 0}, "weighted")

    assert changed.status_code == 200
    assert (first["bands"]["spend_365d"], second["bands"]["spend_365d"]) == ("medium", "high")


async def test_activation_is_published_for_the_model(client):
    version, tag = await draft(client, weighted())
    await activate(client, "weighted", version, tag)
    activated = {event["model"]: event for event in await announced(client, count=2)}

    assert activated["rfm-lifecycle"]["activated_by"] is None
    assert activated["weighted"].items() >= {"model_version": 1, "previous_version": None}.items()
    assert [tier["tier"] for tier in activated["weighted"]["tiers"]] == ["top", "middle", "rest"]
