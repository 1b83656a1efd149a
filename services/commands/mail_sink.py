"""`moat mail-sink`: an SMTP server that keeps nothing and says what came, for trying things out."""

import asyncio
import contextlib
from typing import Annotated

import typer


def mail_sink(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.")] = 1025,
) -> None:
    """Accept every mail and print a line for it: to whom, subject, and the link to acknowledge if it has one."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(host, port))


async def _serve(host: str, port: int) -> None:
    from services.commands.demo.mailbox import Mailbox

    box = Mailbox()
    await box.start(host=host, port=port)
    typer.echo(f"mail sink on {host}:{box.port}")
    while True:
        await asyncio.sleep(0.5)
        for mail in box.mails:
            typer.echo(f"{mail.to}: {mail.subject}" + (f"  {mail.ack_link}" if mail.ack_link else ""))
        box.mails.clear()
