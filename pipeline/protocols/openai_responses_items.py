"""The items of an openai-responses answer: which one an event is about.

Law of this file: finding, nothing of texts. `output_index` and `item_id` may be missing (llama-server),
reused, or other ones in every event, so an item is found by whichever of them holds (PROTOCOLS 7.1).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from tokenweir.pipeline.json_value import as_count, as_object, as_text
from tokenweir.pipeline.protocols.openai_responses_item import SPOKEN, Item, Kind

ITEM_LIMIT = 4096
"""Items of one answer; one with more is broken or hostile (fault V14)."""

_SAID: frozenset[Kind] = frozenset({"text", "refusal"})
"""What a message says, and no reasoning."""


class Items:
    """The items in the order in which they appeared. All methods raise OverflowError beyond ITEM_LIMIT."""

    def __init__(self) -> None:
        self._all: list[Item] = []
        self._by_index: dict[int, Item] = {}
        self._by_id: dict[str, Item] = {}

    def __iter__(self) -> Iterator[Item]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def of(self, event: Mapping[str, Any], *, more: Kind | None = None) -> Item:
        """The item that an event of one of its texts names; a new one, of no kind yet, where none is, or
        where `more` text of a kind comes for none in particular, and the last item has ended or cannot have
        such text."""
        index, item_id = as_count(event.get("output_index")), as_text(event.get("item_id"))
        found = next(self._near(index, item_id), None)
        over = found is not None and (found.closed or (found.kind == "reasoning" and more in _SAID))
        if found is None or (more is not None and over and index is None and not item_id):
            return self._add(item_id, "", index)
        return found

    def at(self, fields: Mapping[str, Any], event: Mapping[str, Any], *, begins: bool) -> Item:
        """The item that begins or ends with its `fields`: one that is under way, or a new one.

        What begins is new unless only deltas came before, or it has begun under the same id. What ends
        is one that has not ended, or the same that ended already.
        """
        kind, item_id = as_text(fields.get("type")), as_text(fields.get("id"))
        index = as_count(event.get("output_index"))
        for found in chain(self._near(index, item_id), () if begins else self._nameless()):
            same = bool(item_id) and found.id == item_id
            again = found.closed and same and found.index == index and not begins
            open_ = not found.closed and (not begins or same or not found.kind)
            if found.kind in ("", kind) and (again or open_):
                found.kind = kind
                found.id = found.id or item_id
                return found
        return self._add(item_id, kind, index)

    def _nameless(self) -> Iterator[Item]:
        """The last one, where only deltas of it came that named no item: what ends may be that."""
        if self._all and self._all[-1].is_nameless:
            yield self._all[-1]

    def matched(self, outputs: Sequence[Any]) -> Iterator[tuple[Mapping[str, Any], Item]]:
        """The whole output at the end, each entry with its item: by its id, else the next of its type
        that no other entry is, else a new one. An item of which nothing but text came, without a name, an
        index and an end, may be several entries."""
        listed = [fields for fields in map(as_object, outputs) if fields]
        known = [self._by_id.get(as_text(fields.get("id"))) for fields in listed]
        taken = {item.number for item in known if item is not None}
        left: dict[str, list[Item]] = {}
        for item in reversed(self._all):
            if item.number not in taken:
                left.setdefault(item.kind, []).append(item)
        for fields, found in zip(listed, known, strict=True):
            kind = as_text(fields.get("type"))
            item = found or self._next(left, kind, as_text(fields.get("id")))
            item.kind = item.kind or kind
            yield fields, item

    def _next(self, left: Mapping[str, list[Item]], kind: str, item_id: str) -> Item:
        waiting = left.get(kind) or left.get("")
        if not waiting:
            return self._add(item_id, kind, None)
        if waiting[-1].is_nameless and kind in SPOKEN:
            return waiting[-1].entry(item_id, kind)
        return waiting.pop()

    def _near(self, index: int | None, item_id: str) -> Iterator[Item]:
        """Those that could be meant: an id is sure where the index agrees, then the id alone, then the
        index alone; with neither, the last one."""
        by_index = None if index is None else self._by_index.get(index)
        by_id = self._by_id.get(item_id)
        if by_index is not None and (by_index.id == item_id or by_id is None):
            yield by_index
        elif by_id is not None:
            yield by_id
            if by_index is not None:
                yield by_index
        elif index is None and not item_id and self._all:
            yield self._all[-1]

    def _add(self, item_id: str, kind: str, index: int | None) -> Item:
        if len(self._all) >= ITEM_LIMIT:
            raise OverflowError(f"more than {ITEM_LIMIT} items in one answer")
        item = Item(len(self._all), item_id, kind, index)
        self._all.append(item)
        if index is not None:
            self._by_index[index] = item
        if item_id:
            self._by_id[item_id] = item
        return item
