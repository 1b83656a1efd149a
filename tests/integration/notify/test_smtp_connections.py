"""Connections to the mail server: none is left behind, whatever the server answers."""

import asyncio
import io

import pytest

from services.notify.channels.smtp import SmtpChannel, SmtpServer
from tests.support.lean_smtp import LeanSmtp


@pytest.mark.parametrize("goodbye", [b"221 bye\r\n", b"250 what\r\n", b""], ids=["as it should", "otherwise", "never"])
async def test_a_channel_that_is_closed_has_closed_its_connections_however_the_server_answers_quit(goodbye):
    taken = []

    class Server(LeanSmtp):
        def connection_made(self, transport):
            taken.append(transport)
            super().connection_made(transport)

        def _command(self, line):
            if line.upper().startswith(b"QUIT"):
                self._transport.write(goodbye)
            else:
                super()._command(line)

    server = await asyncio.get_running_loop().create_server(lambda: Server(io.StringIO()), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    channel = SmtpChannel(SmtpServer("127.0.0.1", port, starttls="never"), sender="moat@example.com")
    assert (await channel.health()).healthy
    connection = channel._idle[0].smtp.transport.get_extra_info("socket")

    await channel.close()
    await asyncio.sleep(0)

    assert connection.fileno() == -1
    server.close()
    for transport in taken:
        transport.abort()
