"""What was set aside is looked at and mended with the commands that an operator has."""

import os
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.commands.names import ServiceName
from shared.bus.dead_letters import listed
from shared.bus.open import open_bus
from tests.support.faults.doors import record_of
from tests.support.faults.junk import an_order_fact, raw_record
from tests.support.faults.story import text

pytestmark = pytest.mark.timeout(400)
on_one_bus = pytest.mark.parametrize("running", ["embedded"], indirect=True)
"""Parked keys lie in the services' databases, whatever the bus is."""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def moat(running):
    """Runs `moat …` against the platform; answers the exit code and what it said."""
    environment = {
        **os.environ,
        "MOAT_BUS_URL": running.bus,
        **{
            f"MOAT_{service.value.upper()}_DATABASE_URL": running.platform.postgres.url(f"moat_{service.value}")
            for service in ServiceName
        },
    }

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


async def test_a_dead_letter_is_listed_shown_and_replayed_once_its_cause_is_gone(running, world, moat):
    customer = f"C-{uuid4().hex[:8]}"
    soon = await world.now() + timedelta(minutes=30)
    early = an_order_fact(customer, uuid4().hex, placed_at=text(soon))
    async with _bus(running) as bus:
        await bus.publish([record_of(early)])
        await world.settle()
        position = await _position_of(bus, early["id"])

    code, shown = moat("dlq", "list", "scoring", "--limit", "1000")
    assert code == 0
    (line,) = [line for line in shown.splitlines() if line.startswith(f"{position} ")]
    assert "moat.facts.v1[" in line
    assert "/data/placed_at" in line
    code, whole = moat("dlq", "show", "scoring", position)
    assert code == 0
    assert f"ce_id: {early['id']}" in whole
    assert "dlq-error-rule: future" in whole
    assert early["data"]["placed_at"] in whole

    await world.go_on(minutes=31)
    assert moat("dlq", "replay", "scoring", position) == (0, "published again on moat.facts.v1\n")
    await world.settle()

    assert await _orders_of(world, customer) == [early["data"]["order_id"]]
    assert f"{position} " not in moat("dlq", "list", "scoring", "--limit", "1000")[1]


async def test_a_dropped_dead_letter_is_listed_no_more_and_had_no_effect(running, world, moat):
    customer = f"C-{uuid4().hex[:8]}"
    broken = an_order_fact(customer, uuid4().hex, amount="-1.00")
    async with _bus(running) as bus:
        await bus.publish([raw_record(broken)])
        await world.settle()
        position = await _position_of(bus, broken["id"])

    assert moat("dlq", "drop", "scoring", position) == (0, "dropped\n")

    assert f"{position} " not in moat("dlq", "list", "scoring", "--limit", "1000")[1]


@on_one_bus
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dlq", "show", "scoring", "0:999999"), "no dead letter of scoring at 0:999999"),
        (("dlq", "show", "scoring", "nowhere"), "PARTITION:OFFSET"),
        (("dlq", "list", "no-such-group"), "moat.dead.no-such-group does not exist: groups are scoring"),
        (("parked", "release", "scoring", "scoring", "C-nobody"), "is not parked"),
        (("parked", "drop", "scoring", "scoring", "C-nobody"), "is not parked"),
    ],
)
async def test_what_is_not_there_is_told_in_one_sentence(running, moat, arguments, said):
    code, told = moat(*arguments)

    assert code == 2
    assert said in told
    assert len(told.strip().splitlines()) == 1


@on_one_bus
async def test_a_key_that_keeps_failing_is_parked_with_what_follows_it_and_released_in_order(running, world, moat):
    customer, other = f"C-{uuid4().hex[:8]}", f"C-{uuid4().hex[:8]}"
    facts = [an_order_fact(customer, f"{customer}-{n}") for n in range(4)]
    async with _failing(running, customer), _bus(running) as bus:
        await bus.publish([record_of(fact) for fact in (*facts[:2], an_order_fact(other, uuid4().hex))])
        await world.settle()
        assert len(await _orders_of(world, other)) == 1, "others flow"
        await bus.publish([record_of(fact) for fact in facts[2:]])
        await world.settle()

        code, parked = moat("parked", "list", "scoring")
        assert code == 0
        (line,) = [line for line in parked.splitlines() if customer in line]
        assert line.split()[:3] == ["scoring", customer, "4"]
        assert "made to fail" in line
        assert moat("parked", "release", "scoring", "scoring", customer)[0] == 0
        await _until_asked(running, customer)
        assert customer in moat("parked", "list", "scoring")[1], "the cause is still there"

    code, said = moat("parked", "release", "scoring", "scoring", customer)
    assert (code, said) == (0, f"4 event(s) of {customer} will be handled again by scoring within seconds\n")
    await _until_empty(running, customer)
    await world.settle()

    assert await _orders_of(world, customer) == [fact["data"]["order_id"] for fact in facts]
    assert customer not in moat("parked", "list", "scoring")[1]


@on_one_bus
async def test_a_parked_event_that_is_given_up_becomes_a_dead_letter(running, world, moat):
    customer = f"C-{uuid4().hex[:8]}"
    facts = [an_order_fact(customer, f"{customer}-{n}") for n in range(3)]
    async with _failing(running, customer), _bus(running) as bus:
        await bus.publish([record_of(fact) for fact in facts])
        await world.settle()

        assert moat("parked", "drop", "scoring", "scoring", customer) == (0, "1 event(s) moved to moat.dead.scoring\n")
        await world.settle()
        assert await _position_of(bus, facts[0]["id"])
        assert moat("parked", "drop", "scoring", "scoring", customer, "--all")[1].startswith("2 event(s)")
        await world.settle()
        assert await _position_of(bus, facts[2]["id"])

    assert customer not in moat("parked", "list", "scoring")[1]


@asynccontextmanager
async def _bus(running):
    bus = await open_bus(running.bus, client_id="mending")
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def _scoring(running):
    connection = await asyncpg.connect(running.platform.postgres.url("moat_scoring"))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _failing(running, customer):
    """Makes the database refuse facts of one customer, as a defect of ours would."""
    name = f"fail_{customer.removeprefix('C-')}"
    async with _scoring(running) as connection:
        await connection.execute(
            f"create function {name}() returns trigger language plpgsql as"
            f" $$ begin if new.customer_id = '{customer}' then raise exception 'made to fail'; end if;"
            " return new; end $$"
        )
        await connection.execute(f"create trigger {name} before insert on fact for each row execute function {name}()")
        try:
            yield
        finally:
            await connection.execute(f"drop function {name} cascade")


async def _position_of(bus, event_id):
    (letter,) = [
        letter
        for letter in await listed(bus, "scoring", limit=1000)
        if dict(letter.record.headers).get("ce_id") == event_id.encode()
    ]
    return letter.position


async def _orders_of(world, customer):
    found = await world.client.get(ServiceName.SCORING, f"/v1/customers/{customer}/timeline?page_size=1000")
    entries = [entry for entry in found["items"] if entry["kind"] == "customer.order.placed.v1"]
    return sorted(entry["data"]["order_id"] for entry in entries)


async def _until_asked(running, customer):
    """Until the consumer has tried to release the key, in vain."""
    async with _scoring(running) as connection:
        await _until(connection, "select not bool_or(release_requested) from parked where subject = $1", customer)


async def _until_empty(running, customer):
    async with _scoring(running) as connection:
        await _until(connection, "select count(*) = 0 from parked where subject = $1", customer)


async def _until(connection, statement, *values):
    import asyncio

    async with asyncio.timeout(60):
        while not await connection.fetchval(statement, *values):
            await asyncio.sleep(0.05)
