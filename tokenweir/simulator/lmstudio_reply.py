"""The whole reply to one request to LM Studio's own REST v1, decided before its first byte is written.

Law of this file: pure; what reply.py is for OpenAI's API. The events are those of the library's own
encoder, so that strict clients take them; the errors are LM Studio's (PROTOCOLS 3.3 and section 9).
Unlike its OpenAI face, this one tells how far a load and a prefill have come.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tokenweir.pipeline.events import Done, Extra, Failure, Phase
from tokenweir.pipeline.json_value import as_object
from tokenweir.pipeline.protocols.lmstudio_v1_encode import LMStudioV1Encode
from tokenweir.pipeline.protocols.named_event import named_event
from tokenweir.simulator import refusals
from tokenweir.simulator.answer import Answer, Step
from tokenweir.simulator.answer_faults import spoiled_answer
from tokenweir.simulator.ask import BadAsk
from tokenweir.simulator.faults import CRASH, ENDINGS, spoil
from tokenweir.simulator.frames import Chunks, Frame, bytewise, frames, sse
from tokenweir.simulator.lmstudio_ask import LMStudioAsk, read_lmstudio_ask
from tokenweir.simulator.load import Loads, waiting
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import Refusal
from tokenweir.simulator.reply import EVENT_STREAM, Reply, at_once, served, whole

EVERY = 0.5
"""Seconds between two words about a load or a prefill, where `keep_alive` names no others."""

_TYPES: Mapping[str, str] = {"invalid_request_error": "invalid_request"}
_CRASHED = Failure(
    "model_crashed",
    CRASH,
    native=msgspec.Raw(msgspec.json.encode({"type": "internal_error", "message": CRASH})),
)


def lmstudio_reply_to(body: bytes, quirks: Quirks, loads: Loads, now: float, name: str) -> Reply:
    """The reply to a request for `/api/v1/chat` that came at `now` (seconds of the clock of `loads`).
    `name` is the response's id, as `resp_1`."""
    asked = read_lmstudio_ask(body)
    if isinstance(asked, BadAsk):
        return whole(in_lmstudio_form(refusals.bad_request(asked)))
    model = served(asked.ask, quirks)
    if isinstance(model, Refusal):
        return whole(in_lmstudio_form(model))
    left = loads.begin(model, now)
    if left > 0 and quirks.fault == "status-503-loading":
        return whole(in_lmstudio_form(refusals.loading()))
    encode = LMStudioV1Encode(name if asked.stored else None, model)
    plain = quirks if asked.thinks else msgspec.structs.replace(quirks, reasoning=None)
    make = _stream if asked.ask.stream else _at_once
    made = make(asked, plain, left, encode, model)
    return msgspec.structs.replace(made, frames=bytewise(made.frames)) if quirks.byte_split else made


def in_lmstudio_form(refusal: Refusal) -> Refusal:
    """A refusal in OpenAI's form as LM Studio's REST v1 says it; a page stays a page."""
    if refusal.content_type != refusals.JSON:
        return refusal
    said = as_object(as_object(msgspec.json.decode(refusal.body)).get("error"))
    known = said["code"] == "model_not_found"
    kind = "model_not_found" if known else _TYPES.get(said["type"], "internal_error")
    beside = {key: said[key] for key in ("code", "param") if isinstance(said.get(key), str)}
    error = {"type": kind, "message": said["message"], **beside}
    return msgspec.structs.replace(refusal, body=msgspec.json.encode({"error": error}))


def _stream(asked: LMStudioAsk, quirks: Quirks, left: float, encode: LMStudioV1Encode, model: str) -> Reply:
    def steps() -> Iterator[Step]:
        yield from _waiting(quirks, left)
        yield from _timed(Answer(asked.ask, quirks, "", model), quirks, left)

    broken = spoiled_answer(steps(), quirks, _CRASHED)
    if broken is None:
        spoiled = spoil(frames(steps(), encode), quirks, LMStudioChunks())
    else:
        spoiled = frames(broken, encode)
    return Reply(200, EVENT_STREAM, spoiled, ENDINGS.get(quirks.fault or "", "complete"), model)


def _at_once(asked: LMStudioAsk, quirks: Quirks, left: float, encode: LMStudioV1Encode, model: str) -> Reply:
    """The `result` of `chat.end` alone, when all of it is there."""
    plain = msgspec.structs.replace(quirks, cumulative=False, final_repeat=False)
    answer = Answer(asked.ask, plain, "", model)
    last = encode.feed([step.event for step in _timed(answer, plain, left)])[-1]
    result = msgspec.json.decode(last.partition(b"data: ")[2])["result"]
    body = b"" if quirks.fault == "empty" else msgspec.json.encode(result)
    at = left + quirks.prefill_seconds + answer.seconds
    return at_once(Frame(at, body), model, ENDINGS.get(quirks.fault or "", "complete"))


def _waiting(quirks: Quirks, left: float) -> Iterator[Step]:
    """A load where one is needed, and a prefill always, each from its start to its end."""
    told = msgspec.structs.replace(quirks, keep_alive=quirks.keep_alive or EVERY)
    if left > 0:
        yield from waiting(msgspec.structs.replace(told, prefill_seconds=0.0), left)
        yield Step(left, Phase("loading", 1.0, None, quirks.load_seconds))
    yield Step(left, Phase("prefill", 0.0))
    for step in waiting(told, 0.0):
        yield Step(left + step.at, step.event)
    yield Step(left + quirks.prefill_seconds, Phase("prefill", 1.0))


def _timed(answer: Answer, quirks: Quirks, left: float) -> Iterator[Step]:
    """The answer's steps, with the times that its end tells; a rate of None is no figure."""
    for step in answer.steps(left + quirks.prefill_seconds):
        if isinstance(step.event, Done):
            took: dict[str, float | None] = {
                "tokens_per_second": quirks.rate,
                "time_to_first_token_seconds": left + quirks.prefill_seconds,
                "model_load_time_seconds": left or None,
            }
            told = {name: value for name, value in took.items() if value is not None}
            yield Step(step.at, Extra("stats", msgspec.Raw(msgspec.json.encode(told))))
        yield step


class LMStudioChunks(Chunks):
    """Events beside the answer's own: material for faults."""

    def __init__(self) -> None:
        super().__init__("", "")

    def chunk(self, text: str) -> dict[str, Any]:
        """An event that says `text`, as a value."""
        return {"type": "message.delta", "content": text}

    def frame(self, value: object) -> bytes:
        """A value as one event; a list has no name."""
        fields = as_object(value)
        return named_event(fields["type"], fields) if fields else sse(value)
