"""What a service is told by its environment; a value for one service carries its name: `MOAT_CRISIS_DATABASE_URL`."""

import os
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.bus.open import travels_in_the_clear
from shared.clock import Clock, SteppedClock, SystemClock

Profile = Literal["local", "test", "production"]


class ServiceSettings(BaseSettings):
    """Settings that all services share. A secret may also stand in a file: `MOAT_DATABASE_URL_FILE=/run/secrets/…`."""

    model_config = SettingsConfigDict(env_prefix="MOAT_", frozen=True, extra="ignore")

    database_url: SecretStr
    bus_url: SecretStr
    profile: Profile = "local"
    allow_plaintext_kafka: bool = Field(default=False, validate_default=True)
    clock: str = "system"
    log_format: Literal["json", "console"] = "json"
    log_level: str = "INFO"
    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)
    metrics_token: SecretStr | None = None
    pool_size: int = Field(default=8, ge=2, le=100)
    shutdown_seconds: float = 10.0
    drain_seconds: float = Field(default=0.0, ge=0, description="Time between readyz 503 and closing the door.")
    access_log: float = Field(default=1.0, ge=0, le=1, description="Share of good answers that are logged.")
    tracing: bool = True

    @field_validator("clock")
    @classmethod
    def _known_clock(cls, value: str) -> str:
        kind, _, instant = value.partition(":")
        if value != "system" and kind != "stepped":
            raise ValueError("must be `system` or `stepped:<RFC 3339 instant>`")
        if kind == "stepped" and datetime.fromisoformat(instant).tzinfo is None:
            raise ValueError("the instant needs an offset, for example 2026-01-01T00:00:00Z")
        return value

    @field_validator("allow_plaintext_kafka")
    @classmethod
    def _stated_in_production(cls, allowed: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - as pydantic calls it
        bus = info.data.get("bus_url")
        if info.data.get("profile") != "production" or allowed or bus is None:
            return allowed
        if travels_in_the_clear(bus.get_secret_value()):
            raise ValueError(
                "the production profile refuses a Kafka without TLS, where whoever is on the network reads and writes"
                " facts: give security_protocol=SASL_SSL (or SSL) in MOAT_BUS_URL, or, where the network itself is"
                " closed, state MOAT_ALLOW_PLAINTEXT_KAFKA=true"
            )
        return allowed

    def make_clock(self) -> Clock:
        """The clock these settings ask for; a stepped one is refused in the production profile."""
        if self.clock == "system":
            return SystemClock()
        if self.profile == "production":
            raise ValueError("MOAT_CLOCK=stepped is not allowed in the production profile")
        return SteppedClock(datetime.fromisoformat(self.clock.partition(":")[2]))

    @classmethod
    def for_service(cls, service: str, **given: Any) -> Self:
        """Read the environment; `MOAT_<SERVICE>_<NAME>` wins over `MOAT_<NAME>`; `…_FILE` names a file to read."""
        values: dict[str, Any] = {}
        for name in cls.model_fields:
            value = read_variable(service, name)
            if value is not None:
                values[name] = value
        return cls(**{**values, **given})


def read_variable(service: str, name: str) -> str | None:
    """One setting of `service` as text, from its own variable, else the common one, else their `…_FILE`."""
    own, common = (f"{prefix}{name.upper()}" for prefix in (f"MOAT_{service.upper()}_", "MOAT_"))
    value = _from_environment(own)
    return _from_environment(common) if value is None else value


def _from_environment(variable: str) -> str | None:
    if variable in os.environ:
        return os.environ[variable]
    path = os.environ.get(f"{variable}_FILE")
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - read once, at start
        return file.read().strip()
