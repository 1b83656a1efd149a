"""Signatures of webhooks after Standard Webhooks 1.0.0: HMAC-SHA256 over id, timestamp and body."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64


def new_secret() -> bytes:
    """A secret for one endpoint."""
    return secrets.token_bytes(32)


def secret_text(secret: bytes) -> str:
    """The secret as receivers configure it."""
    return PREFIX + base64.b64encode(secret).decode()


def parse_secret(text: str) -> bytes:
    """The bytes of a `whsec_…` text; raises ValueError when it is none or not 24 to 64 bytes long."""
    if not text.startswith(PREFIX):
        raise ValueError("a secret is written whsec_ and base64")
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a secret is written whsec_ and base64") from None
    if not _SHORTEST <= len(secret) <= _LONGEST:
        raise ValueError(f"a secret has {_SHORTEST} to {_LONGEST} bytes")
    return secret


def signature_headers(id_: str, timestamp: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The three headers. `timestamp` is Unix seconds of this try; several keys sign while one is being replaced."""
    signed = f"{id_}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
