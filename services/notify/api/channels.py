"""Channels: which are set up, whether their providers answer, and a message to try one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path
from pydantic import ConfigDict, Field

from services.notify.channels.outbound import Allowance
from services.notify.channels.port import Channel, Parcel
from services.notify.documents import CHANNELS
from services.notify.domain.masking import mask_address
from services.notify.rendering import Content
from services.notify.store.directory import load_contact_point
from shared.auth.guard import require
from shared.contracts import FieldError, format_instant
from shared.db.database import raw_connection
from shared.errors import NotFound, Unprocessable
from shared.ids import new_id
from shared.web.kernel import ReadDatabase, part
from shared.web.routing import Router, time_limit
from shared.web.schema import In, Out

router = Router(prefix="/v1/channels", tags=["channels"], dependencies=[require("notify:read")])


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of this process, and where webhooks may go."""

    by_name: Mapping[str, Channel]
    allowance: Allowance


TheChannels = Annotated[Channels, part(Channels)]
ChannelPath = Annotated[str, Path(pattern=r"^[a-z]{1,32}$")]


class ChannelOut(Out):
    """A channel."""

    name: str
    set_up: bool
    idempotent: bool = Field(description="Receivers recognise a repeated message, so one of unknown fate is repeated.")


class ChannelsOut(Out):
    """All channels of this version."""

    items: list[ChannelOut]
    next_page_token: str | None


class HealthOut(Out):
    """Whether a channel's provider answers now."""

    name: str
    healthy: bool
    detail: str


class TestIn(In):
    """Whom to send a test."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"contact_point": "0195f3a0-7c00-7000-8000-0000000000b1"}]}
    )

    contact_point: Annotated[str, Field(min_length=1, max_length=128)]


class TestOut(Out):
    """What became of a test message."""

    channel: str
    address: str = Field(description="Masked.")
    outcome: str
    detail: str
    seconds: float


@router.get("", summary="List channels")
async def list_channels(channels: TheChannels) -> ChannelsOut:
    """Those that this version knows; one that is not set up fails its deliveries at once."""
    items = [
        ChannelOut(
            name=name,
            set_up=name in channels.by_name,
            idempotent=name in channels.by_name and channels.by_name[name].idempotent,
        )
        for name in CHANNELS
    ]
    return ChannelsOut(items=items, next_page_token=None)


@router.get("/{name}/health", summary="Does the provider answer?", openapi_extra={"x-path-examples": {"name": "smtp"}})
@time_limit(40)
async def health(name: ChannelPath, channels: TheChannels) -> HealthOut:
    """Asks the provider, without sending anything."""
    if name not in CHANNELS:
        raise NotFound(f"there is no channel {name!r}")
    channel = channels.by_name.get(name)
    if channel is None:
        return HealthOut(name=name, healthy=False, detail="not set up")
    found = await channel.health()
    return HealthOut(name=name, healthy=found.healthy, detail=found.detail)


@router.post(
    "/{name}/test",
    summary="Send a test message",
    dependencies=[require("notify:send")],
    openapi_extra={"x-path-examples": {"name": "smtp"}},
)
@time_limit(40)
async def test(name: ChannelPath, body: TestIn, channels: TheChannels, database: ReadDatabase) -> TestOut:
    """Sends at once and answers what the provider said; nothing is kept and no event is published."""
    channel = channels.by_name.get(name)
    if channel is None:
        raise NotFound(f"the channel {name!r} is not set up")
    async with database.read() as connection:
        found = await load_contact_point(await raw_connection(connection), body.contact_point)
    if found is None or found[0].channel != name:
        wrong = FieldError("/contact_point", "known", f"there is no such contact point of the channel {name}")
        raise Unprocessable(errors=[wrong])
    point, secrets = found
    began = asyncio.get_running_loop().time()
    outcome = await channel.send(_parcel(point.address, secrets))
    return TestOut(
        channel=name,
        address=mask_address(name, point.address),
        outcome=outcome.verdict.value,
        detail=outcome.detail or outcome.reference or "",
        seconds=round(asyncio.get_running_loop().time() - began, 3),
    )


def _parcel(address: str, secrets: tuple[bytes, ...]) -> Parcel:
    id_, now = new_id(), datetime.now(UTC)
    text = "这是一条测试消息,无需处理。\nThis is a test message; nothing is to be done."
    return Parcel(
        id=id_,
        message_id=id_,
        address=address,
        content=Content("Moat: 测试消息 / test message", text, None, "zh-CN"),
        urgency="low",
        secrets=secrets,
        facts={"occurred_at": format_instant(now), "test": True},
    )
