"""`moat migrate`: bring databases to the schema of this version."""

import asyncio
from typing import Annotated

import typer

from services.commands.names import ServiceName
from services.commands.problems import fail, told_plainly


def migrate(
    service: Annotated[ServiceName | None, typer.Argument(help="One service; all three when left out.")] = None,
) -> None:
    """Create or update the schema of each service's database, safely also when replicas do it at the same time.

    Databases come from MOAT_<SERVICE>_DATABASE_URL, else MOAT_DATABASE_URL.
    """
    from shared.db.migrations import SchemaProblem
    from shared.db.migrations import migrate as run

    for name in [service] if service else list(ServiceName):
        url = database_url(name)
        with told_plainly(SchemaProblem, OSError):
            revision = asyncio.run(run(url, name.value))
        typer.echo(f"{name.value}: at {revision}")


def database_url(service: ServiceName) -> str:
    """The database of `service` as the environment names it; a sentence and exit where it does not."""
    from shared.settings import read_variable

    url = read_variable(service.value, "database_url")
    if url is None:
        raise fail(
            f"no database for {service.value}: set MOAT_{service.value.upper()}_DATABASE_URL or MOAT_DATABASE_URL"
        )
    return url


def bus_url(service: ServiceName = ServiceName.SCORING) -> str:
    """The bus as the environment names it."""
    from shared.settings import read_variable

    url = read_variable(service.value, "bus_url")
    if url is None:
        raise fail("no bus: set MOAT_BUS_URL to kafka://host:port or postgresql://…")
    return url
