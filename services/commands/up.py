"""`moat up`: the platform on this machine, supervised, until it is told to stop."""

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.names import ServiceName
from services.commands.problems import told_plainly

if TYPE_CHECKING:
    from services.commands.platform import Platform


def up(
    data: Annotated[Path, typer.Option("--data", help="Where everything is kept.")] = Path("var/moat"),
    port_base: Annotated[int, typer.Option(help="Services listen on this + 1, 2, 3.")] = 8000,
    bus: Annotated[str | None, typer.Option(help="kafka://host:port; the embedded bus when left out.")] = None,
    clock: Annotated[str, typer.Option(help="`system`, or `stepped:<RFC 3339 instant>` for drills.")] = "system",
) -> None:
    """Run PostgreSQL, scoring, crisis and notify here; SIGTERM or Ctrl-C stops all of it cleanly.

    The first start makes an admin key, prints it once and keeps it in DATA/admin.key (mode 0600).
    """
    from services.commands.platform import Platform, PlatformFailed, PlatformOptions
    from shared.db.embedded import EmbeddedPostgresFailed

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    platform = Platform(PlatformOptions(data, port_base=port_base, bus=bus, clock=clock), tell=typer.echo)
    try:
        with told_plainly(PlatformFailed, EmbeddedPostgresFailed):
            platform.start()
            _greet(platform)
        while not stop.wait(0.5):
            platform.tend()
        typer.echo("stopping")
    finally:
        platform.stop()


def _greet(platform: "Platform") -> None:
    for service in ServiceName:
        typer.echo(f"{service.value:8} {platform.url(service)}/docs")
    key_file = platform.options.directory / "admin.key"
    if platform.made_key:
        typer.echo(f"admin key (printed this once, kept in {key_file}): {platform.admin_key}")
    else:
        typer.echo(f"admin key: in {key_file}")
    typer.echo("ready; Ctrl-C stops everything")
