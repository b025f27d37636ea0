"""The whole reply to one request, decided before the first byte of it is written.

Law of this file: pure; a body, quirks and the state of the models in, a status, headers and timed
frames out. The server performs what it is given and decides nothing.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from tokenweir.pipeline.protocols.openai_chat_encode import OpenAIChatEncode
from tokenweir.simulator import refusals
from tokenweir.simulator.answer import Answer, Step
from tokenweir.simulator.ask import Ask, BadAsk, read_ask
from tokenweir.simulator.faults import ENDINGS, spoil
from tokenweir.simulator.frames import Chunks, Ending, Frame, bytewise, frames
from tokenweir.simulator.load import Loads, waiting
from tokenweir.simulator.one_shot import completion
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import Refusal

EVENT_STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}


class Reply(Struct, frozen=True):
    """What goes out. The headers go with the first frame: a silent load holds them back too."""

    status: int
    headers: Mapping[str, str]
    frames: Iterable[Frame]
    ending: Ending = "complete"
    model: str | None = None


def reply_to(body: bytes, quirks: Quirks, loads: Loads, now: float, answer_id: str) -> Reply:
    """The reply to a chat request that came at `now` (seconds of the clock of `loads`)."""
    ask = read_ask(body, quirks.provider)
    if isinstance(ask, BadAsk):
        return whole(refusals.bad_request(ask))
    model = served(ask, quirks)
    if isinstance(model, Refusal):
        return whole(model)
    left = loads.begin(model, now)
    if left > 0 and quirks.fault == "status-503-loading":
        return whole(refusals.loading())
    make = _stream if ask.stream else _at_once
    made = make(ask, quirks, left, answer_id, model)
    return msgspec.structs.replace(made, frames=bytewise(made.frames)) if quirks.byte_split else made


def whole(refusal: Refusal) -> Reply:
    """A refusal as a reply."""
    return _sized(refusal.status, refusal.headers, Frame(0.0, refusal.body), None)


def served(ask: Ask, quirks: Quirks) -> str | Refusal:
    """The model that answers, or why none does. The only one serves any name, as in LM Studio and
    llama-server."""
    refusal = refusals.by_fault(quirks, ask.model, stream=bool(ask.stream))
    if refusal is not None:
        return refusal
    if ask.model is None or len(quirks.models) == 1:
        return quirks.models[0]
    return ask.model if ask.model in quirks.models else refusals.model_not_found(quirks, ask.model)


def _stream(ask: Ask, quirks: Quirks, left: float, answer_id: str, model: str) -> Reply:
    encode = OpenAIChatEncode(include_usage=ask.include_usage)

    def steps() -> Iterable[Step]:
        yield from waiting(quirks, left)
        yield from Answer(ask, quirks, answer_id, model).steps(left + quirks.prefill_seconds)

    spoiled = spoil(frames(steps(), encode), quirks, Chunks(answer_id, model))
    return Reply(200, EVENT_STREAM, spoiled, ENDINGS.get(quirks.fault or "", "complete"), model)


def _at_once(ask: Ask, quirks: Quirks, left: float, answer_id: str, model: str) -> Reply:
    """One JSON body when all of it is there. Of the faults, those of the connection strike it, half
    way through; those of a stream's form have nothing to spoil."""
    plain = msgspec.structs.replace(quirks, cumulative=False, final_repeat=False)
    answer = Answer(ask, plain, answer_id, model)
    at = left + quirks.prefill_seconds + answer.seconds
    made = Frame(at, b"" if quirks.fault == "empty" else completion(answer.steps()))
    return at_once(made, model, ENDINGS.get(quirks.fault or "", "complete"))


def at_once(made: Frame, model: str, ending: Ending = "complete") -> Reply:
    """One JSON body, whole, or broken half way."""
    reply = _sized(200, {"Content-Type": refusals.JSON}, made, model)
    if ending == "complete":
        return reply
    half = Frame(made.at, made.data[: len(made.data) // 2])
    return msgspec.structs.replace(reply, frames=(half,), ending=ending)


def _sized(status: int, headers: Mapping[str, str], frame: Frame, model: str | None) -> Reply:
    return Reply(status, {**headers, "Content-Length": str(len(frame.data))}, (frame,), "complete", model)
