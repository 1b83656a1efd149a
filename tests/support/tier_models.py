"""Shipped tier models for tests, and small documents to break."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from services.scoring.documents import parse_model
from services.scoring.domain.evaluator import CompiledModel, compile_model
from shared.documents.parsing import parse_document

PRESETS = Path(__file__).parents[2] / "services" / "scoring" / "presets"


def document(name: str) -> dict[str, Any]:
    """A fresh copy of a shipped document."""
    return deepcopy(_read(name))


@cache
def _read(name: str) -> dict[str, Any]:
    (path,) = PRESETS.glob(f"model*/{name}.yaml")
    return parse_document(path.read_bytes(), "application/yaml")


@cache
def shipped(name: str) -> CompiledModel:
    """A shipped model, compiled."""
    return compile_model(parse_model(document(name)))


def compiled(body: dict[str, Any]) -> CompiledModel:
    return compile_model(parse_model(body))


def weighted(**changes: Any) -> dict[str, Any]:
    """A weighted mean over two groups: margin and spend in one, two ratings in the other; gate at a half."""
    body: dict[str, Any] = {
        "key": "weighted",
        "name": {"en": "Weighted"},
        "currency": "USD",
        "zone": "America/New_York",
        "score": {"method": "weighted_mean", "coverage_gate": "0.5"},
        "indicators": [
            _indicator("spend_365d", "1000.00", "500.00"),
            _indicator("gross_margin_365d", 300, 100),
            _indicator("rating.influence", 4, 3),
            _indicator("rating.cooperation", 4, 3),
        ],
        "weights": [
            {
                "group": "money",
                "weight": 60,
                "of": [{"indicator": "spend_365d", "weight": 2}, {"indicator": "gross_margin_365d", "weight": 1}],
            },
            {
                "group": "judgement",
                "weight": 40,
                "of": [
                    {"indicator": "rating.influence", "weight": 1},
                    {"indicator": "rating.cooperation", "weight": 1},
                ],
            },
        ],
        "tiers": [
            {"key": "top", "rank": 1, "service_class": "strategic", "when": [{"score": {"at_least": 75}}]},
            {
                "key": "middle",
                "rank": 2,
                "service_class": "standard",
                "when": [{"score": {"at_least": 40, "below": 75}}],
            },
            {"key": "rest", "rank": 3, "service_class": "basic", "when": [{"score": {"below": 40}}]},
        ],
    }
    return body | changes


def _indicator(metric: str, high: Any, medium: Any) -> dict[str, Any]:
    bands = [
        {"key": "high", "points": 100, "at_least": high},
        {"key": "medium", "points": 60, "at_least": medium},
        {"key": "low", "points": 20},
    ]
    return {"metric": metric, "bands": bands}
