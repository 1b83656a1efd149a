"""The PostgreSQL of the test run: one embedded server per run, a database per test, cloned from a migrated template."""

import asyncio
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.db.embedded import EmbeddedPostgres
from shared.db.migrations import migrate


@contextmanager
def server_directory() -> Iterator[Path]:
    """A directory for a server's data, removed at the end.

    Not below pytest's own: run as root, the server has an account of its own, and every run of pytest that starts takes
    from others the right to enter there.
    """
    directory = Path(tempfile.mkdtemp(prefix="moat-postgres-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class TestPostgres:
    """Hands out databases. Making one from its template takes some 30 ms."""

    __test__ = False

    def __init__(self, directory: Path) -> None:
        self.server = EmbeddedPostgres(directory, settings={"fsync": "off", "full_page_writes": "off"})
        self.server.start()
        self._templates: set[str] = set()

    def close(self) -> None:
        self.server.stop(mode="immediate")

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The url of a new, empty database that is dropped at the end."""
        with self._database(None) as url:
            yield url

    @contextmanager
    def migrated(self, service: str) -> Iterator[str]:
        """The url of a new database with the schema of `service`, made by its migrations."""
        template = f"template_{service}"
        if template not in self._templates:
            url = self.server.create_database(template)
            asyncio.run(migrate(url, service))
            self._templates.add(template)
        with self._database(template) as url:
            yield url

    @contextmanager
    def _database(self, template: str | None) -> Iterator[str]:
        name = f"test_{uuid.uuid4().hex[:12]}"
        url = self.server.create_database(name, template=template)
        try:
            yield url
        finally:
            self.server.drop_database(name)
