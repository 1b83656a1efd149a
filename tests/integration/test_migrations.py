"""Migrations: one history per service, safe to run together, and honest about databases that are not ours."""

import asyncio

import asyncpg
import pytest

from shared.db.migrations import SchemaProblem, migrate, schema_state


async def test_three_replicas_may_migrate_at_the_same_time(database_url):
    revisions = await asyncio.gather(*(migrate(database_url, "scoring") for _ in range(3)))

    assert len(set(revisions)) == 1
    assert (await schema_state(database_url, "scoring")).state == "at_head"


async def test_an_empty_database_is_told_to_migrate(database_url):
    state = await schema_state(database_url, "crisis")

    with pytest.raises(SchemaProblem, match="run `moat migrate crisis`"):
        state.require_head("crisis")


async def test_the_database_of_another_service_is_refused_and_left_alone(database_url):
    await migrate(database_url, "scoring")

    with pytest.raises(SchemaProblem, match="MOAT_NOTIFY_DATABASE_URL"):
        await migrate(database_url, "notify")
    assert (await schema_state(database_url, "scoring")).state == "at_head"


async def test_a_database_of_something_else_is_refused_and_left_alone(database_url):
    connection = await asyncpg.connect(database_url)
    await connection.execute("create table theirs (id int)")

    with pytest.raises(SchemaProblem, match="holds tables of something else"):
        await migrate(database_url, "notify")
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    await connection.close()
    assert [row["tablename"] for row in tables] == ["theirs"]


async def test_a_schema_newer_than_this_version_is_refused(database_url):
    await migrate(database_url, "crisis")
    connection = await asyncpg.connect(database_url)
    await connection.execute("update alembic_version set version_num = '9999'")
    await connection.close()

    with pytest.raises(SchemaProblem, match="run the newer version"):
        await migrate(database_url, "crisis")
