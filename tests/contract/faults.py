"""How each protocol says what the contract is spoiled with: an error, its end, that it is alive.

Law of this file: bytes, a row for each protocol, from the protocol's own description (PROTOCOLS 1 to 7).
A registered protocol without a row fails a test.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class Spoken(NamedTuple):
    """`errors` are the forms in which an error comes in mid-stream; `end` is the end marker, on its own;
    `alive` says only that somebody is there; `late` brings more text of choice 0."""

    errors: tuple[bytes, ...]
    end: bytes
    alive: tuple[bytes, ...]
    late: bytes


LATE = "zu spät"
"""The text that `late` brings: no body has it."""


def _data(payload: Any) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def _named(payload: dict[str, Any]) -> bytes:
    return b"event: %b\n%b" % (payload["type"].encode(), _data(payload))


def _line(payload: Any) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode() + b"\n"


_COMMENT = b": keep-alive\n\n"
_ERROR = {"error": {"message": "the engine stopped", "type": "server_error", "code": 500}}
_DONE = b"data: [DONE]\n\n"
_OPENAI_ERRORS = (
    _data(_ERROR),
    b"event: error\n" + _data(_ERROR | {"message": "the engine stopped"}),
    _data({"error": "the engine stopped"}),
    b"error: " + json.dumps(_ERROR["error"]).encode() + b"\n\n",
)


def _openai(choice: dict[str, Any]) -> Spoken:
    return Spoken(_OPENAI_ERRORS, _DONE, (_COMMENT, b":\n\n"), _data({"choices": [{"index": 0, **choice}]}))


def _ollama(content: dict[str, Any]) -> Spoken:
    return Spoken(
        (_line({"error": "the runner stopped"}),),
        _line({"model": "m", "done": True, "done_reason": "stop"}),
        (b"\n", b"\r\n"),
        _line({"model": "m", **content, "done": False}),
    )


def _gemini_text(text: str) -> dict[str, Any]:
    return {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}]}


def _native(message: dict[str, Any]) -> dict[str, Any]:
    return {"type": "channelSend", "channelId": 2, "message": message}


_GEMINI_ERROR = {"error": {"code": 503, "message": "the model is overloaded", "status": "UNAVAILABLE"}}
_GEMINI_END = {"candidates": [{"index": 0, "finishReason": "STOP"}]}

SPOKEN: Mapping[str, Spoken] = {
    "anthropic": Spoken(
        (_named({"type": "error", "error": {"type": "api_error", "message": "the engine stopped"}}),),
        _named({"type": "message_stop"}),
        (_COMMENT, _named({"type": "ping"})),
        _named({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": LATE}}),
    ),
    "gemini-json-array": Spoken(
        (_line(_GEMINI_ERROR), _line([_GEMINI_ERROR])),
        _line(_GEMINI_END),
        (b"\n", b" \r\n"),
        _line(_gemini_text(LATE)),
    ),
    "gemini-sse": Spoken(
        (_data(_GEMINI_ERROR), json.dumps(_GEMINI_ERROR, indent=2).encode() + b"\n"),
        _data(_GEMINI_END),
        (_COMMENT,),
        _data(_gemini_text(LATE)),
    ),
    "llamacpp-completion": Spoken(
        (_data(_ERROR), b"error: " + json.dumps(_ERROR["error"]).encode() + b"\n\n"),
        _data({"index": 0, "content": "", "stop": True, "stop_type": "eos"}),
        (_COMMENT,),
        _data({"index": 0, "content": LATE, "stop": False}),
    ),
    "lmstudio-native": Spoken(
        (
            _line({"type": "channelError", "channelId": 2, "error": {"title": "the engine stopped"}}),
            _line(_native({"type": "error", "error": {"title": "the engine stopped"}})),
        ),
        _line(_native({"type": "success", "stats": {"stopReason": "eosFound"}})),
        (b"\n", _line({"type": "keepAliveAck"})),
        _line(_native({"type": "fragment", "fragment": {"content": LATE, "reasoningType": "none"}})),
    ),
    "lmstudio-v1": Spoken(
        (_named({"type": "error", "error": {"type": "internal_error", "message": "the engine stopped"}}),),
        _named({"type": "chat.end", "result": {"model_instance_id": "m", "output": [], "stats": {}}}),
        (_COMMENT,),
        _named({"type": "message.delta", "content": LATE}),
    ),
    "ollama-chat": _ollama({"message": {"role": "assistant", "content": LATE}}),
    "ollama-generate": _ollama({"response": LATE}),
    "openai-chat": _openai({"delta": {"content": LATE}, "finish_reason": None}),
    "openai-completions": _openai({"text": LATE, "finish_reason": None}),
    "openai-responses": Spoken(
        (
            _named({"type": "error", "code": "server_error", "message": "the engine stopped", "param": None}),
            _named(
                {
                    "type": "response.failed",
                    "response": {
                        "id": "r",
                        "status": "failed",
                        "error": {"code": "server_error", "message": "the engine stopped"},
                        "output": [],
                    },
                }
            ),
            _data(_ERROR),
        ),
        _named({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}),
        (_COMMENT,),
        _named(
            {
                "type": "response.output_text.delta",
                "item_id": "late",
                "output_index": 9,
                "content_index": 0,
                "delta": LATE,
            }
        ),
    ),
}
