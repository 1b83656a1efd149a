"""What an answer of a webhook's receiver means."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notify.channels.webhook import outcome_of
from services.notify.domain.outcome import Verdict

NOW = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Verdict.ACCEPTED) for status in (200, 201, 202, 204)),
        *((status, Verdict.REJECTED_PERMANENT) for status in (301, 302, 307, 308, 304, 400, 401, 403, 404, 405, 410)),
        *((status, Verdict.REJECTED_PERMANENT) for status in (413, 422)),
        *((status, Verdict.REJECTED_RETRYABLE) for status in (408, 425, 500, 501, 502, 503, 504, 599)),
        (429, Verdict.RATE_LIMITED),
    ],
)
def test_a_status_without_more_means(status, verdict):
    assert outcome_of(status, None, NOW).verdict is verdict


def test_only_gone_says_that_the_address_is_bad():
    assert outcome_of(410, None, NOW).address_is_bad
    assert not outcome_of(404, None, NOW).address_is_bad


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("30", timedelta(seconds=30)),
        (" 5 ", timedelta(seconds=5)),
        ("0", timedelta()),
        ("999999999999999999", timedelta(hours=1)),
        ("Thu, 05 Mar 2026 08:00:20 GMT", timedelta(seconds=20)),
        ("Thu, 05 Mar 2020 08:00:20 GMT", timedelta()),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_and_never_more_than_an_hour(header, pause):
    outcome = outcome_of(503, header, NOW)

    assert outcome.until == (None if pause is None else NOW + pause)
    assert outcome.verdict is (Verdict.REJECTED_RETRYABLE if pause is None else Verdict.RATE_LIMITED)
