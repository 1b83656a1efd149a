"""Tier model documents: from what people write to `Model`, or every reason why not."""

from typing import Any


def parse_model(document: dict[str, Any]) -> Any:
    """The model that a document describes.

    Raises `ModelInvalid`, whose `errors` are all the reasons found: each a `FieldError` (pointer into the document,
    rule, detail).
    """
    raise NotImplementedError
