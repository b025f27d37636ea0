"""openai-chat, writing: events in, the frames of `/v1/chat/completions` out.

Law of this file: pure, and only frames that every strict client takes (PROTOCOLS section 10):
`data: ` + one line of JSON + an empty line, the role once per choice, ids and names of calls once and
in their first frame, one finish per choice, usage only when asked, `[DONE]` last. Phases are comments,
which no client sees, unless it asked for more. A `Snapshot` is written as it is: that is what a
cumulative backend sends. Audio, annotations and citations do not travel: not every backend's are
in the form that clients of this wire know.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from msgspec import Raw

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Channel,
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    Finish,
    Phase,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.named_event import json_line
from tokenweir.pipeline.protocols.openai_bodies import error_body, failure_of, usage_body, wire_reason
from tokenweir.pipeline.protocols.openai_logprobs import chat_logprobs
from tokenweir.pipeline.protocols.openai_waiting import Phases, comment, waiting_line

DONE = b"data: [DONE]\n\n"
ReasoningField = Literal["reasoning_content", "reasoning", "both"]
REASONING: Mapping[ReasoningField, tuple[str, ...]] = {
    "reasoning_content": ("reasoning_content",),
    "reasoning": ("reasoning",),
    "both": ("reasoning_content", "reasoning"),
}
"""The fields that reasoning goes to."""
_SLOT = b"\0"
"""Where the text goes in a frame that was made beforehand: a byte that JSON never has."""


class OpenAIChatEncode:
    """The core: events in, frames (bytes) out. `id`, `model` and `created` are the same in every frame;
    those of a `Start` are taken where the arguments are None.

    `reasoning_field` is the field of a delta that reasoning goes to. `phases` says what becomes of a
    `Phase`: a comment, an event named `phase` (which clients that know nothing of it may trip over), a
    line of reasoning as long as nothing else has come, or nothing. Log probabilities follow their text in
    a frame of their own; every other `Extra` has no place here.
    """

    name: ClassVar[str] = "openai-chat"
    _object: ClassVar[str] = "chat.completion.chunk"
    _own_id: ClassVar[str] = "chatcmpl-tokenweir"

    def __init__(
        self,
        id: str | None = None,  # noqa: A002 - the field's name on the wire
        model: str | None = None,
        created: int | None = None,
        *,
        include_usage: bool = False,
        reasoning_field: ReasoningField = "reasoning_content",
        phases: Phases = "comments",
    ) -> None:
        self._id = id
        self._model = model
        self._created = created
        self._include_usage = include_usage
        self._phases = phases
        self._fields: Mapping[Channel, tuple[str, ...]] = {
            "text": ("content",),
            "reasoning": REASONING[reasoning_field],
            "refusal": ("refusal",),
        }
        self._frames: dict[tuple[int, Channel], bytes] = {}  # made beforehand, with a slot for the text
        self._usage: Usage | None = None
        self._open: set[int] = set()  # choices that have begun and not finished
        self._begun: set[int] = set()
        self._calls: set[tuple[int, int]] = set()
        self._waiting: str | None = ""  # what was last said of waiting; None once there is content
        self._broken = False  # a choice finished with `error`: an error frame says so, no finish does
        self._over = False

    def feed(self, items: Sequence[Event]) -> list[bytes]:
        """Raises StageError for a `Revise`: this wire cannot take text back; put append_only() before."""
        out: list[bytes] = []
        append, frames = out.append, self._frames
        for event in items:
            if type(event) is Delta:
                frame = frames.get((event.index, event.channel))
                if frame is not None:
                    append(frame.replace(_SLOT, json_line(event.text)))
                    continue
            if not self._over:
                self._take(event, out)
        return out

    def finish(self) -> list[bytes]:
        return []

    def _take(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Delta):
            self._text(event.text, event.channel, event.index, out)
            self._prepare(event.channel, event.index)
        elif isinstance(event, ToolDelta):
            self._call(event, out)
        elif isinstance(event, Snapshot):
            self._snapshot(event, out)
        elif isinstance(event, Revise):
            msg = f"{self.name} cannot take text back: put append_only() before the encoder"
            raise StageError(msg)
        elif isinstance(event, Finish):
            self._role(event.index, out)
            if event.native == "error":
                self._broken = True
            else:
                self._finish(event.index, wire_reason(event.reason), out)
        else:
            self._take_other(event, out)

    def _take_other(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Start):
            self._id = self._id or event.id
            self._model = self._model or event.model
            self._created = self._created or event.created
            self._frames.clear()
        elif isinstance(event, Phase):
            self._phase(event, out)
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Extra):
            self._extra(event, out)
        elif isinstance(event, (Done, End)):
            self._end(failure_of(event), out)

    def _phase(self, phase: Phase, out: list[bytes]) -> None:
        if self._phases == "comments":
            out.append(comment(phase))
        elif self._phases == "events":
            out.append(b"event: phase\n" + _line(phase))
        elif self._phases == "reasoning" and self._waiting is not None:
            line = waiting_line(phase)
            if line != self._waiting:
                self._text(line, "reasoning", 0, out)
                self._waiting = line

    def _extra(self, event: Extra, out: list[bytes]) -> None:
        told = self._logprobs(event.data) if event.kind == "logprobs" else None
        if told is not None and event.index is not None:
            self._role(event.index, out)
            out.append(self._frame([{**self._entry(event.index, {}), "logprobs": told}]))

    def _end(self, failure: Failure | None, out: list[bytes]) -> None:
        """A clean end needs a finish for every choice, and a choice: to clients an answer without one is
        a cut, or nothing at all. Figures come before an error too: what follows it is not read."""
        self._over = True
        self._frames.clear()
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
            out.append(self._frame([self._entry(index, {}, reason)]))

    def _text(self, text: str, channel: Channel, index: int, out: list[bytes]) -> None:
        if self._fields[channel]:
            self._delta(index, dict.fromkeys(self._fields[channel], text), out)

    def _prepare(self, channel: Channel, index: int) -> None:
        """Make the frame of the deltas that follow: one from scratch takes five times as long."""
        delta = dict.fromkeys(self._fields[channel], Raw(_SLOT))
        if delta:
            self._frames[index, channel] = self._frame([self._entry(index, delta)])

    def _snapshot(self, event: Snapshot, out: list[bytes]) -> None:
        if event.channel == "tool":
            self._call(ToolDelta(event.call or 0, None, None, event.text, event.index), out)
        else:
            self._text(event.text, event.channel, event.index, out)

    def _call(self, event: ToolDelta, out: list[bytes]) -> None:
        """Id and name once, in the first frame, made up where the backend gave none: clients append
        what comes twice, and drop a call that has none. An id that comes later is not told any more: the
        client answers by the one it has, and the next request has that one in both places."""
        call: dict[str, Any] = {"index": event.call, "function": {"arguments": event.arguments}}
        if (event.index, event.call) not in self._calls:
            self._calls.add((event.index, event.call))
            call |= {"id": event.id or f"call_{event.call}", "type": "function"}
            call["function"] = {"name": event.name or "", "arguments": event.arguments}
        elif not event.arguments:
            return
        self._delta(event.index, {"tool_calls": [call]}, out)

    def _delta(self, index: int, delta: Mapping[str, Any], out: list[bytes]) -> None:
        self._waiting = None
        self._role(index, out)
        out.append(self._frame([self._entry(index, delta)]))

    def _role(self, index: int, out: list[bytes]) -> None:
        if index not in self._begun:
            self._begun.add(index)
            self._open.add(index)
            self._begin(index, out)

    def _begin(self, index: int, out: list[bytes]) -> None:
        out.append(self._frame([self._entry(index, {"role": "assistant", "content": ""})]))

    def _entry(self, index: int, delta: Mapping[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}

    def _logprobs(self, data: Raw) -> Mapping[str, Any] | None:
        return chat_logprobs(data)

    def _frame(self, choices: list[Any], usage: Mapping[str, Any] | None = None) -> bytes:
        chunk: dict[str, Any] = {
            "id": self._id or self._own_id,
            "object": self._object,
            "created": self._created or 0,
            "model": self._model or "unknown",
            "choices": choices,
        }
        if usage is not None:
            chunk["usage"] = usage
        return _line(chunk)


def _line(value: object) -> bytes:
    return b"data: " + json_line(value) + b"\n\n"
