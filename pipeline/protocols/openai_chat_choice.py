"""One choice of an openai-chat answer: its delta (or message) as events.

Law of this file: the fields inside `choices[]` and nothing around them. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenweir.pipeline.events import Channel, Delta, Event, Extra, FinishReason, ToolDelta
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import misread
from tokenweir.pipeline.protocols.openai_chat_parts import beside_text, details_beside, refusal_of, text_of
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
_KNOWN_CHOICE = frozenset({"index", "delta", "message", "finish_reason", "usage", "error"})
_KNOWN_DELTA = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "reasoning_details"}
).union(_REASONING)
_TYPES: Mapping[str, type] = {
    "refusal": str,
    "tool_calls": list,
    "function_call": dict,
    "reasoning_details": list,
}
_TEXTS = ("content", *_REASONING)
_OF_CHOICE: Mapping[str, type] = {"delta": dict, "message": dict, "finish_reason": str}
_TOLD_AS: Mapping[str, str] = {
    "content": "text",
    **dict.fromkeys(_REASONING, "reasoning"),
    "reasoning_details": "details",
    "refusal": "refusal",
    "tool_calls": "calls",
    "function_call": "calls",
}
"""Field -> what it brings; see `Choice.told`."""

_SAID = (Delta, ToolDelta)


class Choice:
    """What is known of one choice so far. `told` has the channels of which any text has come, `calls` and
    `details`; `by_delta` says whether a delta brought any of it, `broken` whether the finish was an error."""

    __slots__ = ("broken", "by_delta", "calls", "finished", "index", "told")

    def __init__(self, index: int) -> None:
        self.index = index
        self.finished = self.broken = False
        self.told: set[str] = set()
        self.by_delta = False
        self.calls = ToolCalls(index)

    @property
    def seen(self) -> bool:
        """Whether any text or call has come."""
        return bool(self.told - {"details"})

    def feed(self, entry: Mapping[str, Any], out: list[Event], *, whole: bool) -> None:
        """Add the content of one entry to `out`, in the order reasoning, text, refusal, tool calls.

        `message` counts where it stands in place of the delta and no delta ever brought anything. With the
        finish it repeats what was said (PROTOCOLS 2.2), so there only that counts of it of which nothing
        came before: reasoning deltas may be followed by a message that alone has the text. `whole` says
        that the payload is an answer, not a chunk.

        Raises OverflowError for too many tool calls, after what came before them.
        """
        delta, message = entry.get("delta"), as_object(entry.get("message"))
        if self._is_bare(entry):
            self._text(as_text(entry.get("text")), "text", out)
        elif delta:
            begun = len(out)
            self._content(as_object(delta), out)
            self.by_delta = self.by_delta or any(isinstance(event, _SAID) for event in out[begun:])
        if message and (whole or entry.get("finish_reason")):
            self._untold(message, out)
        elif message and delta is None and not self.by_delta:
            self._content(message, out)

    def _untold(self, message: Mapping[str, Any], out: list[Event]) -> None:
        before, events = frozenset(self.told), list[Event]()
        self._content({key: message[key] for key in message if _TOLD_AS.get(key) not in before}, events)
        out += [event for event in events if not (isinstance(event, Delta) and event.channel in before)]

    def _is_bare(self, entry: Mapping[str, Any]) -> bool:
        """Whether a choice has nothing but a text of its own, as a plain completion has."""
        return entry.get("delta") is None and not entry.get("message") and not self.by_delta

    def unknown(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the entry, its delta and its message that nobody models. What already stands
        there under another name is not unknown: a finish reason, and the text of the delta."""
        delta, message = as_object(entry.get("delta")), as_object(entry.get("message"))
        found = {key: value for key, value in (delta or message).items() if key not in _KNOWN_DELTA}
        found |= _misread_text(delta or message) | misread(delta or message, _TYPES)
        rest = {key: value for key, value in entry.items() if value is not None and key not in _KNOWN_CHOICE}
        rest |= misread(entry, _OF_CHOICE)
        if rest:
            if rest.get("native_finish_reason") == entry.get("finish_reason"):
                rest.pop("native_finish_reason", None)
            bare = self._is_bare(entry) and isinstance(rest.get("text"), str)
            if bare or rest.get("text") == delta.get("content"):
                rest.pop("text", None)
            found |= rest
        if message and delta:
            beside = {key: message[key] for key in message if key not in _KNOWN_DELTA}
            found["message"] = {key: value for key, value in beside.items() if delta.get(key) != value}
        return found

    def _content(self, delta: Mapping[str, Any], out: list[Event]) -> None:
        self._reasoning(delta, out)
        content = delta.get("content")
        if isinstance(content, str):
            self._text(content, "text", out)
        elif content:
            self._parts(as_list(content) or [as_object(content)], out)
        self._text(as_text(delta.get("refusal")), "refusal", out)
        fragments, legacy = as_list(delta.get("tool_calls")), as_object(delta.get("function_call"))
        if fragments or legacy:
            begun = len(out)
            self.calls.feed(fragments, out)
            if legacy and not any(as_object(fragment).get("function") == legacy for fragment in fragments):
                self.calls.legacy(legacy, out)  # llama-cpp-python writes the same call in both forms
            if any(isinstance(event, ToolDelta) for event in out[begun:]):
                self.told.add("calls")

    def _text(self, text: str, channel: Channel, out: list[Event]) -> None:
        if text:
            self.told.add(channel)
            out.append(Delta(text, channel, self.index))

    def _reasoning(self, delta: Mapping[str, Any], out: list[Event]) -> None:
        """The same text stands under several names at some gateways: the first one counts, and another
        one is kept where it says something else."""
        text = ""
        for name in _REASONING:
            value = delta.get(name)
            if not value:
                continue
            found = text_of(value)
            if text and found and found != text:
                out.append(Extra(name, as_raw(value), self.index))
            elif as_list(value) or as_object(value):
                self._keep(name, beside_text(value), out)
            text = text or found
        self._text(text, "reasoning", out)
        if delta.get("reasoning_details"):
            self.told.add("details")
            self._keep("reasoning_details", details_beside(delta["reasoning_details"], text), out)

    def _keep(self, name: str, value: object, out: list[Event]) -> None:
        if value:
            out.append(Extra(name, as_raw(value), self.index))

    def _parts(self, parts: Sequence[object], out: list[Event]) -> None:
        for part in parts:
            kind = as_object(part).get("type")
            text, refusal = text_of(part), refusal_of(part) if kind == "refusal" else ""
            self._text(text, "reasoning" if kind in ("thinking", "reasoning") else "text", out)
            self._text(refusal, "refusal", out)
            self._keep("content_part", None if refusal else beside_text(part), out)


def _misread_text(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and truth values where text is to stand, as a string or in parts."""
    return {key: fields[key] for key in _TEXTS if isinstance(fields.get(key), (int, float))}
