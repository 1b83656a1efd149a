"""Mail over SMTP: a small pool of open connections, and the server's answers translated into outcomes.

`MOAT_SMTP_URL` is `smtp://[user:password@]host[:port]` or `smtps://…`; `?starttls=require|auto|never` (default auto).
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, cast
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from services.notify.channels.mail_message import Mail, mail_bytes
from services.notify.channels.port import Health, InvalidAddress, Parcel
from services.notify.domain.outcome import Outcome, Verdict

_ADDRESSES: Final = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_BAD_MAILBOX: Final = frozenset({550, 551, 553, 556})
_BUTTON_LABEL: Final = {"zh": "确认收到", "en": "Acknowledge"}

StartTls = Literal["require", "auto", "never"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    starttls: StartTls = "auto"

    @classmethod
    def from_url(cls, url: str) -> "SmtpServer":
        """Read a URL as above; raises ValueError that says what is wrong and never shows the password."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("MOAT_SMTP_URL is smtp://[user:password@]host[:port] or smtps://…")
        starttls = parse_qs(parts.query).get("starttls", ["auto"])[0]
        if starttls not in {"require", "auto", "never"}:
            raise ValueError("starttls in MOAT_SMTP_URL is require, auto or never")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if tls else 25),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls,
            starttls=cast("StartTls", starttls),
        )


class SmtpChannel:
    """Sends mail. At most `connections` are open; one is reused for `per_connection` mails or `idle_seconds`."""

    name = "smtp"
    idempotent = False

    def __init__(
        self,
        server: SmtpServer,
        *,
        sender: str,
        sender_name: str = "Moat",
        connections: int = 8,
        per_connection: int = 200,
        idle_seconds: float = 20.0,
        timeout: float = 20.0,
    ) -> None:
        self._server = server
        self._sender = sender
        self._sender_name = sender_name
        self._per_connection = per_connection
        self._idle_seconds = idle_seconds
        self._timeout = timeout
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[_Connection] = []

    async def send(self, parcel: Parcel) -> Outcome:
        try:
            raw = mail_bytes(self._mail(parcel))
        except InvalidAddress as error:
            return Outcome(Verdict.REJECTED_PERMANENT, str(error), address_is_bad=True)
        handed_over = _Progress()
        try:
            async with asyncio.timeout(self._timeout), self._connection() as connection:
                return await self._hand_over(connection, parcel.address, raw, handed_over)
        except aiosmtplib.SMTPException as error:
            return _outcome_of(error, in_data=handed_over.data)
        except (TimeoutError, OSError) as error:
            verdict = Verdict.UNKNOWN if handed_over.data else Verdict.REJECTED_RETRYABLE
            return Outcome(verdict, f"{type(error).__name__}: {_masked(str(error))}")

    async def health(self) -> Health:
        try:
            async with asyncio.timeout(self._timeout), self._connection() as connection:
                answer = await connection.smtp.noop()
        except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
            return Health(healthy=False, detail=f"{type(error).__name__}: {_masked(str(error))}")
        return Health(healthy=True, detail=f"{self._server.host}:{self._server.port} answers {answer.code}")

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.close() for connection in idle))

    def _mail(self, parcel: Parcel) -> Mail:
        content = parcel.content
        label = _BUTTON_LABEL["zh" if content.locale.startswith("zh") else "en"]
        return Mail(
            sender=self._sender,
            sender_name=self._sender_name,
            recipient=parcel.address,
            subject=content.subject,
            text=content.text,
            html=content.html,
            date=datetime.now(UTC),
            id=parcel.id,
            lang=content.locale,
            urgent=parcel.urgency == "critical",
            button=None if parcel.ack_url is None else (parcel.ack_url, label),
        )

    async def _hand_over(self, connection: "_Connection", address: str, raw: bytes, progress: "_Progress") -> Outcome:
        smtp = connection.smtp
        try:
            await smtp.mail(self._sender)
            await smtp.rcpt(address)
            progress.data = True
            answer = await smtp.data(raw)
        except aiosmtplib.SMTPResponseException:
            # The server refused, the connection is sound: clear the envelope for the next mail.
            with contextlib.suppress(aiosmtplib.SMTPException):
                await smtp.rset()
            raise
        return Outcome(Verdict.ACCEPTED, reference=_masked(f"{answer.code} {answer.message}")[:200])

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator["_Connection"]:
        """A connection that nobody else uses; one that failed in the middle is not used again."""
        async with self._slots:
            connection = await self._open()
            try:
                yield connection
            except aiosmtplib.SMTPResponseException:
                self._keep(connection)
                raise
            except BaseException:
                connection.abandon()
                raise
            self._keep(connection)

    async def _open(self) -> "_Connection":
        while self._idle:
            connection = self._idle.pop()
            fresh = time.monotonic() - connection.used_at < self._idle_seconds
            if fresh and connection.uses < self._per_connection and connection.smtp.is_connected:
                return connection
            connection.abandon()
        server = self._server
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls,
            start_tls={"require": True, "auto": None, "never": False}[server.starttls] if not server.tls else False,
            timeout=self._timeout,
        )
        await smtp.connect()
        return _Connection(smtp)

    def _keep(self, connection: "_Connection") -> None:
        connection.uses += 1
        connection.used_at = time.monotonic()
        if connection.smtp.is_connected:
            self._idle.append(connection)


@dataclass(slots=True)
class _Progress:
    """Whether the server may already have the message."""

    data: bool = False


@dataclass(slots=True)
class _Connection:
    smtp: aiosmtplib.SMTP
    uses: int = 0
    used_at: float = 0.0

    async def close(self) -> None:
        try:
            with contextlib.suppress(aiosmtplib.SMTPException, TimeoutError, OSError):
                await self.smtp.quit(timeout=1)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the socket now: one that is closed in turn stays open while the server takes nothing."""
        transport = self.smtp.transport
        self.smtp.close()
        if transport is not None:
            cast("asyncio.WriteTransport", transport).abort()


def _outcome_of(error: aiosmtplib.SMTPException, *, in_data: bool) -> Outcome:
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return Outcome(Verdict.REJECTED_RETRYABLE, f"the server refuses our credentials: {error.code}")
        case aiosmtplib.SMTPResponseException():
            detail = _masked(f"{error.code} {error.message}")[:300]
            if 500 <= error.code < 600:
                refused = isinstance(error, aiosmtplib.SMTPRecipientRefused) and error.code in _BAD_MAILBOX
                return Outcome(Verdict.REJECTED_PERMANENT, detail, address_is_bad=refused)
            return Outcome(Verdict.REJECTED_RETRYABLE, detail)
        case _:
            # Lost or silent: once the text was on its way nobody knows whether it was taken.
            verdict = Verdict.UNKNOWN if in_data else Verdict.REJECTED_RETRYABLE
            return Outcome(verdict, f"{type(error).__name__}: {_masked(str(error))}"[:300])


def _masked(text: str) -> str:
    return _ADDRESSES.sub("***", " ".join(text.split()))
