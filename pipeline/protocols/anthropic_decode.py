"""anthropic, reading: payloads of `/v1/messages` in, events out.

Law of this file: what the events around the content blocks mean (PROTOCOLS section 6); the blocks
themselves stand in anthropic_blocks.py. Pure. `message_stop` completes the answer, and nothing else does;
a whole answer (`"type": "message"`) is read by the same code. Usage is merged, never added: its first
telling, before any content, is `partial` and has no output figure, since that is no more than a beginning.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tokenweir.pipeline.events import (
    Delta,
    Event,
    Extra,
    Failure,
    Finish,
    FinishReason,
    Phase,
    SSEEvent,
    Start,
    Usage,
    WireItem,
)
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.anthropic_blocks import Blocks
from tokenweir.pipeline.protocols.anthropic_fast import TextDelta, decode_fast
from tokenweir.pipeline.protocols.extras import misread
from tokenweir.pipeline.protocols.failures import failure_from, is_error
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.payload_decode import PayloadDecode
from tokenweir.pipeline.protocols.unicode_halves import whole
from tokenweir.pipeline.protocols.usage import read_usage

FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "content_filter",
}
"""Native stop reasons; any other is "other"."""

_BLOCK = frozenset({"content_block_start", "content_block_delta", "content_block_stop"})
_OF_BLOCK = frozenset({"type", "index", "content_block", "delta"})
_FIGURES = frozenset({"input_tokens", "output_tokens", "cache_read_input_tokens", "output_tokens_details"})
_DETAILS = frozenset({"thinking_tokens", "reasoning_tokens"})
_READ = frozenset(
    {"type", "id", "role", "model", "content", "usage", "stop_reason", "stop_sequence", "stop_details"}
)
_TYPES: Mapping[str, type] = {
    "message": dict,
    "content": list,
    "content_block": dict,
    "delta": dict,
    "usage": dict,
}
_OF_CHOICE = ("stop_sequence", "stop_details")
_MISSES = 8
"""Payloads refused by the fast path, after which it is not tried any more."""


class AnthropicDecode(PayloadDecode):
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it.

    `finish_required` changes nothing: the end marker completes an answer here, with a stop reason or
    without. Held: what Blocks holds.
    """

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        super().__init__(provider, finish_required=finish_required)
        self._finished = False
        self._blocks = Blocks()
        self._usage: Usage | None = None
        self._fast = False  # whether the next payload is most likely a delta of text
        self._misses = 0

    def feed(self, items: Sequence[WireItem]) -> list[Event]:
        out: list[Event] = []
        for item in items:
            if not (self._fast and type(item) is SSEEvent and self._take_fast(item.data, out)):
                out += super().feed((item,))
                self._fast = self._said and self._misses < _MISSES and not (self._mended or self._over)
        return out

    def _take_fast(self, data: bytes, out: list[Event]) -> bool:
        try:
            said = decode_fast(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._misses += 1
            return False
        self._chunks += 1
        self._misses = 0
        if isinstance(said, TextDelta):
            if said.text:
                out.append(Delta(said.text))
        elif said.thinking:
            out.append(Delta(said.thinking, "reasoning"))
        return True

    def finish(self) -> list[Event]:
        """End of the body: without `message_stop` it was cut, which the pipeline tells."""
        out: list[Event] = []
        if not self._over:
            self._blocks.flush(out)
        return out + super().finish()

    def end(self, failure: Failure | None, out: list[Event]) -> None:
        self._blocks.flush(out)
        super().end(failure, out)

    def take_object(self, fields: Mapping[str, Any], kind: str, out: list[Event]) -> None:
        named = as_text(fields.get("type")) or (kind if kind != "message" else "event")
        if kind == "error" or is_error(fields):
            self.end(failure_from(fields), out)
        elif named == "ping":
            self.keep_alive(Phase("prefill"), out)
            self._around(fields, frozenset({"type"}), out)
        elif named in _BLOCK:
            self._take_block(named, fields, out)
        elif named == "message_start":
            self._begin(fields, out)
        elif named == "message" and isinstance(fields.get("content"), list):
            self._take_whole(fields, out)
        elif named == "message_delta":
            self._start({}, out)
            self._stop(as_object(fields.get("delta")), as_object(fields.get("usage")), out)
            self._around(fields, frozenset({"type", "delta", "usage"}), out)
        elif named == "message_stop":
            self._around(fields, frozenset({"type"}), out)
            self._close(out)
            self.end(None, out)
        else:
            out.append(Extra(whole(named), as_raw(fields)))

    def _begin(self, fields: Mapping[str, Any], out: list[Event]) -> None:
        message = as_object(fields.get("message"))
        self._start(message, out)
        usage = as_object(message.get("usage"))
        self._tell({name: usage[name] for name in usage if name != "output_tokens"}, out, partial=True)
        self._around(fields, frozenset({"type", "message"}), out)
        self._around(message, _READ, out)
        for index, block in enumerate(as_list(message.get("content"))):
            self._take_block("content_block_start", {"index": index, "content_block": block}, out)

    def _take_whole(self, message: Mapping[str, Any], out: list[Event]) -> None:
        """An answer that was not streamed."""
        self._start(message, out)
        for index, block in enumerate(as_list(message["content"])):
            for kind in ("content_block_start", "content_block_stop"):
                self._take_block(kind, {"index": index, "content_block": block}, out)
        self._stop(message, as_object(message.get("usage")), out)
        self.end(None, out)

    def _take_block(self, kind: str, fields: Mapping[str, Any], out: list[Event]) -> None:
        self._start({}, out)
        index, events = fields.get("index"), list[Event]()
        try:
            if kind == "content_block_start":
                self._blocks.start(index, as_object(fields.get("content_block")), events)
            elif kind == "content_block_delta":
                self._blocks.delta(index, as_object(fields.get("delta")), events)
            else:
                self._blocks.stop(index, events)
        finally:
            self._mended.take(events, out)
        self._said = self._blocks.seen
        self._around(fields, _OF_BLOCK, out)

    def _start(self, message: Mapping[str, Any], out: list[Event]) -> None:
        """At the message's own start; servers that imitate the API may leave it out."""
        if not self._started:
            self._started = True
            answer, model = (whole(as_text(message.get(name))) or None for name in ("id", "model"))
            out.append(Start(answer, self._provider, model))

    def _stop(self, told: Mapping[str, Any], usage: Mapping[str, Any], out: list[Event]) -> None:
        """Why the message stops, and its figures."""
        self._extras.take({name: told.get(name) for name in _OF_CHOICE}, 0, out)
        self._around(told, _READ, out)
        native = whole(as_text(told.get("stop_reason")))
        if native and not self._finished:
            self._close(out)
            self._finished = True
            out.append(Finish(FINISH.get(native, "other"), native))
        self._tell(usage, out, partial=False)

    def _close(self, out: list[Event]) -> None:
        events: list[Event] = []
        self._blocks.close(events)
        self._mended.take(events, out)
        self._mended.flush(out)

    def _tell(self, found: Mapping[str, Any], out: list[Event], *, partial: bool) -> None:
        usage = read_usage(found, self._usage)
        if usage is not None:
            self._usage = usage
            out.append(msgspec.structs.replace(usage, partial=True) if partial else usage)
        rest = {name: value for name, value in found.items() if name not in _FIGURES and value is not None}
        details = as_object(found.get("output_tokens_details"))
        if not details.keys() <= _DETAILS:
            rest["output_tokens_details"] = details
        self._extras.take({"usage": rest}, None, out)

    def _around(self, fields: Mapping[str, Any], known: frozenset[str], out: list[Event]) -> None:
        self._extras.take(misread(fields, _TYPES), None, out)
        if not fields.keys() <= known:
            self._extras.take({key: fields[key] for key in fields if key not in known}, None, out)
