"""A mail as bytes: what is written is what is read, and nothing can be smuggled into its headers."""

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.channels.mail_message import Mail, checked_address, mail_bytes
from services.notify.channels.port import InvalidAddress

AT = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)


def _mail(**fields) -> Mail:
    return Mail(
        **{
            "sender": "moat@example.com",
            "sender_name": "Moat",
            "recipient": "am@example.com",
            "subject": "Subject",
            "text": "Text\n",
            "html": None,
            "date": AT,
            "id": "0195f3a0-7c00-7000-8000-0000000000a2",
            "lang": "zh-CN",
            **fields,
        }
    )


def _read(raw: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version"}
CONTENT = {"Content-Type", "Content-Transfer-Encoding"}


@pytest.mark.parametrize(
    "subject",
    [
        "Late\r\nBcc: everybody@example.com",
        "Late\nBcc: everybody@example.com\n\nbody",
        "Late\rX: y",
        "Late\x0b\x0cX: y",
        "Late\x85Bcc: x@example.com",
        "Late\u2028Bcc: x@example.com\u2029",
        "Late\x00\x1b[31m",
        "=?utf-8?b?QmNjOiB4?=\r\nBcc: x@example.com",
    ],
)
def test_a_subject_stays_a_subject_whatever_is_in_it(subject):
    raw = mail_bytes(_mail(subject=subject, sender_name=subject))
    message = _read(raw)

    assert set(message.keys()) == HEADERS | CONTENT
    assert message.get_all("to") == ["am@example.com"]
    assert message["bcc"] is None
    assert not message.defects
    assert message.get_content() == "Text\r\n"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
def test_no_text_can_add_a_header_or_end_the_headers(text):
    message = _read(mail_bytes(_mail(subject=text, sender_name=text)))

    assert set(message.keys()) == HEADERS | CONTENT


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=2000))
def test_the_text_arrives_as_it_was_written(text):
    message = _read(mail_bytes(_mail(text=text, html=f"<p>{len(text)}</p>")))
    body = message.get_body(preferencelist=("plain",))

    assert body.get_content().replace("\r\n", "\n").rstrip("\n") == text.replace("\r\n", "\n").rstrip("\n")


def test_a_long_chinese_subject_arrives_whole_and_no_line_is_too_long():
    subject = "【S1】客户投诉：示例泵业有限公司连续第三次交货延迟，客户要求高层会面并保留终止合同的权利" * 4
    raw = mail_bytes(_mail(subject=subject, text="长" * 5000, html="<p>" + "长" * 5000 + "</p>"))

    assert _read(raw)["subject"] == subject
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert raw.count(b"\n") == raw.count(b"\r\n")
    raw.decode("ascii")


def test_html_is_an_alternative_with_the_button_and_its_address_escaped():
    raw = mail_bytes(_mail(html="<p>Body</p>", button=('https://x.example.com/a?b="<c>', "Acknowledge")))
    message = _read(raw)
    html = message.get_body(preferencelist=("html",)).get_content()

    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "<p>Body</p>" in html
    assert "&quot;&lt;c&gt;" in html


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com\r\nRCPT TO:<x@example.com>",
        "a@example.com>",
        "<a@example.com>",
        "a b@example.com",
        "a@example.com,b@example.com",
        '"a"@example.com',
        "a@@example.com",
        "a@",
        "@example.com",
        "a@-example.com",
        "a..b@example.com",
        "a@example.com\n",
        "é@example.com",
        "a@" + "x" * 300,
        "x" * 65 + "@example.com",
    ],
)
def test_an_address_that_is_more_than_an_address_is_refused(address):
    with pytest.raises(InvalidAddress):
        checked_address(address)


@pytest.mark.parametrize(
    "address", ["a@example.com", "first.last+tag@sub.example.co", "o'brien@example.com", "a@localhost"]
)
def test_ordinary_addresses_are_taken(address):
    assert checked_address(address) == address
