"""The severity matrix as people write it."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from services.crisis.documents.naming import DocumentKey, Names, ServiceClassName, SeverityName
from services.crisis.domain.service_class import CLASSES
from services.crisis.domain.severity import IMPACTS, Matrix, Raise
from shared.documents import Document, InvalidDocument

ImpactName = Literal["low", "medium", "high", "critical"]
ResponsibilityName = Literal["victim", "accidental", "preventable"]
AtLeast = Annotated[int, Field(ge=1, le=1_000_000)]


def _money(text: str) -> str:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise PydanticCustomError("amount", "An amount is decimal text like '1000000'")
    return text


class WhenDocument(Document):
    """Circumstances; all that are given have to hold. Counts are lower limits."""

    public: bool | None = None
    responsibility: Annotated[tuple[ResponsibilityName, ...], Field(strict=False, min_length=1)] | None = None
    revenue_at_least: (
        dict[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], Annotated[str, AfterValidator(_money)]] | None
    ) = None
    earlier_cases: AtLeast | None = None
    matters: AtLeast | None = None
    reopened: AtLeast | None = None


class RaiseDocument(Document):
    """Circumstances that raise the severity, and by how many steps."""

    key: DocumentKey
    name: Names = Field(default_factory=dict)
    when: WhenDocument
    steps: Annotated[int, Field(ge=1, le=3)] = 1


class SeverityMatrixDocument(Document):
    """The base for each class and impact, and what raises it. The severity is never above S1."""

    key: DocumentKey
    name: Names = Field(default_factory=dict)
    base: dict[ServiceClassName, dict[ImpactName, SeverityName]]
    raises: Annotated[tuple[RaiseDocument, ...], Field(strict=False, max_length=50)] = ()

    def to_matrix(self, version: int) -> Matrix:
        """The matrix that the domain asks."""
        return Matrix(version, self.base, tuple(_raise(document) for document in self.raises))


def parse_severity_matrix(raw: object) -> SeverityMatrixDocument:
    """The matrix that JSON or YAML holds. Raises `InvalidDocument` with pointers from the document's root."""
    try:
        document = SeverityMatrixDocument.model_validate(raw)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None
    for service_class in CLASSES:
        row = document.base.get(service_class)
        if row is None:
            raise InvalidDocument.at(f"/base/{service_class}", "required", "every service class has a row")
        missing = [impact for impact in IMPACTS if impact not in row]
        if missing:
            raise InvalidDocument.at(
                f"/base/{service_class}/{missing[0]}", "required", "every row has a severity for each impact"
            )
    return document


def _raise(document: RaiseDocument) -> Raise:
    when = document.when
    money = when.revenue_at_least
    return Raise(
        key=document.key,
        steps=document.steps,
        is_public=when.public,
        responsibility=None if when.responsibility is None else frozenset(when.responsibility),
        revenue_at_least=None if money is None else {currency: Decimal(text) for currency, text in money.items()},
        earlier_cases=when.earlier_cases,
        matters=when.matters,
        reopened=when.reopened,
    )
