"""Where JSON objects end, in bytes that are cut anywhere.

Law of this file: brackets and strings, no meaning. Linear: a byte is looked at once, by a regular
expression that jumps from mark to mark; an unfinished object is kept as bytes, not as pieces. Outside
strings a backslash means nothing.
"""

import re

_MARKS = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')


class JSONScan:
    """Finds objects one after another, whatever stands between them (white space, commas, the
    brackets of an array around them)."""

    __slots__ = ("_begun", "_depth", "_escaped", "_quoted")

    def __init__(self) -> None:
        self._begun = bytearray()  # the unfinished object
        self._depth = 0  # of braces and brackets inside an object; brackets outside do not count
        self._quoted = False
        self._escaped: bool = False

    @property
    def held(self) -> int:
        """The size in bytes of the unfinished object."""
        return len(self._begun)

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that are whole now, as bytes."""
        found: list[bytes] = []
        at = 1 if self._escaped and data else 0
        self._escaped = self._escaped and not data
        begin = 0
        while True:
            mark = (_INSIDE if self._quoted else _MARKS).search(data, at)
            if mark is None:
                break
            at = mark.end()
            sign = mark.group()
            if sign == b"\\":
                self._escaped = at >= len(data)
                at += 1
            elif sign == b'"':
                self._quoted = bool(self._depth) and not self._quoted
            elif self._depth or sign == b"{":
                if not self._depth:
                    begin = mark.start()
                self._depth += 1 if sign in b"{[" else -1
                if not self._depth:
                    found.append(self._take(data[begin:at]))
        if self._depth:
            self._begun += data[begin:]
        return found

    def _take(self, last: bytes) -> bytes:
        if not self._begun:
            return last
        whole = bytes(self._begun) + last
        self._begun.clear()
        return whole
