"""Sending is serial per recipient and case; a newer message supersedes an older one that was not sent yet."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that has not ended. `made_at` is business time, `ready` whether its time to be tried has come."""

    id: str
    lane: str
    rank: int
    made_at: datetime
    sending: bool
    ready: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do with the lanes looked at: those to send now, and each superseded one with its successor."""

    send: tuple[str, ...]
    superseded: tuple[tuple[str, str], ...]


def choose(waiting: Sequence[Waiting]) -> Choice:
    """Pick at most one delivery per lane.

    A delivery gives way to one that was made later and is at least as pressing. Those made at the same instant are all
    sent, one after the other: which of them was seen first must not decide. One being sent is left alone and keeps its
    lane.
    """
    lanes: dict[str, list[Waiting]] = defaultdict(list)
    for delivery in waiting:
        lanes[delivery.lane].append(delivery)
    send: list[str] = []
    superseded: list[tuple[str, str]] = []
    for lane in lanes.values():
        idle = sorted((d for d in lane if not d.sending), key=lambda d: (d.made_at, d.id))
        kept: list[Waiting] = []
        for position, delivery in enumerate(idle):
            newer = _superseding(delivery, idle[position + 1 :])
            if newer is None:
                kept.append(delivery)
            else:
                superseded.append((delivery.id, newer.id))
        ready = [delivery for delivery in kept if delivery.ready]
        if ready and not any(delivery.sending for delivery in lane):
            send.append(min(ready, key=lambda d: (d.rank, d.made_at, d.id)).id)
    return Choice(tuple(send), tuple(superseded))


def _superseding(delivery: Waiting, later: Sequence[Waiting]) -> Waiting | None:
    return next(
        (other for other in reversed(later) if other.made_at > delivery.made_at and other.rank <= delivery.rank), None
    )
