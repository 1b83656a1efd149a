"""What runs in the background of notify besides the kernel's own loops."""

from collections.abc import Awaitable, Callable

from services.notify.channels.port import Channel
from services.notify.channels.smtp import SmtpChannel
from services.notify.channels.webhook import WebhookChannel
from services.notify.settings import NotifySettings
from services.notify.store.queue import backlog
from shared.clock import Clock
from shared.db.database import Database, raw_connection


def open_channels(settings: NotifySettings) -> dict[str, Channel]:
    """The channels that are set up, by name; nothing is connected yet."""
    channels: dict[str, Channel] = {}
    server = settings.smtp_server
    if server is not None:
        channels["smtp"] = SmtpChannel(
            server,
            sender=settings.mail_from,
            sender_name=settings.mail_from_name,
            connections=settings.smtp_connections,
            timeout=settings.try_seconds,
        )
    channels["webhook"] = WebhookChannel(
        settings.allowance, timeout=min(30.0, settings.try_seconds), connections=settings.webhook_connections
    )
    return channels


def open_deliveries(database: Database, clock: Clock) -> Callable[[], Awaitable[int]]:
    """Counts deliveries that are due and have not ended, for whoever waits for quiet."""

    async def count() -> int:
        async with database.read() as connection:
            return (await backlog(await raw_connection(connection), clock.now())).open

    return count
