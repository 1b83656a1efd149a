"""Documents shipped with the product, installed when a service starts.

A preset that is new is activated. One that a newer release changed becomes a new active version, unless an operator has
made a version of his own or retired it: then he has decided. Presets that are offered but not used from the start are
installed as drafts.
"""

from pathlib import Path

import structlog

from shared.contracts.errors import ContractError
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory
from shared.documents.activation import activate
from shared.documents.kind import DocumentKind
from shared.documents.model import InvalidDocument
from shared.documents.parsing import parse_document
from shared.documents.store import StoredDocument, create_draft, digest_of, for_update, versions

log = structlog.get_logger(__name__)

SHIPPED_BY = "moat"


class BrokenPreset(Exception):  # noqa: N818 - a named fact
    """A shipped document is not valid: the installation is damaged."""


async def load_presets(
    uow: UnitOfWorkFactory, kind: DocumentKind, directory: Path, *, as_drafts: bool = False
) -> list[StoredDocument]:
    """Install the YAML files of `directory`; answers the versions made. Replicas that start together take turns.

    With `as_drafts` they must be valid all the same, but are not activated, and a key that has versions is left alone.
    """
    made: list[StoredDocument] = []
    for path in sorted(directory.glob("*.yaml")):  # noqa: ASYNC240 - a few small files, before the first request
        try:
            body = parse_document(path.read_bytes(), "application/yaml")
            async with uow() as work:
                await work.raw.execute("select pg_advisory_xact_lock(hashtextextended($1, 11))", f"preset:{kind.name}")
                install = _offer if as_drafts else _install
                version = await install(work, kind, str(body.get("key", path.stem)), body)
        except (ContractError, InvalidDocument) as error:
            raise BrokenPreset(f"{path.name}: {error}") from error
        if version is not None:
            made.append(version)
            log.info("preset.installed", kind=kind.name, key=version.key, version=version.version)
    return made


async def _install(work: UnitOfWork, kind: DocumentKind, key: str, body: dict[str, object]) -> StoredDocument | None:
    present = await versions(work.raw, kind.name, key)
    if any(version.origin == "operator" for version in present):
        return None
    if present and (present[0].digest == digest_of(body) or present[0].state != "active"):
        return None
    draft = await create_draft(work, kind.name, key, body, by=SHIPPED_BY, origin="shipped")
    return await activate(work, kind, await for_update(work, kind.name, key, draft.version), by=None)


async def _offer(work: UnitOfWork, kind: DocumentKind, key: str, body: dict[str, object]) -> StoredDocument | None:
    if await versions(work.raw, kind.name, key, limit=1):
        return None
    kind.require_valid(key, body)
    return await create_draft(work, kind.name, key, body, by=SHIPPED_BY, origin="shipped")
