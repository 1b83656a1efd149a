"""One Alembic history per service, run under an advisory lock so that replicas may start together.

A history lives in `services/<service>/migrations/versions`. The database is marked with the service's name: a database
that belongs to another service or program is refused with one sentence.

Alembic is imported where it migrates and nowhere else: a service that only looks whether its schema is the right one
would carry it in its memory for ever.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from alembic.config import Config

_T = TypeVar("_T")
_NAMES: Final = re.compile(r'^(revision|down_revision)\b[^=\n]*= *(?:"([^"]*)"|None)', re.MULTILINE)

_LOCK = 0x4D4F_4154_4D49  # one lock for the whole server; migrations are rare

State = Literal["at_head", "empty", "old", "newer", "foreign"]


class SchemaProblem(Exception):  # noqa: N818
    """The database cannot be used as it is; the message says what it is and what to do."""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """How a database stands to the code: its revision, the newest that we know, and what that means."""

    state: State
    revision: str | None
    head: str

    def require_head(self, service: str) -> None:
        """Raise SchemaProblem unless the schema is the one this code was written for."""
        match self.state:
            case "at_head":
                return
            case "empty" | "old":
                have = self.revision or "nothing"
                raise SchemaProblem(
                    f"the database of {service} is at {have}, this version needs {self.head}:"
                    f" run `moat migrate {service}`"
                )
            case "newer":
                raise SchemaProblem(
                    f"the database of {service} is at {self.revision}, which this version does not know:"
                    " run the newer version of Moat that made it"
                )
            case "foreign":
                raise SchemaProblem(
                    f"the database given for {service} holds tables of something else:"
                    f" point MOAT_{service.upper()}_DATABASE_URL at a database of its own"
                )


async def migrate(url: str, service: str, *, target: str = "head") -> str:
    """Bring the database of `service` to `target`; answers the revision then in force. Safe to run at the same time."""
    return await _connected(url, lambda connection: _migrate(connection, service, target))


async def schema_state(url: str, service: str) -> SchemaState:
    """Look at a database without changing it."""
    return await _connected(url, lambda connection: _state(connection, service))


async def _connected(url: str, step: Callable[[sa.Connection], _T]) -> _T:
    engine = create_async_engine(sa.make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(step)
    finally:
        await engine.dispose()


def _migrate(connection: sa.Connection, service: str, target: str) -> str:
    connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    state = _state(connection, service)
    if state.state in ("foreign", "newer"):
        state.require_head(service)
    from alembic import command

    config = _config(service)
    config.attributes["connection"] = connection
    command.upgrade(config, target)
    connection.execute(sa.text("create table if not exists moat_service (name text primary key)"))
    connection.execute(sa.text("insert into moat_service values (:name) on conflict do nothing"), {"name": service})
    return _state(connection, service).revision or "nothing"


def _state(connection: sa.Connection, service: str) -> SchemaState:
    history = _history(service)
    head = next((name for name in history if name not in history.values()), "nothing")
    tables = set(sa.inspect(connection).get_table_names())
    revision = None
    if "alembic_version" in tables:
        revision = connection.scalar(sa.text("select version_num from alembic_version"))
    owner = connection.scalar(sa.text("select name from moat_service")) if "moat_service" in tables else None
    state: State
    if revision is None:
        state = "foreign" if tables - {"alembic_version"} else "empty"
    elif owner != service:
        state = "foreign"
    elif revision == head:
        state = "at_head"
    else:
        state = "old" if revision in history else "newer"
    return SchemaState(state, revision, head)


def _versions(service: str) -> Path:
    return Path(__file__).parents[2] / "services" / service / "migrations" / "versions"


def _history(service: str) -> dict[str, str | None]:
    """Every revision that we know, and the one before it."""
    found: dict[str, str | None] = {}
    for path in sorted(_versions(service).glob("*.py")):
        named = {name: value or None for name, value in _NAMES.findall(path.read_text(encoding="utf-8"))}
        if (revision := named.get("revision")) is not None:
            found[revision] = named.get("down_revision")
    return found


def _config(service: str) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(_versions(service)))
    config.set_main_option("path_separator", "newline")
    return config
