"""The shipped documents in a database under test."""

from collections.abc import Sequence
from pathlib import Path

from shared.db.database import raw_connection
from shared.documents.kind import DocumentKind
from shared.documents.presets import load_presets
from shared.service import Service


async def install(service: Service, presets: Sequence[tuple[DocumentKind, Path]]) -> None:
    """Install them, as the service does when it starts; a database that has documents is left as it is."""
    async with service.base.database.read() as connection:
        if await (await raw_connection(connection)).fetchval("select exists (select from document)"):
            return
    for kind, directory in presets:
        await load_presets(service.base.uow, kind, directory)
