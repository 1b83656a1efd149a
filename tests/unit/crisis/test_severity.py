"""Severity from the shipped matrix: the base, what raises it, and the explanation."""

from decimal import Decimal
from itertools import pairwise

import pytest

from services.crisis.documents.severity_matrix import parse_severity_matrix
from services.crisis.domain.severity import Circumstances, is_graver
from shared.documents import InvalidDocument
from tests.support.crisis_books import documents, shipped_books


def judged(service_class="key", impact="medium", **more):
    return shipped_books().matrix.judge(Circumstances(service_class, impact, **more))


@pytest.mark.parametrize(
    ("service_class", "impact", "severity"),
    [
        ("strategic", "low", "S3"),
        ("strategic", "medium", "S2"),
        ("strategic", "critical", "S1"),
        ("key", "medium", "S3"),
        ("key", "high", "S2"),
        ("standard", "low", "S4"),
        ("standard", "critical", "S2"),
        ("basic", "medium", "S4"),
    ],
)
def test_the_base_is_read_by_class_and_impact(service_class, impact, severity):
    assert judged(service_class, impact).severity == severity


@pytest.mark.parametrize(
    ("more", "factor"),
    [
        ({"is_public": True}, "public"),
        ({"responsibility": "preventable"}, "preventable"),
        ({"revenue_currency": "CNY", "revenue_at_least": Decimal(1_000_000)}, "revenue"),
        ({"earlier_cases": 2}, "earlier-cases"),
        ({"matters": 3}, "several-matters"),
        ({"reopened": 1}, "reopened"),
    ],
)
def test_each_circumstance_raises_it_by_one_step_and_is_explained(more, factor):
    judgement = judged("key", "medium", **more)

    assert judgement.severity == "S2"
    assert [step.factor for step in judgement.steps] == ["class_and_impact", factor]
    assert judgement.steps[-1].severity == "S2"


@pytest.mark.parametrize(
    "more",
    [
        {"responsibility": "accidental"},
        {"revenue_currency": "JPY", "revenue_at_least": Decimal(10**9)},
        {"revenue_currency": "CNY", "revenue_at_least": Decimal(999_999)},
        {"earlier_cases": 1},
        {"matters": 2},
    ],
)
def test_what_is_not_enough_raises_nothing(more):
    assert judged("key", "medium", **more).severity == "S3"


def test_it_is_never_above_the_gravest():
    judgement = judged("strategic", "critical", is_public=True, reopened=3, matters=9)

    assert judgement.severity == "S1"


def test_a_better_class_is_never_judged_less_grave():
    order = ("strategic", "key", "standard", "basic")
    for impact in ("low", "medium", "high", "critical"):
        severities = [judged(service_class, impact).severity for service_class in order]
        assert not any(is_graver(worse, better) for better, worse in pairwise(severities))


def test_a_matrix_with_a_gap_is_refused_and_the_gap_is_named():
    body = documents("severity-matrix")[0]
    del body["base"]["key"]["high"]

    with pytest.raises(InvalidDocument) as refusal:
        parse_severity_matrix(body)

    assert refusal.value.errors[0].pointer == "/base/key/high"
