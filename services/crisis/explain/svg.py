"""Writing SVG: elements as text, everything that people wrote escaped, no script, style sheet or outside resource."""

import re
from functools import cache, lru_cache
from html import escape
from unicodedata import east_asian_width

_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold, not even escaped."""
_PLAIN = re.compile(r"[\w #.,:;()/+%·–→⚠-]*")
"""What needs no escaping, so that the search for what does can be spared."""


def element(name: str, *inside: str, **attributes: object) -> str:
    """An element. Attribute names are written with underscores; `inside` are elements and what `words` answers."""
    written = "".join([f' {_name(key)}="{_value(value)}"' for key, value in attributes.items()])
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def words(text: str) -> str:
    """Text as it stands inside of an element."""
    return _safe(text)


def rect(
    x: float, y: float, width: float, height: float, *, fill: str, title: str | None = None, **more: object
) -> str:
    """A rectangle; `title` is what a pointer over it shows."""
    inside = () if title is None else (element("title", words(title)),)
    return element("rect", *inside, x=x, y=y, width=max(width, 0.1), height=max(height, 0.1), fill=fill, **more)


def line(x: float, top: float, bottom: float, *, stroke: str, **more: object) -> str:
    """An upright line."""
    return element("line", x1=x, y1=top, x2=x, y2=bottom, stroke=stroke, **more)


def label(x: float, y: float, text: str, *, fill: str = "#1f2933", size: float = 11, **more: object) -> str:
    """A line of text, its baseline at `y`."""
    return element("text", words(text), x=x, y=y, fill=fill, font_size=size, **more)


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
