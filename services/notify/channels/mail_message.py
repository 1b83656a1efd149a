"""A mail as bytes: headers that nothing can be smuggled into, text and HTML, safe for any server.

Written by hand and not with `email.message`: folding one encoded header there takes longer than all of sending.
Bodies are base64, so that no line is ever too long, no dot needs stuffing and no server has to speak 8BITMIME.
"""

import base64
import html
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from services.notify.channels.port import InvalidAddress

_ADDRESS: Final = re.compile(
    r"(?=.{3,254}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
).fullmatch
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ENCODED_WORD_BYTES: Final = 42  # 68 characters as an encoded word (RFC 2047 allows 75), below 78 after "Subject: "

_PAGE: Final = """\
<!doctype html><html lang="{lang}"><body style="margin:0;padding:24px;background:#f4f5f7;\
font:15px/1.6 -apple-system,'Segoe UI','PingFang SC','Microsoft YaHei',sans-serif;color:#1d2433">
<div style="max-width:560px;margin:0 auto;background:#fff;border:1px solid #e2e5ea;border-radius:8px;padding:24px">
{body}
</div></body></html>
"""
_BUTTON: Final = """\
<p style="margin:24px 0 0"><a href="{url}" style="display:inline-block;padding:10px 20px;border-radius:6px;\
background:#0b5cad;color:#fff;text-decoration:none">{label}</a></p>"""


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail consists of. `html` is a fragment; `button` adds a link under it."""

    sender: str
    sender_name: str
    recipient: str
    subject: str
    text: str
    html: str | None
    date: datetime
    id: str
    lang: str
    urgent: bool = False
    button: tuple[str, str] | None = None


def checked_address(address: str) -> str:
    """The address when it is a plain ASCII mailbox; raises InvalidAddress (no comments, quotes, lists or routes)."""
    if _ADDRESS(address) is None or len(address.partition("@")[0]) > 64:
        raise InvalidAddress("not a mail address such as name@example.com")
    return address


def mail_bytes(mail: Mail) -> bytes:
    """The message, RFC 5322 with CRLF. Raises InvalidAddress; control characters in any header become spaces."""
    sender, recipient = checked_address(mail.sender), checked_address(mail.recipient)
    domain = sender.rpartition("@")[2]
    headers = [
        f"From: {_encoded(mail.sender_name)} <{sender}>" if mail.sender_name else f"From: {sender}",
        f"To: {recipient}",
        f"Subject: {_encoded(mail.subject)}",
        f"Date: {format_datetime(mail.date)}",
        # The same over all tries, so that a mail program shows it once.
        f"Message-ID: <{_plain(mail.id)}@{domain}>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "MIME-Version: 1.0",
    ]
    if mail.urgent:
        headers += ["X-Priority: 1", "Importance: high"]
    if mail.html is None:
        part = _part("plain", mail.text)
        return "\r\n".join([*headers, part]).encode("ascii")
    boundary = f"=_{_plain(mail.id)}"
    page = _PAGE.format(lang=html.escape(mail.lang), body=mail.html + _button(mail.button))
    lines = [
        *headers,
        "Content-Type: multipart/alternative;",
        f' boundary="{boundary}"',
        "",
        f"--{boundary}",
        _part("plain", mail.text),
        f"--{boundary}",
        _part("html", page),
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


def _button(button: tuple[str, str] | None) -> str:
    if button is None:
        return ""
    url, label = button
    return _BUTTON.format(url=html.escape(url), label=html.escape(label))


def _part(kind: str, text: str) -> str:
    # Text parts have CRLF line ends also under base64 (RFC 2049 section 4).
    body = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    encoded = base64.encodebytes(body.encode("utf-8", "replace")).decode().replace("\n", "\r\n")
    return f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}"


def _encoded(value: str) -> str:
    """A header's text as encoded words: always, so that no reader can take any of it for syntax."""
    words: list[str] = []
    chunk = b""
    for character in _UNSAFE.sub(" ", value).strip():
        raw = character.encode()
        if len(chunk) + len(raw) > _ENCODED_WORD_BYTES:
            words.append(_word(chunk))
            chunk = b""
        chunk += raw
    if chunk:
        words.append(_word(chunk))
    return "\r\n ".join(words)


def _word(chunk: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="


def _plain(identifier: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", identifier)
