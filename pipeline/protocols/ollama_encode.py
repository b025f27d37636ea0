"""ollama-chat, writing: events in, lines of `/api/chat` out.

Law of this file: pure, and only lines that strict clients take: one JSON object and a line end, every
field of the right type, one `done` line at the end. Ollama has no form for half a tool call, so the
fragments wait for the finish. A `Snapshot` is written as it is: that is what a cumulative backend
sends. Phases are not written: Ollama is silent while it waits.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct

from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    Finish,
    FinishReason,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.encode import Encode
from tokenweir.pipeline.protocols.rfc3339 import moment_of

ARGUMENTS_LIMIT = 8 * 1024 * 1024
"""Characters of tool arguments that may wait for the finish."""

_WORDS = frozenset({"stop", "length", "load", "unload"})
_REASONS: Mapping[FinishReason, str] = {"length": "length"}
_AROUND = frozenset({"logprobs", "remote_model", "remote_host", "context"})
"""Extras of Ollama's own, which go back to where they stood; `images` stand inside the message."""


class _Call(Struct):
    """One call as far as it has come."""

    id: str | None = None
    name: str = ""
    arguments: str = ""


class OllamaChatEncode(Encode):
    """The core: events in, lines (bytes) out. `model` and `created` (Unix seconds) are the same in every
    line; those of a `Start` are taken where the arguments are None. Held: tool arguments until the
    finish, ARGUMENTS_LIMIT characters at most."""

    name: ClassVar[str] = "ollama-chat"

    def __init__(self, model: str | None = None, created: int | None = None) -> None:
        self._model = model
        self._created = created
        self._calls: dict[int, _Call] = {}
        self._held = 0
        self._finish: Finish | None = None
        self._last: dict[str, Any] = {}  # what the last line says besides

    def _take(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Delta):
            self._text(event.channel, event.text, out)
        elif isinstance(event, ToolDelta):
            self._fragment(event, out)
        elif isinstance(event, Snapshot):
            self._snapshot(event, out)
        elif isinstance(event, Finish):
            self._finish = event
            broken = self._give_calls(out)
            if broken is not None and event.reason != "length":
                self._end(broken, out)
        elif isinstance(event, (Done, End)):
            self._end(event.failure, out)
        else:
            self._note(event, out)

    def _note(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Start):
            self._model = self._model or event.model
            self._created = self._created or event.created
        elif isinstance(event, Usage):
            counts = {"prompt_eval_count": event.input, "eval_count": event.output}
            self._last.update((name, count) for name, count in counts.items() if count)
        elif isinstance(event, Extra) and event.kind == "timings":
            self._last.update(_durations(event.data))
        elif isinstance(event, Extra) and event.kind == "images":
            self._line({"images": event.data}, out)
        elif isinstance(event, Extra) and event.kind in _AROUND:
            if self._finish is None:
                self._line({}, out, {event.kind: event.data})
            else:
                self._last[event.kind] = event.data

    def _text(self, channel: str, text: str, out: list[bytes]) -> None:
        self._line({"thinking": text} if channel == "reasoning" else {"content": text}, out)

    def _snapshot(self, event: Snapshot, out: list[bytes]) -> None:
        if event.channel == "tool":
            self._calls.setdefault(event.call or 0, _Call()).arguments = event.text
        else:
            self._text(event.channel, event.text, out)

    def _fragment(self, event: ToolDelta, out: list[bytes]) -> None:
        call = self._calls.setdefault(event.call, _Call())
        call.id = call.id or event.id
        call.name = call.name or event.name or ""
        call.arguments += event.arguments
        self._held += len(event.arguments)
        if self._held > ARGUMENTS_LIMIT:
            message = f"tool arguments of more than {ARGUMENTS_LIMIT} characters (the limit of {self.name})"
            self._end(Failure("limit", message), out)

    def _give_calls(self, out: list[bytes]) -> Failure | None:
        """Whole calls, each in its line; the failure that a broken one is. Where the answer was cut, by
        its length or by a fault, a broken one is left out, as Ollama leaves it out."""
        calls, self._calls = self._calls, {}
        broken = None
        for number, call in sorted(calls.items()):
            arguments = _object_of(call.arguments)
            if arguments is None:
                message = f"the arguments of the call of {call.name or 'a tool'} are no JSON object"
                broken = Failure("protocol", message)
            else:
                function = {"index": number, "name": call.name, "arguments": arguments}
                self._line({"tool_calls": [{"id": call.id or f"call_{number}", "function": function}]}, out)
        return broken

    def _end(self, failure: Failure | None, out: list[bytes]) -> None:
        broken = self._give_calls(out)
        failure = failure or (broken if self._finish is None else None)
        self._over = True
        if failure is not None:
            out.append(error_line(failure))
            return
        found = self._finish or Finish("stop")
        native = found.native if found.native in _WORDS else _REASONS.get(found.reason, "stop")
        self._line({}, out, {"done": True, "done_reason": native, **self._last})

    def _line(
        self, content: Mapping[str, Any], out: list[bytes], around: Mapping[str, Any] | None = None
    ) -> None:
        head = {"model": self._model or "unknown", "created_at": moment_of(self._created or 0)}
        out.append(line_of({**head, **self.said(content), "done": False, **(around or {})}))

    def said(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """How the content of a line stands in it."""
        return {"message": {"role": "assistant", "content": "", **content}}


class OllamaGenerateEncode(OllamaChatEncode):
    """The same for `/api/generate`: the content stands in the line itself."""

    name: ClassVar[str] = "ollama-generate"

    def said(self, content: Mapping[str, Any]) -> dict[str, Any]:
        beside = {name: value for name, value in content.items() if name != "content"}
        return {"response": content.get("content", ""), **beside}


def line_of(value: object) -> bytes:
    """A value as one line."""
    return msgspec.json.encode(value) + b"\n"


def error_line(failure: Failure) -> bytes:
    """A failure as Ollama says it in the middle of an answer; never without a word."""
    return line_of({"error": failure.message or failure.kind})


def _object_of(arguments: str) -> dict[str, Any] | None:
    """The object that arguments are: none at all is an empty one; None where they are no object."""
    try:
        return msgspec.json.decode(arguments or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None


def _durations(data: Raw) -> dict[str, Any]:
    """Durations in nanoseconds, of a backend that has Ollama's names for them."""
    try:
        found = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
    return {name: value for name, value in found.items() if name.endswith("_duration")}
