"""What the crisis service is told by its environment."""

from pydantic import Field

from shared.settings import ServiceSettings


class CrisisSettings(ServiceSettings):
    """Settings of crisis, on top of those that all services share."""

    port: int = Field(default=8002, ge=0, le=65535)
    lanes: int = Field(
        default=2, ge=1, le=16, description="Transactions in which a batch of facts is taken in at once."
    )
