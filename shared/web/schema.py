"""What the bodies of all services have in common."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class In(BaseModel):
    """What a caller sends: unknown fields are refused, for a misspelt one must not be ignored in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Out(BaseModel):
    """What we answer. Fields have no defaults: what is documented is always there."""

    model_config = ConfigDict(frozen=True, from_attributes=True, protected_namespaces=())


class Listing(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next_page_token: str | None = Field(description="Send it as `page_token` for the next page; null on the last.")


class FieldProblem(BaseModel):
    """One thing that is not right."""

    pointer: str = Field(description="JSON Pointer into the body; `/query/…`, `/header/…`, `/path/…` for other places.")
    rule: str = Field(description="The rule that is broken, for programs.")
    detail: str = Field(description="What would be right, for people.")


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable address of the kind of problem; the catalogue is at `/problems`.")
    title: str = Field(description="The kind in one sentence; Chinese with `Accept-Language: zh`.")
    status: int = Field(description="The HTTP status again.")
    detail: str | None = Field(default=None, description="What happened this time.")
    instance: str | None = Field(default=None, description="The path that was asked.")
    errors: list[FieldProblem] | None = Field(default=None, description="Everything that is wrong with the input.")
    trace_id: str | None = Field(default=None, description="Find it again in the logs.")
