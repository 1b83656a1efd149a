"""What a new verdict changes, in which direction and why; and which model decides the service class."""

from datetime import UTC, datetime

import pytest

from services.scoring.domain.standing import (
    Applying,
    Standing,
    Verdict,
    applies,
    change,
    primary,
    service_class,
    tiers,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CORE = Verdict("m", 1, "graded", "core", 1, "strategic")
GENERAL = Verdict("m", 1, "graded", "general", 3, "standard")
RISK = Verdict("m", 1, "graded", "risk", 4, "basic")
UNKNOWN = Verdict("m", 1, "insufficient_data")


def standing(verdict: Verdict, *, graded_before: bool = True) -> Standing:
    return Standing(verdict, graded_before, NOON)


def direction(before: Standing | None, after: Verdict) -> str | None:
    found = change(before, after)
    assert found is not None
    return found.direction


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, CORE, "initial"),
        (None, UNKNOWN, None),
        (standing(UNKNOWN, graded_before=False), CORE, "initial"),
        (standing(CORE), GENERAL, "downgrade"),
        (standing(RISK), GENERAL, "upgrade"),
        (standing(CORE), UNKNOWN, "downgrade"),
        (standing(RISK), UNKNOWN, "upgrade"),
        (standing(GENERAL), UNKNOWN, "downgrade"),
        (standing(UNKNOWN), GENERAL, "upgrade"),
        (standing(UNKNOWN), RISK, "downgrade"),
    ],
)
def test_direction_is_told_by_rank_and_without_a_tier_by_service_class(before, after, expected):
    assert direction(before, after) == expected


def test_the_same_verdict_changes_nothing_even_by_another_version():
    assert change(standing(CORE), CORE) is None
    assert change(standing(CORE), Verdict("m", 2, "graded", "core", 1, "strategic")) is None


def test_another_service_class_for_the_same_tier_is_a_change():
    promoted = Verdict("m", 2, "graded", "general", 3, "key")
    found = change(standing(GENERAL), promoted)
    assert found is not None
    assert (found.direction, found.cause) == ("upgrade", "model")


def test_a_verdict_of_another_version_is_caused_by_the_model_unless_something_weightier_was():
    after = Verdict("m", 2, "graded", "general", 3, "standard")
    assert change(standing(CORE), after).cause == "model"
    assert change(standing(CORE), after, cause="emergency").cause == "emergency"
    assert change(standing(CORE), GENERAL).cause == "data"


def test_the_primary_model_is_the_segments_own_then_the_one_with_the_higher_priority_then_the_first_by_key():
    general, strong = Applying("b", None, 100), Applying("a-strong", None, 200)
    own, twin = Applying("z", "pumps", 1), Applying("c", None, 200)

    assert primary([general, strong, own, twin], "pumps") == "z"
    assert primary([general, strong, own, twin], "valves") == "a-strong"
    assert primary([own], "valves") is None
    assert not applies(own, None)


def test_the_service_class_is_never_null():
    assert service_class({"m": CORE}, "m") == ("strategic", "graded")
    assert service_class({"m": UNKNOWN}, "m") == ("standard", "default")
    assert service_class({"m": CORE}, "other") == ("standard", "default")
    assert service_class({}, None) == ("standard", "default")


def test_models_without_a_tier_are_absent_from_the_tiers():
    assert tiers([GENERAL, Verdict("a", 1, "graded", "x", 1, "key"), Verdict("u", 1, "insufficient_data")]) == {
        "a": "x",
        "m": "general",
    }
