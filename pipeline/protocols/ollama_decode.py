"""ollama-chat and ollama-generate, reading: lines of `/api/chat` and `/api/generate` in, events out.

Law of this file: what a line of Ollama's own protocols means (PROTOCOLS 4.1 and 4.2). Pure. The two
differ only in where the content of a line stands. All text is new text; a tool call comes whole, its
arguments as an object. `"done": true` completes the answer, whether it was streamed or not; a body
that ends without it was cut, and nothing is said of that here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import msgspec

from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    Event,
    Extra,
    Failure,
    Finish,
    FinishReason,
    SSEEvent,
    Start,
    ToolDelta,
    Usage,
    WireItem,
)
from tokenweir.pipeline.json_value import as_count, as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import Extras, misread
from tokenweir.pipeline.protocols.failures import failure_from
from tokenweir.pipeline.protocols.ollama_fast import Said, fast_chat, fast_generate
from tokenweir.pipeline.protocols.payload import as_raw, read_payload, shown
from tokenweir.pipeline.protocols.rfc3339 import unix_seconds
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT, arguments_text
from tokenweir.pipeline.protocols.unicode_halves import MendedEvents, whole

FINISH: Mapping[str, FinishReason] = {"": "stop", "stop": "stop", "length": "length"}
"""Native reasons (`done_reason`; old servers send none). Any other, `load` and `unload` too, is "other"."""

DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
"""Nanoseconds, in the last line."""

_READ = frozenset({"model", "created_at", "done", "done_reason", "error", "status"})
_COUNTS = frozenset({"prompt_eval_count", "eval_count"})
_CONTENT = frozenset({"role", "content", "thinking", "tool_calls"})
_TYPES: Mapping[str, type] = {"content": str, "thinking": str, "tool_calls": list}
_TYPES_OF_CALL: Mapping[str, type] = {"id": str, "name": str, "function": dict}
_OF_TOKENS = frozenset({"logprobs", "images"})
"""Fields that belong to the tokens of their line: two equal ones are two."""
_MISSES = 8
"""Lines refused by the fast path, after which it is not tried any more."""


class OllamaChatDecode:
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it.

    `finish_required` changes nothing: the end marker is the finish here.
    """

    known: ClassVar[frozenset[str]] = _READ.union(_COUNTS, DURATIONS, ("message",))

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        del finish_required
        self._provider = provider
        self._started = False
        self._over = False
        self._calls = 0
        self._misses = 0
        self._mended = MendedEvents()
        self._extras = Extras()
        self._chunks = 0
        self._keep_alives = 0

    def feed(self, items: Sequence[WireItem]) -> list[Event]:
        out: list[Event] = []
        for item in items:
            if self._over:
                break
            if isinstance(item, SSEEvent):
                if not self._take_fast(item.data, out):
                    self._take(item.data, out)
            elif isinstance(item, Done):
                self._end(item.failure, out)
            elif type(item) is Comment:
                self._keep_alives += 1
            else:
                out.append(cast("Event", item))
        return out

    def finish(self) -> list[Event]:
        """End of the body: without a `done` line it was cut, which the pipeline tells."""
        out: list[Event] = []
        if not self._over:
            self._mended.flush(out)
        return out

    def figures(self) -> dict[str, float]:
        return {"chunks": self._chunks, "keep_alives": self._keep_alives}

    def _end(self, failure: Failure | None, out: list[Event]) -> None:
        self._mended.flush(out)
        self._over = True
        out.append(Done(failure))

    def _take_fast(self, data: bytes, out: list[Event]) -> bool:
        if not self._started or self._misses >= _MISSES or self._mended:
            return False
        try:
            said = self.said_in(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._misses += 1
            return False
        if said is None:
            return False
        self._chunks += 1
        if said.thinking:
            out.append(Delta(said.thinking, "reasoning"))
        if said.content:
            out.append(Delta(said.content))
        return True

    def _take(self, data: bytes, out: list[Event]) -> None:
        try:
            payload = read_payload(data)
        except ValueError:
            self._end(Failure("protocol", f"a line is not JSON: {shown(data)}"), out)
            return
        if not isinstance(payload, dict):
            self._end(Failure("protocol", f"a line is not a JSON object: {shown(data)}"), out)
            return
        try:
            self._take_line(as_object(cast("object", payload)), out)
        except RecursionError:
            self._end(Failure("protocol", "a line is nested too deeply"), out)
        except OverflowError as many:
            self._end(Failure("limit", str(many)), out)

    def _take_line(self, line: Mapping[str, Any], out: list[Event]) -> None:
        self._chunks += 1
        content = self.content_of(line)
        if not line.get("error") or content:
            self._start(line, out)
        events: list[Event] = []
        try:
            self._content(content, events)
        finally:
            self._mended.take(events, out)
        self._unknown(line, content, out)
        if line.get("error"):
            self._end(failure_from({key: line[key] for key in line if key not in ("message", "done")}), out)
        elif line.get("done") is True:
            self._done(line, out)

    def said_in(self, data: bytes) -> Said | None:
        """What a line of text alone says, quickly; see ollama_fast.py."""
        return fast_chat(data)

    def content_of(self, line: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the model said in this line: `content`, `thinking`, `tool_calls`, and what is unknown."""
        return as_object(line.get("message"))

    def _start(self, line: Mapping[str, Any], out: list[Event]) -> None:
        if not self._started:
            self._started = True
            model, created = as_text(line.get("model")), as_text(line.get("created_at"))
            out.append(Start(None, self._provider, whole(model) or None, unix_seconds(created)))

    def _content(self, content: Mapping[str, Any], out: list[Event]) -> None:
        thinking, text = as_text(content.get("thinking")), as_text(content.get("content"))
        if thinking:
            out.append(Delta(thinking, "reasoning"))
        if text:
            out.append(Delta(text))
        for found in as_list(content.get("tool_calls")):
            call = as_object(found)
            if call:
                self._call(call, out)
            elif found:
                out.append(Extra("tool_call", as_raw(found), 0))

    def _call(self, call: Mapping[str, Any], out: list[Event]) -> None:
        """Each is whole, and so each is a new one: old servers number every call 0, or not at all."""
        if self._calls >= CALL_LIMIT:
            raise OverflowError(f"more than {CALL_LIMIT} tool calls in one answer")
        function = as_object(call.get("function"))
        call_id, name = (whole(as_text(value)) or None for value in (call.get("id"), function.get("name")))
        out.append(ToolDelta(self._calls, call_id, name, arguments_text(function.get("arguments")) or "{}"))
        other = {key: value for key, value in call.items() if key not in ("id", "type", "function", "index")}
        other |= {key: value for key, value in function.items() if key not in ("index", "name", "arguments")}
        other |= misread(call, _TYPES_OF_CALL) | misread(function, _TYPES_OF_CALL)
        if other:
            out.append(Extra("tool_call", as_raw({"call": self._calls, **other}), 0))
        self._calls += 1

    def _unknown(self, line: Mapping[str, Any], content: Mapping[str, Any], out: list[Event]) -> None:
        around = {key: value for key, value in line.items() if key not in self.known}
        inside = {key: value for key, value in content.items() if key not in _CONTENT}
        inside |= {key: around.pop(key) for key in _OF_TOKENS & around.keys()} | misread(content, _TYPES)
        around |= misread(line, {"message": dict})
        self._extras.take(inside, 0, out)
        self._extras.take(around, None, out)

    def _done(self, line: Mapping[str, Any], out: list[Event]) -> None:
        """The last line: figures are left out of it where they are 0."""
        self._mended.flush(out)
        native = whole(as_text(line.get("done_reason")))
        reason = FINISH.get(native, "other")
        out.append(Finish("tool_calls" if self._calls and reason == "stop" else reason, native or None))
        usage = Usage(as_count(line.get("prompt_eval_count")), as_count(line.get("eval_count")))
        if usage != Usage():
            out.append(usage)
        timings = {name: line[name] for name in DURATIONS if line.get(name)}
        if timings:
            out.append(Extra("timings", as_raw(timings)))
        self._end(None, out)


class OllamaGenerateDecode(OllamaChatDecode):
    """The same for `/api/generate`, whose content stands in the line itself; the text is `response`."""

    known: ClassVar[frozenset[str]] = _READ.union(_COUNTS, DURATIONS, ("response", "thinking", "tool_calls"))

    def said_in(self, data: bytes) -> Said | None:
        return fast_generate(data)

    def content_of(self, line: Mapping[str, Any]) -> Mapping[str, Any]:
        found = {name: line[name] for name in ("thinking", "tool_calls") if name in line}
        return {"content": line["response"], **found} if "response" in line else found
