"""One item of an openai-responses answer, and its texts: what was said, to be held against the whole.

Law of this file: bookkeeping, no events. Every text of this wire comes as deltas and then whole, up to
four times. The whole is there to verify: where deltas came, it never becomes text (PROTOCOLS 7.1).
"""

from collections.abc import Iterator, Mapping
from io import StringIO
from itertools import chain, count
from typing import Literal

from tokenweir.pipeline.events import Channel
from tokenweir.pipeline.json_value import as_text
from tokenweir.pipeline.protocols.payload import read_payload
from tokenweir.pipeline.protocols.unicode_halves import whole

Kind = Literal["text", "refusal", "reasoning", "summary", "arguments"]

CHANNELS: Mapping[Kind, Channel] = {
    "text": "text",
    "refusal": "refusal",
    "reasoning": "reasoning",
    "summary": "reasoning",
}
"""Where a text goes; arguments are those of a call."""
_OTHER: Mapping[Kind, Kind] = {"reasoning": "summary", "summary": "reasoning"}
CALLS = frozenset({"function_call", "custom_tool_call"})
"""Items that are calls for the caller to run; every other tool is the server's own."""


class Text:
    """One text of an item. `kept` are its deltas until the whole came, None then or where it is not to
    be verified; `beside` names what came beside it (log probabilities, annotations)."""

    __slots__ = ("_last", "_mark", "beside", "kept", "size")

    def __init__(self) -> None:
        self.kept: StringIO | None = StringIO()  # a list would cost fifty bytes for each small delta
        self._last = ""
        self.beside: set[str] = set()
        self.size = 0
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

    def agrees(self, text: str, *, json: bool) -> bool:
        """Whether the deltas were this text, and no more of them are kept then. A backend that resends
        everything, as deltas or once more at the end, agrees by its last delta; `json` by its value.
        What cannot be told agrees."""
        text = whole(text)
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


class Item:
    """An item of the output, number `number` in the order in which they appeared. `kind` is "" where
    only deltas of it have come so far. Of a call, `call` is its number among the calls, and `call_id`
    and `name` are what was told of it."""

    __slots__ = (
        "call",
        "call_id",
        "closed",
        "id",
        "index",
        "kind",
        "latest",
        "mark",
        "name",
        "number",
        "texts",
    )

    def __init__(self, number: int, item_id: str, kind: str, index: int | None) -> None:
        self.number = number
        self.id = item_id
        self.index = index
        self.kind = kind
        self.call: int | None = None
        self.call_id = self.name = ""
        self.closed = False
        self.mark: int | None = None
        self.texts: dict[tuple[Kind, int], Text] = {}
        self.latest: dict[Kind, int] = {}

    @property
    def takes_arguments(self) -> bool:
        """Whether arguments are those of a call for the caller to run; else a tool of the server."""
        return self.kind in ("", *CALLS)

    def place(self, kind: Kind, index: int | None) -> int:
        """The index of a text; one that is not told is that of the latest text of its kind."""
        return self.latest.get(kind, 0) if index is None else index

    def places(self, kind: Kind) -> Iterator[int]:
        """The indexes of the texts of a kind in ascending order, and then free ones: a list of wholes
        has all of them, whatever numbers the deltas had."""
        said = sorted(index for of, index in self.texts if of == kind)
        return chain(said, count(said[-1] + 1 if said else 0))

    def has_said(self, kind: Kind, index: int, text: str) -> bool:
        """Whether this reasoning is there already as the other kind: some send it as both."""
        other = _OTHER.get(kind)
        found = self.texts.get((other, index)) if other else None
        return found is not None and found.equals(text)


WHOLES: Mapping[str, tuple[Kind, str]] = {
    "output_text": ("text", "text"),
    "text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning", "text"),
    "summary_text": ("summary", "text"),
}
"""The type of a part -> which text it is, and the field that holds it."""


def whole_of(part: Mapping[str, object]) -> tuple[Kind, str] | None:
    """Which text a part is, and that text; None for a part that is no text."""
    kind, field = WHOLES.get(as_text(part.get("type")), (None, ""))
    return None if kind is None else (kind, as_text(part.get(field)))
