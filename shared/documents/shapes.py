"""What the routes of documents take and answer."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from shared.contracts.errors import FieldError
from shared.documents import store
from shared.documents.activation import Plan
from shared.documents.store import StoredDocument
from shared.web.schema import FieldProblem, In, Out


class DocumentOut(Out):
    """A version of a document."""

    key: str
    version: int
    state: store.State = Field(description="Only drafts can be changed; at most one version of a key is active.")
    body: dict[str, Any] = Field(description="The document.")
    origin: store.Origin = Field(
        description="Shipped ones are renewed by releases until somebody makes his own version."
    )
    problems: list[FieldProblem] = Field(description="What keeps a draft from being activated.")
    effective_from: datetime | None = Field(
        description="When it becomes or became active; null for a draft without a plan."
    )
    refused: str | None = Field(
        description="Why a draft whose planned instant has passed is not active yet; it is tried again until it is."
    )
    superseded_by: int | None = Field(
        description="For a draft without a plan: the newest version above it that is or was active."
    )
    created_by: str
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None

    @classmethod
    def of(
        cls,
        document: StoredDocument,
        problems: tuple[FieldError, ...] = (),
        *,
        plan: Plan | None = None,
        newest: int = 0,
    ) -> "DocumentOut":
        is_left = document.state == "draft" and plan is None and document.version < newest
        return cls(
            key=document.key,
            version=document.version,
            state=document.state,
            body=dict(document.body),
            origin=document.origin,
            problems=[FieldProblem(**problem.as_dict()) for problem in problems],
            effective_from=document.activated_at or (plan and plan.at),
            refused=plan and plan.refused,
            superseded_by=newest if is_left else None,
            created_by=document.created_by,
            created_at=document.created_at,
            activated_at=document.activated_at,
            retired_at=document.retired_at,
        )


class ActivationIn(In):
    """When a draft becomes active."""

    effective_from: AwareDatetime | None = Field(
        None,
        description="An instant in the next five years; at once without it.",
        examples=["2027-01-01T00:00:00+08:00"],
    )


class ValidationOut(Out):
    """Whether a content could be activated."""

    valid: bool
    errors: list[FieldProblem]
