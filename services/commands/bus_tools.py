"""`moat dlq …`, `moat parked …` and `moat contracts`: look at what was set aside, and mend it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.migrate import bus_url, database_url
from services.commands.names import ServiceName
from services.commands.problems import fail, told_plainly

if TYPE_CHECKING:
    from shared.bus.port import Bus

dlq = typer.Typer(no_args_is_help=True, help="Dead letters: records that could never be handled, bytes unchanged.")
parked = typer.Typer(no_args_is_help=True, help="Parked keys: customers whose events keep failing, set aside in order.")

_GROUPS = "scoring, crisis-facts, crisis-customers, crisis-scoring, crisis-notify, notify-crisis, notify-customers"
Group = Annotated[str, typer.Argument(help="The consumer group, for example scoring or crisis-facts.")]
Service = Annotated[ServiceName, typer.Argument(help="The service whose consumer parked it.")]
Position = Annotated[str, typer.Argument(help="PARTITION:OFFSET as `moat dlq list` prints it.")]


@dlq.command("list")
def dlq_list(group: Group, *, limit: int = 50, start: int = 0) -> None:
    """List dead letters of a group, oldest first, without those already replayed or dropped."""

    async def show(bus: "Bus") -> None:
        from shared.bus.dead_letters import listed

        letters = await listed(bus, group, start=start, limit=limit)
        for letter in letters:
            typer.echo(f"{letter.position:8}  {letter.failed_at}  {letter.origin:32}  {letter.error}")
        if not letters:
            typer.echo("no dead letters")

    _on_bus(show)


@dlq.command("show")
def dlq_show(group: Group, position: Position) -> None:
    """Print one dead letter whole: headers, then the value as it is."""

    async def show(bus: "Bus") -> None:
        from shared.bus.dead_letters import one

        letter = await one(bus, group, position)
        for name, value in letter.record.headers:
            typer.echo(f"{name}: {value.decode('utf-8', 'backslashreplace')}")
        typer.echo("")
        typer.echo((letter.record.value or b"").decode("utf-8", "backslashreplace"))

    _on_bus(show)


@dlq.command("replay")
def dlq_replay(group: Group, position: Position) -> None:
    """Publish a dead letter again where it came from, bytes unchanged; its event id lets the inbox drop a repeat."""

    async def replay(bus: "Bus") -> None:
        from shared.bus.dead_letters import one
        from shared.bus.dead_letters import replay as run

        letter = await one(bus, group, position)
        await run(bus, group, letter)
        typer.echo(f"published again on {letter.topic}")

    _on_bus(replay)


@dlq.command("drop")
def dlq_drop(group: Group, position: Position) -> None:
    """Mark a dead letter as dealt with; the record itself leaves with the topic's retention."""

    async def drop(bus: "Bus") -> None:
        from shared.bus.dead_letters import mark, one

        await mark(bus, group, await one(bus, group, position), "dropped")
        typer.echo("dropped")

    _on_bus(drop)


@parked.command("list")
def parked_list(service: Service) -> None:
    """List parked keys: group, customer, how many events wait, since when, and why."""

    async def show(database: Any) -> None:
        from shared.bus.parking import parked_keys

        keys = await parked_keys(database)
        for key in keys:
            typer.echo(
                f"{key.group:18}  {key.subject:24}  {key.waiting:5}  {key.since:%Y-%m-%d %H:%M:%S}  {key.reason}"
            )
        if not keys:
            typer.echo("nothing is parked")

    _on_database(service, show)


@parked.command("release")
def parked_release(
    service: Service, group: Group, subject: Annotated[str, typer.Argument(help="The customer id.")]
) -> None:
    """Hand a parked key's events back to its consumer, in order; one that fails again stops there and stays parked."""

    async def release(database: Any) -> None:
        from shared.bus.parking import request_release

        waiting = await request_release(database, group, subject)
        if waiting == 0:
            raise fail(f"{subject} is not parked in {group}; see `moat parked list {service.value}`")
        typer.echo(f"{waiting} event(s) of {subject} will be handled again by {service.value} within seconds")

    _on_database(service, release)


@parked.command("drop")
def parked_drop(
    service: Service,
    group: Group,
    subject: Annotated[str, typer.Argument(help="The customer id.")],
    *,
    everything: Annotated[bool, typer.Option("--all", help="All its events, not only the first.")] = False,
) -> None:
    """Give up the first parked event of a key (it becomes a dead letter), or all of them."""

    async def drop(database: Any) -> None:
        from shared.bus.parking import drop_parked

        dropped = await drop_parked(database, group, subject, everything=everything, now=datetime.now(UTC))
        if dropped == 0:
            raise fail(f"{subject} is not parked in {group}; see `moat parked list {service.value}`")
        typer.echo(f"{dropped} event(s) moved to moat.dead.{group}")

    _on_database(service, drop)


def contracts(context: typer.Context) -> None:
    """Write JSON Schemas, the AsyncAPI document and the event pages; `--check` only says whether they are stale."""
    from shared.contracts.generate import main

    raise typer.Exit(main(context.args))


def _on_bus(step: "Callable[[Bus], Awaitable[None]]") -> None:
    from shared.bus.dead_letters import NoSuchLetter
    from shared.bus.open import open_bus
    from shared.bus.port import BusUnavailable, UnknownTopic

    async def run() -> None:
        bus = await open_bus(bus_url(), client_id="moat-cli")
        try:
            await step(bus)
        finally:
            await bus.close()

    with told_plainly(BusUnavailable, NoSuchLetter, ValueError):
        try:
            asyncio.run(run())
        except UnknownTopic as error:
            raise fail(f"{error.args[0].partition(':')[0]}: groups are {_GROUPS}") from None


def _on_database(service: ServiceName, step: Callable[[Any], Awaitable[None]]) -> None:
    from shared.db.database import Database

    async def run() -> None:
        database = Database(database_url(service), pool_size=2, name="moat-cli")
        try:
            await step(database)
        finally:
            await database.close()

    import asyncpg
    from sqlalchemy.exc import DBAPIError

    try:
        asyncio.run(run())
    except (OSError, DBAPIError, asyncpg.PostgresError) as error:
        reason = str(error).partition("\n")[0]
        raise fail(f"the database of {service.value} cannot be used ({reason}): is it there and migrated?") from None
