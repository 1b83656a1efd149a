"""The mailboxes of the demo and of tests: a mail server that leaves nothing behind."""

import asyncio

from services.commands.demo.mailbox import Mailbox


async def test_a_mailbox_that_is_stopped_has_closed_the_connections_of_all_its_clients():
    mailbox = Mailbox()
    await mailbox.start()
    clients = [await asyncio.open_connection("127.0.0.1", mailbox.port) for _ in range(3)]
    for reader, _ in clients:
        assert (await reader.readline()).startswith(b"220 ")
    (served, *_) = mailbox.connections
    transport = served.transport

    await mailbox.stop()

    assert transport.get_extra_info("socket").fileno() == -1
    assert [task for task in asyncio.all_tasks() if "SMTP" in str(task)] == []
    for reader, writer in clients:
        assert await _ended(reader)
        writer.close()


async def test_a_client_that_has_gone_is_no_longer_counted():
    mailbox = Mailbox()
    await mailbox.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", mailbox.port)
    await reader.readline()
    writer.close()

    async with asyncio.timeout(60):
        while mailbox.connections:
            await asyncio.sleep(0.01)
    await mailbox.stop()


async def _ended(reader):
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True
