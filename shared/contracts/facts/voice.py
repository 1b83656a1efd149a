"""What the customer and the public say: contacts, complaints, opinion, surveys."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.base import Payload, example
from shared.contracts.fields import Code, Count, Id, Impact, Instant, Line, Number, Text, number

SCALES: dict[str, tuple[int, int]] = {"nps": (0, 10), "csat5": (1, 5), "csat10": (1, 10)}
"""Lowest and highest score of each survey scale."""


def _sentiment(value: object) -> int | float:
    parsed = number(value)
    if -1 <= parsed <= 1:
        return parsed
    raise PydanticCustomError("range", "from -1 (hostile) to 1 (friendly)")


Sentiment = Annotated[
    int | float, PlainValidator(_sentiment), WithJsonSchema({"type": "number", "minimum": -1, "maximum": 1})
]


class InteractionLogged(Payload):
    """Somebody of ours was in touch with the customer."""

    model_config = example(
        interaction_id="ACT-88121",
        kind="visit",
        at="2026-03-04T06:30:00Z",
        outcome="agreed on a joint plan for the second half of the year",
        by="E-1042",
    )
    happened: ClassVar[str | None] = "at"

    interaction_id: Id = Field(description="The contact in the system that logged it.")
    kind: Literal["visit", "call", "meeting", "mail", "training", "other"] = Field(description="What it was.")
    at: Instant = Field(description="When it took place.")
    outcome: Text | None = Field(None, description="What came of it.")
    by: Id | None = Field(None, description="Directory id of the person of ours.")


class ComplaintReceived(Payload):
    """The customer complained. Each complaint becomes a matter with its own clocks in the customer's one case."""

    model_config = example(
        complaint_id="CMP-20260305-17",
        received_at="2026-03-05T08:00:00Z",
        channel="hotline",
        subject="Third late delivery in a row",
        description="The line stands still since noon; the delivery promised for Monday has not left the warehouse.",
        category="delivery",
        impact="high",
        regulated=None,
        public=False,
        remedy_sought="delivery today and a credit for the standstill",
        complained_about="E-2077",
    )
    happened: ClassVar[str | None] = "received_at"

    complaint_id: Id = Field(
        description="The complaint in the system that took it; updates and the withdrawal name it."
    )
    received_at: Instant = Field(description="When it reached us: the clocks start here.")
    channel: Code = Field(description="How it reached us, e.g. hotline, mail, web, visit, regulator.")
    subject: Line = Field(min_length=1, description="What it is about, in a line.")
    description: Text | None = Field(None, description="What was said.")
    category: Code | None = Field(None, description="Kind of complaint, e.g. quality, delivery, billing, conduct.")
    impact: Impact | None = Field(None, description="How hard it hits the customer.")
    regulated: Code | None = Field(None, description="Regime whose statutory clocks apply, e.g. uk-fca-disp.")
    public: bool | None = Field(None, description="Whether the public knows of it.")
    remedy_sought: Text | None = Field(None, description="What the customer asks for.")
    complained_about: Id | None = Field(None, description="Person of ours who may neither own nor judge the case.")


class ComplaintUpdated(Payload):
    """More became known about a complaint. An absent field is unchanged, null clears it."""

    model_config = example(
        complaint_id="CMP-20260305-17",
        updated_at="2026-03-05T10:40:00Z",
        impact="critical",
        public=True,
    )
    happened: ClassVar[str | None] = "updated_at"
    partial: ClassVar[bool] = True

    complaint_id: Id = Field(description="The complaint that is meant; it may become known later.")
    updated_at: Instant | None = Field(None, description="When this became known; else the time of the event.")
    channel: Code | None = Field(None, description="As in the complaint.")
    subject: Line | None = Field(None, description="As in the complaint.")
    description: Text | None = Field(None, description="As in the complaint.")
    category: Code | None = Field(None, description="As in the complaint.")
    impact: Impact | None = Field(None, description="As in the complaint.")
    regulated: Code | None = Field(None, description="As in the complaint.")
    public: bool | None = Field(None, description="As in the complaint.")
    remedy_sought: Text | None = Field(None, description="As in the complaint.")
    complained_about: Id | None = Field(None, description="As in the complaint.")


class ComplaintWithdrawn(Payload):
    """The customer took a complaint back; it no longer counts, and its matter ends."""

    model_config = example(
        complaint_id="CMP-20260305-17",
        withdrawn_at="2026-03-06T01:00:00Z",
        reason="solved between the two warehouses",
    )
    happened: ClassVar[str | None] = "withdrawn_at"

    complaint_id: Id = Field(description="The complaint that is meant.")
    withdrawn_at: Instant | None = Field(None, description="When it was taken back; else the time of the event.")
    reason: Line | None = Field(None, description="Why.")


class OpinionMentioned(Payload):
    """Somebody wrote in public about the customer's experience with us."""

    model_config = example(
        mention_id="weibo-5128837",
        platform="weibo",
        published_at="2026-03-05T11:02:00Z",
        sentiment=-0.8,
        reach=52000,
        url="https://social.example/5128837",
        topic="late delivery",
        summary="A plant manager shows the idle line and names us.",
    )
    happened: ClassVar[str | None] = "published_at"

    mention_id: Id = Field(description="The mention in the system that watches opinion.")
    platform: Code = Field(description="Where it stands, e.g. weibo, zhihu, press, forum.")
    published_at: Instant = Field(description="When it was published.")
    sentiment: Sentiment = Field(description="From -1 (hostile) to 1 (friendly).")
    reach: Count | None = Field(None, description="How many people it has reached.")
    url: Annotated[str, Field(max_length=2048)] | None = Field(None, description="Where to read it.")
    topic: Line | None = Field(None, description="What it is about.")
    summary: Text | None = Field(None, description="What it says.")


class SurveyAnswered(Payload):
    """The customer answered a survey. No answer is unknown, never bad."""

    model_config = example(
        survey_id="SV-2026-03-118",
        answered_at="2026-03-20T02:00:00Z",
        score=9,
        scale="nps",
        comment="They came the same day.",
        case_id="0195f3a0-7c00-7000-8000-0000000000c1",
    )
    happened: ClassVar[str | None] = "answered_at"

    survey_id: Id = Field(description="The survey that was sent.")
    answered_at: Instant = Field(description="When the answer came.")
    score: Number = Field(description="The answer on the scale.")
    scale: Literal["nps", "csat5", "csat10"] = Field(description="nps is 0 to 10, csat5 is 1 to 5, csat10 is 1 to 10.")
    comment: Text | None = Field(None, description="What the customer added.")
    case_id: Id | None = Field(None, description="The case whose handling was asked about.")

    @model_validator(mode="after")
    def _score_is_on_the_scale(self) -> Self:
        lowest, highest = SCALES[self.scale]
        if lowest <= self.score <= highest:
            return self
        raise PydanticCustomError(
            "range",
            "a score on the scale {scale} is from {lowest} to {highest}",
            {"field": "score", "scale": self.scale, "lowest": lowest, "highest": highest},
        )
