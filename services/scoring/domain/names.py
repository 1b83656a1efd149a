"""Names made comparable, so that a customer is found however the name was typed."""

import unicodedata


def comparable(name: str) -> str:
    """The name in one width and case, spaces collapsed: 'ＡＢＣ  泵业' and 'abc 泵业' are the same."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def grams(name: str) -> frozenset[str]:
    """The single characters and neighbouring pairs of a comparable name: what an index can look for inside it.

    Every name that contains a piece contains all grams of the piece.
    """
    return frozenset(name) | frozenset(name[at : at + 2] for at in range(len(name) - 1))
