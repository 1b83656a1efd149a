"""What people and other systems do in the demo, through the public doors."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp

from services.commands.demo.client import Client, Refused
from services.commands.demo.figures import Figures
from services.commands.demo.incidents import Happening
from services.commands.demo.mailbox import Mailbox
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
        self._acknowledged: set[str] = set()
        self.refused: dict[str, int] = {}

    def deal(self, customers: Mapping[str, str]) -> None:
        """Who each caller of the log is."""
        self._customers = customers

    async def facts(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Send facts through the door of scoring; a rejected one ends the demo."""
        answer = await self._client.post(ServiceName.SCORING, "/v1/facts", {"facts": events})
        if answer["rejected"]:
            raise RuntimeError(f"a fact was rejected: {answer['rejected'][0]}")

    async def buy(self, purchases: Sequence[Purchase]) -> None:
        """A day's purchases; a fall in tier is resolved when the customer buys again."""
        facts = [purchase.fact() for purchase in purchases]
        for start in range(0, len(facts), 500):
            await self.facts(facts[start : start + 500])
        for customer in dict.fromkeys(purchase.customer for purchase in purchases):
            if customer in self._figures.drops:
                case, matter = self._figures.drops.pop(customer)
                await self._act(
                    case, "resolve", {"by": _MANAGER, "reason": "the customer bought again", "matter_id": matter}
                )

    async def read_mail(self) -> None:
        """Acknowledge by link what arrived about falls in tier since the last time, one link for a case."""
        mails, self._mails_read = self._mailbox.mails[self._mails_read :], len(self._mailbox.mails)
        drops = {case["number"] for case in self._figures.cases.values() if case["type"] == "tier_drop"}
        links: dict[str, str] = {}
        for mail in mails:
            number = next(
                (word.strip("[]():,.") for word in mail.subject.split() if word.strip("[]():,.") in drops), None
            )
            if number is not None and mail.ack_link and number not in self._acknowledged:
                links.setdefault(number, mail.ack_link)
        async with aiohttp.ClientSession() as browser:
            for number, link in sorted(links.items()):
                self._acknowledged.add(number)
                async with browser.post(link) as answer:
                    if answer.status >= 400:
                        self._count_refusal("acknowledge by link")

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
