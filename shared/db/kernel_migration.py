"""The kernel's tables for the first revision of a service's history."""

import sqlalchemy as sa
from alembic import op

from shared.db.tables import add_kernel_tables


def create_kernel_tables() -> None:
    """Create subject, outbox, inbox, parked, timer, clock_state, api_key, idempotency, job, secret and document."""
    metadata = sa.MetaData()
    add_kernel_tables(metadata)
    metadata.create_all(op.get_bind())
