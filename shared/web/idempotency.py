"""`Idempotency-Key`: a POST that is sent again has its effect once and gets the first answer again.

The stored answer is a row of the transaction that had the effect, so neither is ever there without the other. A request
that was refused stores nothing: it changed nothing, and may be tried again with the same key. Answers are kept for 24 h
of real time. After draft-ietf-httpapi-idempotency-key-header-07.

    async def open_case(body: OpenCaseIn, once: Once) -> Response:
        return await once(lambda work: open_case(work, body.to_command()), status=201)
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import asyncpg
import msgspec
import orjson
from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from shared.auth.guard import PRINCIPAL
from shared.auth.principal import ANONYMOUS
from shared.contracts.errors import FieldError
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory
from shared.errors import IdempotencyKeyMissing, IdempotencyKeyReused, Malformed, StillRunning

KEPT: Final = timedelta(hours=24)
_KEY: Final = re.compile(r'"([\x20\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})').fullmatch
# One round trip: is somebody else answering this key, and is there an answer? When that somebody commits in between,
# the insert at the end finds his row, and the whole is done again.
_LOOK: Final = """
select pg_try_advisory_xact_lock($1) as free, stored.* from (select) as one left join (
    select fingerprint, status, headers, body from idempotency where caller = $2 and key = $3 and created_at > $4
) as stored on true
"""
_STORE: Final = """
insert into idempotency as i (caller, key, fingerprint, status, headers, body, created_at)
values ($1, $2, $3, $4, $5::jsonb, $6, $7)
on conflict (caller, key) do update
set fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers, body = excluded.body,
    created_at = excluded.created_at
where i.created_at <= $8
returning true
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an effect answers when the status or headers depend on it."""

    content: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Effect = Callable[[UnitOfWork], Awaitable[Any]]


class _Overtaken(Exception):  # noqa: N818
    """Another request with the key committed first."""


@dataclass(frozen=True, slots=True)
class OnceOnly:
    """Runs the effect of one request, in a transaction, at most once. Without a key it just runs it."""

    uow: UnitOfWorkFactory
    caller: str
    key: str | None
    fingerprint: bytes

    async def __call__(
        self, effect: Effect, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Run `effect` in a new transaction and answer what it returns (a model, JSON, or an `Answer`).

        Raises StillRunning while the same key is being answered and IdempotencyKeyReused for another request under it.
        """
        while True:
            try:
                async with self.uow() as work:
                    return await self._run(work, effect, status, headers or {})
            except _Overtaken:
                continue

    async def _run(self, work: UnitOfWork, effect: Effect, status: int, headers: Mapping[str, str]) -> Response:
        now = datetime.now(UTC)
        if self.key is not None:
            stored = await self._stored(work.raw, now)
            if stored is not None:
                return stored
        made = await effect(work)
        answer = made if isinstance(made, Answer) else Answer(made)
        body = _json(answer.content)
        code = answer.status or status
        extra = {**headers, **answer.headers}
        if self.key is not None and not await self._store(work.raw, now, code, extra, body):
            raise _Overtaken
        return Response(body, code, extra, "application/json")

    async def _stored(self, raw: "asyncpg.Connection[asyncpg.Record]", now: datetime) -> Response | None:
        row = await raw.fetchrow(_LOOK, _lock_number(self.caller, self.key or ""), self.caller, self.key, now - KEPT)
        assert row is not None
        if not row["free"]:
            raise StillRunning("the first request with this key is still being answered; ask again in a moment")
        if row["status"] is None:
            return None
        if bytes(row["fingerprint"]) != self.fingerprint:
            raise IdempotencyKeyReused("the key belongs to a request with another path or body: use a new one")
        headers = {**row["headers"], "Idempotency-Replayed": "true"}
        return Response(bytes(row["body"]), row["status"], headers, "application/json")

    async def _store(
        self,
        raw: "asyncpg.Connection[asyncpg.Record]",
        now: datetime,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> bool:
        return bool(
            await raw.fetchval(
                _STORE,
                self.caller,
                self.key,
                self.fingerprint,
                status,
                orjson.dumps(dict(headers)).decode(),
                body,
                now,
                now - KEPT,
            )
        )


async def forget_answers(raw: "asyncpg.Connection[asyncpg.Record]", now: datetime, *, limit: int = 10_000) -> int:
    """Delete up to `limit` answers that have been kept long enough; answers how many."""
    status = await raw.execute(
        "delete from idempotency where ctid = any(array("
        "select ctid from idempotency where created_at <= $1 order by created_at limit $2))",
        now - KEPT,
        limit,
    )
    return int(status.rsplit(" ", 1)[1])


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Your own name for this request; sent again with the same key, it takes effect once.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]


async def once_required(request: Request, idempotency_key: IdempotencyKey = None) -> OnceOnly:
    """The dependency behind `Once`."""
    if idempotency_key is None:
        raise IdempotencyKeyMissing("send Idempotency-Key: <a new UUID>, and the same one when you send this again")
    return await once_optional(request, idempotency_key)


async def once_optional(request: Request, idempotency_key: IdempotencyKey = None) -> OnceOnly:
    """The dependency behind `OnceIfKeyed`."""
    key = idempotency_key
    caller = request.scope.get(PRINCIPAL, ANONYMOUS).id
    fingerprint = b"" if key is None else await _fingerprint(request)
    return OnceOnly(request.app.state.kernel.uow, caller, None if key is None else _parsed(key), fingerprint)


Once = Annotated[OnceOnly, Depends(once_required)]
"""Demands the header: for every POST that creates."""
OnceIfKeyed = Annotated[OnceOnly, Depends(once_optional)]
"""Honours the header where it is sent: for POSTs whose body carries its own id."""


async def _fingerprint(request: Request) -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return digest.digest()


def _parsed(text: str) -> str:
    match = _KEY(text.strip())
    if match is None:
        wrong = FieldError(
            "/header/idempotency-key", "characters", "1 to 255 printable ASCII characters, such as a UUID"
        )
        raise Malformed(errors=[wrong])
    return str(match[1] or match[2])


def _lock_number(caller: str, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{caller}\0{key}".encode()).digest()[:8], "big", signed=True)


def _json(content: Any) -> bytes:
    if isinstance(content, BaseModel):
        return content.model_dump_json().encode()
    return msgspec.json.encode(content, enc_hook=_model)


def _model(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no JSON form")
