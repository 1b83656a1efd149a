"""Writing SVG: elements as text, everything that people wrote escaped, no script, style sheet or outside resource."""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from html import escape
from unicodedata import east_asian_width

_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold, not even escaped."""
_PLAIN = re.compile(r"[\w #.,:;()/+%·–→⚠-]*")
"""What needs no escaping, so that the search for what does can be spared."""


def element(name: str, *inside: str, **attributes: object) -> str:
    """An element. Attribute names are written with underscores; `inside` are elements and what `words` answers."""
    written = _written(attributes)
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def words(text: str) -> str:
    """Text as it stands inside of an element."""
    return _safe(text)


# The three that a picture holds by the hundred are written at one go.


def rect(
    x: float, y: float, width: float, height: float, *, fill: str, title: str | None = None, **more: object
) -> str:
    """A rectangle; `title` is what a pointer over it shows."""
    begin = (
        f'<rect x="{x:.6g}" y="{y:.6g}" width="{max(width, 0.1):.6g}" height="{max(height, 0.1):.6g}"'
        f' fill="{_attribute(fill)}"{_written(more)}'
    )
    return f"{begin}/>" if title is None else f"{begin}><title>{words(title)}</title></rect>"


def line(x: float, top: float, bottom: float, *, stroke: str, **more: object) -> str:
    """An upright line."""
    return (
        f'<line x1="{x:.6g}" y1="{top:.6g}" x2="{x:.6g}" y2="{bottom:.6g}" stroke="{_attribute(stroke)}"'
        f"{_written(more)}/>"
    )


def lines(places: Iterable[float], top: float, length: float, *, stroke: str) -> str:
    """Upright lines of one length, as one element."""
    drawn = " ".join([f"M{x:.6g} {top:.6g}v{length:.6g}" for x in places])
    return element("path", d=drawn, stroke=stroke) if drawn else ""


def label(x: float, y: float, text: str, *, fill: str = "#1f2933", size: float = 11, **more: object) -> str:
    """A line of text, its baseline at `y`."""
    return (
        f'<text x="{x:.6g}" y="{y:.6g}" fill="{_attribute(fill)}" font-size="{size:g}"{_written(more)}>'
        f"{words(text)}</text>"
    )


def text_width(text: str, size: float = 11) -> float:
    """About how wide a text will be drawn; a little too much rather than too little."""
    if text.isascii():
        return 0.58 * size * len(text)
    wide = sum(map(_is_wide, text))
    return size * (wide + 0.58 * (len(text) - wide))


@lru_cache(maxsize=4096)
def _is_wide(character: str) -> bool:
    return east_asian_width(character) in "WF"


def fitting(text: str, room: float, size: float = 11) -> str:
    """The text cut to the room it has, with an ellipsis."""
    if text_width(text, size) <= room:
        return text
    while text and text_width(text + "…", size) > room:
        text = text[:-1]
    return text + "…" if text else ""


@cache
def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _written(attributes: Mapping[str, object]) -> str:
    return "".join([f' {_name(key)}="{_value(value)}"' for key, value in attributes.items()])


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return _attribute(value) if isinstance(value, str) else str(value)


@lru_cache(maxsize=512)
def _attribute(text: str) -> str:
    """Attributes are colours and words of ours, the same again and again."""
    return _safe(text)


def _safe(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return escape(_UNWRITABLE.sub("�", text), quote=True)
