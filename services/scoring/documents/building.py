"""From a document of the right shape to a model, or every reason why its parts do not fit together."""

from collections.abc import Sequence
from math import prod
from typing import Final
from zoneinfo import available_timezones

from services.scoring.documents.bands import read_indicator
from services.scoring.documents.conditions import Reader
from services.scoring.documents.faults import Faults
from services.scoring.documents.shapes import ModelShape, StageShape
from services.scoring.documents.tiers import prove_total, read_tiers
from services.scoring.documents.weights import default_profile, read_profiles
from services.scoring.domain.models.metrics import STAGE, STAGES
from services.scoring.domain.models.model import Effect, Model, Rule, Scoring, Stages
from shared.contracts.currencies import MINOR_UNITS

LARGEST: Final = 1 << 62


def build(shape: ModelShape) -> Model:
    """The model. Raises `InvalidDocument` with every fault found."""
    faults = Faults()
    digits = MINOR_UNITS[shape.currency]
    reader = Reader(faults, currency_digits=digits)
    scoring = Scoring(shape.score.method)
    if shape.zone not in available_timezones():
        faults.add("zone", "an IANA zone such as Asia/Shanghai", "zone")
    indicators = []
    for index, indicator in enumerate(shape.indicators):
        with faults.at("indicators", index):
            indicators.append(read_indicator(reader, indicator, is_sum=scoring is Scoring.SUM))
    faults.unique("indicators", [indicator.key for indicator in indicators])
    if not 0 <= shape.score.coverage_gate <= 1:
        faults.add("range", "a share of the weight from 0 to 1", "score", "coverage_gate")
    profiles = read_profiles(faults, shape, indicators)
    model = Model(
        key=shape.key,
        segment=shape.segment,
        priority=shape.priority,
        currency=shape.currency,
        currency_digits=digits,
        zone=shape.zone,
        scoring=scoring,
        indicators=tuple(indicators),
        profiles=profiles,
        default_profile=default_profile(faults, shape, profiles),
        coverage_gate=shape.score.coverage_gate,
        stages=_stages(reader, shape.lifecycle),
        tiers=read_tiers(faults, shape.tiers, with_stages=shape.lifecycle is not None),
        rules=_rules(reader, shape),
    )
    _fits(faults, model)
    faults.raise_if_any()
    prove_total(faults, model, shape.tiers)
    faults.raise_if_any()
    return model


def _stages(reader: Reader, shapes: Sequence[StageShape] | None) -> Stages | None:
    if shapes is None:
        return None
    faults, cases = reader.faults, []
    faults.unique("lifecycle", [shape.stage for shape in shapes], "stage")
    for index, shape in enumerate(shapes):
        with faults.at("lifecycle", index):
            if shape.stage not in STAGES:
                faults.add("choice", f"one of {', '.join(STAGES)}", "stage")
            is_last = index == len(shapes) - 1
            if is_last and shape.when is not None:
                faults.add("gap", "the last stage takes all the rest and states no condition", "when")
            elif not is_last and shape.when is None:
                faults.add("overlap", "only the last stage takes all the rest", "when")
            elif shape.when is not None:
                with faults.at("when"):
                    cases.append((reader.condition(shape.when, forbidden=frozenset({STAGE})), shape.stage))
    return Stages(tuple(cases), shapes[-1].stage)


def _rules(reader: Reader, shape: ModelShape) -> tuple[Rule, ...]:
    faults, tiers = reader.faults, {tier.key for tier in shape.tiers}
    faults.unique("rules", [rule.key for rule in shape.rules])
    faults.unique("rules", [rule.priority for rule in shape.rules], "priority")
    rules = []
    for index, rule in enumerate(shape.rules):
        with faults.at("rules", index):
            if rule.tier not in tiers:
                faults.add("reference", f"no tier {rule.tier}", "tier")
            with faults.at("when"):
                when = reader.condition(rule.when)
        rules.append(Rule(rule.key, rule.priority, Effect(rule.effect), rule.tier, when))
    return tuple(sorted(rules, key=lambda rule: -rule.priority))


def _fits(faults: Faults, model: Model) -> None:
    """Combinations are numbered in 64 bits."""
    combinations = 2 ** len(model.rules) * prod(len(indicator.bands) + 1 for indicator in model.indicators)
    if combinations * (len(STAGES) + 1) > LARGEST:
        faults.add("size", "too many indicators, bands and rules: their combinations cannot be numbered", "indicators")
