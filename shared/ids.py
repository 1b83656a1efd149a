"""Identifiers: UUIDv7, so that rows written together lie together in an index."""

import uuid_utils


def new_id() -> str:
    """A new UUIDv7 in its usual 36-character form; ids made later sort later."""
    return str(uuid_utils.uuid7())
