"""Collecting every fault of a document before refusing it, each with the place where it stands."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.contracts.errors import FieldError, pointer_of
from shared.documents import InvalidDocument


class Faults:
    """The faults found so far and the place that is being read."""

    def __init__(self) -> None:
        self._found: list[FieldError] = []
        self._path: tuple[str | int, ...] = ()

    @contextmanager
    def at(self, *steps: str | int) -> Iterator[None]:
        """Read a place inside the present one."""
        before, self._path = self._path, (*self._path, *steps)
        try:
            yield
        finally:
            self._path = before

    def add(self, rule: str, detail: str, *steps: str | int) -> None:
        """A fault here, or at a place inside."""
        self._found.append(FieldError(pointer_of((*self._path, *steps)), rule, detail))

    def unique(self, place: str, keys: Sequence[object], field: str = "key") -> None:
        """A fault for every key of the list at `place` that stood there before."""
        for index, key in enumerate(keys):
            if key in keys[:index]:
                self.add("unique", f"a second {key}", place, index, field)

    def raise_if_any(self) -> None:
        """Raise `InvalidDocument` with everything found."""
        if self._found:
            raise InvalidDocument(self._found)
