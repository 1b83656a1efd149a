"""The connection that set-based statements run on."""

from typing import TypeAlias

import asyncpg

Raw: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""An asyncpg connection inside the transaction of a unit of work, or of a read."""
