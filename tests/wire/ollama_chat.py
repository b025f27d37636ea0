"""ollama-chat, as Ollama writes it: PROTOCOLS section 4.1."""

import json
from typing import Any

from tests.wire.body import Body, whole_after

_HEAD = {"model": "m:8b", "created_at": "2026-11-20T10:00:00.123456789Z"}
_FIGURES = {
    "total_duration": 900,
    "load_duration": 100,
    "prompt_eval_count": 12,
    "prompt_eval_duration": 200,
    "eval_count": 9,
    "eval_duration": 500,
}


def _line(value: dict[str, Any], *, ascii_only: bool = False) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode() + b"\n"


def _said(content: str = "", **more: Any) -> bytes:
    return _line({**_HEAD, "message": {"role": "assistant", "content": content, **more}, "done": False})


def _last(reason: str | None = "stop", content: str = "", **more: Any) -> bytes:
    reasons = {} if reason is None else {"done_reason": reason}
    message = {"role": "assistant", "content": content, **more}
    return _line({**_HEAD, "message": message, "done": True, **reasons, **_FIGURES})


def _calls(*calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"id": f"call_{at}", "function": {"index": at, "name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(calls)
    ]


_TEXT = _said("The weir ") + _said("holds.") + _last()

_THINKING_AND_CALLS = (
    _said(thinking="Two cities, ")
    + _said(thinking="two calls.")
    + _said("I ask.")
    + _said(
        tool_calls=_calls(("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "東京 🗼", "days": 2}))
    )
    + _last()
)

_UNICODE = (
    _said("naïve — 漢字 \u2028")
    + _line({**_HEAD, "message": {"content": "a\ud83d"}, "done": False}, ascii_only=True)
    + _line({**_HEAD, "message": {"content": "\ude00 𝄞"}, "done": False}, ascii_only=True)
    + _last("length", "!")
).replace(b"\n", b"\r\n")

_WHOLE = _last(None, "Both, 🙂.", thinking="Why not?", tool_calls=_calls(("f", {}))).rstrip()

_ERROR = _said("So far") + _line({"error": "llama runner process has terminated: exit status 2"})

BODIES: tuple[Body, ...] = (
    whole_after("text", _TEXT, b"}"),
    whole_after("thinking, text and parallel calls", _THINKING_AND_CALLS, b"}"),
    whole_after("unicode, halves of pairs, CRLF, cut by length", _UNICODE, b"}"),
    whole_after("a whole answer, not streamed", _WHOLE, b"}"),
    Body("an error in mid-stream", _ERROR, None),
)
