"""The demo's real input, read as it is: traps of the data included."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.commands.demo.incidents import callers, read_incidents
from services.commands.demo.purchases import read_purchases
from shared.contracts import parse_structured, validate

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="module")
def purchases():
    return list(read_purchases(DATA / "CDNOW_master.txt.gz"))


@pytest.fixture(scope="module")
def happenings():
    return read_incidents(DATA / "incident_event_log_1.csv.gz")


def test_all_purchases_of_all_customers_are_read(purchases):
    assert len(purchases) == 69_659
    assert len({purchase.customer for purchase in purchases}) == 23_570


def test_several_purchases_of_one_customer_and_day_are_several_orders(purchases):
    per_day = Counter((purchase.customer, purchase.on) for purchase in purchases)

    assert max(per_day.values()) > 1
    assert len({purchase.fact()["data"]["order_id"] for purchase in purchases}) == len(purchases)


def test_a_purchase_of_nothing_is_a_purchase(purchases):
    free = [purchase for purchase in purchases if float(purchase.dollars) == 0]

    assert free
    assert validate(parse_structured(free[0].fact())).amount == "0.00"


def test_every_hundredth_purchase_is_a_valid_fact(purchases):
    for purchase in purchases[::100]:
        validate(parse_structured(purchase.fact()))


def test_every_incident_is_received_once_before_anything_else_happens(happenings):
    first = {}
    for happening in happenings:
        first.setdefault(happening.incident, happening.step)

    assert len(first) == 445
    assert set(first.values()) == {"received"}


def test_the_log_is_shifted_by_whole_weeks_so_that_weekdays_stay(happenings):
    assert happenings[0].at == datetime(1998, 4, 6, 1, 30, tzinfo=UTC)
    assert happenings[0].at.weekday() == datetime(2016, 2, 29).weekday()


def test_waiting_always_ends_before_it_begins_again_and_before_a_resolution(happenings):
    waiting = set()
    for happening in happenings:
        match happening.step:
            case "wait":
                assert happening.incident not in waiting
                waiting.add(happening.incident)
            case "continue":
                waiting.remove(happening.incident)
            case "resolve":
                assert happening.incident not in waiting
            case _:
                pass


def test_an_incident_is_reopened_only_after_it_was_resolved(happenings):
    resolved = set()
    reopened = 0
    for happening in happenings:
        if happening.step == "resolve":
            resolved.add(happening.incident)
        elif happening.step == "reopen":
            resolved.remove(happening.incident)
            reopened += 1

    assert reopened == 6


def test_callers_come_in_the_order_of_their_first_complaint(happenings):
    who = callers(happenings)

    assert len(who) == len(set(who))
    assert who[0] == happenings[0].caller
