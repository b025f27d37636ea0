"""The events of an openai-responses stream that tell of its output: one table from name to meaning.

Law of this file: which event brings a delta, which a whole text, which an item; and that no field of
them is dropped unseen. What becomes of them stands in openai_responses_output.py.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tokenweir.pipeline.events import Event, Extra
from tokenweir.pipeline.json_value import as_count, as_object, as_text
from tokenweir.pipeline.protocols.openai_responses_item import Item, Kind, whole_of
from tokenweir.pipeline.protocols.openai_responses_output import Output
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.tool_calls import arguments_text

NOISE = frozenset({"type", "sequence_number", "obfuscation"})
"""Fields of every event that say nothing of the answer."""


class TextEvent(NamedTuple):
    """Which text an event is about, the field that has it, and whether that is the whole of it."""

    kind: Kind
    field: str
    whole: bool = False


TEXTS: Mapping[str, TextEvent] = {
    "response.output_text.delta": TextEvent("text", "delta"),
    "response.output_text.done": TextEvent("text", "text", whole=True),
    "response.refusal.delta": TextEvent("refusal", "delta"),
    "response.refusal.done": TextEvent("refusal", "refusal", whole=True),
    "response.reasoning_text.delta": TextEvent("reasoning", "delta"),
    "response.reasoning_text.done": TextEvent("reasoning", "text", whole=True),
    "response.reasoning_summary_text.delta": TextEvent("summary", "delta"),
    "response.reasoning_summary_text.done": TextEvent("summary", "text", whole=True),
    "response.function_call_arguments.delta": TextEvent("arguments", "delta"),
    "response.function_call_arguments.done": TextEvent("arguments", "arguments", whole=True),
    "response.custom_tool_call_input.delta": TextEvent("arguments", "delta"),
    "response.custom_tool_call_input.done": TextEvent("arguments", "input", whole=True),
}
_PARTS: Mapping[str, bool] = {
    "response.content_part.added": False,
    "response.content_part.done": True,
    "response.reasoning_part.added": False,
    "response.reasoning_part.done": True,
    "response.reasoning_summary_part.added": False,
    "response.reasoning_summary_part.done": True,
}
"""Events of a part, and whether it is whole."""
_ITEMS: Mapping[str, bool] = {"response.output_item.added": False, "response.output_item.done": True}
_ANNOTATION = "response.output_text.annotation.added"
_KNOWN = NOISE.union(
    {"item_id", "output_index", "content_index", "summary_index", "logprobs", "name", "part", "item"},
    {said.field for said in TEXTS.values()},
)


class TextEvents:
    """Reads the events of the output."""

    def __init__(self) -> None:
        self.output = Output()

    def take(self, name: str, event: Mapping[str, Any], out: list[Event]) -> bool:
        """Add to `out` what an event says; False where it is none of these, or about a tool of the
        server, or has no text in it. Raises OverflowError beyond the limits of the output."""
        taken = False
        if name in TEXTS:
            taken = self._text(TEXTS[name], event, out)
        elif name in _PARTS:
            taken = self._part(event, out, whole=_PARTS[name])
        elif name in _ITEMS:
            taken = self._item(event, out, whole=_ITEMS[name])
        elif name == _ANNOTATION:
            item = self.output.items.of(event)
            found = item.texts.get(("text", item.place("text", as_count(event.get("content_index")))))
            if found is not None:
                found.beside.add("annotations")
        if taken:
            self.output.news(event, _KNOWN, out)
        return taken

    def _text(self, said: TextEvent, event: Mapping[str, Any], out: list[Event]) -> bool:
        value = event.get(said.field)
        if said.kind == "arguments" and value is not None:
            value = arguments_text(value)
        item = self.output.items.of(event, more=None if said.whole else said.kind)
        if not isinstance(value, str) or (said.kind == "arguments" and not item.takes_arguments):
            return False
        told = _index(said.kind, event)
        whole_at, more_at = item.place_of_whole, item.place_of_more
        index = whole_at(said.kind, told, value) if said.whole else more_at(said.kind, told)
        if said.whole:
            if said.kind == "arguments" and as_text(event.get("name")):
                self.output.name(item, as_text(event.get("name")), out)
            self.output.verify(item, said.kind, index, value, out)
            self.output.beside(item.texts.get((said.kind, index)), event, out)
        else:
            self.output.say(item, said.kind, index, value, out)
            self._logprobs(item, said.kind, index, event, out)
        return True

    def _logprobs(
        self, item: Item, kind: Kind, index: int, event: Mapping[str, Any], out: list[Event]
    ) -> None:
        """Each belongs to the delta beside it: two equal ones are two."""
        if event.get("logprobs"):
            item.texts[kind, index].beside.add("logprobs")
            out.append(Extra("logprobs", as_raw(event["logprobs"]), 0))

    def _part(self, event: Mapping[str, Any], out: list[Event], *, whole: bool) -> bool:
        part = as_object(event.get("part"))
        found = whole_of(part)
        if found is None:
            return not part
        self.output.part(part, out)
        if whole:
            kind, text = found
            item = self.output.items.of(event)
            index = item.place_of_whole(kind, _index(kind, event), text)
            self.output.verify(item, kind, index, text, out)
            self.output.beside(item.texts.get((kind, index)), part, out)
        return True

    def _item(self, event: Mapping[str, Any], out: list[Event], *, whole: bool) -> bool:
        fields = as_object(event.get("item"))
        if not fields:
            return False
        item = self.output.items.at(fields, event, begins=not whole)
        if whole:
            self.output.close(item, fields, out)
        else:
            self.output.begin(item, fields, out)
        return True


def _index(kind: Kind, event: Mapping[str, Any]) -> int | None:
    """The number of a text in its item, as far as it is told; arguments have none."""
    if kind == "arguments":
        return 0
    return as_count(event.get("summary_index" if kind == "summary" else "content_index"))
