"""A kind of document: what makes it valid, what activation makes of it, and how people reach it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.contracts.errors import FieldError
from shared.db.unit_of_work import UnitOfWork
from shared.documents.model import InvalidDocument
from shared.documents.store import StoredDocument


class Validate(Protocol):
    """Checks a document's content; raises InvalidDocument with every reason. What it returns is not used here."""

    def __call__(self, body: dict[str, Any], /) -> object: ...


class Compile(Protocol):
    """Makes of a valid document what is kept with the active version for good (a calendar's dates, for example)."""

    def __call__(self, body: dict[str, Any], /, *, now: datetime) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True, eq=False)
class DocumentKind:
    """One kind, there once. `name` is stored; `path` is where its routes are, `/v1/sla-policies` for example.

    `check` may look at other documents when a version is activated, and raises InvalidDocument. `activated` is
    called in the activating transaction, after the fact, with who did it (None for a shipped document).
    """

    name: str
    path: str
    title: str
    validate: Validate
    example: Mapping[str, Any]
    read_scope: str
    write_scope: str
    compile: Compile | None = None
    check: Callable[[UnitOfWork, dict[str, Any]], Awaitable[None]] | None = None
    activated: Callable[[UnitOfWork, StoredDocument, str | None], Awaitable[None]] | None = None

    def require_valid(self, key: str, body: dict[str, Any]) -> None:
        """Raise InvalidDocument when the content is not valid or belongs to another key."""
        if body.get("key", key) != key:
            raise InvalidDocument.at("/key", "key", f"this document is {key!r}; leave the key out or repeat it")
        self.validate(self.whole(key, body))

    def whole(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """The content with its key, which may be left out in what was sent."""
        return {**body, "key": key} if self.keyed else body

    @property
    def keyed(self) -> bool:
        """Whether the content of this kind names its key, as the example shows."""
        return "key" in self.example

    def problems(self, key: str, body: dict[str, Any]) -> tuple[FieldError, ...]:
        """Everything that is wrong with a content; empty for a valid one."""
        try:
            self.require_valid(key, body)
        except InvalidDocument as refusal:
            return refusal.errors
        return ()

    async def prepare(self, work: UnitOfWork, key: str, body: dict[str, Any]) -> Mapping[str, Any] | None:
        """Everything that activation demands; answers what is kept compiled. Raises InvalidDocument."""
        self.require_valid(key, body)
        content = self.whole(key, body)
        if self.check is not None:
            await self.check(work, content)
        return None if self.compile is None else self.compile(content, now=work.now)
