"""`moat keys create|list|revoke|rotate`: API keys of one or several services' databases."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from shared.auth import keys
from shared.auth.scopes import SCOPES

app = typer.Typer(
    name="keys", help="API keys: made, listed, rotated and revoked. A key is shown once.", no_args_is_help=True
)

_T = TypeVar("_T")
DatabaseUrls = Annotated[
    list[str],
    typer.Option(
        "--database-url", envvar="MOAT_DATABASE_URL", help="Database of a service; give several to act on each."
    ),
]
Which = Annotated[str, typer.Argument(help="Id, prefix (moat_1a2b3c4d) or name of the key.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    urls: DatabaseUrls,
    scope: Annotated[list[str], typer.Option(help="A scope, or `all`; give several.")],
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never without.")] = None,
) -> None:
    """Make a key and print it, once."""
    now = datetime.now(UTC)
    made = keys.draw_key()
    expires_at = None if days is None else now + timedelta(days=days)
    scopes = list(SCOPES) if scope == ["all"] else scope
    _on_each(urls, lambda raw: keys.create_key(raw, name=name, scopes=scopes, now=now, expires_at=expires_at, key=made))
    typer.echo(made.plain)


@app.command("list")
def list_all(urls: DatabaseUrls) -> None:
    """Show every key, without the key itself."""
    now = datetime.now(UTC)
    found = {key.id: key for records in _on_each(urls, keys.list_keys) for key in records}
    rows = [("ID", "PREFIX", "NAME", "STATE", "EXPIRES", "LAST USED", "SCOPES")]
    rows += [
        (
            key.id,
            key.prefix,
            key.name,
            key.state(now),
            _day(key.expires_at),
            _day(key.last_used_at),
            _scopes(key.scopes),
        )
        for key in found.values()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command("revoke")
def revoke(which: Which, urls: DatabaseUrls) -> None:
    """End a key; running services notice within seconds."""
    now = datetime.now(UTC)
    ended = _on_each(urls, lambda raw: keys.revoke_key(raw, which, now=now))
    typer.echo(f"revoked {ended[0].prefix} ({ended[0].name})")


@app.command("rotate")
def rotate(
    which: Which,
    urls: DatabaseUrls,
    overlap_hours: Annotated[float, typer.Option(min=0, help="Hours that the old key goes on working.")] = 24.0,
) -> None:
    """Make a second key with the same rights and print it; the first one ends after the overlap."""
    now = datetime.now(UTC)
    made = keys.draw_key()
    overlap = timedelta(hours=overlap_hours)
    _on_each(urls, lambda raw: keys.rotate_key(raw, which, now=now, overlap=overlap, key=made))
    typer.echo(made.plain)


def _on_each(urls: list[str], step: Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[_T]]) -> list[_T]:
    """Do `step` in a transaction on each database; a refusal is one sentence and exit code 2."""

    async def one(url: str) -> _T:
        connection: Any = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://"), timeout=10)
        try:
            async with connection.transaction():
                return await step(connection)
        finally:
            await connection.close()

    async def every() -> list[_T]:
        return [await one(url) for url in urls]

    try:
        return asyncio.run(every())
    except (keys.UnknownKey, keys.UnknownScope) as refusal:
        typer.echo(str(refusal.args[0]), err=True)
    except asyncpg.UndefinedTableError:
        typer.echo("the database has no tables yet: run `moat migrate` first", err=True)
    except (OSError, asyncpg.PostgresError) as error:
        typer.echo(f"the database cannot be reached: {error}", err=True)
    raise typer.Exit(2)


def _day(instant: datetime | None) -> str:
    return "-" if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def _scopes(scopes: frozenset[str]) -> str:
    return "all" if scopes == SCOPES.keys() else " ".join(sorted(scopes))
