"""What callers send to work on a case."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from services.crisis.api.shapes import Impact, Severity
from services.crisis.domain.actions import Order
from shared.contracts.fields import Instant
from shared.web.schema import In

_CONTROL = r"^[^\x00-\x1f\x7f]*$"
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=_CONTROL)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_CONTROL)]


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text holds no NUL")
    return text


Text = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_no_nul)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=_CONTROL)]
Waiting = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class ActionIn(In):
    """Who does it and why. Fields that only one action has follow."""

    by: Id | None = Field(None, description="Directory id of who does it; the caller himself unless said.")
    reason: Text | None = Field(None, description="Why.")
    at: Instant | None = Field(None, description="When it took effect, if that was earlier.")
    matter_id: Id | None = Field(None, description="Only this matter; without it all open ones.")

    def demands(self) -> frozenset[str]:
        """Scopes that this takes beside that of the action."""
        return frozenset()

    def to_order(self, action: str, caller: str) -> Order:
        """The order for the domain."""
        own = self.model_dump(exclude={"by", "reason", "at", "matter_id"})
        return Order(action, self.by or caller, self.reason, self.at, self.matter_id, own)


class AcknowledgeIn(ActionIn):
    means: Code = Field("api", description="How notice was taken: link, chat or api.", examples=["api"])


class AssessIn(ActionIn):
    cause: Text | None = Field(None, description="What led to it.")
    impact: Text | None = Field(None, description="What it means for the customer.")
    customer_wants: Text | None = Field(None, description="What the customer wants.")
    responsibility: Literal["victim", "accidental", "preventable"] | None = Field(
        None, description="How far we are to blame: victim, accidental or preventable."
    )


class RespondIn(ActionIn):
    text: Text | None = Field(None, description="What was said.")
    means: Code = Field("message", description="message or call.", examples=["call"])
    automatic: bool = Field(default=False, description="An automatic message: it does not count as a response.")
    internal: bool = Field(default=False, description="An internal note: it does not count as a response.")


class CustomerWroteIn(ActionIn):
    text: Text | None = Field(None, description="What the customer said.")
    means: Literal["mail", "call", "meeting", "visit"] = Field("mail", description="How the customer was in touch.")


class StartClockIn(ActionIn):
    target: Code = Field(
        description="A target of the case's policy with a name of the company's own, follow_up or retrospective."
    )


class StopClockIn(StartClockIn):
    cancelled: bool = Field(default=False, description="It is no longer owed; without it, it was done.")


class UpdateIn(ActionIn):
    text: Text | None = Field(None, description="What the customer was told.")
    trend: Literal["improving", "same", "declining"] | None = Field(None, description="How the case develops.")


class WaitIn(ActionIn):
    waiting_for: Waiting = Field(
        "waiting_for_customer", description="The reason: a code of the active document at `/v1/wait-reasons`."
    )
    until: Instant | None = Field(
        None, description="Go on by itself at this instant; without it at the limit of the reason. May lie in the past."
    )
    approved_by: Id | None = Field(
        None, description="Who approved a wait beyond the limit: somebody else than `by`. Takes `crisis:approve`."
    )

    def demands(self) -> frozenset[str]:
        return frozenset() if self.approved_by is None else frozenset({"crisis:approve"})


class ContinueIn(ActionIn):
    waiting_for: Waiting | None = Field(None, description="The reason that is over; without it every reason is.")


class ProposeIn(ActionIn):
    text: Text | None = Field(None, description="The solution that was proposed.")


class FinalAnswerIn(ActionIn):
    text: Text | None = Field(None, description="What was answered.")


class CancelTaskIn(ActionIn):
    task: Code = Field(description="The task: `legal_review` for the policy's target `task:legal_review`.")


class StartTaskIn(CancelTaskIn):
    matter_id: Id | None = Field(None, description="The matter that it is for; without it it is the case's own.")


class FinishTaskIn(CancelTaskIn):
    text: Text | None = Field(None, description="What came of it.")


class ExtendIn(ActionIn):
    """Whoever has the scope approves; `reason` is demanded."""

    until: Instant | None = Field(
        None, description="The new limit; without it as far as the regime allows, counted from the receipt."
    )


class ChangeSeverityIn(ActionIn):
    severity: Severity = Field(description="S1 is the gravest; to lower it takes a reason.")


class StartIn(ActionIn):
    pass


class ResolveIn(ActionIn):
    resolution: Code | None = Field(None, description="How it ended, e.g. delivered, credited, explained.")
    text: Text | None = Field(None, description="What was done.")


class AssignIn(ActionIn):
    owner: Id | None = Field(description="Directory id of the owner; null for nobody.")


class CloseIn(ActionIn):
    outcome: Code | None = Field(None, description="What became of the relationship: retained, reduced or lost.")


class ReopenIn(ActionIn):
    mode: Literal["resume", "resume_including_closed", "new_cycle", "invalidate_previous"] | None = Field(
        None, description="How the clocks go on; as the policy says without it."
    )


class MergeIn(In):
    """Let a case go up in another one of the same customer."""

    into_case_id: Id = Field(description="The case that goes on.", examples=["0195f3a0-7c00-7000-8000-0000000000c2"])
    reason: Annotated[str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_no_nul)] = Field(
        description="Why.", examples=["both plants belong to one company"]
    )
    by: Id | None = Field(None, description="Directory id of who does it; the caller himself unless said.")


class OpenCaseIn(In):
    """A case that a person opens."""

    customer_id: Id = Field(examples=["C-10001"])
    title: Line = Field(examples=["The plant manager called in anger"])
    type: Code = Field("manual", description="Kind of crisis.")
    impact: Impact = "medium"
    public: bool = False
    received_at: Instant | None = Field(None, description="When it began for the customer: the clocks start here.")
    reference: Id | None = None
    regulated: Code | None = Field(None, description="Regime whose statutory clocks run: the key of a statutory pack.")
    channel: Code | None = Field(None, description="How it reached us; policies may ask for it.", examples=["hotline"])
    category: Code | None = None
    remedy_sought: Text | None = None
    complained_about: Id | None = None
    by: Id | None = None
    drill: bool = Field(default=False, description="A drill: excluded from every figure.")


class NoteIn(In):
    """Something that people should know; it stops no clock."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_no_nul)] = Field(
        examples=["The plant manager asks to be called before noon."]
    )
    by: Id | None = None


def example(body: type[In], **fields: Any) -> dict[str, Any]:
    """An example for the documentation, checked when the module is read."""
    body.model_validate(fields)
    return {"requestBody": {"content": {"application/json": {"example": fields}}}}
