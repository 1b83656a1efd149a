"""From an event of crisis on the bus to a mail, from the mail's link to an event on the bus."""

from tests.support.kernel import until
from tests.support.notify import CUSTOMERS, going


async def test_a_case_becomes_a_mail_and_its_link_becomes_an_acknowledgement(whole_notify):
    notify = whole_notify
    await notify.person("E-1")
    await notify.role("team_lead", "E-1")
    event = notify.opened(severity="S2", title="Third late delivery in a row", customer_name="Example Pumps Co., Ltd.")

    await notify.publish(event, event)
    await notify.settled(deliveries=2)

    (mail,) = notify.mail.mails
    assert mail.to == "e-1@example.com"
    assert mail.subject == "[S2] New customer crisis: Example Pumps Co., Ltd.: Third late delivery in a row"
    assert event.data["number"] in mail.text

    page = await notify.client.get(mail.ack_path, headers={"accept": "text/html"})
    assert page.status_code == 200
    answer = await notify.client.post(mail.ack_path, headers={"accept": "text/html"})
    assert answer.status_code == 200

    async def told() -> bool:
        return len(await notify.published()) >= 3

    await until(told)
    told_of = await notify.published()
    assert [entry["event"] for entry in told_of] == [
        "delivery.suppressed",
        "delivery.accepted",
        "message.acknowledged",
    ]
    assert told_of[-1]["event_id"] == event.id
    assert (told_of[-1]["person"], told_of[-1]["means"]) == ("E-1", "link")
    assert told_of[-1]["case_id"] == event.data["case_id"]


async def test_the_same_event_twice_is_one_message(whole_notify):
    notify = whole_notify
    await notify.person("E-1")
    event = notify.opened()

    await notify.publish(event)
    await notify.settled()
    await notify.publish(event, event)
    await notify.publish(notify.opened(customer="C-2", case_id="other"))
    await notify.settled(deliveries=2)

    assert len(notify.mail.mails) == 2
    assert len(await notify.rows("select from message")) == 2


async def test_the_account_manager_comes_from_the_customers_snapshot_and_the_newest_version_wins(whole_notify):
    notify = whole_notify
    for person in ("E-7", "E-8"):
        await notify.person(person)
    kind = "scoring.customer.snapshot.v1"
    newer = notify.event(kind, version=5, account_manager="E-8")
    older = notify.event(kind, version=4, account_manager="E-7")

    await notify.publish(newer, topic=CUSTOMERS)
    await notify.publish(older, topic=CUSTOMERS)

    async def known() -> bool:
        return (await notify.service.bus.lag("notify-customers", [CUSTOMERS])) == 0

    await until(known)
    await notify.publish(notify.opened(account_manager="E-7"))
    await notify.settled()

    assert [mail.to for mail in notify.mail.mails] == ["e-8@example.com"]


async def test_it_is_not_quiet_until_the_mail_has_been_accepted(whole_notify):
    import asyncio

    notify = whole_notify
    await notify.person("E-1")
    notify.mail.hold = asyncio.Event()
    await notify.publish(notify.opened())
    await until(lambda: _holds(notify.mail.in_data == 1))

    looks = [(await notify.client.get("/v1/admin/quiescence")).json() for _ in range(3)]
    assert not any(look["quiet"] for look in looks)
    assert looks[-1]["others"] == {"deliveries": 1}

    notify.mail.hold.set()

    async def quiet() -> bool:
        return bool((await notify.client.get("/v1/admin/quiescence")).json()["quiet"])

    await until(quiet)
    assert await notify.states() == ["accepted"]


async def _holds(value: bool) -> bool:
    return value


async def test_what_was_overdue_when_it_reached_us_is_told_once_and_says_so(notify):
    await notify.person("E-1")
    late = {"account_manager": "E-1", "at": "2026-03-01T08:00:00Z", "due_at": "2026-03-01T08:00:00Z"}
    await notify.happen(
        notify.event("crisis.clock.breached.v1", **late, at_attach=True, clock_id="one"),
        notify.event("crisis.clock.warned.v1", **late, at_attach=True, clock_id="two", case_id="another"),
    )

    async with going(notify):
        sent = await notify.settled(deliveries=2)

    assert [delivery["state"] for delivery in sent] == ["accepted", "accepted"]
    words = sorted(
        line for mail in notify.mail.mails for line in mail.text.splitlines() if "when it reached us" in line
    )
    assert words == ["It was overdue when it reached us.", "It was running out when it reached us."]
