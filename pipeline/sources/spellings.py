r"""Every way in which a text may spell a secret, found in bytes that may end anywhere.

Law of this file: pure; it finds, and whoever asks masks. A secret is matched character by character, each
as it is or escaped in any of the ways of JSON, URLs and HTML, whatever its neighbours are: servers differ
in what they escape. An escape may stand within one more (JSON in a JSON string, `%252B`, `&amp;#43;`). What
turns a secret into something else as a whole (base64, compression, a hash) is not looked for.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache

from msgspec import Struct

_SLASHES = ("\\", "\\" * 2, "\\" * 3, "\\" * 4)
"""What begins an escape of JSON, of a JSON text in a JSON string, and what a careless writer makes of it."""
_ESCAPES = (b"\\", b"%", b"&", b"+")
"""What escapes begin with."""
_STEM = 8
"""Characters that are looked for at once; where they stand, the rest is followed one by one."""
_FINDERS = 64
"""Secrets whose finders are kept, since each request asks for them anew."""


class _Character(Struct, frozen=True):
    """A character as it is; how it may be escaped, and in which lengths; and what may be the beginning of
    any of these."""

    itself: bytes
    escaped: frozenset[bytes]
    sizes: tuple[int, ...]
    begun: frozenset[bytes]


class Scan(Struct, frozen=True):
    """Where a secret stands, each time from its first byte to behind its last; and from where on all that
    follows may be the beginning of one: the length of the data, where nothing may."""

    found: Sequence[tuple[int, int]]
    begun: int


class Finder:
    """Finds one secret, which is not empty. Where nothing looks like its first characters, it costs little
    more than a search for one byte."""

    def __init__(self, secret: str) -> None:
        self._characters = [_character(one) for one in secret]
        self._opening = _opening(secret)

    def scan(self, data: bytes, begin: int = 0) -> Scan:
        r"""Where it stands in `data`, from offset `begin` on.

        >>> Finder("a+b=cd").scan(rb"no a\u002Bb%3dcd, a&#4")
        Scan(found=[(3, 16)], begun=18)
        """
        found: list[tuple[int, int]] = []
        begun = len(data)
        candidate = self._opening.search(data, begin)
        while candidate is not None:
            at = candidate.start()
            end, cut = self._follow(data, at)
            if end is not None:
                found.append((at, end))
            if cut:
                begun = min(begun, at)
            candidate = self._opening.search(data, at + 1)
        return Scan(found, begun)

    def _follow(self, data: bytes, at: int) -> tuple[int | None, bool]:
        """Where the secret ends that begins there, and whether the data may have ended within it. A text
        may be read in several ways (`%25` as one character, or as three): all are followed at once."""
        places = {at}
        cut = False
        for character in self._characters:
            cut = cut or any(_is_cut(data, place, character) for place in places)
            places = {end for place in places for end in _ends(data, place, character)}
            if not places:
                return None, cut
        return max(places), cut


@lru_cache(maxsize=_FINDERS)
def finder(secret: str) -> Finder:
    """The finder of a secret."""
    return Finder(secret)


def _is_cut(data: bytes, place: int, character: _Character) -> bool:
    left = len(data) - place
    return left == 0 or (left < character.sizes[-1] and data[place:] in character.begun)


def _ends(data: bytes, place: int, character: _Character) -> Iterator[int]:
    if data.startswith(character.itself, place):
        yield place + len(character.itself)
    if data[place : place + 1] in _ESCAPES:
        for size in character.sizes:
            if data[place : place + size] in character.escaped and place + size <= len(data):
                yield place + size


@cache
def _character(one: str) -> _Character:
    itself = one.encode()
    escaped = frozenset(text.encode() for text in _escapes(one))
    begun = frozenset(text[:size] for text in escaped | {itself} for size in range(1, len(text)))
    return _Character(itself, escaped, tuple(sorted({len(text) for text in escaped})), begun)


def _escapes(one: str) -> Iterator[str]:
    """Digits of a number in capitals or not, and with zeros before it or not."""
    octets = one.encode()
    units = one.encode("utf-16-be").hex(" ", 2).split(" ")
    yield from (slashes + json.dumps(one)[2:-1] for slashes in _SLASHES if json.dumps(one)[1] == "\\")
    for case in (str.lower, str.upper):
        for slashes in _SLASHES:
            yield "".join(f"{slashes}u{case(unit)}" for unit in units)
            yield "".join(f"{slashes}x{case(f'{octet:02x}')}" for octet in octets)
        for percent in ("%", "%25"):
            yield "".join(f"{percent}{case(f'{octet:02x}')}" for octet in octets)
        for ampersand in ("&#", "&amp;#"):
            for width in (1, 3, 4, 5):
                yield f"{ampersand}{ord(one):0{width}};"
                yield f"{ampersand}x{case(f'{ord(one):0{width}x}')};"
                yield f"{ampersand}X{case(f'{ord(one):0{width}x}')};"
    if not one.isalnum():
        yield from (slashes + one for slashes in _SLASHES)
        yield from (ampersand + name for name in _names().get(one, ()) for ampersand in ("&", "&amp;"))
    if one == " ":
        yield "+"


@cache
def _names() -> Mapping[str, Sequence[str]]:
    """Character -> its names in HTML, with their semicolon."""
    from html.entities import html5  # noqa: PLC0415 - a start without a secret to hide does not pay for it

    names: dict[str, list[str]] = {}
    for name, meant in html5.items():
        if name.endswith(";"):
            names.setdefault(meant, []).append(name)
    return names


def _opening(secret: str) -> re.Pattern[bytes]:
    """What every place matches at which the secret or its beginning stands, and few others."""
    first = secret[0]
    if not (first.isascii() and first.isprintable() and first != " "):
        return re.compile(_one_of(first).encode("latin-1"))
    itself, low, number = re.escape(first), f"{ord(first):02x}", ord(first)
    code = f"(?:{low}|{low.upper()})"
    numbered, bare, entity = (
        rf"(?:u00|x){code}",
        "",
        rf"(?:amp;)?#[xX]?0*(?:{code}|{number})|[\w#;]{{0,11}}\Z",
    )
    if not first.isalnum():
        bare, entity = f"|{itself}", ""  # a backslash may stand before it as it is, and it has names
    ways = (
        itself + _behind(secret, 1),
        rf"\\(?:\\{{0,3}}(?:{numbered}{bare})|[\w\\]{{0,8}}\Z)",
        rf"%(?:(?:25)?{code}|\w{{0,4}}\Z)",
        rf"&(?:{entity})",
    )
    return re.compile("|".join(ways).encode("latin-1"))


def _behind(secret: str, at: int) -> str:
    """What may stand at character `at` of a secret, where those before it are not escaped."""
    one = secret[at : at + 1]
    if not one:
        return ""
    if at >= _STEM or not one.isascii() or one in "\\%& ":
        return rf"(?:{_one_of(one)}|\Z)"
    return rf"(?:{re.escape(one)}{_behind(secret, at + 1)}|[\\%&]|\Z)"


def _one_of(one: str) -> str:
    """The bytes with which a character may begin, each as the character of its number."""
    begins = {one.encode()[0], *(text.encode()[0] for text in _escapes(one))}
    return f"[{''.join(re.escape(chr(byte)) for byte in sorted(begins))}]"
