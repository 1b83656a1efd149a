"""What follows from a try."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.aftermath import Again, Ended, Tried, aftermath
from services.notify.domain.message import DeliveryState, MessageState, message_state
from services.notify.domain.outcome import Outcome, Verdict
from services.notify.domain.urgency import PATIENCE, Urgency

NOW = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
WALL = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def _after(
    verdict: Verdict, *, urgency=Urgency.HIGH, tries=1, channels=("smtp",), idempotent=False, until=None, now=NOW
):
    tried = Tried(tries, 0, channels, NOW + timedelta(hours=1), idempotent)
    outcome = Outcome(verdict, until=until)
    return aftermath(tried, outcome, PATIENCE[urgency], now=now, wall=WALL, jitter=0.5)


@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.DELIVERED, Verdict.READ])
def test_a_success_ends_it(verdict):
    assert _after(verdict) == Ended(verdict.value)


def test_a_permanent_refusal_fails_over_only_where_there_is_another_channel():
    assert _after(Verdict.REJECTED_PERMANENT) == Ended("failed")
    assert _after(Verdict.REJECTED_PERMANENT, channels=("smtp", "webhook")) == Ended("failed", fails_over=True)


@pytest.mark.parametrize(
    ("urgency", "idempotent", "channels", "follows"),
    [
        (Urgency.CRITICAL, False, ("smtp",), Again),
        (Urgency.HIGH, False, ("smtp",), Ended("unknown")),
        (Urgency.HIGH, False, ("smtp", "webhook"), Ended("unknown", fails_over=True)),
        (Urgency.NORMAL, False, ("smtp", "webhook"), Ended("unknown")),
        (Urgency.LOW, False, ("smtp",), Ended("unknown")),
        (Urgency.LOW, True, ("webhook",), Again),
    ],
)
def test_what_may_have_been_sent_is_repeated_only_where_twice_does_no_harm_or_never_would_be_worse(
    urgency, idempotent, channels, follows
):
    result = _after(Verdict.UNKNOWN, urgency=urgency, idempotent=idempotent, channels=channels)

    assert isinstance(result, Again) if follows is Again else result == follows


def test_a_retryable_refusal_goes_to_the_next_channel_after_a_few_tries():
    patience = PATIENCE[Urgency.HIGH]
    both = ("smtp", "webhook")

    for tries in range(1, patience.tries_before_failover):
        assert isinstance(_after(Verdict.REJECTED_RETRYABLE, tries=tries, channels=both), Again)
    last = _after(Verdict.REJECTED_RETRYABLE, tries=patience.tries_before_failover, channels=both)
    assert last == Ended("failed", fails_over=True)


def test_it_fails_when_its_age_or_its_tries_are_used_up():
    most = PATIENCE[Urgency.HIGH].max_tries

    assert _after(Verdict.REJECTED_RETRYABLE, tries=most) == Ended("failed")
    assert _after(Verdict.REJECTED_RETRYABLE, now=NOW + timedelta(hours=1)) == Ended("failed")


@given(st.sampled_from(list(Urgency)), st.integers(1, 60), st.floats(0, 1, exclude_max=True), st.floats(0, 7200))
def test_pauses_grow_stay_bounded_and_never_undercut_the_provider(urgency, tries, jitter, asked):
    patience = PATIENCE[urgency]
    tried = Tried(tries, 0, ("smtp",), NOW + timedelta(hours=1), channel_is_idempotent=False)
    until = WALL + timedelta(seconds=asked)
    plain = aftermath(tried, Outcome(Verdict.REJECTED_RETRYABLE), patience, now=NOW, wall=WALL, jitter=jitter)
    limited = aftermath(tried, Outcome(Verdict.RATE_LIMITED, until=until), patience, now=NOW, wall=WALL, jitter=jitter)

    if tries >= patience.max_tries:
        assert plain == limited == Ended("failed")
        return
    pause = (plain.at - WALL).total_seconds()
    assert patience.retry_first / 2 <= pause + 1e-6 <= patience.retry_most + 1e-6
    assert limited.at >= until


@given(st.lists(st.sampled_from(list(DeliveryState)), max_size=6))
def test_a_message_is_pending_exactly_while_somebody_may_still_be_told_and_nobody_has_been(states):
    state = message_state(states)
    arrived = {DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.READ} & set(states)
    may_be = {DeliveryState.PENDING, DeliveryState.SENDING} & set(states)

    assert (state is MessageState.SENT) == bool(arrived)
    assert (state is MessageState.PENDING) == (bool(may_be) and not arrived)
    if state is MessageState.UNDELIVERABLE:
        assert set(states) <= {DeliveryState.FAILED, DeliveryState.OBSOLETE, DeliveryState.SUPPRESSED}
