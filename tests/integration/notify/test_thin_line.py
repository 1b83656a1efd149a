"""From an event of crisis to a mail, from its link to an event back."""

from services.notify.domain.tokens import read
from services.notify.names import ACK_KEY
from services.notify.usecases.acknowledge import acknowledge_by_link
from shared.db.secrets import signing_key
from tests.support.kernel import until
from tests.support.notify import NOON, going


async def test_a_case_becomes_a_mail_and_its_link_becomes_an_acknowledgement(notify):
    await notify.person("E-1042")
    await notify.role("team_lead", "E-1042")
    event = notify.event("crisis.case.opened.v1", account_manager="E-1042", severity="S2")

    async with going(notify):
        await notify.publish(event)
        await until(lambda: _async(len(notify.mail.mails) >= 1))
        (mail,) = notify.mail.mails
        assert mail.to == "e-1042@example.com"
        assert mail.subject == "[S2] Example Pumps Co., Ltd.: Third late delivery in a row"
        assert "CR-2026-000117" in mail.text

        async with notify.uow() as work:
            key = await signing_key(work.raw, ACK_KEY, work.now)
        token = mail.ack_path.removeprefix("/v1/acks/")
        assert read(token, (key,)).delivery_id in {row["id"] for row in await notify.deliveries()}
        async with notify.uow() as work:
            await acknowledge_by_link(work, token, keys=(key,), wall=NOON)

        async def told() -> bool:
            return len(await notify.published()) >= 3

        await until(told)
    types = [event.type for event in await notify.published()]
    assert types == [
        "notify.delivery.suppressed.v1",
        "notify.delivery.accepted.v1",
        "notify.message.acknowledged.v1",
    ]
    acknowledged = (await notify.published("notify.message.acknowledged.v1"))[0]
    assert acknowledged.data["event_id"] == event.id
    assert acknowledged.data["person"] == "E-1042"
    assert acknowledged.data["means"] == "link"


async def _async(value: bool) -> bool:
    return value
