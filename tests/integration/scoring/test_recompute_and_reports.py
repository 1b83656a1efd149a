"""Recomputing everybody, exchange rates, and reports."""

from datetime import timedelta

from shared.contracts import format_instant
from shared.ids import new_id
from tests.support.facts import MONDAY, a_profile, a_refund, ago, an_order
from tests.support.scoring import RFM, rfm

BIG = [an_order(f"C-{n}", ago(days=day), "130000.00") for n in range(3) for day in (1, 2, 3, 4)]
SMALL = [an_order(f"D-{n}", ago(days=3), "1.00") for n in range(5)]


async def recompute(scoring, key: str = RFM, *, status: int = 202, idempotency: str | None = None):
    headers = {"Idempotency-Key": idempotency or new_id()}
    answer = await scoring.client.post(f"/v1/models/{key}/recompute", headers=headers)
    assert answer.status_code == status, answer.text
    return answer


async def test_a_new_version_takes_effect_for_everybody_by_a_job(scoring):
    await scoring.deliver(*BIG, *SMALL)
    generous = rfm()
    generous["tiers"][1]["service_class"], generous["tiers"][2]["service_class"] = "strategic", "key"
    await scoring.activate(generous)

    asked = await recompute(scoring)
    assert asked.headers["location"] == f"/v1/jobs/{asked.json()['id']}"
    await recompute(scoring, status=409)
    await scoring.run_jobs()

    job = await scoring.get(asked.headers["location"])
    assert (job["state"], job["done"], job["total"]) == ("succeeded", 8, 8)
    assert job["result"] == {"customers": 8, "changed": 8}
    changed = [event for event in await scoring.events("tier.changed") if event["cause"] == "model"]
    assert len(changed) == 8
    assert {event["direction"] for event in changed} == {"upgrade"}
    assert {event["model_version"] for event in changed} == {2}

    again = await recompute(scoring)
    before = len(await scoring.events())
    await scoring.run_jobs()
    assert (await scoring.get(again.headers["location"]))["result"] == {"customers": 8, "changed": 0}
    assert len(await scoring.events()) == before, "what did not change is not told"


async def test_a_recompute_goes_on_where_it_stopped(scoring, monkeypatch):
    from services.scoring.usecases import recompute as module

    await scoring.deliver(*SMALL)
    monkeypatch.setattr(module, "CHUNK", 2)
    asked = await recompute(scoring)
    await scoring.rows(
        "update job set state = 'running', progress = $2::jsonb where id = $1",
        asked.json()["id"],
        '{"done": 2, "total": 5, "cursor": "D-1", "changed": 0}',
    )

    await scoring.run_jobs()

    job = await scoring.get(asked.headers["location"])
    assert (job["state"], job["result"]["customers"]) == ("succeeded", 5)


async def test_a_second_model_grades_everybody_after_a_recompute_as_a_first_grading_by_the_model(scoring):
    await scoring.deliver(*SMALL)
    await scoring.activate({**rfm(), "key": "second", "priority": 1})

    await recompute(scoring, "second")
    await scoring.run_jobs()

    told = await scoring.tier("D-1", model="second")
    assert (told["primary"], told["cause"], told["lifecycle"]) == (False, "model", "effective")
    assert (await scoring.get("/v1/customers/D-1"))["tiers"] == {RFM: "general", "second": "general"}
    assert (await scoring.get("/v1/customers/D-1"))["primary_model"] == RFM


async def test_the_model_of_the_segment_is_the_primary_one_and_leaves_with_the_segment(scoring):
    special = {**rfm(), "key": "pumps", "segment": "pumps", "priority": 1}
    await scoring.activate(special)
    await scoring.deliver(an_order(), a_profile(segment="pumps"))
    customer = await scoring.get("/v1/customers/C-1")
    assert (customer["primary_model"], set(customer["tiers"])) == ("pumps", {"pumps", RFM})

    await scoring.deliver(a_profile(at=MONDAY + timedelta(seconds=1), segment="valves"))

    customer = await scoring.get("/v1/customers/C-1")
    assert (customer["primary_model"], set(customer["tiers"])) == (RFM, {RFM})
    assert (await scoring.client.get("/v1/customers/C-1/tier", params={"model": "pumps"})).status_code == 404
    history = (await scoring.get("/v1/customers/C-1/tier-history", model="pumps"))["items"]
    assert history[0]["valid_to"] is not None


async def test_only_active_models_are_recomputed(scoring):
    await recompute(scoring, "nonsense", status=404)
    async with scoring.service.base.uow() as work:
        from shared.documents import store

        await store.retire(work, "tier-model", RFM)
    answer = await recompute(scoring, status=409)
    assert answer.json()["type"] == "/problems/model-not-active"


async def test_an_order_without_a_rate_is_a_visible_gap_until_the_rate_is_known(scoring):
    await scoring.deliver(an_order(at=ago(days=3), amount="100.00", currency="USD"), an_order(amount="50.00"))
    told = (await scoring.get("/v1/customers/C-1/metrics"))["metrics"]
    assert told["spend_90d"] == {"value": None, "unit": "CNY", "window": "P90D", "facts": 2, "gaps": 1}
    assert (told["purchases_90d"]["value"], told["spend_90d_prev"]["value"]) == (2, "0.00")
    assert (await scoring.tier("C-1"))["state"] == "insufficient_data"

    day = (ago(days=3) + timedelta(hours=8)).date().isoformat()
    rate = {"currency": "USD", "quote": "CNY", "day": day, "rate": "7.1834"}
    answer = await scoring.client.put("/v1/exchange-rates", json={"rates": [rate]})
    assert answer.json()["changed"] == 1
    await scoring.run_jobs()

    assert (await scoring.metrics("C-1"))["spend_90d"] == "768.34"
    assert (await scoring.standing("C-1"))["tier"] == "potential"
    assert (await scoring.client.put("/v1/exchange-rates", json={"rates": [rate]})).json() == {
        "changed": 0,
        "job": None,
    }
    assert (await scoring.get("/v1/exchange-rates", currency="USD"))["items"] == [rate]


async def test_the_rate_of_the_day_counts_and_an_older_one_for_a_week_only(scoring):
    def rate(days: int, value: str) -> dict:
        day = (ago(days=days) + timedelta(hours=8)).date().isoformat()
        return {"currency": "JPY", "quote": "CNY", "day": day, "rate": value}

    await scoring.client.put("/v1/exchange-rates", json={"rates": [rate(20, "0.05"), rate(4, "0.06"), rate(2, "9")]})
    await scoring.deliver(
        an_order("C-1", ago(days=14), "1000", currency="JPY"),
        an_order("C-2", ago(days=3), "1000", currency="JPY"),
        an_order("C-3", ago(days=13), "1000", currency="JPY"),
    )

    spends = [(await scoring.metrics(f"C-{n}"))["spend_90d"] for n in (1, 2, 3)]
    assert spends == ["50.00", "60.00", None]


async def test_a_refund_in_another_currency_than_its_order_is_a_gap(scoring):
    await scoring.deliver(an_order(order="SO-1", amount="100.00"), a_refund("SO-1", "10.00", currency="USD"))

    told = (await scoring.get("/v1/customers/C-1/metrics"))["metrics"]
    assert (told["spend_90d"]["value"], told["spend_90d"]["gaps"], told["purchases_90d"]["value"]) == (None, 1, 1)


async def test_unknown_currencies_and_days_are_refused_with_pointers(scoring):
    bad = {"currency": "USX", "quote": "CNY", "day": "soon", "rate": "0"}
    answer = await scoring.client.put("/v1/exchange-rates", json={"rates": [bad]})
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/rates/0/currency", "/rates/0/day", "/rates/0/rate"}


async def test_the_distribution_counts_everybody_once(scoring):
    await scoring.deliver(*BIG, *SMALL, a_profile("E-1", name="nothing bought"), a_profile("C-1", segment="pumps"))

    told = await scoring.get("/v1/reports/distribution", model=RFM)
    assert [(tier["tier"], tier["customers"]) for tier in told["tiers"]] == [("potential", 3), ("general", 5)]
    assert (told["graded"], told["insufficient_data"]) == (8, 1)
    assert told["service_classes"] == {"key": 3, "standard": 6}
    assert sum(tier["share"] for tier in told["tiers"]) == 1
    segment = await scoring.get("/v1/reports/distribution", model=RFM, segment="pumps")
    assert [(tier["tier"], tier["customers"]) for tier in segment["tiers"]] == [("potential", 1)]
    assert (await scoring.client.get("/v1/reports/distribution", params={"model": "x"})).status_code == 404


async def test_the_migration_matrix_says_who_went_where_and_why(scoring):
    await scoring.deliver(*BIG, *SMALL)
    scoring.clock.move(MONDAY + timedelta(days=1))
    await scoring.deliver(*(an_order("D-0", MONDAY, "200000.00") for _ in range(4)))

    told = await scoring.get("/v1/reports/migration", model=RFM, start=format_instant(MONDAY + timedelta(hours=1)))

    moves = {(move["from_tier"], move["to_tier"]): move["customers"] for move in told["moves"]}
    assert moves == {("general", "general"): 4, ("general", "potential"): 1, ("potential", "potential"): 3}
    assert told["changes"] == [{"direction": "upgrade", "cause": "data", "changes": 1}]
    backwards = {"model": RFM, "start": format_instant(scoring.clock.now() + timedelta(days=1))}
    assert (await scoring.client.get("/v1/reports/migration", params=backwards)).status_code == 422


async def test_the_catalogue_says_what_every_metric_means(scoring):
    items = (await scoring.get("/v1/metrics"))["items"]
    assert {"key", "definition", "unit", "window", "facts", "null", "computed"} == items[0].keys()
    assert [item["key"] for item in items if not item["computed"]] == [
        "overdue_days_max",
        "overdue_amount",
        "days_to_pay_mean",
        "credit_utilisation",
    ]


async def test_metrics_of_an_earlier_instant_know_nothing_of_what_came_after(scoring):
    await scoring.deliver(an_order(at=ago(days=10), order="SO-1", amount="100.00"), a_refund("SO-1", "40.00"))

    then = await scoring.metrics("C-1", as_of=format_instant(ago(days=1)))
    assert (then["spend_90d"], then["days_since_last_purchase"]) == ("100.00", 9)
    assert (await scoring.metrics("C-1"))["spend_90d"] == "60.00"
    ahead = {"as_of": format_instant(MONDAY + timedelta(seconds=1))}
    assert (await scoring.client.get("/v1/customers/C-1/metrics", params=ahead)).status_code == 422
