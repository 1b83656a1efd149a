"""A service as a process: what cannot work is said in one sentence, and a stop is clean."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

from shared.db.migrations import migrate

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from shared.db.migrations import SchemaProblem
from shared.serve import run
from tests.support.web import a_service
try:
    run(a_service(sys.argv[1], sys.argv[2], port=int(sys.argv[3]), clock="system", drain_seconds=float(sys.argv[4])))
except SchemaProblem as problem:
    sys.exit(f"{problem}")
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.asynccontextmanager
async def served(database_url, bus_url, port, drain=0.0):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, database_url, bus_url, str(port), str(drain),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def answers(port):
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code
            await asyncio.sleep(0.05)


async def ends(process):
    async with asyncio.timeout(60):
        output = await process.stdout.read()
        return await process.wait(), output.decode()


async def test_it_serves_until_sigterm_and_then_ends_cleanly(crisis_database, bus_url):
    port = free_port()
    async with served(crisis_database, bus_url, port) as process:
        assert await answers(port) == 200
        process.send_signal(signal.SIGTERM)
        code, output = await ends(process)

    assert code == 0
    assert '"service.stopped"' in output
    assert "Traceback" not in output


async def test_while_draining_it_is_not_ready_but_still_answers(crisis_database, bus_url):
    port = free_port()
    async with served(crisis_database, bus_url, port, drain=3.0) as process:
        assert await answers(port) == 200
        process.send_signal(signal.SIGTERM)
        while (status := await answers(port)) == 200:  # the signal may take a moment
            pass
        assert status == 503
        assert (await ends(process))[0] == 0


async def test_a_port_that_is_taken_is_one_sentence_and_code_two(crisis_database, bus_url):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        async with served(crisis_database, bus_url, other.getsockname()[1]) as process:
            code, output = await ends(process)

    assert code == 2
    assert output.strip().splitlines() == [output.strip()]
    assert "choose another --port" in output


@pytest.mark.parametrize("state", ["empty", "another service's"])
async def test_a_database_that_cannot_be_used_is_one_sentence(database_url, bus_url, state):
    if state != "empty":
        await migrate(database_url, "notify")
    async with served(database_url, bus_url, free_port()) as process:
        code, output = await ends(process)

    assert code != 0
    assert len(output.strip().splitlines()) == 1
    assert ("run `moat migrate crisis`" if state == "empty" else "MOAT_CRISIS_DATABASE_URL") in output


async def test_a_database_that_is_away_is_one_sentence_and_worth_another_try(bus_url):
    async with served("postgresql://moat@127.0.0.1:9/moat", bus_url, free_port()) as process:
        code, output = await ends(process)

    assert code == 1
    assert "cannot be reached" in output
    assert "Traceback" not in output
