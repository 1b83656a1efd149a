from datetime import UTC, date, datetime, timedelta

import pytest

from shared.contracts import ContractError, UnknownType, refuse_future, registry, validate
from shared.contracts.examples import event_example, payload_example
from shared.contracts.facts import OrderPlaced, ProfileUpdated
from tests.contracts.events import AT, an_event, an_order

PROFILE = "customer.profile.updated.v1"
SURVEY = {"survey_id": "S-1", "answered_at": "2026-03-05T08:00:00Z", "score": 9, "scale": "nps"}
INVOICE = {"invoice_id": "I-1", "amount": "100.00", "currency": "CNY", "due_on": "2026-04-01"}
CREDIT = {"assessed_at": "2026-03-05T08:00:00Z", "rating": "AA"}
RATING = {"dimension": "influence", "score": 4, "rated_by": "E-1", "rated_at": "2026-03-05T08:00:00Z"}
MENTION = {"mention_id": "M-1", "platform": "weibo", "published_at": "2026-03-05T08:00:00Z", "sentiment": -0.5}
CONTRACT = {"contract_id": "K-1", "at": "2026-03-05T08:00:00Z"}


def errors_of(type_: str, data: object) -> list[tuple[str, str]]:
    with pytest.raises(ContractError) as caught:
        validate(an_event(type=type_, data=data))
    return [(error.pointer, error.rule) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"order_id": ...}, [("/data/order_id", "required")]),
        ({"order_id": ""}, [("/data/order_id", "length")]),
        ({"order_id": "x" * 129}, [("/data/order_id", "length")]),
        ({"order_id": 7}, [("/data/order_id", "type")]),
        ({"order_id": "a\x07"}, [("/data/order_id", "pattern")]),
        ({"amount": "-1.00"}, [("/data/amount", "amount")]),
        ({"amount": 1299.0}, [("/data/amount", "amount")]),
        ({"amount": 1299}, [("/data/amount", "amount")]),
        ({"amount": "1,299.00"}, [("/data/amount", "amount")]),
        ({"amount": "1e3"}, [("/data/amount", "amount")]),
        ({"amount": "+1"}, [("/data/amount", "amount")]),
        ({"amount": "١"}, [("/data/amount", "amount")]),
        ({"amount": "12345678901234.00"}, [("/data/amount", "amount")]),
        ({"amount": "1.999"}, [("/data/amount", "amount")]),
        ({"amount": "1.5", "currency": "JPY"}, [("/data/amount", "amount")]),
        ({"cost": "0.001"}, [("/data/cost", "amount")]),
        ({"currency": "RMB"}, [("/data/currency", "currency")]),
        ({"currency": "cny"}, [("/data/currency", "currency")]),
        ({"currency": "XXX"}, [("/data/currency", "currency")]),
        ({"currency": None}, [("/data/currency", "currency")]),
        ({"placed_at": "2026-03-05"}, [("/data/placed_at", "instant")]),
        ({"placed_at": "2026-03-05T08:00:00"}, [("/data/placed_at", "instant")]),
        ({"placed_at": 1772697600}, [("/data/placed_at", "instant")]),
        ({"placed_at": "1899-12-31T23:59:59Z"}, [("/data/placed_at", "instant")]),
        ({"quantity": -1}, [("/data/quantity", "range")]),
        ({"quantity": True}, [("/data/quantity", "number")]),
        ({"quantity": "3"}, [("/data/quantity", "number")]),
        ({"amount": "-1", "currency": "RMB"}, [("/data/amount", "amount"), ("/data/currency", "currency")]),
    ],
)
def test_a_broken_order_is_refused_naming_each_field_and_rule(changed, expected):
    assert errors_of("customer.order.placed.v1", an_order(**changed)) == expected


@pytest.mark.parametrize(
    ("type_", "data", "expected"),
    [
        (PROFILE, {"size": "huge"}, [("/data/size", "choice")]),
        (PROFILE, {"industry": "Z9"}, [("/data/industry", "pattern")]),
        (PROFILE, {"since": "2019-6-1"}, [("/data/since", "date")]),
        (PROFILE, {"payment_terms_days": -1}, [("/data/payment_terms_days", "range")]),
        (PROFILE, {"contacts": {"name": "x"}}, [("/data/contacts", "type")]),
        (PROFILE, {"contacts": [{"name": 1}]}, [("/data/contacts/0/name", "type")]),
        ("customer.survey.answered.v1", SURVEY | {"score": 11}, [("/data/score", "range")]),
        ("customer.survey.answered.v1", SURVEY | {"scale": "csat5", "score": 0}, [("/data/score", "range")]),
        ("customer.survey.answered.v1", SURVEY | {"scale": "stars"}, [("/data/scale", "choice")]),
        ("customer.invoice.issued.v1", INVOICE | {"due_on": "2026-02-30"}, [("/data/due_on", "date")]),
        (
            "customer.invoice.issued.v1",
            INVOICE | {"instalments": [{"due_on": "2026-04-01", "amount": "50.005"}]},
            [("/data/instalments/0/amount", "amount")],
        ),
        ("customer.credit.assessed.v1", CREDIT | {"limit": "5.00"}, [("/data/currency", "required")]),
        ("customer.credit.assessed.v1", CREDIT | {"stability": 6}, [("/data/stability", "range")]),
        ("customer.contract.signed.v1", CONTRACT | {"amount": "5.00"}, [("/data/currency", "required")]),
        ("customer.rating.given.v1", RATING | {"dimension": "charm"}, [("/data/dimension", "choice")]),
        ("customer.rating.given.v1", RATING | {"score": 3.5}, [("/data/score", "type")]),
        ("customer.opinion.mentioned.v1", MENTION | {"sentiment": -1.01}, [("/data/sentiment", "range")]),
        ("customer.opinion.mentioned.v1", MENTION | {"reach": -5}, [("/data/reach", "range")]),
        ("customer.merged.v1", {"into_customer_id": "C-10001"}, [("/data/into_customer_id", "merge")]),
        ("customer.order.placed.v1", None, [("/data", "type")]),
    ],
)
def test_every_kind_of_fact_is_checked_by_its_own_rules(type_, data, expected):
    assert errors_of(type_, data) == expected


def test_a_refusal_says_what_would_be_right():
    with pytest.raises(ContractError) as caught:
        validate(an_event(data=an_order(amount=12.5, order_id=...)))

    assert [error.detail for error in caught.value.errors] == [
        "required, but not there; for example 'SO-2026-00417'",
        'an amount is a decimal string such as "1299.00", not a number',
    ]


def test_an_unknown_type_is_told_apart_from_a_broken_event():
    with pytest.raises(UnknownType) as caught:
        validate(an_event(type="customer.order.vanished.v1"))

    assert not isinstance(caught.value, ContractError)
    assert caught.value.errors[0].pointer == "/type"
    assert str(caught.value) == "there is no event type 'customer.order.vanished.v1'"


def test_fields_that_are_not_known_are_ignored():
    payload = validate(an_event(data=an_order(colour="red")))

    assert payload == validate(an_event())


def test_amounts_stay_exact_text_and_instants_become_utc():
    payload = validate(an_event(data=an_order(amount="0.10", placed_at="2026-03-05T16:00:00+08:00")))

    assert isinstance(payload, OrderPlaced)
    assert payload.amount == "0.10"
    assert payload.placed_at == AT
    assert payload.placed_at.tzinfo is UTC


@pytest.mark.parametrize("amount", ["0", "0.00", "9999999999999.99", "5.1000"])
def test_amounts_that_are_exact_in_the_currency_are_accepted(amount):
    assert validate(an_event(data=an_order(amount=amount))).amount == amount


def test_a_profile_update_tells_absent_from_null():
    payload = validate(an_event(type=PROFILE, data={"name": "Hua Xin", "region": None, "attributes": {"vip": None}}))

    assert isinstance(payload, ProfileUpdated)
    assert payload.model_fields_set == {"name", "region", "attributes"}
    assert payload.to_data() == {"name": "Hua Xin", "region": None, "attributes": {"vip": None}}


def test_prose_may_be_a_text_or_a_list_of_points():
    data = {"plans": "a plant", "needs": {"pain_points": ["late", "dear"], "preferences": "mornings"}}

    assert validate(an_event(type=PROFILE, data=data)).to_data() == data


def test_a_bare_date_of_validity_means_through_its_end():
    payload = validate(an_event(type="customer.rating.given.v1", data=RATING | {"valid_until": "2026-12-31"}))

    assert payload.valid_until == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_fact_may_lie_five_minutes_ahead_of_the_clock_and_no_more():
    event = an_event(time=AT + timedelta(minutes=5), data=an_order(placed_at="2026-03-05T08:05:00Z"))
    payload = validate(event)

    refuse_future(event, payload, now=AT)
    with pytest.raises(ContractError) as caught:
        refuse_future(event, payload, now=AT - timedelta(microseconds=1))

    assert [(error.pointer, error.rule) for error in caught.value.errors] == [
        ("/time", "future"),
        ("/data/placed_at", "future"),
    ]


def test_a_due_date_may_lie_in_the_future():
    event = an_event(type="customer.invoice.issued.v1", data=INVOICE)

    refuse_future(event, validate(event), now=AT)
    assert validate(event).due_on == date(2026, 4, 1)


@pytest.mark.parametrize(
    "type_", [entry.type for entry in registry.values() if "customer_id" in entry.model.model_fields]
)
def test_a_payload_about_another_customer_than_the_subject_is_refused(type_):
    event = event_example(registry[type_])
    other = an_event(type=type_, subject="C-other", data=event.data)

    with pytest.raises(ContractError) as caught:
        validate(other)

    assert caught.value.errors[0].rule == "subject"


@pytest.mark.parametrize("type_", list(registry))
def test_every_required_field_is_missed_by_name(type_):
    entry = registry[type_]
    required = {name for name, field in entry.model.model_fields.items() if field.is_required()}
    for name in required:
        data = {key: value for key, value in payload_example(entry).items() if key != name}
        assert errors_of(type_, data) == [(f"/data/{name}", "required")]
    assert required or entry.model.partial or type_ == "customer.erased.v1"
