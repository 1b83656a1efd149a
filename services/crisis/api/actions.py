"""The actions on a case: one route each, all alike."""

from typing import Annotated, Any

from fastapi import Path, Response

from services.crisis.api import bodies
from services.crisis.api.bodies import ActionIn, example
from services.crisis.api.shapes import CaseOut
from services.crisis.library import Library
from services.crisis.store.queries import cases_by_id
from services.crisis.usecases.command import Command, carry_out
from services.crisis.usecases.merging import MergeCases, merge_cases
from shared.auth.guard import demand, require
from shared.db.unit_of_work import UnitOfWork
from shared.web.etags import IfMatch, etag
from shared.web.idempotency import Answer, OnceIfKeyed
from shared.web.kernel import Caller, part
from shared.web.routing import Router

CaseId = Annotated[str, Path(max_length=128, description="The case.")]
_ANOTHER = "0195f3a0-7c00-7000-8000-0000000000c2"
_SCOPES = {"change-severity": "crisis:command", "dismiss": "crisis:command", "extend": "crisis:approve"}
_ACTIONS: tuple[tuple[str, type[ActionIn], str, dict[str, Any]], ...] = (
    ("acknowledge", bodies.AcknowledgeIn, "Take notice of a case", {"by": "E-1042", "reason": "I take it"}),
    (
        "assess",
        bodies.AssessIn,
        "Assess a case",
        {"by": "E-1042", "cause": "carrier broke down", "impact": "line stands still", "customer_wants": "goods today"},
    ),
    ("start-intervention", bodies.StartIn, "Begin to intervene", {"by": "E-1042"}),
    ("respond", bodies.RespondIn, "Answer the customer", {"by": "E-1042", "means": "call", "text": "Truck at 18:00"}),
    ("update", bodies.UpdateIn, "Tell the customer how things stand", {"by": "E-1042", "trend": "improving"}),
    (
        "customer-wrote",
        bodies.CustomerWroteIn,
        "Write down that the customer was in touch",
        {"by": "E-1042", "means": "mail", "text": "Where is the truck?"},
    ),
    ("start-clock", bodies.StartClockIn, "Begin a promise by hand", {"by": "E-1042", "target": "plan"}),
    ("stop-clock", bodies.StopClockIn, "End a promise by hand", {"by": "E-1042", "target": "plan"}),
    (
        "wait",
        bodies.WaitIn,
        "Wait for somebody else",
        {"by": "E-1042", "waiting_for": "waiting_for_customer", "reason": "asked for the serial number"},
    ),
    ("continue", bodies.ContinueIn, "Go on after waiting", {"by": "E-1042", "waiting_for": "waiting_for_customer"}),
    ("propose-resolution", bodies.ProposeIn, "Propose a solution", {"by": "E-1042", "text": "Credit of two weeks"}),
    (
        "change-severity",
        bodies.ChangeSeverityIn,
        "Set the severity",
        {"by": "E-0007", "severity": "S3", "reason": "one plant only"},
    ),
    (
        "final-answer",
        bodies.FinalAnswerIn,
        "Send the final answer that a statute demands",
        {"by": "E-1042", "text": "We uphold the complaint"},
    ),
    (
        "extend",
        bodies.ExtendIn,
        "Extend a statutory limit",
        {"by": "E-0007", "reason": "expert opinion outstanding"},
    ),
    (
        "start-task",
        bodies.StartTaskIn,
        "Hand a task to the department that owes it",
        {"by": "E-1042", "task": "legal_review", "reason": "the customer claims damages"},
    ),
    (
        "finish-task",
        bodies.FinishTaskIn,
        "Say that a task is done",
        {"by": "E-3001", "task": "legal_review", "text": "liability excluded by clause 12"},
    ),
    (
        "cancel-task",
        bodies.CancelTaskIn,
        "Call off a task",
        {"by": "E-1042", "task": "legal_review", "reason": "the customer took the claim back"},
    ),
    ("assign", bodies.AssignIn, "Give a case an owner", {"by": "E-0007", "owner": "E-1042"}),
    ("resolve", bodies.ResolveIn, "Resolve matters", {"by": "E-1042", "resolution": "delivered"}),
    ("start-repair", bodies.StartIn, "Begin to repair trust", {"by": "E-1042"}),
    ("close", bodies.CloseIn, "Close a case", {"by": "E-0007", "outcome": "retained"}),
    ("dismiss", bodies.ActionIn, "Dismiss a case that is none", {"by": "E-0007", "reason": "sent by mistake"}),
    ("reopen", bodies.ReopenIn, "Open a case or matter again", {"by": "E-1042", "reason": "late again"}),
)


def add_actions(router: Router) -> None:
    """Add `POST /{case_id}/<action>` for each action."""
    for action, body, summary, fields in _ACTIONS:
        router.add_api_route(
            f"/{{case_id}}/{action}",
            _endpoint(action, body),
            methods=["POST"],
            summary=summary,
            response_model=CaseOut,
            dependencies=[require(_SCOPES.get(action, "crisis:write"))],
            openapi_extra=example(body, **fields),
        )


def add_merge(router: Router) -> None:
    """Add `POST /{case_id}/merge`, the one action on two cases."""
    router.add_api_route(
        "/{case_id}/merge",
        merge_case,
        methods=["POST"],
        summary="Merge a case into another",
        response_model=CaseOut,
        dependencies=[require("crisis:command")],
        openapi_extra=example(bodies.MergeIn, into_case_id=_ANOTHER, reason="both plants belong to one company"),
    )


async def merge_case(
    case_id: CaseId,
    body: bodies.MergeIn,
    expected: IfMatch,
    caller: Caller,
    once: OnceIfKeyed,
    library: Annotated[Library, part(Library)],
) -> Response:
    """The case goes up in another of the same customer, or of one that `customer.merged.v1` said to be the same.

    Its matters and their clocks go on there: what runs in both from the earlier start, everything under the stricter
    promise, and without the pauses of the case that goes. The same merge again answers the same and changes nothing.
    409 says which of the two is in the wrong state, or why they cannot become one.
    """

    async def effect(work: UnitOfWork) -> Answer:
        command = MergeCases(case_id, body.into_case_id, body.by or caller.id, body.reason, expected)
        await merge_cases(work, command, library=library)
        (row,) = await cases_by_id(work.raw, [case_id])
        return Answer(CaseOut.of(row), headers={"ETag": etag(row["version"])})

    return await once(effect)


def _endpoint(action: str, body_type: type[ActionIn]) -> Any:
    async def act(
        case_id: CaseId,
        body: ActionIn,
        expected: IfMatch,
        caller: Caller,
        once: OnceIfKeyed,
        library: Annotated[Library, part(Library)],
    ) -> Response:
        """409 names the present state and version where this is not possible; 412 another version than expected."""
        demand(caller, body.demands())

        async def effect(work: UnitOfWork) -> Answer:
            command = Command(case_id, body.to_order(action, caller.id), expected)
            await carry_out(work, command, library=library)
            (row,) = await cases_by_id(work.raw, [case_id])
            return Answer(CaseOut.of(row), headers={"ETag": etag(row["version"])})

        return await once(effect)

    act.__annotations__["body"] = body_type
    act.__name__ = action.replace("-", "_") + "_case"
    return act
