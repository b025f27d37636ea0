"""openai-chat, reading: payloads of `/v1/chat/completions` in, events out.

Law of this file: what a chunk of this protocol means, in every dialect that a trace has shown
(PROTOCOLS sections 2, 3.1, 5 and 11). Pure. A typed decode with no unknown key takes the chunk that
nearly every payload is (openai_chat_fast.py); everything else goes the long way through plain
dictionaries, so that nothing a backend sends is dropped unseen.

A one-shot answer (`chat.completion`) is read by the same code: its `message` stands for the delta.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import msgspec

from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    Event,
    Failure,
    Finish,
    Phase,
    SSEEvent,
    WireItem,
)
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.failures import failure_from, is_error, says_error, unescaped_error
from tokenweir.pipeline.protocols.openai_chat_around import Around, error_in
from tokenweir.pipeline.protocols.openai_chat_choice import FINISH, Choice
from tokenweir.pipeline.protocols.openai_chat_fast import decode_fast, tell_reasoning
from tokenweir.pipeline.protocols.openai_chat_progress import LoadingText, phase_of, prompt_progress
from tokenweir.pipeline.protocols.payload import read_payload, shown
from tokenweir.pipeline.protocols.unicode_halves import MendedEvents, whole

CHOICE_LIMIT = 128
"""Choices of one answer: an index beyond it is a broken or hostile payload (fault V13)."""

_NOTHING: frozenset[str] = frozenset()
_MISSES = 8
"""Payloads refused by the fast path, after which it is not tried any more."""


class OpenAIChatDecode:
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it.

    `finish_required=False` is for a backend that is known never to send a finish reason: its
    `[DONE]` alone then completes the answer.
    """

    choice: ClassVar[type[Choice]] = Choice

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        self._finish_required = finish_required
        self._over = self._content = False
        self._choices: dict[int, Choice] = {}
        self._mended = MendedEvents()
        self._around = Around(provider)
        self._loading = LoadingText()
        self._phase: Phase | None = None
        self._misses = self._chunks = self._keep_alives = 0
        self._fast = False  # whether the next payload is most likely like nearly every one

    def feed(self, items: Sequence[WireItem]) -> list[Event]:
        out: list[Event] = []
        append, choices = out.append, self._choices
        for item in items:
            if self._fast and type(item) is SSEEvent:
                try:
                    choice = decode_fast(item.data).choices[0]
                except (msgspec.DecodeError, UnicodeDecodeError):
                    self._misses += 1
                else:
                    index = choice.index
                    known = choices.get(index)
                    told = known.told if known is not None and known.by_delta else _NOTHING
                    delta = choice.delta
                    text = delta.content
                    reasoning = delta.reasoning_content or delta.reasoning
                    if told and (not text or "text" in told) and (not reasoning or "reasoning" in told):
                        self._chunks += 1
                        self._misses = 0
                        if reasoning:
                            tell_reasoning(delta, index, out)
                        if text:
                            append(Delta(text, "text", index))
                        continue  # the first text of each channel goes the long way
            if self._over:
                break
            if type(item) is SSEEvent:
                self._take(item, out)
            else:
                self._take_other(item, out)
            self._fast = self._is_fast()
        return out

    def _is_fast(self) -> bool:
        return self._content and self._misses < _MISSES and not self._over and not self._mended

    def finish(self) -> list[Event]:
        """End of the body: complete where every choice that was seen has finished; nothing is said
        where not (the pipeline calls that truncated)."""
        out: list[Event] = []
        if not self._over:
            self._flush(out)
            if self._complete():
                self._end(self._verdict(), out)
        return out

    def figures(self) -> dict[str, float]:
        return {"chunks": self._chunks, "keep_alives": self._keep_alives}

    def _complete(self) -> bool:
        return bool(self._choices) and all(choice.finished for choice in self._choices.values())

    def _verdict(self) -> Failure | None:
        """What a finished answer comes to: OpenRouter finishes a broken one with `error`."""
        if not any(choice.broken for choice in self._choices.values()):
            return None
        return Failure("upstream", "the backend finished the answer with 'error', and told nothing more")

    def _take_other(self, item: WireItem, out: list[Event]) -> None:
        if isinstance(item, Comment):
            self._keep_alive(phase_of(item.text), out)
        elif isinstance(item, Done):
            self._end(item.failure, out)
        else:
            out.append(cast("Event", item))

    def _keep_alive(self, phase: Phase, out: list[Event]) -> None:
        """A sign of life: a phase before the first content, only counted after it."""
        self._keep_alives += 1
        if not self._content and phase != self._phase:
            self._phase = phase
            out.append(phase)

    def _end(self, failure: Failure | None, out: list[Event]) -> None:
        self._flush(out)
        self._over = True
        out.append(Done(failure))

    def _flush(self, out: list[Event], index: int | None = None) -> None:
        """Give up what is held: of one choice, or of all."""
        if index is None:
            self._around.give(out)
        for choice in self._choices.values() if index is None else (self._choices[index],):
            self._mended.take(choice.calls.flush(), out)
        self._mended.flush(out, index)

    def _take(self, item: SSEEvent, out: list[Event]) -> None:
        data = item.data.strip()
        if data.startswith(b"[DONE]"):
            self._marker(out)
        elif not data or data.startswith(b":"):
            self._keep_alive(phase_of(data.decode("utf-8", "replace").lstrip(": ")), out)
        else:
            self._take_json(data, item, out)

    def _take_json(self, data: bytes, item: SSEEvent, out: list[Event]) -> None:
        try:
            payload = read_payload(data)
        except ValueError:
            told = unescaped_error(data)
            if told is None and item.type == "error":
                told = data.decode("utf-8", "replace")
            unreadable = Failure("protocol", f"a payload is not JSON: {shown(data)}")
            self._end(unreadable if told is None else failure_from(told), out)
            return
        try:
            self._take_payload(payload, item, out)
        except RecursionError:
            self._end(Failure("protocol", "a payload is nested too deeply"), out)

    def _marker(self, out: list[Event]) -> None:
        if self._complete() or not self._finish_required:
            self._end(self._verdict(), out)
        else:
            message = "the backend said [DONE], but no finish reason came before it"
            self._end(Failure("truncated", message), out)

    def _take_payload(self, payload: object, item: SSEEvent, out: list[Event]) -> None:
        fields = as_object(payload)
        if fields.get("choices") and not says_error(fields.get("error")):
            self._take_chunk(fields, out)
        elif item.type == "error" or is_error(payload):
            self._end(failure_from(payload), out)
        elif "choices" not in fields and "ping" in (item.type, fields.get("type")):
            self._keep_alive(Phase("prefill"), out)
        elif isinstance(payload, dict):
            self._take_chunk(fields, out)
        elif payload == ["DONE"]:
            self._marker(out)
        else:
            self._end(Failure("protocol", f"a payload is not a JSON object: {shown(item.data)}"), out)

    def _take_chunk(self, chunk: Mapping[str, Any], out: list[Event]) -> None:
        self._chunks += 1
        listed = [entry for entry in map(as_object, as_list(chunk.get("choices"))) if entry]
        if "prompt_progress" in chunk and (waiting := prompt_progress(chunk)) is not None:
            self._keep_alive(waiting, out)
        loading = None if self._content else self._loading.read(chunk, listed)
        if loading is not None:
            self._keep_alive(loading, out)
            self._around.keep(self.choice(0).unknown(listed.pop()), None, out)
        self._around.start(chunk, listed, out)
        for entry in listed:
            if not self._take_choice(chunk, entry, out):
                return
        self._around.take(chunk, listed, out)
        error = error_in(chunk, listed)
        if error is not None:
            self._end(failure_from(error), out)

    def _take_choice(self, chunk: Mapping[str, Any], entry: Mapping[str, Any], out: list[Event]) -> bool:
        index = entry.get("index", 0)
        index = index if type(index) is int else 0
        if not 0 <= index < CHOICE_LIMIT:
            message = f"a choice has the index {str(index)[:20]}; the bound is {CHOICE_LIMIT}"
            self._end(Failure("protocol", message), out)
            return False
        choice = self._choices.get(index) or self._choices.setdefault(index, self.choice(index))
        events: list[Event] = []
        failure = None
        try:
            choice.feed(entry, events, whole=chunk.get("object") == "chat.completion")
        except OverflowError as many:
            failure = Failure("limit", str(many))
        self._mended.take(events, out)
        self._content = self._content or choice.seen
        if failure is not None:
            self._end(failure, out)
            return False
        native = whole(as_text(entry.get("finish_reason")))
        if native and not choice.finished:
            choice.finished, choice.broken = True, native == "error"
            self._flush(out, index)
            out.append(Finish(FINISH.get(native, "other"), native, index))
        self._around.keep(choice.unknown(entry), index, out)
        return True
