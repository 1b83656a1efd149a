"""What people and other systems do in the demo, through the public doors."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import aiohttp

from services.commands.demo.client import Client, Refused
from services.commands.demo.figures import Figures
from services.commands.demo.incidents import Happening
from services.commands.demo.mailbox import Mail, Mailbox
from services.commands.demo.purchases import Purchase
from services.commands.names import ServiceName

_AGENT: Final = "service-desk"
_MANAGER: Final = "account-manager"
_PATHS: Final = {"acknowledge": ("acknowledge",), "respond": ("respond",), "wait": ("wait",), "continue": ("continue",),
                 "resolve": ("propose-resolution", "resolve"), "reopen": ("reopen",)}  # fmt: skip


class Actions:
    """Does what the data says. An action that the case refuses in its state (409) is counted, not forced."""

    def __init__(self, client: Client, figures: Figures, mailbox: Mailbox) -> None:
        self._client = client
        self._figures = figures
        self._mailbox = mailbox
        self._customers: Mapping[str, str] = {}
        self._mails_read = 0
        self._mails_seen = 0
        self._begun: list[tuple[str, str | None, datetime]] = []
        self._called: set[tuple[str, str | None]] = set()
        self.refused: dict[str, int] = {}

    @property
    def dealt(self) -> bool:
        """Whether the callers have been dealt to customers."""
        return bool(self._customers)

    def deal(self, customers: Mapping[str, str]) -> None:
        """Who each caller of the log is."""
        self._customers = customers

    async def facts(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Send facts through the door of scoring; a rejected one ends the demo."""
        answer = await self._client.post(ServiceName.SCORING, "/v1/facts", {"facts": events})
        if answer["rejected"]:
            raise RuntimeError(f"a fact was rejected: {answer['rejected'][0]}")

    async def buy(self, purchases: Sequence[Purchase]) -> None:
        """A day's purchases."""
        facts = [purchase.fact() for purchase in purchases]
        for start in range(0, len(facts), 500):
            await self.facts(facts[start : start + 500])

    def mail_has_come(self) -> bool:
        """Whether mail about a fall in tier came since the last time this was asked."""
        fresh, self._mails_seen = self._mailbox.mails[self._mails_seen :], len(self._mailbox.mails)
        return any(_is_about_a_fall(mail) for mail in fresh)

    async def read_mail(self, now: datetime) -> None:
        """Acknowledge by link what arrived about falls in tier, and call those customers."""
        mails, self._mails_read = self._mailbox.mails[self._mails_read :], len(self._mailbox.mails)
        links = dict.fromkeys(mail.ack_link for mail in mails if mail.ack_link and _is_about_a_fall(mail))
        async with aiohttp.ClientSession(headers={"Accept": "application/json"}) as browser:
            answers = await asyncio.gather(*(self._click(browser, link) for link in links))
        calls = []
        for answer in answers:
            call = None if answer is None else (answer["case_id"], answer["matter_id"])
            if call is not None and call not in self._called:
                self._called.add(call)
                calls.append(call)
        await asyncio.gather(*(self._call(case, matter) for case, matter in calls))
        self._begun += [(case, matter, now) for case, matter in calls]

    async def _call(self, case: str, matter: str | None) -> None:
        """Call a customer and offer something."""
        order = {"by": _MANAGER, "reason": "called the customer"} | _only(matter)
        await self._act(case, "respond", order | {"means": "call"})
        await self._act(case, "propose-resolution", order)

    def calls_begun(self) -> list[tuple[str, str | None, datetime]]:
        """Case, matter and instant of the calls since the last time this was asked."""
        begun, self._begun = self._begun, []
        return begun

    async def finish(self, calls: Sequence[tuple[str, str | None]]) -> None:
        """Resolve the falls in tier whose customers were called before."""
        order = {"by": _MANAGER, "reason": "the customer took the offer"}
        await asyncio.gather(*(self._act(case, "resolve", order | _only(matter)) for case, matter in calls))

    async def _click(self, browser: aiohttp.ClientSession, link: str) -> dict[str, Any] | None:
        async with browser.post(link) as answer:
            if answer.status >= 400:
                self._count_refusal("acknowledge by link")
                return None
            found: dict[str, Any] = await answer.json()
            return found

    async def complain(self, happenings: Sequence[Happening]) -> None:
        """Complaints of one instant, as facts."""
        known = [(h, self._customers[h.caller]) for h in happenings if h.caller in self._customers]
        if known:
            await self.facts([_complaint(happening, customer) for happening, customer in known])

    async def perform(self, happenings: Sequence[Happening]) -> None:
        """What people did at one instant: cases side by side, the steps of one case one after the other."""
        by_case: dict[str, list[tuple[Happening, str]]] = defaultdict(list)
        for happening in happenings:
            if happening.caller in self._customers:
                case, matter = await self._place(happening.incident)
                by_case[case].append((happening, matter))
        await asyncio.gather(*(self._work_on(case, steps) for case, steps in by_case.items()))

    async def _work_on(self, case: str, steps: Sequence[tuple[Happening, str]]) -> None:
        for happening, matter in steps:
            for path in _PATHS[happening.step]:
                await self._act(case, path, _order(happening) | {"matter_id": matter})

    async def _place(self, incident: str) -> tuple[str, str]:
        """Case and matter of a complaint, as the events tell."""
        async with asyncio.timeout(20):
            while incident not in self._figures.matters:  # noqa: ASYNC110 - the listener is another task
                await asyncio.sleep(0.005)
        return self._figures.matters[incident]

    async def _act(self, case: str, action: str, body: Mapping[str, Any]) -> None:
        path = f"/v1/cases/{case}"
        for _ in range(20):
            found = await self._client.call(ServiceName.CRISIS, "GET", path)
            try:
                await self._client.post(ServiceName.CRISIS, f"{path}/{action}", body, etag=found.etag)
            except Refused as refused:
                if refused.status == 412:
                    continue  # somebody else was quicker; look again
                if refused.status != 409:
                    raise
                self._count_refusal(action)
            return
        raise RuntimeError(f"{action} on {case} met a newer version twenty times")

    def _count_refusal(self, action: str) -> None:
        self.refused[action] = self.refused.get(action, 0) + 1


def _is_about_a_fall(mail: Mail) -> bool:
    """Of a new case it is the title; of a matter that joined an open case the text says it."""
    return "Downgrade from" in mail.subject or ("New matter" in mail.subject and "Downgrade from" in mail.text)


def _only(matter: str | None) -> dict[str, str]:
    return {} if matter is None else {"matter_id": matter}


def _order(happening: Happening) -> dict[str, Any]:
    if happening.step in ("wait", "continue"):
        return {"by": _AGENT, "reason": "as the log says", "waiting_for": happening.reason}
    return {"by": _AGENT, "reason": happening.reason or "as the log says"}


def _complaint(happening: Happening, customer: str) -> dict[str, Any]:
    at = happening.at.isoformat().replace("+00:00", "Z")
    return {
        "specversion": "1.0",
        "id": f"{happening.incident}-received",
        "source": "demo/incident-log",
        "type": "customer.complaint.received.v1",
        "subject": customer,
        "time": at,
        "data": {
            "complaint_id": happening.incident,
            "received_at": at,
            "channel": "phone",
            "subject": happening.subject,
            "impact": happening.impact,
        },
    }
