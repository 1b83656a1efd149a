"""What scoring is told by its environment, besides what all services are told."""

from pydantic import Field

from shared.settings import ServiceSettings


class ScoringSettings(ServiceSettings):
    """Settings of scoring: `MOAT_SCORING_…` or `MOAT_…`.

    `lanes` are connections that apply facts at the same time, each those of its own partitions; `batch` is the most
    facts that a poll takes for all lanes together.
    """

    port: int = Field(default=8001, ge=0, le=65535)
    lanes: int = Field(default=2, ge=1, le=16)
    batch: int = Field(default=4000, ge=1, le=20_000)
