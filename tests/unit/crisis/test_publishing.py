"""What is published: the short way of the commonest event says exactly what its model would."""

from datetime import UTC, datetime

from services.crisis.domain.sla.clock import ClockFact, fold_clock
from services.crisis.publishing_clocks import clock_fields, clock_started
from shared.contracts import crisis as contract
from shared.contracts import format_instant, validate
from tests.support.crisis_books import an_open_file, clock, shipped_books

NOON = datetime(2026, 3, 2, 4, 0, 0, 120_000, tzinfo=UTC)


def test_a_started_clock_is_told_as_its_model_tells_it():
    file = an_open_file(NOON, "standard", impact="high")
    for target in ("acknowledge", "resolution", "update_cadence"):
        started = clock(file, target)
        (result,) = fold_clock(started, shipped_books().promises, NOON)
        fact = ClockFact("started", started, result, NOON)

        event = clock_started(file, fact, fired_at=format_instant(NOON))

        assert event.data == contract.ClockStarted(**clock_fields(file, fact, NOON)).to_data()
        assert isinstance(validate(event), contract.ClockStarted)
        assert event.dataschema == "urn:moat:schema:crisis.clock.started.v1"
