"""The whole platform on one machine: PostgreSQL, databases, a key, and the three services as child processes."""

import asyncio
import fcntl
import os
import secrets
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from services.commands.names import PORT_OFFSETS, ServiceName
from services.commands.process import ServiceProcess, Tell, pause_after
from shared.db.embedded import EmbeddedPostgres, EmbeddedPostgresFailed

_READY_SECONDS: Final = 60.0
_PATIENCE: Final = 15.0


class PlatformFailed(Exception):  # noqa: N818
    """The platform could not be started; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class PlatformOptions:
    """How to run it. `bus` None is the embedded bus; `environment` is added to that of every service."""

    directory: Path
    port_base: int = 8000
    bus: str | None = None
    clock: str = "system"
    environment: Mapping[str, str] = field(default_factory=dict)
    quiet_logs: bool = False
    durable: bool = True


class Platform:
    """Starts everything in order and stops it in reverse; a service that dies is started again with back-off."""

    def __init__(self, options: PlatformOptions, *, tell: Tell = lambda _: None) -> None:
        self.options = options
        self._tell = tell
        self._postgres: EmbeddedPostgres | None = None
        self._revive_at = 0.0
        self._revivals = 0
        self._children: dict[ServiceName, ServiceProcess] = {}
        self._apart: list[ServiceProcess] = []
        self._lock: IO[str] | None = None
        self.admin_key = ""
        self.made_key = False

    @property
    def postgres(self) -> EmbeddedPostgres:
        if self._postgres is None:
            raise PlatformFailed("the platform is not started")
        return self._postgres

    def url(self, service: ServiceName) -> str:
        """Where a service answers."""
        return f"http://127.0.0.1:{self.options.port_base + PORT_OFFSETS[service]}"

    def start(self) -> None:
        """Start PostgreSQL, migrate, make the admin key, start the services, and return when all are ready."""
        directory = self.options.directory.absolute()
        directory.mkdir(parents=True, exist_ok=True)
        self._take(directory)
        for service in ServiceName:
            _require_free(self.options.port_base + PORT_OFFSETS[service], service)
        self._tell("starting PostgreSQL")
        self._postgres = EmbeddedPostgres(directory / "postgres")
        self._postgres.start()
        self._tell("preparing the databases")
        self._prepare_databases()
        self._tell("starting scoring, crisis and notify")
        for service in ServiceName:
            self._children[service] = ServiceProcess(service, self.environment(service), self._log_path(service.value))
            self._children[service].spawn()
        self.wait_ready()

    def start_apart(self, service: ServiceName, *, label: str, clock: str, port: int) -> str:
        """Start one more process of a service, on databases and a clock of its own; answers its address when ready.

        It ends with the platform. Raises PlatformFailed.
        """
        bus = self.postgres.create_database(f"moat_{label}_bus")
        apart = {
            "MOAT_DATABASE_URL": self._prepare_database(service, f"moat_{label}"),
            "MOAT_BUS_URL": bus,
            "MOAT_CLOCK": clock,
            "MOAT_PORT": str(port),
        }
        child = ServiceProcess(service, {**self.environment(service), **apart}, self._log_path(label))
        self._apart.append(child)
        child.spawn()
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + _READY_SECONDS
        while not _answers(f"{url}/readyz"):
            if not child.running() or time.monotonic() > until:
                raise PlatformFailed(f"{service.value} did not become ready:\n{child.last_words()}")
            time.sleep(0.05)
        return url

    def wait_ready(self, *, seconds: float = _READY_SECONDS) -> None:
        """Return when every service says that it is ready; raises PlatformFailed with the end of its log otherwise."""
        until = time.monotonic() + seconds
        for service, child in self._children.items():
            while not _answers(f"{self.url(service)}/readyz"):
                if child.gave_up() or time.monotonic() > until:
                    raise PlatformFailed(f"{service.value} did not become ready:\n{child.last_words()}")
                self.tend()
                time.sleep(0.05)

    def tend(self) -> None:
        """Start again what has died, PostgreSQL first; to be called now and then."""
        self._tend_postgres()
        for child in self._children.values():
            child.tend(self._tell)

    def _tend_postgres(self) -> None:
        if self.postgres.answers():
            self._revivals = 0
            return
        now = time.monotonic()
        if now < self._revive_at:
            return
        self._revivals += 1
        self._revive_at = now + pause_after(self._revivals)
        self._tell("PostgreSQL has ended; starting it again")
        try:
            self.postgres.start()
        except EmbeddedPostgresFailed as error:
            self._tell(str(error))

    def kill(self, service: ServiceName) -> int:
        """End a service as a crash would (SIGKILL); answers the pid that was killed."""
        return self._children[service].kill()

    def pids(self) -> dict[ServiceName, int]:
        """Process ids of the running services."""
        return {service: child.pid for service, child in self._children.items() if child.running()}

    def stop(self) -> None:
        """Stop the services cleanly, then PostgreSQL. Safe to call at any stage, and twice."""
        children = [*self._children.values(), *self._apart]
        for child in children:
            child.terminate()
        until = time.monotonic() + _PATIENCE
        for child in children:
            child.wait(max(0.1, until - time.monotonic()))
        self._children.clear()
        self._apart.clear()
        if self._postgres is not None:
            self._postgres.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take(self, directory: Path) -> None:
        self._lock = (directory / "moat.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PlatformFailed(
                f"another moat runs on {directory}: stop it, or choose another folder with --data"
            ) from None

    def _prepare_databases(self) -> None:
        key_file = self.options.directory / "admin.key"
        self.made_key = not key_file.exists()
        if self.made_key:
            key_file.touch(mode=0o600)
            key_file.write_text(f"moat_{secrets.token_urlsafe(32)}\n")
        self.admin_key = key_file.read_text().strip()
        for service in ServiceName:
            self._prepare_database(service, f"moat_{service.value}")
        if self.options.bus is None:
            self.postgres.create_database("moat_bus")

    def _prepare_database(self, service: ServiceName, name: str) -> str:
        """A database of a service, migrated, with the admin key; answers its url."""
        from shared.auth.keys import install_key
        from shared.db.migrations import migrate

        url = self.postgres.create_database(name)
        asyncio.run(migrate(url, service.value))
        asyncio.run(install_key(url, self.admin_key, name="admin (made by moat up)"))
        return url

    def environment(self, service: ServiceName) -> dict[str, str]:
        """What the process of a service is told."""
        return {
            **os.environ,
            "MOAT_LOG_FORMAT": "json",
            **({"MOAT_LOG_LEVEL": "WARNING"} if self.options.quiet_logs else {}),
            **self.options.environment,
            "MOAT_DATABASE_URL": self.postgres.url(f"moat_{service.value}"),
            "MOAT_BUS_URL": self.options.bus or self.postgres.url("moat_bus"),
            "MOAT_CLOCK": self.options.clock,
            "MOAT_PORT": str(self.options.port_base + PORT_OFFSETS[service]),
            "PYTHONUNBUFFERED": "1",
        }

    def _log_path(self, name: str) -> Path:
        return self.options.directory.absolute() / f"{name}.log"


def _require_free(port: int, service: ServiceName) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PlatformFailed(
                f"port {port}, wanted for {service.value}, is taken: stop what listens there, or use --port-base"
            ) from None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - http to ourselves
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
