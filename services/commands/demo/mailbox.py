"""A real SMTP server on loopback that keeps what it is sent: the mailboxes of the demo."""

import asyncio
import email
import re
from collections import Counter
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

_LINK = re.compile(r"https?://[^\s\"'<>]+/acks/[^\s\"'<>]+")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that arrived. `id` is its Message-ID, the same when a mail is sent again."""

    id: str
    to: str
    subject: str
    text: str
    ack_link: str | None


@dataclass
class Mailbox:
    """Takes mail for everybody."""

    mails: list[Mail] = field(default_factory=list)
    per_address: Counter[str] = field(default_factory=Counter)
    connections: "set[_Connection]" = field(default_factory=set)
    _server: asyncio.Server | None = None
    port: int = 0

    async def start(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Let nobody in any more and break off who is still there; returns when every socket is closed."""
        if self._server is not None:
            self._server.close()
        while self.connections:
            for connection in self.connections:
                connection.abort()
            await asyncio.sleep(0.001)

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's
        # The newer policy parses every header by grammar, which costs more than sending the mail did.
        message = email.message_from_bytes(envelope.content or b"")  # type: ignore[arg-type]
        subject = str(make_header(decode_header(message["subject"] or "")))
        text = _text_of(message)
        found = _LINK.search(text)
        id_ = str(message["message-id"])
        for address in envelope.rcpt_tos:
            self.per_address[address] += 1
            self.mails.append(Mail(id_, address, subject, text, found.group(0) if found else None))
        return "250 kept"


class _Connection(SMTP):
    """One client; counts as connected until the task that spoke with it has ended."""

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox, enable_SMTPUTF8=True)
        self._connections = mailbox.connections
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        assert self._handler_coroutine is not None
        self._handler_coroutine.add_done_callback(lambda _: self._connections.discard(self))

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]


def _text_of(message: Message) -> str:
    """The plain part of a mail, else its first one."""
    parts = [part for part in message.walk() if not part.is_multipart()]
    chosen = next((part for part in parts if part.get_content_type() == "text/plain"), parts[0])
    content = chosen.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode(chosen.get_content_charset("utf-8"))
