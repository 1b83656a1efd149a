"""Where messages of L1 arrive: `python -m tests.bench.text_sink PORT_FILE LOG_FILE`.

The lean SMTP server, and a socket that takes lines. Each arrival of a text with a token `L1-…` becomes one line of
LOG_FILE: nanoseconds since the epoch, token.
"""

import asyncio
import base64
import re
import sys
import time
from pathlib import Path
from typing import TextIO

from tests.support.lean_smtp import LeanSmtp

TOKEN = re.compile(rb"L1-[0-9a-f]+-[0-9]+")

WORD = re.compile(rb"=\?utf-8\?b\?([A-Za-z0-9+/=]*)\?=")


class TokenSmtp(LeanSmtp):
    """Notes which complaint a mail is about."""

    def _keep(self, text: bytes) -> None:
        note(self._log, subject_of(text))


class TokenLines(asyncio.Protocol):
    """Takes lines; enough for the bare chain."""

    def __init__(self, log: TextIO) -> None:
        self._log = log

    def data_received(self, data: bytes) -> None:
        for token in dict.fromkeys(TOKEN.findall(data)):
            note(self._log, token)


def subject_of(mail: bytes) -> bytes:
    """The subject, which notify always sends as encoded words (RFC 2047, base64)."""
    begin = mail.find(b"\r\nSubject: ") + 11
    end = begin
    while (end := mail.find(b"\r\n", end + 1)) > 0 and mail[end + 2 : end + 3] in b" \t":
        pass
    return b"".join(base64.b64decode(word) for word in WORD.findall(mail[begin:end]))


def note(log: TextIO, text: bytes) -> None:
    found = TOKEN.search(text)
    if found is not None:
        log.write(f"{time.time_ns()} {found.group().decode()}\n")


async def _serve(port_file: Path, log_file: Path) -> None:
    loop = asyncio.get_running_loop()
    with log_file.open("w", buffering=1) as log:
        mail = await loop.create_server(lambda: TokenSmtp(log), "127.0.0.1", 0)
        lines = await loop.create_server(lambda: TokenLines(log), "127.0.0.1", 0)
        ports = [server.sockets[0].getsockname()[1] for server in (mail, lines)]
        port_file.write_text(f"{ports[0]} {ports[1]}\n")
        await asyncio.gather(mail.serve_forever(), lines.serve_forever())


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), Path(sys.argv[2])))
