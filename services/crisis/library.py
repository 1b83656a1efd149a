"""The library: versioned documents out of the database, compiled once per version and kept.

Every transaction asks which versions are active, so that all replicas follow an activation at once; what a running case
is pinned to is fetched when it is met.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

import asyncpg

from services.crisis.documents.compiling import (
    CALENDAR,
    ESCALATION_POLICY,
    KINDS,
    SLA_POLICY,
    STATUTORY_PACK,
    TRIGGER_RULE,
    WAIT_REASONS,
    Compiled,
    Promising,
    applies_of,
    calendar_places,
    calendars_of,
    compile_document,
    policy_of,
)
from services.crisis.documents.escalation_policies import EscalationPolicyDocument
from services.crisis.documents.severity_matrix import SeverityMatrixDocument
from services.crisis.documents.statutory_packs import StatutoryPackDocument
from services.crisis.documents.targets import PolicyDocument
from services.crisis.documents.trigger_rules import TriggerRuleDocument
from services.crisis.documents.wait_reasons import WaitReasonsDocument
from services.crisis.domain.books import Books, Choice
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.clocks import Policy
from services.crisis.domain.escalation import EscalationPolicy
from services.crisis.domain.rules import Rule
from services.crisis.domain.sla.pins import Pin, Promises
from services.crisis.domain.sla.statutes import Pack
from services.crisis.domain.waiting import WaitRules
from services.crisis.store.rows import read
from shared.contracts.errors import FieldError
from shared.documents import InvalidDocument
from shared.worktime import ALWAYS, Calendar, always

_ESCALATION: Final = "escalation:"
"""What pins of escalation policies begin with: their delays are folded like any other target."""
_STATUTORY: Final = "statutory:"
"""What pins of statutory packs begin with."""
_WAITING: Final = "waiting:"
"""What pins of reasons for waiting begin with: their limits are folded, too."""
_KIND_OF_PREFIX: Final = {_ESCALATION: ESCALATION_POLICY, _STATUTORY: STATUTORY_PACK, _WAITING: WAIT_REASONS}
_PREFIX_OF_KIND: Final = {kind: prefix for prefix, kind in _KIND_OF_PREFIX.items()}

Version = tuple[str, str, int]


class MissingDocument(Exception):  # noqa: N818 - a named fact
    """A document that is needed is not there: the service was not seeded, or a pinned version was deleted."""


class Library:
    """One per process. Compiled versions never change, so sharing them between transactions is safe."""

    def __init__(self) -> None:
        self._compiled: dict[Version, Compiled] = {}
        self._promises = Promises()
        self._escalations: dict[str, EscalationPolicy] = {}
        self._packs: dict[str, Pack] = {}
        self._wait_rules: dict[str, WaitRules] = {}
        self._active: frozenset[Version] = frozenset()
        self._books: Books | None = None

    async def books(self, raw: "asyncpg.Connection[asyncpg.Record]") -> Books:
        """What is active now."""
        rows = await raw.fetch(
            "select kind, key, version from document where state = 'active' and kind = any($1::text[])", list(KINDS)
        )
        active = frozenset((row["kind"], row["key"], row["version"]) for row in rows)
        if self._books is None or active != self._active:
            await self._fetch(raw, active)
            self._books = self._bind(active)
            self._active = active
        return self._books

    async def know(self, raw: "asyncpg.Connection[asyncpg.Record]", files: Iterable[CaseFile]) -> None:
        """Make every promise known that these files are pinned to."""
        pins: set[str] = set()
        for file in files:
            pins.update((file.case.policy, file.case.escalation_policy))
            pins.update(wait.rules for wait in file.waits.values())
            for clock in file.clocks:
                pins.update(clock.pins)
        await self.know_pins(raw, pins)

    async def know_pins(self, raw: "asyncpg.Connection[asyncpg.Record]", pins: Iterable[str]) -> None:
        """Make the promises of these pins known."""
        missing = [Pin.parse(pin) for pin in pins if pin not in self._promises]
        if missing:
            await self._fetch(raw, {version for pin in missing for version in _versions(pin)})
            for pin in missing:
                self._add(pin)

    async def rule(self, raw: "asyncpg.Connection[asyncpg.Record]", key: str, version: int) -> Rule:
        """A version of a trigger rule, active or not."""
        wanted = (TRIGGER_RULE, key, version)
        await self._fetch(raw, [wanted])
        document = self._compiled[wanted]
        assert isinstance(document, TriggerRuleDocument)
        return document.to_rule(version)

    async def for_simulation(
        self, raw: "asyncpg.Connection[asyncpg.Record]"
    ) -> tuple[Mapping[str, Calendar], Mapping[str, Policy]]:
        """The active calendars and SLA policies by key."""
        await self.books(raw)
        documents = {(kind, key): self._compiled[kind, key, version] for kind, key, version in self._active}
        calendars = {key: d for (_, key), d in documents.items() if isinstance(d, Calendar)}
        policies = {key: d.to_policy() for (_, key), d in documents.items() if isinstance(d, PolicyDocument)}
        return calendars, policies

    async def on_trial(
        self, raw: "asyncpg.Connection[asyncpg.Record]", document: PolicyDocument, version: int
    ) -> tuple[str, Promises]:
        """The pin of a version that may be a draft, on the calendars active now, and a copy of the promises with it.

        A draft may still change, so nothing of it is kept. Raises InvalidDocument where a calendar is not active.
        """
        calendars, _ = await self.for_simulation(raw)
        active = {key: number for kind, key, number in self._active if kind == CALENDAR} | {ALWAYS: 1}
        lost = [
            FieldError(pointer, "unknown-calendar", f"there is no active calendar {key!r}")
            for pointer, key in calendar_places(document)
            if key not in active
        ]
        if lost:
            raise InvalidDocument(lost)
        pin = Pin(document.key, version, tuple((key, active[key]) for key in calendars_of(document)))
        promises = self._promises.copy()
        promises.add(pin, document.to_policy(), {**calendars, ALWAYS: always()})
        return pin.name, promises

    async def _fetch(self, raw: "asyncpg.Connection[asyncpg.Record]", versions: Iterable[Version]) -> None:
        wanted = sorted(version for version in versions if version not in self._compiled)
        if not wanted:
            return
        rows = await raw.fetch(
            "select kind, key, version, body, compiled from document"
            " where (kind, key, version) in (select * from unnest($1::text[], $2::text[], $3::int[]))",
            *map(list, zip(*wanted, strict=True)),
        )
        for row in rows:
            version = (row["kind"], row["key"], row["version"])
            self._compiled[version] = compile_document(
                row["kind"], {**read(row["body"]), "key": row["key"]}, read(row["compiled"])
            )
        lost = [version for version in wanted if version not in self._compiled]
        if lost:
            raise MissingDocument(", ".join(f"{kind} {key} version {number}" for kind, key, number in lost))

    def _bind(self, active: frozenset[Version]) -> Books:
        documents = [(version, self._compiled[version]) for version in sorted(active)]
        rules = [d.to_rule(v[2]) for v, d in documents if isinstance(d, TriggerRuleDocument)]
        matrices = [d.to_matrix(v[2]) for v, d in documents if isinstance(d, SeverityMatrixDocument)]
        if not matrices:
            raise MissingDocument("no severity matrix is active")
        calendars = {key: version for kind, key, version in active if kind == CALENDAR} | {ALWAYS: 1}
        return Books(
            rules=tuple(sorted(rules, key=lambda rule: (rule.order, rule.key))),
            matrix=matrices[0],
            policies=self._choices([(v, d) for v, d in documents if isinstance(d, PolicyDocument)], calendars),
            escalation_choices=self._choices(
                [(v, d) for v, d in documents if isinstance(d, EscalationPolicyDocument)], calendars
            ),
            promises=self._promises,
            escalations=self._escalations,
            regimes={
                key: self._pinned(STATUTORY_PACK, key, version, calendars).name
                for kind, key, version in active
                if kind == STATUTORY_PACK
            },
            packs=self._packs,
            wait_choices=self._choices([(v, d) for v, d in documents if isinstance(d, WaitReasonsDocument)], calendars),
            wait_rules=self._wait_rules,
        )

    def _choices(self, documents: list[tuple[Version, Any]], calendars: Mapping[str, int]) -> tuple[Choice, ...]:
        """Documents in their order, each pinned to the calendar versions that are active now."""
        choices: list[Choice] = []
        for (kind, key, version), document in sorted(documents, key=lambda item: (item[1].order, item[0][1])):
            pin = self._pinned(kind, key, version, calendars)
            choices.append(Choice(pin.name, applies_of(document)))
        return tuple(choices)

    def _pinned(self, kind: str, key: str, version: int, calendars: Mapping[str, int]) -> Pin:
        """The pin of a document to the calendar versions that are active now, made known."""
        document = self._compiled[kind, key, version]
        assert isinstance(document, Promising)
        named = calendars_of(document)
        lost = [calendar for calendar in named if calendar not in calendars]
        if lost:
            raise MissingDocument(f"{kind} {key} names the calendar {lost[0]}, which is not active")
        prefix = _PREFIX_OF_KIND.get(kind, "")
        pin = Pin(prefix + key, version, tuple((calendar, calendars[calendar]) for calendar in named))
        if pin.name not in self._promises:
            self._add(pin)
        return pin

    def _add(self, pin: Pin) -> None:
        calendars = {key: self._calendar(key, version) for key, version in pin.calendars}
        document = self._compiled[_version_of_policy(pin)]
        assert isinstance(document, Promising)
        match document:
            case EscalationPolicyDocument():
                self._escalations[pin.name] = document.to_policy(pin.version)
            case StatutoryPackDocument():
                self._packs[pin.name] = document.to_pack(pin.name)
            case WaitReasonsDocument():
                self._wait_rules[pin.name] = document.to_rules(pin.name)
            case PolicyDocument():
                pass
        changes = document.to_change_rules() if isinstance(document, PolicyDocument) else None
        self._promises.add(pin, policy_of(document), calendars, changes)

    def _calendar(self, key: str, version: int) -> Calendar:
        if key == ALWAYS:
            return always()
        calendar = self._compiled[CALENDAR, key, version]
        assert isinstance(calendar, Calendar)
        return calendar


def _version_of_policy(pin: Pin) -> Version:
    for prefix, kind in _KIND_OF_PREFIX.items():
        if pin.policy.startswith(prefix):
            return kind, pin.policy.removeprefix(prefix), pin.version
    return SLA_POLICY, pin.policy, pin.version


def _versions(pin: Pin) -> list[Version]:
    """The documents that a pin stands on."""
    calendars = [(CALENDAR, key, version) for key, version in pin.calendars if key != ALWAYS]
    return [_version_of_policy(pin), *calendars]


@cache
def plain_key(pin: str) -> tuple[str, int]:
    """The document's key and version behind a pin, as they are published."""
    parsed = Pin.parse(pin)
    _, key, version = _version_of_policy(parsed)
    return key, version
