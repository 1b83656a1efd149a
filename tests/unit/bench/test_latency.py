"""How latencies are read off a sink's log and summed up, and when a load generator's figure is refused."""

import base64

import pytest

from tests.bench.http_load import Load, TooBusy
from tests.bench.paced import arrivals, summary
from tests.bench.text_sink import TOKEN, subject_of

MS = 1_000_000


def a_run(*took_ms):
    sent = {f"L1-a-{n}": n * MS for n in range(len(took_ms))}
    arrived = {f"L1-a-{n}": (n + took) * MS for n, took in enumerate(took_ms) if took is not None}
    return summary(300, sent, arrived)


def test_percentiles_are_by_nearest_rank():
    found = a_run(*range(1, 101))
    assert (found.p50, found.p99, found.most, found.lost) == (50, 99, 100, 0)


def test_of_few_the_ninety_ninth_percentile_is_the_slowest():
    assert a_run(5, 80, 7).p99 == 80


def test_what_never_arrived_is_slower_than_everything():
    found = a_run(*[10] * 97, None, None, None)
    assert found.lost == 3
    assert found.p50 == 10
    assert found.p99 == float("inf")


def test_only_the_first_arrival_of_our_own_tokens_counts(tmp_path):
    log = tmp_path / "arrivals"
    log.write_text("1 L1-b-0\n7 L1-a-0\n9 L1-a-0\n11 L1-a-")
    found, position = arrivals(log, 0, lambda token: token.startswith("L1-a"))
    assert found == {"L1-a-0": 7}
    assert position == len("1 L1-b-0\n7 L1-a-0\n9 L1-a-0\n"), "a line that is still being written is read later"


def test_reading_goes_on_where_it_stopped(tmp_path):
    log = tmp_path / "arrivals"
    log.write_text("1 L1-a-0\n5 L1-a-1\n")
    assert arrivals(log, len("1 L1-a-0\n"), lambda _: True)[0] == {"L1-a-1": 5}


def test_the_token_is_found_in_a_subject_of_encoded_words_over_several_lines():
    words = [base64.b64encode(part).decode() for part in (b"[S3] Case opened: C-L1-ab1", b"2-77: L1-ab12-77")]
    mail = f"From: a@b\r\nSubject: =?utf-8?b?{words[0]}?=\r\n =?utf-8?b?{words[1]}?=\r\nTo: c@d\r\n\r\nL1-ff-1".encode()
    assert TOKEN.findall(subject_of(mail)) == [b"L1-ab12-77", b"L1-ab12-77"]


def test_a_figure_is_refused_when_making_the_load_was_the_bottleneck():
    assert Load(1000, 10, 0.6).honest().per_second == 1000
    with pytest.raises(TooBusy, match="61%"):
        Load(1000, 10, 0.61).honest()
