"""openai-responses, reading: payloads of `/v1/responses` in, events out.

Law of this file: what an event of this protocol means, and where an answer ends (PROTOCOLS 7.1, 9
and 11). Pure. The output's items and texts stand in openai_responses_output.py. A whole answer
(`"object": "response"`) is read by the same code: its output is told where no event told it before.

`response.completed` and `response.incomplete` complete an answer, `[DONE]` does not. The status is the
native finish reason. Every tool that the server runs itself, and every event that is not modelled, is an
`Extra` under the name that it has on the wire.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    Event,
    Extra,
    Failure,
    Phase,
    SSEEvent,
    WireItem,
)
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.failures import failure_from, is_error, unescaped_error
from tokenweir.pipeline.protocols.openai_chat_progress import phase_of
from tokenweir.pipeline.protocols.openai_responses_fast import Said, decode_fast
from tokenweir.pipeline.protocols.openai_responses_item import CHANNELS
from tokenweir.pipeline.protocols.openai_responses_status import ENDED, PHASES, Status, ended
from tokenweir.pipeline.protocols.openai_responses_texts import NOISE, TEXTS, TextEvents
from tokenweir.pipeline.protocols.payload import as_raw, read_payload, shown
from tokenweir.pipeline.protocols.unicode_halves import whole
from tokenweir.pipeline.protocols.verified_text import Text

_LIFECYCLE = frozenset({"created", "queued", "in_progress", "completed", "incomplete", "failed", "cancelled"})
_OF_LIFECYCLE = NOISE | {"response"}
_KEEP_ALIVE = frozenset({"keepalive", "ping"})
_MISSES = 8
"""Payloads refused by the fast path in a row, after which it is not tried any more."""


class OpenAIResponsesDecode:
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it.

    `finish_required=False` is for a backend known never to send its last event: `[DONE]` alone then
    completes the answer. Kept: the deltas of each text until its whole comes, KEPT_LIMIT characters at
    most.
    """

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        self._finish_required = finish_required
        self._over = self._content = False
        self._texts = TextEvents()
        self._output = self._texts.output
        self._status = Status(provider)
        self._phase: Phase | None = None
        self._chunks = self._keep_alives = self._misses = 0
        self._last: tuple[object, ...] | None = None  # which text the last delta was of
        self._text: Text | None = None

    def feed(self, items: Sequence[WireItem]) -> list[Event]:
        out: list[Event] = []
        for item in items:
            if self._over:
                break
            if isinstance(item, SSEEvent):
                if self._text is None or not self._take_fast(item.data, self._text, out):
                    self._take(item, out)
            else:
                self._take_other(item, out)
        return out

    def _take_other(self, item: WireItem, out: list[Event]) -> None:
        if isinstance(item, Comment):
            self._keep_alive(phase_of(item.text), out)
        elif isinstance(item, Done):
            self._end(item.failure, out)
        else:
            out.append(cast("Event", item))

    def finish(self) -> list[Event]:
        """End of the body: without the last event it was cut, which the pipeline tells."""
        out: list[Event] = []
        if not self._over:
            self._flush(out)
        return out

    def figures(self) -> dict[str, float]:
        return {"chunks": self._chunks, "keep_alives": self._keep_alives}

    def _take_fast(self, data: bytes, text: Text, out: list[Event]) -> bool:
        """One more delta of the text that the last one was of."""
        if self._misses >= _MISSES or text.kept is None:
            return False
        try:
            said = decode_fast(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._misses += 1
            return False
        self._misses = 0
        if _place_of(said) != self._last:
            return False
        self._chunks += 1
        if said.delta:
            self._output.keep(text, said.delta)
            out.append(Delta(said.delta, CHANNELS[TEXTS[said.type].kind]))
        return True

    def _keep_alive(self, phase: Phase, out: list[Event]) -> None:
        """A sign of life: a phase before the first content, only counted after it."""
        self._keep_alives += 1
        self._wait(phase, out)

    def _wait(self, phase: Phase, out: list[Event]) -> None:
        if not self._content and phase != self._phase:
            self._phase = phase
            out.append(phase)

    def _flush(self, out: list[Event]) -> None:
        made: list[Event] = []
        self._output.flush(made)
        self._give(made, out)

    def _give(self, made: Sequence[Event], out: list[Event]) -> None:
        """Nothing is said before the start."""
        if made:
            self._content = True
            self._status.start({}, out)
            out.extend(made)

    def _end(self, failure: Failure | None, out: list[Event]) -> None:
        self._flush(out)
        self._over = True
        out.append(Done(failure))

    def _take(self, item: SSEEvent, out: list[Event]) -> None:
        data = item.data.strip()
        if data.startswith(b"[DONE]"):
            message = "the backend said [DONE], but no response.completed came before it"
            self._end(Failure("truncated", message) if self._finish_required else None, out)
            return
        if not data or data.startswith(b":"):
            self._keep_alive(phase_of(data.decode("utf-8", "replace").lstrip(": ")), out)
            return
        try:
            payload = read_payload(data)
        except ValueError:
            told = unescaped_error(data) or (
                data.decode("utf-8", "replace") if item.type == "error" else None
            )
            unreadable = Failure("protocol", f"a payload is not JSON: {shown(data)}")
            self._end(failure_from(told) if told else unreadable, out)
            return
        self._guard(payload, item, out)

    def _guard(self, payload: object, item: SSEEvent, out: list[Event]) -> None:
        try:
            self._take_payload(payload, item, out)
        except RecursionError:
            self._end(Failure("protocol", "a payload is nested too deeply"), out)
        except OverflowError as many:
            self._end(Failure("limit", str(many)), out)

    def _take_payload(self, payload: object, item: SSEEvent, out: list[Event]) -> None:
        fields = as_object(payload)
        if not isinstance(payload, dict):
            listed = as_list(payload)
            unreadable = Failure("protocol", f"a payload is not a JSON object: {shown(item.data)}")
            self._end(failure_from(listed) if is_error(listed) else unreadable, out)
            return
        name = as_text(fields.get("type")) or ("" if item.type == "message" else item.type)
        kind = name.removeprefix("response.")
        self._chunks += 1
        if fields.get("object") == "response":
            self._lifecycle(as_text(fields.get("status")), fields, out)
        elif name == "error" or (is_error(fields) and not name.startswith("response.")):
            self._end(failure_from({key: fields[key] for key in fields if key not in NOISE}), out)
        elif name in _KEEP_ALIVE:
            self._chunks -= 1
            self._keep_alive(Phase("prefill"), out)
            self._output.news(fields, NOISE, out)
        elif kind in _LIFECYCLE:
            self._output.news(fields, _OF_LIFECYCLE, out)
            response = as_object(fields.get("response"))
            self._lifecycle(as_text(response.get("status")) or kind, response, out, kind)
        else:
            self._event(kind, name, fields, out)

    def _event(self, kind: str, name: str, fields: Mapping[str, Any], out: list[Event]) -> None:
        made: list[Event] = []
        self._last = self._text = self._output.current = None
        try:
            if not self._texts.take(name, fields, made):
                self._unknown(kind, name, fields, made)
        finally:
            self._give(made, out)
        if self._content and self._output.current is not None and name in TEXTS:
            self._text = self._output.current
            self._last = tuple(map(fields.get, _PLACE))

    def _unknown(self, kind: str, name: str, fields: Mapping[str, Any], out: list[Event]) -> None:
        if name:
            told = {key: value for key, value in fields.items() if key not in NOISE}
            out.append(Extra(whole(kind), as_raw(told), 0))
        else:
            self._output.news(fields, NOISE, out)

    def _lifecycle(
        self, status: str, response: Mapping[str, Any], out: list[Event], kind: str | None = None
    ) -> None:
        """The response itself: at its beginning, while it waits, and at its end. An event that ends it
        ends it, whatever the status says."""
        if response:
            self._status.start(response, out)
        if kind not in ENDED and (kind is not None or status not in ENDED):
            if status in PHASES:
                self._wait(PHASES[status], out)
            self._status.around(response, out)
            return
        self._status.start(response, out)
        self._output.sweep(as_list(response.get("output")), out)
        text = as_text(response.get("output_text"))
        if text and not len(self._output.items):
            out.append(Delta(whole(text)))
        self._output.flush(out)
        self._status.around(response, out)
        status = status if status in ENDED else kind or status
        self._end(ended(status, response, out, calls=self._output.calls), out)


_PLACE = ("type", "item_id", "output_index", "content_index", "summary_index")


def _place_of(said: Said) -> tuple[object, ...]:
    return said.type, said.item_id, said.output_index, said.content_index, said.summary_index
