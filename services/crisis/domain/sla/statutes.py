"""Statutory limits of a matter: what the law owes the customer beside the contract, never paused and never retargeted.

A pack holds the limits of one regime. Its targets have names of their own, each with the contract's target that owes
the same thing: what people see as due is the earlier of the two, and both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from services.crisis.domain.clocks import Start, fold
from services.crisis.domain.sla.pins import Promises

ACKNOWLEDGE: Final = "statutory_acknowledge"
RESPONSE: Final = "statutory_response"
UPDATE: Final = "statutory_update"
FINAL_ANSWER: Final = "final_answer"
NOTICE: Final = "extension_notice"
"""Telling the customer of an extension; owed until the limit before it ends."""
COUNTERPARTS: Final[Mapping[str, str]] = {
    ACKNOWLEDGE: "acknowledge",
    RESPONSE: "first_response",
    UPDATE: "update_cadence",
    FINAL_ANSWER: "resolution",
}
"""Statutory target → the contract's target that owes the same thing."""
STATUTORY_TARGETS: Final = (*COUNTERPARTS, NOTICE)
Side = Literal["contract", "statute"]


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension that the regime allows: the limit from receipt that it leads to, as a target of the pack."""

    limit: str
    notice: bool


@dataclass(frozen=True, slots=True)
class Pack:
    """A version of a pack, pinned to calendar versions. `targets` start with the matter's receipt.

    `sources` names rule and text of each target. The effective dates are included; None stands for no end.
    """

    pin: str
    key: str
    regime: str
    targets: tuple[str, ...]
    sources: Mapping[str, str]
    extensions: tuple[Extension, ...] = ()
    effective_from: date | None = None
    effective_to: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the regime was in force on that date."""
        begun = self.effective_from is None or self.effective_from <= day
        return begun and (self.effective_to is None or day <= self.effective_to)


@dataclass(frozen=True, slots=True)
class Owed:
    """An open clock: one side of what is owed."""

    clock_id: str
    matter_id: str | None
    target: str
    policy: str
    due_at: datetime
    statutory: bool


@dataclass(frozen=True, slots=True)
class Obligation:
    """What the customer is owed of one thing: the stricter of contract and statute, and both."""

    matter_id: str | None
    target: str
    contract: Owed | None
    statute: Owed

    @property
    def stricter(self) -> Side:
        """The side that is due first; at the same instant the statute."""
        if self.contract is not None and self.contract.due_at < self.statute.due_at:
            return "contract"
        return "statute"

    @property
    def due_at(self) -> datetime:
        return self.statute.due_at if self.contract is None else min(self.contract.due_at, self.statute.due_at)


def obligations(clocks: Iterable[Owed]) -> Iterator[Obligation]:
    """Each open statutory clock beside the contract's clock of the same matter, or of the case where that has it."""
    known = list(clocks)
    contracts = {(owed.matter_id, owed.target): owed for owed in known if not owed.statutory}
    for owed in known:
        if not owed.statutory or owed.target not in COUNTERPARTS:
            continue
        target = COUNTERPARTS[owed.target]
        contract = contracts.get((owed.matter_id, target)) or contracts.get((None, target))
        yield Obligation(owed.matter_id, target, contract, owed)


def limit_of(pack: Pack, extension: Extension, promises: Promises, *, origin: datetime) -> datetime:
    """The instant until which an extension reaches, counted from the receipt as the first limit is."""
    part = promises.part(pack.pin, (extension.limit,))
    (result,) = fold(part, (Start(at=origin),), calendars=promises.calendars, until=origin)
    return result.due_if_resumed_now


def next_extension(
    pack: Pack, promises: Promises, *, origin: datetime, due: datetime
) -> tuple[Extension, datetime] | None:
    """The first extension of the regime that reaches further than what is due now; None where it allows no other."""
    reaching: Sequence[tuple[Extension, datetime]] = [
        (extension, limit_of(pack, extension, promises, origin=origin)) for extension in pack.extensions
    ]
    return next(((extension, until) for extension, until in reaching if until > due), None)
