"""Signed webhooks after Standard Webhooks 1.0.0. Receivers know a repeated call by its `webhook-id`."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import orjson

from services.notify.channels.outbound import Allowance, Forbidden, GuardedResolver, checked_url
from services.notify.channels.port import Health, InvalidAddress, Parcel
from services.notify.channels.signature import signature_headers
from services.notify.domain.outcome import Outcome, Verdict

_MOST_ANSWER: Final = 4096
_LONGEST_PAUSE: Final = timedelta(hours=1)
_RETRYABLE: Final = frozenset({408, 425, 500, 502, 503, 504})


class WebhookChannel:
    """Posts JSON to the address of a contact point."""

    name = "webhook"
    idempotent = True

    def __init__(
        self,
        allowance: Allowance,
        *,
        timeout: float = 15.0,
        connections: int = 64,
        resolver: GuardedResolver | None = None,
    ) -> None:
        self._allowance = allowance
        self._timeout = timeout
        self._connections = connections
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def send(self, parcel: Parcel) -> Outcome:
        try:
            url = checked_url(parcel.address, self._allowance)
        except InvalidAddress as error:
            return Outcome(Verdict.REJECTED_PERMANENT, f"the address must be {error}", address_is_bad=True)
        if not parcel.secrets:
            return Outcome(Verdict.REJECTED_PERMANENT, "the contact point has no secret to sign with")
        body = body_of(parcel)
        headers = {
            "content-type": "application/json",
            "user-agent": "moat-notify/1",
            **signature_headers(f"msg_{parcel.id}", int(time.time()), body, parcel.secrets),
        }
        try:
            async with self._open().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(_MOST_ANSWER)
                return outcome_of(answer.status, answer.headers.get("retry-after"), datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - whatever a foreign server provokes is an outcome
            return _outcome_of_error(error)

    async def health(self) -> Health:
        return Health(healthy=True, detail="each webhook has a receiver of its own: see the contact points")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._resolver or GuardedResolver(self._allowance),
                    limit=self._connections,
                    limit_per_host=8,
                    use_dns_cache=False,
                ),
                timeout=aiohttp.ClientTimeout(total=self._timeout, connect=min(5.0, self._timeout)),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                max_line_size=8190,
                max_field_size=8190,
            )
        return self._session


def body_of(parcel: Parcel) -> bytes:
    """The JSON that is posted; the same bytes' meaning on every try."""
    return orjson.dumps(
        {
            "type": "notify.message",
            "timestamp": parcel.facts.get("occurred_at"),
            "data": {
                "message_id": parcel.message_id,
                "delivery_id": parcel.id,
                "urgency": parcel.urgency,
                "locale": parcel.content.locale,
                "subject": parcel.content.subject,
                "text": parcel.content.text,
                "ack_url": parcel.ack_url,
                **parcel.facts,
            },
        }
    )


def outcome_of(status: int, retry_after: str | None, now: datetime) -> Outcome:
    """What an HTTP status means: 2xx is success, 410 closes the address, redirects are refused, the rest by class."""
    detail = f"HTTP {status}"
    until = _until(retry_after, now)
    if 200 <= status < 300:
        return Outcome(Verdict.ACCEPTED, reference=detail)
    if status == 429:
        return Outcome(Verdict.RATE_LIMITED, detail, until=until)
    if status in _RETRYABLE or status >= 500:
        verdict = Verdict.REJECTED_RETRYABLE if until is None else Verdict.RATE_LIMITED
        return Outcome(verdict, detail, until=until)
    if 300 <= status < 400:
        return Outcome(Verdict.REJECTED_PERMANENT, f"{detail}: redirects are not followed")
    return Outcome(Verdict.REJECTED_PERMANENT, detail, address_is_bad=status == 410)


def _until(retry_after: str | None, now: datetime) -> datetime | None:
    """The instant that a Retry-After names, at most an hour away."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        pause = timedelta(seconds=min(int(retry_after.strip()[:9]), 86_400))
    else:
        try:
            pause = parsedate_to_datetime(retry_after).astimezone(UTC) - now
        except ValueError:
            return None
    return now + min(max(pause, timedelta()), _LONGEST_PAUSE)


def _outcome_of_error(error: Exception) -> Outcome:
    name = type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Forbidden):
            return Outcome(Verdict.REJECTED_PERMANENT, "the name leads to a private address", address_is_bad=True)
        cause = cause.__cause__ or cause.__context__
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.InvalidURL():
            return Outcome(Verdict.REJECTED_PERMANENT, name)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return Outcome(Verdict.REJECTED_RETRYABLE, name)
        case asyncio.TimeoutError() | aiohttp.ClientError() | OSError():
            return Outcome(Verdict.UNKNOWN, name)
        case _:
            return Outcome(Verdict.UNKNOWN, f"unforeseen: {name}")
