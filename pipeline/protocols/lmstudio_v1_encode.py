"""lmstudio-v1, writing: events in, the named server-sent events of `/api/v1/chat` out.

Law of this file: pure, and only frames that strict clients take (PROTOCOLS 3.3): `chat.start` first,
every load, prefill, reasoning and message with its start and its end, `chat.end` last, also behind an
error, with all that was said. A `Snapshot` is written as it is: that is what a cumulative backend sends.
This wire has no finish reason, and no calls that a client must run.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct

from tokenweir.pipeline.assemble import Text
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Channel,
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    Phase,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.protocols.encode import Encode
from tokenweir.pipeline.protocols.named_event import named_event

OUTPUT_LIMIT = 8 * 1024 * 1024
"""Characters of the answer, and bytes of its tools, that are kept for `chat.end`, which repeats them."""
ITEM_SIZE = 1024
"""What each item of it counts besides its text: an empty one is kept too."""

_WAITS: Mapping[str, str] = {"loading": "model_load", "prefill": "prompt_processing"}
_ITEMS: Mapping[str, str] = {"tool_call.success": "tool_call", "tool_call.failure": "invalid_tool_call"}
_STEADY = ("tool_call", "invalid_tool_call")
_STATS: Mapping[str, str] = {
    "input": "input_tokens",
    "output": "total_output_tokens",
    "reasoning": "reasoning_output_tokens",
}


class _Said(Struct):
    """One reasoning or message as far as it has come."""

    type: str
    text: Text


class LMStudioV1Encode(Encode):
    """The core: events in, frames (bytes) out. `response_id` and `model` are those of the answer; what
    the events tell of them is taken where the arguments are None. Held: the whole answer for its end,
    OUTPUT_LIMIT at most."""

    name: ClassVar[str] = "lmstudio-v1"

    def __init__(self, response_id: str | None = None, model: str | None = None) -> None:
        self._id = response_id
        self._model = model
        self._begun = False
        self._open: str | None = None  # what has started and not ended
        self._output: list[_Said | Raw] = []
        self._saying = Text()  # the last text in it
        self._held = 0
        self._stats: dict[str, Any] = {}

    def _check(self, event: Event) -> None:
        super()._check(event)
        if isinstance(event, ToolDelta) or (isinstance(event, Snapshot) and event.channel == "tool"):
            msg = "lmstudio-v1 has no tool calls for its client to run: offer the model no tools"
            raise StageError(msg)

    def _take(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Delta):
            self._text(event.channel, event.text, out)
        elif isinstance(event, Snapshot) and event.channel != "tool":
            self._text(event.channel, event.text, out, anew=True)
        elif isinstance(event, Phase):
            self._wait(event, out)
        elif isinstance(event, (Done, End)):
            self._end(event.failure, out)
        else:
            self._note(event, out)

    def _note(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Start):
            self._model = self._model or event.model
        elif isinstance(event, Usage):
            told = {name: getattr(event, field) for field, name in _STATS.items()}
            self._stats.update((name, count) for name, count in told.items() if count is not None)
        elif isinstance(event, Extra):
            self._extra(event.kind, event.data, out)

    def _extra(self, kind: str, data: Raw, out: list[bytes]) -> None:
        """What this protocol has a place for; everything else has none here."""
        if kind == "stats":
            self._stats.update(_object(data))
        elif kind == "response_id":
            self._id = self._id or as_text(msgspec.json.decode(data)) or None
        elif kind in _STEADY:
            self._keep({**_object(data), "type": kind}, out)
        elif kind.startswith("tool_call."):
            fields = _object(data)
            self._close(out)
            self._frame(kind, fields, out)
            if kind in _ITEMS:
                self._keep({**fields, "type": _ITEMS[kind]}, out)

    def _wait(self, phase: Phase, out: list[bytes]) -> None:
        """A load or a prefill: it starts with 0, ends with 1, and ends where anything else begins."""
        section = _WAITS.get(phase.name)
        if section is None:
            return
        self._enter(section, out)
        if phase.progress is not None and 0 < phase.progress < 1:
            self._frame(f"{section}.progress", {**self._beside(section), "progress": phase.progress}, out)
        elif phase.progress == 1:
            self._close(out, {} if phase.elapsed is None else {"load_time_seconds": phase.elapsed})

    def _text(self, channel: Channel, text: str, out: list[bytes], *, anew: bool = False) -> None:
        section = "reasoning" if channel == "reasoning" else "message"
        size = 0
        if self._open != section:
            size = ITEM_SIZE
            self._enter(section, out)
            self._saying = Text()
            self._output.append(_Said(section, self._saying))
        self._frame(f"{section}.delta", {"content": text}, out)
        before = self._saying.size
        self._saying.revise(0 if anew else before, text)
        self._hold(size + self._saying.size - before, out)

    def _keep(self, item: dict[str, Any], out: list[bytes]) -> None:
        data = msgspec.json.encode(item)
        self._output.append(Raw(data))
        self._hold(ITEM_SIZE + len(data), out)

    def _hold(self, size: int, out: list[bytes]) -> None:
        self._held += size
        if self._held > OUTPUT_LIMIT:
            self._output.clear()
            message = f"an answer of more than {OUTPUT_LIMIT} characters (the limit of lmstudio-v1)"
            self._end(Failure("limit", message), out)

    def _enter(self, section: str, out: list[bytes]) -> None:
        if self._open != section:
            self._close(out)
            self._frame(f"{section}.start", self._beside(section), out)
            self._open = section

    def _close(self, out: list[bytes], fields: Mapping[str, Any] | None = None) -> None:
        section, self._open = self._open, None
        if section is not None:
            beside = (fields or {}) if section == "model_load" else {}
            self._frame(f"{section}.end", {**self._beside(section), **beside}, out)

    def _beside(self, section: str) -> dict[str, Any]:
        return {"model_instance_id": self._model or "unknown"} if section == "model_load" else {}

    def _end(self, failure: Failure | None, out: list[bytes]) -> None:
        self._close(out)
        if failure is not None:
            self._frame("error", {"error": error_of(failure)}, out)
        result: dict[str, Any] = {
            "model_instance_id": self._model or "unknown",
            "output": [_item(item) for item in self._output],
            "stats": self._stats,
        }
        if self._id is not None:
            result["response_id"] = self._id
        self._frame("chat.end", {"result": result}, out)
        self._over = True

    def _frame(self, kind: str, fields: Mapping[str, Any], out: list[bytes]) -> None:
        if not self._begun:
            self._begun = True
            self._frame("chat.start", {"model_instance_id": self._model or "unknown"}, out)
        out.append(named_event(kind, fields))


def error_of(failure: Failure) -> dict[str, Any]:
    """A failure in LM Studio's error form: what it said itself, where it did; `message` is never empty."""
    native = {} if failure.native is None else _object(failure.native)
    if as_text(native.get("type")) and as_text(native.get("message")):
        return native
    code = {} if failure.code is None else {"code": failure.code}
    return {"type": failure.kind, "message": failure.message or failure.kind, **code}


def _item(item: _Said | Raw) -> Mapping[str, Any] | Raw:
    return {"type": item.type, "content": str(item.text)} if isinstance(item, _Said) else item


def _object(data: Raw) -> dict[str, Any]:
    return dict(as_object(msgspec.json.decode(data)))
