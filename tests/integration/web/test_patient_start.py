"""A service that is started while its database is away."""

import asyncio

from shared.db.migrations import migrate
from tests.support.web import a_service


async def test_it_waits_for_a_database_that_goes_away_during_the_start(own_postgres):
    url = own_postgres.create_database("starting")
    await migrate(url, "crisis")
    service = a_service(url, url)
    await asyncio.to_thread(own_postgres.stop_immediately)

    starting = asyncio.create_task(service.start())
    await asyncio.sleep(0.5)
    waits = not starting.done()
    await asyncio.to_thread(own_postgres.start)
    await asyncio.wait_for(starting, 60)
    await service.stop()

    assert waits


async def test_it_gives_up_waiting_when_it_is_told_to_stop(own_postgres):
    url = own_postgres.create_database("starting")
    await migrate(url, "crisis")
    service = a_service(url, url)
    await asyncio.to_thread(own_postgres.stop_immediately)

    service.door.draining = True
    failure = (await asyncio.gather(service.start(), return_exceptions=True))[0]
    await service.base.database.close()

    assert isinstance(failure, OSError)
