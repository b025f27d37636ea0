"""What LM Studio's websocket sends in one channel, decided before its first message.

Law of this file: pure; what reply.py is for OpenAI's API. A model and quirks in, timed messages out, in
the words of LM Studio's own protocol (PROTOCOLS 3.5). A message of None closes the channel.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tokenweir.pipeline.events import (
    Delta,
    Done,
    Event,
    Finish,
    FinishReason,
    Phase,
    Snapshot,
    ToolDelta,
    Usage,
)
from tokenweir.simulator.answer import Answer, Step
from tokenweir.simulator.ask import Ask
from tokenweir.simulator.faults import CRASH, ENDINGS
from tokenweir.simulator.frames import Ending
from tokenweir.simulator.lmstudio_reply import EVERY
from tokenweir.simulator.lmstudio_socket_models import downloaded, instance
from tokenweir.simulator.load import waiting
from tokenweir.simulator.quirks import Quirks

THINK = ("<think>", "</think>")
"""What a reasoning model writes around its reasoning; this face sends both as fragments of their own."""

STOPS: Mapping[FinishReason, str] = {
    "stop": "eosFound",
    "length": "maxPredictedTokensReached",
    "tool_calls": "toolCalls",
}
_BREAKS = frozenset({"error", "no-end", "no-done", "no-finish", *ENDINGS})
"""Faults that this face can have; the others are those of HTTP bodies."""


class Sent(Struct, frozen=True):
    """One message, `at` so many seconds after the channel was created; None closes the channel, and
    `ending` breaks the whole connection in its place."""

    at: float
    message: Mapping[str, Any] | None
    ending: Ending = "complete"
    token: bool = False


def load_messages(
    model: str, quirks: Quirks, left: float, *, named: Literal["load", "get"]
) -> Iterator[Sent]:
    """A load that takes `left` more seconds: the messages of `loadModel` ("load"), or those of
    `getOrLoad` ("get"), which says so where there is nothing to do."""
    info = instance(model)
    if named == "load":
        yield Sent(0.0, {"type": "resolved", "info": downloaded(model)})
    elif left <= 0:
        yield Sent(0.0, {"type": "alreadyLoaded", "info": info})
        yield Sent(0.0, None)
        return
    else:
        yield Sent(0.0, {"type": "startLoading", "identifier": model, "info": downloaded(model)})
    progress, success = ("progress", "success") if named == "load" else ("loadProgress", "loadSuccess")
    told = msgspec.structs.replace(quirks, keep_alive=quirks.keep_alive or EVERY, prefill_seconds=0.0)
    for step in waiting(told, left):
        if isinstance(step.event, Phase):
            yield Sent(step.at, {"type": progress, "progress": step.event.progress})
    yield Sent(left, {"type": success, "info": info})
    yield Sent(left, None)


def prediction_messages(ask: Ask, quirks: Quirks, model: str) -> Iterator[Sent]:
    """A prediction from its prefill to its end, broken as the fault asks."""
    answer = Answer(ask, quirks, "", model)
    found = _spoiled(_messages(answer, quirks, model), quirks)
    yield from found


def _messages(answer: Answer, quirks: Quirks, model: str) -> Iterator[Sent]:
    told = msgspec.structs.replace(quirks, keep_alive=quirks.keep_alive or EVERY)
    yield Sent(0.0, _progress(0.0))
    for step in waiting(told, 0.0):
        if isinstance(step.event, Phase) and step.event.progress:
            yield Sent(step.at, _progress(step.event.progress))
    yield Sent(quirks.prefill_seconds, _progress(1.0))
    yield from _Telling(quirks, model).tell(answer.steps(quirks.prefill_seconds))


def _progress(progress: float) -> dict[str, Any]:
    return {"type": "promptProcessingProgress", "progress": progress}


class _Telling:
    """The events of one answer as messages."""

    def __init__(self, quirks: Quirks, model: str) -> None:
        self._quirks = quirks
        self._model = model
        self._thinks = False
        self._call: dict[str, Any] | None = None
        self._arguments = ""
        self._reason: FinishReason = "stop"
        self._usage = Usage()

    def tell(self, steps: Iterable[Step]) -> Iterator[Sent]:
        for step in steps:
            messages = list(self._of(step.event))
            for number, message in enumerate(messages, 1):
                yield Sent(step.at, message, token=step.token and number == len(messages))
            if isinstance(step.event, Done):
                yield Sent(step.at, None)

    def _of(self, event: Event) -> Iterator[dict[str, Any]]:
        if isinstance(event, Delta) or (isinstance(event, Snapshot) and event.channel != "tool"):
            yield from self._text(event.text, thinks=event.channel == "reasoning")
        elif isinstance(event, ToolDelta):
            yield from self._tool(event)
        elif isinstance(event, Snapshot):
            self._arguments = event.text
            yield {"type": "toolCallGenerationArgumentFragmentGenerated", "content": event.text}
        elif isinstance(event, Finish):
            self._reason = event.reason
            yield from self._turn(thinks=False)
            yield from self._end_of_call()
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Done):
            yield self._success()

    def _text(self, text: str, *, thinks: bool) -> Iterator[dict[str, Any]]:
        yield from self._turn(thinks=thinks)
        yield _fragment(text, "reasoning" if thinks else "none")

    def _turn(self, *, thinks: bool) -> Iterator[dict[str, Any]]:
        """The tag where reasoning begins or ends."""
        if thinks is not self._thinks:
            self._thinks = thinks
            yield _fragment(THINK[not thinks], "reasoningStartTag" if thinks else "reasoningEndTag")

    def _tool(self, event: ToolDelta) -> Iterator[dict[str, Any]]:
        yield from self._turn(thinks=False)
        if event.name is not None:
            self._call = {"id": event.id, "type": "function", "name": event.name}
            yield {"type": "toolCallGenerationStart", "toolCallId": event.id}
            yield {"type": "toolCallGenerationNameReceived", "name": event.name}
        if event.arguments:
            self._arguments += event.arguments
            yield {"type": "toolCallGenerationArgumentFragmentGenerated", "content": event.arguments}

    def _end_of_call(self) -> Iterator[dict[str, Any]]:
        """Arguments that a limit cut are no JSON, and no call."""
        if self._call is None:
            return
        try:
            arguments = msgspec.json.decode(self._arguments)
        except msgspec.DecodeError:
            error = {"title": "Failed to parse the tool call"}
            yield {"type": "toolCallGenerationFailed", "error": error, "rawContent": self._arguments}
        else:
            called = {**self._call, "arguments": arguments}
            yield {"type": "toolCallGenerationEnd", "toolCallRequest": called, "rawContent": self._arguments}

    def _success(self) -> dict[str, Any]:
        stats: dict[str, Any] = {
            "stopReason": STOPS[self._reason],
            "timeToFirstTokenSec": self._quirks.prefill_seconds,
            "promptTokensCount": self._usage.input,
            "predictedTokensCount": self._usage.output,
            "totalTokensCount": self._usage.total,
        }
        if self._quirks.rate is not None:
            stats["tokensPerSecond"] = self._quirks.rate
        return success(self._model, stats)


def success(model: str, stats: Mapping[str, Any]) -> dict[str, Any]:
    """The last message of a prediction."""
    none = {"fields": ()}
    return {
        "type": "success",
        "stats": stats,
        "modelInfo": instance(model),
        "loadModelConfig": none,
        "predictionConfig": none,
    }


def stopped(model: str) -> dict[str, Any]:
    """The last message of a prediction that its client cancelled."""
    return success(model, {"stopReason": "userStopped"})


def _fragment(text: str, kind: str) -> dict[str, Any]:
    said = {"content": text, "tokensCount": 1, "containsDrafted": False, "reasoningType": kind}
    return {"type": "fragment", "fragment": {**said, "isStructural": False}}


def _spoiled(found: Iterable[Sent], quirks: Quirks) -> Iterator[Sent]:
    """The messages as the fault leaves them: it strikes when so many tokens have been sent, or else
    before the last word."""
    fault, seen = quirks.fault, 0
    for sent in found:
        last = sent.message is not None and sent.message["type"] == "success"
        if fault in _BREAKS and (
            last or (sent.token and seen >= quirks.fault_after and fault in ("error", *ENDINGS))
        ):
            yield from _break(sent.at, fault)
            return
        seen += sent.token
        yield sent


def _break(at: float, fault: str) -> Iterator[Sent]:
    if fault in ENDINGS:
        yield Sent(at, None, ENDINGS[fault])
        return
    if fault == "error":
        yield Sent(at, {"type": "error", "error": {"title": CRASH, "rootTitle": CRASH}})
    yield Sent(at, None)
