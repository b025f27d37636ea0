"""One choice of an openai-chat answer: its delta (or message) as events.

Law of this file: the fields inside `choices[]` and nothing around them. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from tokenweir.pipeline.events import Channel, Delta, Event, Extra, FinishReason, ToolDelta
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.tool_calls import ToolCalls

FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""Native finish reasons; any other is "other"."""

_REASONING = ("reasoning_content", "reasoning", "thinking")
_KNOWN_CHOICE = frozenset(
    {"index", "delta", "message", "finish_reason", "native_finish_reason", "text", "seed"}
)
_KNOWN_DELTA = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "reasoning_details", "token_id"}
).union(_REASONING)


class Choice:
    """What is known of one choice so far. `seen` says whether any text or call has come."""

    __slots__ = ("calls", "finished", "index", "seen")

    def __init__(self, index: int) -> None:
        self.index = index
        self.finished = False
        self.seen = False
        self.calls = ToolCalls(index)

    def feed(self, entry: Mapping[str, Any], out: list[Event], *, whole: bool) -> None:
        """Add the content of one entry to `out`, in the order reasoning, text, refusal, tool calls.

        `message` counts where there is no delta, or where it comes with the finish and no delta ever
        brought anything: beside deltas it only repeats them (PROTOCOLS 2.2). `whole` says that the
        payload is an answer, not a chunk.

        Raises OverflowError for too many tool calls, after what came before them.
        """
        delta, message = entry.get("delta"), as_object(entry.get("message"))
        self._content(as_object(delta), out)
        if message and not self.seen and (whole or delta is None or entry.get("finish_reason")):
            self._content(message, out)

    def unknown(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the entry and its delta that nobody models."""
        inner = as_object(entry.get("delta")) or as_object(entry.get("message"))
        found = {key: value for key, value in inner.items() if key not in _KNOWN_DELTA}
        found |= {
            key: value for key, value in entry.items() if value is not None and key not in _KNOWN_CHOICE
        }
        return found

    def _content(self, delta: Mapping[str, Any], out: list[Event]) -> None:
        self._reasoning(delta, out)
        content = delta.get("content")
        if isinstance(content, str):
            self._text(content, "text", out)
        elif content:
            self._parts(as_list(content), out)
        self._text(as_text(delta.get("refusal")), "refusal", out)
        fragments, legacy = as_list(delta.get("tool_calls")), as_object(delta.get("function_call"))
        if fragments or legacy:
            before = len(out)
            self.calls.feed(fragments, out)
            if legacy:
                self.calls.legacy(legacy, out)
            self.seen = self.seen or any(isinstance(event, ToolDelta) for event in out[before:])

    def _text(self, text: str, channel: Channel, out: list[Event]) -> None:
        if text:
            self.seen = True
            out.append(Delta(text, channel, self.index))

    def _reasoning(self, delta: Mapping[str, Any], out: list[Event]) -> None:
        """The same text stands under several names at some gateways: the first one counts. Details
        are kept as they are where they hold anything else (a signature or an encrypted part, which
        the next request must send back), or where they stand alone."""
        text = ""
        for name in _REASONING:
            if not text and delta.get(name):
                text = text_of(delta[name])
        self._text(text, "reasoning", out)
        entries = as_list(delta.get("reasoning_details"))
        if not entries:
            return
        kept = [
            entry for entry in entries if not text or not text_of(entry) or as_object(entry).get("signature")
        ]
        if kept:
            out.append(Extra("reasoning_details", as_raw(kept), self.index))

    def _parts(self, parts: Sequence[object], out: list[Event]) -> None:
        for part in parts:
            kind = as_object(part).get("type")
            text = text_of(part)
            if text:
                self._text(text, "reasoning" if kind in ("thinking", "reasoning") else "text", out)
            elif kind not in ("text", "thinking"):
                out.append(Extra("content_part", as_raw(part), self.index))


def text_of(value: object) -> str:
    """The text in a string, a list of parts, or a part (`text`, `thinking`, `summary`)."""
    if isinstance(value, str):
        return value
    fields = as_object(value)
    inside = next((fields[name] for name in ("text", "thinking", "summary") if fields.get(name)), None)
    if isinstance(inside, (str, list)):
        return text_of(cast("object", inside))
    return "".join(map(text_of, as_list(value)))
