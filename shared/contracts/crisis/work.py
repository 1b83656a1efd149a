"""The work on a case: tasks, promises, follow-ups, surveys and the retrospective. All drafts as yet."""

from typing import Any

from pydantic import Field

from shared.contracts.base import AboutCustomer, example
from shared.contracts.fields import Code, Id, Instant, Line, ServiceClass, Severity, Text, Version


class WorkEvent(AboutCustomer):
    """Work on a case."""

    case_id: Id = Field(description="The case.")
    number: Code = Field(description="The case's number, for people.")
    matter_id: Id | None = Field(description="The matter; null for the whole case.")
    customer_id: Id = Field(description="The customer.")
    severity: Severity = Field(description="Severity of the case.")
    service_class: ServiceClass = Field(description="The class that is served.")
    owner: Id | None = Field(description="Directory id of the case's owner.")
    at: Instant = Field(description="When this happened.")
    version: Version = Field(description="Version of the case.")
    drill: bool = Field(False, description="A drill: excluded from every figure.")


_WORK: dict[str, Any] = {
    "case_id": "0195f3a0-7c00-7000-8000-0000000000c1",
    "number": "CR-2026-000117",
    "matter_id": None,
    "customer_id": "C-10001",
    "severity": "S2",
    "service_class": "key",
    "owner": "E-1042",
    "at": "2026-03-05T09:00:00Z",
    "version": 5,
    "drill": False,
}
_TASK: dict[str, Any] = _WORK | {
    "task_id": "0195f3a0-7c00-7000-8000-0000000000b1",
    "title": "Find a spare truck",
    "department": "logistics",
    "role": "dispatcher",
    "assignee": "E-3001",
    "due_at": "2026-03-05T11:00:00Z",
}
_PROMISE: dict[str, Any] = _WORK | {
    "promise_id": "0195f3a0-7c00-7000-8000-0000000000b2",
    "promise": "delivery at 20:00 today",
    "promised_by": "E-1042",
    "due_at": "2026-03-05T12:00:00Z",
}
_RETROSPECTIVE: dict[str, Any] = _WORK | {
    "retrospective_id": "0195f3a0-7c00-7000-8000-0000000000b4",
    "due_at": "2026-03-19T10:00:00Z",
}


class TaskEvent(WorkEvent):
    """A task of a case's playbook."""

    task_id: Id = Field(description="The task.")
    title: Line = Field(description="What is to be done.")
    department: Code | None = Field(description="Department that does it.")
    role: Code | None = Field(description="Role that does it.")
    assignee: Id | None = Field(description="Directory id of who does it.")
    due_at: Instant | None = Field(description="By when.")


class TaskAssigned(TaskEvent):
    """A task was given to a department, role or person."""

    model_config = example(**_TASK)


class TaskOverdue(TaskEvent):
    """A task was not done in time."""

    model_config = example(**_TASK | {"at": "2026-03-05T11:00:00Z"})


class TaskDone(TaskEvent):
    """A task was done."""

    model_config = example(**_TASK | {"at": "2026-03-05T10:30:00Z"}, by="E-3001", evidence="truck 4 left at 18:30")

    by: Id | None = Field(description="Who did it.")
    evidence: Text | None = Field(description="What shows it.")


class PromiseEvent(WorkEvent):
    """Something that was promised to the customer."""

    promise_id: Id = Field(description="The promise.")
    promise: Line = Field(description="What was promised.")
    promised_by: Id = Field(description="Directory id of who promised it.")
    due_at: Instant = Field(description="By when.")


class PromiseMade(PromiseEvent):
    """Somebody promised something to the customer."""

    model_config = example(**_PROMISE)


class PromiseBroken(PromiseEvent):
    """A promise was not kept in time; the severity rises."""

    model_config = example(**_PROMISE | {"at": "2026-03-05T12:00:00Z"})


class PromiseKept(PromiseEvent):
    """A promise was kept."""

    model_config = example(**_PROMISE | {"at": "2026-03-05T11:50:00Z"})


class FollowupDue(WorkEvent):
    """It is time to ask the customer how things are."""

    model_config = example(
        **_WORK, followup_id="0195f3a0-7c00-7000-8000-0000000000b3", step="T+7", due_at="2026-03-12T10:00:00Z"
    )

    followup_id: Id = Field(description="The follow-up.")
    step: Code = Field(description="Which one: T+1, T+7 or T+30.")
    due_at: Instant = Field(description="By when.")


class SurveyRequested(WorkEvent):
    """The customer is to be asked how the case was handled."""

    model_config = example(**_WORK, survey_id="SV-2026-03-118", scale="nps", template="case-handling")

    survey_id: Id = Field(description="The survey; the answer names it.")
    scale: Code = Field(description="nps, csat5 or csat10.")
    template: Code = Field(description="Key of the template.")


class RetrospectiveDue(WorkEvent):
    """A retrospective is to be held."""

    model_config = example(**_RETROSPECTIVE)

    retrospective_id: Id = Field(description="The retrospective.")
    due_at: Instant = Field(description="By when.")


class RetrospectiveCompleted(WorkEvent):
    """A retrospective was held."""

    model_config = example(
        **_RETROSPECTIVE,
        by="E-0007",
        causes=["carrier without a deputy"],
        actions=["second carrier under contract by May"],
    )

    retrospective_id: Id = Field(description="The retrospective.")
    due_at: Instant = Field(description="By when it was due.")
    by: Id = Field(description="Who led it.")
    causes: list[Line] = Field(description="What caused the crisis.")
    actions: list[Line] = Field(description="Corrective actions.")
