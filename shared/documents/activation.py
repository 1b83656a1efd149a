"""Activating versions: at once, or at an instant that is planned for, by a durable timer.

What is planned stays a draft until then. It is checked when it is planned and again when its time has come; where
something it needs is missing by then, the timer is tried again until it is there, and says why meanwhile.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from shared.db.unit_of_work import UnitOfWork
from shared.documents import store
from shared.documents.kind import DocumentKind
from shared.documents.store import StoredDocument
from shared.timers.plan import Timer
from shared.timers.worker import DueTimer, Fire

ACTIVATION: Final = "activate-document"
"""The kind of the timers."""


async def activate(work: UnitOfWork, kind: DocumentKind, document: StoredDocument, *, by: str | None) -> StoredDocument:
    """Make a draft read with `for_update` the active version. Raises InvalidDocument and NotADraft."""
    compiled = await kind.prepare(work, document.key, dict(document.body))
    active = await store.activate(work, document, compiled=compiled)
    forget(work, document)
    if kind.activated is not None:
        await kind.activated(work, active, by)
    return active


async def plan(work: UnitOfWork, kind: DocumentKind, document: StoredDocument, *, at: datetime, by: str) -> None:
    """Let a draft read with `for_update` become active at `at`, in place of an earlier plan of it.

    Raises InvalidDocument and NotADraft, as if it were activated now.
    """
    store.require_draft(document)
    await kind.prepare(work, document.key, dict(document.body))
    payload = {"kind": document.kind, "key": document.key, "version": document.version, "by": by}
    subject = f"document:{document.kind}:{document.key}"
    work.plan(Timer(ACTIVATION, _name(document.kind, document.key, document.version), subject, at, payload))


def forget(work: UnitOfWork, document: StoredDocument) -> None:
    """Drop the plan for a version, if there is one."""
    work.cancel(ACTIVATION, _name(document.kind, document.key, document.version))


async def planned(
    raw: "asyncpg.Connection[asyncpg.Record]", documents: Iterable[StoredDocument]
) -> Mapping[int, datetime]:
    """When drafts of one key become active: the instants by version, of those that are planned for."""
    names = {_name(one.kind, one.key, one.version): one.version for one in documents if one.state == "draft"}
    if not names:
        return {}
    rows = await raw.fetch(
        "select key, due_at from timer where kind = $1 and key = any($2::text[])", ACTIVATION, list(names)
    )
    return {names[row["key"]]: row["due_at"] for row in rows}


def activations(kinds: Sequence[DocumentKind]) -> dict[str, Fire]:
    """The handler of the timers that `plan` sets, for a service with these kinds."""
    by_name = {kind.name: kind for kind in kinds}

    async def fire(work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
        for timer in timers:
            wish = timer.payload
            document = await store.for_update(work, wish["kind"], wish["key"], wish["version"])
            if document.state == "draft":
                await activate(work, by_name[document.kind], document, by=wish["by"])

    return {ACTIVATION: fire}


def _name(kind: str, key: str, version: int) -> str:
    return f"{kind}/{key}/{version}"
