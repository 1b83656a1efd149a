"""The play itself: set up, load, step, tell.

Stated rules (all else is the data's):
- callers of the incident log are dealt to graded customers in turn: strategic, key, standard, basic, and so on; within
  a class in order of customer id, as graded when the first caller complains;
- five minutes after the mail about a fall in tier, its reader acknowledges by the link in it, calls the customer and
  makes an offer;
- two hours after the call the customer has taken the offer, and the fall in tier is resolved.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from services.commands.demo.actions import Actions
from services.commands.demo.agenda import Agenda, Happenings
from services.commands.demo.client import Client, Stepper
from services.commands.demo.directory import set_up_people
from services.commands.demo.documents import change_documents, grade_everybody
from services.commands.demo.figures import GROUP, TOPICS, Figures, listen
from services.commands.demo.incidents import callers, read_incidents
from services.commands.demo.live import Screen
from services.commands.demo.mailbox import Mailbox
from services.commands.demo.purchases import Purchase, read_purchases
from services.commands.demo.report import CLASSES, Timings
from services.commands.demo.story import story_of
from services.commands.names import ServiceName
from services.commands.platform import Platform
from shared.bus.open import open_bus
from shared.bus.port import Bus
from shared.parts import published_topics

BEGIN: Final = date(1998, 4, 1)
_BATCH: Final = 500
_READING: Final = timedelta(minutes=5)
_DECIDING: Final = timedelta(hours=2)
_DOORS: Final = 4
"""Requests on their way at the same time while loading."""


def begin_of() -> datetime:
    """Where the clock stands at the start: midnight of 1 April 1998."""
    return datetime(BEGIN.year, BEGIN.month, BEGIN.day, tzinfo=UTC)


class Play:
    """One run of the demo."""

    def __init__(
        self, platform: Platform, mailbox: Mailbox, screen: Screen, data: Path, *, bus: str, days: int, one_in: int
    ) -> None:
        self._platform = platform
        self._screen = screen
        self._data = data
        self._bus_url = bus
        self._one_in = one_in
        self._end = begin_of() + timedelta(days=days)
        self.client = Client({service: platform.url(service) for service in ServiceName}, platform.admin_key)
        self.stepper = Stepper(self.client)
        self.figures = Figures()
        self._actions = Actions(self.client, self.figures, mailbox)
        self._bus: Bus | None = None
        self._listening: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Let go of everything."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        if self._bus is not None:
            await self._bus.close()
        await self.client.close()

    async def run(self, started: float) -> tuple[Timings, Mapping[str, Any]]:
        """Play from the first purchase to the last day; answers how fast it went and one customer's story."""
        self._bus = await open_bus(self._bus_url, client_id="moat-demo")
        # Services that started while the bus was slow to answer make the topics only later.
        await self._bus.ensure_topics(published_topics())
        self._listening = asyncio.create_task(listen(self._bus, self.figures))
        self._screen.say("setting up the people who will be told")
        await set_up_people(self.client)
        await change_documents(self.client)
        await self.stepper.settle()
        before, during = self._purchases()
        loading = await self._load(before)
        self._screen.say(f"{len(before):,} purchases of {len(self.figures.tiers):,} customers are graded")
        stepping_from = time.monotonic()
        await self._step(during)
        stepping = time.monotonic() - stepping_from
        await self._hear()
        story = await story_of(self.client, self.figures)
        return (
            Timings(
                bus=self._bus_url.partition(":")[0],
                total=time.monotonic() - started,
                loading=loading,
                facts_loaded=len(before),
                stepping=stepping,
                steps=self.stepper.steps,
            ),
            story,
        )

    def _purchases(self) -> tuple[list[Purchase], dict[date, list[Purchase]]]:
        before: list[Purchase] = []
        during: dict[date, list[Purchase]] = defaultdict(list)
        for purchase in read_purchases(self._data / "CDNOW_master.txt.gz", one_in=self._one_in):
            if purchase.on < BEGIN:
                before.append(purchase)
            elif purchase.at < self._end:
                during[purchase.on].append(purchase)
        return before, during

    async def _load(self, purchases: Sequence[Purchase]) -> float:
        """Send the purchases through the public door; answers the seconds until all were graded."""
        began = time.monotonic()
        batches = [purchases[start : start + _BATCH] for start in range(0, len(purchases), _BATCH)]
        sent = 0

        async def send(door: int) -> None:
            nonlocal sent
            # A customer's purchases stand together in the file, so each door keeps a customer's order.
            for batch in batches[door::_DOORS]:
                await self._actions.facts([purchase.fact() for purchase in batch])
                sent += len(batch)
                self._screen.show("loading purchases", self.figures, now=begin_of(), done=sent / len(purchases))

        await asyncio.gather(*(send(door) for door in range(_DOORS)))
        await self._settle("storing")
        self._screen.say(f"{len(purchases):,} purchases are stored; grading everybody")
        await grade_everybody(self.client)
        await self._settle("grading")
        loading = time.monotonic() - began
        await self._hear()
        return loading

    async def _hear(self) -> None:
        """Return when the listener has heard everything that is on the bus."""
        assert self._bus is not None
        while await self._bus.lag(GROUP, TOPICS):
            self._screen.show("listening", self.figures)
            await asyncio.sleep(0.05)

    async def _step(self, purchases: Mapping[date, Sequence[Purchase]]) -> None:
        """Move from instant to instant: what the data holds next, or what the platform has planned next."""
        happenings = read_incidents(self._data / "incident_event_log_1.csv.gz")
        agenda = Agenda(purchases, happenings, self._end)
        look = await self.stepper.settle()
        while (instant := agenda.next(look.next_due_at)) is not None:
            timers = look.next_due_at is not None and look.next_due_at <= instant
            await self.stepper.move(instant)
            if timers:
                # What was planned for this instant comes before what people do at it.
                look = await self._settle("stepping", now=instant)
            now = agenda.take(instant)
            if now.happened and not self._actions.dealt:
                await self._hear()
                self._actions.deal(self._dealt(callers(happenings)))
            if now:
                await self._act(now, instant)
            if now or not timers:
                look = await self._settle("stepping", now=instant)
            if self._actions.mail_has_come():
                agenda.read_mail_at(instant + _READING)
            for case, matter, begun in self._actions.calls_begun():
                agenda.finish_at(begun + _DECIDING, case, matter)

    async def _act(self, now: Happenings, instant: datetime) -> None:
        """Do all of an instant, kind by kind, each settled before the next: who comes first is no matter of chance."""
        complaints = [happening for happening in now.happened if happening.step == "received"]
        others = [happening for happening in now.happened if happening.step != "received"]
        kinds: list[Callable[[], Awaitable[None]]] = []
        if now.bought:
            kinds.append(partial(self._actions.buy, now.bought))
        if now.read_mail:
            kinds.append(partial(self._actions.read_mail, instant))
        if now.finish:
            kinds.append(partial(self._actions.finish, now.finish))
        if complaints:
            kinds.append(partial(self._actions.complain, complaints))
        if others:
            kinds.append(partial(self._actions.perform, others))
        for number, act in enumerate(kinds):
            if number > 0:
                await self._settle("stepping", now=instant)
            await act()

    async def _settle(self, doing: str, *, now: datetime | None = None) -> Any:
        self._platform.tend()
        look = await self.stepper.settle()
        share = None if now is None else (now - begin_of()) / (self._end - begin_of())
        self._screen.show(doing, self.figures, now=now, done=share)
        return look

    def _dealt(self, who: Sequence[str]) -> dict[str, str]:
        """Callers dealt to customers in turn over the classes; see the rule at the top."""
        by_class = {name: sorted(c for c, k in self.figures.classes.items() if k == name) for name in CLASSES}
        turns = zip_longest(*(by_class[name] for name in CLASSES))
        customers = (customer for turn in turns for customer in turn if customer is not None)
        return dict(zip(who, customers, strict=False))
