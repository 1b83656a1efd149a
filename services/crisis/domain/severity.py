"""Severity: S1 (gravest) to S4, from a versioned matrix, with the steps that led to it.

It rises by itself; only a person lowers it. After a person has lowered it, only news makes it rise again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from services.crisis.domain.service_class import ServiceClass

Severity = Literal["S1", "S2", "S3", "S4"]
Impact = Literal["low", "medium", "high", "critical"]
Responsibility = Literal["victim", "accidental", "preventable"]
"""The clusters of situational crisis communication theory (Coombs 2007): how far the customer may blame us."""
SEVERITIES: Final[tuple[Severity, ...]] = ("S1", "S2", "S3", "S4")
IMPACTS: Final[tuple[Impact, ...]] = ("low", "medium", "high", "critical")
_RANK: Final[dict[str, int]] = {name: rank for rank, name in enumerate(SEVERITIES)}
_IMPACT_RANK: Final[dict[str, int]] = {name: rank for rank, name in enumerate(IMPACTS)}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the matrix is asked about. Money is the lower edge of the revenue band, in major units."""

    service_class: ServiceClass
    impact: Impact
    is_public: bool = False
    responsibility: Responsibility | None = None
    revenue_currency: str | None = None
    revenue_at_least: Decimal | None = None
    earlier_cases: int = 0
    """Cases of the same customer that were opened in the year before."""
    matters: int = 1
    reopened: int = 0


@dataclass(frozen=True, slots=True)
class Raise:
    """Circumstances that raise the severity by `steps`. All that are given have to hold."""

    key: str
    steps: int
    is_public: bool | None = None
    responsibility: frozenset[Responsibility] | None = None
    revenue_at_least: Mapping[str, Decimal] | None = None
    """Per currency; a customer with revenue in another currency is not judged by it."""
    earlier_cases: int | None = None
    matters: int | None = None
    reopened: int | None = None

    def applies(self, to: Circumstances) -> bool:
        return (
            self.is_public in {None, to.is_public}
            and (self.responsibility is None or to.responsibility in self.responsibility)
            and (self.revenue_at_least is None or self._earns(to))
            and (self.earlier_cases is None or to.earlier_cases >= self.earlier_cases)
            and (self.matters is None or to.matters >= self.matters)
            and (self.reopened is None or to.reopened >= self.reopened)
        )

    def _earns(self, to: Circumstances) -> bool:
        edge = (self.revenue_at_least or {}).get(to.revenue_currency or "")
        return edge is not None and to.revenue_at_least is not None and to.revenue_at_least >= edge


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explanation: what was looked at and the severity after it."""

    factor: str
    value: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Judgement:
    """A severity and how it came about. `version` is the matrix document's."""

    severity: Severity
    version: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The matrix document: a base for each class and impact, and what raises it."""

    version: int
    base: Mapping[ServiceClass, Mapping[Impact, Severity]]
    raises: tuple[Raise, ...] = ()

    def judge(self, circumstances: Circumstances) -> Judgement:
        """The severity under these circumstances, never above S1, and the steps that led there."""
        severity = self.base[circumstances.service_class][circumstances.impact]
        steps = [Step("class_and_impact", f"{circumstances.service_class}, {circumstances.impact}", severity)]
        for rule in self.raises:
            if rule.applies(circumstances):
                severity = SEVERITIES[max(0, _RANK[severity] - rule.steps)]
                steps.append(Step(rule.key, f"+{rule.steps}", severity))
        return Judgement(severity, self.version, tuple(steps))


def is_graver(one: Severity, other: Severity) -> bool:
    """Whether `one` is strictly graver than `other`; S1 is the gravest."""
    return _RANK[one] < _RANK[other]


def gravest(one: Severity, other: Severity) -> Severity:
    return one if is_graver(one, other) else other


def heavier(one: Impact, other: Impact) -> Impact:
    """The heavier of two impacts."""
    return one if _IMPACT_RANK[one] >= _IMPACT_RANK[other] else other
