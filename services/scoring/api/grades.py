"""A grade as it is published: the same shape wherever a tier is told."""

from typing import Any, Literal

from pydantic import Field

from services.scoring.documents.metric_values import show_metric, show_number
from services.scoring.domain.explain import Contribution, Grade
from services.scoring.domain.explain_changes import Change
from services.scoring.domain.models.model import Model
from shared.web.schema import Out

Number = int | float
Value = int | float | str | None


class ContributionOut(Out):
    """What one indicator gives; points times effective weight, over all indicators, add up to the score."""

    indicator: str
    value: Value | dict[str, Value] = Field(
        description="The metric's value; an object of metrics where several tell the band."
    )
    band: str | None = Field(description="Null when the value is missing.")
    points: Number | None
    weight: Number | None = Field(description="As the document states it; null where the profile does not weigh it.")
    effective_weight: Number | None = Field(description="After normalising among what is known; null when left out.")
    contribution: Number = Field(description="Points times effective weight.")
    missing: Literal["excluded", "required", "assumed"] | None = Field(description="What became of a missing value.")
    stale: bool = Field(description="The value was too old and counts as missing.")


class RuleOut(Out):
    """A rule that fired."""

    key: str
    effect: Literal["veto", "cap", "floor"]
    tier: str
    priority: int


class StepOut(Out):
    """One metric that would have to stand elsewhere."""

    metric: str
    present: Value
    wanted: Value


class ChangeOut(Out):
    """The smallest change that would bring a better tier (`up`), or cost the present one (`down`)."""

    direction: Literal["up", "down"]
    tier: str
    service_class: str
    changes: list[StepOut]


class GradeOut(Out):
    """A tier and why."""

    tier: str | None = Field(description="Null unless graded.")
    service_class: str | None
    rank: int | None = Field(description="1 is best.")
    score: Number | None = Field(description="For display; the exact score decides.")
    max_score: Number
    state: Literal["graded", "insufficient_data"]
    coverage: Number = Field(description="Known part of the weight, 0 to 1.")
    lifecycle_stage: str | None
    scored_tier: str | None = Field(description="The tier before rules.")
    bands: dict[str, str | None]
    contributions: list[ContributionOut]
    rules: list[RuleOut] = Field(description="Rules that fired, the strongest first.")
    missing: list[str] = Field(description="Metrics that the model asks for and that are not known.")
    lacking: list[str] = Field(description="Why data is insufficient: required indicators, lifecycle_stage, coverage.")
    smallest_changes: list[ChangeOut]


def grade_fields(grade: Grade, model: Model) -> dict[str, Any]:
    """The fields of `GradeOut`."""
    return {
        "tier": grade.tier,
        "service_class": grade.service_class,
        "rank": grade.rank,
        "score": None if grade.score is None else show_number(grade.score),
        "max_score": show_number(grade.max_score),
        "state": grade.state,
        "coverage": show_number(grade.coverage),
        "lifecycle_stage": grade.stage,
        "scored_tier": grade.scored_tier,
        "bands": dict(grade.bands),
        "contributions": [_contribution(told, model) for told in grade.contributions],
        "rules": [RuleOut.model_validate(rule) for rule in grade.rules],
        "missing": list(grade.missing),
        "lacking": list(grade.lacking),
        "smallest_changes": [_change(change, model) for change in grade.smallest_changes],
    }


def _contribution(told: Contribution, model: Model) -> ContributionOut:
    values = {key: show_metric(model, key, value) for key, value in told.values.items()}
    return ContributionOut(
        indicator=told.indicator,
        value=next(iter(values.values())) if len(values) == 1 else values,
        band=told.band,
        points=None if told.points is None else show_number(told.points),
        weight=None if told.weight is None else show_number(told.weight),
        effective_weight=None if told.effective_weight is None else show_number(told.effective_weight),
        contribution=show_number(told.amount),
        missing=told.missing,
        stale=told.stale,
    )


def _change(change: Change, model: Model) -> ChangeOut:
    steps = [
        StepOut(
            metric=step.metric,
            present=show_metric(model, step.metric, step.present),
            wanted=show_metric(model, step.metric, step.wanted),
        )
        for step in change.steps
    ]
    return ChangeOut(direction=change.direction, tier=change.tier, service_class=change.service_class, changes=steps)
