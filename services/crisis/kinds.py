"""The kinds of documents of crisis: what makes them valid, and where people reach them."""

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml

from services.crisis.documents.compiling import (
    CALENDAR,
    ESCALATION_POLICY,
    SEVERITY_MATRIX,
    SLA_POLICY,
    STATUTORY_PACK,
    TRIGGER_RULE,
    WAIT_REASONS,
    Promising,
    calendar_places,
    parse_sla_policy,
)
from services.crisis.documents.escalation_policies import parse_escalation_policy
from services.crisis.documents.severity_matrix import parse_severity_matrix
from services.crisis.documents.statutory_packs import parse_statutory_pack
from services.crisis.documents.targets import PolicyDocument
from services.crisis.documents.trigger_rules import parse_trigger_rule
from services.crisis.documents.wait_reasons import parse_wait_reasons
from services.crisis.domain.clocks.instants import to_micros
from services.crisis.domain.starting import NAMED_TARGETS, is_custom
from services.crisis.usecases.rederive_timers import plan_spreading
from shared.contracts.errors import FieldError, pointer_of
from shared.db.unit_of_work import UnitOfWork
from shared.documents import InvalidDocument
from shared.documents.kind import DocumentKind
from shared.documents.store import all_active
from shared.worktime import ALWAYS, Calendar, parse_calendar, publish, require_open_time

PRESETS: Final = Path(__file__).parent / "presets"
"""Shipped documents, a directory for each kind."""
_READ: Final = "crisis:read"
_WRITE: Final = "crisis:policy"


def _example(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PRESETS / path).read_text(encoding="utf-8"))
    return found


def _publish(body: dict[str, Any], /, *, now: datetime) -> Mapping[str, Any]:
    """Write holidays and make-up days into the version: the fold never asks the package again."""
    published = publish(parse_calendar(body))
    require_open_time(Calendar(published), effective=to_micros(now))
    return published.to_json()


async def _calendars_are_active(work: UnitOfWork, document: Promising) -> None:
    known = {stored.key for stored in await all_active(work.raw, CALENDAR)} | {ALWAYS}
    lost = [
        FieldError(pointer, "unknown-calendar", f"there is no active calendar {calendar!r}")
        for pointer, calendar in calendar_places(document)
        if calendar not in known
    ]
    if lost:
        raise InvalidDocument(lost)


def _refuse_near_misses(policy: PolicyDocument) -> None:
    """A target's own name is free, but one that is nearly a name with a meaning is a slip of the pen."""
    slips = [(name, get_close_matches(name, NAMED_TARGETS, 1, 0.9)) for name in policy.targets if is_custom(name)]
    errors = [
        FieldError(
            pointer_of(("targets", name)), "near-miss", f"is {close[0]} meant? {name} would be a target of its own"
        )
        for name, close in slips
        if close
    ]
    if errors:
        raise InvalidDocument(errors)


async def _check_policy(work: UnitOfWork, body: dict[str, Any]) -> None:
    policy = parse_sla_policy(body)
    _refuse_near_misses(policy)
    await _calendars_are_active(work, policy)


async def _check_escalation(work: UnitOfWork, body: dict[str, Any]) -> None:
    await _calendars_are_active(work, parse_escalation_policy(body))


async def _check_pack(work: UnitOfWork, body: dict[str, Any]) -> None:
    await _calendars_are_active(work, parse_statutory_pack(body))


async def _check_waiting(work: UnitOfWork, body: dict[str, Any]) -> None:
    await _calendars_are_active(work, parse_wait_reasons(body))


CALENDARS: Final = DocumentKind(
    name=CALENDAR,
    path="/v1/calendars",
    title="calendars",
    validate=parse_calendar,
    example=_example("calendars/cn-office.yaml"),
    read_scope=_READ,
    write_scope=_WRITE,
    compile=_publish,
    activated=plan_spreading,
)
SLA_POLICIES: Final = DocumentKind(
    name=SLA_POLICY,
    path="/v1/sla-policies",
    title="SLA policies",
    validate=parse_sla_policy,
    example=_example("policies/key.yaml"),
    read_scope=_READ,
    write_scope=_WRITE,
    check=_check_policy,
)
TRIGGER_RULES: Final = DocumentKind(
    name=TRIGGER_RULE,
    path="/v1/trigger-rules",
    title="trigger rules",
    validate=parse_trigger_rule,
    example=_example("trigger-rules/negative-opinion.yaml"),
    read_scope=_READ,
    write_scope=_WRITE,
)
MATRICES: Final = DocumentKind(
    name=SEVERITY_MATRIX,
    path="/v1/severity-matrix",
    title="severity matrices",
    validate=parse_severity_matrix,
    example=_example("severity-matrix/default.yaml"),
    read_scope=_READ,
    write_scope=_WRITE,
)
ESCALATIONS: Final = DocumentKind(
    name=ESCALATION_POLICY,
    path="/v1/escalation-policies",
    title="escalation policies",
    validate=parse_escalation_policy,
    example=_example("escalation-policies/default.yaml"),
    read_scope=_READ,
    write_scope=_WRITE,
    check=_check_escalation,
)
STATUTORY_PACKS: Final = DocumentKind(
    name=STATUTORY_PACK,
    path="/v1/statutory-packs",
    title="statutory packs",
    validate=parse_statutory_pack,
    example=_example("statutory-packs/uk-fca-disp.yaml"),
    read_scope=_READ,
    write_scope=_WRITE,
    check=_check_pack,
)
WAITING: Final = DocumentKind(
    name=WAIT_REASONS,
    path="/v1/wait-reasons",
    title="wait reasons",
    validate=parse_wait_reasons,
    example=_example("wait-reasons/default.yaml"),
    read_scope=_READ,
    write_scope=_WRITE,
    check=_check_waiting,
)
SHIPPED: Final = (
    (CALENDARS, PRESETS / "calendars"),
    (SLA_POLICIES, PRESETS / "policies"),
    (TRIGGER_RULES, PRESETS / "trigger-rules"),
    (MATRICES, PRESETS / "severity-matrix"),
    (ESCALATIONS, PRESETS / "escalation-policies"),
    (STATUTORY_PACKS, PRESETS / "statutory-packs"),
    (WAITING, PRESETS / "wait-reasons"),
)
"""Kinds with their presets, calendars first: the others name them."""
