"""anthropic, writing: events in, the named events of `/v1/messages` out.

Law of this file: pure, and only what the official SDK takes (PROTOCOLS sections 6 and 10.3): every event
with its name, blocks numbered from 0 in the order of their starts, usage in `message_start` and
`message_delta`, one `message_stop` last. A block of text or thinking ends where another begins; a call's
ends with the message, since fragments of several calls may alternate. Phases are comments, which no client
sees. A `Snapshot` is written as it is: that is what a cumulative backend sends.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    Finish,
    FinishReason,
    Phase,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.anthropic_error import error_body
from tokenweir.pipeline.protocols.anthropic_usage import delta_usage, start_usage
from tokenweir.pipeline.protocols.encode import Encode
from tokenweir.pipeline.protocols.named_event import named_event
from tokenweir.pipeline.protocols.openai_waiting import comment

_REASONS: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "pause": "pause_turn",
    "other": "end_turn",
}
_WORDS = frozenset({*_REASONS.values(), "stop_sequence", "model_context_window_exceeded"})
"""Stop reasons of the API: a native one of these is written as it is."""
_OPENING: Mapping[str, Mapping[str, str]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}
_BLOCKS = frozenset(
    {"redacted_thinking", "server_tool_use", "web_search_tool_result", "web_fetch_tool_result"}
    | {"code_execution_tool_result", "bash_code_execution_tool_result", "tool_search_tool_result"}
    | {"text_editor_code_execution_tool_result", "container_upload", "compaction"}
    | {"mcp_tool_use", "mcp_tool_result"}
)
"""Extras that are blocks of this wire, and go back as such; Extras of other wires have no form here."""
_OF_DELTA = frozenset({"stop_sequence", "stop_details", "container"})


class AnthropicEncode(Encode):
    """The core: events in, frames (bytes) out. `id` and `model` are those of `message_start`; a `Start`'s
    are taken where the arguments are None. The message starts with the first thing that it says, so that
    a usage before it is told there."""

    name: ClassVar[str] = "anthropic"

    def __init__(self, id: str | None = None, model: str | None = None) -> None:  # noqa: A002 - the field's name
        self._id = id
        self._model = model
        self._started = False
        self._usage = Usage()
        self._beside: dict[str, Any] = {}  # figures that nobody models
        self._count = 0  # blocks that have begun
        self._open: str | None = None  # the kind of the last one, where it is text or thinking
        self._calls: dict[int, int] = {}  # call number -> its block, none of which has ended
        self._finish: Finish | None = None
        self._told: dict[str, Any] = {}  # what the end says besides

    def _take(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Delta):
            self._text(event.channel, event.text, out)
        elif isinstance(event, ToolDelta):
            self._call(event, out)
        elif isinstance(event, Snapshot):
            self._snapshot(event, out)
        elif isinstance(event, (Done, End)):
            self._end(event.failure, out)
        elif isinstance(event, Extra):
            self._extra(event, out)
        else:
            self._note(event, out)

    def _note(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Start):
            self._id = self._id or event.id
            self._model = self._model or event.model
        elif isinstance(event, Phase):
            out.append(comment(event))
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Finish):
            self._finish = event

    def _text(self, channel: str, text: str, out: list[bytes]) -> None:
        kind = "thinking" if channel == "reasoning" else "text"
        self._continue(kind, out)
        out.append(_delta(self._count - 1, f"{kind}_delta", {kind: text}))

    def _snapshot(self, event: Snapshot, out: list[bytes]) -> None:
        if event.channel == "tool":
            self._call(ToolDelta(event.call or 0, None, None, event.text), out)
        else:
            self._text(event.channel, event.text, out)

    def _call(self, event: ToolDelta, out: list[bytes]) -> None:
        """The id is made up where the backend gave none: clients answer a call by it."""
        if event.call not in self._calls:
            call_id = event.id or f"toolu_{event.call}"
            call: dict[str, Any] = {"type": "tool_use", "id": call_id, "name": event.name or "", "input": {}}
            self._calls[event.call] = self._block(call, out)
        if event.arguments:
            said = {"partial_json": event.arguments}
            out.append(_delta(self._calls[event.call], "input_json_delta", said))

    def _extra(self, event: Extra, out: list[bytes]) -> None:
        if event.kind == "signature":
            self._continue("thinking", out)
            out.append(_delta(self._count - 1, "signature_delta", {"signature": event.data}))
            self._stop(out)
        elif event.kind == "citation":
            self._continue("text", out)
            out.append(_delta(self._count - 1, "citations_delta", {"citation": event.data}))
        elif event.kind in _BLOCKS:
            index = self._block(event.data, out)
            out.append(named_event("content_block_stop", {"index": index}))
        elif event.kind in _OF_DELTA:
            self._told[event.kind] = event.data
        elif event.kind == "usage":
            self._beside |= _object(event.data)

    def _continue(self, kind: str, out: list[bytes]) -> None:
        """The next words belong to a block of this kind: the one that is open, or a new one."""
        if self._open != kind:
            self._block(_OPENING[kind], out)
            self._open = kind

    def _block(self, block: object, out: list[bytes]) -> int:
        """A new block; its number."""
        self._begin(out)
        self._stop(out)
        self._count += 1
        out.append(named_event("content_block_start", {"index": self._count - 1, "content_block": block}))
        return self._count - 1

    def _stop(self, out: list[bytes]) -> None:
        if self._open is not None:
            self._open = None
            out.append(named_event("content_block_stop", {"index": self._count - 1}))

    def _begin(self, out: list[bytes]) -> None:
        if not self._started:
            self._started = True
            message = {
                "id": self._id or "msg_tokenweir",
                "type": "message",
                "role": "assistant",
                "model": self._model or "unknown",
                "content": (),
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {**self._beside, **start_usage(self._usage)},
            }
            out.append(named_event("message_start", {"message": message}))

    def _end(self, failure: Failure | None, out: list[bytes]) -> None:
        """An error is the last word; before it a finish that came all the same is told."""
        self._over = True
        if failure is None or self._finish is not None:
            self._begin(out)
            self._stop(out)
            out += [named_event("content_block_stop", {"index": index}) for index in self._calls.values()]
            delta = {"stop_reason": self._reason(), "stop_sequence": None, **self._told}
            usage = {**self._beside, **delta_usage(self._usage)}
            out.append(named_event("message_delta", {"delta": delta, "usage": usage}))
        if failure is not None:
            out.append(named_event("error", {"error": error_body(failure)}))
        else:
            out.append(named_event("message_stop", {}))

    def _reason(self) -> str:
        """Clients need one; a backend without finish reasons gave none."""
        found = self._finish or Finish("tool_calls" if self._calls else "stop")
        return found.native if found.native in _WORDS else _REASONS[found.reason]


def _delta(index: int, kind: str, said: Mapping[str, Any]) -> bytes:
    return named_event("content_block_delta", {"index": index, "delta": {"type": kind, **said}})


def _object(data: msgspec.Raw) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
