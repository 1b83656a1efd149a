"""The PostgreSQL of the test run: one embedded server per run, a database per test, cloned from a migrated template."""

import asyncio
import os
import shutil
import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from shared.db.embedded import EmbeddedPostgres
from shared.db.migrations import migrate

_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


@contextmanager
def server_directory() -> Iterator[Path]:
    """A directory for a server's data, removed at the end: in memory, where 4 GiB are free there.

    No test makes the machine itself fail, so of a disk nothing is seen but its slowness: every commit waits
    milliseconds for it, and a database copied there takes ten times as long.

    Not below pytest's own: run as root, the server has an account of its own, and every run of pytest that starts takes
    from others the right to enter there.
    """
    roomy = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM
    directory = Path(tempfile.mkdtemp(prefix="moat-test-", dir=_MEMORY if roomy else None))
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
    """Hands out databases. Making one from its template takes some 20 ms."""

    __test__ = False

    def __init__(self, directory: Path) -> None:
        # Vacuuming is of no use to databases that live a second; it would hold up who copies or drops them.
        settings = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
        self.server = EmbeddedPostgres(directory, settings=settings)
        self.server.start()
        self._clerk = _Clerk(self.server.url("postgres"))
        self._templates: set[str] = set()
        self._left: list[str] = []

    def close(self) -> None:
        self._clerk.close()
        self.server.stop(mode="immediate")

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The url of a new, empty database that is dropped at the end."""
        with self._database("template1") as url:
            yield url

    @contextmanager
    def migrated(self, service: str) -> Iterator[str]:
        """The url of a new database with the schema of `service`, made by its migrations."""
        with self._database(self._template(service)) as url:
            yield url

    @contextmanager
    def furnished(self, service: str, furnish: Callable[[str], Coroutine[Any, Any, None]]) -> Iterator[str]:
        """As `migrated`, holding what `furnish` put into the first of them: it is called once a run."""
        template = f"template_{service}_{furnish.__name__}"
        if template not in self._templates:
            self._create(template, self._template(service))
            asyncio.run(furnish(self.server.url(template)))
            self._templates.add(template)
        with self._database(template) as url:
            yield url

    def _template(self, service: str) -> str:
        template = f"template_{service}"
        if template not in self._templates:
            self._create(template, "template1")
            asyncio.run(migrate(self.server.url(template), service))
            self._templates.add(template)
        return template

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._create(name, template)
        try:
            yield self.server.url(name)
        finally:
            # One later: the sessions of this one may be ending just now, and PostgreSQL waits 100 ms where it sees one.
            self._left.append(name)
            for left in self._left[:-1]:
                self._clerk.execute(f'drop database "{left}" with (force)')
                self._left.remove(left)

    def _create(self, name: str, template: str) -> None:
        self._clerk.execute(f'create database "{name}" template {template} strategy file_copy')


class _Clerk:
    """One connection for the whole run, for statements about databases: a psql for each costs more than most of them.

    Fixtures ask for them inside a running loop and outside of one, so it has a thread with a loop of its own.
    """

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection: asyncpg.Connection[asyncpg.Record] = self._wait(asyncpg.connect(url))

    def execute(self, statement: str) -> None:
        self._wait(self._connection.execute(statement))

    def close(self) -> None:
        self._wait(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, statement: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(statement, self._loop).result(60)
