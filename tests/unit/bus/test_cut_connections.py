"""A client that is abandoned leaves no socket behind, whatever its broker does."""

import asyncio
from types import SimpleNamespace

from aiokafka.conn import AIOKafkaConnection

from shared.bus.kafka.supervisor import stop_within


async def test_what_a_frozen_broker_does_not_take_keeps_no_socket_open(monkeypatch):
    async def nothing(_):
        return

    monkeypatch.setattr(AIOKafkaConnection, "_do_version_lookup", nothing)  # this broker never reads a question
    taken = []

    def freeze(_, writer):
        writer.transport.pause_reading()
        taken.append(writer.transport)

    frozen = await asyncio.start_server(freeze, "127.0.0.1", 0)
    connection = AIOKafkaConnection(*frozen.sockets[0].getsockname())
    await connection.connect()
    transport = connection._writer.transport
    connection._writer.write(b"x" * 50_000_000)

    async def hangs():
        await connection.close()

    await stop_within(SimpleNamespace(stop=hangs, _client=SimpleNamespace(_conns={1: connection})), seconds=0.1)
    await asyncio.sleep(0)

    assert transport.get_extra_info("socket").fileno() == -1
    frozen.close()
    for end in taken:
        end.abort()
