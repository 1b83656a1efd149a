"""The stepped clock over HTTP, kept over restarts; quiescence that a driver can rely on."""

from datetime import UTC, datetime, timedelta

from shared.bus.port import Record
from shared.contracts import encode
from tests.support.web import MORNING, a_complaint, a_service, an_event, keyed, running, until


async def quiet(things):
    return (await things.client.get("/v1/admin/quiescence")).json()


async def settled(things):
    """Two quiet looks in a row with the same activity."""
    first = await quiet(things)
    second = await quiet(things)
    return first["quiet"] and second["quiet"] and first["activity"] == second["activity"]


async def test_the_clock_is_moved_forward_and_stands_there_after_a_restart(crisis_database, bus_url):
    later = (MORNING + timedelta(days=3)).isoformat().replace("+00:00", "Z")
    async with running(a_service(crisis_database, bus_url)) as things:
        moved = await things.client.post("/v1/admin/clock", json={"now": later})
        assert (moved.status_code, moved.json()) == (200, {"now": later, "kind": "stepped"})

    async with running(a_service(crisis_database, bus_url)) as things:
        assert (await things.client.get("/v1/admin/clock")).json()["now"] == later


async def test_the_clock_never_runs_back(things):
    answer = await things.client.post("/v1/admin/clock", json={"now": "2026-03-01T00:00:00Z"})

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/clock-behind")
    assert answer.json()["now"] == MORNING.isoformat()


async def test_an_instant_without_an_offset_is_refused(things):
    answer = await things.client.post("/v1/admin/clock", json={"now": "2026-03-03T00:00:00"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/now"


async def test_moving_the_clock_fires_what_falls_due_and_quiescence_follows(things):
    due = MORNING + timedelta(hours=5)
    await things.client.post("/v1/things/ring", json={"at": due.isoformat()})
    before = await quiet(things)
    assert (before["due_timers"], datetime.fromisoformat(before["next_due_at"])) == (0, due)

    await things.client.post("/v1/admin/clock", json={"now": due.isoformat()})

    async def fired():
        return (await quiet(things))["next_due_at"] is None and await settled(things)

    await until(fired)
    assert (await quiet(things))["activity"] > before["activity"]
    sent = await things.service.bus.read("moat.crisis.v1")
    assert len(sent) == 1


async def test_a_service_is_not_quiet_while_records_wait_or_are_handled(things):
    await until(lambda: settled(things))
    bus = things.service.bus
    await bus.publish([Record("moat.crisis.v1", *encode(an_event("c", f"e{n}"))) for n in range(3)])
    assert (await quiet(things))["quiet"]  # nobody of ours reads that topic

    things.service.consumers[0].pause()
    await bus.publish([Record("moat.facts.v1", *encode(a_complaint("c", f"f{n}"))) for n in range(3)])
    waiting = await quiet(things)

    assert (waiting["quiet"], waiting["consumer_lag"]) == (False, 3)


async def test_an_open_job_keeps_a_service_from_being_quiet(things):
    await until(lambda: settled(things))

    await things.client.post("/v1/things/count", json={"to": 2000}, headers=keyed())

    assert ((await quiet(things))["quiet"], (await quiet(things))["jobs"]) == (False, 1)


async def test_a_replica_follows_the_clock_that_another_has_moved(crisis_database, bus_url):
    later = MORNING + timedelta(days=1)
    async with running(a_service(crisis_database, bus_url)) as one, running(a_service(crisis_database, bus_url)) as two:
        await one.client.post("/v1/admin/clock", json={"now": later.isoformat()})

        async def followed():
            return two.service.base.clock.now() == later

        await until(followed)


async def test_in_production_there_is_no_such_address(crisis_database, bus_url):
    async with running(a_service(crisis_database, bus_url, profile="production", clock="system")) as things:
        assert (await things.client.get("/v1/admin/clock")).status_code == 404
        assert (await things.client.post("/v1/admin/clock", json={"now": "2026-03-03T00:00:00Z"})).status_code == 404


async def test_the_machines_clock_cannot_be_moved(crisis_database, bus_url):
    async with running(a_service(crisis_database, bus_url, clock="system")) as things:
        answer = await things.client.post("/v1/admin/clock", json={"now": "2099-03-03T00:00:00Z"})

        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/clock-not-stepped")
        assert things.service.base.clock.now() < datetime(2099, 1, 1, tzinfo=UTC)


async def test_a_service_on_the_machines_clock_becomes_quiet_too(crisis_database, bus_url):
    async with running(a_service(crisis_database, bus_url, clock="system")) as things:
        await until(lambda: settled(things))


async def test_nobody_waits_for_the_pace_of_a_consumer_while_the_clock_is_stepped(crisis_database, bus_url):
    async with running(a_service(crisis_database, bus_url, pace=600.0)) as things:
        for number in range(2):
            await things.service.bus.publish([Record("moat.facts.v1", *encode(a_complaint(f"C-{number}")))])
            await until(lambda heard=number + 1: _heard(things, heard))


async def _heard(things, count):
    return len(await things.rows("select event_id from heard")) == count
