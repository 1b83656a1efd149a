"""An SMTP server that does next to nothing, for benches: `python -m tests.support.lean_smtp PORT_FILE LOG_FILE`.

It writes its port to PORT_FILE and one line per mail to LOG_FILE: nanoseconds since the epoch at which the text had
arrived whole, recipient, Message-ID. A real server with a real parser (`sinks.py`) costs more than all of notify.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any, TextIO


class LeanSmtp(asyncio.Protocol):
    """Enough of RFC 5321 for a client that speaks it well; everything is accepted."""

    def __init__(self, log: TextIO) -> None:
        self._log = log
        self._buffer = b""
        self._in_data = False
        self._to = ""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(b"220 lean ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = self._buffer.find(b"\r\n.\r\n" if self._in_data else b"\r\n")
            if end < 0:
                return
            piece = self._buffer[:end]
            self._buffer = self._buffer[end + (5 if self._in_data else 2) :]
            if self._in_data:
                self._in_data = False
                self._keep(piece)
                self._transport.write(b"250 2.0.0 kept\r\n")
            else:
                self._command(piece)

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        match verb:
            case b"EHLO":
                self._transport.write(b"250-lean\r\n250-SIZE 33554432\r\n250 8BITMIME\r\n")
            case b"RCPT":
                self._to = line.partition(b"<")[2].partition(b">")[0].decode()
                self._transport.write(b"250 OK\r\n")
            case b"DATA":
                self._in_data = True
                self._transport.write(b"354 go on\r\n")
            case b"QUIT":
                self._transport.write(b"221 bye\r\n")
                self._transport.close()
            case _:
                self._transport.write(b"250 OK\r\n")

    def _keep(self, text: bytes) -> None:
        message_id = text.partition(b"Message-ID: <")[2].partition(b"@")[0].decode()
        self._log.write(f"{time.time_ns()} {self._to} {message_id}\n")


async def _serve(port_file: Path, log_file: Path) -> None:
    with log_file.open("w", buffering=1) as log:
        server = await asyncio.get_running_loop().create_server(lambda: LeanSmtp(log), "127.0.0.1", 0)
        port_file.write_text(str(server.sockets[0].getsockname()[1]))
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), Path(sys.argv[2])))
