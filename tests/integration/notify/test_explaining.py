"""Who would be told, who was, and why: routes, templates, messages and deliveries over HTTP."""

import pytest

from services.notify.app import build
from services.notify.settings import NotifySettings
from tests.support.notify import going
from tests.support.routes import assert_documented, assert_every_route_demands_a_scope


async def _dry_run(notify, **body):
    answer = await notify.client.post("/v1/routes/dry-run", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_dry_run_says_who_would_be_told_and_why_and_tells_nobody(notify):
    await notify.person("E-1", hook=True)
    await notify.person("lead")
    await notify.role("team_lead", "lead")
    event = {"type": "crisis.case.opened.v1", "data": {"severity": "S1", "account_manager": "E-1"}}

    found = await _dry_run(notify, event=event)

    assert [route["matched"] for route in found["routes"]] == [True]
    manager, lead = found["messages"]
    assert manager["recipients"][0]["person"] == "E-1"
    assert manager["recipients"][0]["channels"] == ["smtp", "webhook"]
    assert manager["urgency"] == "critical"
    assert lead["steps"][-1] == "lead is told"
    assert await notify.rows("select from message") == []
    assert notify.mail.mails == []


async def test_a_dry_run_tries_a_route_that_is_not_in_force(notify):
    await notify.person("ceo-1")
    await notify.role("ceo", "ceo-1")
    route = {
        "key": "mine",
        "order": 1,
        "events": ["crisis.case.opened.v1"],
        "tell": [{"audience": {"role": "ceo"}, "urgency": "low", "template": "case-opened"}],
    }
    event = {"type": "crisis.case.opened.v1", "data": {"severity": "S1"}}

    found = await _dry_run(notify, event=event, route=route)

    assert [message["rule"] for message in found["messages"]] == ["mine#0"]
    assert found["messages"][0]["recipients"][0]["name"] == "Colleague ceo-1"


@pytest.mark.parametrize(
    "event",
    [{"type": "crisis.case.exploded.v1"}, {"type": "crisis.case.opened.v1", "data": {"severity": "S9"}}, {}],
)
async def test_a_dry_run_of_what_is_no_event_is_refused(notify, event):
    assert (await notify.client.post("/v1/routes/dry-run", json={"event": event})).status_code == 422


async def test_why_tells_the_whole_story_of_a_delivery(notify):
    await notify.person("E-1", hook=True)
    await notify.role("team_lead", "E-1")
    notify.mail.rcpt_answers.append("550 no such mailbox")
    event = notify.opened(severity="S1")
    await notify.happen(event)
    async with going(notify):
        rows = await notify.settled(deliveries=3)
    hook = next(row for row in rows if row["channel"] == "webhook")

    why = (await notify.client.get(f"/v1/deliveries/{hook['id']}/why")).json()

    assert why["delivery"]["state"] == "accepted"
    assert why["event"]["id"] == event.id
    assert why["rule"] == "case-opened-grave#0"
    assert [(route["route"], route["matched"]) for route in why["routes"]] == [("case-opened-grave", True)]
    assert why["role_resolution"][-1] == "E-1 is told"
    assert why["channel_choice"] == ["smtp failed: webhook is next"]
    assert {check["condition"] for check in why["checks"]} == {"case_open", "not_acknowledged"}
    assert [attempt["outcome"] for attempt in why["attempts"]] == ["accepted"]
    alternatives = {(entry["rule"], entry["channel"]): entry["state"] for entry in why["alternatives"]}
    assert alternatives == {("case-opened-grave#0", "smtp"): "failed", ("case-opened-grave#1", "smtp"): "suppressed"}
    assert "e-1@example.com" not in str(why)
    assert notify.http.url not in str(why)


async def test_messages_and_deliveries_are_listed_and_filtered(notify):
    for person in ("E-1", "E-2"):
        await notify.person(person)
    await notify.happen(notify.opened(), notify.opened(customer="C-2", case_id="case-2", account_manager="E-2"))
    async with going(notify):
        await notify.settled(deliveries=2)

    messages = (await notify.client.get("/v1/messages")).json()["items"]
    of_case = (await notify.client.get("/v1/messages", params={"case_id": "case-2"})).json()["items"]
    of_person = (await notify.client.get("/v1/deliveries", params={"person": "E-2"})).json()["items"]
    of_both = (await notify.client.get("/v1/deliveries", params={"person": "E-2", "case_id": "none"})).json()["items"]
    first_page = (await notify.client.get("/v1/deliveries", params={"page_size": 1})).json()

    assert [message["customer_id"] for message in messages] == ["C-2", "C-10001"]
    assert [message["case_id"] for message in of_case] == ["case-2"]
    (delivery,) = messages[0]["deliveries"]
    assert (delivery["address"], delivery["state"]) == ("e***@example.com", "accepted")
    assert [entry["person"] for entry in of_person] == ["E-2"]
    assert of_both == []
    assert first_page["next_page_token"]
    one = (await notify.client.get(f"/v1/messages/{messages[0]['id']}")).json()
    assert one == messages[0]


async def test_a_template_with_an_unknown_variable_cannot_be_activated(notify):
    body = {"channels": {"smtp": {"en": {"subject": "{{ custmer }}", "text": "x"}}}}
    path = "/v1/templates/case-opened/versions"
    draft = await notify.client.post(path, json=body, headers={"Idempotency-Key": "t1"})
    version = draft.json()["version"]
    refused = await notify.client.post(f"{path}/{version}/activate", headers={"If-Match": draft.headers["etag"]})

    assert draft.json()["problems"][0]["pointer"] == "/channels/smtp/en/subject"
    assert refused.status_code == 422
    assert "custmer" in refused.text


async def test_a_new_version_of_a_template_speaks_at_once_and_what_was_meant_before_keeps_its_words(notify):
    await notify.person("E-1")
    await notify.happen(notify.opened())
    body = {"key": "case-opened", "channels": {"smtp": {"en": {"subject": "New words", "text": "x"}}}}
    from services.notify.kinds import TEMPLATES

    await notify.document(TEMPLATES, body)
    await notify.happen(notify.opened(customer="C-2", case_id="case-2"))
    async with going(notify):
        await notify.settled(deliveries=2)

    assert sorted(mail.subject == "New words" for mail in notify.mail.mails) == [False, True]


async def test_a_template_without_words_for_the_channel_falls_back_to_plain_facts_and_says_so(notify):
    await notify.person("E-1")
    body = {"key": "case-opened", "channels": {"webhook": {"en": {"subject": "s", "text": "t"}}}}
    from services.notify.kinds import TEMPLATES

    await notify.document(TEMPLATES, body)
    await notify.happen(notify.opened(number="CR-7"))
    async with going(notify):
        (delivery,) = await notify.settled()

    (mail,) = notify.mail.mails
    assert "CR-7" in mail.subject
    assert "/v1/acks/" in mail.text
    why = (await notify.client.get(f"/v1/deliveries/{delivery['id']}/why")).json()
    assert "no wording for smtp" in why["attempts"][0]["detail"]


@pytest.mark.parametrize(("locale", "word"), [("zh-CN", "客户"), ("en", "Customer")])
async def test_a_preview_reads_as_it_would_be_sent(notify, locale, word):
    answer = await notify.client.post(
        "/v1/templates/case-opened/preview", json={"locale": locale, "variables": {"title": "<b>"}}
    )
    wrong = await notify.client.post("/v1/templates/case-opened/preview", json={"variables": {"titel": "x"}})

    assert word in answer.json()["text"]
    assert "&lt;b&gt;" in answer.json()["html"]
    assert wrong.status_code == 422


async def test_channels_say_how_they_are_and_send_tests(notify):
    await notify.person("E-1")
    listed = (await notify.client.get("/v1/channels")).json()["items"]
    health = (await notify.client.get("/v1/channels/smtp/health")).json()
    test = (await notify.client.post("/v1/channels/smtp/test", json={"contact_point": "E-1-mail"})).json()
    wrong = await notify.client.post("/v1/channels/webhook/test", json={"contact_point": "E-1-mail"})

    assert {channel["name"]: channel["set_up"] for channel in listed} == {"smtp": True, "webhook": True}
    assert health["healthy"], health
    assert (test["outcome"], test["address"]) == ("accepted", "e***@example.com")
    assert [mail.to for mail in notify.mail.mails] == ["e-1@example.com"]
    assert wrong.status_code == 422


def _unstarted():
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    return build(NotifySettings(database_url=nowhere, bus_url=nowhere, port=8003, profile="test")).app


async def test_every_route_but_the_signed_links_demands_a_scope():
    assert await assert_every_route_demands_a_scope(_unstarted(), open_paths=frozenset({"/v1/acks/{token}"})) > 40


def test_every_operation_is_documented():
    assert_documented(_unstarted())
