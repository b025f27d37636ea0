"""Whether a place in Markdown text stands inside code.

Law of this file: one pass over text that comes in pieces, with three facts kept. A fence is open from
its line to the next line that begins like it; an inline span closes on the line where it was opened,
so that a stray backtick harms no other line.
"""

import re

_SIGNS = re.compile(r"\n|`+|~{3,}")
_FENCE = 3  # backticks or tildes at the beginning of a line, at least


class CodeSpans:
    """Where the text that was scanned so far ends: inside a fenced block, inside an inline span.

    >>> spans = CodeSpans()
    >>> spans.scan("Close it with `")
    >>> spans.inline, spans.fenced
    (True, False)
    """

    __slots__ = ("_blank", "_fence", "_run")

    def __init__(self) -> None:
        self._blank = True  # nothing but white space on this line yet
        self._fence = ""
        self._run = 0  # the number of backticks that opened an inline span

    @property
    def fenced(self) -> bool:
        """Inside a fenced block."""
        return bool(self._fence)

    @property
    def inline(self) -> bool:
        """Inside an inline span."""
        return self._run > 0

    def scan(self, text: str) -> None:
        """Go on with the text that follows; it ends at no place inside a run of backticks."""
        last = 0
        for found in _SIGNS.finditer(text):
            self._blank = self._blank and not text[last : found.start()].strip()
            self._sign(found[0])
            last = found.end()
        self._blank = self._blank and not text[last:].strip()

    def _sign(self, sign: str) -> None:
        if sign == "\n":
            self._run, self._blank = 0, True
            return
        if self._blank and len(sign) >= _FENCE:
            self._fence = "" if self._fence == sign[0] else self._fence or sign[0]
        elif not self._fence and sign[0] == "`":
            self._run = 0 if self._run == len(sign) else self._run or len(sign)
        self._blank = False
