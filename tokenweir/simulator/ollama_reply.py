"""The whole reply to one request to Ollama's own API, decided before the first byte of it is written.

Law of this file: pure; what reply.py is for OpenAI's API. The lines are those of the library's own
encoder, so that strict clients take them; the errors are Ollama's (PROTOCOLS sections 4 and 9).
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tokenweir.pipeline.events import Done, Event, Extra, Finish
from tokenweir.pipeline.protocols.ollama_encode import (
    OllamaChatEncode,
    OllamaGenerateEncode,
    line_of,
)
from tokenweir.simulator import refusals
from tokenweir.simulator.answer import CREATED, Answer, Step
from tokenweir.simulator.ask import BadAsk
from tokenweir.simulator.faults import ENDINGS, spoil
from tokenweir.simulator.frames import Chunks, Frame, bytewise, frames
from tokenweir.simulator.load import Loads
from tokenweir.simulator.ollama_ask import OllamaAsk, read_ollama_ask
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import Refusal
from tokenweir.simulator.reply import Reply, at_once, served, whole

LINES = {"Content-Type": "application/x-ndjson"}
_NANOSECONDS = 1_000_000_000


def ollama_reply_to(
    body: bytes, quirks: Quirks, loads: Loads, now: float, _answer_id: str = "", *, generate: bool
) -> Reply:
    """The reply to a request for `/api/chat`, or `/api/generate`, that came at `now` (seconds of the
    clock of `loads`). Ollama's answers have no id."""
    asked = read_ollama_ask(body, generate=generate)
    if isinstance(asked, BadAsk):
        return whole(ollama_error(400, asked.message))
    model = served(asked.ask, quirks)
    if isinstance(model, Refusal):
        return whole(in_ollama_form(model))
    if asked.think and quirks.reasoning is None:
        return whole(ollama_error(400, f'"{asked.model}" does not support thinking'))
    encode = OllamaGenerateEncode(model, CREATED) if generate else OllamaChatEncode(model, CREATED)
    if asked.unload:
        loads.unload(model)
        return _loaded(encode, 0.0, "unload", model)
    left = loads.begin(model, now)
    if asked.empty:
        return _loaded(encode, left, "load", model)
    plain = quirks if asked.think is not False else msgspec.structs.replace(quirks, reasoning=None)
    made = _stream(asked, plain, left, encode, model)
    return msgspec.structs.replace(made, frames=bytewise(made.frames)) if quirks.byte_split else made


def ollama_error(status: int, message: str) -> Refusal:
    """An error in Ollama's form: a string under `error`."""
    return Refusal(status, msgspec.json.encode({"error": message}))


def in_ollama_form(refusal: Refusal) -> Refusal:
    """A refusal in OpenAI's form as Ollama says it; a page stays a page."""
    if refusal.content_type != refusals.JSON:
        return refusal
    message = msgspec.json.decode(refusal.body)["error"]["message"]
    return msgspec.structs.replace(refusal, body=msgspec.json.encode({"error": message}))


def _loaded(encode: OllamaChatEncode, at: float, native: str, model: str) -> Reply:
    """One object when the model is there, or gone: nothing was asked."""
    line = encode.feed([Finish("other", native), Done()])[-1]
    return at_once(Frame(at, line.rstrip()), model)


def _stream(asked: OllamaAsk, quirks: Quirks, left: float, encode: OllamaChatEncode, model: str) -> Reply:
    shown = quirks
    if not asked.ask.stream:
        shown = msgspec.structs.replace(quirks, cumulative=False, final_repeat=False)
    answer = Answer(asked.ask, shown, "", model)
    steps = _timed(answer, left, quirks.prefill_seconds)
    ending = ENDINGS.get(quirks.fault or "", "complete")
    if asked.ask.stream:
        spoiled = spoil(frames(steps, encode), quirks, OllamaChunks(model, type(encode)))
        return Reply(200, LINES, spoiled, ending, model)
    at = left + quirks.prefill_seconds + answer.seconds
    body = b"" if quirks.fault == "empty" else gathered(encode.feed([step.event for step in steps]))
    return at_once(Frame(at, body), model, ending)


def _timed(answer: Answer, left: float, prefill: float) -> Iterator[Step]:
    """The answer's steps, with the durations that the last line tells; what took no time is left out."""
    for step in answer.steps(left + prefill):
        if isinstance(step.event, Done):
            took = {
                "total_duration": step.at,
                "load_duration": left,
                "prompt_eval_duration": prefill,
                "eval_duration": answer.seconds,
            }
            told = {name: round(seconds * _NANOSECONDS) for name, seconds in took.items() if seconds}
            yield Step(step.at, Extra("timings", msgspec.Raw(msgspec.json.encode(told))))
        yield step


def gathered(lines: Iterable[bytes]) -> bytes:
    """The lines of a stream as the one object that a request without a stream gets."""
    said: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
    whole_answer = said[-1]
    contents = [line.get("message", line) for line in said]
    into = contents[-1]
    for name in ("content", "response", "thinking"):
        texts = [content[name] for content in contents if name in content]
        if texts:
            into[name] = "".join(texts)
    calls = [call for content in contents for call in content.get("tool_calls", ())]
    if calls:
        into["tool_calls"] = calls
    return msgspec.json.encode(whole_answer)


class OllamaChunks(Chunks):
    """Lines beside the answer's own: material for faults."""

    def __init__(self, model: str, encode: type[OllamaChatEncode]) -> None:
        super().__init__("", model)
        self._model = model
        self._encode = encode

    def events(self, events: list[Event]) -> bytes:
        """The last of the lines that the events are."""
        return self._encode(self._model, CREATED).feed(events)[-1]

    def frame(self, value: object) -> bytes:
        """A value as one line."""
        return line_of(value)
