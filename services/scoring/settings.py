"""What scoring is told by its environment, besides what all services are told."""

from pydantic import Field

from shared.settings import ServiceSettings


class ScoringSettings(ServiceSettings):
    """Settings of scoring: `MOAT_SCORING_…` or `MOAT_…`."""

    port: int = Field(default=8001, ge=0, le=65535)
