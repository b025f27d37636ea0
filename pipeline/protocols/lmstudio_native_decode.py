"""lmstudio-native, reading: messages of LM Studio's websocket in, the vocabulary out.

Law of this file: what a message means (PROTOCOLS 3.5). Pure. The bytes are the text frames that the
server sent, one a line. A `success` with figures completes the answer; a channel that closes before its
success has failed. Fragments are new text; those that hold a reasoning's tags are not shown.
"""

from collections.abc import Collection, Mapping
from typing import Any

from tokenweir.pipeline.events import (
    Channel,
    Delta,
    Event,
    Extra,
    Failure,
    Finish,
    FinishReason,
    Phase,
    PhaseName,
    Usage,
)
from tokenweir.pipeline.json_value import as_count, as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import misread
from tokenweir.pipeline.protocols.failures import failure_from, is_error
from tokenweir.pipeline.protocols.lmstudio_native_calls import NativeCalls
from tokenweir.pipeline.protocols.lmstudio_native_error import native_failure
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.payload_decode import PayloadDecode
from tokenweir.pipeline.protocols.unicode_halves import whole

FINISH: Mapping[str, FinishReason] = {
    "eosFound": "stop",
    "stopStringFound": "stop",
    "toolCalls": "tool_calls",
    "maxPredictedTokensReached": "length",
    "contextLengthReached": "length",
}
_BROKEN: Mapping[str, Failure] = {
    "userStopped": Failure("cancelled", "the generation was stopped in LM Studio"),
    "modelUnloaded": Failure("model_crashed", "the model was unloaded while it answered", retryable=True),
    "failed": Failure("model_crashed", "LM Studio's generation failed", retryable=True),
}
_CHANNELS: Mapping[str, Channel] = {"none": "text", "reasoning": "reasoning"}
_TAGS = frozenset({"reasoningStartTag", "reasoningEndTag"})
_LOADED = frozenset({"alreadyLoaded", "loadSuccess"})
_LOADS = frozenset({"resolved", "startLoading", "loadProgress", "progress", "unloadingOtherJITModel"})
_COUNTS = ("promptTokensCount", "predictedTokensCount", "totalTokensCount")
_ACKS = frozenset({"channelAck", "keepAliveAck"})

_ENVELOPE = frozenset({"type", "channelId", "ackId", "callId", "message", "error", "result", "success"})
_OF_LOADS = frozenset({"type", "info", "progress", "identifier", "ambiguous"})
_OF_PREFILL = frozenset({"type", "progress", "details"})
_OF_FRAGMENTS = frozenset(
    {"content", "tokensCount", "containsDrafted", "reasoningType", "isStructural", "tokens"}
)
_TYPES: Mapping[str, type] = {
    "message": dict,
    "fragment": dict,
    "content": str,
    "name": str,
    "toolCallRequest": dict,
    "stats": dict,
    "result": list,
}
_OF_CALLS = frozenset({"type", "toolCallId", "name", "content", "toolCallRequest", "error"})


class LMStudioNativeDecode(PayloadDecode):
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it."""

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        super().__init__(provider, finish_required=finish_required)
        self._model: str | None = None
        self._settled = set[int]()  # channels that had their success
        self._calls = NativeCalls()
        self._reached: dict[PhaseName, float] = {}
        self._cached: int | None = None

    def take_object(self, fields: Mapping[str, Any], kind: str, out: list[Event]) -> None:  # noqa: ARG002 - a line has no name
        named = as_text(fields.get("type"))
        channel = as_count(fields.get("channelId")) or 0
        if named == "channelSend":
            self._rest(fields, _ENVELOPE, out)
            self._take_message(as_object(fields.get("message")), channel, out)
        elif named == "channelClose":
            if channel not in self._settled:
                self.end(
                    Failure("truncated", "LM Studio closed the channel before its answer was whole"), out
                )
        elif named in ("channelError", "rpcError"):
            self.end(native_failure(fields.get("error")), out)
        elif named == "rpcResult":
            self._take_loaded(as_list(fields.get("result")))
            self._rest(fields, _ENVELOPE, out)
        elif named in _ACKS:
            self._keep_alives += 1
        elif not named and "success" in fields:
            self._take_login(fields, out)
        elif is_error(fields):
            self.end(failure_from(fields), out)
        else:
            out.append(Extra(whole(named) or "message", as_raw(_without(("type",), fields))))

    def _take_login(self, fields: Mapping[str, Any], out: list[Event]) -> None:
        if fields["success"] is True:
            self._rest(fields, _ENVELOPE, out)
            return
        told = as_text(fields.get("error")) or "LM Studio refuses the credentials"
        self.end(Failure("auth", whole(told), native=as_raw(fields)), out)

    def _take_loaded(self, models: list[Any]) -> None:
        """Which models are loaded was asked; the only one answers."""
        if len(models) == 1:
            self._model = as_text(as_object(models[0]).get("identifier")) or None

    def _take_message(self, told: Mapping[str, Any], channel: int, out: list[Event]) -> None:
        named = as_text(told.get("type"))
        if named == "fragment":
            self._take_fragment(told, out)
        elif named == "promptProcessingProgress":
            self._take_prefill(told, out)
        elif named in _LOADED or (named == "success" and "stats" not in told):
            self._settled.add(channel)
            self._take_load(told, 1.0, out)
        elif named in _LOADS:
            self._take_load(told, 0.0 if named == "startLoading" else _share(told.get("progress")), out)
        elif named.startswith("toolCallGeneration"):
            self.start(self._model, out)
            self._take_call(named, told, out)
        elif named == "success":
            self._take_success(told, out)
        elif named == "error":
            self._rest(told, ("type", "error"), out)
            self.end(native_failure(told.get("error")), out)
        else:
            self.start(self._model, out)
            out.append(Extra(whole(named) or "message", as_raw(_without(("type",), told))))

    # --- before the first token -----------------------------------------------------------------

    def _take_load(self, told: Mapping[str, Any], progress: float | None, out: list[Event]) -> None:
        info = as_object(told.get("info"))
        detail = None
        if told["type"] == "unloadingOtherJITModel":
            detail = f"unloading {whole(as_text(info.get('modelKey')))}"
        else:
            self._model = as_text(info.get("identifier")) or as_text(told.get("identifier")) or self._model
        if told["type"] != "alreadyLoaded" and told["type"] != "resolved":
            self._reach("loading", progress, out, detail)
        self._rest(told, _OF_LOADS, out)

    def _take_prefill(self, told: Mapping[str, Any], out: list[Event]) -> None:
        details = as_object(told.get("details"))
        self._cached = as_count(details.get("cachedTokenCount")) or self._cached
        self.start(self._model, out)
        self._reach("prefill", _share(told.get("progress")), out)
        self._rest(told, _OF_PREFILL, out)

    def _reach(
        self, name: PhaseName, progress: float | None, out: list[Event], detail: str | None = None
    ) -> None:
        """Progress may be told again, or go back: it is told here as far as it has come."""
        if progress is not None:
            progress = self._reached[name] = max(progress, self._reached.get(name, 0.0))
        if not self._said:
            self.tell(Phase(name, progress, detail), out)

    # --- the answer -----------------------------------------------------------------------------

    def _take_fragment(self, told: Mapping[str, Any], out: list[Event]) -> None:
        fragment = as_object(told.get("fragment"))
        kind, text = as_text(fragment.get("reasoningType")), as_text(fragment.get("content"))
        self.start(self._model, out)
        if text and kind not in _TAGS:
            self._said = True
            self._mended.take([Delta(text, _CHANNELS.get(kind, "text"))], out)
        self._extras.take(_without(_OF_FRAGMENTS, fragment) | misread(fragment, _TYPES), 0, out)
        self._rest(told, ("type", "fragment"), out)

    def _take_call(self, named: str, told: Mapping[str, Any], out: list[Event]) -> None:
        self._said = True
        events: list[Event] = []
        if named == "toolCallGenerationStart":
            self._calls.start(told.get("toolCallId"))
        elif named == "toolCallGenerationNameReceived":
            self._calls.name(told.get("name"), events)
        elif named == "toolCallGenerationArgumentFragmentGenerated":
            self._calls.arguments(as_text(told.get("content")), events)
        elif named == "toolCallGenerationEnd":
            self._calls.end(as_object(told.get("toolCallRequest")), events)
        else:
            self._calls.start(None)
            events.append(Extra(whole(named), as_raw(_without(("type",), told)), 0))
        self._mended.take(events, out)
        if named != "toolCallGenerationFailed":
            self._rest(told, {*_OF_CALLS, "rawContent"}, out)

    def _take_success(self, told: Mapping[str, Any], out: list[Event]) -> None:
        stats = as_object(told.get("stats"))
        self._model = as_text(as_object(told.get("modelInfo")).get("identifier")) or self._model
        self.start(self._model, out)
        self._mended.flush(out)
        native = whole(as_text(stats.get("stopReason")))
        failure = _BROKEN.get(native)
        self._rest(told, ("type", "stats"), out)
        if failure is None:
            out.append(Finish(FINISH.get(native, "other"), native or None))
        sent, given, total = counts = [as_count(stats.get(name)) for name in _COUNTS]
        if any(count is not None for count in counts) or self._cached:
            out.append(Usage(sent, given, total, cached=self._cached))
        rest = _without({*_COUNTS, "stopReason"}, stats)
        if rest:
            out.append(Extra("stats", as_raw(rest)))
        self.end(failure, out)

    def _rest(self, fields: Mapping[str, Any], known: Collection[str], out: list[Event]) -> None:
        odd = misread(fields, _TYPES)
        if odd or not fields.keys() <= set(known):
            self._extras.take(_without(known, fields) | odd, None, out)


def _without(known: Collection[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in known}


def _share(value: object) -> float | None:
    """A number from 0 to 1 (more is all of it), else None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return min(float(value), 1.0)
    return None
