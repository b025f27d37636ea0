"""What LM Studio's websocket sends for one answer, a message a line: written for these tests."""

import json
from typing import Any

from tests.wire.body import Body

INFO = {"type": "llm", "modelKey": "m", "identifier": "m:2", "instanceReference": "r", "path": "p/m"}
LOGIN = b'{"success":true}\n'


def line(**fields: Any) -> bytes:
    """One message."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def sent(kind: str, channel: int = 2, **fields: Any) -> bytes:
    """One message of a channel."""
    return line(type="channelSend", channelId=channel, message={"type": kind, **fields})


def closed(channel: int = 2) -> bytes:
    """The end of a channel."""
    return line(type="channelClose", channelId=channel)


def fragment(text: str, kind: str = "none", **more: Any) -> bytes:
    """A piece of the answer."""
    said = {"content": text, "tokensCount": 1, "containsDrafted": False, "reasoningType": kind}
    return sent("fragment", fragment={**said, **more})


def prefill(progress: float, **more: Any) -> bytes:
    """How far the prompt has been read."""
    return sent("promptProcessingProgress", progress=progress, **more)


def success(reason: str = "eosFound", **more: Any) -> bytes:
    """The last word."""
    stats = {"stopReason": reason, "promptTokensCount": 5, "predictedTokensCount": 7, "totalTokensCount": 12}
    return sent("success", stats={**stats, **more}, modelInfo=INFO)


LOADED = LOGIN + sent("alreadyLoaded", 1, info=INFO) + closed(1)
COLD = (
    LOGIN
    + sent("unloadingOtherJITModel", 1, info={"modelKey": "old"})
    + sent("startLoading", 1, identifier="m:2", info=INFO)
    + sent("loadProgress", 1, progress=0.5)
    + sent("loadSuccess", 1, info=INFO)
    + closed(1)
)
CALL = (
    sent("toolCallGenerationStart", toolCallId="c1")
    + sent("toolCallGenerationNameReceived", name="find")
    + sent("toolCallGenerationArgumentFragmentGenerated", content='{"q":')
    + sent("toolCallGenerationArgumentFragmentGenerated", content='"é"}')
    + sent(
        "toolCallGenerationEnd",
        toolCallRequest={"id": "c1", "type": "function", "name": "find", "arguments": {"q": "é"}},
        rawContent='{"q":"é"}',
    )
)
THOUGHT = (
    fragment("<think>", "reasoningStartTag", isStructural=True)
    + fragment("Hm.", "reasoning")
    + fragment("</think>", "reasoningEndTag", isStructural=True)
)
WHOLE_CALL = sent(
    "toolCallGenerationEnd", toolCallRequest={"type": "function", "name": "now", "arguments": {"a": 1}}
)
ERROR = {
    "title": "No model",
    "displayData": {"code": "generic.noModelMatchingQuery"},
    "suggestion": "Load one",
}


def _whole(name: str, wire: bytes) -> Body:
    """A body that its last message but one makes whole: behind it the channel is closed."""
    return Body(name, wire, wire.rindex(b"}\n{") + 1)


BODIES: tuple[Body, ...] = (
    _whole("text", LOADED + prefill(1.0) + fragment("Hel") + fragment("lo") + success() + closed()),
    _whole(
        "a cold start, and reasoning",
        COLD
        + prefill(0.25, details={"cachedTokenCount": 3, "totalPromptTokenCount": 5})
        + THOUGHT
        + fragment("Hé 🙂")
        + success("maxPredictedTokensReached", tokensPerSecond=40.5)
        + closed(),
    ),
    _whole("calls", LOADED + THOUGHT + CALL + WHOLE_CALL + success("toolCalls") + closed()),
    _whole(
        "the only loaded one",
        LOGIN + line(type="rpcResult", callId=1, result=[INFO]) + fragment("a") + success() + closed(),
    ),
    Body("an error in the middle", LOADED + fragment("So far") + sent("error", error=ERROR) + closed(), None),
    Body("a channel that closes early", LOADED + fragment("So far") + closed(), None),
    Body("refused", b'{"success":false,"error":"Invalid passkey"}\n', None),
)
