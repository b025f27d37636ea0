"""One candidate of a gemini answer: its parts as events.

Law of this file: the fields inside `candidates[]` and nothing around them (PROTOCOLS 7.2). Pure. Every
text is new text. A call comes whole, its arguments an object, or in pieces (gemini_arguments.py).
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.events import Delta, Event, Extra, Finish, FinishReason, ToolDelta
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import Extras, misread
from tokenweir.pipeline.protocols.gemini_arguments import StreamedArguments
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT, arguments_text
from tokenweir.pipeline.protocols.unicode_halves import whole

_FILTERED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"}) | {
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
}

FINISH: Mapping[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(_FILTERED, "content_filter"),
}
"""Native finish reasons; any other (`LANGUAGE`, `MALFORMED_FUNCTION_CALL`) is "other"."""

_KNOWN = frozenset({"index", "content", "finishReason"})
_KNOWN_CONTENT = frozenset({"role", "parts"})
_KNOWN_PART = frozenset({"text", "thought", "functionCall"})
_KNOWN_CALL = frozenset({"id", "name", "willContinue"})
_TYPES: Mapping[str, type] = {
    "content": dict,
    "finishReason": str,
    "parts": list,
    "text": str,
    "thought": bool,
    "functionCall": dict,
}
_TYPES_OF_CALL: Mapping[str, type] = {"id": str, "name": str, "partialArgs": list}


class _Call:
    """A call that may go on. `whole` says that its arguments came as one object."""

    __slots__ = ("arguments", "id", "number", "whole")

    def __init__(self, number: int) -> None:
        self.number = number
        self.id: str | None = None
        self.arguments = StreamedArguments()
        self.whole = False


class Candidate:
    """What is known of one candidate so far; `ended` is the native word with which it ended."""

    __slots__ = ("_call", "_calls", "_extras", "_reason", "ended", "index")

    def __init__(self, index: int, extras: Extras) -> None:
        self.index = index
        self.ended: str | None = None
        self._reason: FinishReason = "other"
        self._extras = extras
        self._calls = 0
        self._call: _Call | None = None  # the one that has been told to go on

    def feed(self, entry: Mapping[str, Any], out: list[Event]) -> None:
        """Add the content of one entry to `out`, its parts in their order, and last what nobody models.

        Raises OverflowError for too many calls, ValueError for arguments that fit nowhere, each after
        what came before it.
        """
        content = as_object(entry.get("content"))
        parts = as_list(content.get("parts"))
        for part in map(as_object, parts):
            self._part(part, out)
        strange = [part for part in parts if part and not as_object(part)]
        self._extras.take({"parts": strange} | misread(entry, _TYPES), self.index, out)
        self._extras.take(misread(content, _TYPES), self.index, out)
        unknown = {key: value for key, value in content.items() if key not in _KNOWN_CONTENT}
        unknown |= {key: value for key, value in entry.items() if key not in _KNOWN}
        self._extras.take(unknown, self.index, out)
        native = whole(as_text(entry.get("finishReason")))
        if native and not native.endswith("_UNSPECIFIED"):
            self.end(native, FINISH.get(native, "other"))

    def end(self, native: str, reason: FinishReason) -> None:
        """It ended so. Old servers say it in every chunk, and text comes after it: the last one counts."""
        self.ended, self._reason = native, reason

    def finish(self) -> Finish:
        """How it ended."""
        called = self._calls and self._reason == "stop"
        return Finish("tool_calls" if called else self._reason, self.ended, self.index)

    def _part(self, part: Mapping[str, Any], out: list[Event]) -> None:
        text = as_text(part.get("text"))
        if text:
            out.append(Delta(text, "reasoning" if part.get("thought") is True else "text", self.index))
        others = {key: value for key, value in part.items() if key not in _KNOWN_PART}
        others |= misread(part, _TYPES)
        if "functionCall" in part:
            self._function_call(as_object(part["functionCall"]), others, out)
        elif others:
            self._extras.take(others, self.index, out)

    def _function_call(self, fields: Mapping[str, Any], beside: dict[str, Any], out: list[Event]) -> None:
        """One part of a call. `beside` is what else stood in its part: the signature of the thoughts
        before it, which the next request must bring back."""
        call_id, name = (whole(as_text(fields.get(key))) or None for key in ("id", "name"))
        call = self._call
        if call is not None and name and (call_id is None or call_id != call.id):
            out.append(ToolDelta(call.number, None, None, _ending(call), self.index))
            call = self._call = None
        begins = call is None
        if call is None:
            if not (name or call_id or fields.get("args") or as_list(fields.get("partialArgs"))):
                self._extras.take(beside | misread(fields, _TYPES_OF_CALL), self.index, out)
                return
            call = self._begin()
        call.id, new_id = call.id or call_id, None if call.id else call_id
        texts: list[str] = []
        try:
            read = self._arguments(call, fields, texts)
        finally:
            text = "".join(texts)
            out.append(ToolDelta(call.number, new_id, name if begins else None, text, self.index))
        unread = {key: value for key, value in fields.items() if key not in _KNOWN_CALL and key != read}
        unread |= misread(fields, _TYPES_OF_CALL)
        other = {key: value for key, value in unread.items() if value not in (None, {}, [])} | beside
        if other:
            out.append(Extra("tool_call", as_raw({"call": call.number, **other}), self.index))

    def _begin(self) -> _Call:
        if self._calls >= CALL_LIMIT:
            msg = f"more than {CALL_LIMIT} tool calls in one candidate"
            raise OverflowError(msg)
        call = _Call(self._calls)
        self._calls += 1
        return call

    def _arguments(self, call: _Call, fields: Mapping[str, Any], texts: list[str]) -> str | None:
        """Add the text of a call's arguments to `texts`; gives the name of the field that was read."""
        read = None
        if not call.whole:
            read = "args" if fields.get("args") and not call.arguments.begun else "partialArgs"
        if read == "args":
            call.whole = True
            texts.append(arguments_text(fields["args"]))
        elif read is not None:
            call.arguments.feed(as_list(fields.get(read)), texts)
        self._call = call if fields.get("willContinue") is True else None
        if self._call is None:
            texts.append(_ending(call))
        return read


def _ending(call: _Call) -> str:
    return "" if call.whole else call.arguments.close()
