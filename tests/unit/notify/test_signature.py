"""Signatures of webhooks, with the reference library as the judge."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notify.channels.signature import new_secret, parse_secret, secret_text, signature_headers


@given(body=st.text(max_size=500), secret=st.binary(min_size=24, max_size=64))
def test_the_reference_library_accepts_what_we_sign(body, secret):
    raw = body.encode("utf-8", "replace")
    headers = signature_headers("msg_1", int(time.time()), raw, (secret,))

    Webhook(secret_text(secret)).verify(raw, headers, json_parse=False)


def test_while_a_secret_is_replaced_both_verify_and_a_third_does_not():
    old, new = new_secret(), new_secret()
    headers = signature_headers("msg_1", int(time.time()), b"{}", (new, old))

    for secret in (old, new):
        Webhook(secret_text(secret)).verify(b"{}", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(new_secret())).verify(b"{}", headers)


@pytest.mark.parametrize("changed", [{"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(time.time()) - 1)}])
def test_id_and_timestamp_are_signed_too(changed):
    secret = new_secret()
    headers = signature_headers("msg_1", int(time.time()), b"{}", (secret,)) | changed

    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(secret)).verify(b"{}", headers)


def test_a_secret_reads_as_it_was_written():
    secret = new_secret()

    assert parse_secret(secret_text(secret)) == secret


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "whsec_!!!", base64.b64encode(bytes(32)).decode()]
    + [f"whsec_{base64.b64encode(bytes(size)).decode()}" for size in (23, 65)],
)
def test_what_is_no_secret_is_refused(text):
    with pytest.raises(ValueError, match="secret"):
        parse_secret(text)
