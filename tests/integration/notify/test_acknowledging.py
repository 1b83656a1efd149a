"""Acknowledging by link and by API: once, by who was told, and never by opening a page."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notify.domain.tokens import sign
from services.notify.names import ACK_KEY
from shared.db.secrets import signing_key
from tests.support.notify import going

HTML = {"accept": "text/html,application/xhtml+xml", "accept-language": "en"}
JSON = {"accept": "application/json"}


@pytest.fixture
async def mailed(notify):
    """A notify that has sent one mail with a link."""
    await notify.person("E-1")
    await notify.happen(notify.opened(title="<b>Late</b> & broken"))
    async with going(notify):
        await notify.settled()
    return notify


def _path(notify) -> str:
    return notify.mail.mails[0].ack_path


async def _events(notify):
    return await notify.published("message.acknowledged")


async def test_opening_the_link_however_often_acknowledges_nothing(mailed):
    for _ in range(3):
        answer = await mailed.client.get(_path(mailed), headers=HTML)
        assert answer.status_code == 200
        assert '<form method="post"' in answer.text

    assert await _events(mailed) == []
    assert (await mailed.rows("select state from message"))[0]["state"] == "sent"


async def test_other_methods_acknowledge_nothing_either(mailed):
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE"):
        assert (await mailed.client.request(method, _path(mailed))).status_code in {404, 405}

    assert await _events(mailed) == []


async def test_pressing_the_button_acknowledges_once_and_says_so_for_ever_after(mailed):
    first = await mailed.client.post(_path(mailed), headers=HTML)
    second = await mailed.client.post(_path(mailed), headers=HTML)
    page = await mailed.client.get(_path(mailed), headers=HTML)

    assert [answer.status_code for answer in (first, second, page)] == [200, 200, 200]
    for answer in (first, second, page):
        assert "it is acknowledged" in answer.text
        assert "<form" not in answer.text
    (event,) = await _events(mailed)
    assert (event["means"], event["person"], event["urgency"]) == ("link", "E-1", "high")
    (point,) = (await mailed.client.get("/v1/contact-points")).json()["items"]
    assert point["verified_at"] == "2026-03-05T08:00:00Z"
    (message,) = await mailed.rows("select state, acknowledged_by, acknowledged_means from message")
    assert message == {"state": "acknowledged", "acknowledged_by": "E-1", "acknowledged_means": "link"}


async def test_the_page_shows_what_it_is_about_loads_nothing_and_runs_nothing(mailed):
    answer = await mailed.client.get(_path(mailed), headers=HTML)

    assert "&lt;b&gt;Late&lt;/b&gt; &amp; broken" in answer.text
    assert "CR-2026-" in answer.text
    for wrong in ("<script", "http://", "https://", "src=", "<link", "@import"):
        assert wrong not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_page_is_in_the_readers_language(notify):
    await notify.person("E-1", locale="zh-CN")
    await notify.happen(notify.opened())
    async with going(notify):
        await notify.settled()

    answer = await notify.client.get(_path(notify), headers=HTML)
    assert 'lang="zh-CN"' in answer.text
    assert "确认收到" in answer.text


async def test_machines_get_json(mailed):
    before = (await mailed.client.get(_path(mailed), headers=JSON)).json()
    after = (await mailed.client.post(_path(mailed), headers=JSON)).json()

    assert (before["state"], before["acknowledged_at"]) == ("open", None)
    assert (after["state"], after["person"]) == ("acknowledged", "E-1")


async def _token(notify, *, delivery: str | None = None, good_for: timedelta = timedelta(days=1), key=None) -> str:
    async with notify.uow() as work:
        secret = key or await signing_key(work.raw, ACK_KEY, work.now)
    delivery = delivery or (await notify.deliveries())[0]["id"]
    return sign(delivery, datetime.now(UTC) + good_for, secret)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("headers", [HTML, JSON])
async def test_an_expired_link_is_gone(mailed, method, headers):
    token = await _token(mailed, good_for=timedelta(seconds=-1))
    answer = await mailed.client.request(method, f"/v1/acks/{token}", headers=headers)

    assert answer.status_code == 410
    assert await _events(mailed) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_forged_links_are_unknown(mailed, method):
    good = _path(mailed).rpartition("/")[2]
    other = "0195f3a0-7c00-7000-8000-0000000000a2"
    forged = [
        "x",
        good[:-1],
        good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        await _token(mailed, key=b"another secret of 32 bytes......"),
        await _token(mailed, delivery=other),
    ]
    for token in forged:
        answer = await mailed.client.request(method, f"/v1/acks/{token}", headers=HTML)
        assert answer.status_code == 404, token
        assert "not valid" in answer.text

    assert await _events(mailed) == []


async def test_a_closed_case_needs_no_acknowledgement(mailed):
    await mailed.happen(mailed.event("crisis.case.closed.v1", account_manager=None))
    answer = await mailed.client.post(_path(mailed), headers=HTML)

    assert "Nothing left to acknowledge" in answer.text
    assert await _events(mailed) == []


async def test_an_acknowledgement_keeps_later_messages_of_the_step_from_leaving(mailed):
    await mailed.client.post(_path(mailed), headers=HTML)
    (matter,) = await mailed.rows("select matter_id from message")
    await mailed.person("lead")
    await mailed.role("team_lead", "lead")
    await mailed.happen(
        mailed.event(
            "crisis.escalation.raised.v1", role="team_lead", reason="not_acknowledged", matter_id=matter["matter_id"]
        )
    )
    async with going(mailed):
        rows = await mailed.settled(deliveries=2)

    assert (rows[1]["state"], rows[1]["reason"]) == ("obsolete", "acknowledged")
    assert len(mailed.mail.mails) == 1


async def test_two_at_once_acknowledge_once(mailed):
    import asyncio

    answers = await asyncio.gather(*(mailed.client.post(_path(mailed), headers=JSON) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(await _events(mailed)) == 1


async def test_acknowledging_in_somebodys_name_over_the_api(mailed):
    (message,) = await mailed.rows("select id from message")
    await mailed.person("E-2")
    path = f"/v1/messages/{message['id']}/acknowledge"

    first = await mailed.client.post(path, json={"by": "E-2"})
    again = await mailed.client.post(path, json={"by": "E-2"})
    unknown = await mailed.client.post(path, json={"by": "E-9"})
    missing = await mailed.client.post("/v1/messages/none/acknowledge", json={"by": "E-2"})

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["means"] == "api"
    assert (unknown.status_code, missing.status_code) == (422, 404)
    (event,) = await _events(mailed)
    assert (event["person"], event["delivery_id"]) == ("E-2", None)


async def test_a_message_without_a_question_carries_no_link(notify):
    await notify.person("E-1")
    await notify.happen(notify.event("crisis.case.closed.v1", account_manager="E-1"))
    async with going(notify):
        await notify.settled()

    assert "/v1/acks/" not in notify.mail.mails[0].text + notify.mail.mails[0].html


async def merged(notify, *, into="c-2", number="CR-2026-000121", **data):
    into_ = {"into_case_id": into, "into_number": number, "into_customer_id": "C-10002"}
    await notify.happen(notify.event("crisis.case.merged.v1", **into_, **data))


async def test_a_link_of_a_case_that_was_merged_still_takes_notice_and_says_where_it_went(mailed):
    await merged(mailed)
    await merged(mailed, case_id="c-2", into="c-3", number="CR-2026-000130")

    page = await mailed.client.get(_path(mailed), headers=HTML)
    pressed = await mailed.client.post(_path(mailed), headers=JSON)

    assert '<form method="post"' in page.text and "CR-2026-000130" in page.text
    assert pressed.json()["state"] == "acknowledged"
    assert pressed.json()["merged_into"] == {"id": "c-3", "number": "CR-2026-000130"}
    (event,) = await _events(mailed)
    assert event["case_id"] == pressed.json()["case_id"] != "c-3"


async def test_nothing_is_left_to_acknowledge_once_the_case_that_goes_on_is_closed(mailed):
    await merged(mailed)
    await mailed.happen(mailed.event("crisis.case.closed.v1", customer="C-10002", case_id="c-2"))

    answer = await mailed.client.post(_path(mailed), headers=HTML)

    assert "Nothing left to acknowledge" in answer.text
    assert await _events(mailed) == []
