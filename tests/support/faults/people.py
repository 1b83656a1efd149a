"""What people do during a crash run: acknowledge by link, write notes and answer customers, each exactly once."""

import asyncio
import re
from random import Random
from typing import Any
from uuid import uuid4

import aiohttp

from services.commands.demo.client import Client, Refused
from services.commands.demo.mailbox import Mailbox
from services.commands.names import ServiceName
from tests.support.faults.evidence import mail_of

_NUMBER = re.compile(r"CR-\d{4}-\d+")


class People:
    """Acts on what comes by mail. What was answered with success is promised, and is looked for at the end."""

    def __init__(self, client: Client, mailbox: Mailbox, random: Random) -> None:
        self._client = client
        self._mailbox = mailbox
        self._random = random
        self._read = 0
        self._seen: set[str] = set()
        self.links: set[str] = set()
        """Deliveries whose link was followed and answered with success."""
        self.written: set[str] = set()
        """Texts of notes and answers that were promised to be kept."""
        self.unexpected: list[str] = []
        self.stopping = False

    async def work(self) -> None:
        """Read mail and act until `stopping`; what was begun is brought to its end."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as browser:
            while not self.stopping:
                await asyncio.sleep(0.2)
                mails, self._read = self._mailbox.mails[self._read :], len(self._mailbox.mails)
                for mail in mails:
                    if mail.ack_link and self._random.random() < 0.15:
                        await self._acknowledge(browser, mail.ack_link, mail_of(mail))
                    found = _NUMBER.search(mail.text)
                    if found is not None and found[0] not in self._seen and self._random.random() < 0.2:
                        self._seen.add(found[0])
                        await self._act(found[0])

    async def _acknowledge(self, browser: aiohttp.ClientSession, link: str, delivery: str) -> None:
        while True:
            try:
                async with browser.post(link) as answer:
                    if answer.status == 200:
                        self.links.add(delivery)
                        return
                    if answer.status != 503:
                        self.unexpected.append(f"{link}: {answer.status}")
                        return
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                pass
            await asyncio.sleep(0.2)

    async def _act(self, number: str) -> None:
        found = await self._insist("GET", f"/v1/cases?number={number}")
        if found is None:
            return
        (case,) = found["items"]
        note = f"note {uuid4().hex}"
        if await self._insist("POST", f"/v1/cases/{case['id']}/notes", {"text": note, "by": "E-1"}) is not None:
            self.written.add(note)
        answer = f"answer {uuid4().hex}"
        body = {"by": "E-1", "means": "call", "text": answer}
        if await self._insist("POST", f"/v1/cases/{case['id']}/respond", body, etag=f'"{case["version"]}"') is not None:
            self.written.add(answer)

    async def _insist(self, method: str, path: str, body: Any = None, *, etag: str | None = None) -> Any:
        """The answer of crisis, asked with one idempotency key until there is one; None when the case has moved on."""
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        if etag is not None:
            headers["If-Match"] = etag
        while True:
            try:
                return (await self._client.call(ServiceName.CRISIS, method, path, body, headers=headers)).body
            except Refused as refused:
                if refused.status in (409, 412) and "in-progress" not in str(refused.problem):
                    return None
                if refused.status not in (409, 503):
                    self.unexpected.append(str(refused)[:500])
                    return None
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                pass
            await asyncio.sleep(0.2)
