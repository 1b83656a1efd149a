"""What the data holds, and what people do about it, by instant."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from services.commands.demo.incidents import Happening
from services.commands.demo.purchases import Purchase


@dataclass(slots=True)
class Happenings:
    """Everything at one instant: a day's purchases, changes in the log, mail to be read, calls to be finished."""

    bought: Sequence[Purchase] = ()
    happened: list[Happening] = field(default_factory=list)
    read_mail: bool = False
    finish: list[tuple[str, str | None]] = field(default_factory=list)
    """Case and matter that are to be resolved now."""

    def __bool__(self) -> bool:
        return bool(self.bought or self.happened or self.read_mail or self.finish)


class Agenda:
    """Hands out instants in order; more may be written in while it is used. Nothing at or after `end` is handed out."""

    def __init__(
        self, purchases: Mapping[date, Sequence[Purchase]], happenings: Iterable[Happening], end: datetime
    ) -> None:
        self._end = end
        self._entries: dict[datetime, Happenings] = defaultdict(Happenings)
        self._instants: list[datetime] = []
        for day in purchases.values():
            self._at(day[0].at).bought = day
        for happening in happenings:
            self._at(happening.at).happened.append(happening)

    def read_mail_at(self, instant: datetime) -> None:
        """Write in that mail is read then."""
        self._at(instant).read_mail = True

    def finish_at(self, instant: datetime, case: str, matter: str | None) -> None:
        """Write in that a matter is resolved then, if it is not before."""
        self._at(instant).finish.append((case, matter))

    def next(self, due: datetime | None) -> datetime | None:
        """The next instant at which anything happens or falls due before the end; None when there is none."""
        first = self._instants[0] if self._instants else None
        return min((at for at in (first, due) if at is not None and at < self._end), default=None)

    def take(self, instant: datetime) -> Happenings:
        """What is written in at `instant`; it is handed out once."""
        if self._instants and self._instants[0] == instant:
            heapq.heappop(self._instants)
        return self._entries.pop(instant, None) or Happenings()

    def _at(self, instant: datetime) -> Happenings:
        if instant not in self._entries:
            heapq.heappush(self._instants, instant)
        return self._entries[instant]
