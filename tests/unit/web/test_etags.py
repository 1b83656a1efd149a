"""If-Match as RFC 9110 says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Malformed, PreconditionFailed
from shared.web.etags import etag, parse_if_match


@pytest.mark.parametrize(
    ("text", "tags"),
    [('"7"', {"7"}), (' "7" , "3.1"', {"7", "3.1"}), ('W/"7"', set()), ('W/"7", "8"', {"8"}), ('""', {""})],
)
def test_strong_tags_are_taken_and_weak_ones_never_match(text, tags):
    assert parse_if_match(text).tags == tags


@pytest.mark.parametrize("text", ["7", '"7', '7"', '"7" "8"', "", '"7",, "8"', "W/7"])
def test_what_is_not_a_list_of_tags_is_malformed(text):
    with pytest.raises(Malformed) as refusal:
        parse_if_match(text).check(7)
    assert refusal.value.errors[0].pointer == "/header/if-match"


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_only_the_version_that_was_read_passes(read, present):
    expected = parse_if_match(etag(read))
    if read == present:
        expected.check(present)
    else:
        with pytest.raises(PreconditionFailed) as refusal:
            expected.check(present)
        assert refusal.value.members["current"] == {"version": present}


def test_a_star_stands_for_any_version():
    parse_if_match("*").check(12)
