"""Addresses as they may be shown: enough to recognise one's own, too little to use."""

from urllib.parse import urlsplit


def mask_address(channel: str, address: str) -> str:
    """The address with its telling parts hidden: `l***@example.com`, `https://hooks.example.com/***`, `138****8000`."""
    if channel == "smtp":
        local, _, domain = address.rpartition("@")
        return f"{local[:1]}***@{domain}"
    if channel == "webhook":
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.hostname or ''}/***"
    return f"{address[:3]}****{address[-4:]}" if len(address) > 8 else "****"
