"""lmstudio-v1, reading: events of LM Studio's `/api/v1/chat` in, the vocabulary out.

Law of this file: what an event of this protocol means (PROTOCOLS 3.3). Pure. `chat.end` completes the
answer where no error came before it; it repeats the whole text, which counts only where no delta came,
as in the one object of a request without a stream. Where deltas came and were not that text, the text
stays what they said, and one `Extra("mismatch")` has the other. Tools are run by the server: what it tells
of them is kept, and is no call for the client.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import NoneType
from typing import Any

from tokenweir.pipeline.events import Channel, Delta, Event, Extra, Failure, Finish, Phase, PhaseName, Usage
from tokenweir.pipeline.json_value import as_count, as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import misread
from tokenweir.pipeline.protocols.failures import failure_from, is_error
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.payload_decode import PayloadDecode
from tokenweir.pipeline.protocols.unicode_halves import whole
from tokenweir.pipeline.protocols.verified_text import Text

_DELTAS: Mapping[str, Channel] = {"message.delta": "text", "reasoning.delta": "reasoning"}
_ITEMS: Mapping[str, Channel] = {"message": "text", "reasoning": "reasoning"}
_TOOLS = "tool_call"
"""What is told of tools: events whose type begins so, and items of the output that end so."""
_OF_ITEMS = frozenset(
    {"type", "content", "tool", "arguments", "output", "provider_info", "reason", "metadata"}
)
"""Fields of items of the output."""
_BOUNDS = frozenset({"message.start", "message.end", "reasoning.start", "reasoning.end"})
_PHASES: Mapping[str, PhaseName] = {"model_load": "loading", "prompt_processing": "prefill"}
_BEGINS: Mapping[str, float | None] = {"start": 0.0, "progress": None, "end": 1.0}
_KNOWN = frozenset({"type", "content", "model_instance_id", "progress", "load_time_seconds"})
_TYPES: Mapping[str, type] = {"content": str, "result": dict, "output": list, "stats": dict}
_KNOWN_RESULT = frozenset({"model_instance_id", "output", "stats"})
_COUNTS = ("input_tokens", "total_output_tokens", "reasoning_output_tokens")
_KEPT_LIMIT = 256 * 1024
"""Characters that are kept until the end repeats them; a longer text is not held against its end."""
_LONGEST = 2.0**63
"""A number beyond it is no length of time."""


class LMStudioV1Decode(PayloadDecode):
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it.

    An error ends an answer in which nothing was said. In the middle of one it waits for the `chat.end`
    that follows, which has the figures.
    """

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        super().__init__(provider, finish_required=finish_required)
        self._failure: Failure | None = None
        self._texts = {kind: Text() for kind in _ITEMS}
        self._told = set[str]()  # what `chat.end` only repeats: message, reasoning, tool_call

    def finish(self) -> list[Event]:
        """End of the body: an error that was told is the last word."""
        out: list[Event] = []
        if not self._over and self._failure is not None:
            self.end(self._failure, out)
        return out or super().finish()

    def marker(self, out: list[Event]) -> None:
        if self._failure is None:
            super().marker(out)
        else:
            self.end(self._failure, out)

    def take_object(self, fields: Mapping[str, Any], kind: str, out: list[Event]) -> None:
        named = as_text(fields.get("type")) or kind
        about, _, what = named.rpartition(".")
        if named == "error":
            self._take_error(fields, out)
        elif named == "chat.end":
            result = as_object(fields.get("result"))
            self.start(result.get("model_instance_id"), out)
            self._take_rest(fields, out, known="result")
            self._take_result(result, out)
        elif self._failure is not None:
            return  # behind an error only the end counts
        elif named in _DELTAS:
            self._take_delta(fields, _DELTAS[named], out)
        elif about in _PHASES and what in _BEGINS:
            self._take_phase(fields, _PHASES[about], _BEGINS[what], out)
        elif named == "chat.start" or named in _BOUNDS:
            self.start(fields.get("model_instance_id"), out)
            self._take_rest(fields, out)
        else:
            self._take_other(fields, whole(named), out)

    def _take_other(self, fields: Mapping[str, Any], named: str, out: list[Event]) -> None:
        """An answer without a stream, an error without a name, or an event that nobody models."""
        if "type" not in fields and isinstance(fields.get("output"), list):
            self._take_result(fields, out)
        elif is_error(fields):
            self.end(failure_from(fields), out)
        else:
            self._told.update({_TOOLS} & {named.partition(".")[0]})
            self.start(None, out)
            out.append(Extra(named, as_raw(_without(("type",), fields))))

    def _take_rest(self, fields: Mapping[str, Any], out: list[Event], known: str = "") -> None:
        odd = misread(fields, _TYPES)
        if odd or not fields.keys() <= _KNOWN:
            self._extras.take(_without({known, *_KNOWN}, fields) | odd, None, out)

    def _take_delta(self, fields: Mapping[str, Any], channel: Channel, out: list[Event]) -> None:
        self.start(None, out)
        text = as_text(fields.get("content"))
        if text:
            self._said = True
            kind = "message" if channel == "text" else channel
            self._told.add(kind)
            begin = len(out)
            self._mended.take([Delta(text, channel)], out)
            self._keep(self._texts[kind], out[begin:])
        self._take_rest(fields, out)

    def _keep(self, said: Text, given: Sequence[Event]) -> None:
        for event in given:
            if isinstance(event, Delta):
                said.say(event.text)
        if said.size > _KEPT_LIMIT:
            said.drop()

    def _take_phase(
        self, fields: Mapping[str, Any], name: PhaseName, progress: float | None, out: list[Event]
    ) -> None:
        self.start(fields.get("model_instance_id"), out)
        if progress is None:
            told = _number(fields.get("progress"))
            progress = None if told is None else min(told, 1.0)
        self.tell(Phase(name, progress, None, _number(fields.get("load_time_seconds"))), out)
        self._take_rest(fields, out)

    def _take_error(self, fields: Mapping[str, Any], out: list[Event]) -> None:
        beside = _without(("type",), fields)
        error = beside["error"] if beside.keys() == {"error"} else beside
        if self._failure is not None:
            out.append(Extra("error", as_raw(error)))
            return
        self._failure = failure_from(error)
        if not self._told:
            self.end(self._failure, out)

    def _take_result(self, result: Mapping[str, Any], out: list[Event]) -> None:
        """The end: what no event told, the figures, and that it was the end."""
        self.start(result.get("model_instance_id"), out)
        events: list[Event] = []
        for item in as_list(result.get("output")):
            self._take_item(item, events)
        self._mended.take(events, out)
        self._mended.flush(out)
        self._verify(as_list(result.get("output")), out)
        self._extras.take(_without(_KNOWN_RESULT, result) | misread(result, _TYPES), None, out)
        if self._failure is None:
            out.append(Finish("stop"))
        self._take_stats(as_object(result.get("stats")), out)
        self.end(self._failure, out)

    def _verify(self, items: Iterable[object], out: list[Event]) -> None:
        """Hold what the end repeats against what the deltas said."""
        said = [as_object(item) for item in items]
        for kind in sorted(self._told & _ITEMS.keys()):
            told = "".join(as_text(item.get("content")) for item in said if item.get("type") == kind)
            if told and not self._texts[kind].agrees(told, json=False):
                out.append(Extra("mismatch", as_raw({"kind": kind, "text": whole(told)})))

    def _take_item(self, item: object, out: list[Event]) -> None:
        fields = as_object(item)
        kind, content = as_text(fields.get("type")), fields.get("content")
        told = kind in self._told or (kind.endswith(_TOOLS) and _TOOLS in self._told)
        if told and isinstance(content, (str, NoneType)):
            fields = _without(_OF_ITEMS, fields)
        elif kind in _ITEMS and isinstance(content, str):
            out.append(Delta(content, _ITEMS[kind]))
            fields = _without(("type", "content"), fields)
        if fields or (item and not as_object(item)):
            out.append(Extra(whole(kind) or "output", as_raw(fields or item)))

    def _take_stats(self, stats: Mapping[str, Any], out: list[Event]) -> None:
        counts = {name: as_count(stats.get(name)) for name in _COUNTS}
        sent, given, thought = counts.values()
        usage = Usage(sent, given, None, thought)
        if usage != Usage():
            out.append(usage)
        rest = {key: value for key, value in stats.items() if counts.get(key) is None}
        if rest:
            out.append(Extra("stats", as_raw(rest)))


def _without(known: Collection[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in known}


def _number(value: object) -> float | None:
    """A number from 0 on, else None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _LONGEST:
        return float(value)
    return None
