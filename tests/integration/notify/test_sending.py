"""What becomes of a delivery: tried again, over the next channel, or the next level is called at once."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.kernel import until
from tests.support.notify import a_notify, going
from tests.support.sinks import mail_sink

TO_MANAGER = {"audience": {"role": "account_manager"}, "urgency": "high", "template": "case-opened"}


async def test_a_temporary_refusal_is_tried_again_until_it_is_accepted(notify):
    await notify.person("E-1")
    notify.mail.rcpt_answers.extend(["451 greylisted", "450 busy"])
    await notify.happen(notify.opened())

    async with going(notify):
        (delivery,) = await notify.settled()

    assert (delivery["state"], delivery["attempts"]) == ("accepted", 3)
    tries = await notify.rows("select number, outcome, detail from attempt order by number")
    assert [entry["outcome"] for entry in tries] == ["rejected_retryable", "rejected_retryable", "accepted"]
    assert "greylisted" in tries[0]["detail"]
    assert [entry["event"] for entry in await notify.published()] == ["delivery.accepted"]


async def test_a_permanent_refusal_goes_to_the_next_channel_at_once(notify):
    await notify.person("E-1", hook=True)
    notify.mail.rcpt_answers.append("550 5.1.1 no such mailbox <e-1@example.com>")
    await notify.happen(notify.opened())

    async with going(notify):
        mail, hook = await notify.settled(deliveries=2)

    assert (mail["state"], mail["attempts"], mail["channel"]) == ("failed", 1, "smtp")
    assert (hook["state"], hook["channel"], hook["step"]) == ("accepted", "webhook", 1)
    assert len(notify.http.calls) == 1
    (message,) = await notify.rows("select state from message")
    assert message["state"] == "sent"
    failed, accepted = await notify.published()
    assert (failed["event"], failed["outcome"]) == ("delivery.failed", "rejected_permanent")
    assert "example.com" not in failed["detail"]
    assert accepted["event"] == "delivery.accepted"


async def test_a_refused_mailbox_is_marked_and_the_next_message_takes_another_address(notify):
    await notify.person("E-1")
    await notify.contact_point("E-1-second", "person:E-1", "smtp", "second@example.com")
    await notify.has("update contact_point set position = 1 where id = 'E-1-second'")
    notify.mail.rcpt_answers.append("550 no such mailbox")
    async with going(notify):
        await notify.happen(notify.opened())
        await notify.settled()
        await notify.happen(notify.opened(customer="C-2", case_id="case-2"))
        await notify.settled(deliveries=2)

    assert [mail.to for mail in notify.mail.mails] == ["second@example.com"]
    (bad,) = await notify.rows("select healthy, last_problem from contact_point where id = 'E-1-mail'")
    assert not bad["healthy"]
    assert "550" in bad["last_problem"]


async def test_when_every_channel_has_failed_crisis_is_told_at_once(notify):
    await notify.person("E-1", hook=True)
    notify.mail.rcpt_answers.append("550 no such mailbox")
    notify.http.answers.append((410, {}))
    event = notify.opened()
    await notify.happen(event)

    async with going(notify):
        await notify.settled(deliveries=2)

    (undeliverable,) = await notify.published("message.undeliverable")
    assert undeliverable["reason"] == "all_failed"
    assert undeliverable["event_id"] == event.id
    assert [(route["channel"], route["outcome"]) for route in undeliverable["routes"]] == [
        ("smtp", "rejected_permanent"),
        ("webhook", "rejected_permanent"),
    ]


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [("nobody has the role", "nobody"), ("somebody without an address", "no_contact_point")],
)
async def test_a_role_that_reaches_nobody_is_undeliverable_at_once(notify, prepare, reason):
    if reason == "no_contact_point":
        await notify.person("E-1", smtp=None)
    event = notify.opened(account_manager="E-1" if reason == "no_contact_point" else None)

    await notify.happen(event)

    (undeliverable,) = await notify.published("message.undeliverable")
    assert (undeliverable["reason"], undeliverable["event_id"]) == (reason, event.id)
    (message,) = await notify.rows("select state, reason from message")
    assert (message["state"], message["reason"]) == ("undeliverable", reason)


async def test_an_escalation_that_no_route_matches_is_never_silent(notify):
    await notify.has("update document set state = 'retired' where kind = 'route' and state = 'active'")

    await notify.happen(notify.event("crisis.escalation.raised.v1"), notify.opened())

    (undeliverable,) = await notify.published("message.undeliverable")
    assert undeliverable["event_type"] == "crisis.escalation.raised.v1"


async def test_a_rate_limit_with_another_channel_at_hand_does_not_wait(notify):
    await notify.person("E-1", hook=True)
    await notify.only_route(tell=[{**TO_MANAGER, "channels": ["webhook", "smtp"]}])
    notify.http.answers.append((429, {"retry-after": "3600"}))
    await notify.happen(notify.opened())

    async with going(notify):
        await notify.settled(deliveries=2)

    assert len(notify.mail.mails) == 1


async def test_retry_after_beats_our_own_pause(notify):
    await notify.person("E-1", smtp=None, hook=True)
    notify.http.answers.append((503, {"retry-after": "1"}))
    await notify.happen(notify.opened())

    async with going(notify):
        await notify.settled()

    first, second = await notify.rows("select ended_wall, started_wall from attempt order by number")
    assert second["started_wall"] - first["ended_wall"] > timedelta(seconds=0.9)


async def test_a_webhook_keeps_its_id_over_all_tries(notify):
    await notify.person("E-1", smtp=None, hook=True)
    notify.http.answers.extend([(500, {}), (502, {})])
    await notify.happen(notify.opened())

    async with going(notify):
        await notify.settled()

    assert len(notify.http.calls) == 3
    assert len({call.headers["webhook-id"] for call in notify.http.calls}) == 1


async def test_deliveries_to_one_recipient_about_one_case_are_sent_one_after_the_other(notify):
    await notify.person("E-1")
    for number in range(5):
        await notify.happen(notify.opened(customer=f"C-{number}", case_id=f"case-{number}"))
    await notify.happen(*[notify.event("crisis.clock.breached.v1", account_manager="E-1") for _ in range(5)])
    notify.mail.hold = asyncio.Event()

    async with going(notify):
        await until(lambda: _holds(notify.mail.in_data == 6))
        await asyncio.sleep(0.2)
        assert notify.mail.in_data == 6, "five cases, and one of the five about the same case"
        notify.mail.hold.set()
        await notify.settled(deliveries=10)

    assert len(notify.mail.mails) == 10


async def test_a_newer_message_supersedes_an_older_one_that_was_not_sent(notify):
    await notify.person("E-1")
    await notify.happen(notify.event("crisis.clock.warned.v1", account_manager="E-1"))
    notify.clock.move(notify.clock.now() + timedelta(hours=1))
    await notify.happen(notify.event("crisis.clock.breached.v1", account_manager="E-1"))

    async with going(notify):
        warned, breached = await notify.settled(deliveries=2)

    assert (warned["state"], breached["state"]) == ("obsolete", "accepted")
    assert warned["reason"] == f"superseded by {breached['id']}"
    assert len(notify.mail.mails) == 1
    (obsolete,) = await notify.published("delivery.obsolete")
    assert obsolete["reason"] == "superseded"


async def test_a_departed_person_is_not_told_although_the_intent_named_them(notify):
    await notify.person("E-1")
    await notify.happen(notify.opened())
    await notify.has("update person set active = false where id = 'E-1'")

    async with going(notify):
        (delivery,) = await notify.settled()

    assert (delivery["state"], delivery["reason"]) == ("failed", "departed")
    assert notify.mail.mails == []
    assert [entry["event"] for entry in await notify.published()] == ["delivery.failed", "message.undeliverable"]


async def test_a_message_that_became_too_old_is_not_sent(notify):
    await notify.person("E-1")
    await notify.happen(notify.opened())
    notify.clock.move(notify.clock.now() + timedelta(hours=5))

    async with going(notify):
        (delivery,) = await notify.settled()

    assert (delivery["state"], delivery["reason"]) == ("failed", "expired")
    assert (await notify.published("delivery.failed"))[0]["outcome"] == "expired"


async def test_a_mail_server_that_is_away_for_a_while_loses_nothing(notify_database):
    async with mail_sink() as gone:
        port = gone.port
    async with a_notify(notify_database, smtp_url=f"smtp://127.0.0.1:{port}?starttls=never") as notify:
        await notify.person("E-1")
        await notify.happen(notify.opened())
        async with going(notify):
            await until(lambda: _tries(notify, 2))
            async with mail_sink(port=port) as back:
                (delivery,) = await notify.settled()

    assert delivery["state"] == "accepted"
    assert [mail.to for mail in back.mails] == ["e-1@example.com"]


async def _tries(notify, least):
    return len(await notify.rows("select from attempt where outcome = 'rejected_retryable'")) >= least


async def _holds(value: bool) -> bool:
    return value
