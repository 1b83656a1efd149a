"""Tokens of acknowledgement links: made here or refused."""

import base64
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.tokens import ForgedToken, read, sign

ID = "0195f3a0-7c00-7000-8000-0000000000a2"
EXPIRES = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
SECRET, OTHER = b"s" * 32, b"o" * 32


@given(st.uuids(), st.integers(0, 2**39 - 1))
def test_a_token_says_what_was_signed(id_, seconds):
    seconds = min(seconds, 253_402_300_799)
    said = read(sign(str(id_), datetime.fromtimestamp(seconds, UTC), SECRET), (SECRET,))

    assert (said.delivery_id, int(said.expires_at.timestamp())) == (str(id_), seconds)


@given(st.integers(0, 38), st.integers(1, 255))
def test_a_single_changed_byte_is_noticed(place, flip):
    raw = bytearray(base64.urlsafe_b64decode(sign(ID, EXPIRES, SECRET)))
    raw[place] ^= flip

    with pytest.raises(ForgedToken):
        read(base64.urlsafe_b64encode(bytes(raw)).decode(), (SECRET,))


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text):
    with pytest.raises(ForgedToken):
        read(text, (SECRET,))


def test_a_token_signed_with_another_secret_is_refused_unless_both_are_good():
    token = sign(ID, EXPIRES, OTHER)

    with pytest.raises(ForgedToken):
        read(token, (SECRET,))
    assert read(token, (SECRET, OTHER)).delivery_id == ID


@pytest.mark.parametrize("cut", [0, 1, 20, 51])
def test_a_token_cut_short_or_grown_is_refused(cut):
    token = sign(ID, EXPIRES, SECRET)

    for changed in (token[:cut], token + token[: 4 * (cut + 1) % 52 or 4]):
        with pytest.raises(ForgedToken):
            read(changed, (SECRET,))


def test_a_token_fits_a_link_and_needs_no_escaping():
    token = sign(str(uuid.UUID(int=2**128 - 1)), EXPIRES, SECRET)

    assert len(token) == 52
    assert token.replace("-", "").replace("_", "").isalnum()
