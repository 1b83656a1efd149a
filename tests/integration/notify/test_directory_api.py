"""The directory over HTTP: made, read, edited under the version that was read, masked, listed in pages."""

import pytest

PERSON = {"name": "Colleague", "locale": "en", "zone": "Asia/Shanghai"}


async def _made(notify, path, body, status=201):
    answer = await notify.client.put(path, json=body)
    assert answer.status_code == status, answer.text
    return answer


async def test_a_person_is_made_edited_and_protected_from_stale_edits(notify):
    made = await _made(notify, "/v1/people/E-1", PERSON)
    assert made.json()["version"] == 1

    without = await notify.client.put("/v1/people/E-1", json=PERSON)
    stale = await notify.client.put("/v1/people/E-1", json=PERSON, headers={"If-Match": '"9"'})
    absent = await notify.client.put("/v1/people/E-9", json=PERSON, headers={"If-Match": '"1"'})
    changed = await notify.client.put(
        "/v1/people/E-1", json={**PERSON, "manager": "E-2", "active": False}, headers={"If-Match": made.headers["etag"]}
    )

    assert (without.status_code, stale.status_code, absent.status_code) == (428, 412, 412)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    read = await notify.client.get("/v1/people/E-1")
    assert read.json() == changed.json()
    assert read.headers["etag"] == '"2"'
    assert (await notify.client.get("/v1/people/E-9")).status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"zone": "Asia/Nowhere"}, "/zone"),
        ({"locale": "english"}, "/locale"),
        ({"name": ""}, "/name"),
        ({"email": "x@example.com"}, "/email"),
        ({"away_until": "2026-03-01T00:00:00Z"}, ""),
        ({"away_from": "2026-03-01T00:00:00"}, "/away_from"),
    ],
)
async def test_a_person_that_is_not_right_is_refused_by_field(notify, change, pointer):
    answer = await notify.client.put("/v1/people/E-1", json={**PERSON, **change})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await notify.client.get("/v1/people")).json()["items"] == []


async def test_lists_come_in_pages_and_filters_hold(notify):
    for number in range(7):
        await _made(notify, f"/v1/people/E-{number}", {**PERSON, "active": number % 2 == 0, "manager": "E-0"})

    seen, token = [], None
    while True:
        query = {"page_size": 2, **({"page_token": token} if token else {})}
        page = (await notify.client.get("/v1/people", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        token = page["next_page_token"]
        if token is None:
            break
    departed = (await notify.client.get("/v1/people", params={"active": "false"})).json()["items"]

    assert seen == [f"E-{number}" for number in range(7)]
    assert [item["id"] for item in departed] == ["E-1", "E-3", "E-5"]


async def test_a_team_keeps_the_order_of_its_members_and_refuses_strangers(notify):
    for person in ("a", "b"):
        await _made(notify, f"/v1/people/{person}", PERSON)
    made = await _made(notify, "/v1/teams/t", {"name": "T", "members": ["b", "a"]})
    stranger = await notify.client.put(
        "/v1/teams/t", json={"name": "T", "members": ["a", "x"]}, headers={"If-Match": made.headers["etag"]}
    )

    assert stranger.status_code == 422
    assert (await notify.client.get("/v1/teams/t")).json()["members"] == ["b", "a"]
    assert len((await notify.client.get("/v1/teams", params={"member": "a"})).json()["items"]) == 1
    assert (await notify.client.get("/v1/teams", params={"member": "x"})).json()["items"] == []


async def _point(notify, key="k1", **body):
    return await notify.client.post(
        "/v1/contact-points",
        json={"person": "E-1", "channel": "smtp", "address": "am.one@example.com", **body},
        headers={"Idempotency-Key": key},
    )


async def test_an_address_is_shown_masked_everywhere(notify):
    await _made(notify, "/v1/people/E-1", PERSON)
    made = await _point(notify)
    point_id = made.json()["id"]
    texts = [
        made.text,
        (await notify.client.get(f"/v1/contact-points/{point_id}")).text,
        (await notify.client.get("/v1/contact-points", params={"person": "E-1"})).text,
    ]

    for text in texts:
        assert "am.one" not in text
        assert "a***@example.com" in text


async def test_the_secret_of_a_webhook_is_shown_once_and_both_sign_after_a_rotation(notify):
    await _made(notify, "/v1/people/E-1", PERSON)
    made = await _point(notify, channel="webhook", address=notify.http.url)
    point = made.json()
    again = await _point(notify, channel="webhook", address=notify.http.url)
    read = await notify.client.get(f"/v1/contact-points/{point['id']}")
    rotated = await notify.client.post(
        f"/v1/contact-points/{point['id']}/rotate-secret", headers={"If-Match": read.headers["etag"]}
    )
    test = await notify.client.post("/v1/channels/webhook/test", json={"contact_point": point["id"]})

    assert point["secret"].startswith("whsec_")
    assert again.json() == point, "the same request again gets the same answer"
    assert read.json()["secret"] is None
    assert rotated.json()["secret"] not in {None, point["secret"]}
    assert test.json()["outcome"] == "accepted"
    from standardwebhooks.webhooks import Webhook

    (call,) = notify.http.calls
    for secret in (point["secret"], rotated.json()["secret"]):
        assert Webhook(secret).verify(call.body, call.headers)["data"]["test"] is True


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"address": "nobody"}, "/address"),
        ({"address": "a@example.com\r\nBcc: b@example.com"}, "/address"),
        ({"channel": "webhook", "address": "https://10.0.0.1/x"}, "/address"),
        ({"channel": "webhook", "address": "http://example.com/x"}, "/address"),
        ({"channel": "pigeon"}, "/channel"),
        ({"person": "E-9"}, "/person"),
        ({"person": None}, ""),
        ({"secret": "short", "channel": "webhook", "address": "https://example.com/x"}, "/secret"),
    ],
)
async def test_a_contact_point_that_is_not_right_is_refused_by_field(notify, body, pointer):
    await _made(notify, "/v1/people/E-1", PERSON)
    answer = await _point(notify, **body)

    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_contact_point_is_there_once_and_can_be_mended_and_removed(notify):
    await _made(notify, "/v1/people/E-1", PERSON)
    point = (await _point(notify)).json()
    twice = await _point(notify, key="k2")
    path = f"/v1/contact-points/{point['id']}"
    marked = await notify.client.patch(path, json={"healthy": False}, headers={"If-Match": '"1"'})
    mended = await notify.client.patch(path, json={"address": "new@example.com"}, headers={"If-Match": '"2"'})
    stale = await notify.client.delete(path, headers={"If-Match": '"1"'})
    removed = await notify.client.delete(path, headers={"If-Match": '"3"'})

    assert twice.status_code == 409
    assert (marked.json()["healthy"], mended.json()["healthy"]) == (False, True)
    assert (stale.status_code, removed.status_code) == (412, 204)
    assert (await notify.client.get(path)).status_code == 404


async def test_rules_and_roles_are_given_edited_and_taken_away(notify):
    for person in ("E-1", "E-2"):
        await _made(notify, f"/v1/people/{person}", PERSON)
    await _made(notify, "/v1/contact-rules/E-1/critical", {"channels": ["webhook", "smtp"]})
    await _made(notify, "/v1/roles/*/team_lead", {"person": "E-1"})
    own = await _made(notify, "/v1/roles/C-1/team_lead", {"person": "E-2"})

    async def resolved(customer):
        answer = await notify.client.get(f"/v1/roles/{customer}/team_lead/resolve")
        return answer.json()["people"]

    assert (await resolved("C-1"), await resolved("C-2")) == (["E-2"], ["E-1"])
    gone = await notify.client.delete("/v1/roles/C-1/team_lead", headers={"If-Match": own.headers["etag"]})
    assert gone.status_code == 204
    assert await resolved("C-1") == ["E-1"]
    (rule,) = (await notify.client.get("/v1/contact-rules", params={"person": "E-1"})).json()["items"]
    assert (rule["urgency"], rule["channels"]) == ("critical", ["webhook", "smtp"])
    (role,) = (await notify.client.get("/v1/roles", params={"person": "E-1"})).json()["items"]
    assert (role["customer"], role["role"]) == ("*", "team_lead")
    both = await notify.client.put("/v1/roles/C-1/legal", json={"person": "E-1", "team": "t"})
    stranger = await notify.client.put("/v1/roles/C-1/legal", json={"person": "E-9"})
    assert (both.status_code, stranger.status_code) == (422, 422)
