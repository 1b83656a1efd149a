"""Weights of a document read into the domain's: trees by profile, fine enough to be normalised exactly."""

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from math import gcd, lcm, prod
from typing import Final

from services.scoring.documents.faults import Faults
from services.scoring.documents.shapes import ModelShape, WeightShape
from services.scoring.domain.models.model import Indicator, Weight

ONLY_PROFILE: Final = "default"
FINEST: Final = 1 << 32
"""The finest share that groups may multiply to, so that scores stay exact in 64 bits."""


def read_profiles(faults: Faults, shape: ModelShape, indicators: Sequence[Indicator]) -> dict[str, Weight]:
    keys = [indicator.key for indicator in indicators]
    if shape.score.method == "sum":
        for place, given in (("weights", shape.weights), ("profiles", shape.profiles)):
            if given:
                faults.add("weights", "a sum has no weights", place)
        return {ONLY_PROFILE: Weight("", Fraction(1), tuple(Weight(key, Fraction(1)) for key in keys))}
    if (shape.weights is None) == (not shape.profiles):
        faults.add("weights", "a weighted mean states weights, or profiles with weights", "weights")
    faults.unique("profiles", [profile.key for profile in shape.profiles])
    found: dict[str, Weight] = {}
    if shape.weights is not None:
        with faults.at("weights"):
            found[ONLY_PROFILE] = _tree(faults, shape.weights, keys)
    for index, profile in enumerate(shape.profiles):
        with faults.at("profiles", index, "weights"):
            found[profile.key] = _tree(faults, profile.weights, keys)
    return found or {ONLY_PROFILE: Weight("", Fraction(1))}


def _tree(faults: Faults, weights: Sequence[WeightShape], keys: Sequence[str]) -> Weight:
    tree = Weight("", Fraction(1), _weights(faults, weights, set(keys), set()))
    if prod(_wholes(tree)) > FINEST:
        faults.add("precision", "too many groups with weights too fine to be normalised exactly")
    return tree


def _wholes(node: Weight) -> list[int]:
    """Per group the sum of its weights in their smallest common unit: what its shares are fractions of."""
    if not node.parts:
        return []
    scale = lcm(*(part.weight.denominator for part in node.parts))
    integers = [int(part.weight * scale) for part in node.parts]
    unit = reduce(gcd, integers) or 1
    return [sum(integers) // unit, *(whole for part in node.parts for whole in _wholes(part))]


def _weights(faults: Faults, weights: Sequence[WeightShape], known: set[str], seen: set[str]) -> tuple[Weight, ...]:
    parts = []
    for index, shape in enumerate(weights):
        with faults.at(index):
            if shape.weight <= 0:
                faults.add("range", "a weight is more than zero; leave out what does not count", "weight")
            if (shape.indicator is None) == (shape.group is None) or (shape.group is None) != (shape.of is None):
                faults.add("weights", "an indicator, or a group with its parts in of")
                continue
            if shape.indicator is not None:
                if shape.indicator not in known:
                    faults.add("reference", f"no indicator {shape.indicator}", "indicator")
                elif shape.indicator in seen:
                    faults.add("unique", f"{shape.indicator} is weighed twice", "indicator")
                seen.add(shape.indicator)
                parts.append(Weight(shape.indicator, shape.weight))
            else:
                with faults.at("of"):
                    inner = _weights(faults, shape.of or (), known, seen)
                parts.append(Weight(shape.group or "", shape.weight, inner))
    return tuple(parts)


def default_profile(faults: Faults, shape: ModelShape, profiles: dict[str, Weight]) -> str:
    if shape.default_profile is None:
        if len(profiles) > 1:
            faults.add("required", f"name one of {', '.join(profiles)}", "default_profile")
        return next(iter(profiles))
    if shape.default_profile not in profiles:
        faults.add("reference", f"no profile {shape.default_profile}", "default_profile")
    return shape.default_profile
