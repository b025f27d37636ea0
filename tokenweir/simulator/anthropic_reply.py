"""The whole reply to one request to Anthropic's API, decided before its first byte is written.

Law of this file: pure; what reply.py is for OpenAI's API. The events are those of the library's own
encoder, so that strict clients take them; the errors are Anthropic's (PROTOCOLS section 6).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tokenweir.pipeline.events import Done, Failure, Finish, Start, Usage
from tokenweir.pipeline.json_value import as_object
from tokenweir.pipeline.protocols.anthropic_encode import AnthropicEncode
from tokenweir.pipeline.protocols.named_event import named_event
from tokenweir.simulator import refusals
from tokenweir.simulator.answer import Answer, Step
from tokenweir.simulator.anthropic_ask import AnthropicAsk, read_anthropic_ask
from tokenweir.simulator.anthropic_message import gathered
from tokenweir.simulator.ask import BadAsk
from tokenweir.simulator.faults import ENDINGS, spoil
from tokenweir.simulator.frames import Chunks, Frame, bytewise, sse
from tokenweir.simulator.load import Loads, waiting
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import Refusal
from tokenweir.simulator.reply import EVENT_STREAM, Reply, at_once, served, whole

OVERLOADED = Failure("overloaded", "Overloaded")
"""What the API says in the middle of an answer that it cannot finish."""

_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_WITHOUT: Mapping[str, tuple[type, ...]] = {
    "no-done": (Done,),
    "no-finish": (Finish,),
    "no-end": (Finish, Done),
}
"""What an end lacks under a fault: `message_delta` is the finish, `message_stop` the end."""


def anthropic_reply_to(body: bytes, quirks: Quirks, loads: Loads, now: float, name: str) -> Reply:
    """The reply to a request for `/v1/messages` that came at `now` (seconds of the clock of `loads`).
    `name` is the message's id, as `msg_1`."""
    asked = read_anthropic_ask(body)
    if isinstance(asked, BadAsk):
        return whole(in_anthropic_form(refusals.bad_request(asked), None))
    model = served(asked.ask, quirks)
    if isinstance(model, Refusal):
        return whole(in_anthropic_form(model, asked.ask.model))
    left = loads.begin(model, now)
    if left > 0 and quirks.fault == "status-503-loading":
        return whole(in_anthropic_form(refusals.loading(), model))
    encode = AnthropicEncode(name, model)
    plain = quirks if asked.thinks else msgspec.structs.replace(quirks, reasoning=None)
    make = _stream if asked.ask.stream else _at_once
    made = make(asked, plain, left, encode, model)
    return msgspec.structs.replace(made, frames=bytewise(made.frames)) if quirks.byte_split else made


def in_anthropic_form(refusal: Refusal, model: str | None) -> Refusal:
    """A refusal in OpenAI's form as Anthropic says it; a page stays a page. Of an unknown model the API
    says no more than its name."""
    if refusal.content_type != refusals.JSON:
        return refusal
    said = as_object(as_object(msgspec.json.decode(refusal.body)).get("error"))
    message = f"model: {model}" if said.get("code") == "model_not_found" else said["message"]
    error = {"type": _TYPES.get(refusal.status, "api_error"), "message": message}
    return msgspec.structs.replace(refusal, body=msgspec.json.encode({"type": "error", "error": error}))


def _stream(asked: AnthropicAsk, quirks: Quirks, left: float, encode: AnthropicEncode, model: str) -> Reply:
    def steps() -> Iterator[Step]:
        yield from waiting(quirks, left)
        told = _told(Answer(asked.ask, quirks, "", model), left + quirks.prefill_seconds)
        yield from _breaking(told, quirks.fault_after) if quirks.fault == "error" else told

    spoiled = _spoiled(_frames(steps(), encode), quirks)
    return Reply(200, EVENT_STREAM, spoiled, ENDINGS.get(quirks.fault or "", "complete"), model)


def _spoiled(found: Iterator[Frame], quirks: Quirks) -> Iterator[Frame]:
    """The frames as the fault leaves them; an error stands in the answer already."""
    fault = quirks.fault or ""
    if fault in _WITHOUT:
        return (frame for frame in found if not isinstance(frame.event, _WITHOUT[fault]))
    chunks = AnthropicChunks(1 if quirks.reasoning else 0)
    return found if fault == "error" else spoil(found, quirks, chunks)


def _at_once(asked: AnthropicAsk, quirks: Quirks, left: float, encode: AnthropicEncode, model: str) -> Reply:
    """One message when all of it is there."""
    plain = msgspec.structs.replace(quirks, cumulative=False, final_repeat=False)
    answer = Answer(asked.ask, plain, "", model)
    made = gathered(encode.feed([step.event for step in _told(answer, 0.0)]))
    at = left + quirks.prefill_seconds + answer.seconds
    body = b"" if quirks.fault == "empty" else made
    return at_once(Frame(at, body), model, ENDINGS.get(quirks.fault or "", "complete"))


def _told(answer: Answer, begin: float) -> Iterator[Step]:
    """The answer's steps; the figures of the prompt are told before its first word."""
    for step in answer.steps(begin):
        yield step
        if isinstance(step.event, Start):
            yield Step(step.at, Usage(answer.usage().input, partial=True))


def _breaking(steps: Iterable[Step], after: int) -> Iterator[Step]:
    """An error in the middle, or before the finish of a shorter answer; nothing comes after it."""
    seen = 0
    for step in steps:
        if isinstance(step.event, Finish) or (step.token and seen >= after):
            yield Step(step.at, Done(OVERLOADED))
            return
        seen += step.token
        yield step


def _frames(steps: Iterable[Step], encode: AnthropicEncode) -> Iterator[Frame]:
    """One frame for each step that shows on the wire; the end is several: the stops of blocks, the finish,
    and the end marker."""
    for step in steps:
        made = encode.feed([step.event])
        if isinstance(step.event, Done) and step.event.failure is None:
            *stops, finish, end = made
            yield from (Frame(step.at, stop) for stop in stops)
            yield Frame(step.at, finish, Finish("stop"))
            yield Frame(step.at, end, step.event)
        elif made:
            yield Frame(step.at, b"".join(made), step.event, step.token)


class AnthropicChunks(Chunks):
    """Events beside the answer's own: material for faults. `index` is the number of its block of text."""

    def __init__(self, index: int) -> None:
        super().__init__("", "")
        self._index = index

    def chunk(self, text: str) -> dict[str, Any]:
        """An event that says `text`, as a value."""
        delta = {"type": "text_delta", "text": text}
        return {"type": "content_block_delta", "index": self._index, "delta": delta}

    def frame(self, value: object) -> bytes:
        """A value as one event; a list has no name."""
        fields = as_object(value)
        return named_event(fields["type"], fields) if fields else sse(value)
