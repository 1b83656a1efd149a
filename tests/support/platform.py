"""The whole platform for tests: real processes, a real mail server, a stepped clock that only the test moves."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.commands.demo.client import Client, Stepper
from services.commands.demo.directory import set_up_people
from services.commands.demo.mailbox import Mail, Mailbox
from services.commands.names import ServiceName
from services.commands.platform import Platform, PlatformOptions
from tests.support.postgres import server_directory

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday, nine o'clock in Shanghai."""
STEPPED = f"stepped:{START.isoformat()}"


@dataclass
class RunningPlatform:
    """Three services, PostgreSQL, a bus and a mail server. Tests share it, so each works with customers of its own."""

    platform: Platform
    mailbox: Mailbox
    bus: str
    taken: set[str] = field(default_factory=set)

    def urls(self) -> Mapping[ServiceName, str]:
        return {service: self.platform.url(service) for service in ServiceName}


class World:
    """What a journey does: through the public doors, step by step."""

    def __init__(self, running: RunningPlatform) -> None:
        self.client = Client(running.urls(), running.platform.admin_key)
        self.stepper = Stepper(self.client, patience=60)
        self._running = running
        self._read = len(running.mailbox.mails)

    async def now(self) -> datetime:
        return datetime.fromisoformat((await self.client.get(ServiceName.CRISIS, "/v1/admin/clock"))["now"])

    async def settle(self) -> None:
        await self.stepper.settle()

    async def go_on(self, **span: float) -> datetime:
        """Let time pass, stopping at everything that falls due in between; answers the instant then reached."""
        goal = await self.now() + timedelta(**span)
        look = await self.stepper.settle()
        while look.next_due_at is not None and look.next_due_at < goal:
            await self.stepper.move(look.next_due_at)
            look = await self.stepper.settle()
        await self.stepper.move(goal)
        await self.stepper.settle()
        return goal

    async def tell(self, *facts: Mapping[str, Any]) -> None:
        answer = await self.client.post(ServiceName.SCORING, "/v1/facts", {"facts": list(facts)})
        assert answer["rejected"] == []
        await self.settle()

    async def case_of(self, customer: str) -> dict[str, Any]:
        """The customer's newest case."""
        found = await self.client.get(ServiceName.CRISIS, f"/v1/cases?customer_id={customer}")
        assert found["items"], f"{customer} has no case"
        newest: dict[str, Any] = found["items"][0]
        return newest

    async def clocks_of(self, case: str) -> dict[str, dict[str, Any]]:
        """The clocks of a case by target; the last cycle of each."""
        found = await self.client.get(ServiceName.CRISIS, f"/v1/cases/{case}/clocks")
        return {clock["target"]: clock for clock in sorted(found["items"], key=lambda clock: clock["cycle"])}

    async def act(self, case: str, action: str, **body: Any) -> dict[str, Any]:
        """One action on a case, then everything that follows from it."""
        path = f"/v1/cases/{case}"
        found = await self.client.call(ServiceName.CRISIS, "GET", path)
        order = {"by": "E-1", **body}
        answer: dict[str, Any] = await self.client.post(ServiceName.CRISIS, f"{path}/{action}", order, etag=found.etag)
        await self.settle()
        return answer

    def new_mails(self, *, about: str) -> list[Mail]:
        """Mails since the last look whose subject or text names `about`."""
        mails = self._running.mailbox.mails
        found = [mail for mail in mails[self._read :] if about in mail.subject or about in mail.text]
        self._read = len(mails)
        return found

    async def close(self) -> None:
        await self.client.close()


@contextmanager
def a_platform(
    directory: Path, *, bus: str | None = None, clock: str = STEPPED, **environment: str
) -> Iterator[RunningPlatform]:
    """Start everything, and stop it at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    for folder in (directory, *directory.parents[:2]):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o055)  # the account that runs PostgreSQL has to get through
    with _mail_server() as mailbox:
        options = PlatformOptions(
            directory,
            port_base=free_base(),
            bus=bus,
            clock=clock,
            environment={
                "MOAT_SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}",
                "MOAT_PROFILE": "test",
                "MOAT_LOG_LEVEL": "WARNING",
                **environment,
            },
        )
        platform = Platform(options)
        try:
            platform.start()
            running = RunningPlatform(platform, mailbox, bus or platform.postgres.url("moat_bus"))
            asyncio.run(_set_up(running))
            yield running
        finally:
            platform.stop()


class Platforms:
    """The platforms that tests share, one for each bus, started when the first test wants it.

    One that has nothing to do still takes a tenth of two cores: it is stopped when the next test wants none.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._running: dict[str | None, RunningPlatform] = {}
        self._used: set[str] = set()

    def on(self, bus: str | None) -> RunningPlatform:
        """The platform on this bus, None for the embedded one. No other may run on the same broker: one group."""
        if bus not in self._running:
            assert bus not in self._used, f"a platform ran on {bus} before: what it left there would be taken in"
            if bus is not None:
                self._used.add(bus)
            directory = self._open.enter_context(server_directory())
            self._running[bus] = self._open.enter_context(a_platform(directory, bus=bus))
        return self._running[bus]

    def stop(self) -> None:
        """Stop those that run."""
        self._running.clear()
        self._open.close()


async def _set_up(running: RunningPlatform) -> None:
    client = Client(running.urls(), running.platform.admin_key)
    try:
        await set_up_people(client)
        await Stepper(client).settle()
    finally:
        await client.close()


@contextmanager
def _mail_server() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(mailbox.start(), loop).result(10)
    try:
        yield mailbox
    finally:
        asyncio.run_coroutine_threadsafe(mailbox.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def free_base() -> int:
    """A base whose next three ports are free. Test processes that run side by side look in ranges of their own."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for base in range(23000 + 500 * process, 23500 + 500 * process, 10):
        sockets = []
        try:
            for offset in (1, 2, 3):
                probe = socket.socket()
                sockets.append(probe)
                probe.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        else:
            return base
        finally:
            for probe in sockets:
                probe.close()
    raise RuntimeError("no free ports")
