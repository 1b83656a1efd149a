"""iCalendar's content lines (RFC 5545 section 3.1): written folded and escaped, read unfolded with their parameters."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

_OCTETS: Final = 75
"""A line is folded after this many octets, its line break not counted."""
_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_PARAMETER: Final = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)')
_ESCAPED: Final = re.compile(r"\\([\\;,nN])")


class MalformedLine(ValueError):  # noqa: N818 - reads as a fact
    """A line that is no content line. `number` counts from 1."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"line {number} is no content line: it has the form NAME;PARAMETER=value:value")


@dataclass(frozen=True, slots=True)
class ContentLine:
    """A property: name and parameter names in capitals, the value as it is written. `number` is its first line."""

    name: str
    value: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    number: int = 0


def written(lines: Iterable[tuple[str, str]]) -> bytes:
    """Properties as octets: UTF-8, CRLF at each end, folded between characters. Values are already escaped."""
    return b"".join(_folded(f"{name}:{value}") for name, value in lines)


def escaped(text: str) -> str:
    """TEXT as a value: backslash, semicolon, comma and line break are escaped, other control characters dropped."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    for sign in "\\;,":
        plain = plain.replace(sign, "\\" + sign)
    return "".join(sign for sign in plain.replace("\n", "\\n") if sign >= " " and sign != "\x7f")


def unescaped(value: str) -> str:
    """The text of a TEXT value."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def read_lines(text: str) -> Iterator[ContentLine]:
    """The properties of a stream, in order; bare line feeds are taken too. Raises MalformedLine."""
    for number, line in _unfolded(text):
        yield _line(number, line)


def _folded(line: str) -> bytes:
    pieces: list[bytes] = []
    piece, room = b"", _OCTETS
    for sign in line:
        octets = sign.encode()
        if len(piece) + len(octets) > room:
            pieces.append(piece)
            piece, room = b"", _OCTETS - 1
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    begun, whole = 0, ""
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), start=1):
        if line[:1] in {" ", "\t"} and whole:
            whole += line[1:]
            continue
        if whole:
            yield begun, whole
        begun, whole = number, line
    if whole:
        yield begun, whole


def _line(number: int, line: str) -> ContentLine:
    name = _NAME.match(line)
    if name is None:
        raise MalformedLine(number)
    parameters: dict[str, str] = {}
    place = name.end()
    while (found := _PARAMETER.match(line, place)) is not None:
        parameters[found[1].upper()] = found[2].strip('"')
        place = found.end()
    if line[place : place + 1] != ":":
        raise MalformedLine(number)
    return ContentLine(name[0].upper(), line[place + 1 :], parameters, number)
