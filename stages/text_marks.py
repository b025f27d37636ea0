"""Looking for marks (tags, stop sequences) in text that comes in pieces.

Law of this file: what of a text must wait, since it could be the beginning of a mark, and no more.
"""

import re
from collections.abc import Iterable


class Marks:
    """A set of marks, none of them empty."""

    def __init__(self, marks: Iterable[str]) -> None:
        self._marks = tuple(sorted(set(marks), key=len))
        self._begins = re.compile("[" + "".join(re.escape(mark[0]) for mark in self._marks) + "]")
        self._longest = max(map(len, self._marks), default=0)

    def first(self, text: str, begin: int = 0) -> tuple[int, str] | None:
        """Place and name of the mark that is complete first; of several that end together, the longest.

        This is where a backend that looks after each character would have found one, so that it does
        not depend on how the text was cut.

        >>> Marks(["abcd", "bc"]).first("xabcd")
        (2, 'bc')
        """
        if self._begins.search(text, begin) is None:
            return None
        best: tuple[int, int, str] | None = None
        for mark in self._marks:
            at = text.find(mark, begin, None if best is None else best[0])
            if at >= 0:
                best = (at + len(mark), at, mark)
        return None if best is None else best[1:]

    def held(self, text: str, begin: int = 0) -> int:
        """How many characters at the end of `text` could be the beginning of a mark.

        >>> Marks(["</think>"]).held("so</th"), Marks(["</think>"]).held("a < b")
        (4, 0)
        """
        at = max(begin, len(text) - self._longest + 1)
        while found := self._begins.search(text, at):
            rest = text[found.start() :]
            if any(mark.startswith(rest) for mark in self._marks):
                return len(rest)
            at = found.start() + 1
        return 0

    def begins(self, text: str) -> bool:
        """Whether all of `text` could be the beginning of a mark."""
        return any(mark.startswith(text) for mark in self._marks)

    def at_start(self, text: str) -> str | None:
        """The shortest mark that `text` begins with."""
        return next((mark for mark in self._marks if text.startswith(mark)), None)
