"""H1: durable `POST /v1/facts`, single and in hundreds, everything on; beside a bare one-statement FastAPI route."""

import asyncio
import secrets
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import asyncpg
import orjson

from shared.auth.keys import install_key
from shared.db.migrations import migrate
from tests.bench.bench import Bench
from tests.bench.http_load import Load, load, request
from tests.bench.processes import a_process, free_port, until_ready
from tests.bench.table import Ratio, Row, median

RUNS, SECONDS, WARM_SECONDS = 3, 3.0, 1.5
CONNECTIONS = {1: 32, 100: 8}
_FACT = (
    b'{"specversion":"1.0","id":"%(id)s","source":"/shop","type":"customer.order.placed.v1","subject":"C-%(customer)d",'
    b'"time":"%(at)s","data":{"order_id":"%(id)s","amount":"1280.50","currency":"CNY","placed_at":"%(at)s",'
    b'"quantity":2,"channel":"online","product_line":"pumps"}}'
)
_numbers = count(1)


async def run(bench: Bench) -> list[Row]:
    """Two processes on the same server, loaded in turns; scoring also applies what it let in, over Kafka."""
    key = f"moat_{secrets.token_urlsafe(32)}"
    url, bare_url = bench.database("h1"), bench.database("h1_bare")
    await migrate(url, "scoring")
    await install_key(url, key, name="bench")
    ports = free_port(), free_port()
    logs = bench.directory / "h1-scoring.log", bench.directory / "h1-bare.log"
    environment = {
        "MOAT_DATABASE_URL": url, "MOAT_BUS_URL": f"kafka://{bench.fresh_kafka()}", "MOAT_PORT": str(ports[0]),
    }  # fmt: skip
    with (
        a_process(logs[0], "services.cli", "serve", "scoring", **environment) as scoring,
        a_process(logs[1], "tests.bench.bare_route", str(ports[1]), bare_url) as bare,
    ):
        until_ready(f"http://127.0.0.1:{ports[0]}/readyz", scoring, logs[0])
        until_ready(f"http://127.0.0.1:{ports[1]}/readyz", bare, logs[1])
        rows = []
        for facts in CONNECTIONS:
            rows.append(await _compared(facts, ports, key))
        await _must_all_be_stored(url, ports[0], key)
    return rows


async def _compared(facts: int, ports: tuple[int, int], key: str) -> Row:
    ours: list[Load] = []
    bare: list[Load] = []
    for port in ports:
        await load(port, _requests(port, key, facts), connections=CONNECTIONS[facts], seconds=WARM_SECONDS)
    for _ in range(RUNS):
        await asyncio.to_thread(_until_quiet, ports[0], key)
        for port, into in zip(ports, (ours, bare), strict=True):
            requests = _requests(port, key, facts)
            done = await load(port, requests, connections=CONNECTIONS[facts], seconds=SECONDS)
            into.append(done.honest())
            if port == ports[0]:
                await asyncio.to_thread(_until_quiet, port, key)
    mine, limit = (median([run.per_second * facts for run in runs]) for runs in (ours, bare))
    return Row(
        id="H1",
        what="durable POST /v1/facts, " + ("one a request" if facts == 1 else f"{facts} a request"),
        ours=mine,
        unit="facts/s",
        beside={"bare FastAPI route, one statement": limit},
        ratios=(Ratio("bare route", mine / limit, 0.5),),
        runs=tuple(run.per_second * facts for run in ours),
        note="the process also relays these facts to Kafka, takes them back and grades meanwhile; "
        f"p99 {median([run.p99_ms for run in ours]):,.0f} ms with {CONNECTIONS[facts]} connections (bare "
        f"{median([run.p99_ms for run in bare]):,.0f} ms); the generator took at most "
        f"{max(run.cpu for run in (*ours, *bare)):.0%} of a core",
    )


def _requests(port: int, key: str, facts: int) -> Iterator[bytes]:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    run = secrets.token_hex(4).encode()
    for number in _numbers:
        told = [
            _FACT % {b"id": b"SO-%s-%d-%d" % (run, number, n), b"customer": (number * facts + n) % 20_000, b"at": at}
            for n in range(facts)
        ]
        yield request(port, key, told[0] if facts == 1 else b'{"facts":[' + b",".join(told) + b"]}")


def _until_quiet(port: int, key: str) -> None:
    """What was let in is applied: the next turn is not slowed by the last one's."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/admin/quiescence", headers={"X-API-Key": key})
    until = time.monotonic() + 120
    while True:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            if orjson.loads(answer.read())["quiet"]:
                return
        assert time.monotonic() < until, "scoring does not become quiet"
        time.sleep(0.05)


async def _must_all_be_stored(url: str, port: int, key: str) -> None:
    await asyncio.to_thread(_until_quiet, port, key)
    raw = await asyncpg.connect(url)
    accepted, applied = await raw.fetchrow("select (select count(*) from door), (select count(*) from fact)")
    await raw.close()
    assert applied >= accepted > 0, f"{applied} facts applied, {accepted} were accepted"
