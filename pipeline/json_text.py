"""Whether text is one whole JSON value: the little that framing needs to know of JSON.

Law of this file: no meaning, only where a value ends. Linear over any number of pieces.
"""

import json
import re

import msgspec

_MARKS = re.compile(rb'["\\{}\[\]]')


def is_json(text: bytes) -> bool:
    """Whether `text` is one whole JSON value. What Python's own reader takes counts too: half
    surrogates and NaN, which real servers send."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except RecursionError:
        return False
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _is_loose_json(text)
    return True


def _is_loose_json(text: bytes) -> bool:
    try:
        json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True


class Brackets:
    """Follows the brackets of a JSON text, cut anywhere, to the point where all are closed."""

    __slots__ = ("_depth", "_escaped", "_quoted")

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def add(self, piece: bytes) -> bool:
        """Take what follows; say whether no bracket and no string is open now."""
        skip = 0 if self._escaped else -1
        for mark in _MARKS.finditer(piece):
            at, sign = mark.start(), mark.group()
            if at == skip:
                continue
            if self._quoted:
                if sign == b"\\":
                    skip = at + 1
                elif sign == b'"':
                    self._quoted = False
            elif sign == b'"':
                self._quoted = True
            elif sign in b"{[":
                self._depth += 1
            elif sign in b"}]":
                self._depth -= 1
        if piece:
            self._escaped = skip == len(piece)
        return self._depth <= 0 and not self._quoted


class JSONText:
    """Collects the lines of one JSON object or array until its brackets balance."""

    __slots__ = ("_brackets", "_text")

    def __init__(self) -> None:
        self._text = bytearray()
        self._brackets = Brackets()

    def add(self, line: bytes) -> bool:
        """Take one line (without its end); say whether the value is whole now."""
        if not line:
            self._text += b"\n"
            return False
        ended = line + b"\n"
        self._text += ended
        return self._brackets.add(ended)

    def value(self) -> bytes:
        """What was collected."""
        return bytes(self._text[:-1])
