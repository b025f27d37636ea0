"""What the items of an openai-responses answer say, as events.

Law of this file: items and their texts; what surrounds them stands in openai_responses_decode.py. A
whole text is given where no delta of it came. Where deltas came and were not that text, the text stays
what they said, and one `Extra("mismatch")` has the whole: nothing is doubled, nothing taken back, and
nothing dropped unseen.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tokenweir.pipeline.events import Delta, Event, Extra
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import Extras, misread
from tokenweir.pipeline.protocols.openai_responses_item import CALLS, CHANNELS, SPOKEN, Item, Kind, whole_of
from tokenweir.pipeline.protocols.openai_responses_items import Items
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.tool_calls import ToolCalls, arguments_text
from tokenweir.pipeline.protocols.unicode_halves import Halves, whole
from tokenweir.pipeline.protocols.verified_text import Text

TEXT_LIMIT = 4096
"""Texts of one answer; one with more is broken or hostile (fault V14)."""
KEPT_LIMIT = 256 * 1024
"""Characters that are kept until their whole text comes; what is beyond is not verified."""

_LATER = frozenset({"encrypted_content"})
"""Fields of an item that are not yet whole when it begins."""
_NOTHING: tuple[object, ...] = (None, "", [], {})
_BESIDE = ("annotations", "logprobs")
_OWN = frozenset({"type", "id", "status", "role", "content", "summary"}).union(
    {"call_id", "name", "arguments", "input"}
)
_TYPES: Mapping[str, type] = {
    "content": list,
    "summary": list,
    "call_id": str,
    "name": str,
    "part": dict,
    "response": dict,
    "text": str,
    "refusal": str,
}
_OF_PART = frozenset({"type", "text", "refusal"}).union(_BESIDE)


class Output:
    """The items of one answer. Its methods add events to `out`, and raise OverflowError for too many
    items, texts, or calls. `calls` is how many there are for the caller to run, `current` the text that
    the last delta belonged to, where no half of a character is held."""

    def __init__(self) -> None:
        self.items = Items()
        self.calls = 0
        self.current: Text | None = None
        self._extras = Extras()
        self._fragments = ToolCalls(0)
        self._halves = Halves()
        self._texts = 0
        self._kept = 0

    def begin(self, item: Item, fields: Mapping[str, Any], out: list[Event]) -> None:
        """An item as it begins: a call has its name. The text in it comes again."""
        if item.kind in CALLS:
            self._call(item, as_text(fields.get("call_id")), as_text(fields.get("name")), out)
        self._tell(item, {key: fields[key] for key in fields if key not in _LATER}, out)

    def say(self, item: Item, kind: Kind, index: int, text: str, out: list[Event]) -> None:
        """A delta."""
        found = item.texts.get((kind, index)) or self._begin(item, kind, index)
        text = self._halves.mend(found, text)
        self.current = None if self._halves or kind == "arguments" else found
        if text:
            self.keep(found, text)
            self._give(item, kind, text, out)

    def keep(self, found: Text, text: str) -> None:
        """Keep a delta until the whole text comes."""
        self._kept += len(text)
        if self._kept > KEPT_LIMIT:
            found.drop()
        found.say(text)

    def verify(self, item: Item, kind: Kind, index: int, text: str, out: list[Event]) -> None:
        """A whole text: given where nothing was said of it, else held against what was said."""
        found = item.texts.get((kind, index))
        if found is not None:
            self._give_half(item, kind, found, out)
        silent = found is None or not found.size
        if silent and text and not item.has_said(kind, index, whole(text)):
            self.say(item, kind, index, text, out)
            found = item.texts[kind, index]
            self._give_half(item, kind, found, out)
        if found is None or not text or found.agrees(text, json=kind == "arguments"):
            return
        told = {"output_index": item.number, "kind": kind, "index": index, "text": text}
        out.append(Extra("mismatch", as_raw(told), 0))

    def beside(self, found: Text | None, fields: Mapping[str, Any], out: list[Event]) -> None:
        """Annotations and log probabilities of a whole text, where none came with its deltas."""
        for name in _BESIDE:
            value = fields.get(name)
            if value and found is not None and name not in found.beside:
                found.beside.add(name)
                out.append(Extra(name, as_raw(value), 0))

    def close(self, item: Item, fields: Mapping[str, Any], out: list[Event]) -> None:
        """An item as a whole. Only its first end counts for its text."""
        first, item.closed = not item.closed, True
        parts = [*as_list(fields.get("content")), *as_list(fields.get("summary"))]
        if first and item.kind in CALLS:
            call_id = as_text(fields.get("call_id")) or as_text(fields.get("id"))
            self._call(item, call_id, as_text(fields.get("name")), out)
            self.verify(item, "arguments", 0, _arguments_of(fields), out)
        elif first and item.kind in SPOKEN:
            self._close_texts(item, parts, out)
        for part in map(as_object, parts):
            if whole_of(part) is not None:
                self.news(part, _OF_PART, out)
        self._tell(item, fields, out)

    def sweep(self, outputs: Sequence[Any], out: list[Event]) -> None:
        """The whole output, at the end of the answer: what nothing was said of is given now."""
        for fields, item in self.items.matched(outputs):
            self.close(item, fields, out)

    def flush(self, out: list[Event]) -> None:
        """Give what is held: halves of characters, and calls that never got a name."""
        for item in self.items if self._halves else ():
            for (kind, _), found in item.texts.items():
                self._give_half(item, kind, found, out)
        out.extend(self._fragments.flush())

    def part(self, part: Mapping[str, Any], out: list[Event]) -> None:
        """A part as such, without its text."""
        self.news(part, _OF_PART, out)

    def news(self, fields: Mapping[str, Any], known: AbstractSet[str], out: list[Event]) -> None:
        """What nobody models of fields that come again and again."""
        unknown = {key: value for key, value in fields.items() if key not in known}
        self._extras.take(unknown | misread(fields, _TYPES), None, out)

    def name(self, item: Item, name: str, out: list[Event]) -> None:
        """The name of a call, where it comes with its arguments."""
        self._call(item, "", name, out)

    def _begin(self, item: Item, kind: Kind, index: int) -> Text:
        self._texts += 1
        if self._texts > TEXT_LIMIT:
            raise OverflowError(f"more than {TEXT_LIMIT} texts in one answer")
        found = item.texts[kind, index] = Text()
        item.latest[kind] = index
        return found

    def _give(self, item: Item, kind: Kind, text: str, out: list[Event]) -> None:
        if kind == "arguments":
            self._fragment(item, "", {"arguments": text}, out)
        else:
            out.append(Delta(text, CHANNELS[kind]))

    def _give_half(self, item: Item, kind: Kind, found: Text, out: list[Event]) -> None:
        for _, text in self._halves.flush(lambda key: key is found):
            found.say(text)
            self._give(item, kind, text, out)

    def _call(self, item: Item, call_id: str, name: str, out: list[Event]) -> None:
        """Its id and name, each the first time."""
        new_id, new_name = "" if item.call_id else call_id, "" if item.name else name
        if new_id or new_name or item.call is None:
            item.call_id, item.name = item.call_id or call_id, item.name or name
            self._fragment(item, new_id, {"name": new_name}, out)

    def _fragment(self, item: Item, call_id: str, function: Mapping[str, Any], out: list[Event]) -> None:
        if item.call is None:
            item.call = self.calls
            self.calls += 1
        self._fragments.feed([{"index": item.call, "id": call_id, "function": function}], out)

    def _close_texts(self, item: Item, parts: Sequence[Any], out: list[Event]) -> None:
        joined = item.joined(parts)
        for given in parts:
            part = as_object(given)
            found = whole_of(part)
            if found is None:
                if given:
                    out.append(Extra("content_part", as_raw(given), 0))
                continue
            kind, text = found
            index = None if kind == joined else item.match(kind, text)
            if index is not None:
                self.verify(item, kind, index, text, out)
                self.beside(item.texts.get((kind, index)), part, out)

    def _tell(self, item: Item, fields: Mapping[str, Any], out: list[Event]) -> None:
        """What nobody models, once for each value: a server's tool whole; of other items what is news,
        and of reasoning all that the next request may need."""
        told = dict(fields)
        if item.kind in (*SPOKEN, *CALLS):
            news = {key: value for key, value in fields.items() if key not in _OWN and value not in _NOTHING}
            if item.kind == "custom_tool_call":
                news |= {"call_id": item.call_id, "name": item.name}
            news |= misread(fields, _TYPES)
            if not news:
                return
            own = ("type", "content", "summary") if item.kind == "reasoning" else ()
            told = {"id": item.id, **{key: fields[key] for key in own if key in fields}, **news}
        data = as_raw(told)
        mark = hash(bytes(data))
        if mark != item.mark:
            item.mark = mark
            out.append(Extra(whole(item.kind) or "output_item", data, 0))


def _arguments_of(fields: Mapping[str, Any]) -> str:
    """Of a custom tool's call they are its `input`, any text."""
    return arguments_text(fields.get("arguments")) or arguments_text(fields.get("input"))
