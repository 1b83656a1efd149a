"""Activating versions: at once, or at an instant that is planned for, by a durable timer.

What is planned stays a draft until then. It is checked when it is planned and again when its time has come; where
something it needs is missing by then, it waits and says why: it is tried again whenever another document of the service
becomes active, and every few minutes.

The newer decision stands. A version that is activated by hand drops the plans of older versions; one that becomes
active by its own plan drops those of older versions that were due before it and still wait. Plans of two versions for
different instants both stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from shared.db.unit_of_work import UnitOfWork
from shared.documents import store
from shared.documents.kind import DocumentKind
from shared.documents.model import InvalidDocument
from shared.documents.store import StoredDocument
from shared.timers.plan import Timer
from shared.timers.worker import DueTimer, Fire

ACTIVATION: Final = "activate-document"
"""The kind of the timers."""
_SUPERSEDE: Final = """
delete from timer where kind = $1 and subject = $2 and (payload ->> 'version')::int < $3
  and ($4::timestamptz is null or due_at < $4)
"""
_TRY_AGAIN: Final = """
update timer set retry_at = null
where id in (select id from timer where kind = $1 and retry_at is not null for update skip locked)
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a draft becomes active. `refused` says why it is not yet, where that instant has passed."""

    at: datetime
    refused: str | None


async def held(work: UnitOfWork, kind: DocumentKind, key: str, version: int) -> StoredDocument:
    """A version for a change of it or of its plan. Raises NotFound.

    Whoever fires its plan holds the same subject, and took it first too: neither waits for the other in a circle.
    """
    await work.lock([_subject(kind.name, key)])
    return await store.for_update(work, kind.name, key, version)


async def activate(
    work: UnitOfWork,
    kind: DocumentKind,
    document: StoredDocument,
    *,
    by: str | None,
    planned_for: datetime | None = None,
) -> StoredDocument:
    """Make a draft read with `held` the active version, as planned for an instant or by hand.

    Raises InvalidDocument and NotADraft.
    """
    compiled = await kind.prepare(work, document.key, dict(document.body))
    active = await store.activate(work, document, compiled=compiled)
    forget(work, document)
    subject = _subject(document.kind, document.key)
    await work.raw.execute(_SUPERSEDE, ACTIVATION, subject, document.version, planned_for)
    await work.raw.execute(_TRY_AGAIN, ACTIVATION)
    work.touch("timer")
    if kind.activated is not None:
        await kind.activated(work, active, by)
    return active


async def plan(work: UnitOfWork, kind: DocumentKind, document: StoredDocument, *, at: datetime, by: str) -> None:
    """Let a draft read with `held` become active at `at`, in place of an earlier plan of it.

    Raises InvalidDocument and NotADraft, as if it were activated now.
    """
    store.require_draft(document)
    await kind.prepare(work, document.key, dict(document.body))
    payload = {"kind": document.kind, "key": document.key, "version": document.version, "by": by}
    name, subject = _name(document.kind, document.key, document.version), _subject(document.kind, document.key)
    work.plan(Timer(ACTIVATION, name, subject, at, payload))


def forget(work: UnitOfWork, document: StoredDocument) -> None:
    """Drop the plan for a version, if there is one."""
    work.cancel(ACTIVATION, _name(document.kind, document.key, document.version))


async def planned(raw: "asyncpg.Connection[asyncpg.Record]", documents: Iterable[StoredDocument]) -> Mapping[int, Plan]:
    """The plans for drafts of one key, by version."""
    names = {_name(one.kind, one.key, one.version): one.version for one in documents if one.state == "draft"}
    if not names:
        return {}
    rows = await raw.fetch(
        "select key, due_at, last_error from timer where kind = $1 and key = any($2::text[])", ACTIVATION, list(names)
    )
    return {names[row["key"]]: Plan(row["due_at"], _reason(row["last_error"])) for row in rows}


def activations(kinds: Sequence[DocumentKind]) -> dict[str, Fire]:
    """The handler of the timers that `plan` sets, for a service with these kinds."""
    by_name = {kind.name: kind for kind in kinds}

    async def fire(work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
        for timer in sorted(timers, key=lambda timer: (timer.due_us, timer.payload["version"])):
            wish = timer.payload
            document = await store.for_update(work, wish["kind"], wish["key"], wish["version"])
            if document.state == "draft":
                await activate(work, by_name[document.kind], document, by=wish["by"], planned_for=timer.due_at)

    return {ACTIVATION: fire}


def _reason(last_error: str | None) -> str | None:
    return None if last_error is None else last_error.removeprefix(f"{InvalidDocument.__name__}: ")


def _subject(kind: str, key: str) -> str:
    return f"document:{kind}:{key}"


def _name(kind: str, key: str, version: int) -> str:
    return f"{kind}/{key}/{version}"
