"""`moat demo`: three months of real customers through the whole platform, in about three minutes."""

import asyncio
import contextlib
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.problems import fail, told_plainly

if TYPE_CHECKING:
    from services.commands.demo.figures import Figures
    from services.commands.demo.live import Screen
    from services.commands.demo.promises import Explained
    from services.commands.demo.report import Timings
    from services.commands.platform import Platform, PlatformOptions

_ROOT = Path(__file__).parents[3]


def demo(
    out: Annotated[Path, typer.Option(help="Where the report goes: demo.html and demo.json.")] = Path("var/demo"),
    stay: Annotated[bool, typer.Option("--stay", help="Keep the platform up afterwards, until Ctrl-C.")] = False,
    kafka: Annotated[bool, typer.Option("--kafka", help="Run on a real Apache Kafka that the demo starts.")] = False,
    port_base: Annotated[int | None, typer.Option(help="Ports of the services - 1; free ones are taken else.")] = None,
    days: Annotated[int, typer.Option(min=1, max=91, help="How many of the 91 days to step through.")] = 91,
    one_in: Annotated[int, typer.Option(min=1, max=100, help="Take one in so many of the 23,570 customers.")] = 1,
) -> None:
    """Load real purchases through the public doors, step through three months day by day, show what happens, report.

    Purchases: CDNOW, 1997-1998. Complaints: a real ServiceNow incident log, shifted by whole weeks into that time. The
    clock is stepped, every step waits until nothing is left to do, so the figures are the same on every run and bus.
    """
    from services.commands.demo.live import screen
    from services.commands.platform import PlatformFailed
    from shared.db.embedded import EmbeddedPostgresFailed

    data = _ROOT / "data"
    if not (data / "CDNOW_master.txt.gz").exists():
        raise fail(f"the data of the demo is not at {data}: run this from a clone of the repository")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    view = screen()
    try:
        with told_plainly(PlatformFailed, EmbeddedPostgresFailed), _broker(kafka, view) as bus:
            _run(view, data, out, bus=bus, stay=stay, port_base=port_base, days=days, one_in=one_in)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        view.close()


def _run(
    view: "Screen",
    data: Path,
    out: Path,
    *,
    bus: str | None,
    stay: bool,
    port_base: int | None,
    days: int,
    one_in: int,
) -> None:
    from services.commands.demo.mailbox import Mailbox
    from services.commands.demo.play import Play
    from services.commands.demo.report import Told, lines_of, write
    from services.commands.platform import Platform

    started = time.monotonic()
    mailbox = Mailbox()
    directory = Path(tempfile.mkdtemp(prefix="moat-demo-"))
    directory.chmod(0o755)  # the account that runs PostgreSQL has to get through
    smtp_port = _free_port()
    platform = Platform(_options(directory, bus=bus, port_base=port_base, smtp_port=smtp_port), tell=view.say)
    try:
        platform.start()

        async def play() -> tuple["Figures", "Timings", Mapping[str, Any]]:
            await mailbox.start(port=smtp_port)
            bus_url = bus or platform.postgres.url("moat_bus")
            played = Play(platform, mailbox, view, data, bus=bus_url, days=days, one_in=one_in)
            try:
                timings, story = await played.run(started)
            finally:
                await played.close()
                await mailbox.stop()
            return played.figures, timings, story

        figures, timings, story = asyncio.run(play())
        told = Told(story, _promises(platform, view))
        for line in lines_of(write(out, figures, told, timings, log=data / "incident_event_log_1.csv.gz")):
            print(line)  # noqa: T201 - the report is for the screen
        print(f"\n{out / 'demo.html'} has the charts, {out / 'demo.json'} the figures")  # noqa: T201
        if stay:
            _stay(platform, view)
    finally:
        platform.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _options(directory: Path, *, bus: str | None, port_base: int | None, smtp_port: int) -> "PlatformOptions":
    from services.commands.demo.play import begin_of
    from services.commands.platform import PlatformOptions

    return PlatformOptions(
        directory,
        port_base=port_base if port_base is not None else _free_base(),
        bus=bus,
        clock=f"stepped:{begin_of().isoformat()}",
        environment={"MOAT_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}", "MOAT_LOG_LEVEL": "WARNING"},
    )


def _promises(platform: "Platform", view: "Screen") -> "list[Explained]":
    from services.commands.demo.promises import BEGIN, explain_three
    from services.commands.names import ServiceName

    view.say("three promises on the calendars of 2026, explained")
    url = platform.start_apart(ServiceName.CRISIS, label="promises", clock=f"stepped:{BEGIN}", port=_free_port())
    return asyncio.run(explain_three(url, platform.admin_key))


def _stay(platform: "Platform", view: "Screen") -> None:
    from services.commands.names import ServiceName

    for service in ServiceName:
        view.say(f"{service.value:8} {platform.url(service)}/docs")
    view.say(f"admin key: {platform.admin_key}   (header X-API-Key)")
    view.say("the clock stands still; POST /v1/admin/clock moves it. Ctrl-C ends everything")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            platform.tend()
            time.sleep(0.5)


@contextlib.contextmanager
def _broker(wanted: bool, view: "Screen") -> Iterator[str | None]:
    """A Kafka broker of the demo's own, or nothing for the embedded bus."""
    if not wanted:
        yield None
        return
    from deploy.kafka.broker import LocalKafka
    from deploy.kafka.fetch import KafkaNotAvailable

    with tempfile.TemporaryDirectory(prefix="moat-demo-kafka-") as directory, told_plainly(KafkaNotAvailable):
        broker = LocalKafka(Path(directory))
        view.say("starting Apache Kafka")
        broker.start()
        try:
            yield f"kafka://{broker.bootstrap}"
        finally:
            broker.stop()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _free_base() -> int:
    """A base whose three ports are free: 8000 where nothing runs there, so that addresses are the usual ones."""
    for base in (8000, *range(18000, 19000, 10)):
        with contextlib.ExitStack() as stack:
            try:
                for offset in (1, 2, 3):
                    probe = stack.enter_context(socket.socket())
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", base + offset))
            except OSError:
                continue
            return int(base)
    raise fail("no three free ports in a row were found: name a base with --port-base")
