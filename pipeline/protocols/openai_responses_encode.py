"""openai-responses, writing: events in, the frames of `/v1/responses` out.

Law of this file: pure, and only frames that strict clients take: each event is named by its type and
numbered; an item begins before its text and ends after it; every text comes again whole when it ends,
and the whole output in the last event. Phases are comments, which no client sees. A `Snapshot` is
written as it is: that is what a cumulative backend sends. Reasoning is `reasoning_text`, as local
servers write it. What an item looks like stands in openai_responses_written.py.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tokenweir.pipeline.events import (
    Channel,
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
from tokenweir.pipeline.protocols.encode import Encode
from tokenweir.pipeline.protocols.named_event import named_event
from tokenweir.pipeline.protocols.openai_bodies import error_body
from tokenweir.pipeline.protocols.openai_responses_written import PARTS, Call, Spoken, usage_body
from tokenweir.pipeline.protocols.openai_waiting import comment

TEXT_LIMIT = 8 * 1024 * 1024
"""Characters of one answer, which are kept until it ends: all of it comes again whole."""
ITEM_SIZE = 1024
"""What each item and part counts besides its text: an empty one is kept too."""

_REASONS: Mapping[FinishReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
_ECHO: Mapping[str, Any] = {
    "background": False,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}
"""What a response repeats of its request: clients need the fields."""


class OpenAIResponsesEncode(Encode):
    """The core: events in, frames (bytes) out. `id`, `model` and `created` (Unix seconds) are the same in
    every response; those of a `Start` are taken where the arguments are None. Kept: the whole answer,
    TEXT_LIMIT characters at most."""

    name: ClassVar[str] = "openai-responses"

    def __init__(
        self,
        id: str | None = None,  # noqa: A002 - the field's name on the wire
        model: str | None = None,
        created: int | None = None,
    ) -> None:
        self._id = id
        self._model = model
        self._created = created
        self._number = 0
        self._begun = False
        self._items: list[Spoken | Call] = []
        self._open: Spoken | None = None
        self._calls: dict[int, Call] = {}
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._details: Any = None
        self._size = 0

    def _take(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Delta):
            self._text(event.channel, event.text, out)
        elif isinstance(event, ToolDelta):
            self._call(event, out)
        elif isinstance(event, Snapshot):
            self._snapshot(event, out)
        elif isinstance(event, Finish):
            self._begin(out)
            self._finish = event
            self._close(out)
        else:
            self._take_other(event, out)

    def _take_other(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Start):
            self._id = self._id or event.id
            self._model = self._model or event.model
            self._created = self._created or event.created
            self._begin(out)
        elif isinstance(event, Phase):
            out.append(comment(event))
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Extra) and event.kind == "incomplete_details":
            self._details = event.data
        elif isinstance(event, (Done, End)):
            self._end(event.failure, out)

    def _event(self, kind: str, fields: Mapping[str, Any], out: list[bytes]) -> None:
        out.append(named_event(kind, {**fields, "sequence_number": self._number}))
        self._number += 1

    def _begin(self, out: list[bytes]) -> None:
        if not self._begun:
            self._begun = True
            for kind in ("response.created", "response.in_progress"):
                self._event(kind, {"response": self._response("in_progress")}, out)

    def _text(self, channel: Channel, text: str, out: list[bytes], *, again: bool = False) -> None:
        """More text; a snapshot (`again`) stands for all of it. No part begins with nothing to say."""
        self._begin(out)
        if not text and not again:
            return
        if self._open is not None and not self._open.takes(channel):
            self._close_text(self._open, out)
        if self._open is None:
            self._open = Spoken(len(self._items), self._name, channel)
            self._items.append(self._open)
            self._event("response.output_item.added", self._open.added(), out)
        size = 0
        if self._open.channel != channel or not self._open.parts:
            size = ITEM_SIZE
            self._close_part(self._open, out)
            self._event("response.content_part.added", self._open.begin(channel), out)
        size += self._open.say(text, again=again)
        self._event(f"response.{PARTS[channel].event}.delta", self._open.delta(text), out)
        self._grow(size, out)

    def _call(self, event: ToolDelta, out: list[bytes]) -> None:
        self._begin(out)
        call = self._calls.get(event.call)
        if call is None:
            if self._open is not None:
                self._close_text(self._open, out)
            call_id = event.id or f"call_{event.call}"
            call = Call(len(self._items), self._name, call_id, event.name or "")
            self._calls[event.call] = call
            self._items.append(call)
            self._event("response.output_item.added", call.added(), out)
            self._grow(ITEM_SIZE, out)
        self._arguments(call, event.arguments, out)

    def _arguments(self, call: Call, text: str, out: list[bytes], *, again: bool = False) -> None:
        if text and not self._over:
            size = call.say(text, again=again)
            self._event("response.function_call_arguments.delta", call.delta(text), out)
            self._grow(size, out)

    def _snapshot(self, event: Snapshot, out: list[bytes]) -> None:
        if event.channel == "tool":
            self._call(ToolDelta(event.call or 0), out)
            self._arguments(self._calls[event.call or 0], event.text, out, again=True)
        else:
            self._text(event.channel, event.text, out, again=True)

    def _grow(self, size: int, out: list[bytes]) -> None:
        self._size += size
        if self._size > TEXT_LIMIT and not self._over:
            message = f"an answer of more than {TEXT_LIMIT} characters (the limit of openai-responses)"
            self._end(Failure("limit", message), out)

    def _close_part(self, spoken: Spoken, out: list[bytes]) -> None:
        if spoken.parts:
            self._event(f"response.{PARTS[spoken.channel].event}.done", spoken.whole(), out)
            self._event("response.content_part.done", spoken.part_done(), out)

    def _close_text(self, spoken: Spoken, out: list[bytes]) -> None:
        self._close_part(spoken, out)
        self._open = None
        self._event("response.output_item.done", spoken.done(self._item_status), out)

    def _close(self, out: list[bytes]) -> None:
        """Calls end with the answer: till then their fragments may come in any order."""
        if self._open is not None:
            self._close_text(self._open, out)
        calls, self._calls = self._calls, {}
        for call in calls.values():
            self._event("response.function_call_arguments.done", call.whole(), out)
            self._event("response.output_item.done", call.done(self._item_status), out)

    def _end(self, failure: Failure | None, out: list[bytes]) -> None:
        self._over = True
        self._begin(out)
        status = self._status
        if failure is None:
            self._close(out)
            self._event(f"response.{status}", {"response": self._response(status)}, out)
        elif self._finish is not None and self._finish.native == "failed":
            error = error_body(failure)["error"]
            self._event("response.failed", {"response": self._response("failed", error)}, out)
        else:
            body = error_body(failure)
            told = {name: body["error"][name] for name in ("code", "message", "param")}
            self._event("error", {**told, **body}, out)

    @property
    def _status(self) -> str:
        found = self._finish or Finish("stop")
        cut = found.reason in _REASONS or (found.reason == "other" and found.native == "incomplete")
        return "incomplete" if cut else "completed"

    @property
    def _item_status(self) -> str:
        return "incomplete" if self._status == "incomplete" else "completed"

    @property
    def _name(self) -> str:
        return (self._id or "resp_tokenweir").removeprefix("resp_")

    def _response(self, status: str, error: Mapping[str, Any] | None = None) -> dict[str, Any]:
        ended = status != "in_progress"
        details = None
        if status == "incomplete":
            reason = _REASONS.get(self._finish.reason) if self._finish is not None else None
            details = {"reason": reason} if reason else self._details
        return {
            "id": self._id or "resp_tokenweir",
            "object": "response",
            "created_at": self._created or 0,
            "status": status,
            "error": error,
            "incomplete_details": details,
            "model": self._model or "unknown",
            "output": [item.item(self._item_status) for item in self._items] if ended else [],
            "usage": None if self._usage is None or not ended else usage_body(self._usage),
            **_ECHO,
        }
