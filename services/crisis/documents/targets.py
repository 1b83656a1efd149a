"""SLA policies and their targets: the document of a promise, and the domain value that it stands for."""

import re
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from services.crisis.domain.clocks import (
    Behaviour,
    Business,
    BusinessDays,
    CalendarPeriod,
    Duration,
    Elapsed,
    LeadTime,
    MalformedDuration,
    PercentUsed,
    Policy,
    ReopenMode,
    Target,
    parse_period,
    parse_time,
)
from services.crisis.domain.sla.changes import ChangeRules, TierBasis
from shared.documents import Document, InvalidDocument

_PERCENT = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)%", re.ASCII)
_WALL = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))", re.ASCII)
_MINUTE = 60_000_000


def _duration(parse: Callable[[str], object]) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            parse(text)
        except MalformedDuration as error:
            raise PydanticCustomError(error.rule, "{detail}", {"detail": str(error)}) from None
        return text

    return check


def _percent(text: str) -> str:
    found = _PERCENT.fullmatch(text)
    if found is None or Fraction(found[1]) == 0:
        raise PydanticCustomError("percent_format", "A share is text above zero like '50%' or '87.5%'")
    return text


def _wall(text: str) -> str:
    if _WALL.fullmatch(text) is None:
        raise PydanticCustomError("time_format", "A wall time is text like '18:00' (in YAML: in quotes)")
    return text


TimeText = Annotated[str, AfterValidator(_duration(parse_time))]
PeriodText = Annotated[str, AfterValidator(_duration(parse_period))]
PercentText = Annotated[str, AfterValidator(_percent)]
WallText = Annotated[str, AfterValidator(_wall)]
Key = Annotated[str, Field(min_length=1, max_length=100)]
Department = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A code of the organisation's own: service, quality, legal …"""

BehaviourName = Literal["keep", "retarget_from_start", "restart_now", "prorate", "tighten_only"]

KINDS = ("elapsed", "business", "business_days", "period")
_OPTIONS = {
    "elapsed": frozenset[str](),
    "business": frozenset[str](),
    "business_days": frozenset({"at", "day_zero", "under_pause"}),
    "period": frozenset({"roll", "until", "under_pause"}),
}


class StatutorySource(Document):
    """The law behind a target: which regime, and where its text is found."""

    regime: Annotated[str, Field(min_length=1, max_length=100)]
    source: Annotated[str, Field(min_length=1, max_length=2000)]


class TargetDocument(Document):
    """One promise: exactly one duration kind, its calendar and options, when to warn, and who owes it."""

    elapsed: TimeText | None = None
    business: TimeText | None = None
    business_days: Annotated[int, Field(ge=1)] | None = None
    period: PeriodText | None = None
    calendar: Key | None = None
    at: WallText | None = None
    day_zero: Literal["date", "next_open"] | None = None
    under_pause: Literal["fixed", "shift"] | None = None
    roll: Literal["none", "forward", "backward"] | None = None
    until: Literal["end_of_day", "same_time"] | None = None
    warn: Annotated[tuple[PercentText, ...], Field(strict=False, max_length=50)] = ()
    warn_before: Annotated[tuple[TimeText, ...], Field(strict=False, max_length=50)] = ()
    statutory: StatutorySource | None = None
    department: Department | None = None

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "one_duration_kind",
                "A target has exactly one of elapsed, business, business_days and period; here: {given}",
                {"given": ", ".join(given) or "none"},
            )
        (kind,) = given
        if kind != "elapsed" and self.calendar is None:
            raise PydanticCustomError("calendar_required", "A target in {kind} needs a calendar", {"kind": kind})
        for option in ("at", "day_zero", "under_pause", "roll", "until"):
            if getattr(self, option) is not None and option not in _OPTIONS[kind]:
                raise PydanticCustomError(
                    "option_of_another_kind",
                    "{option} means nothing for a target in {kind}",
                    {"option": option, "kind": kind},
                )
        return self

    def to_target(self, *, department: str | None = None) -> Target:
        """The value that the fold works with; `department` owes it where the target names none."""
        percents = (PercentUsed(*_share(text).as_integer_ratio(), label=text) for text in self.warn)
        leads = (LeadTime(parse_time(text), label=text) for text in self.warn_before)
        return Target(
            duration=self._duration(),
            calendar=self.calendar,
            thresholds=tuple(dict.fromkeys((*percents, *leads))),
            statutory=self.statutory is not None,
            department=self.department or department,
        )

    def _duration(self) -> Duration:
        shift = self.under_pause == "shift"
        if self.elapsed is not None:
            return Elapsed(parse_time(self.elapsed))
        if self.business is not None:
            return Business(parse_time(self.business))
        if self.business_days is not None:
            at = None if self.at is None else _minutes(self.at) * _MINUTE
            return BusinessDays(self.business_days, day_zero=self.day_zero or "date", at=at, shift=shift)
        assert self.period is not None
        return CalendarPeriod(
            parse_period(self.period), roll=self.roll or "none", until=self.until or "end_of_day", shift=shift
        )


class DelayDocument(Document):
    """How long to wait: real time, or open time of a calendar."""

    elapsed: str | None = None
    business: str | None = None
    calendar: Key | None = None

    @model_validator(mode="after")
    def _is_a_target(self) -> Self:
        self.to_target()
        return self

    def to_target(self) -> TargetDocument:
        """The delay as a target of the fold."""
        try:
            return TargetDocument.model_validate(self.model_dump(exclude_none=True))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise PydanticCustomError("delay", "{why}", {"why": first["msg"]}) from None


class PolicyDocument(Document):
    """The targets promised together to the customers that `applies` describes; the first policy that matches wins.

    `department` owes the targets that name none of their own.
    """

    key: Key
    name: dict[Literal["zh-CN", "en"], Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=dict
    )
    order: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    applies: dict[str, Any] = Field(default_factory=dict)
    reopen: Literal["resume", "resume_including_closed", "new_cycle", "invalidate_previous"] = "new_cycle"
    on_tier_change: BehaviourName = "tighten_only"
    on_severity_change: BehaviourName = "tighten_only"
    on_calendar_change: BehaviourName = "keep"
    on_policy_change: BehaviourName = "tighten_only"
    tier_basis: Literal["best_since_open", "tier_at_open", "current", "tier_before_triggering_drop"] = "best_since_open"
    relapse_window: TimeText | None = None
    department: Department | None = None
    targets: Annotated[dict[Key, TargetDocument], Field(min_length=1, max_length=100)]

    def to_policy(self) -> Policy:
        """The value that the fold works with, its targets in the order of the document."""
        targets = {name: target.to_target(department=self.department) for name, target in self.targets.items()}
        return Policy(self.key, targets, reopen=ReopenMode(self.reopen))

    def to_change_rules(self) -> ChangeRules:
        """What happens to the promises that run when tier or severity change, or a newer version is applied to them."""
        window = self.relapse_window
        return ChangeRules(
            on_tier_change=Behaviour(self.on_tier_change),
            on_severity_change=Behaviour(self.on_severity_change),
            on_calendar_change=Behaviour(self.on_calendar_change),
            on_policy_change=Behaviour(self.on_policy_change),
            tier_basis=TierBasis(self.tier_basis),
            relapse_window=None if window is None else timedelta(microseconds=parse_time(window)),
        )


def parse_policy(raw: object) -> PolicyDocument:
    """The document that JSON or YAML holds. Raises `InvalidDocument` with pointers from the document's root."""
    try:
        return PolicyDocument.model_validate(raw)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None


def _share(percent: str) -> Fraction:
    return Fraction(percent.removesuffix("%")) / 100


def _minutes(wall: str) -> int:
    hours, minutes = wall.split(":")
    return int(hours) * 60 + int(minutes)
