"""Service policies as versioned documents, and the promise that one customer has."""

from pathlib import Path
from typing import Any, Final

from pydantic import Field

from services.scoring.api.shapes import CustomerId
from services.scoring.documents.service_policies import ServicePolicy, parse_service_policy
from services.scoring.usecases.tell_tier import require_customer
from shared.auth.guard import require
from shared.contracts.fields import ServiceClass
from shared.db.database import raw_connection
from shared.documents import store
from shared.documents.kind import DocumentKind
from shared.documents.parsing import parse_document
from shared.errors import NotFound
from shared.web.kernel import ReadDatabase
from shared.web.routing import Router
from shared.web.schema import Out

POLICIES: Final = Path(__file__).parents[1] / "presets" / "service-policies"
KEY: Final = "default"
"""The policy that is in force; others can be kept beside it."""
router = Router(prefix="/v1/customers", tags=["customers"], dependencies=[require("scoring:read")])


def policy_kind() -> DocumentKind:
    """Service policies as versioned documents."""
    return DocumentKind(
        name="service-policy",
        path="/v1/service-policies",
        title="service policies",
        validate=parse_service_policy,
        example=parse_document((POLICIES / f"{KEY}.yaml").read_bytes(), "application/yaml"),
        read_scope="scoring:read",
        write_scope="scoring:model",
    )


class PromiseOut(Out):
    """What one customer is promised."""

    customer_id: str
    service_class: ServiceClass
    policy: str
    policy_version: int
    promise: dict[str, Any] = Field(description="The policy's entry for the customer's service class.")


@router.get("/{customer_id}/service-policy", summary="Read what a customer is promised")
async def read_promise(customer_id: CustomerId, database: ReadDatabase) -> PromiseOut:
    """By the customer's service class and the active policy."""
    async with database.read() as connection:
        raw = await raw_connection(connection)
        customer = await require_customer(raw, customer_id)
        document = await store.active(raw, "service-policy", KEY)
    if document is None:
        raise NotFound(f"no version of the service policy {KEY!r} is active")
    policy: ServicePolicy = parse_service_policy(dict(document.body))
    class_: Any = customer.service_class
    return PromiseOut(
        customer_id=customer_id,
        service_class=class_,
        policy=KEY,
        policy_version=document.version,
        promise=policy.classes[class_].model_dump(mode="json"),
    )
