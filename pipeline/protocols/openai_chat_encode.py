"""openai-chat, writing: events in, the frames of `/v1/chat/completions` out.

Law of this file: pure, and only frames that every strict client takes (PROTOCOLS section 10):
`data: ` + one line of JSON + an empty line, the role once per choice, ids and names of calls once and
in their first frame, one finish per choice, usage only when asked, `[DONE]` last. Phases are comments,
which no client sees. A `Snapshot` is written as it is: that is what a cumulative backend sends.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Failure,
    Finish,
    FinishReason,
    Phase,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)

DONE = b"data: [DONE]\n\n"
_WIRE_REASON: Mapping[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "pause": "stop",
    "other": "stop",
}
_LINE_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))
"""Legal inside JSON and inside an event, but many clients split lines there (PROTOCOLS 1.3)."""
_FIELD = {"text": "content", "reasoning": "reasoning_content", "refusal": "refusal"}


class OpenAIChatEncode:
    """The core: events in, frames (bytes) out. `id`, `model` and `created` are the same in every frame;
    those of a `Start` are taken where the arguments are None."""

    def __init__(
        self,
        id: str | None = None,  # noqa: A002 - the field's name on the wire
        model: str | None = None,
        created: int | None = None,
        *,
        include_usage: bool = False,
    ) -> None:
        self._id = id
        self._model = model
        self._created = created
        self._include_usage = include_usage
        self._usage: Usage | None = None
        self._open: set[int] = set()  # choices that have begun and not finished
        self._begun: set[int] = set()
        self._calls: set[tuple[int, int]] = set()
        self._broken = False  # a choice finished with `error`: an error frame says so, no finish does
        self._over = False

    def feed(self, items: Sequence[Event]) -> list[bytes]:
        """Raises StageError for a `Revise`: this wire cannot take text back; put append_only() before."""
        out: list[bytes] = []
        for event in items:
            if not self._over:
                self._take(event, out)
        return out

    def finish(self) -> list[bytes]:
        return []

    def _take(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Delta):
            self._choice(event.index, {_FIELD[event.channel]: event.text}, out)
        elif isinstance(event, ToolDelta):
            self._call(event, out)
        elif isinstance(event, Snapshot):
            self._snapshot(event, out)
        elif isinstance(event, Revise):
            msg = "openai-chat cannot take text back: put append_only() before the encoder"
            raise StageError(msg)
        elif isinstance(event, Finish):
            self._role(event.index, out)
            if event.native == "error":
                self._broken = True
            else:
                self._finish(event.index, _WIRE_REASON[event.reason], out)
        else:
            self._take_other(event, out)

    def _take_other(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Start):
            self._id = self._id or event.id
            self._model = self._model or event.model
            self._created = self._created or event.created
        elif isinstance(event, Phase):
            out.append(comment(event))
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, (Done, End)):
            self._end(_failure_of(event), out)

    def _end(self, failure: Failure | None, out: list[bytes]) -> None:
        """A clean end needs a finish for every choice, and a choice: to clients an answer without one is
        a cut, or nothing at all. Figures come before an error too: what follows it is not read."""
        self._over = True
        if failure is None and self._broken:
            failure = Failure("upstream", "the backend finished the answer with 'error'")
        if failure is None:
            if not self._begun:
                self._role(0, out)
            for index in sorted(self._open):
                self._finish(index, "stop", out)
        if self._include_usage and self._usage is not None:
            out.append(self._frame([], usage=usage_body(self._usage)))
        if failure is not None:
            out.append(_line(error_body(failure)))
        out.append(DONE)

    def _finish(self, index: int, reason: str, out: list[bytes]) -> None:
        if index in self._open:
            self._open.remove(index)
            out.append(self._frame([_entry(index, {}, reason)]))

    def _snapshot(self, event: Snapshot, out: list[bytes]) -> None:
        if event.channel == "tool":
            self._call(ToolDelta(event.call or 0, None, None, event.text, event.index), out)
        else:
            self._choice(event.index, {_FIELD[event.channel]: event.text}, out)

    def _call(self, event: ToolDelta, out: list[bytes]) -> None:
        """Id and name once, in the first frame, made up where the backend gave none: clients append
        what comes twice, and drop a call that has none."""
        call: dict[str, Any] = {"index": event.call, "function": {"arguments": event.arguments}}
        if (event.index, event.call) not in self._calls:
            self._calls.add((event.index, event.call))
            call |= {"id": event.id or f"call_{event.call}", "type": "function"}
            call["function"] = {"name": event.name or "", "arguments": event.arguments}
        elif not event.arguments:
            return
        self._choice(event.index, {"tool_calls": [call]}, out)

    def _choice(self, index: int, delta: Mapping[str, Any], out: list[bytes]) -> None:
        self._role(index, out)
        out.append(self._frame([_entry(index, delta, None)]))

    def _role(self, index: int, out: list[bytes]) -> None:
        if index not in self._begun:
            self._begun.add(index)
            self._open.add(index)
            out.append(self._frame([_entry(index, {"role": "assistant", "content": ""}, None)]))

    def _frame(self, choices: list[Any], usage: Mapping[str, Any] | None = None) -> bytes:
        chunk: dict[str, Any] = {
            "id": self._id or "chatcmpl-tokenweir",
            "object": "chat.completion.chunk",
            "created": self._created or 0,
            "model": self._model or "unknown",
            "choices": choices,
        }
        if usage is not None:
            chunk["usage"] = usage
        return _line(chunk)


def _failure_of(end: Done | End) -> Failure | None:
    """An end that is not complete is never written as a clean one, be there a failure in it or not."""
    if end.failure is None and isinstance(end, End) and end.outcome != "complete":
        return Failure("truncated", f"the answer ended {end.outcome}")
    return end.failure


def _entry(index: int, delta: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}


def _line(value: object) -> bytes:
    data = msgspec.json.encode(value)
    if not data.isascii():
        for raw, escaped in _LINE_ENDS:
            data = data.replace(raw, escaped)
    return b"data: " + data + b"\n\n"


def comment(phase: Phase) -> bytes:
    """A phase as a comment that no client sees: `: loading 0.42`."""
    progress = "" if phase.progress is None else f" {phase.progress:.2f}"
    return f": {phase.name}{progress}\n\n".encode()


def usage_body(usage: Usage) -> dict[str, Any]:
    """Usage in OpenAI's form: whole numbers only."""
    input_tokens, output = usage.input or 0, usage.output or 0
    made: dict[str, Any] = {
        "prompt_tokens": input_tokens,
        "completion_tokens": output,
        "total_tokens": usage.total if usage.total is not None else input_tokens + output,
    }
    if usage.cached is not None:
        made["prompt_tokens_details"] = {"cached_tokens": usage.cached}
    if usage.reasoning is not None:
        made["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return made


def error_body(failure: Failure) -> dict[str, Any]:
    """A failure in OpenAI's error form; `message` is never empty, since clients show it."""
    return {
        "error": {
            "message": failure.message or failure.kind,
            "type": failure.kind,
            "param": None,
            "code": failure.code or failure.kind,
        }
    }
