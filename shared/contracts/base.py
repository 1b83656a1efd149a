"""What every payload has in common."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Payload(BaseModel):
    """A published payload: frozen, strict about types, deaf to fields it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        json_schema_serialization_defaults_required=True,
    )

    happened: ClassVar[str | None] = None
    """Name of the field that says when it happened; a fact may not lie more than a few minutes ahead of the clock."""
    partial: ClassVar[bool] = False
    """A partial update: an absent field leaves things unchanged, null clears them."""

    def to_data(self) -> dict[str, Any]:
        """The payload with JSON's own types. Of a partial update only given fields are sent, else all."""
        return self.model_dump(mode="json", exclude_unset=self.partial)

    def check_subject(self, subject: str) -> None:
        """Raise `PydanticCustomError` when the payload cannot be about this subject; most payloads do not care."""


class Part(BaseModel):
    """An object inside a payload."""

    model_config = Payload.model_config


class AboutCustomer(Payload):
    """A payload that repeats its subject, for readers that keep the payload alone."""

    def check_subject(self, subject: str) -> None:
        mine = getattr(self, "customer_id", subject)
        if mine is not None and mine != subject:
            raise PydanticCustomError("subject", "the customer is not the subject of the event")


def example(**fields: Any) -> ConfigDict:
    """Model configuration that carries the published example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


__all__ = ["AboutCustomer", "Part", "Payload", "Self", "example"]
