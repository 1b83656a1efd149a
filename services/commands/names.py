"""The three services, their ports and how a command finds their settings."""

from enum import StrEnum
from typing import Final


class ServiceName(StrEnum):
    """A service of the platform."""

    SCORING = "scoring"
    CRISIS = "crisis"
    NOTIFY = "notify"


PORT_OFFSETS: Final = {ServiceName.SCORING: 1, ServiceName.CRISIS: 2, ServiceName.NOTIFY: 3}
"""Added to the port base, 8000 by default."""
