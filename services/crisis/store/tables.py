"""The tables of cases, and how domain values become their rows."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from services.crisis.domain.case import Matter
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.escalation import Run
from services.crisis.domain.sla.clock import Clock, State
from services.crisis.domain.sla.records import Record
from services.crisis.domain.timeline import Entry, instant_text
from services.crisis.domain.waiting import Wait
from services.crisis.store.rows import Table, columns, text_of

Row = Sequence[Any]
"""Values in the order of a table's columns."""
_CASE_FIELDS = (
    "id text, number text, customer_id text, type text, title text, severity text, computed_severity text,"
    "explanation jsonb, stage text, status text, service_class text, provisional boolean, impact text,"
    "is_public boolean, opened_at timestamptz, version bigint, policy text, escalation_policy text, rule text,"
    "responsibility text, assessment jsonb, trend text, owner text, acknowledged_at timestamptz,"
    "resolved_at timestamptz, closed_at timestamptz, outcome text, reopened_count integer, earlier_cases integer,"
    "previous_case_id text, drill boolean, merged_into text, segment text, channel text,"
    "regime text"
)
CASE_COLUMNS = tuple(columns(_CASE_FIELDS))
CASE = Table(
    "crisis_case",
    columns(_CASE_FIELDS + ", timeline_seq bigint, timeline_hash text, next_clock_at timestamptz"),
    ("id",),
)
MATTER = Table(
    "matter",
    columns(
        "id text, case_id text, customer_id text, type text, reference text, dedup text, title text, status text,"
        "impact text, is_public boolean, received_at timestamptz, opened_at timestamptz, regulated text,"
        "complained_about text, category text, remedy_sought text, resolved_at timestamptz, resolution text,"
        "acknowledged_at timestamptz"
    ),
    ("id",),
)
_STATE_FIELDS = (
    "cycle integer, stage text, result text, has_breached boolean, breach_cause text, started_at timestamptz,"
    "due_at timestamptz, due_if_resumed_now timestamptz, provisional boolean, breached_at timestamptz,"
    "stopped_at timestamptz, elapsed_seconds float8, paused_seconds float8, closed_seconds float8, calendar text,"
    "statutory boolean, department text, warnings integer, next_at timestamptz"
)
STATE_COLUMNS = State._fields
assert tuple(columns(_STATE_FIELDS)) == STATE_COLUMNS
CLOCK = Table(
    "clock",
    columns(
        "id text, case_id text, matter_id text, customer_id text, target text, pin text, policy text,"
        "recorded integer, told jsonb, round integer, " + _STATE_FIELDS
    ),
    ("id",),
)
CLOCK_EVENT = Table(
    "clock_event",
    columns(
        "clock_id text, seq integer, type text, at timestamptz, recorded_at timestamptz, actor text, cause text,"
        "pin text, detail jsonb"
    ),
    ("clock_id", "seq"),
)
TIMELINE = Table(
    "timeline",
    columns(
        "case_id text, seq bigint, at timestamptz, recorded_at timestamptz, kind text, actor text, summary text,"
        "data jsonb, salt text, digest text, previous_hash text, hash text"
    ),
    ("case_id", "seq"),
)
RUN = Table(
    "escalation_run",
    columns(
        "case_id text, id text, state text, level integer, step integer, repeat integer, started_at timestamptz,"
        "raised_at timestamptz, next_at timestamptz, reason text, about jsonb"
    ),
    ("case_id",),
)
WAIT = Table(
    "wait",
    columns(
        "id text, case_id text, customer_id text, matter_id text, reason text, name jsonb, who text, for_whom text,"
        "rules text, since timestamptz, ends_at timestamptz, ends_because text, by text, approved_by text,"
        "recorded_at timestamptz, limit_at timestamptz, ended_at timestamptz, ended_by text, ended_because text"
    ),
    ("id",),
)
TRIGGER_EVENT = Table(
    "trigger_event",
    columns(
        "source text, event_id text, type text, customer_id text, at timestamptz, recorded_at timestamptz,"
        "summary text, outcome text, case_id text, matter_id text, rule text, rule_version integer, reason text"
    ),
    ("source", "event_id"),
)
CANDIDATE = Table(
    "candidate",
    columns(
        "id text, source text, event_id text, customer_id text, rule text, rule_version integer, event jsonb,"
        "state text, created_at timestamptz"
    ),
    ("id",),
)
EARLY_AMENDMENT = Table(
    "early_amendment",
    columns(
        "source text, event_id text, customer_id text, complaint_id text, kind text, event jsonb, changes jsonb,"
        "reason text, at timestamptz"
    ),
    ("source", "event_id"),
)


_case_fields = attrgetter(*CASE_COLUMNS)
_EXPLANATION = CASE_COLUMNS.index("explanation")
_ASSESSMENT = CASE_COLUMNS.index("assessment")
_matter_fields = attrgetter(*MATTER.columns)
_wait_fields = attrgetter(*WAIT.columns)
_WAIT_NAME = list(WAIT.columns).index("name")


def case_row(file: CaseFile) -> Row:
    fields = [*_case_fields(file.case), file.tail.seq, file.tail.hash, file.next_clock_at]
    for place in (_EXPLANATION, _ASSESSMENT):
        fields[place] = text_of(fields[place])
    return fields


def matter_row(matter: Matter) -> Row:
    fields: Row = _matter_fields(matter)
    return fields


def wait_row(wait: Wait) -> Row:
    fields = [*_wait_fields(wait)]
    fields[_WAIT_NAME] = text_of(fields[_WAIT_NAME])
    return fields


def clock_row(clock: Clock) -> Row:
    state = clock.state
    assert state is not None
    return (
        clock.id,
        clock.case_id,
        clock.matter_id,
        clock.customer_id,
        clock.target,
        clock.pin,
        clock.policy,
        clock.recorded,
        text_of(sorted(clock.told)) if clock.told else "[]",
        clock.round,
        *state,
    )


def clock_event_row(clock: Clock, record: Record) -> Row:
    event = record.event
    return (
        clock.id,
        record.seq,
        type(event).__name__.lower(),
        event.at,
        record.recorded_at,
        record.actor,
        record.cause,
        record.pin,
        text_of(record.detail or None),
    )


def entry_row(case_id: str, entry: Entry) -> Row:
    return (
        case_id,
        entry.seq,
        entry.at,
        entry.recorded_at,
        entry.kind,
        entry.actor,
        entry.summary,
        text_of(entry.data),
        entry.salt,
        entry.digest,
        entry.previous_hash,
        entry.hash,
    )


def run_row(run: Run) -> Row:
    about = run.about
    return (
        run.case_id,
        run.id,
        run.state,
        run.level,
        run.step,
        run.repeat,
        run.started_at,
        run.raised_at,
        run.next_at,
        run.reason,
        text_of(
            {
                "clock_id": about.clock_id,
                "matter_id": about.matter_id,
                "target": about.target,
                "due_at": None if about.due_at is None else instant_text(about.due_at),
            }
        ),
    )
