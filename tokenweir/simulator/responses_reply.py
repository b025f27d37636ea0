"""The whole reply to one request for `/v1/responses`, decided before its first byte is written.

Law of this file: pure; what reply.py is for the chat API, whose errors are this API's too. The events
are those of the library's own encoder, so that strict clients take them (PROTOCOLS 7.1).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tokenweir.pipeline.events import Delta, Event, Failure, Start
from tokenweir.pipeline.json_value import as_object
from tokenweir.pipeline.protocols.named_event import named_event
from tokenweir.pipeline.protocols.openai_responses_encode import OpenAIResponsesEncode
from tokenweir.simulator import refusals
from tokenweir.simulator.answer import CREATED, Answer, Step
from tokenweir.simulator.answer_faults import spoiled_answer
from tokenweir.simulator.ask import Ask, BadAsk
from tokenweir.simulator.faults import CRASH, ENDINGS, spoil
from tokenweir.simulator.frames import Chunks, Frame, bytewise, frames, sse
from tokenweir.simulator.load import Loads, waiting
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import Refusal
from tokenweir.simulator.reply import EVENT_STREAM, Reply, at_once, served, whole
from tokenweir.simulator.responses_ask import read_responses_ask

_BROKEN: Mapping[str, str] = {"lmstudio": CRASH}
_FAILED = "The simulated backend failed in the middle of its answer."


def responses_reply_to(body: bytes, quirks: Quirks, loads: Loads, now: float, name: str) -> Reply:
    """The reply to a request for `/v1/responses` that came at `now` (seconds of the clock of `loads`).
    `name` is the response's id, as `resp_1`."""
    ask = read_responses_ask(body)
    if isinstance(ask, BadAsk):
        return whole(refusals.bad_request(ask))
    model = served(ask, quirks)
    if isinstance(model, Refusal):
        return whole(model)
    left = loads.begin(model, now)
    if left > 0 and quirks.fault == "status-503-loading":
        return whole(refusals.loading())
    make = _stream if ask.stream else _at_once
    made = make(ask, quirks, left, name, model)
    return msgspec.structs.replace(made, frames=bytewise(made.frames)) if quirks.byte_split else made


def _stream(ask: Ask, quirks: Quirks, left: float, name: str, model: str) -> Reply:
    encode = OpenAIResponsesEncode(name, model, CREATED)

    def steps() -> Iterator[Step]:
        yield from waiting(quirks, left)
        yield from Answer(ask, quirks, name, model).steps(left + quirks.prefill_seconds)

    failure = Failure("upstream", _BROKEN.get(quirks.provider, _FAILED), code="server_error")
    broken = spoiled_answer(steps(), quirks, failure)
    if broken is None:
        spoiled = spoil(frames(steps(), encode), quirks, ResponsesChunks(quirks, name, model))
    else:
        spoiled = frames(broken, encode)
    return Reply(200, EVENT_STREAM, spoiled, ENDINGS.get(quirks.fault or "", "complete"), model)


def _at_once(ask: Ask, quirks: Quirks, left: float, name: str, model: str) -> Reply:
    """The `response` of the last event alone, when all of it is there."""
    plain = msgspec.structs.replace(quirks, cumulative=False, final_repeat=False)
    answer = Answer(ask, plain, name, model)
    encode = OpenAIResponsesEncode(name, model, CREATED)
    last = encode.feed([step.event for step in answer.steps()])[-1]
    response = msgspec.json.decode(last.partition(b"data: ")[2])["response"]
    body = b"" if quirks.fault == "empty" else msgspec.json.encode(response)
    at = left + quirks.prefill_seconds + answer.seconds
    return at_once(Frame(at, body), model, ENDINGS.get(quirks.fault or "", "complete"))


class ResponsesChunks(Chunks):
    """Deltas beside the answer's own, of the same message: material for faults."""

    def __init__(self, quirks: Quirks, name: str, model: str) -> None:
        super().__init__(name, model)
        self._before: list[Event] = [Start(name, None, model, CREATED)]
        if quirks.reasoning:
            self._before.append(Delta("", "reasoning"))

    def chunk(self, text: str) -> dict[str, Any]:
        """A delta that says `text`, as a value."""
        last = OpenAIResponsesEncode().feed([*self._before, Delta(text)])[-1]
        found: dict[str, Any] = msgspec.json.decode(last.partition(b"data: ")[2])
        return found

    def frame(self, value: object) -> bytes:
        """A value as one event; a list has no name."""
        fields = as_object(value)
        return named_event(fields["type"], fields) if fields else sse(value)
