"""Tier model documents: from what people write to `Model`, or every reason why not."""

from typing import Any

from pydantic import ValidationError

from services.scoring.documents.building import build
from services.scoring.documents.shapes import ModelShape
from services.scoring.domain.models.model import Model
from shared.documents import InvalidDocument


def parse_model(document: dict[str, Any]) -> Model:
    """The model that a document describes; see `ModelShape` for its parts.

    Raises `InvalidDocument`, whose `errors` say every reason found (pointer into the document, rule, detail): first
    those of shape, then those of meaning, then combinations of bands and stages that fall in no tier or in two.
    """
    try:
        shape = ModelShape.model_validate(document)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None
    return build(shape)
