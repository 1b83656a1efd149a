"""Service policies: what each service class is promised, for every other system to read (requirement SC-9)."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from shared.contracts.fields import Code, Line, ServiceClass, Text
from shared.documents import Document, InvalidDocument

Names = Annotated[dict[Code, Line], Field(max_length=10)]
"""A text by language: `{"zh-CN": "…", "en": "…"}`."""


class Visits(Document):
    """How often somebody of ours is on site."""

    per_year: Annotated[int, Field(ge=0, le=366)]
    by: Code = Field(description="account_manager, executive, technician …")


class Promise(Document):
    """What customers of one class are promised."""

    name: Names
    account_manager: Literal["dedicated", "shared", "none"]
    channels: Annotated[list[Code], Field(min_length=1, max_length=20)] = Field(
        description="How they reach us, the preferred one first."
    )
    hours: Literal["7x24", "business_hours"]
    response_minutes: Annotated[int, Field(ge=1, le=525_600)] = Field(description="First response to a complaint.")
    visits: Annotated[list[Visits], Field(max_length=10)] = Field(default_factory=list)
    packages: Annotated[list[Code], Field(max_length=50)] = Field(default_factory=list, description="Service packages.")
    priority: Annotated[int, Field(ge=1, le=100)] = Field(description="1 is served first.")
    may_reduce_or_exit: bool = Field(False, description="Whether reducing or ending the relationship may be proposed.")
    remarks: Text | None = None


class ServicePolicy(Document):
    """The promises of all four classes: none may be left out, for a service class is never null."""

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
    name: Names
    classes: dict[ServiceClass, Promise]
    source: Text | None = None


def parse_service_policy(document: dict[str, Any]) -> ServicePolicy:
    """The policy that a document describes. Raises `InvalidDocument` with every reason found."""
    try:
        policy = ServicePolicy.model_validate(document)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None
    missing = [name for name in ("strategic", "key", "standard", "basic") if name not in policy.classes]
    if missing:
        raise InvalidDocument.at("/classes", "required", f"promises for {', '.join(missing)} are missing")
    return policy
