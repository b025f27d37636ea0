"""Answers of `streamGenerateContent?alt=sse` and of `generateContent`, written for these tests."""

import json
from typing import Any

from tests.wire.body import Body, whole_after

HEAD = {"modelVersion": "gemini-test", "responseId": "r1"}


def payload(*parts: dict[str, Any], finish: str | None = None, **around: Any) -> dict[str, Any]:
    """One payload of one candidate."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **around, **HEAD}


def events(*payloads: object, end: str = "\r\n") -> bytes:
    """The payloads as an event stream, in the line ends that Google sends."""
    return b"".join(
        b"data: " + json.dumps(one, ensure_ascii=False).encode() + (end * 2).encode() for one in payloads
    )


def usage(prompt: int, output: int, thoughts: int) -> dict[str, Any]:
    """Figures so far; the total holds the thoughts, the output does not."""
    figures = {"promptTokenCount": prompt, "candidatesTokenCount": output, "thoughtsTokenCount": thoughts}
    return {"usageMetadata": {**figures, "totalTokenCount": prompt + output + thoughts}}


TEXT = events(
    payload({"text": "Hello"}, **usage(3, 1, 0)),
    payload({"text": ", world"}, finish="STOP", **usage(3, 3, 0)),
)
CALLS = events(
    payload({"text": "Let me look.", "thought": True}, **usage(9, 0, 4)),
    payload({"text": "I will look."}),
    payload(
        {"functionCall": {"name": "look", "args": {"at": "sky"}, "id": "a"}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "now"}},
    ),
    payload({"text": ""}, finish="STOP", **usage(9, 12, 4)),
)
STREAMED = events(
    payload({"functionCall": {"name": "cook", "willContinue": True}}),
    *(
        payload({"functionCall": {"partialArgs": [entry], "willContinue": True}})
        for entry in (
            {"jsonPath": "$.dish.name", "stringValue": "Pas", "willContinue": True},
            {"jsonPath": "$.dish.name", "stringValue": 'ta "al dente"'},
            {"jsonPath": "$.dish.steps[0]", "stringValue": "boil"},
            {"jsonPath": "$.dish.steps[1]", "numberValue": 9},
            {"jsonPath": "$.hot", "boolValue": True},
        )
    ),
    payload({"functionCall": {}}, finish="STOP"),
)
FAILED = events(
    payload({"text": "Half of "}),
    {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
)
RAW_ERROR = (
    events(payload({"text": "Half of "}))
    + json.dumps(
        [{"error": {"code": 500, "message": "An internal error has occurred.", "status": "INTERNAL"}}],
        indent=1,
    ).encode()
)
WHOLE = json.dumps(
    payload({"text": "Hm", "thought": True}, {"text": "Hé 🙂"}, finish="STOP", **usage(2, 2, 1)), indent=2
).encode()
UNICODE = events(payload({"text": "Grüße 🙂 \u2028"}), payload({"text": "漢字"}, finish="STOP"), end="\n")
TWO = events(
    {
        "candidates": [
            {"content": {"parts": [{"text": "a"}]}},
            {"content": {"parts": [{"text": "x"}]}, "index": 1},
        ]
    },
    {"candidates": [{"finishReason": "STOP", "index": 1}]},
    {"candidates": [{"content": {"parts": [{"text": "b"}]}, "finishReason": "MAX_TOKENS"}]},
)
LATE = events(payload({"text": "Hi"}, finish="STOP"), payload({"text": "!"}), usage(1, 2, 0))
BLOCKED = events({"promptFeedback": {"blockReason": "SAFETY"}, **HEAD})
FILTERED = events(payload({"text": "I "}), payload(finish="SAFETY"))

BODIES: tuple[Body, ...] = (
    whole_after("text", TEXT, b"}"),
    whole_after("reasoning, text and parallel calls", CALLS, b"}"),
    whole_after("streamed arguments", STREAMED, b"}"),
    Body("an error in mid-stream", FAILED, None),
    Body("an error without an event", RAW_ERROR, None),
    whole_after("a whole answer", WHOLE, b"}"),
    whole_after("any script", UNICODE, b"}"),
    whole_after("two candidates", TWO, b"}"),
    whole_after("a blocked prompt", BLOCKED, b"}"),
    whole_after("filtered", FILTERED, b"}"),
    Body("text and figures after the finish", LATE, LATE.index(b"\r")),
)
