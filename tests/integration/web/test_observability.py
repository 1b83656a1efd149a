"""What an operator sees: health, metrics, and one trace from the request to what it caused."""

import asyncio
import re

import httpx
import msgspec

from shared.bus.port import Record
from shared.contracts import encode
from tests.support.web import a_complaint, a_service, an_event, keyed, running, until

TRACE = "0af7651916cd43dd8448eb211c80319c"


def traceparents(records):
    return [dict(record.headers)["traceparent"].decode() for record in records]


async def test_an_event_carries_the_trace_of_the_request_that_caused_it(things):
    sent = {**keyed(), "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    await things.client.post("/v1/things", json={"name": "lamp"}, headers=sent)

    async def relayed():
        return len(await things.service.bus.read("moat.crisis.v1")) == 1

    await until(relayed)
    (traceparent,) = traceparents(await things.service.bus.read("moat.crisis.v1"))
    assert traceparent.startswith(f"00-{TRACE}-")
    assert not traceparent.endswith("b7ad6b7169203331-01")  # our own span is the parent, not the caller's


async def test_each_event_of_a_batch_continues_the_trace_of_its_own_cause(things):
    traces = {f"customer-{n}": f"00-{n:032x}-b7ad6b7169203331-01" for n in range(1, 6)}
    await things.service.bus.publish(
        [Record("moat.facts.v1", *encode(_traced(subject, trace))) for subject, trace in traces.items()]
    )

    async def caused():
        return len(await things.service.bus.read("moat.crisis.v1")) == 5

    await until(caused)
    found = {
        dict(record.headers)["ce_subject"].decode(): dict(record.headers)["traceparent"].decode()
        for record in await things.service.bus.read("moat.crisis.v1")
    }
    assert found == traces


def _traced(subject, trace):
    return msgspec.structs.replace(a_complaint(subject), traceparent=trace)


async def test_metrics_name_routes_by_their_template_and_consumers_by_their_group(things):
    await things.client.get("/v1/jobs/some-id")
    text = (await things.client.get("/metrics")).text

    labels = re.escape('{method="GET",route="/v1/jobs/{job_id}",status="404"}')
    assert re.search(f"moat_http_request_duration_seconds_count{labels}", text)
    assert "some-id" not in text
    assert 'moat_consumer_records_total{group="things-test",outcome="handled"}' in text
    for name in ("moat_outbox_pending_rows", "moat_timer_lag_seconds_bucket", "moat_db_pool_in_use", "moat_jobs"):
        assert name in text


async def test_metrics_tell_of_a_group_what_it_was_handed_how_much_at_once_how_far_it_is_and_what_was_poisoned(things):
    group = '{group="things-test"}'
    before = await _metrics(things)
    poisoned = Record("moat.facts.v1", b"C-1", b"no event at all", ())
    told = [Record("moat.facts.v1", *encode(a_complaint(f"C-{n}"))) for n in range(3)]

    await things.service.bus.publish([*told, poisoned])

    async def risen(name, by):
        return (await _metrics(things)).get(name, 0.0) - before.get(name, 0.0) == by

    await until(lambda: risen('moat_bus_delivered_records_total{group="things-test",topic="moat.facts.v1"}', 4))
    await until(lambda: risen('moat_bus_published_records_total{topic="moat.facts.v1"}', 4))
    await until(lambda: risen(f"moat_consumer_batch_records_sum{group}", 4))
    await until(lambda: risen('moat_consumer_records_total{group="things-test",outcome="dead_letter"}', 1))

    async def looked():
        gauges = ("moat_consumer_lag_records", "moat_parked_records", "moat_dead_letter_records")
        return {f"{name}{group}" for name in gauges} <= (await _metrics(things)).keys()

    await until(looked)


async def _metrics(things):
    """Each sample of `/metrics` by its name with its labels."""
    lines = (await things.client.get("/metrics")).text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


async def test_metrics_are_for_this_machine_only_unless_there_is_a_token(things, crisis_database, bus_url):
    elsewhere = httpx.ASGITransport(things.service.app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://things") as client:
        assert (await client.get("/metrics")).status_code == 403
    assert (await things.client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})).status_code == 403

    async with running(a_service(crisis_database, bus_url, metrics_token="a-token")) as guarded:
        right = await guarded.client.get("/metrics", headers={"Authorization": "Bearer a-token"})
        wrong = await guarded.client.get("/metrics", headers={"Authorization": "Bearer b-token"})
    assert (right.status_code, wrong.status_code) == (200, 401)


async def test_ready_says_what_it_looked_at(things):
    short = await things.client.get("/readyz")
    verbose = await things.client.get("/readyz?verbose")
    partial = await things.client.get("/readyz?verbose&exclude=bus")

    assert (short.status_code, short.text) == (200, "ok\n")
    assert verbose.text == "[+]not-draining ok\n[+]database ok\n[+]migrations ok\n[+]bus ok\nok\n"
    assert "bus" not in partial.text


async def test_a_schema_that_is_not_ours_is_not_ready(things):
    async with things.service.base.database.begin() as connection:
        await connection.exec_driver_sql("update alembic_version set version_num = '9999'")

    answer = await things.client.get("/readyz")

    assert answer.status_code == 503
    assert "[-]migrations failed: the schema is at 9999" in answer.text


async def test_a_loop_that_stopped_turning_is_not_alive(things):
    assert (await things.client.get("/livez")).text == "ok\n"
    things.service.timers.heartbeat.allowed_silence = -1.0

    answer = await things.client.get("/livez")

    assert answer.status_code == 503
    assert "timers" in answer.text


async def test_a_service_that_is_shutting_down_is_not_ready_and_lets_nobody_in(things):
    things.service.door.draining = True

    ready = await things.client.get("/readyz")
    request = await things.client.get("/v1/things")

    assert (ready.status_code, request.status_code) == (503, 503)
    assert "[-]not-draining failed" in ready.text
    assert request.headers["connection"] == "close"


async def test_requests_are_answered_and_kept_while_the_bus_has_never_answered(crisis_database):
    nowhere = "postgresql://moat:x@127.0.0.1:9/bus"
    async with running(a_service(crisis_database, nowhere)) as things:
        answer = await things.client.post("/v1/things", json={"name": "lamp"}, headers=keyed())
        ready = await things.client.get("/readyz?verbose")
        quiet = (await things.client.get("/v1/admin/quiescence")).json()

        assert answer.status_code == 201
        assert (ready.status_code, "[~]bus degraded" in ready.text) == (200, True)
        assert (quiet["quiet"], quiet["consumer_lag"], quiet["outbox"]) == (False, None, 1)


async def test_what_was_committed_before_a_stop_is_sent_before_it_ends(crisis_database, bus_url, monkeypatch):
    monkeypatch.setattr("shared.service._RELAY_PATIENCE", 60.0)
    async with running(a_service(crisis_database, bus_url)) as things:
        await asyncio.gather(
            *(things.client.post("/v1/things", json={"name": "n"}, headers=keyed()) for _ in range(20))
        )
    async with running(a_service(crisis_database, bus_url)) as things:
        assert len(await things.service.bus.read("moat.crisis.v1")) == 20
        assert await things.rows("select * from outbox") == []


async def test_an_event_published_by_nobody_in_particular_has_no_trace(things):
    async with things.service.base.uow() as work:
        work.publish("moat.crisis.v1", an_event("c", "e1"))

    async def relayed():
        return len(await things.service.bus.read("moat.crisis.v1")) == 1

    await until(relayed)
    (record,) = await things.service.bus.read("moat.crisis.v1")
    assert "traceparent" not in dict(record.headers)
