"""Documents as people write them, read and checked: tier models."""

from services.scoring.documents.models import parse_model

__all__ = ["parse_model"]
