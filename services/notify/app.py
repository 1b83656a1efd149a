"""Composition root: settings in, running service out."""

from typing import Any

from services.notify.api import routers
from services.notify.api.channels import Channels
from services.notify.consumers import consumers
from services.notify.kinds import PRESETS, ROUTES, TEMPLATES, Books
from services.notify.names import SENDER
from services.notify.sender import Sender
from services.notify.settings import NotifySettings
from services.notify.workers import open_channels, open_deliveries
from shared.clock import Clock
from shared.serve import run
from shared.service import Foundation, Parts, Service, build_service
from shared.web.app import About
from shared.worker import Worker

ABOUT = About(
    title="Moat notify",
    summary="Who is told of what, over which channel, and whether it arrived.",
    description=(
        "Events of crisis become messages to the people who have a role for the customer. Every delivery can be "
        "explained: `GET /v1/deliveries/{id}/why`. Recipients acknowledge by the link in a message.\n\n"
        "谁该知道、经由哪个渠道、是否送达；每条投递都可追问缘由，收件人点链接即可确认。"
    ),
)


def build(settings: NotifySettings, *, clock: Clock | None = None) -> Service:
    """Notify, built but not started; `clock` instead of the one that the settings ask for."""
    base = Foundation.lay("notify", settings, clock=clock)
    books = Books()
    channels = open_channels(settings)
    sender = Sender(base.database, base.uow, base.clock, channels, books, settings.sender)
    base.wakers[SENDER] = sender.wake
    return build_service(
        base,
        Parts(
            about=ABOUT,
            routers=routers(),
            documents=(ROUTES, TEMPLATES),
            consumers=consumers(books),
            workers=(Worker("sender", sender.run, sender.heartbeat),),
            presets=((ROUTES, PRESETS / "routes"), (TEMPLATES, PRESETS / "templates")),
            reachable={Books: books, Channels: Channels(channels, settings.allowance), Sender: sender},
            others={"deliveries": open_deliveries(base.database, base.clock)},
        ),
    )


def serve(**given: Any) -> None:
    """Run notify until SIGTERM."""
    run(build(NotifySettings.for_service("notify", **given)))
