"""The bare chain beside L1: `python -m tests.bench.bare_chain case|intent KAFKA DATABASE_URL [SINK_PORT]`.

`case`: a complaint becomes a row and an outbox row in one transaction, and a relay that looks every 10 ms sends it on.
`intent`: what came is stored in a transaction and goes to a socket as a line. No decisions, no clocks, no mail.
"""

import asyncio
import sys
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

COMPLAINTS, CASES = "bare-complaints", "bare-cases"
_POLL_SECONDS = 0.01
_TABLES = """
create table if not exists bare_case (id bigserial primary key, key bytea, body bytea);
create table if not exists bare_outbox (seq bigserial primary key, key bytea, body bytea);
create table if not exists bare_intent (id bigserial primary key, key bytea, body bytea)
"""


async def cases(kafka: str, url: str) -> None:
    raw, relaying = await asyncpg.connect(url), await asyncpg.connect(url)
    await raw.execute(_TABLES)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=0)
    await producer.start()
    relay = asyncio.create_task(_relay(relaying, producer))

    async def store(keys: list[bytes], bodies: list[bytes]) -> None:
        async with raw.transaction():
            for table in ("bare_case", "bare_outbox"):
                rows = f"insert into {table} (key, body) select * from unnest($1::bytea[], $2::bytea[])"
                await raw.execute(rows, keys, bodies)

    await asyncio.gather(relay, _consume(kafka, COMPLAINTS, store))


async def intents(kafka: str, url: str, port: int) -> None:
    raw = await asyncpg.connect(url)
    await raw.execute(_TABLES)
    _, writer = await asyncio.open_connection("127.0.0.1", port)

    async def store(keys: list[bytes], bodies: list[bytes]) -> None:
        async with raw.transaction():
            await raw.execute(
                "insert into bare_intent (key, body) select * from unnest($1::bytea[], $2::bytea[])", keys, bodies
            )
        writer.write(b"".join(body + b"\n" for body in bodies))
        await writer.drain()

    await _consume(kafka, CASES, store)


async def _consume(kafka: str, topic: str, store: Any) -> None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, group_id=topic, auto_offset_reset="earliest", enable_auto_commit=False,
        fetch_max_wait_ms=100,
    )  # fmt: skip
    await consumer.start()
    while True:
        found = await consumer.getmany(timeout_ms=1000)
        records = [record for batch in found.values() for record in batch]
        if records:
            await store([record.key for record in records], [record.value for record in records])
            await consumer.commit()


async def _relay(raw: Any, producer: AIOKafkaProducer) -> None:
    while True:
        rows = await raw.fetch("select seq, key, body from bare_outbox order by seq limit 500")
        if not rows:
            await asyncio.sleep(_POLL_SECONDS)
            continue
        sent = [await producer.send(CASES, key=row["key"], value=row["body"]) for row in rows]
        await asyncio.gather(*sent)
        await raw.execute("delete from bare_outbox where seq = any($1::bigint[])", [row["seq"] for row in rows])


if __name__ == "__main__":
    uvloop.install()
    role, *given = sys.argv[1:]
    asyncio.run(cases(*given) if role == "case" else intents(given[0], given[1], int(given[2])))
