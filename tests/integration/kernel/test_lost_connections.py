"""The database crashes and comes back: one transaction fails, is known to be worth a repeat, and the next succeeds."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from shared.db.database import Database, is_transient, raw_connection


async def _by_transaction(database):
    async with database.begin() as connection:
        await (await raw_connection(connection)).execute("select 1")


async def _by_reading(database):
    async with database.read() as connection:
        await (await raw_connection(connection)).fetchval("select 1")


async def _by_glance(database):
    async with database.glance() as raw:
        await raw.fetchval("select 1")


async def _by_statement(database):
    async with database.begin() as connection:
        await connection.exec_driver_sql("select 1")


@pytest.mark.parametrize("use", [_by_transaction, _by_reading, _by_glance, _by_statement])
async def test_after_a_crash_of_the_server_one_use_fails_as_transient_and_the_next_succeeds(own_postgres, use):
    database = Database(own_postgres.create_database("crashing"), pool_size=6)
    async with AsyncExitStack() as pool:
        for _ in range(6):
            await (await pool.enter_async_context(database.read())).exec_driver_sql("select 1")

    await asyncio.to_thread(own_postgres.stop_immediately)
    await asyncio.to_thread(own_postgres.start)

    with pytest.raises(Exception) as failure:
        await use(database)
    assert is_transient(failure.value), repr(failure.value)
    for _ in range(6):
        await use(database)
    await database.close()
