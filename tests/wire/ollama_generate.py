"""ollama-generate, as Ollama writes it: PROTOCOLS section 4.1."""

import json
from typing import Any

from tests.wire.body import Body, whole_after

_HEAD = {"model": "m:8b", "created_at": "2026-11-20T10:00:00Z"}


def _line(**fields: Any) -> bytes:
    return json.dumps({**_HEAD, **fields}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


_TEXT = (
    _line(response="The weir ", done=False)
    + _line(response="holds — 漢字 🌊", done=False)
    + _line(response="", done=True, done_reason="stop", context=[1, 2, 3], prompt_eval_count=12, eval_count=9)
)

_THINKING = (
    _line(response="", thinking="Hm, ", done=False)
    + _line(response="", thinking="yes.", done=False)
    + _line(response="Yes", done=False)
    + _line(response=".", done=True, done_reason="length", eval_count=5, total_duration=900)
)

_WHOLE = _line(
    response="Both, 🙂.", done=True, done_reason="stop", prompt_eval_count=3, eval_count=4
).rstrip()

_ERROR = (
    _line(response="So far", done=False) + b'{"error":"an error was encountered while running the model"}\n'
)

BODIES: tuple[Body, ...] = (
    whole_after("text", _TEXT, b"}"),
    whole_after("thinking, cut by length", _THINKING, b"}"),
    whole_after("a whole answer, not streamed", _WHOLE, b"}"),
    Body("an error in mid-stream", _ERROR, None),
)
