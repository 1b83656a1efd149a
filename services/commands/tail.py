"""`moat tail`: the event stream, one readable line an event."""

import asyncio
import contextlib
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.migrate import bus_url
from services.commands.problems import told_plainly

if TYPE_CHECKING:
    from shared.bus.port import Received


def tail(
    topic: Annotated[list[str] | None, typer.Option(help="Only these topics; may be repeated.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only events about this customer.")] = None,
    since: Annotated[float, typer.Option(help="Begin this many seconds ago.")] = 0.0,
    bus: Annotated[str | None, typer.Option(help="Where the bus is; MOAT_BUS_URL when left out.")] = None,
    count: Annotated[int | None, typer.Option(help="Stop after this many events.")] = None,
) -> None:
    """Print events as they flow: when, topic, customer, type and what matters of the payload. Ctrl-C ends it."""
    from shared.bus.port import BusUnavailable

    with told_plainly(BusUnavailable), contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_tail(bus or bus_url(), topic, customer, since, count))


async def _tail(url: str, topics: list[str] | None, customer: str | None, since: float, count: int | None) -> None:
    from shared.bus.open import open_bus
    from shared.contracts import TOPICS

    wanted = topics or [entry.name for entry in TOPICS]
    group = f"moat-tail-{os.getpid()}"
    bus = await open_bus(url, client_id=group)
    try:
        await bus.reset(group, wanted, to=datetime.now(UTC) - timedelta(seconds=since))
        subscription = await bus.subscribe(group, wanted)
        shown = 0
        try:
            while count is None or shown < count:
                for record in await subscription.poll(max_records=500, wait=1.0):
                    if customer is None or record.key == customer.encode():
                        typer.echo(line_of(record))
                        shown += 1
        finally:
            await subscription.close()
            await bus.forget(group)
    finally:
        await bus.close()


def line_of(record: "Received") -> str:
    """One record as a line; junk is shown as what it is."""
    from shared.contracts import ContractError, UnknownType, decode

    place = f"{record.topic}[{record.partition}]@{record.offset}"
    try:
        event = decode(record.key, record.value, record.headers)
    except (ContractError, UnknownType) as error:
        return f"{place}  not an event: {error}"
    facts = " ".join(f"{name}={_brief(value)}" for name, value in (event.data or {}).items() if value is not None)
    return f"{event.time:%Y-%m-%d %H:%M:%S}  {event.subject:12}  {event.type:36}  {facts}"[:400]


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= 48 else text[:45] + "…"
