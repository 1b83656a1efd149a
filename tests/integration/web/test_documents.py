"""Documents over HTTP: drafted in JSON or YAML, validated, activated, retired; presets; an exact cache."""

import asyncio

import pytest

from shared.documents import Document
from shared.documents.cache import Documents
from shared.documents.presets import BrokenPreset, load_presets
from tests.support.web import RECIPES, keyed

YAML = {"Content-Type": "application/yaml"}


async def draft(things, body, key="soup", **headers):
    return await things.client.post(f"/v1/recipes/{key}/versions", json=body, headers={**keyed(), **headers})


async def activate(things, version, key="soup"):
    read = await things.client.get(f"/v1/recipes/{key}/versions/{version}")
    return await things.client.post(
        f"/v1/recipes/{key}/versions/{version}/activate", headers={"If-Match": read.headers["etag"]}
    )


async def test_a_document_goes_from_draft_to_active_to_retired(things):
    made = await draft(things, {"key": "soup", "minutes": 20})
    assert (made.status_code, made.json()["state"], made.headers["location"]) == (
        201, "draft", "/v1/recipes/soup/versions/1",
    )  # fmt: skip
    assert (await things.client.get("/v1/recipes/soup")).status_code == 404

    assert (await activate(things, 1)).json()["state"] == "active"
    await draft(things, {"key": "soup", "minutes": 30})
    assert (await activate(things, 2)).json()["state"] == "active"

    states = [v["state"] for v in (await things.client.get("/v1/recipes/soup/versions")).json()["items"]]
    assert states == ["active", "retired"]
    assert (await things.client.get("/v1/recipes/soup")).json()["body"]["minutes"] == 30
    assert (await things.client.get("/v1/recipes/soup/versions/1")).json()["body"]["minutes"] == 20
    assert (await things.client.post("/v1/recipes/soup/retire")).json()["state"] == "retired"
    assert (await things.client.get("/v1/recipes")).json()["items"] == []


async def test_yaml_is_read_as_json_would_be(things):
    text = "# mine\nkey: soup\nminutes: 20\n"

    made = await things.client.post("/v1/recipes/soup/versions", content=text, headers={**YAML, **keyed()})

    assert made.json()["body"] == {"key": "soup", "minutes": 20}


@pytest.mark.parametrize(
    ("text", "rule", "detail"),
    [
        ("key: a\nkey: b\n", "yaml", "line 2, column 1: the name 'key' occurs twice"),
        ("a: &x 1\nb: *x\n", "yaml", "aliases"),
        ("1: a\n", "yaml", "names are text"),
        ("a: [\n", "yaml", "line 2"),
        ("- a\n", "type", "an object"),
        ("a: 123456789012345678901234567890\n", "number", "64 bits"),
        ("a: !!python/object:os.system x\n", "yaml", "could not determine a constructor"),
    ],
)
async def test_yaml_that_misleads_is_refused_with_its_place(things, text, rule, detail):
    answer = await things.client.post("/v1/recipes/soup/versions", content=text, headers={**YAML, **keyed()})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] == rule
    assert detail in answer.json()["errors"][0]["detail"]


async def test_a_draft_with_problems_is_kept_but_cannot_be_activated(things):
    made = await draft(things, {"key": "soup", "minutes": 0, "salt": True})
    assert {(p["pointer"], p["rule"]) for p in made.json()["problems"]} == {
        ("/minutes", "range"), ("/salt", "unknown-field"),
    }  # fmt: skip

    answer = await activate(things, 1)

    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/minutes", "/salt"}
    assert (await things.client.get("/v1/recipes/soup/versions/1")).json()["state"] == "draft"


async def plan(things, version, instant):
    read = await things.client.get(f"/v1/recipes/soup/versions/{version}")
    return await things.client.post(
        f"/v1/recipes/soup/versions/{version}/activate",
        json={"effective_from": instant},
        headers={"If-Match": read.headers["etag"]},
    )


async def moved(things, instant):
    """The clock goes on to an instant, and whatever falls due by then is done."""
    (await things.client.post("/v1/admin/clock", json={"now": instant})).raise_for_status()
    async with asyncio.timeout(60):
        while not (await things.client.get("/v1/admin/quiescence")).json()["quiet"]:
            await asyncio.sleep(0.02)


async def states(things):
    """State and effective instant of each version, the oldest first."""
    found = (await things.client.get("/v1/recipes/soup/versions")).json()["items"]
    return [(one["state"], one["effective_from"]) for one in reversed(found)]


async def test_an_activation_may_be_planned_and_happens_at_its_instant(things):
    await draft(things, {"key": "soup", "minutes": 20})
    await activate(things, 1)
    await draft(things, {"key": "soup", "minutes": 30})
    now = "2026-03-02T08:00:00Z"

    answer = await plan(things, 2, "2026-03-03T00:00:00+08:00")
    assert (answer.json()["state"], answer.json()["effective_from"]) == ("draft", "2026-03-02T16:00:00Z")
    assert await states(things) == [("active", now), ("draft", "2026-03-02T16:00:00Z")]

    await moved(things, "2026-03-02T15:59:59Z")
    assert [state for state, _ in await states(things)] == ["active", "draft"]
    await moved(things, "2026-03-02T16:00:00Z")
    assert await states(things) == [("retired", now), ("active", "2026-03-02T16:00:00Z")]


async def test_changing_a_draft_drops_its_plan(things):
    await draft(things, {"key": "soup", "minutes": 20})
    planned = await plan(things, 1, "2026-03-02T09:00:00Z")
    await things.client.put(
        "/v1/recipes/soup/versions/1", json={"minutes": 0}, headers={"If-Match": planned.headers["etag"]}
    )

    await moved(things, "2026-03-02T10:00:00Z")

    assert await states(things) == [("draft", None)]


async def test_a_plan_that_cannot_be_is_refused_and_nothing_is_planned(things):
    await draft(things, {"key": "soup", "minutes": 0})
    invalid = await plan(things, 1, "2026-03-02T09:00:00Z")
    await things.client.put("/v1/recipes/soup/versions/1", json={"minutes": 5}, headers={"If-Match": '"1.1"'})
    far = await plan(things, 1, "2099-01-01T00:00:00Z")
    unzoned = await plan(things, 1, "2027-01-01T00:00:00")

    assert [(e["pointer"], e["rule"]) for e in invalid.json()["errors"]] == [("/minutes", "range")]
    assert [(e["pointer"], e["rule"]) for e in far.json()["errors"]] == [("/effective_from", "instant-range")]
    assert [e["pointer"] for e in unzoned.json()["errors"]] == ["/effective_from"]
    assert await states(things) == [("draft", None)]


async def test_validating_stores_nothing(things):
    good = await things.client.post("/v1/recipes/soup/validate", json={"key": "soup", "minutes": 1})
    bad = await things.client.post("/v1/recipes/soup/validate", json={"key": "tea", "minutes": 1})

    assert good.json() == {"valid": True, "errors": []}
    assert (bad.json()["valid"], bad.json()["errors"][0]["pointer"]) == (False, "/key")
    assert await things.rows("select * from document") == []


async def test_a_draft_is_changed_on_the_version_that_was_read_and_an_active_one_never(things):
    made = await draft(things, {"key": "soup", "minutes": 20})
    where, tag = made.headers["location"], made.headers["etag"]

    changed = await things.client.put(where, json={"key": "soup", "minutes": 25}, headers={"If-Match": tag})
    stale = await things.client.put(where, json={"key": "soup", "minutes": 26}, headers={"If-Match": tag})
    await activate(things, 1)
    frozen = await things.client.put(
        where, json={"key": "soup", "minutes": 27}, headers={"If-Match": changed.headers["etag"]}
    )

    assert (changed.status_code, stale.status_code, frozen.status_code) == (200, 412, 409)
    assert frozen.json()["type"] == "/problems/not-a-draft"
    assert (await things.client.get("/v1/recipes/soup")).json()["body"]["minutes"] == 25


async def test_fields_come_back_in_the_order_in_which_they_were_written(things):
    made = await draft(things, {"minutes": 20, "key": "soup"})

    read = await things.client.get(made.headers["location"])

    assert list(read.json()["body"]) == ["minutes", "key"]


class Recipe(Document):
    key: str
    minutes: int


async def test_the_cache_sees_an_activation_at_once_and_keeps_what_is_pinned(things):
    cache = Documents("recipe", lambda stored: Recipe(**stored.body).minutes)
    uow = things.service.base.uow
    await draft(things, {"key": "soup", "minutes": 20})
    await activate(things, 1)
    async with uow() as work:
        first = await cache.active(work.raw)
        assert await cache.active(work.raw) is first

    await draft(things, {"key": "soup", "minutes": 30})
    await activate(things, 2)

    async with uow() as work:
        assert (first, await cache.active(work.raw)) == ({"soup": 20}, {"soup": 30})
        assert await cache.pinned(work.raw, "soup", 1) == 20


async def test_presets_are_installed_once_and_renewed_until_an_operator_has_his_own(things, tmp_path):
    uow, path = things.service.base.uow, tmp_path / "soup.yaml"
    path.write_text("key: soup\nminutes: 20\n")
    made = [len(await load_presets(uow, RECIPES, tmp_path)) for _ in range(2)]
    path.write_text("key: soup\nminutes: 21\n")
    made.append(len(await load_presets(uow, RECIPES, tmp_path)))
    await draft(things, {"key": "soup", "minutes": 99})
    await activate(things, 3)
    path.write_text("key: soup\nminutes: 22\n")
    made.append(len(await load_presets(uow, RECIPES, tmp_path)))

    assert made == [1, 0, 1, 0]
    assert (await things.client.get("/v1/recipes/soup")).json()["body"]["minutes"] == 99


async def test_a_preset_that_an_operator_retired_stays_retired(things, tmp_path):
    (tmp_path / "soup.yaml").write_text("key: soup\nminutes: 20\n")
    await load_presets(things.service.base.uow, RECIPES, tmp_path)
    await things.client.post("/v1/recipes/soup/retire")
    (tmp_path / "soup.yaml").write_text("key: soup\nminutes: 21\n")

    assert await load_presets(things.service.base.uow, RECIPES, tmp_path) == []


async def test_a_preset_that_is_not_valid_stops_the_start(things, tmp_path):
    (tmp_path / "soup.yaml").write_text("key: soup\nminutes: 0\n")

    with pytest.raises(BrokenPreset, match=r"soup\.yaml: /minutes"):
        await load_presets(things.service.base.uow, RECIPES, tmp_path)
