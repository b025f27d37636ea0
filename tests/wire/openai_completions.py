"""Answers of `/v1/completions`, written for these tests (PROTOCOLS sections 2 and 5)."""

import json
from typing import Any

from tests.wire.body import Body, whole_after

HEAD: dict[str, Any] = {"id": "c", "object": "text_completion", "created": 7, "model": "m"}
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
DONE = b"data: [DONE]\n\n"
ERROR = {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "code": 500}


def event(value: object) -> bytes:
    """One event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def entry(text: str, finish: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    """One choice."""
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish, **fields}


def chunk(text: str, finish: str | None = None, index: int = 0, **fields: Any) -> bytes:
    """One chunk with one choice; `fields` are the choice's."""
    return event({**HEAD, "choices": [entry(text, finish, index, **fields)]})


def _whole(name: str, wire: bytes, last: bytes) -> Body:
    """A body that is whole behind the chunk `last`."""
    return whole_after(name, wire, last.strip())


STOP, LENGTH = chunk("", "stop"), chunk(" end", "length")
FIGURES = event({**HEAD, "choices": [], "usage": USAGE})
HALVES = b"".join(b'data: {"choices":[{"text":"%b"}]}\n\n' % half for half in (rb"\ud83d", rb"\ude42"))
SECOND = chunk("", "stop", 1)
TOKENS = {"tokens": ["Hé"], "token_logprobs": [-0.5], "top_logprobs": None, "text_offset": [0]}
ALL = json.dumps({**HEAD, "choices": [entry("Hé 🙂", "stop")], "usage": USAGE}, ensure_ascii=False).encode()

BODIES: tuple[Body, ...] = (
    _whole("text", chunk("Hel") + chunk("lo") + STOP + FIGURES + DONE, STOP),
    _whole("length", chunk("Once") + LENGTH + DONE, LENGTH),
    _whole("no marker", b": ping\n\n" + chunk("a", stop_reason=None) + STOP, STOP),
    _whole("two", chunk("a") + chunk("x", None, 1) + STOP + chunk("y", None, 1) + SECOND + DONE, SECOND),
    _whole("log probabilities", chunk("Hé", logprobs=TOKENS) + chunk(" 🙂", "stop") + DONE, b'"stop"}]}'),
    _whole("halves", HALVES + STOP, STOP),
    _whole("one object", ALL + b"\n", ALL),
    Body("error", chunk("Hel") + event({"error": ERROR}) + DONE, None),
    Body("no finish", chunk("Hel") + FIGURES, None),
)
