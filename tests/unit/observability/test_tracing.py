"""W3C Trace Context."""

import contextvars

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.observability import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def _own_context():
    yield
    tracing.enable(on=True)


def in_own_context(call):
    return contextvars.copy_context().run(call)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    ],
)
def test_what_the_standard_tells_to_ignore_begins_a_new_trace(text):
    trace = in_own_context(lambda: tracing.begin(text))

    assert tracing.parse(text) is None
    assert trace is not None
    assert tracing.parse(trace.traceparent) == trace


def test_a_later_version_with_more_fields_is_read_as_far_as_it_is_known():
    assert tracing.parse(PARENT.replace("00-", "01-", 1) + "-more") is not None


def test_a_child_keeps_trace_and_flags_and_has_a_span_of_its_own():
    trace = in_own_context(lambda: tracing.begin(PARENT))

    assert trace is not None
    assert (trace.trace_id, trace.flags) == ("0af7651916cd43dd8448eb211c80319c", "01")
    assert trace.span_id != "b7ad6b7169203331"


@given(st.text(max_size=80))
def test_no_text_makes_it_fail(text):
    in_own_context(lambda: tracing.begin(text))


def test_in_a_batch_each_subject_continues_its_own_trace_and_others_none():
    def batch():
        tracing.begin(None)
        with tracing.carried_by({"c1": PARENT, "c2": PARENT.replace("0af7", "1af7")}):
            inside = tracing.traceparent_for("c1"), tracing.traceparent_for("c3")
        return inside, tracing.traceparent_for("c1")

    (of_c1, of_c3), after = in_own_context(batch)
    assert (of_c1, of_c3) == (PARENT, None)
    assert after not in {None, PARENT}


def test_switched_off_it_makes_and_carries_nothing():
    def off():
        tracing.enable(on=False)
        with tracing.carried_by({"c1": PARENT}):
            return tracing.begin(PARENT), tracing.traceparent_for("c1")

    assert in_own_context(off) == (None, None)
