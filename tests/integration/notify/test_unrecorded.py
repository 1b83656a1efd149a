"""A sender that dies between sending and recording: no intent is lost, and nothing is repeated that must not be."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from services.notify.sender import Sender
from tests.support.kernel import running, until
from tests.support.notify import going

ROUTE = {"audience": {"role": "account_manager"}, "template": "case-opened", "while": ["case_open"]}


async def _send_and_die(notify):
    """Let a sender hand the mail over and die before it learns so: what kill -9 at that moment leaves behind."""
    notify.mail.hold = asyncio.Event()
    dying = asyncio.create_task(notify.sender._claim_for_ever(asyncio.create_task(asyncio.sleep(60))))
    await until(lambda: _holds(notify.mail.in_data == 1))
    for task in [*notify.sender._sending, dying]:
        task.cancel()
    notify.mail.hold.set()
    await until(lambda: _holds(len(notify.mail.mails) == 1))
    notify.mail.hold = None
    notify.sender._sending.clear()
    assert await notify.states() == ["sending"]
    await notify.has("update delivery set lease_wall = lease_wall - interval '1 hour'")


@pytest.mark.parametrize(
    ("urgency", "mails", "end"), [("critical", 2, "accepted"), ("normal", 1, "unknown"), ("low", 1, "unknown")]
)
async def test_twice_is_better_than_never_only_for_what_is_critical(notify, urgency, mails, end):
    await notify.person("E-1")
    await notify.only_route(tell=[{**ROUTE, "urgency": urgency}])
    await notify.happen(notify.opened())
    await _send_and_die(notify)

    async with going(notify):
        (delivery,) = await notify.settled()

    assert delivery["state"] == end
    assert len(notify.mail.mails) == mails
    tries = await notify.rows("select number, outcome from attempt order by id")
    assert tries[0] == {"number": 1, "outcome": "unknown"}


async def test_another_channel_is_tried_for_what_is_pressing_but_not_critical(notify):
    await notify.person("E-1", hook=True)
    await notify.only_route(tell=[{**ROUTE, "urgency": "high"}])
    await notify.happen(notify.opened())
    await _send_and_die(notify)

    async with going(notify):
        mail, hook = await notify.settled(deliveries=2)

    assert (mail["state"], hook["state"]) == ("unknown", "accepted")
    assert len(notify.mail.mails) == 1
    assert len(notify.http.calls) == 1


async def test_a_repeated_mail_has_the_same_message_id(notify):
    await notify.person("E-1")
    await notify.only_route(tell=[{**ROUTE, "urgency": "critical"}])
    await notify.happen(notify.opened())
    await _send_and_die(notify)

    async with going(notify):
        await notify.settled()

    first, second = notify.mail.mails
    assert first.message["message-id"] == second.message["message-id"]


async def test_a_connection_lost_after_the_text_is_unknown_and_one_lost_before_is_tried_again(notify):
    await notify.person("E-1")
    await notify.only_route(tell=[{**ROUTE, "urgency": "normal"}])
    notify.mail.drop_after_data = True
    await notify.happen(notify.opened())

    async with going(notify):
        (delivery,) = await notify.settled()

    assert (delivery["state"], delivery["attempts"]) == ("unknown", 1)
    (failed,) = await notify.published("delivery.failed")
    assert failed["outcome"] == "unknown"
    assert await notify.published("message.undeliverable") == []


async def test_one_who_comes_back_after_the_lease_changes_nothing(notify):
    """A paused process records late: another has long since decided."""
    await notify.person("E-1")
    await notify.only_route(tell=[{**ROUTE, "urgency": "normal"}])
    await notify.happen(notify.opened())
    notify.mail.hold = asyncio.Event()
    late = notify.sender
    other = Sender(notify.database, notify.uow, notify.clock, late._channels, late._books, late._settings)

    async with running(late.run):
        await until(lambda: _holds(notify.mail.in_data == 1))
        await notify.has("update delivery set lease_wall = lease_wall - interval '1 hour'")
        async with running(other.run):
            (delivery,) = await notify.settled()
            assert delivery["state"] == "unknown"
        notify.mail.hold.set()
        await until(lambda: _recorded(notify, 2))

    (delivery,) = await notify.deliveries()
    assert delivery["state"] == "unknown"
    outcomes = [row["outcome"] for row in await notify.rows("select outcome from attempt order by id")]
    assert outcomes == ["unknown", "accepted"]
    assert [entry["event"] for entry in await notify.published()] == ["delivery.failed"]


async def test_a_try_is_written_down_once_though_the_answer_to_the_commit_was_lost(notify):
    """The database was cut off between the commit and its answer: the recorder does not know, and records again."""
    await notify.person("E-1")
    await notify.happen(notify.opened())
    known, lost = notify.sender, asyncio.Event()

    @asynccontextmanager
    async def losing_one_answer(*, now=None):
        async with notify.uow(now=now) as work:
            yield work
            recorded = await work.raw.fetchval("select exists (select from attempt)")
        if recorded and not lost.is_set():
            lost.set()
            raise ConnectionResetError

    sender = Sender(notify.database, losing_one_answer, notify.clock, known._channels, known._books, known._settings)
    async with running(sender.run):
        await lost.wait()
        await sender._recorder.emptied()

    assert await notify.rows("select number, outcome from attempt") == [{"number": 1, "outcome": "accepted"}]
    assert await notify.states() == ["accepted"]


async def test_two_senders_share_the_work_and_send_nothing_twice(notify):
    for number in range(40):
        await notify.person(f"E-{number}")
    cases = [notify.opened(customer=f"C-{n}", case_id=f"case-{n}", account_manager=f"E-{n % 40}") for n in range(200)]
    for start in range(0, 200, 50):
        await notify.happen(*cases[start : start + 50])
    first = notify.sender
    second = Sender(notify.database, notify.uow, notify.clock, first._channels, first._books, first._settings)

    async with running(first.run, second.run):
        await notify.settled(deliveries=200)

    assert len(notify.mail.mails) == 200
    assert len({mail.message["message-id"] for mail in notify.mail.mails}) == 200
    assert first.sent + second.sent == 200


async def _recorded(notify, count):
    return len(await notify.rows("select from attempt")) >= count


async def _holds(value: bool) -> bool:
    return value


async def test_a_delivery_that_our_own_code_cannot_handle_stops_nobody_else_and_is_given_up(notify):
    for person in ("E-1", "E-2"):
        await notify.person(person)
    await notify.happen(notify.opened())
    await notify.has("update message set conditions = array['no_such_condition']")
    await notify.happen(notify.opened(customer="C-2", case_id="case-2", account_manager="E-2"))

    async with going(notify):
        broken, sound = await notify.settled(deliveries=2)

    assert (broken["state"], broken["reason"]) == ("failed", "broken")
    assert sound["state"] == "accepted"
    (undeliverable,) = await notify.published("message.undeliverable")
    assert undeliverable["message_id"] == broken["message_id"]


async def test_a_message_that_could_not_be_prepared_was_not_sent_and_is_tried_again(notify):
    await notify.person("E-1")
    await notify.only_route(tell=[{**ROUTE, "urgency": "high", "acknowledge": True}])
    await notify.happen(notify.opened())
    await notify.has("alter table secret rename to secret_away")

    async with going(notify):
        await until(lambda: _tried(notify))
        await notify.has("alter table secret_away rename to secret")
        (delivery,) = await notify.settled()

    assert delivery["state"] == "accepted"
    assert len(notify.mail.mails) == 1


async def _tried(notify):
    return bool(await notify.rows("select from attempt where outcome = 'rejected_retryable'"))
