"""One text of an answer that comes as deltas and then whole: what was said, to be held against the whole.

Law of this file: bookkeeping, no events. The whole comes once (lmstudio-v1) or up to four times
(openai-responses). It is there to verify: where deltas came, it never becomes text (PROTOCOLS 3.3, 7.1).
"""

from io import StringIO

from tokenweir.pipeline.protocols.payload import read_payload
from tokenweir.pipeline.protocols.unicode_halves import whole


class Text:
    """One text of an item. `kept` are its deltas until the whole came, None then or where it is not to
    be verified; `ended` says that the whole came, `beside` names what came beside it (log
    probabilities, annotations)."""

    __slots__ = ("_last", "_mark", "beside", "ended", "kept", "size")

    def __init__(self) -> None:
        self.kept: StringIO | None = StringIO()  # a list would cost fifty bytes for each small delta
        self._last = ""
        self.beside: set[str] = set()
        self.size = 0
        self.ended = False
        self._mark: int | None = None

    def say(self, text: str) -> None:
        """More of it. What comes after the whole makes the whole stale."""
        self.size += len(text)
        if self.kept is None:
            self._mark = None
        else:
            self.kept.write(text)
            self._last = text

    def drop(self) -> None:
        """It is not to be verified."""
        self.kept = self._mark = None
        self._last = ""

    def equals(self, text: str) -> bool:
        """Whether the text so far is known to be this one."""
        if self.kept is None:
            return self._mark == hash(text)
        return self.size == len(text) and self.kept.getvalue() == text

    def may_be(self, text: str) -> bool:
        """Whether nothing is known to be otherwise about the text so far being this one."""
        return self.equals(text) or (self.kept is None and self._mark is None)

    def agrees(self, text: str, *, json: bool) -> bool:
        """Whether the deltas were this text, and no more of them are kept then. A backend that resends
        everything, as deltas or once more at the end, agrees by its last delta; `json` by its value.
        What cannot be told agrees."""
        text, self.ended = whole(text), True
        if self.kept is None:
            return self._mark is None or self._mark == hash(text)
        said, last = self.kept.getvalue(), self._last
        self.kept, self._last = None, ""
        agreed = text in (said, last) or (json and _same_json(said, text))
        self._mark = hash(text) if agreed else None
        return agreed


def _same_json(one: str, other: str) -> bool:
    try:
        return read_payload(one.encode()) == read_payload(other.encode())
    except (ValueError, RecursionError):
        return False
