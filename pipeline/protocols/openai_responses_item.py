"""One item of an openai-responses answer: which texts it has, and which of them is meant.

Law of this file: bookkeeping, no events. What was said of each text stands in verified_text.py.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from tokenweir.pipeline.events import Channel
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.protocols.openai_responses_places import Places
from tokenweir.pipeline.protocols.verified_text import Text

Kind = Literal["text", "refusal", "reasoning", "summary", "arguments"]

CHANNELS: Mapping[Kind, Channel] = {
    "text": "text",
    "refusal": "refusal",
    "reasoning": "reasoning",
    "summary": "reasoning",
}
"""Where a text goes; arguments are those of a call."""
_OTHER: Mapping[Kind, Kind] = {"reasoning": "summary", "summary": "reasoning"}
SPOKEN = frozenset({"message", "reasoning"})
"""Items that are texts."""
CALLS = frozenset({"function_call", "custom_tool_call"})
"""Items that are calls for the caller to run; every other tool is the server's own."""


class Item:
    """An item of the output, number `number` in the order in which they appeared. `kind` is "" where
    only deltas of it have come so far. Of a call, `call` is its number among the calls, and `call_id`
    and `name` are what was told of it."""

    __slots__ = (
        "_places",
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
        self._places: dict[Kind, Places] = {}

    @property
    def is_nameless(self) -> bool:
        """Whether nothing but events of texts came of it, and those named no item."""
        return not self.id and self.index is None and not self.kind

    @property
    def takes_arguments(self) -> bool:
        """Whether arguments are those of a call for the caller to run; else a tool of the server."""
        return self.kind in ("", *CALLS)

    def place(self, kind: Kind, index: int | None) -> int:
        """The index of a text; one that is not told is that of the latest text of its kind."""
        return self.latest.get(kind, 0) if index is None else index

    def place_of_more(self, kind: Kind, index: int | None) -> int:
        """The index of a text that a delta is of; where it is not told, one that came whole is over."""
        place = self.place(kind, index)
        latest = self.texts.get((kind, place))
        return place + 1 if index is None and latest is not None and latest.ended else place

    def entry(self, item_id: str, kind: str) -> "Item":
        """An item of the whole output whose texts, and those of its neighbours, are all in this one."""
        made = Item(self.number, item_id, kind, None)
        made.texts, made._places = self.texts, self._places
        return made

    def place_of_whole(self, kind: Kind, index: int | None, text: str) -> int:
        """The index of a text that is told whole; where it is not told, another text than the whole that came
        already is the next one."""
        place = self.place(kind, index)
        latest = self.texts.get((kind, place))
        other = latest is not None and latest.ended and not latest.may_be(text)
        return place + 1 if index is None and other else place

    def match(self, kind: Kind, text: str) -> int | None:
        """The index of the text that the next whole of a kind is, in a list of all of them; None for an
        empty one of which nothing was said."""
        if kind not in self._places:
            known = {index: text for (of, index), text in self.texts.items() if of == kind}
            self._places[kind] = Places(known)
        return self._places[kind].take(text)

    def joined(self, parts: Iterable[object]) -> Kind | None:
        """The kind of which several parts are, one after the other, what the item's one text said: some
        number all their deltas alike."""
        if len(self.texts) != 1:
            return None
        [((kind, _), said)] = self.texts.items()
        wholes = [
            found[1] for found in filter(None, map(whole_of, map(as_object, parts))) if found[0] == kind
        ]
        return kind if len(wholes) > 1 and said.equals("".join(wholes)) else None

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
