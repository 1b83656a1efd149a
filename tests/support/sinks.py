"""Real servers on loopback that take what notify sends, and answer as they are told."""

import asyncio
import email
import email.policy
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

_LINK = re.compile(r"https?://\S+/v1/acks/[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class ReceivedMail:
    """One mail that was accepted."""

    to: str
    message: EmailMessage
    raw: bytes

    @property
    def subject(self) -> str:
        return str(self.message["subject"])

    @property
    def text(self) -> str:
        part = self.message.get_body(preferencelist=("plain",))
        return "" if part is None else str(part.get_content())

    @property
    def html(self) -> str:
        part = self.message.get_body(preferencelist=("html",))
        return "" if part is None else str(part.get_content())

    @property
    def ack_link(self) -> str:
        found = _LINK.search(self.text)
        assert found is not None, self.text
        return found.group(0)

    @property
    def ack_path(self) -> str:
        return self.ack_link[self.ack_link.index("/v1/acks/") :]


@dataclass
class MailSink:
    """An SMTP server. `answers` are given to the next RCPTs or DATAs, one each; without any all is accepted.

    `hold` is waited for before DATA is answered; `drop_after_data` closes the connection instead of answering.
    """

    mails: list[ReceivedMail] = field(default_factory=list)
    rcpt_answers: deque[str] = field(default_factory=deque)
    data_answers: deque[str] = field(default_factory=deque)
    hold: asyncio.Event | None = None
    drop_after_data: bool = False
    protocols: list[SMTP] = field(default_factory=list)
    port: int = 0
    in_data: int = 0
    most_in_data: int = 0
    on_mail: Callable[[ReceivedMail], None] | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?starttls=never"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if self.rcpt_answers:
            answer = self.rcpt_answers.popleft()
            if not answer.startswith("250"):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.in_data += 1
        self.most_in_data = max(self.most_in_data, self.in_data)
        try:
            if self.hold is not None:
                await self.hold.wait()
            answer = self.data_answers.popleft() if self.data_answers else "250 2.0.0 kept"
            if answer.startswith("250"):
                assert isinstance(envelope.content, bytes)
                raw = envelope.content
                message = email.message_from_bytes(raw, policy=email.policy.default)
                assert isinstance(message, EmailMessage)
                for address in envelope.rcpt_tos:
                    mail = ReceivedMail(address, message, raw)
                    self.mails.append(mail)
                    if self.on_mail is not None:
                        self.on_mail(mail)
            if self.drop_after_data:
                server.transport.abort()
            return answer
        finally:
            self.in_data -= 1

    def make_protocol(self) -> SMTP:
        protocol = SMTP(self, hostname="sink", enable_SMTPUTF8=True)
        self.protocols.append(protocol)
        return protocol

    @property
    def connections(self) -> int:
        return len(self.protocols)

    def cut(self) -> None:
        """Break every connection off."""
        for protocol in self.protocols:
            transport: Any = protocol.transport
            if transport is not None:
                transport.abort()


@asynccontextmanager
async def mail_sink(*, port: int = 0) -> AsyncIterator[MailSink]:
    sink = MailSink()
    server = await asyncio.get_running_loop().create_server(sink.make_protocol, "127.0.0.1", port)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        sink.cut()


@dataclass(frozen=True)
class Call:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpSink:
    """An HTTP server. `answers` (status, headers) are given to the next calls, one each; without any it is 204."""

    calls: list[Call] = field(default_factory=list)
    answers: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    hold: asyncio.Event | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append(Call(request.path, headers, await request.read()))
        if self.hold is not None:
            await self.hold.wait()
        status, extra = self.answers.popleft() if self.answers else (204, {})
        return web.Response(status=status, headers=extra)


@asynccontextmanager
async def http_sink() -> AsyncIterator[HttpSink]:
    sink = HttpSink()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", sink.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server: Any = site._server
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        await runner.cleanup()
