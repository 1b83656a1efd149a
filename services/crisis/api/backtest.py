"""Testing a policy against past cases before it is activated."""

import asyncio
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from services.crisis.api.bodies import example
from services.crisis.api.shapes import ServiceClass
from services.crisis.domain.backtest import Backtest, Compared, Tally, verdict
from services.crisis.domain.clocks import ClockResult
from services.crisis.library import Library
from services.crisis.usecases.backtest import MOST, Asked, Loaded, load_for_trial
from shared.auth.guard import require
from shared.contracts.errors import FieldError
from shared.contracts.fields import Instant
from shared.documents import InvalidDocument
from shared.documents.router import Key, Version
from shared.errors import Conflict, Unprocessable
from shared.web.kernel import Uow, part
from shared.web.routing import Router
from shared.web.schema import In, Out

router = Router(prefix="/v1/sla-policies", tags=["sla-policy"], dependencies=[require("crisis:read")])
DEFINITION: Final = {
    "cases": "The last ones opened in the period, open or closed, that the policy's conditions are for as the cases"
    " are now; drills and dismissed cases are not tried.",
    "after": "The recorded events folded with the policy's targets from the same starts, on the calendars active now,"
    " in the place of every version of the same policy; where a clock had none, of the one that it started with."
    " What people did is taken as given.",
    "met": "Ended without a breach.",
    "breached": "Broken, ended or not.",
    "running": "Neither ended nor broken so far.",
    "not_counted": "Cancelled or void.",
}


class DraftHasProblems(Conflict):
    """The version is a draft that is not valid yet."""

    slug = "draft-has-problems"
    zh = "该版本是尚未通过校验的草稿。"


class TestIn(In):
    """Which past cases. Without anything, the last 1 000 that the policy is for."""

    __test__ = False

    opened_from: Instant | None = Field(None, description="Opened then or later.")
    opened_to: Instant | None = Field(None, description="Opened before.")
    service_class: list[ServiceClass] | None = Field(None, description="Served at one of these classes.")
    most_cases: Annotated[int, Field(ge=1, le=MOST)] = Field(MOST, description="The last so many.")
    examples: Annotated[int, Field(ge=0, le=100)] = Field(20, description="How many differences are listed.")

    def to_asked(self) -> Asked:
        """Raises Unprocessable for a period that ends before it begins."""
        if self.opened_from and self.opened_to and self.opened_from >= self.opened_to:
            raise Unprocessable(errors=[FieldError("/opened_to", "order", "the period begins before it ends")])
        return Asked(self.most_cases, self.opened_from, self.opened_to, self.service_class)


class VerdictsOut(Out):
    """Cycles of clocks by what became of them."""

    met: int
    breached: int
    running: int
    not_counted: int


class TargetTestOut(Out):
    """One target of the policy."""

    target: str
    before: VerdictsOut
    after: VerdictsOut
    better: int = Field(description="Broken before, not broken by this policy.")
    worse: int = Field(description="Not broken before, broken by this policy.")
    due_earlier: int
    due_later: int

    @classmethod
    def of(cls, target: str, tally: Tally) -> "TargetTestOut":
        names = list(VerdictsOut.model_fields)
        return cls(
            target=target,
            before=VerdictsOut(**{name: tally.before[name] for name in names}),
            after=VerdictsOut(**{name: tally.after[name] for name in names}),
            better=tally.better,
            worse=tally.worse,
            due_earlier=tally.due_earlier,
            due_later=tally.due_later,
        )


class SideOut(Out):
    """A cycle by one policy."""

    verdict: str
    due_at: datetime = Field(description="While a pause moves it, as if the clock were resumed now.")
    breached_at: datetime | None

    @classmethod
    def of(cls, result: ClockResult | None) -> "SideOut | None":
        if result is None:
            return None
        said = verdict(result)
        assert said is not None
        return cls(verdict=said, due_at=result.due_if_resumed_now, breached_at=result.breached_at)


class ExampleOut(Out):
    """A cycle that would have gone otherwise."""

    case_id: str
    number: str
    clock_id: str
    target: str
    cycle: int
    before: SideOut | None
    after: SideOut | None


class PolicyTestOut(Out):
    """What the policy would have meant; nothing was changed."""

    policy: str
    version: int
    as_of: datetime
    definition: dict[str, str] = Field(description="What was tried, and what each figure counts.")
    cases: int
    there_are_more: bool = Field(
        description="More cases than `most_cases` are in the period: the last ones were tried."
    )
    clocks: int = Field(description="Their clocks, those left out included.")
    left_out: dict[str, int] = Field(
        description="Clocks that say nothing of the policy: statutory, not_in_policy, or unreachable in twenty years."
    )
    targets: list[TargetTestOut] = Field(description="In the order of the policy.")
    untested: list[str] = Field(description="Targets of the policy that no clock of these cases has.")
    examples: list[ExampleOut] = Field(description="Those with another verdict first.")


@router.post(
    "/{key}/versions/{version}/test",
    summary="Test a policy against past cases",
    openapi_extra={
        "x-path-examples": {"key": "key"},
        **example(TestIn, opened_from="2026-01-01T00:00:00Z", service_class=["key"], most_cases=500),
    },
)
async def test_policy(
    key: Key, version: Version, body: TestIn, uow: Uow, library: Annotated[Library, part(Library)]
) -> PolicyTestOut:
    """How many promises were kept, and how many would have been by this version, draft or not; nothing is written.

    At most the last 1 000 cases are tried. Limits by law are left out.
    """
    asked = body.to_asked()
    try:
        async with uow() as work:
            loaded = await load_for_trial(work, key, version, asked, library=library)
    except InvalidDocument as refusal:
        raise DraftHasProblems(f"version {version} of {key!r}: {refusal}", errors=refusal.errors) from None
    tried = await asyncio.to_thread(loaded.tried)
    return _answer(key, version, loaded, tried, body.examples)


def _answer(key: str, version: int, loaded: Loaded, tried: Backtest, examples: int) -> PolicyTestOut:
    numbers = {file.case.id: file.case.number for file in loaded.files}
    return PolicyTestOut(
        policy=key,
        version=version,
        as_of=loaded.at,
        definition=DEFINITION,
        cases=len(loaded.files),
        there_are_more=loaded.there_are_more,
        clocks=tried.clocks,
        left_out=dict(tried.left),
        targets=[TargetTestOut.of(name, tried.targets[name]) for name in loaded.targets if name in tried.targets],
        untested=[name for name in loaded.targets if name not in tried.targets],
        examples=[_example(one, numbers) for one in tried.different[:examples]],
    )


def _example(one: Compared, numbers: dict[str, str]) -> ExampleOut:
    clock = one.clock
    return ExampleOut(
        case_id=clock.case_id,
        number=numbers[clock.case_id],
        clock_id=clock.id,
        target=clock.target,
        cycle=one.cycle,
        before=SideOut.of(one.before),
        after=SideOut.of(one.after),
    )
