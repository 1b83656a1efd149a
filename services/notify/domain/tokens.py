"""The signed token in an acknowledgement link: names one delivery, expires, cannot be guessed or changed.

Layout, then URL-safe base64 without padding: delivery id (16 bytes, a UUID), expiry (5 bytes, Unix seconds), MAC (18
bytes, HMAC-SHA256 truncated to 144 bits). Single use is the business of the database, not of the token.
"""

import base64
import binascii
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

_ID, _EXPIRY, _MAC = 16, 5, 18


class ForgedToken(Exception):  # noqa: N818 - a named fact
    """The token was not made here, or was changed."""


@dataclass(frozen=True, slots=True)
class AckToken:
    """What a genuine token says. `expires_at` is real time."""

    delivery_id: str
    expires_at: datetime


def sign(delivery_id: str, expires_at: datetime, secret: bytes) -> str:
    """The token for one delivery."""
    body = uuid.UUID(delivery_id).bytes + int(expires_at.timestamp()).to_bytes(_EXPIRY, "big")
    return base64.urlsafe_b64encode(body + _mac(body, secret)).rstrip(b"=").decode()


def read(token: str, secrets: tuple[bytes, ...]) -> AckToken:
    """What `token` says, signed with any of `secrets` (several while one is being replaced). Raises ForgedToken."""
    length = _ID + _EXPIRY + _MAC
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise ForgedToken from None
    body, mac = raw[: _ID + _EXPIRY], raw[_ID + _EXPIRY :]
    if len(raw) != length or not any(hmac.compare_digest(mac, _mac(body, secret)) for secret in secrets):
        raise ForgedToken
    expiry = int.from_bytes(body[_ID:], "big")
    return AckToken(str(uuid.UUID(bytes=body[:_ID])), datetime.fromtimestamp(expiry, UTC))


def _mac(body: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, b"moat-ack:" + body, hashlib.sha256).digest()[:_MAC]
