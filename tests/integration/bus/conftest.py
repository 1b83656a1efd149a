"""Fixtures of the bus's own tests."""

import uuid

import pytest


@pytest.fixture
def name() -> str:
    """A name that no other test has, for topics and groups."""
    return f"test.{uuid.uuid4().hex[:12]}"
