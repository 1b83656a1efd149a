"""Customers over HTTP: reading, finding, editing as facts, the timeline, and what each is promised."""

from datetime import timedelta

import pytest

from shared.auth.keys import create_key
from shared.db.database import raw_connection
from tests.support.facts import MONDAY, a_complaint, a_contact, a_profile, ago, an_order

C1 = "/v1/customers/C-1"
PROFILE = {"name": "华鑫泵业有限公司", "segment": "manufacturing", "region": "CN-JS", "account_manager": "E-1042"}
CONTACTS = [{"name": "Lin", "phone": "13800000000", "preferred": True}]


async def put(scoring, body, *, customer: str = "C-1", match: str | None = None, method: str = "PUT"):
    headers = {} if match is None else {"If-Match": match}
    return await scoring.client.request(method, f"/v1/customers/{customer}", json=body, headers=headers)


async def test_a_new_customer_is_written_as_a_fact_and_read_back(scoring):
    answer = await put(
        scoring, {**PROFILE, "since": "2019-06-01", "contacts": CONTACTS, "attributes": {"exporter": True}}
    )
    assert answer.status_code == 202
    assert (answer.headers["location"], answer.headers["etag"]) == (C1, '"1"')
    assert (await scoring.client.get(C1)).status_code == 404, "facts are applied by the consumer, in their turn"

    await scoring.let_in()

    read = await scoring.client.get(C1)
    assert read.headers["etag"] == '"1"', "our own edit was counted when it was sent"
    told = read.json()
    assert {name: told[name] for name in PROFILE} == PROFILE
    assert told["details"] == {"contacts": CONTACTS, "attributes": {"exporter": True}}
    assert (told["service_class"], told["tiers"], told["risk_flags"], told["withheld"]) == ("standard", {}, [], [])


async def test_personal_data_is_withheld_without_the_scope(scoring):
    await scoring.deliver(a_profile(name="X", contacts=CONTACTS, plans="grow"))
    async with scoring.service.base.database.begin() as connection:
        raw = await raw_connection(connection)
        key = await create_key(raw, name="poor", scopes=["scoring:read"], now=MONDAY)
    headers = {"Authorization": f"Bearer {key.plain}"}

    told = (await scoring.client.get(C1, headers=headers)).json()
    assert (told["details"], told["withheld"]) == ({"plans": "grow"}, ["contacts"])
    entries = (await scoring.client.get(f"{C1}/timeline", headers=headers)).json()["items"]
    assert all("contacts" not in entry["data"] for entry in entries)
    assert "Lin" in (await scoring.client.get(f"{C1}/timeline")).text


async def test_edits_need_the_version_they_were_made_on(scoring):
    await put(scoring, PROFILE)
    await scoring.let_in()

    assert (await put(scoring, {"region": "CN-SH"}, method="PATCH")).status_code == 428
    assert (await put(scoring, PROFILE)).status_code == 428
    assert (await put(scoring, {"region": "CN-SH"}, method="PATCH", match='"9"')).status_code == 412
    first = await put(scoring, {"region": "CN-SH"}, method="PATCH", match='"1"')
    assert (first.status_code, first.headers["etag"]) == (202, '"2"')
    second = await put(scoring, {"region": "CN-BJ"}, method="PATCH", match='"1"')
    assert second.status_code == 412, "refused though the first one is not applied yet"
    assert second.json()["current"] == {"version": 2}

    await scoring.let_in()
    assert (await scoring.get(C1))["region"] == "CN-SH"
    await scoring.deliver(a_profile(at=MONDAY + timedelta(seconds=1), region="CN-GD"))
    assert (await scoring.client.get(C1)).headers["etag"] == '"3"', "a change told by another system is a new version"


async def test_put_clears_what_it_leaves_out_and_patch_does_not(scoring):
    await scoring.deliver(a_profile(at=ago(days=1), **PROFILE, plans="grow", attributes={"a": 1, "b": 2}))
    await put(scoring, {"name": "New", "plans": None}, method="PATCH", match='"2"')
    await scoring.let_in()
    told = await scoring.get(C1)
    assert (told["name"], told["region"], told["details"]) == ("New", "CN-JS", {"attributes": {"a": 1, "b": 2}})

    scoring.clock.move(MONDAY + timedelta(seconds=1))
    assert (await put(scoring, {"name": "Newest", "attributes": {"a": 5}}, match='"3"')).status_code == 202
    await scoring.let_in()
    told = await scoring.get(C1)
    assert (told["name"], told["region"], told["details"]) == ("Newest", None, {"attributes": {"a": 5}})


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"sise": "large"}, "/sise"),
        ({"size": "huge"}, "/size"),
        ({"since": "2019"}, "/since"),
        ({"payment_terms_days": -1}, "/payment_terms_days"),
    ],
)
async def test_a_wrong_profile_is_refused_with_a_pointer(scoring, body, pointer):
    answer = await put(scoring, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_unknown_customers_are_not_found(scoring):
    for path in ("", "/tier", "/metrics", "/timeline", "/tier-history", "/service-policy"):
        assert (await scoring.client.get(f"/v1/customers/nobody{path}")).status_code == 404
    assert (await put(scoring, {"name": "X"}, method="PATCH", customer="nobody", match='"1"')).status_code == 404


async def ids(scoring, **filters) -> list[str]:
    return [item["id"] for item in (await scoring.get("/v1/customers", **filters))["items"]]


async def test_customers_are_found_by_name_field_and_tier(scoring):
    await scoring.deliver(
        a_profile("C-1", name="华鑫泵业有限公司", segment="pumps"),
        a_profile("C-2", name="Hua Xin PUMPS Co.", region="CN-JS"),
        a_profile("C-3", name="100% Pure_Water"),
        an_order("C-2", ago(days=400), "5.00"),
        *(an_order("C-3", ago(days=n), "200000.00") for n in (1, 2, 3, 4)),
    )

    assert await ids(scoring, q="泵") == ["C-1"]
    assert await ids(scoring, q="鑫泵业") == ["C-1"]
    assert await ids(scoring, q="ｐｕｍｐｓ") == ["C-2"]
    assert await ids(scoring, q="xin p") == ["C-2"]
    assert await ids(scoring, q="0% pure_") == ["C-3"]
    assert await ids(scoring, q="%") == ["C-3"]
    assert await ids(scoring, q="C-") == ["C-1", "C-2", "C-3"]
    assert await ids(scoring, q="nothing") == []
    assert await ids(scoring, segment="pumps") == ["C-1"]
    assert await ids(scoring, region="CN-JS") == ["C-2"]
    assert await ids(scoring, tier="churn_risk") == ["C-2"]
    assert await ids(scoring, model="rfm-lifecycle", tier="potential") == ["C-3"]
    assert await ids(scoring, service_class="key") == ["C-3"]
    assert await ids(scoring, service_class="key", tier="churn_risk") == []


async def test_pages_hold_every_customer_once_while_others_arrive(scoring):
    await scoring.deliver(*(an_order(f"C-{n:03}") for n in range(0, 40, 2)))
    first = await scoring.get("/v1/customers", page_size=7)
    await scoring.deliver(*(an_order(f"C-{n:03}") for n in range(1, 40, 2)))

    second = await scoring.get("/v1/customers", page_size=100, page_token=first["next_page_token"])

    found = [item["id"] for item in [*first["items"], *second["items"]]]
    assert found == sorted(set(found))
    assert {f"C-{n:03}" for n in range(0, 40, 2)} <= set(found)
    stale = await scoring.client.get("/v1/customers", params={"page_token": first["next_page_token"], "q": "x"})
    assert stale.status_code == 400


async def test_the_timeline_holds_facts_and_tiers_the_latest_first(scoring):
    facts = [an_order(at=ago(days=n), order=f"SO-{n}", amount="130000.00") for n in range(1, 8)]
    await scoring.deliver(*facts, a_contact(at=ago(days=2)), a_complaint(at=ago(days=3)), a_profile(name="X"))

    whole = (await scoring.get(f"{C1}/timeline"))["items"]
    found, token = [], None
    while True:
        page = await scoring.get(f"{C1}/timeline", page_size=3, **({"page_token": token} if token else {}))
        found += page["items"]
        token = page["next_page_token"]
        if token is None:
            break

    assert found == whole
    assert len(whole) == 11
    assert [entry["at"] for entry in whole] == sorted((entry["at"] for entry in whole), reverse=True)
    assert whole[0]["kind"] == "tier.changed"
    assert whole[0]["summary"] == "rfm-lifecycle: graded potential"
    assert "order SO-1: 130000.00 CNY" in [entry["summary"] for entry in whole]
    only = (await scoring.get(f"{C1}/timeline", kind="customer.interaction.logged.v1"))["items"]
    assert [entry["summary"] for entry in only] == ["visit: no outcome noted"]


async def test_every_customer_reads_what_its_class_is_promised(scoring):
    await scoring.deliver(*(an_order(at=ago(days=n), amount="130000.00") for n in (1, 2, 3, 4)))

    told = await scoring.get(f"{C1}/service-policy")
    assert (told["service_class"], told["policy"], told["policy_version"]) == ("key", "default", 1)
    assert told["promise"]["account_manager"] == "dedicated"
    listed = await scoring.get("/v1/service-policies")
    assert [item["key"] for item in listed["items"]] == ["default"]


async def test_a_policy_that_forgets_a_class_is_refused(scoring):
    from services.scoring.api.policies import policy_kind

    body = dict(policy_kind().example)
    body["classes"] = {name: body["classes"][name] for name in ("strategic", "key", "standard")}
    problems = policy_kind().problems("default", body)
    assert [(problem.pointer, problem.rule) for problem in problems] == [("/classes", "required")]
